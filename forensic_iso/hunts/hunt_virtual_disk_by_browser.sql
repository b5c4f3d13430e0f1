-- title: VHD or VHDX written by a browser
-- attack: T1566.002
-- source: SigmaHQ file_event_win_vhd_download_via_browsers 8468111a (published under T1587.001)
-- misses: mail and chat programs, ISO and IMG, browsers not listed, a $MFT without a log, which
--   names no writer
-- parameters: lookback and as-of limit time_utc (seen_reach); neither set: all rows
SELECT time_utc, host, path, process_path, log, source_id, row_address
FROM seen_file
WHERE contains(file, '.vhd')
  AND program IN (
    'brave.exe', 'chrome.exe', 'firefox.exe', 'iexplore.exe', 'maxthon.exe', 'microsoftedge.exe', 'msedge.exe',
    'msedgewebview2.exe', 'opera.exe', 'safari.exe', 'seamonkey.exe', 'vivaldi.exe', 'whale.exe'
  )
ORDER BY ALL
