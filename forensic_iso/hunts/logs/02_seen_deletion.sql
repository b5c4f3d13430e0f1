-- seen_deletion: deletions of files and streams: Sysmon 23 and 26, and Defender's DeviceFileEvents.
-- path: what was deleted; process_path, program (name in lower case): who did it.
-- Misses: deletions without a log; damaged records.
WITH told AS (
  SELECT
    coalesce(utc_time, time_utc) AS time_utc, host, target_filename AS path, image AS process_path,
    "user" AS user_name, 'sysmon_file_delete' AS log, source_id, record_offset::VARCHAR AS row_address
  FROM sysmon_file_delete
  WHERE damaged IS NOT TRUE
  UNION ALL
  SELECT
    timestamp_utc, host, folder_path, initiating_process_folder_path,
    concat_ws('\', initiating_process_account_domain, initiating_process_account_name),
    'mde_device_file_events', source_id, row_address::VARCHAR
  FROM mde_device_file_events
  WHERE lower(action_type) = 'filedeleted'
  QUALIFY row_number() OVER (
    PARTITION BY device_name, timestamp_utc, report_id, folder_path ORDER BY source_id, row_address
  ) = 1
)
SELECT t.*, lower(regexp_extract(t.process_path, '([^\\/]*)$', 1)) AS program
FROM told t, seen_reach r
WHERE t.time_utc > r.since_utc AND t.time_utc <= r.until_utc
