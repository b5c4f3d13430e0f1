-- seen_file: files that came into being: Sysmon 11 and 29, Defender's DeviceFileEvents, and names in the $MFT.
-- path: as the source has it ($MFT: from the root, without letter); file: the same in lower case.
-- process_path, program (name in lower case): who wrote it; NULL in the $MFT.
-- $MFT: time_utc is that of the $FILE_NAME attribute: creation, or the last move or renaming.
-- Misses: files that were gone before the collection and that no log told of; $MFT names whose folder is not known.
WITH told AS (
  SELECT
    coalesce(utc_time, time_utc) AS time_utc, host, target_filename AS path, image AS process_path,
    'sysmon_file_create' AS log, source_id, record_offset::VARCHAR AS row_address
  FROM sysmon_file_create
  WHERE damaged IS NOT TRUE
  UNION ALL
  SELECT
    coalesce(utc_time, time_utc), host, target_filename, image,
    'sysmon_file_executable', source_id, record_offset::VARCHAR
  FROM sysmon_file_executable
  WHERE damaged IS NOT TRUE
  UNION ALL
  SELECT
    timestamp_utc, host, folder_path, initiating_process_folder_path,
    'mde_device_file_events', source_id, row_address::VARCHAR
  FROM mde_device_file_events
  WHERE lower(action_type) IN ('filecreated', 'filerenamed')
  QUALIFY row_number() OVER (
    PARTITION BY device_name, timestamp_utc, report_id, folder_path ORDER BY source_id, row_address
  ) = 1
  UNION ALL
  SELECT fn_created_utc, host, path, NULL, 'mft_name', source_id, record_offset::VARCHAR
  FROM mft_name
  -- namespace 2: the short twin of a long name
  WHERE namespace <> 2 AND is_directory IS NOT TRUE AND path_status = 'ok'
)
SELECT
  t.*, lower(t.path) AS file, lower(regexp_extract(t.process_path, '([^\\/]*)$', 1)) AS program
FROM told t, seen_reach r
WHERE t.time_utc IS NULL OR (t.time_utc > r.since_utc AND t.time_utc <= r.until_utc)
