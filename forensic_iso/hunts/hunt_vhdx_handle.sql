-- title: Handle on a VHDX opened (VHDMP 12, type 2)
-- attack: T1553.005
-- source: Hayabusa, VHDMP 12 VHDX 2c544083 (published without a technique)
-- misses: old form of the record without a type. WSL, Hyper-V and profile containers are hits; a
--   handle is no mount (information_only)
-- parameters: lookback and as-of limit time_utc (seen_reach); neither set: all rows
SELECT time_utc, host, image, account, information_only, status, log, source_id, row_address
FROM seen_image_handle
WHERE event_id = 12 AND vhd_type = 2
ORDER BY ALL
