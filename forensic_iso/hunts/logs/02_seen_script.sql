-- seen_script: PowerShell that ran or was typed: script blocks (4104), parts joined, and lines of the console's history.
-- text: the script; lower_text: the same in lower case. row_address: of the first part that is there.
-- time_utc: first part logged; NULL in the history, which keeps no times (such rows are always inside the reach).
-- Misses: parts of a block that are not in the log; PowerShell 2, which logs no blocks; damaged records.
WITH told AS (
  SELECT
    min(time_utc) AS time_utc, host,
    string_agg(script_block_text, '' ORDER BY message_number) AS text,
    max(nullif("path", '')) AS script_path, min(user_sid) AS account, script_block_id,
    'powershell_script_block' AS log, source_id, min(record_offset)::VARCHAR AS row_address
  FROM powershell_script_block
  WHERE damaged IS NOT TRUE
  GROUP BY host, source_id, execution_process_id, script_block_id
  UNION ALL
  SELECT NULL, host, command, NULL, profile_user, NULL, 'powershell_history', source_id, "offset"::VARCHAR
  FROM powershell_history
)
SELECT t.*, lower(t.text) AS lower_text
FROM told t, seen_reach r
WHERE t.time_utc IS NULL OR (t.time_utc > r.since_utc AND t.time_utc <= r.until_utc)
