-- title: Archiver that starts a program for disk images
-- attack: T1566.001
-- source: SigmaHQ proc_creation_win_susp_archiver_iso_phishing fcdf69e5 (published under T1566)
-- misses: Explorer, which mounts by itself and starts no process, other archivers and image
--   programs
-- parameters: lookback and as-of limit time_utc (seen_reach); neither set: all rows
SELECT time_utc, host, path, command_line, parent_path, user_name, log, source_id, row_address
FROM seen_process
WHERE parent_program IN ('winrar.exe', '7zfm.exe', 'peazip.exe')
  AND program IN ('isoburn.exe', 'poweriso.exe', 'imgburn.exe')
ORDER BY ALL
