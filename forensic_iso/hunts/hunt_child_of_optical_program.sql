-- title: Program started by one that lies on the drive CdRom0 or on a mounted image
-- attack: T1204.002
-- source: Elastic protections-artifacts, suspicious_execution_via_a_mounted_image_file 9401d27c
--   (T1566.001). Wider: any CdRom, and parents whose letter the correlation gives to an image; a
--   valid signature excuses nothing, the logs have none
-- misses: grandchildren, children in Program Files or on the image itself, setup.tmp in Temp under
--   a setup.exe, as published
-- parameters: lookback and as-of limit time_utc (seen_reach); neither set: all rows
WITH child AS (
  SELECT p.*
  FROM seen_process p
  WHERE starts_with(lower(p.parent_path), '\device\cdrom')
    OR EXISTS (
      SELECT 1
      FROM mount_session s
      WHERE s.host = p.host AND s.noise_reason IS NULL AND starts_with(lower(p.parent_path), lower(s.volume) || '\')
        AND p.time_utc >= s.opened_utc AND (s.closed_utc IS NULL OR p.time_utc <= s.closed_utc)
    )
)
SELECT time_utc, host, path, command_line, parent_path, parent_command_line, user_name, log, source_id, row_address
FROM child
WHERE NOT regexp_matches(lower(path), '^[a-z]:\\program files( \(x86\))?\\')
  -- the same volume: the first two letters, or the device
  AND regexp_extract(lower(path), '^([a-z]:|\\device\\cdrom[0-9]+)', 1)
    <> regexp_extract(lower(parent_path), '^([a-z]:|\\device\\cdrom[0-9]+)', 1)
  AND NOT (parent_program = 'setup.exe' AND regexp_matches(lower(path), '\\appdata\\local\\temp\\.*\.tmp\\setup\.tmp$'))
  AND NOT regexp_matches(lower(path), '^[a-z]:\\windows\\regtlib\.exe$')
ORDER BY ALL
