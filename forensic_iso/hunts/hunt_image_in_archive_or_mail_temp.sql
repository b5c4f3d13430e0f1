-- title: ISO file written where an opened ZIP or an Outlook attachment unpacks
-- attack: T1566.001
-- source: SigmaHQ file_event_win_iso_file_mount 2f9356ae
-- misses: Downloads and every other folder, IMG, VHD and VHDX, archives that are no .zip, the new
--   Outlook
-- parameters: lookback and as-of limit time_utc (seen_reach); neither set: all rows
SELECT time_utc, host, path, process_path, log, source_id, row_address
FROM seen_file
WHERE ends_with(file, '.iso')
  AND (
    (contains(file, '\appdata\local\temp\') AND contains(file, '.zip\'))
    OR contains(file, '\appdata\local\microsoft\windows\inetcache\content.outlook\')
  )
ORDER BY ALL
