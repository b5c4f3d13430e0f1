-- title: Zone.Identifier stream deleted (usual: by Explorer, PowerShell, Chrome or Firefox in their
--   places)
-- attack: T1553.005, T1070.004
-- source: SigmaHQ file_delete_win_zone_identifier_ads_uncommon 3109530e (the rows with usual =
--   false) and its hunting rule 7eac0a16 (all); Elastic 757371cd (marks of .exe and .msi: column
--   program_file); Atomic T1553.005 test 3
-- misses: copies by way of FAT or an archive, Sysmon without 23 and 26, marks that were overwritten
-- parameters: lookback and as-of limit time_utc (seen_reach); neither set: all rows
SELECT
  time_utc, host, path, process_path,
  coalesce(
    lower(process_path) IN (
      'c:\program files\powershell\7-preview\pwsh.exe', 'c:\program files\powershell\7\pwsh.exe', 'c:\windows\explorer.exe',
      'c:\windows\system32\windowspowershell\v1.0\powershell.exe', 'c:\windows\syswow64\explorer.exe',
      'c:\windows\syswow64\windowspowershell\v1.0\powershell.exe',
      'c:\program files (x86)\google\chrome\application\chrome.exe', 'c:\program files\google\chrome\application\chrome.exe',
      'c:\program files (x86)\mozilla firefox\firefox.exe', 'c:\program files\mozilla firefox\firefox.exe'
    ), FALSE
  ) AS usual,
  regexp_matches(lower(path), '\.(exe|msi):zone\.identifier') AS program_file,
  user_name, log, source_id, row_address
FROM seen_deletion
WHERE regexp_matches(lower(path), ':zone\.identifier(:\$data)?$')
ORDER BY ALL
