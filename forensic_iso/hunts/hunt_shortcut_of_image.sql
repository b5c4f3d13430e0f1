-- title: Start by Explorer with the target and arguments of a shortcut on a mounted image, and what
--   it loaded there
-- attack: T1204.002, T1553.005
-- source: Atomic T1553.005 test 4: LNK in an ISO that runs a DLL. One row per record of a start;
--   module: first one loaded from that volume by it or a process in its tree
-- misses: images that are not in the evidence, shortcuts without arguments; modules where Sysmon 7
--   is off
-- parameters: lookback and as-of limit time_utc (seen_reach); neither set: all rows
WITH RECURSIVE started AS (
  SELECT l.*, p.process_guid
  FROM seen_link l
  JOIN seen_process p ON p.host = l.host AND p.source_id = l.source_id AND p.row_address = l.row_address AND p.log = l.log
  WHERE l.ground = 'started as this shortcut in the image would'
), tree AS (
  SELECT host, process_guid AS root, process_guid, 0 AS generation FROM started WHERE process_guid IS NOT NULL
  UNION
  SELECT t.host, t.root, c.process_guid, t.generation + 1
  FROM tree t
  JOIN sysmon_process_create c ON c.host = t.host AND c.parent_process_guid = t.process_guid
  -- a bound against circles in damaged logs
  WHERE t.generation < 64
), loaded AS (
  SELECT t.host, t.root, m.path, m.time_utc
  FROM tree t
  JOIN seen_module m ON m.host = t.host AND m.process_guid = t.process_guid
)
SELECT
  s.time_utc, s.host, s.path AS shortcut, p.path AS program, p.command_line, arg_min(d.path, d.time_utc) AS module,
  p.user_name, s.log, s.source_id, s.row_address
FROM started s
JOIN seen_process p ON p.host = s.host AND p.source_id = s.source_id AND p.row_address = s.row_address AND p.log = s.log
LEFT JOIN loaded d ON d.host = s.host AND d.root = s.process_guid AND starts_with(lower(d.path), s.volume || '\')
GROUP BY ALL
ORDER BY ALL
