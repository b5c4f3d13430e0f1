-- title: PowerShell that mounts an image, asks for its letter and opens something there
-- attack: T1553.005
-- source: SigmaHQ posh_ps_run_from_mount_diskimage 902cedee
-- misses: steps in blocks of their own, Start-Process, & and every call but Invoke-Item
-- parameters: lookback and as-of limit time_utc (seen_reach); neither set: all rows
SELECT time_utc, host, left(text, 500) AS script, script_path, account, log, source_id, row_address
FROM seen_script
WHERE contains(lower_text, 'mount-diskimage ') AND contains(lower_text, '-imagepath ')
  AND contains(lower_text, 'get-volume') AND contains(lower_text, '.driveletter')
  AND contains(lower_text, 'invoke-item ') AND contains(lower_text, '):\')
ORDER BY ALL
