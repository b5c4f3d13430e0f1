-- title: Autostart entry made by something run from an image or its descendants, within five
--   minutes of the maker's start
-- attack: T1547.001
-- source: Elastic protections-artifacts,
--   persistence_via_a_process_from_a_removable_or_mounted_iso_device 0cdf1d24. Without USB devices;
--   wider: all keys and folders of rules.toml, services and tasks, and scripts and DLLs run by
--   tools on C:
-- misses: entries made later, entries that no log ties to their maker
-- parameters: lookback and as-of limit time_utc (seen_reach); neither set: all rows
WITH act AS (
  SELECT DISTINCT ON (f.follow_on_id)
    f.*, i.image_path, i.target, i.time_utc AS started_utc, i.path, i.command_line
  FROM follow_on f
  JOIN seen_image_run i ON i.host = f.host AND i.process_key = f.process_key
  JOIN seen_reach w ON f.time_utc > w.since_utc AND f.time_utc <= w.until_utc
  -- both ends inclusive
  WHERE f.time_utc BETWEEN i.time_utc AND i.time_utc + INTERVAL 5 MINUTE
    AND f.kind = 'persistence'
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
