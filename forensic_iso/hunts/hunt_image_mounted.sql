-- title: Image mounted, by all logs together (mount_session), disks of the system left out
-- attack: T1553.005
-- source: Atomic T1553.005 test 1: mount of an ISO
-- misses: what the correlation could not see: drivers other than Windows' own, logs that are not
--   there
-- parameters: lookback and as-of limit time_utc (seen_reach); neither set: all rows
WITH opening AS (
  -- the first record that opened or closed the session
  SELECT subject_id, min(struct_pack(table_name, source_id, row_address)) AS reference
  FROM evidence_ref
  WHERE step = 'mounted'
  GROUP BY subject_id
)
SELECT
  s.opened_utc AS time_utc, s.host, s.image_path, s.volume, s.closed_utc, s.close_basis, s.confidence, s.user_sid AS account,
  s.session_id, o.reference.table_name AS log, o.reference.source_id AS source_id,
  o.reference.row_address AS row_address
FROM mount_session s
LEFT JOIN opening o ON o.subject_id = s.session_id, seen_reach r
WHERE s.noise_reason IS NULL
  AND (s.opened_utc IS NULL OR (s.opened_utc > r.since_utc AND s.opened_utc <= r.until_utc))
ORDER BY ALL
