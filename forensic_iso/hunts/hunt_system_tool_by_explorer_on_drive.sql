-- title: Explorer starts a shell or another tool of Windows with its working directory on D:, E: or
--   F:
-- attack: T1218, T1059
-- source: Elastic detection-rules, suspicious_execution_from_mounted_device 8a1d4831
-- misses: letters from G: on, programs that lie on the drive, Security 4688, which has no working
--   directory; the published rule also asks the kind of device, which no log of Windows has
-- parameters: lookback and as-of limit time_utc (seen_reach); neither set: all rows
SELECT time_utc, host, path, command_line, current_directory, parent_path, user_name, log, source_id, row_address
FROM seen_process
WHERE starts_with(lower(path), 'c:\') AND parent_program = 'explorer.exe'
  AND regexp_matches(lower(current_directory), '^[def]:\\')
  AND program IN (
    'rundll32.exe', 'mshta.exe', 'powershell.exe', 'pwsh.exe', 'cmd.exe', 'regsvr32.exe', 'cscript.exe', 'wscript.exe',
    'certutil.exe', 'bitsadmin.exe', 'msiexec.exe', 'wmic.exe', 'schtasks.exe', 'msbuild.exe'
  )
ORDER BY ALL
