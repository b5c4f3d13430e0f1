-- title: ISO or IMG in the registry's list of recent documents (RecentDocs)
-- attack: T1566.001, T1204.002
-- source: Splunk windows_phishing_recent_iso_exec_registry cb38ee66. Wider by the list as the
--   user's hive holds it
-- misses: VHD and VHDX, images mounted without Explorer, a list that was emptied
-- parameters: lookback and as-of limit time_utc (seen_reach); neither set: all rows
WITH told AS (
  SELECT
    coalesce(utc_time, time_utc) AS time_utc, host, target_object AS place, NULL AS name, image AS process_path,
    'sysmon_registry' AS log, source_id, record_offset::VARCHAR AS row_address
  FROM sysmon_registry
  WHERE damaged IS NOT TRUE
    AND regexp_matches(lower(target_object), '\\currentversion\\explorer\\recentdocs\\\.(iso|img)(\\|$)')
  UNION ALL
  SELECT
    timestamp_utc, host, registry_key, registry_value_name, initiating_process_folder_path,
    'mde_device_registry_events', source_id, row_address::VARCHAR
  FROM mde_device_registry_events
  WHERE regexp_matches(lower(registry_key), '\\currentversion\\explorer\\recentdocs\\\.(iso|img)$')
  UNION ALL
  SELECT opened_utc, host, key_path, name, NULL, 'recent_doc', source_id, "offset"::VARCHAR
  FROM recent_doc
  WHERE lower(extension) IN ('.iso', '.img')
)
SELECT t.*
FROM told t, seen_reach r
-- only the newest entry of a list has a time in the hive
WHERE t.time_utc IS NULL OR (t.time_utc > r.since_utc AND t.time_utc <= r.until_utc)
ORDER BY ALL
