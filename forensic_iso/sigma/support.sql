-- Which findings a hit supports, and on what ground; the strongest ground wins.
--
-- Reads   sigma_hit, the derived tables: asked at reading time, so that it holds for the findings of now.
-- Gives   hit_id, finding_id, basis, direct: one row per hit and finding that share its strongest ground.
--
-- Grounds, from the strongest: the row is a derived row of the finding; it is cited as its evidence; its process was run from
-- the image; its process descends from such a one; it lies inside a mount session of the image (same host, no more: not direct).

WITH RECURSIVE
hit AS (
    SELECT DISTINCT hit_id, host, time_utc, table_name, source_id, row_address, process_guid FROM sigma_hit
),
member AS (
    SELECT finding_id, finding_id AS subject_id, 'finding' AS table_name, 'finding' AS what FROM finding
    UNION ALL
    SELECT finding_id, part_id, CASE part WHEN 'session' THEN 'mount_session' WHEN 'delivery' THEN 'image_delivery' ELSE 'execution' END,
        CASE part WHEN 'session' THEN 'mount session' ELSE part END
    FROM finding_part
    UNION ALL
    SELECT p.finding_id, o.follow_on_id, 'follow_on', 'follow-on' FROM finding_part p
    JOIN follow_on o ON o.execution_id = p.part_id
),
tree AS (
    SELECT DISTINCT f.finding_id, e.process_key, 0 AS depth FROM finding_part f
    JOIN execution e ON e.execution_id = f.part_id
    WHERE e.process_key IS NOT NULL
    UNION
    SELECT t.finding_id, p.process_key, 1 FROM tree t
    JOIN process p ON p.parent_key = t.process_key
),
reached AS (
    SELECT finding_id, process_key, min(depth) AS depth FROM tree GROUP BY ALL
),
run AS (
    SELECT r.finding_id, r.depth, p.*
    FROM reached r
    JOIN process p USING (process_key)
),
start AS (
    SELECT finding_id, depth, 'process' AS table_name, NULL AS source_id, process_key AS row_address FROM run
    UNION ALL
    SELECT finding_id, depth, 'sysmon_process_create', sysmon_source_id, sysmon_offset::VARCHAR FROM run
    UNION ALL
    SELECT finding_id, depth, 'security_process_create', security_source_id, security_offset::VARCHAR FROM run
    UNION ALL
    SELECT finding_id, depth, 'mde_device_process_events', mde_source_id, mde_row::VARCHAR FROM run
),
ground AS (
    SELECT h.hit_id, m.finding_id, 0 AS strength, 'is the ' || m.what || ' itself' AS basis
    FROM hit h
    JOIN member m ON m.table_name = h.table_name AND m.subject_id = h.row_address
    UNION ALL
    SELECT h.hit_id, m.finding_id, 1, concat('evidence of the finding (', e.step, ': ', e.role, ')')
    FROM hit h
    JOIN evidence_ref e ON e.source_id = h.source_id AND e.table_name = h.table_name AND e.row_address = h.row_address
    JOIN member m ON m.subject_id = e.subject_id
    UNION ALL
    SELECT h.hit_id, s.finding_id, 2 + 2 * s.depth, if(s.depth = 0, 'process run from the image', 'descends from a process run from the image')
    FROM hit h
    JOIN start s ON s.table_name = h.table_name AND s.source_id IS NOT DISTINCT FROM h.source_id AND s.row_address = h.row_address
    UNION ALL
    SELECT h.hit_id, r.finding_id, 3 + 2 * r.depth, if(r.depth = 0, 'act of a process run from the image', 'act of a process that descends from one run from the image')
    FROM hit h
    JOIN run r ON r.host = h.host AND lower(r.process_guid) = lower(h.process_guid)
    UNION ALL
    SELECT h.hit_id, m.finding_id, if(s.closed_utc IS NULL, 7, 6),
        concat('inside the mount session of ', s.opened_utc, ' UTC', if(s.closed_utc IS NULL, ', whose end is not known', ''), '; same host and time, no more')
    FROM hit h
    JOIN mount_session s ON s.host = h.host AND h.time_utc >= s.opened_utc
        AND (coalesce(s.closed_utc, make_timestamp_ns(s.end_ns)) IS NULL OR h.time_utc <= coalesce(s.closed_utc, make_timestamp_ns(s.end_ns)))
    JOIN member m ON m.subject_id = s.session_id
)
SELECT hit_id, finding_id, arg_min(basis, (strength, basis)) AS basis, min(strength) < 6 AS direct
FROM ground
GROUP BY hit_id, finding_id
QUALIFY min(strength) = min(min(strength)) OVER (PARTITION BY hit_id)
