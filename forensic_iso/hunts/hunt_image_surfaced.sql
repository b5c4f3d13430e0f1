-- title: Image surfaced as a disk or drive (VHDMP 1)
-- attack: T1553.005
-- source: Sigma pull request 3889, win_vhdmp_mount_iso (in no release)
-- misses: drivers other than Windows' own, a channel that was off, full or cleared; who mounted it:
--   the record is the kernel's
-- parameters: lookback and as-of limit time_utc (seen_reach); neither set: all rows
SELECT time_utc, host, image, account, log, source_id, row_address
FROM seen_image_handle
WHERE event_id = 1
ORDER BY ALL
