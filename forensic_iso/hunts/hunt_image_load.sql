-- title: Module loaded from a non-C: drive within a minute of a LNK opened there (every pair)
-- attack: T1204.002, T1553.005
-- source: own sibling of the published hunt over DeviceImageLoadEvents. One row per pair of
--   a LNK row and a module row; finds rundll32 on C: with a DLL on the drive.
-- misses: scripts, programs started from the drive without a module event, loads later than
--   a minute.
-- parameters: lookback (30 days unless set), as-of (newest row of both tables unless set); rows after a
--   given as-of stay, as in the query, which knows no upper end
WITH moment AS (
  -- the query's moment and reach: newest row of both tables and 30 days, unless set
  SELECT
    coalesce(
      (SELECT max(as_of) FROM hunt_parameter),
      greatest(
        (SELECT max(timestamp_utc) FROM mde_device_events),
        (SELECT max(timestamp_utc) FROM mde_device_image_load_events)
      )
    ) AS as_of,
    coalesce((SELECT max(days) FROM hunt_parameter), 30) AS days
), lnk_row AS (
  SELECT *, left(remote_url, greatest(strpos(remote_url, '\') - 1, 0)) AS drive
  FROM mde_device_events
  WHERE timestamp_utc > (SELECT as_of - to_days(days) FROM moment)  -- strict
    AND action_type = 'BrowserLaunchedToOpenUrl'                    -- case-sensitive
    AND ends_with(lower(remote_url), '.lnk') AND NOT starts_with(lower(remote_url), 'c:')
), lnk AS (
  -- a row exported twice, in files that overlap, counts once
  SELECT * EXCLUDE (source_id, row_address),
    min(struct_pack(source_id, row_address)) AS first_row
  FROM lnk_row WHERE drive <> '' GROUP BY ALL
), proc_row AS (
  SELECT *,
    left(coalesce(folder_path, ''), greatest(strpos(coalesce(folder_path, ''), '\') - 1, 0))
      AS drive
  FROM mde_device_image_load_events
  WHERE timestamp_utc > (SELECT as_of - to_days(days) FROM moment)  -- strict
    AND NOT starts_with(lower(coalesce(folder_path, '')), 'c:')
), proc AS (
  SELECT * EXCLUDE (source_id, row_address),
    min(struct_pack(source_id, row_address)) AS first_row
  FROM proc_row GROUP BY ALL
)
SELECT
  l.timestamp_utc AS "LNKLaunchTimestamp",
  p.timestamp_utc AS "ImageLoadTimestamp",
  l.device_name AS "DeviceName",
  l.remote_url AS "RemoteUrl",
  l.drive AS "Drive",
  p.file_name AS "ModuleName",
  p.sha1 AS "ModuleSHA1",
  p.folder_path AS "ModulePath",
  p.initiating_process_file_name AS "ProcessName",
  p.initiating_process_command_line AS "ProcessCommandline",
  p.initiating_process_folder_path AS "ProcessFolderPath",
  p.initiating_process_parent_file_name AS "ProcessParentName",
  p.timestamp_utc AS "Timestamp"
FROM lnk l
JOIN proc p ON p.device_name = l.device_name AND p.drive = l.drive  -- case-sensitive
-- both ends inclusive
WHERE p.timestamp_utc BETWEEN l.timestamp_utc AND l.timestamp_utc + INTERVAL 1 MINUTE
ORDER BY ALL
