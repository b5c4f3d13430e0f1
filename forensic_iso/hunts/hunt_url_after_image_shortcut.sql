-- title: Web address on a command line within twenty minutes of a shortcut to an ISO among the
--   recent files
-- attack: T1204.001
-- source: community KQL, URL opened from an ISO; there over DeviceEvents BrowserLaunchedToOpenUrl,
--   here also over command lines
-- misses: chance is a hit; addresses that no command line holds (a running browser takes them
--   over), later ones, IMG, VHD and VHDX
-- parameters: lookback and as-of limit time_utc (seen_reach); neither set: all rows
WITH shortcut AS (
  SELECT time_utc, host, path, log, source_id, row_address FROM seen_file WHERE ends_with(file, 'iso.lnk')
), address AS (
  SELECT
    time_utc, host, regexp_extract(command_line, '(?i)(https?://[^\s"'']+)', 1) AS url, path AS process_path,
    log, source_id, row_address
  FROM seen_process
  WHERE regexp_matches(command_line, '(?i)https?://')
  UNION ALL
  SELECT
    e.timestamp_utc, e.host, e.remote_url, e.initiating_process_folder_path,
    'mde_device_events', e.source_id, e.row_address::VARCHAR
  FROM mde_device_events e, seen_reach r
  WHERE e.action_type = 'BrowserLaunchedToOpenUrl' AND starts_with(lower(e.remote_url), 'http')
    AND e.timestamp_utc > r.since_utc AND e.timestamp_utc <= r.until_utc
)
SELECT
  a.time_utc, a.host, a.url, s.path AS shortcut, s.time_utc AS shortcut_utc, a.process_path,
  s.log AS shortcut_log, s.source_id AS shortcut_source_id, s.row_address AS shortcut_row_address,
  a.log, a.source_id, a.row_address
FROM shortcut s
JOIN address a ON a.host = s.host
  -- both ends inclusive
  AND a.time_utc BETWEEN s.time_utc AND s.time_utc + INTERVAL 20 MINUTE
-- several records tell of one shortcut: the last before the address
QUALIFY row_number() OVER (
  PARTITION BY a.log, a.source_id, a.row_address ORDER BY s.time_utc DESC, s.log, s.source_id, s.row_address
) = 1
ORDER BY ALL
