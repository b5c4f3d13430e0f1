-- follow_on: what the executions and all their descendants did. One row per act; an act that several artifacts tell is one.
-- From tree, tree_act (20), installed, loose_act (21), left_behind (22). fact names what a row speaks of. Of the rows of one
-- fact the one from the strongest artifact stays (told_by: events before states), and says who else tells it; follow_also
-- (temporary) keeps the others for their references. Events of one log at different times are different acts.
-- confidence: the best of the rows that became one. time_basis: what the time is.
-- Misses: acts of two artifacts that name the same thing differently.
CREATE OR REPLACE TEMP TABLE follow_told AS
WITH every_row AS (
    -- Children, also those that are executions themselves.
    SELECT t.execution_id, c.host, c.start_ns AS mono_ns, c.started_utc AS time_utc, 'child_process' AS kind, c.path AS value,
        c.command_line AS detail, t.path AS process_path, c.process_key, NULL::BOOLEAN AS external,
        CASE WHEN c.parent_basis = 'guid' THEN 'ProcessGuid of the parent' ELSE 'live process id of the parent' END AS tie,
        CASE WHEN c.parent_basis = 'guid' THEN rule_value('c_follow_guid') ELSE rule_value('c_follow_pid') END AS confidence,
        CASE WHEN c.sysmon_source_id IS NOT NULL THEN 'sysmon_process_create' WHEN c.security_source_id IS NOT NULL THEN 'security_process_create'
            ELSE 'mde_device_process_events' END AS table_name,
        coalesce(c.sysmon_source_id, c.security_source_id, c.mde_source_id) AS source_id, coalesce(c.sysmon_offset, c.security_offset, c.mde_row) AS record_offset,
        'child|' || c.process_key AS fact
    FROM tree t
    JOIN process c ON c.parent_key = t.process_key AND c.start_ns >= t.from_ns - rule_ns('same_act_s')
    UNION ALL BY NAME
    SELECT execution_id, host, start_ns AS mono_ns, started_utc AS time_utc, 'child_process' AS kind, path AS value, command_line AS detail,
        parent_path AS process_path, process_key, tie, rule_value('c_follow_restarted') AS confidence, table_name, source_id, record_offset,
        'child|' || process_key AS fact
    FROM restarted
    UNION ALL BY NAME
    SELECT execution_id, host, mono_ns, time_utc, kind, value, detail, path AS process_path, process_key, external, tie, confidence,
        table_name, source_id, record_offset,
        CASE
            WHEN kind = 'network' THEN concat_ws('|', 'net', process_key, value, regexp_extract(detail, 'port (\d+)', 1))
            WHEN regexp_matches(lower(value), '\\windows\\system32\\tasks\\') THEN 'task|' || lower(file_name(value))
            WHEN kind = 'persistence' AND table_name IN ('sysmon_file_create', 'mde_device_file_events') THEN 'startup|' || path_key(value)
            WHEN kind = 'file_create' THEN 'file|' || path_key(value)
            WHEN kind = 'registry' THEN 'registry|' || lower(value)
            WHEN regexp_matches(lower(value), '\\services\\[^\\]+\\') THEN 'service|' || regexp_extract(lower(value), '\\services\\([^\\]+)\\', 1)
            WHEN regexp_matches(lower(value), '\\schedule\\taskcache\\tree\\') THEN 'task|' || regexp_extract(lower(value), '\\tree\\(?:.*\\)?([^\\]+)\\[^\\]+$', 1)
            WHEN kind = 'persistence' AND regexp_matches(lower(value), 'microsoft\\|\\environment\\') THEN 'autostart|' || regexp_replace(
                regexp_extract(lower(value), '(microsoft\\.*|environment.*)$', 1),
                '(\\(?:image file execution options|silentprocessexit|installed components)\\[^\\]+)\\[^\\]+$', '\1')
        END AS fact
    FROM tree_act
    UNION ALL BY NAME
    SELECT execution_id, host, mono_ns, time_utc, 'persistence' AS kind, value, detail, path AS process_path, process_key, tie, confidence,
        table_name, source_id, record_offset,
        CASE WHEN table_name = 'security_task_create' OR (table_name = 'event_other' AND starts_with(value, '\')) THEN 'task|' || leaf
            WHEN table_name LIKE '%service_install' THEN 'service|' || lower(value) END AS fact
    FROM installed
    UNION ALL BY NAME
    SELECT execution_id, host, mono_ns, time_utc, kind, value, detail, external, process_key, tie, confidence, table_name, source_id, record_offset,
        fact, detection
    FROM loose_act
    UNION ALL BY NAME
    SELECT execution_id, host, mono_ns, time_utc, kind, value, detail, process_key, tie, confidence, table_name, source_id, record_offset,
        fact, time_basis
    FROM left_behind
)
SELECT short_hash(concat_ws('|', 'follow', r.execution_id, r.kind, r.value, ns_of(r.time_utc), r.source_id, r.table_name, r.record_offset)) AS follow_on_id,
    r.* EXCLUDE (fact, time_basis), coalesce(r.fact, concat_ws('|', r.table_name, r.source_id, r.record_offset)) AS fact,
    coalesce(r.time_basis, CASE WHEN t.strength > rule_value('told_by_event') THEN 'as ' || t.words || ' has it' ELSE 'as logged' END) AS time_basis,
    t.words AS told_by, coalesce(t.strength, rule_value('told_by_event')) AS strength, coalesce(a.session_id, a.image_path) AS image_of
FROM every_row r
LEFT JOIN anchor a USING (execution_id)
LEFT JOIN (
    SELECT split_part(value, '|', 1) AS table_name, split_part(value, '|', 2)::INTEGER AS strength, split_part(value, '|', 3) AS words
    FROM rule_list WHERE name = 'told_by'
) t ON t.table_name = r.table_name;

CREATE OR REPLACE TEMP TABLE follow_also AS
WITH merged AS (
    SELECT b.follow_on_id AS kept_id, w.*
    FROM follow_told w
    JOIN follow_told b ON b.host = w.host AND b.image_of IS NOT DISTINCT FROM w.image_of AND b.fact = w.fact AND b.follow_on_id <> w.follow_on_id
        AND (
            -- A state is told by the event that made it, a weaker log by the stronger one of that moment, one detection by its first record.
            (w.strength > rule_value('told_by_event') AND b.strength < w.strength)
            OR (w.strength <= rule_value('told_by_event') AND b.strength < w.strength AND abs(b.mono_ns - w.mono_ns) <= rule_ns('same_act_s'))
            OR (w.detection = b.detection AND b.table_name = w.table_name AND (b.mono_ns, b.record_offset) < (w.mono_ns, w.record_offset))
        )
    -- The strongest, and nearest in time, keeps it.
    QUALIFY row_number() OVER (PARTITION BY w.follow_on_id ORDER BY b.strength, abs(b.mono_ns - w.mono_ns), b.mono_ns, b.follow_on_id) = 1
)
-- What a row became one with may itself have become one with another.
SELECT coalesce(n.kept_id, m.kept_id) AS kept_id, m.* EXCLUDE (kept_id)
FROM merged m
LEFT JOIN merged n ON n.follow_on_id = m.kept_id;

CREATE OR REPLACE TEMP TABLE follow_row AS
WITH also AS (
    SELECT kept_id, max(confidence) AS confidence, string_agg(DISTINCT told_by, ', ' ORDER BY told_by) AS others
    FROM follow_also WHERE told_by IS NOT NULL GROUP BY kept_id
)
SELECT r.* EXCLUDE (confidence), greatest(r.confidence, o.confidence) AS confidence, o.others
FROM follow_told r
ANTI JOIN follow_also w ON w.follow_on_id = r.follow_on_id
LEFT JOIN also o ON o.kept_id = r.follow_on_id;

INSERT INTO follow_on BY NAME
SELECT follow_on_id, execution_id, host, time_utc, time_basis, kind, value, nullif(detail, '') AS detail, process_path, process_key, external,
    'tied by: ' || tie || coalesce('; also told by ' || others, '') AS basis, confidence
FROM follow_row;
