-- seen_image_run: what the correlation holds to be run from a mounted image (execution), with all descendants of it.
-- A row is a process and the execution it is or comes from; generation 0: the execution itself.
-- on_volume: the program's file lies on the image's volume (then generation is 0).
-- log, source_id, row_address: the record of the process's start, Sysmon's before Security's before Defender's.
-- Misses: what the correlation could not place on an image; loaders of modules that have no argument on it.
WITH RECURSIVE member AS (
  SELECT
    e.host, e.process_key, e.execution_id, e.image_path, e.target, 0 AS generation, e.kind = 'image_on_volume' AS on_volume
  FROM execution e
  WHERE e.process_key IS NOT NULL AND e.kind <> 'module_on_volume'
  UNION
  SELECT p.host, p.process_key, m.execution_id, m.image_path, m.target, m.generation + 1, FALSE
  FROM member m
  JOIN process p ON p.host = m.host AND p.parent_key = m.process_key
  -- a bound against circles in damaged logs
  WHERE m.generation < 64
)
SELECT
  p.started_utc AS time_utc, p.host, m.image_path, m.target, m.generation, m.on_volume, p.process_key, m.execution_id,
  p.path, p.command_line, p.parent_path, p.user_name, p.pid, p.process_guid,
  CASE WHEN p.sysmon_source_id IS NOT NULL THEN 'sysmon_process_create' WHEN p.security_source_id IS NOT NULL THEN 'security_process_create'
    ELSE 'mde_device_process_events' END AS log,
  coalesce(p.sysmon_source_id, p.security_source_id, p.mde_source_id) AS source_id,
  coalesce(p.sysmon_offset, p.security_offset, p.mde_row)::VARCHAR AS row_address
FROM member m
JOIN process p ON p.host = m.host AND p.process_key = m.process_key, seen_reach r
WHERE p.started_utc > r.since_utc AND p.started_utc <= r.until_utc
