-- title: Event log cleared (Security 1102, System 104)
-- attack: T1685.005
-- source: SigmaHQ win_security_audit_log_cleared d99b79d2. Wider by System 104, which names the
--   other logs
-- misses: why; records removed one by one, logs that were deleted as files, Security 517 of Windows
--   XP
-- parameters: lookback and as-of limit time_utc (seen_reach); neither set: all rows
WITH told AS (
  SELECT
    time_utc, host, 'Security' AS cleared_channel, concat_ws('\', subject_domain_name, subject_user_name) AS user_name,
    'security_log_cleared' AS log, source_id, record_offset::VARCHAR AS row_address
  FROM security_log_cleared
  WHERE damaged IS NOT TRUE
  UNION ALL
  SELECT
    time_utc, host, cleared_channel, concat_ws('\', subject_domain_name, subject_user_name),
    'system_log_cleared', source_id, record_offset::VARCHAR
  FROM system_log_cleared
  WHERE damaged IS NOT TRUE
)
SELECT t.*
FROM told t, seen_reach r
WHERE t.time_utc > r.since_utc AND t.time_utc <= r.until_utc
ORDER BY ALL
