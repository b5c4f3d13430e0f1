-- title: Handle on an ISO or IMG opened (VHDMP 12, type 3)
-- attack: T1553.005
-- source: Hayabusa, VHDMP 12 ISO f9915ff9 (published without a technique)
-- misses: old form of the record without a type, drivers other than Windows' own. A handle is no
--   mount: those that can only ask for information are hits, and said so in information_only
-- parameters: lookback and as-of limit time_utc (seen_reach); neither set: all rows
SELECT time_utc, host, image, account, information_only, status, log, source_id, row_address
FROM seen_image_handle
WHERE event_id = 12 AND vhd_type = 3
ORDER BY ALL
