-- title: Command line with a file below a name that ends like an archive or image (x.iso\y.exe)
-- attack: T1204.002, T1036.008
-- source: Splunk suspicious_process_executed_from_container_file d8120352
-- misses: real mounts, which have a letter; arguments after the file, extensions not listed, starts
--   without a command line
-- parameters: lookback and as-of limit time_utc (seen_reach); neither set: all rows
SELECT time_utc, host, path, command_line, parent_path, user_name, log, source_id, row_address
FROM seen_process
WHERE regexp_matches(
  command_line,
  '(?i)\.(zip|iso|img|cab|tar|gz|rar|7z)\\.+\.(bat|bin|cab|cmd|com|cpl|ex_|exe|gadget|inf1|ins|inx|html?|isu|jar|job|jse?'
  || '|lnk|msc|msi|msp|mst|paf|pif|ps1|reg|rgs|scr|sct|shb|shs|u3p|vb|vbe|vbs|vbscript|ws|wsf|wsh)"?$'
)
ORDER BY ALL
