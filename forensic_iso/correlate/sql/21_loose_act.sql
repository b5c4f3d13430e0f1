-- installed, active_span, loose_act (temporary): acts that no process of a tree did itself, tied to an execution.
-- installed: services, tasks, WMI consumers: by name on a command line of the tree, by the asking process, by a command that
-- runs a file of the tree. loose_act, each at the nearest execution before it: cleared logs by tool or account; deletion of
-- the image by the tree, by the account ($I of the Recycle Bin knows it), by nobody known ($J: c_follow_unowned, which raises
-- no verdict); Defender's detections by the path they name, in its log, its history and MPLog; BITS jobs of the tree.
-- fact: what a row speaks of; rows of several artifacts about one fact become one in 23.
-- Misses: files deleted under other names than the image was mounted by; jobs made by the API with a name of its own.
-- Services and tasks: the command line that names them, the process that asked, or a command that runs a file of the tree.
CREATE OR REPLACE TEMP TABLE installed AS
WITH install AS (
    SELECT host, mono_ns, time_utc, service_name AS value, image_path AS detail, NULL::BIGINT AS client_pid,
        'system_service_install' AS table_name, source_id, record_offset
    FROM timed('system_service_install') WHERE service_name IS NOT NULL
    UNION ALL
    SELECT host, mono_ns, time_utc, service_name, service_file_name, client_process_id, 'security_service_install', source_id, record_offset
    FROM timed('security_service_install') WHERE service_name IS NOT NULL
    UNION ALL
    SELECT host, mono_ns, time_utc, task_name,
        trim(concat_ws(' ', regexp_extract(task_content, '(?s)<Command>(.*?)</Command>', 1), regexp_extract(task_content, '(?s)<Arguments>(.*?)</Arguments>', 1))),
        client_process_id, 'security_task_create', source_id, record_offset
    FROM timed('security_task_create') WHERE task_name IS NOT NULL
    UNION ALL
    SELECT host, mono_ns, time_utc, json_extract_string(data, '$.TaskName'), json_extract_string(data, '$.UserContext'), NULL,
        'event_other', source_id, record_offset
    FROM timed('event_other')
    WHERE provider = 'Microsoft-Windows-TaskScheduler' AND event_id = 106 AND json_extract_string(data, '$.TaskName') IS NOT NULL
    UNION ALL
    SELECT host, mono_ns, time_utc, coalesce(json_extract_string(data, '$.Name'), json_extract_string(data, '$.Consumer')),
        coalesce(json_extract_string(data, '$.Destination'), json_extract_string(data, '$.Query'), json_extract_string(data, '$.Filter')),
        NULL, 'event_other', source_id, record_offset
    FROM timed('event_other')
    WHERE provider = 'Microsoft-Windows-Sysmon' AND event_id IN (19, 20, 21)
),
named AS (
    SELECT *, lower(regexp_extract(trim(value, '" '), '([^\\]*)$', 1)) AS leaf FROM install WHERE value IS NOT NULL
),
dropped AS (
    SELECT DISTINCT host, execution_id, process_key, path, lower(value) AS file FROM tree_act WHERE kind = 'file_create'
),
tied AS (
    SELECT i.*, t.execution_id, t.process_key, t.path, 1 AS rank, 'the process that asked for it' AS tie, rule_value('c_follow_pid') AS confidence
    FROM named i
    JOIN tree t ON t.host = i.host AND t.pid = i.client_pid
        AND i.mono_ns >= t.from_ns - rule_ns('same_act_s') AND (t.end_ns IS NULL OR i.mono_ns <= t.end_ns + rule_ns('same_act_s'))
    UNION ALL
    SELECT i.*, t.execution_id, t.process_key, t.path, 2, 'its name on the command line', rule_value('c_follow_name')
    FROM named i
    JOIN tree t ON t.host = i.host AND i.leaf <> '' AND contains(lower(t.command_line), i.leaf)
        AND i.mono_ns >= t.from_ns - rule_ns('same_act_s') AND i.mono_ns <= t.from_ns + rule_ns('persistence_name_s')
    UNION ALL
    SELECT i.*, d.execution_id, d.process_key, d.path, 3, 'it runs a file that the tree wrote', rule_value('c_follow_name')
    FROM named i
    JOIN dropped d ON d.host = i.host AND contains(lower(i.detail), d.file)
)
SELECT * FROM tied
QUALIFY row_number() OVER (PARTITION BY source_id, table_name, record_offset ORDER BY rank, process_key) = 1;

-- Per image: since when it ran, until when it acted, under which accounts.
CREATE OR REPLACE TEMP TABLE active_span AS
SELECT n.host, n.session_id, n.image_path, min(n.from_ns) AS first_ns,
    greatest(max(n.from_ns), max(t.from_ns), max(a.last_ns)) AS last_ns,
    list_distinct(list(lower(regexp_extract(coalesce(t.user_name, n.user_name), '([^\\]*)$', 1)))) AS accounts,
    list_distinct(list_concat(list(lower(t.user_sid)), list(lower(s.user_sid)))) AS sids
FROM anchor n
JOIN session s USING (session_id)
LEFT JOIN tree t ON t.execution_id = n.execution_id
LEFT JOIN (SELECT execution_id, max(mono_ns) AS last_ns FROM tree_act GROUP BY execution_id) a ON a.execution_id = n.execution_id
GROUP BY n.host, n.session_id, n.image_path;

-- Records of the journal about the image: its own file by record and sequence, else its name in its folder.
CREATE OR REPLACE TEMP TABLE journal_delete AS
WITH gone AS (
    SELECT * FROM usn_record WHERE (reason_flags & 512) <> 0 AND time_utc IS NOT NULL
),
named AS (
    SELECT DISTINCT s.session_id, s.host, s.image_path, s.file_key, s.record, s.sequence, lower(file_name(s.image_path)) AS name,
        regexp_replace(s.file_key, '\\[^\\]*$', '') AS folder
    FROM session s
)
SELECT g.host, stamp_ns(g.host, g.time_utc) AS mono_ns, g.time_utc, n.session_id, n.image_path, g.source_id, g."offset" AS record_offset
FROM gone g
JOIN named n ON n.host = g.host AND lower(g.name) = n.name
LEFT JOIN mft_name p ON p.host = g.host AND p.record = g.parent_record AND p.namespace <> 2
LEFT JOIN mft_volume m ON m.source_id = p.source_id
WHERE (g.record = n.record AND g.sequence = n.sequence) OR m.volume || lower(p.path) = n.folder
    -- Without the $MFT the journal does not tell the folder: the name must do.
    OR (p.path IS NULL AND n.record IS NULL)
QUALIFY row_number() OVER (PARTITION BY n.session_id, g.source_id, g."offset" ORDER BY p.record_offset) = 1;

CREATE OR REPLACE TEMP TABLE loose_act AS
WITH cleared AS (
    SELECT host, mono_ns, time_utc, 'Security' AS value, subject_user_name AS account, lower(subject_user_sid) AS sid,
        'security_log_cleared' AS table_name, source_id, record_offset
    FROM timed('security_log_cleared')
    UNION ALL
    SELECT host, mono_ns, time_utc, cleared_channel, subject_user_name, lower(user_sid), 'system_log_cleared', source_id, record_offset
    FROM timed('system_log_cleared') WHERE cleared_channel IS NOT NULL
),
by_tool AS (
    SELECT c.*, t.session_id, 'clearing command in the tree' AS tie, rule_value('c_follow_pid') AS confidence, t.execution_id
    FROM cleared c
    JOIN tree t ON t.host = c.host AND regexp_matches(lower(t.command_line), rule_pattern('log_clear_command'))
        AND c.mono_ns >= t.from_ns - rule_ns('same_act_s') AND (c.mono_ns <= t.from_ns + rule_ns('attach_window_s')
            -- A script clears one log after the other, as long as it lives: under its own account.
            OR (c.mono_ns <= least(coalesce(t.end_ns, never_ns()), t.from_ns + rule_ns('first_run_s'))
                AND (c.sid = lower(t.user_sid) OR lower(c.account) = lower(regexp_extract(t.user_name, '([^\\]*)$', 1)))))
),
by_account AS (
    SELECT c.*, s.session_id, 'same account' AS tie, rule_value('c_follow_account') AS confidence, NULL AS execution_id
    FROM cleared c
    JOIN active_span s ON s.host = c.host AND c.mono_ns >= s.first_ns AND c.mono_ns <= s.last_ns + rule_ns('log_clear_after_s')
        AND (list_contains(s.sids, c.sid) OR list_contains(s.accounts, lower(c.account)))
        AND NOT list_contains(rule_words('service_sid'), coalesce(c.sid, ''))
),
removed AS (
    SELECT d.host, d.mono_ns, d.happened_utc AS time_utc, canonical(d.target_filename) AS value, d."user" AS account,
        guid_key(d.process_guid) AS process_guid, path_key(d.target_filename) AS file_key,
        'sysmon_file_delete' AS table_name, d.source_id, d.record_offset
    FROM sysmon_timed('sysmon_file_delete') d
    WHERE (d.host, path_key(d.target_filename)) IN (SELECT (host, image_key) FROM session UNION SELECT (host, file_key) FROM session)
),
image_removed AS (
    SELECT r.host, r.mono_ns, r.time_utc, r.value, 'by ' || r.account AS detail, a.session_id,
        CASE WHEN t.process_key IS NOT NULL THEN 'process of the tree' ELSE 'same account' END AS tie,
        CASE WHEN t.process_key IS NOT NULL THEN rule_value('c_follow_guid') ELSE rule_value('c_follow_account') END AS confidence,
        t.execution_id, r.table_name, r.source_id, r.record_offset
    FROM removed r
    JOIN session s ON s.host = r.host AND (s.image_key = r.file_key OR s.file_key = r.file_key)
    JOIN active_span a ON a.session_id = s.session_id AND r.mono_ns >= a.first_ns
    LEFT JOIN tree t ON t.host = r.host AND t.process_guid = r.process_guid
    WHERE t.process_key IS NOT NULL OR list_contains(a.accounts, lower(regexp_extract(r.account, '([^\\]*)$', 1)))
    UNION ALL
    SELECT i.host, stamp_ns(i.host, i.deleted_utc) AS mono_ns, i.deleted_utc, s.image_path, 'to the Recycle Bin of ' || i.sid, s.session_id,
        'same account', rule_value('c_follow_account'), NULL, 'recycle_bin_item', i.source_id, i."offset"
    FROM recycle_bin_item i
    JOIN session s ON s.host = i.host AND path_key(i.original_path) IN (s.image_key, s.file_key)
    JOIN active_span a ON a.session_id = s.session_id AND stamp_ns(i.host, i.deleted_utc) >= a.first_ns
    WHERE list_contains(a.sids, lower(i.sid))
    UNION ALL
    SELECT j.host, j.mono_ns, j.time_utc, j.image_path, 'by whom is not logged', j.session_id,
        'the journal tells it of the image''s file', rule_value('c_follow_unowned'), NULL, 'usn_record', j.source_id, j.record_offset
    FROM journal_delete j
    JOIN active_span a ON a.session_id = j.session_id AND j.mono_ns >= a.first_ns
),
-- Defender: files on the volume in its session, the image itself, files that the tree wrote.
found AS (
    SELECT host, mono_ns, time_utc, threat_name AS value,
        concat_ws('; ', "path", 'action: ' || CASE WHEN NOT starts_with(action_name, '%%') THEN filled(action_name) END) AS detail, lower(concat_ws('; ', "path", process_name)) AS items,
        coalesce(guid_key(detection_id), 'x' || record_id) AS detection, 'defender_detection' AS table_name, source_id, record_offset
    FROM timed('defender_detection') WHERE threat_name IS NOT NULL
    UNION ALL
    SELECT host, stamp_ns(host, coalesce(tracking_start_utc, earliest_utc)), coalesce(tracking_start_utc, earliest_utc), threat_name,
        concat_ws(':', schema, "path"), lower("path"), coalesce(guid_key(detection_id), source_id), 'defender_history', source_id, "offset"
    FROM defender_history WHERE threat_name IS NOT NULL AND "path" IS NOT NULL
    UNION ALL
    SELECT host, stamp_ns(host, time_utc), time_utc, threat, concat_ws(':', schema, "path"), lower("path"), NULL, 'mplog_line', source_id, "offset"
    FROM mplog_line WHERE threat IS NOT NULL AND "path" IS NOT NULL AND time_utc IS NOT NULL
),
detected AS (
    SELECT f.* EXCLUDE (items), v.session_id, 'file on the volume' AS tie, rule_value('c_follow_pid') AS confidence, NULL AS execution_id
    FROM found f
    JOIN session_volume v ON v.host = f.host AND v.ground <> 'ambiguous' AND contains(f.items, v.volume || '\')
        AND f.mono_ns >= v.open_ns - rule_ns('same_act_s') AND f.mono_ns <= v.end_ns + rule_ns('same_act_s')
    UNION ALL
    SELECT f.* EXCLUDE (items), s.session_id, 'the image', rule_value('c_follow_pid'), NULL
    FROM found f
    JOIN session s ON s.host = f.host AND (contains(f.items, s.image_key) OR contains(f.items, s.file_key))
    UNION ALL
    SELECT f.* EXCLUDE (items), e.session_id, 'file that the tree wrote', rule_value('c_follow_pid'), a.execution_id
    FROM found f
    JOIN tree_act a ON a.host = f.host AND a.kind = 'file_create' AND contains(f.items, lower(a.value))
    JOIN execution e USING (execution_id)
),
-- BITS: a job (3) that a process of the tree made, or whose address or title stands on its command line; 59 tells the address.
transfer AS (
    SELECT host, mono_ns, time_utc, lower(json_extract_string(data, '$.Id')) AS job, json_extract_string(data, '$.name') AS title,
        json_extract_string(data, '$.url') AS url, source_id, record_offset
    FROM timed('event_other')
    WHERE provider = 'Microsoft-Windows-Bits-Client' AND event_id = 59
),
made AS (
    SELECT host, lower(coalesce(json_extract_string(data, '$.jobId'), json_extract_string(data, '$.Id'))) AS job, mono_ns,
        try_cast(coalesce(json_extract_string(data, '$.processId'), json_extract_string(data, '$.ProcessId')) AS BIGINT) AS pid
    FROM timed('event_other')
    WHERE provider = 'Microsoft-Windows-Bits-Client' AND event_id = 3
),
fetched AS (
    SELECT f.*, t.execution_id, 1 AS rank, 'BITS job made by a process of the tree' AS tie, rule_value('c_follow_pid') AS confidence
    FROM transfer f
    JOIN made m ON m.host = f.host AND m.job = f.job
    JOIN tree t ON t.host = m.host AND t.pid = m.pid
        AND m.mono_ns >= t.from_ns - rule_ns('same_act_s') AND (t.end_ns IS NULL OR m.mono_ns <= t.end_ns + rule_ns('same_act_s'))
    UNION ALL
    SELECT f.*, t.execution_id, 2, 'its address on a command line of the tree', rule_value('c_follow_name')
    FROM transfer f
    JOIN tree t ON t.host = f.host AND f.url <> '' AND contains(lower(t.command_line), lower(f.url))
        AND f.mono_ns >= t.from_ns - rule_ns('same_act_s') AND f.mono_ns <= t.from_ns + rule_ns('log_clear_after_s')
),
bits AS (
    SELECT f.*, n.session_id, lower(regexp_extract(f.url, '(?i)^[a-z]+://([^/:?#]+)', 1)) AS server
    FROM fetched f
    JOIN anchor n USING (execution_id)
    QUALIFY row_number() OVER (PARTITION BY f.host, f.job, f.url ORDER BY f.rank, f.mono_ns, f.execution_id) = 1
),
every_act AS (
    SELECT 'log_clear' AS kind, host, mono_ns, time_utc, value, 'by ' || account AS detail, session_id, tie, confidence, execution_id,
        table_name, source_id, record_offset, concat_ws('|', 'clear', lower(value), record_offset, source_id) AS fact, NULL::BOOLEAN AS external
    FROM (SELECT * FROM by_tool UNION ALL SELECT * FROM by_account)
    UNION ALL BY NAME
    SELECT 'image_delete' AS kind, *, concat_ws('|', 'deleted', session_id) AS fact
    FROM image_removed
    UNION ALL BY NAME
    SELECT 'defender' AS kind, * EXCLUDE (detection), concat_ws('|', 'threat', lower(value), session_id) AS fact, detection
    FROM detected
    UNION ALL BY NAME
    SELECT 'network' AS kind, host, mono_ns, time_utc, server AS value, concat_ws(' ', 'BITS', title, url) AS detail, session_id, tie, confidence,
        execution_id, 'event_other' AS table_name, source_id, record_offset, concat_ws('|', 'bits', job, url) AS fact,
        NOT is_local_name(server) AND NOT is_local_address(server) AS external
    FROM bits WHERE server <> ''
),
-- The nearest execution before the act, in that session.
nearest AS (
    SELECT a.* EXCLUDE (execution_id), coalesce(a.execution_id, r.execution_id) AS execution_id, r.process_key
    FROM every_act a
    JOIN anchor r ON r.session_id = a.session_id AND r.from_ns <= a.mono_ns + rule_ns('same_act_s')
        AND (a.execution_id IS NULL OR a.execution_id = r.execution_id)
    QUALIFY row_number() OVER (
        PARTITION BY a.source_id, a.table_name, a.record_offset, a.kind ORDER BY a.confidence DESC, r.from_ns DESC, r.execution_id
    ) = 1
)
SELECT * FROM nearest;
