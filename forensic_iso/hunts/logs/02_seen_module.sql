-- seen_module: modules loaded by processes, one row per row of Sysmon 7 and Defender's DeviceImageLoadEvents.
-- path: the module; process_path, program (name in lower case): what loaded it.
-- trusted: signed and valid (Sysmon); NULL: the log has no signature (Defender's export).
-- Misses: loads that were not logged (Sysmon 7 is off unless configured); damaged records.
WITH told AS (
  SELECT
    coalesce(utc_time, time_utc) AS time_utc, host, image_loaded AS path, hashes,
    signed AND lower(coalesce(signature_status, 'valid')) = 'valid' AS trusted,
    image AS process_path, NULL AS process_command_line, NULL AS parent_program, process_id AS pid, process_guid,
    "user" AS user_name, NULL AS account_sid,
    'sysmon_image_load' AS log, source_id, record_offset::VARCHAR AS row_address
  FROM sysmon_image_load
  WHERE damaged IS NOT TRUE
  UNION ALL
  SELECT
    timestamp_utc, host, folder_path, sha1, NULL, initiating_process_folder_path, initiating_process_command_line,
    initiating_process_parent_file_name, initiating_process_id, NULL,
    concat_ws('\', initiating_process_account_domain, initiating_process_account_name),
    initiating_process_account_sid, 'mde_device_image_load_events', source_id, row_address::VARCHAR
  FROM mde_device_image_load_events
  QUALIFY row_number() OVER (
    PARTITION BY device_name, timestamp_utc, report_id, folder_path, initiating_process_id
    ORDER BY source_id, row_address
  ) = 1
)
SELECT
  t.*, regexp_extract(t.path, '([^\\/]*)$', 1) AS module,
  lower(regexp_extract(t.process_path, '([^\\/]*)$', 1)) AS program
FROM told t, seen_reach r
WHERE t.time_utc > r.since_utc AND t.time_utc <= r.until_utc
