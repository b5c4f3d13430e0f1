-- Which finding a row that met a rule belongs to, and on what ground; the strongest ground wins.
--
-- Reads   sigma_row (row_number, host, time_utc, table_name, source_id, row_address, process_guid, subject_id), the derived tables.
-- Gives   sigma_link (row_number, finding_id, basis), at most one row per sigma_row.
--
-- Grounds, from the strongest: the row is a derived row of the finding; it is cited as its evidence; its process was run from
-- the image; its process descends from such a one; it lies inside a mount session of the image (same host, no more).

CREATE OR REPLACE TEMP TABLE sigma_link AS
WITH RECURSIVE
member AS (
    SELECT finding_id, finding_id AS subject_id, 'finding' AS what FROM finding
    UNION ALL
    SELECT f.finding_id, s.session_id, 'mount session' FROM finding f
    JOIN mount_session s ON s.host = f.host AND lower(s.image_path) = lower(f.image_path)
    UNION ALL
    SELECT f.finding_id, d.delivery_id, 'delivery' FROM finding f
    JOIN image_delivery d ON d.host = f.host AND lower(d.image_path) = lower(f.image_path)
    UNION ALL
    SELECT f.finding_id, e.execution_id, 'execution' FROM finding f
    JOIN execution e ON e.host = f.host AND lower(e.image_path) = lower(f.image_path)
    UNION ALL
    SELECT f.finding_id, o.follow_on_id, 'follow-on' FROM finding f
    JOIN execution e ON e.host = f.host AND lower(e.image_path) = lower(f.image_path)
    JOIN follow_on o USING (execution_id)
),
tree AS (
    SELECT DISTINCT f.finding_id, e.process_key, 0 AS depth FROM finding f
    JOIN execution e ON e.host = f.host AND lower(e.image_path) = lower(f.image_path)
    WHERE e.process_key IS NOT NULL
    UNION
    SELECT t.finding_id, p.process_key, 1 FROM tree t
    JOIN process p ON p.parent_key = t.process_key
),
run AS (
    SELECT t.finding_id, p.host, p.process_guid, p.process_key, min(t.depth) AS depth
    FROM tree t
    JOIN process p USING (process_key)
    GROUP BY ALL
),
start AS (
    SELECT process_key, 'sysmon_process_create' AS table_name, sysmon_source_id AS source_id, sysmon_offset AS row_offset FROM process
    UNION ALL
    SELECT process_key, 'security_process_create', security_source_id, security_offset FROM process
    UNION ALL
    SELECT process_key, 'mde_device_process_events', mde_source_id, mde_row FROM process
),
ground AS (
    SELECT r.row_number, m.finding_id, 0 AS strength, 'is the ' || m.what || ' itself' AS basis
    FROM sigma_row r
    JOIN member m ON m.subject_id = r.subject_id
    UNION ALL
    SELECT r.row_number, m.finding_id, 1, concat('evidence of the finding (', e.step, ': ', e.role, ')')
    FROM sigma_row r
    JOIN evidence_ref e ON e.source_id = r.source_id AND e.table_name = r.table_name AND e.row_address = r.row_address
    JOIN member m ON m.subject_id = e.subject_id
    UNION ALL
    SELECT r.row_number, n.finding_id, 2 + 2 * n.depth, if(n.depth = 0, 'process run from the image', 'descends from a process run from the image')
    FROM sigma_row r
    JOIN start s ON s.table_name = r.table_name AND s.source_id = r.source_id AND s.row_offset::VARCHAR = r.row_address
    JOIN run n USING (process_key)
    UNION ALL
    SELECT r.row_number, n.finding_id, 3 + 2 * n.depth, if(n.depth = 0, 'act of a process run from the image', 'act of a process that descends from one run from the image')
    FROM sigma_row r
    JOIN run n ON n.host = r.host AND lower(n.process_guid) = lower(r.process_guid)
    UNION ALL
    SELECT r.row_number, m.finding_id, if(s.closed_utc IS NULL, 7, 6),
        concat('inside the mount session of ', s.opened_utc, ' UTC', if(s.closed_utc IS NULL, ', whose end is not known', ''), '; same host and time, no more')
    FROM sigma_row r
    JOIN mount_session s ON s.host = r.host AND r.time_utc >= s.opened_utc
        AND (coalesce(s.closed_utc, make_timestamp_ns(s.end_ns)) IS NULL OR r.time_utc <= coalesce(s.closed_utc, make_timestamp_ns(s.end_ns)))
    JOIN member m ON m.subject_id = s.session_id
)
SELECT row_number, finding_id, basis
FROM ground
QUALIFY row_number() OVER (PARTITION BY row_number ORDER BY strength, finding_id, basis) = 1;
