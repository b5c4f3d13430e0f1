-- title: wscript or cscript with a script on its command line
-- attack: T1059.005, T1059.007
-- source: SigmaHQ hunting rule proc_creation_win_wscript_cscript_script_exec 1e33157c
-- misses: scripts of another extension (/e:vbscript notes.dat), starts without a command line;
--   logon scripts are hits
-- parameters: lookback and as-of limit time_utc (seen_reach); neither set: all rows
SELECT time_utc, host, path, command_line, current_directory, parent_path, user_name, log, source_id, row_address
FROM seen_process
WHERE (program IN ('wscript.exe', 'cscript.exe') OR lower(original_file_name) IN ('wscript.exe', 'cscript.exe'))
  AND regexp_matches(lower(command_line), '\.(js|jse|vba|vbe|vbs|wsf)')
ORDER BY ALL
