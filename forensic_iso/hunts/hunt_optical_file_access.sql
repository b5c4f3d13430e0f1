-- title: File on an optical drive opened, real or image (Security 4663 on \Device\CdRom)
-- attack: T1566.001
-- source: SigmaHQ win_security_iso_mount 0248a7bc
-- misses: hosts without the audit of removable storage, VHD and VHDX; setup.exe, setup64.exe and
--   autorun.ico in the root of CdRom0, as published, whoever made them
-- parameters: lookback and as-of limit time_utc (seen_reach); neither set: all rows
SELECT time_utc, host, object_name AS path, process_name AS process_path, subject_user_name AS user_name,
  'security_object_access' AS log, source_id, record_offset::VARCHAR AS row_address
FROM security_object_access, seen_reach r
WHERE damaged IS NOT TRUE AND event_id = 4663 AND time_utc > r.since_utc AND time_utc <= r.until_utc
  AND lower(object_server) = 'security' AND lower(object_type) = 'file'
  AND starts_with(lower(object_name), '\device\cdrom')
  AND lower(object_name) NOT IN (
    '\device\cdrom0\autorun.ico', '\device\cdrom0\setup.exe', '\device\cdrom0\setup64.exe'
  )
ORDER BY ALL
