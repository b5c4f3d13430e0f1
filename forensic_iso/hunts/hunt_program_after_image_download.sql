-- title: Program started in the root of a drive within five minutes of an ISO or IMG that was
--   downloaded
-- attack: T1566.001, T1204.002
-- source: Elastic protections-artifacts, execution_from_a_downloaded_iso_file df9cc41e; setup.exe
--   is no exception here: the log has no signature to excuse it by
-- misses: folders below the root, VHD and VHDX, parents other than Explorer, cmd and PowerShell,
--   starts later than five minutes, working directories elsewhere than a root (where the log has
--   one)
-- parameters: lookback and as-of limit time_utc (seen_reach); neither set: all rows
WITH image AS (
  SELECT time_utc, host, path, log, source_id, row_address
  FROM seen_file
  WHERE regexp_matches(file, '\.(iso|img)$')
    AND regexp_matches(file, '\\users\\.*(\\downloads\\|\\content\.outlook\\|\\appdata\\local\\temp\\temp._)')
    AND process_path IS DISTINCT FROM 'C:\Windows\System32\dllhost.exe'
  UNION ALL
  SELECT time_utc, host, path, log, source_id, row_address
  FROM seen_mark
  WHERE regexp_matches(file, '\.(iso|img)$') AND zone_id > 1
)
SELECT
  p.time_utc, p.host, i.path AS image_path, i.time_utc AS image_utc, p.path, p.command_line, p.parent_path, p.user_name,
  i.log AS image_log, i.source_id AS image_source_id, i.row_address AS image_row_address, p.log, p.source_id, p.row_address
FROM image i
JOIN seen_process p ON p.host = i.host
  -- both ends inclusive
  AND p.time_utc BETWEEN i.time_utc AND i.time_utc + INTERVAL 5 MINUTE
WHERE p.parent_program IN ('explorer.exe', 'cmd.exe', 'powershell.exe')
  AND (p.current_directory IS NULL OR regexp_matches(p.current_directory, '^[A-Za-z]:\\?$'))
  AND regexp_matches(lower(p.path), '^(\\device\\cdrom[0-9]+\\|[a-z]:\\[^\\]+$)')
-- several records tell of one image: the last before the start
QUALIFY row_number() OVER (
  PARTITION BY p.log, p.source_id, p.row_address ORDER BY i.time_utc DESC, i.log, i.source_id, i.row_address
) = 1
ORDER BY ALL
