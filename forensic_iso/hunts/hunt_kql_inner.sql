-- title: Program started from a non-C: drive within a minute of a LNK opened there (every pair)
-- attack: T1204.002, T1553.005
-- source: Microsoft Sentinel, analytic rule 3539f855 (its twin in the Defender XDR solution), KQL
--   with `join kind=inner`. One row per pair of a LNK row and a process row.
-- misses: programs on C: that load from the drive (rundll32), URLs as file:///E:/x.lnk, UNC and
--   device paths, drive letters or device names spelled in another case, starts
--   later than a minute.
-- parameters: lookback (30 days unless set), as-of (newest row of both tables unless set); rows after a
--   given as-of stay, as in the query, which knows no upper end
WITH moment AS (
  -- the query's moment and reach: newest row of both tables and 30 days, unless set
  SELECT
    coalesce(
      (SELECT max(as_of) FROM hunt_parameter),
      greatest(
        (SELECT max(timestamp_utc) FROM mde_device_events),
        (SELECT max(timestamp_utc) FROM mde_device_process_events)
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
  FROM mde_device_process_events
  WHERE timestamp_utc > (SELECT as_of - to_days(days) FROM moment)  -- strict
    AND NOT starts_with(lower(coalesce(folder_path, '')), 'c:')
), proc AS (
  SELECT * EXCLUDE (source_id, row_address),
    min(struct_pack(source_id, row_address)) AS first_row
  FROM proc_row GROUP BY ALL
)
SELECT
  l.timestamp_utc AS "LNKLaunchTimestamp",
  p.timestamp_utc AS "StartedProcessTimestamp",
  l.device_name AS "DeviceName",
  l.remote_url AS "RemoteUrl",
  l.drive AS "Drive",
  p.file_name AS "StartedProcessName",
  p.sha1 AS "StartedProcessSHA1",
  p.folder_path AS "StartedProcessPath",
  p.process_command_line AS "StartedProcessCommandline",
  p.initiating_process_file_name AS "StartedProcessParentName",
  p.initiating_process_command_line AS "StartedProcessParentCmdline",
  p.initiating_process_folder_path AS "StartedParentProcessFolderPath",
  p.initiating_process_parent_file_name AS "StartedProcessGrandParent",
  p.timestamp_utc AS "Timestamp"
FROM lnk l
JOIN proc p ON p.device_name = l.device_name AND p.drive = l.drive  -- case-sensitive
-- both ends inclusive
WHERE p.timestamp_utc BETWEEN l.timestamp_utc AND l.timestamp_utc + INTERVAL 1 MINUTE
ORDER BY ALL
