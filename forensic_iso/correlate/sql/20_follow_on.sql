-- follow_on: what the executions and all their descendants did, at any depth, also after the dismount, until the boot.
-- Tree: parents as in the table process (GUID, else live id and name). Never upward, never sideways. Each act counts once,
-- at the nearest execution above it; an execution among the descendants owns what is below it.
-- Acts by ProcessGuid; else by process id while that process lived. Services, tasks and cleared logs carry no process:
-- by name on a command line of the tree, by the asking process, by the account.
-- Misses: acts of injected processes; what services and scheduled tasks did; programs restarted by their persistence.
CREATE OR REPLACE TEMP MACRO is_local_address(address) AS regexp_matches(lower(address), rule_pattern('local_address'));
CREATE OR REPLACE TEMP MACRO is_local_name(name) AS regexp_matches(lower(name), rule_pattern('local_name'));

CREATE OR REPLACE TEMP TABLE root AS
WITH module_time AS (
    SELECT process_key, session_id, min(mono_ns) AS mono_ns FROM loaded WHERE process_key IS NOT NULL GROUP BY ALL
)
SELECT e.process_key, e.execution_id, e.session_id, e.image_path,
    CASE WHEN e.kind = 'module_on_volume' THEN coalesce(m.mono_ns, p.start_ns) ELSE p.start_ns END AS from_ns
FROM execution e
JOIN process p USING (process_key)
LEFT JOIN module_time m ON m.process_key = e.process_key AND m.session_id = e.session_id
WHERE e.confidence >= rule_value('c_executed_min')
-- The start of a program counts before the modules it loads.
QUALIFY row_number() OVER (PARTITION BY e.process_key ORDER BY e.kind = 'module_on_volume', e.confidence DESC, e.time_utc, e.execution_id) = 1;

CREATE OR REPLACE TEMP TABLE tree AS
WITH RECURSIVE below AS (
    SELECT process_key, execution_id, session_id, image_path, from_ns, 0 AS depth FROM root
    UNION ALL
    SELECT c.process_key, t.execution_id, t.session_id, t.image_path, c.start_ns, t.depth + 1
    FROM below t
    JOIN process c ON c.parent_key = t.process_key AND c.start_ns >= t.from_ns - rule_ns('same_act_s')
    ANTI JOIN root r ON r.process_key = c.process_key
    WHERE t.depth < rule_value('tree_depth')
)
SELECT t.*, p.host, p.pid, p.process_guid, p.path, p.command_line, p.user_name, p.user_sid, p.start_ns, p.end_ns, p.boot_number
FROM below t
JOIN process p USING (process_key);

CREATE OR REPLACE TEMP TABLE act AS
SELECT host, mono_ns, happened_utc AS time_utc, 'network' AS kind, destination_ip AS value,
    concat_ws(' ', filled(destination_hostname), 'port ' || destination_port, protocol,
        CASE WHEN initiated = FALSE THEN 'inbound' END) AS detail,
    guid_key(process_guid) AS process_guid, process_id AS pid, image, NOT is_local_address(destination_ip) AS external,
    'sysmon_network' AS table_name, source_id, record_offset
FROM sysmon_timed('sysmon_network') WHERE destination_ip IS NOT NULL
UNION ALL
SELECT host, mono_ns, time_utc, 'network', json_extract_string(data, '$.DestAddress'),
    concat_ws(' ', 'port ' || json_extract_string(data, '$.DestPort'), json_extract_string(data, '$.Application')),
    NULL, try_cast(json_extract_string(data, '$.ProcessID') AS BIGINT), NULL,
    NOT is_local_address(json_extract_string(data, '$.DestAddress')), 'event_other', source_id, record_offset
FROM timed('event_other')
WHERE event_id = 5156 AND channel = 'Security' AND json_extract_string(data, '$.DestAddress') IS NOT NULL
UNION ALL
SELECT host, mono_ns, happened_utc, 'dns', query_name, filled(query_results), guid_key(process_guid), process_id, image,
    NOT is_local_name(query_name), 'sysmon_dns', source_id, record_offset
FROM sysmon_timed('sysmon_dns') WHERE query_name IS NOT NULL
UNION ALL
SELECT host, mono_ns, happened_utc,
    CASE WHEN regexp_matches(lower(target_filename), rule_pattern('startup_folder')) THEN 'persistence' ELSE 'file_create' END,
    canonical(target_filename), NULL, guid_key(process_guid), process_id, image, NULL, 'sysmon_file_create', source_id, record_offset
FROM sysmon_timed('sysmon_file_create') WHERE target_filename IS NOT NULL
UNION ALL
SELECT s.host, s.mono_ns, s.happened_utc, 'file_create', canonical(s.target_filename), filled(s.contents), guid_key(s.process_guid),
    s.process_id, s.image, NULL, 'sysmon_stream_create', s.source_id, s.record_offset
FROM sysmon_timed('sysmon_stream_create') s
WHERE s.target_filename IS NOT NULL
UNION ALL
SELECT host, mono_ns, happened_utc,
    CASE
        WHEN regexp_matches(lower(target_object), rule_pattern('persistence_key')) AND NOT event_type ILIKE 'Delete%' THEN 'persistence'
        ELSE 'registry'
    END,
    target_object, concat_ws(' ', filled(details), filled(new_name), CASE WHEN event_type NOT ILIKE 'SetValue' THEN event_type END),
    guid_key(process_guid), process_id, image, NULL, 'sysmon_registry', source_id, record_offset
FROM sysmon_timed('sysmon_registry') WHERE target_object IS NOT NULL
UNION ALL
SELECT host, mono_ns, happened_utc, 'injection', target_image, 'thread in process ' || target_process_id || coalesce(' at ' || filled(start_module), ''),
    guid_key(source_process_guid), source_process_id, source_image, NULL, 'sysmon_remote_thread', source_id, record_offset
FROM sysmon_timed('sysmon_remote_thread')
WHERE target_image IS NOT NULL AND source_process_guid IS DISTINCT FROM target_process_guid
UNION ALL
-- Rights to make a thread (0x2), change memory (0x8), write memory (0x20); a parent's access to its new child is normal.
SELECT a.host, a.mono_ns, a.happened_utc, 'injection', a.target_image,
    'access ' || printf('0x%x', a.granted_access) || ' to process ' || a.target_process_id,
    guid_key(a.source_process_guid), a.source_process_id, a.source_image, NULL, 'sysmon_process_access', a.source_id, a.record_offset
FROM sysmon_timed('sysmon_process_access') a
LEFT JOIN process c ON c.host = a.host AND c.process_guid = guid_key(a.target_process_guid)
LEFT JOIN process p ON p.process_key = c.parent_key
WHERE a.target_image IS NOT NULL AND (a.granted_access & 42) <> 0
    AND a.source_process_guid IS DISTINCT FROM a.target_process_guid
    AND NOT coalesce(p.process_guid = guid_key(a.source_process_guid), FALSE)
UNION ALL
SELECT host, mono_ns, happened_utc, 'injection', image, filled("type"), guid_key(process_guid), process_id, image, NULL,
    'sysmon_process_tampering', source_id, record_offset
FROM sysmon_timed('sysmon_process_tampering') WHERE image IS NOT NULL;

-- Acts of the processes of the trees.
CREATE OR REPLACE TEMP TABLE tree_act AS
WITH by_guid AS (
    SELECT a.*, t.execution_id, t.process_key, t.path, 'ProcessGuid' AS tie, rule_value('c_follow_guid') AS confidence
    FROM act a
    JOIN tree t ON t.host = a.host AND t.process_guid = a.process_guid
    WHERE a.mono_ns >= t.from_ns - rule_ns('same_act_s')
),
by_pid AS (
    SELECT a.*, t.execution_id, t.process_key, t.path, 'process id' AS tie, rule_value('c_follow_pid') AS confidence
    FROM act a
    JOIN tree t ON t.host = a.host AND t.pid = a.pid
    WHERE (a.process_guid IS NULL OR t.process_guid IS NULL)
        AND a.mono_ns >= t.from_ns - rule_ns('same_act_s') AND (t.end_ns IS NULL OR a.mono_ns <= t.end_ns)
        AND (a.image IS NULL OR program_of(a.image) = program_of(t.path))
    -- A reused id: the newest process before the act.
    QUALIFY row_number() OVER (PARTITION BY a.source_id, a.table_name, a.record_offset ORDER BY t.start_ns DESC) = 1
),
every_act AS (
    SELECT * FROM by_guid UNION ALL SELECT * FROM by_pid
)
SELECT a.*
FROM every_act a
-- Sysmon 15 of a file whose creation is told by Sysmon 11 is the same act.
ANTI JOIN (SELECT * FROM every_act WHERE table_name = 'sysmon_file_create') c
    ON a.table_name = 'sysmon_stream_create' AND c.process_key = a.process_key
    AND path_key(c.value) = regexp_replace(path_key(a.value), ':zone\.identifier.*$', '')
    AND abs(c.mono_ns - a.mono_ns) <= rule_ns('first_run_s');

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
SELECT t.host, t.session_id, t.image_path, min(t.from_ns) AS first_ns,
    greatest(max(t.from_ns), max(a.last_ns)) AS last_ns, max(t.boot_number) AS boot_number,
    list_distinct(list(lower(regexp_extract(t.user_name, '([^\\]*)$', 1)))) AS accounts,
    list_distinct(list_concat(list(lower(t.user_sid)), list(lower(s.user_sid)))) AS sids
FROM tree t
JOIN session s USING (session_id)
LEFT JOIN (SELECT execution_id, max(mono_ns) AS last_ns FROM tree_act GROUP BY execution_id) a ON a.execution_id = t.execution_id
GROUP BY t.host, t.session_id, t.image_path;

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
        AND c.mono_ns >= t.from_ns - rule_ns('same_act_s') AND c.mono_ns <= t.from_ns + rule_ns('attach_window_s')
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
    SELECT r.*, a.session_id,
        CASE WHEN t.process_key IS NOT NULL THEN 'process of the tree' ELSE 'same account' END AS tie,
        CASE WHEN t.process_key IS NOT NULL THEN rule_value('c_follow_guid') ELSE rule_value('c_follow_account') END AS confidence,
        t.execution_id
    FROM removed r
    JOIN session s ON s.host = r.host AND (s.image_key = r.file_key OR s.file_key = r.file_key)
    JOIN active_span a ON a.session_id = s.session_id AND r.mono_ns >= a.first_ns
    LEFT JOIN tree t ON t.host = r.host AND t.process_guid = r.process_guid
    WHERE t.process_key IS NOT NULL OR list_contains(a.accounts, lower(regexp_extract(r.account, '([^\\]*)$', 1)))
),
-- Defender: files on the volume in its session, the image itself, files that the tree wrote.
found AS (
    SELECT host, mono_ns, time_utc, threat_name AS value, "path" AS detail, lower("path") AS items,
        'defender_detection' AS table_name, source_id, record_offset
    FROM timed('defender_detection') WHERE threat_name IS NOT NULL
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
every_act AS (
    SELECT 'log_clear' AS kind, host, mono_ns, time_utc, value, 'by ' || account AS detail, session_id, tie, confidence, execution_id,
        table_name, source_id, record_offset
    FROM (SELECT * FROM by_tool UNION ALL SELECT * FROM by_account)
    UNION ALL
    SELECT 'image_delete', host, mono_ns, time_utc, value, 'by ' || account, session_id, tie, confidence, execution_id,
        table_name, source_id, record_offset
    FROM image_removed
    UNION ALL
    SELECT 'defender', host, mono_ns, time_utc, value, detail, session_id, tie, confidence, execution_id, table_name, source_id, record_offset
    FROM detected
),
-- The nearest execution before the act, in that session.
nearest AS (
    SELECT a.* EXCLUDE (execution_id), coalesce(a.execution_id, r.execution_id) AS execution_id, r.process_key
    FROM every_act a
    JOIN root r ON r.session_id = a.session_id AND r.from_ns <= a.mono_ns + rule_ns('same_act_s')
        AND (a.execution_id IS NULL OR a.execution_id = r.execution_id)
    QUALIFY row_number() OVER (
        PARTITION BY a.source_id, a.table_name, a.record_offset, a.kind ORDER BY a.confidence DESC, r.from_ns DESC, r.execution_id
    ) = 1
)
SELECT * FROM nearest;

CREATE OR REPLACE TEMP TABLE follow_row AS
WITH every_row AS (
    -- Children, also those that are executions themselves.
    SELECT t.execution_id, c.host, c.start_ns AS mono_ns, c.started_utc AS time_utc, 'child_process' AS kind, c.path AS value,
        c.command_line AS detail, t.path AS process_path, c.process_key, NULL::BOOLEAN AS external,
        CASE WHEN c.parent_basis = 'guid' THEN 'ProcessGuid of the parent' ELSE 'live process id of the parent' END AS tie,
        CASE WHEN c.parent_basis = 'guid' THEN rule_value('c_follow_guid') ELSE rule_value('c_follow_pid') END AS confidence,
        CASE WHEN c.sysmon_source_id IS NOT NULL THEN 'sysmon_process_create' ELSE 'security_process_create' END AS table_name,
        coalesce(c.sysmon_source_id, c.security_source_id) AS source_id, coalesce(c.sysmon_offset, c.security_offset) AS record_offset
    FROM tree t
    JOIN process c ON c.parent_key = t.process_key AND c.start_ns >= t.from_ns - rule_ns('same_act_s')
    UNION ALL BY NAME
    SELECT execution_id, host, mono_ns, time_utc, kind, value, detail, path AS process_path, process_key, external, tie, confidence,
        table_name, source_id, record_offset
    FROM tree_act
    UNION ALL BY NAME
    SELECT execution_id, host, mono_ns, time_utc, 'persistence' AS kind, value, detail, path AS process_path, process_key, tie, confidence,
        table_name, source_id, record_offset
    FROM installed
    UNION ALL BY NAME
    SELECT execution_id, host, mono_ns, time_utc, kind, value, detail, process_key, tie, confidence, table_name, source_id, record_offset
    FROM loose_act
)
SELECT short_hash(concat_ws('|', 'follow', execution_id, kind, value, epoch_ns(time_utc), source_id, table_name, record_offset)) AS follow_on_id, *
FROM every_row;

INSERT INTO follow_on BY NAME
SELECT follow_on_id, execution_id, host, time_utc, kind, value, nullif(detail, '') AS detail, process_path, process_key, external,
    'tied by: ' || tie AS basis, confidence
FROM follow_row;
