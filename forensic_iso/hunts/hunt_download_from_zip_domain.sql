-- title: File that came from a host under the top-level domain .zip, by its mark
-- attack: T1566.002
-- source: SigmaHQ create_stream_hash_zip_tld_download 0bb4bbeb (published without a technique).
--   Wider by images
-- misses: extensions not listed, marks without a URL, removed marks; a folder named x.zip in a URL
--   is a hit too
-- parameters: lookback and as-of limit time_utc (seen_reach); neither set: all rows
SELECT time_utc, host, path, zone_id, host_url, process_path, log, source_id, row_address
FROM seen_mark
WHERE contains(text, '.zip/')
  AND regexp_matches(
    file,
    '\.(bat|dat|dll|docm?|exe|hta|pptm|ps1|rar|rtf|sct|vbe|vbs|wsf?|xll|xlsm?|zip|iso|img|vhdx?)$'
  )
ORDER BY ALL
