-- title: rundll32, regsvr32, odbcconf or certoc, just started, loads an untrusted DLL from a
--   mounted drive
-- attack: T1218.010, T1218.011
-- source: Elastic protections-artifacts, suspicious_imageload_from_an_iso_mounted_device 779b9502.
--   Wider: below the root, too
-- misses: sideloading by other programs, loads later than a minute after the start, parents not
--   listed, modules where Sysmon 7 is off, Defender's export, which has no process GUID; fixed data
--   drives are hits
-- parameters: lookback and as-of limit time_utc (seen_reach); neither set: all rows
SELECT
  m.time_utc, m.host, m.path AS module, m.trusted, m.process_path, p.command_line, p.parent_path, m.user_name,
  p.log AS start_log, p.source_id AS start_source_id, p.row_address AS start_row_address,
  m.log, m.source_id, m.row_address
FROM seen_process p
JOIN seen_module m ON m.host = p.host AND m.process_guid = p.process_guid
  -- both ends inclusive
  AND m.time_utc BETWEEN p.time_utc AND p.time_utc + INTERVAL 1 MINUTE
WHERE p.program IN ('rundll32.exe', 'regsvr32.exe', 'odbcconf.exe', 'certoc.exe')
  AND p.parent_program IN ('cmd.exe', 'explorer.exe', 'powershell.exe', 'winrar.exe', '7zfm.exe')
  AND m.trusted IS NOT TRUE
  AND coalesce(lower(m.user_name), '') NOT IN (
    'nt authority\system', 'nt authority\local service', 'nt authority\network service'
  )
  AND regexp_matches(lower(m.path), '^(\\device\\cdrom|[d-z]:\\)')
ORDER BY ALL
