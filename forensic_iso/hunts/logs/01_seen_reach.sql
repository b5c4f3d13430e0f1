-- seen_reach: one row, the stretch of time that the detections look at: since_utc excluded, until_utc included.
-- From hunt_parameter(as_of, days): no days, no beginning; no as_of, no end. Days without as_of count back from the
-- newest sound row of the event logs and exports that hunts read (as_of_utc), never from the present moment.
-- The four hunts over Defender exports alone have the reach of the published query instead (see their files).
-- Misses: nothing; a row without a time is always inside.
WITH parameter AS (
  SELECT max(as_of) AS as_of, max(days) AS days FROM hunt_parameter
), newest AS (
  SELECT max(stamp) AS stamp
  FROM (
    SELECT max(time_utc) AS stamp FROM sysmon_process_create WHERE damaged IS NOT TRUE
    UNION ALL SELECT max(time_utc) FROM sysmon_image_load WHERE damaged IS NOT TRUE
    UNION ALL SELECT max(time_utc) FROM sysmon_file_create WHERE damaged IS NOT TRUE
    UNION ALL SELECT max(time_utc) FROM sysmon_file_executable WHERE damaged IS NOT TRUE
    UNION ALL SELECT max(time_utc) FROM sysmon_file_delete WHERE damaged IS NOT TRUE
    UNION ALL SELECT max(time_utc) FROM sysmon_stream_create WHERE damaged IS NOT TRUE
    UNION ALL SELECT max(time_utc) FROM sysmon_registry WHERE damaged IS NOT TRUE
    UNION ALL SELECT max(time_utc) FROM security_process_create WHERE damaged IS NOT TRUE
    UNION ALL SELECT max(time_utc) FROM security_object_access WHERE damaged IS NOT TRUE
    UNION ALL SELECT max(time_utc) FROM security_log_cleared WHERE damaged IS NOT TRUE
    UNION ALL SELECT max(time_utc) FROM system_log_cleared WHERE damaged IS NOT TRUE
    UNION ALL SELECT max(time_utc) FROM vhdmp WHERE damaged IS NOT TRUE
    UNION ALL SELECT max(time_utc) FROM powershell_script_block WHERE damaged IS NOT TRUE
    UNION ALL SELECT max(timestamp_utc) FROM mde_device_events
    UNION ALL SELECT max(timestamp_utc) FROM mde_device_process_events
    UNION ALL SELECT max(timestamp_utc) FROM mde_device_image_load_events
    UNION ALL SELECT max(timestamp_utc) FROM mde_device_file_events
    UNION ALL SELECT max(timestamp_utc) FROM mde_device_registry_events
  )
)
SELECT
  coalesce(coalesce(p.as_of, n.stamp) - to_days(p.days), TIMESTAMP_NS '1678-01-01') AS since_utc,
  coalesce(p.as_of, TIMESTAMP_NS '2262-01-01') AS until_utc,
  coalesce(p.as_of, n.stamp) AS as_of_utc,
  p.days
FROM parameter p, newest n
