-- title: Program or script that came from a public host for files or texts, by its mark
-- attack: T1564.004, T1105
-- source: SigmaHQ create_stream_hash_file_sharing_domains_download_susp_extension 52182dfb and its
--   twin for other extensions ae02ed70. Wider by images and by marks in the $MFT
-- misses: hosts not listed here, archives and documents, marks without a URL, removed marks
-- parameters: lookback and as-of limit time_utc (seen_reach); neither set: all rows
WITH sharing_host AS (
  SELECT unnest([
    '.githubusercontent.com', 'anonfiles.com', 'cdn.discordapp.com', 'ddns.net', 'dl.dropboxusercontent.com', 'ghostbin.co',
    'glitch.me', 'gofile.io', 'hastebin.com', 'mediafire.com', 'mega.nz', 'onrender.com', 'paste.ee', 'pastebin.com',
    'pastebin.pl', 'pastetext.net', 'privatlab.com', 'privatlab.net', 'send.exploit.in', 'sendspace.com',
    'storage.googleapis.com', 'storjshare.io', 'supabase.co', 'temp.sh', 'transfer.sh', 'ufile.io'
  ]) AS name
)
SELECT m.time_utc, m.host, m.path, m.zone_id, m.host_url, min(s.name) AS sharing_host, m.process_path,
  m.log, m.source_id, m.row_address
FROM seen_mark m
JOIN sharing_host s ON contains(m.text, s.name)
WHERE regexp_matches(m.file, '\.(exe|vbs|vbe|dll|one|hta|lnk|xll|cpl|ps1|bat|cmd|iso|img|vhdx?)$')
GROUP BY ALL
ORDER BY ALL
