-- title: PowerShell that calls Mount-DiskImage with a path
-- attack: T1553.005
-- source: SigmaHQ posh_ps_susp_mount_diskimage 29e1c216. Wider by the console's history
-- misses: a path given by position or pipe, WMI, diskpart and Explorer; a text that only defines
--   the call is a hit
-- parameters: lookback and as-of limit time_utc (seen_reach); neither set: all rows
SELECT time_utc, host, left(text, 500) AS script, script_path, account, log, source_id, row_address
FROM seen_script
WHERE contains(lower_text, 'mount-diskimage ') AND contains(lower_text, '-imagepath ')
ORDER BY ALL
