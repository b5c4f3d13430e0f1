-- title: Internet mark put on a program, script, shortcut or document by something that is no
--   browser
-- attack: T1564.004
-- source: SigmaHQ create_stream_hash_creation_internet_file 573df571
-- misses: images and archives, mail programs are hits like any other, browsers copied to a listed
--   name, a $MFT without a log, which names no writer
-- parameters: lookback and as-of limit time_utc (seen_reach); neither set: all rows
SELECT time_utc, host, path, zone_id, host_url, process_path, log, source_id, row_address
FROM seen_mark
WHERE zone_id = 3 AND process_path IS NOT NULL
  AND regexp_matches(file, '\.(exe|scr|bat|cmd|docx|hta|jse|lnk|pptx|ps|reg|sct|vb|wsc|wsf|xlsx)')
  AND NOT program IN (
    'brave.exe', 'maxthon.exe', 'opera.exe', 'safari.exe', 'seamonkey.exe', 'vivaldi.exe', 'whale.exe'
  )
  -- browsers with a fixed place count in it only
  AND NOT regexp_matches(
    lower(process_path),
    '^c:\\program files( \(x86\))?\\(google\\chrome\\application\\chrome|mozilla firefox\\firefox'
    || '|internet explorer\\iexplore|microsoft\\edge\\application\\msedge'
    || '|microsoft\\edgecore\\.*\\(msedge|msedgewebview2))\.exe$'
    || '|^c:\\program files \(x86\)\\microsoft\\edgewebview\\application\\|\\windowsapps\\microsoftedge\.exe$'
  )
ORDER BY ALL
