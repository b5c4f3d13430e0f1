-- title: Shortcut to an image among the recent files of a user
-- attack: T1566.001, T1204.002
-- source: SigmaHQ file_event_win_iso_file_recent 4358e5a5; Splunk windows_iso_lnk_file_creation
--   d7c2c09b. Wider by the $MFT
-- misses: images mounted by PowerShell or a program, images without their extension, a list of
--   recent files that was emptied or is switched off
-- parameters: lookback and as-of limit time_utc (seen_reach); neither set: all rows
SELECT time_utc, host, path, process_path, log, source_id, row_address
FROM seen_file
WHERE contains(file, '\microsoft\windows\recent\') AND regexp_matches(file, '\.(iso|img|vhdx?)\.lnk$')
ORDER BY ALL
