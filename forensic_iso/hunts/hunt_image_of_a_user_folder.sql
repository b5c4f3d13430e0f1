-- title: VHDMP records on an image below C:\Users
-- attack: T1553.005
-- source: Velociraptor artifact exchange, Windows.Detection.ISOMount: events 1, 2, 12, 22 and 23
--   (published without a technique)
-- misses: images on shares and on other drives; 12, 22 and 23 are no mounts by themselves
-- parameters: lookback and as-of limit time_utc (seen_reach); neither set: all rows
SELECT time_utc, host, event_id, image, account, information_only, log, source_id, row_address
FROM seen_image_handle
WHERE event_id IN (1, 2, 12, 22, 23) AND starts_with(lower(image), 'c:\users\')
ORDER BY ALL
