-- title: PowerShell that takes the mark off a file with Unblock-File
-- attack: T1553.005
-- source: SigmaHQ posh_ps_susp_unblock_file 5947497f. Wider by the console's history
-- misses: a path given by position or pipe, every other way to remove a mark
-- parameters: lookback and as-of limit time_utc (seen_reach); neither set: all rows
SELECT time_utc, host, left(text, 500) AS script, script_path, account, log, source_id, row_address
FROM seen_script
WHERE contains(lower_text, 'unblock-file ') AND contains(lower_text, '-path ')
ORDER BY ALL
