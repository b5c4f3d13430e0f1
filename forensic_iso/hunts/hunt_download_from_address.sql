-- title: Program, script, shortcut or image that came from a bare IPv4 address, by its mark
-- attack: T1564.004, T1105
-- source: SigmaHQ create_stream_hash_susp_ip_domains 025bd229. Wider by images and by marks in the
--   $MFT
-- misses: IPv6, archives and documents, marks without a URL, removed marks
-- parameters: lookback and as-of limit time_utc (seen_reach); neither set: all rows
SELECT time_utc, host, path, zone_id, host_url, process_path, log, source_id, row_address
FROM seen_mark
WHERE regexp_matches(text, 'https?://[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}')
  AND regexp_matches(file, '\.(ps1|bat|exe|vbe|vbs|dll|one|cmd|hta|xll|lnk|iso|img|vhdx?)$')
ORDER BY ALL
