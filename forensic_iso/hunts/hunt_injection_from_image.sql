-- title: Another process opened for writing, given a thread or tampered with by something run from
--   an image, within two minutes of its start
-- attack: T1055
-- source: Elastic protections-artifacts, suspicious_windows_api_call_from_virtual_disk_or_usb
--   9d5f965f: its calls are seen by no log of Windows; this looks at their nearest traces, Sysmon
--   8, 10 and 25. Without USB devices
-- misses: code injected into the process itself, hosts without Sysmon 8, 10 and 25, acts later than
--   two minutes, acts of children
-- parameters: lookback and as-of limit time_utc (seen_reach); neither set: all rows
WITH act AS (
  SELECT DISTINCT ON (f.follow_on_id)
    f.*, i.image_path, i.target, i.time_utc AS started_utc, i.path, i.command_line
  FROM follow_on f
  JOIN seen_image_run i ON i.host = f.host AND i.process_key = f.process_key
  JOIN seen_reach w ON f.time_utc > w.since_utc AND f.time_utc <= w.until_utc
  -- both ends inclusive
  WHERE f.time_utc BETWEEN i.time_utc AND i.time_utc + INTERVAL 2 MINUTE
    AND f.kind = 'injection'
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
