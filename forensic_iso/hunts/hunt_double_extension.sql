-- title: File whose true extension hides behind that of a document (invoice.pdf.iso)
-- attack: T1036.007
-- source: SigmaHQ file_event_win_susp_double_extension b4926b47
-- misses: files inside of images and archives, IMG, VHD and VHDX, LNK, blanks before the true
--   extension
-- parameters: lookback and as-of limit time_utc (seen_reach); neither set: all rows
SELECT time_utc, host, path, process_path, log, source_id, row_address
FROM seen_file
WHERE (
    regexp_matches(file, '\.(exe|iso|rar|zip)$')
    AND regexp_matches(file, '\.(docx?|jpg|pdf|pptx?|xlsx?)\.')
  )
  OR regexp_matches(file, '\.(rar|zip)\.exe$')
ORDER BY ALL
