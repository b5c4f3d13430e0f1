-- title: Program that lies on a mounted image was started
-- attack: T1204.002, T1553.005
-- source: Atomic T1553.005 test 2: mount of an ISO and start of a program on it
-- misses: programs on C: that load or run something on the image, starts that no log holds
-- parameters: lookback and as-of limit time_utc (seen_reach); neither set: all rows
SELECT time_utc, host, image_path, path, command_line, parent_path, user_name, log, source_id, row_address
FROM seen_image_run
WHERE on_volume
ORDER BY ALL
