-- title: Command that clears an event log or changes its settings
-- attack: T1685.005, T1685.001
-- source: SigmaHQ proc_creation_win_susp_eventlog_clear cc36992a
-- misses: clearing in the Event Viewer or by API, commands inside of scripts, wevtutil or
--   PowerShell under another name, wevtutil sl under msiexec in System32 or SysWOW64, as published
-- parameters: lookback and as-of limit time_utc (seen_reach); neither set: all rows
SELECT time_utc, host, path, command_line, parent_path, user_name, log, source_id, row_address
FROM seen_process
WHERE (
    (
      program = 'wevtutil.exe'
      AND regexp_matches(lower(command_line), 'clear-log | cl |set-log | sl |lfn:')
    )
    OR (
      program IN ('powershell.exe', 'pwsh.exe')
      AND regexp_matches(lower(command_line), '(clear-eventlog|remove-eventlog|limit-eventlog|clear-winevent) ')
    )
    OR (
      program IN ('powershell.exe', 'pwsh.exe', 'wmic.exe') AND contains(lower(command_line), 'cleareventlog')
    )
  )
  AND NOT (
    coalesce(lower(parent_path), '') IN ('c:\windows\syswow64\msiexec.exe', 'c:\windows\system32\msiexec.exe')
    AND contains(lower(command_line), ' sl ')
  )
ORDER BY ALL
