-- seen_process: starts of processes, one row per row of Sysmon 1, Security 4688 and Defender's DeviceProcessEvents.
-- A start that two logs tell is two rows; `log` names the table, source_id and row_address the row in it.
-- path: program with its folder (Defender's FolderPath holds the name already); program: its name in lower case.
-- current_directory and process_guid: Sysmon only; original_file_name: Sysmon and Defender; command_line: where logged.
-- A row of Defender that was exported twice, in files that overlap, is one.
-- Misses: starts the logs do not hold; damaged records.
WITH told AS (
  SELECT
    coalesce(utc_time, time_utc) AS time_utc, host, image AS path, command_line, current_directory,
    original_file_name, hashes, "user" AS user_name, user_sid, process_id AS pid, process_guid,
    parent_image AS parent_path, parent_command_line, NULL AS grandparent,
    'sysmon_process_create' AS log, source_id, record_offset::VARCHAR AS row_address
  FROM sysmon_process_create
  WHERE damaged IS NOT TRUE
  UNION ALL
  SELECT
    time_utc, host, new_process_name, command_line, NULL, NULL, NULL,
    concat_ws('\', subject_domain_name, subject_user_name), subject_user_sid, new_process_id, NULL,
    parent_process_name, NULL, NULL, 'security_process_create', source_id, record_offset::VARCHAR
  FROM security_process_create
  WHERE damaged IS NOT TRUE
  UNION ALL
  SELECT
    timestamp_utc, host, folder_path, process_command_line, NULL,
    process_version_info_original_file_name, sha1,
    concat_ws('\', account_domain, account_name), account_sid, process_id, NULL,
    initiating_process_folder_path, initiating_process_command_line, initiating_process_parent_file_name,
    'mde_device_process_events', source_id, row_address::VARCHAR
  FROM mde_device_process_events
  QUALIFY row_number() OVER (
    PARTITION BY device_name, timestamp_utc, report_id, process_id, folder_path, process_command_line
    ORDER BY source_id, row_address
  ) = 1
)
SELECT
  t.*, lower(regexp_extract(t.path, '([^\\/]*)$', 1)) AS program,
  lower(regexp_extract(t.parent_path, '([^\\/]*)$', 1)) AS parent_program
FROM told t, seen_reach r
WHERE t.time_utc > r.since_utc AND t.time_utc <= r.until_utc
