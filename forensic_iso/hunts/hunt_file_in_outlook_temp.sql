-- title: Script, image, SVG or RDP file written into Outlook's folder for attachments
-- attack: T1566.001
-- source: SigmaHQ file_event_win_office_outlook_susp_file_creation_in_temp_dir fabb0e80
-- misses: IMG, VHD and VHDX, archives and documents, attachments saved elsewhere, other mail
--   programs
-- parameters: lookback and as-of limit time_utc (seen_reach); neither set: all rows
SELECT time_utc, host, path, process_path, log, source_id, row_address
FROM seen_file
WHERE regexp_matches(file, '\.(cpl|hta|iso|rdp|svg|vba|vbe|vbs)$')
  AND (
    contains(file, '\appdata\local\packages\microsoft.outlook_')
    OR contains(file, '\appdata\local\microsoft\olk\attachments\')
    OR (contains(file, '\appdata\local\microsoft\windows\') AND contains(file, '\content.outlook\'))
  )
ORDER BY ALL
