-- title: Name asked for by something run from an image, within five minutes of its start
-- attack: T1071.004, T1204.002
-- source: Elastic protections-artifacts, suspicious_dns_query_from_mounted_virtual_disk 3bc98de7.
--   Wider: every name, where the published rule has a list of services, and scripts and DLLs run by
--   tools on C:
-- misses: names asked later than five minutes, children's names, hosts without Sysmon 22
-- parameters: lookback and as-of limit time_utc (seen_reach); neither set: all rows
WITH act AS (
  SELECT DISTINCT ON (f.follow_on_id)
    f.*, i.image_path, i.target, i.time_utc AS started_utc, i.path, i.command_line
  FROM follow_on f
  JOIN seen_image_run i ON i.host = f.host AND i.process_key = f.process_key
  JOIN seen_reach w ON f.time_utc > w.since_utc AND f.time_utc <= w.until_utc
  -- both ends inclusive
  WHERE f.time_utc BETWEEN i.time_utc AND i.time_utc + INTERVAL 5 MINUTE
    AND f.kind = 'dns'
    AND i.generation = 0
  ORDER BY f.follow_on_id, i.generation, i.execution_id
), record AS (
  -- where the act was logged; the first of several records
  SELECT subject_id, min(struct_pack(table_name, source_id, row_address)) AS reference
  FROM evidence_ref
  WHERE step = 'followed'
  GROUP BY subject_id
)
SELECT
  a.time_utc, a.host, a.kind, a.value, a.detail, a.path, a.command_line, a.started_utc, a.image_path,
  r.reference.table_name AS log, r.reference.source_id AS source_id, r.reference.row_address AS row_address
FROM act a
LEFT JOIN record r ON r.subject_id = a.follow_on_id
ORDER BY ALL
