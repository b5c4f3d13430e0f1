-- title: Tool of Windows that runs other code, started with its working directory off C:
-- attack: T1218
-- source: SigmaHQ proc_creation_win_susp_lolbin_exec_from_non_c_drive d4ca7c59 (published without a
--   technique)
-- misses: cmd, PowerShell and tools not listed, Security 4688, which has no working directory; data
--   drives and shares are hits
-- parameters: lookback and as-of limit time_utc (seen_reach); neither set: all rows
SELECT time_utc, host, path, original_file_name, command_line, current_directory, parent_path, user_name,
  log, source_id, row_address
FROM seen_process
WHERE (
    program IN (
      'calc.exe', 'certutil.exe', 'cmstp.exe', 'cscript.exe', 'installutil.exe', 'mshta.exe', 'regsvr32.exe',
      'rundll32.exe', 'wscript.exe'
    )
    OR lower(original_file_name) IN (
      'calc.exe', 'certutil.exe', 'cmstp.exe', 'cscript.exe', 'installutil.exe', 'mshta.exe', 'regsvr32.exe',
      'rundll32.exe', 'wscript.exe'
    )
  )
  AND coalesce(current_directory, '') NOT IN ('', '-') AND NOT contains(lower(current_directory), 'c:\')
ORDER BY ALL
