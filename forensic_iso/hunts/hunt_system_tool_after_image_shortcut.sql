-- title: Tool of Windows started in the root of a drive within a minute of a shortcut to an image
--   among the recent files
-- attack: T1218, T1204.002
-- source: Elastic protections-artifacts, suspicious_execution_from_a_mounted_device 42d2bbfb
-- misses: IMG and VHDX, working directories below the root, starts later than a minute, images
--   mounted without Explorer, Security 4688, which has no working directory
-- parameters: lookback and as-of limit time_utc (seen_reach); neither set: all rows
SELECT
  p.time_utc, p.host, f.path AS shortcut, f.time_utc AS shortcut_utc, p.path, p.command_line, p.current_directory,
  p.user_name, f.log AS shortcut_log, f.source_id AS shortcut_source_id, f.row_address AS shortcut_row_address,
  p.log, p.source_id, p.row_address
FROM seen_file f
JOIN seen_process p ON p.host = f.host
  -- both ends inclusive
  AND p.time_utc BETWEEN f.time_utc AND f.time_utc + INTERVAL 1 MINUTE
WHERE contains(f.file, '\microsoft\windows\recent\') AND regexp_matches(f.file, '\.(iso|vhd)\.lnk$')
  AND regexp_matches(lower(p.current_directory), '^[a-z]:\\?$') AND lower(left(p.current_directory, 2)) <> 'c:'
  AND p.program IN (
    'rundll32.exe', 'regsvr32.exe', 'mshta.exe', 'wscript.exe', 'cscript.exe', 'cmd.exe', 'powershell.exe', 'pwsh.exe',
    'msbuild.exe', 'msiexec.exe', 'certutil.exe', 'bitsadmin.exe', 'wmic.exe', 'installutil.exe', 'odbcconf.exe'
  )
-- several records tell of one shortcut: the last before the start
QUALIFY row_number() OVER (
  PARTITION BY p.log, p.source_id, p.row_address ORDER BY f.time_utc DESC, f.log, f.source_id, f.row_address
) = 1
ORDER BY ALL
