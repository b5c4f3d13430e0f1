-- seen_image_handle: VHDMP records that name an image, with the path in one spelling.
-- image: the path without \\?\ and \??\, UNC paths as \\server\share; account: who opened it, by the record's SID.
-- information_only: the handle can attach nothing (GetInfoOnly, or a mask without the rights 0x30000).
-- Misses: images mounted by other drivers; damaged records; a channel that was off or rolled over.
SELECT
  v.time_utc, v.host, v.event_id, v.channel,
  regexp_replace(
    regexp_replace(v.vhd_file, '(?i)^\\(\\[?.]|\?\?)\\(globalroot\\)?unc\\', '\\\\'),
    '^\\(\\[?.]|\?\?)\\', ''
  ) AS image,
  v.vhd_type, coalesce(v.status, 0) AS status,
  coalesce(v.get_info_only, FALSE) OR (coalesce(v.access_mask, 0) <> 0 AND (v.access_mask & 196608) = 0)
    AS information_only,
  v.user_sid AS account, 'vhdmp' AS log, v.source_id, v.record_offset::VARCHAR AS row_address
FROM vhdmp v, seen_reach r
WHERE v.damaged IS NOT TRUE AND v.vhd_file IS NOT NULL
  AND v.time_utc > r.since_utc AND v.time_utc <= r.until_utc
