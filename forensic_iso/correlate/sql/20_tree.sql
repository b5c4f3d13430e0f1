-- root, anchor, tree, act, tree_act (temporary): the executions, all their descendants at any depth, and what these did,
-- also after the dismount, until the boot. root: processes that are executions; anchor: those, and executions of which no
-- log tells the process (prefetch). tree: parents as in the table process (GUID, else live id and name); never upward,
-- never sideways. Each act counts once, at the nearest execution above it; an execution among the descendants owns what is
-- below it. act: by ProcessGuid; else by process id while that process lived (Defender XDR names its creation too). Of a process that the tree gave a thread
-- (Sysmon 8) the outside connections, names and persistence for injected_act_s.
-- restarted: programs that run again from a file that the tree wrote or by a command line that it left in the registry, with their descendants.
-- Misses: services and tasks whose program the tree did not write; acts after other injections.
CREATE OR REPLACE TEMP MACRO is_local_address(address) AS regexp_matches(lower(address), rule_pattern('local_address'));
CREATE OR REPLACE TEMP MACRO is_local_name(name) AS regexp_matches(lower(name), rule_pattern('local_name'));

-- The host's own DNS domains, by the names that records give it in full: names in them are of the house.
CREATE OR REPLACE TEMP TABLE host_domain AS
SELECT DISTINCT host, lower(substr(computer, strpos(computer, '.') + 1)) AS domain
FROM (SELECT DISTINCT host, computer FROM vhdmp UNION SELECT DISTINCT host, computer FROM system_boot UNION SELECT DISTINCT host, computer FROM sysmon_dns
    UNION SELECT DISTINCT host, computer FROM sysmon_process_create UNION SELECT DISTINCT host, computer FROM security_process_create)
WHERE contains(computer, '.') AND host IS NOT NULL;
-- A name of the host's own domain.
CREATE OR REPLACE TEMP MACRO is_of_house(of_host, name) AS
    EXISTS (SELECT 1 FROM host_domain h WHERE h.host = of_host AND (rtrim(lower(name), '.') = h.domain OR ends_with(rtrim(lower(name), '.'), '.' || h.domain)));
-- Addresses in the answer of a resolver.
CREATE OR REPLACE TEMP MACRO addresses_in(answer) AS
    regexp_extract_all(lower(answer), '(?:^|[;\s"\[,])(?:::ffff:)?([0-9]+\.[0-9]+\.[0-9]+\.[0-9]+|[0-9a-f]*:[0-9a-f:]+)', 1);

CREATE OR REPLACE TEMP TABLE root AS
WITH module_time AS (
    SELECT process_key, session_id, min(mono_ns) AS mono_ns
    FROM (SELECT process_key, session_id, mono_ns FROM loaded UNION ALL SELECT process_key, session_id, mono_ns FROM hash_module)
    WHERE process_key IS NOT NULL GROUP BY ALL
)
SELECT e.process_key, e.execution_id, e.session_id, e.image_path,
    CASE WHEN e.kind = 'module_on_volume' OR e.execution_id IN (SELECT execution_id FROM hash_module) THEN coalesce(m.mono_ns, p.start_ns)
        ELSE p.start_ns END AS from_ns
FROM execution e
JOIN process p USING (process_key)
LEFT JOIN module_time m ON m.process_key = e.process_key AND m.session_id = e.session_id
WHERE e.confidence >= rule_value('c_executed_min')
-- The start of a program counts before the modules it loads.
QUALIFY row_number() OVER (PARTITION BY e.process_key ORDER BY e.kind = 'module_on_volume', e.confidence DESC, e.time_utc, e.execution_id) = 1;

CREATE OR REPLACE TEMP TABLE anchor AS
SELECT r.execution_id, e.session_id, e.host, e.image_path, r.from_ns, r.process_key, e.user_name
FROM root r
JOIN execution e USING (execution_id)
UNION ALL
SELECT execution_id, session_id, host, image_path, stamp_ns(host, time_utc), NULL, user_name
FROM execution
WHERE process_key IS NULL AND time_utc IS NOT NULL AND confidence >= rule_value('c_executed_min');

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

-- Defender XDR's exports name a process by id and creation, not by GUID. A row exported twice counts once.
CREATE OR REPLACE TEMP TABLE defender_act AS
WITH said AS (
    SELECT host, timestamp_utc AS time_utc, 'network' AS kind, remote_ip AS value,
        concat_ws(' ', filled(remote_url), 'port ' || remote_port, lower(filled(protocol)), CASE WHEN action_type ILIKE 'Inbound%' THEN 'inbound' END) AS detail,
        NOT is_local_address(remote_ip) AS external, 'mde_device_network_events' AS table_name,
        initiating_process_id AS pid, initiating_process_creation_time_utc AS started_utc, initiating_process_folder_path AS image,
        initiating_process_file_name AS image_name, source_id, row_address
    FROM mde_device_network_events
    WHERE filled(remote_ip) IS NOT NULL AND action_type IN ('ConnectionSuccess', 'ConnectionAcknowledged', 'InboundConnectionAccepted')
    UNION ALL
    SELECT host, timestamp_utc, CASE WHEN regexp_matches(lower(folder_path), rule_pattern('startup_folder')) THEN 'persistence' ELSE 'file_create' END,
        canonical(folder_path), CASE WHEN action_type = 'FileRenamed' THEN 'renamed from ' || coalesce(filled(previous_file_name), '?') END,
        NULL, 'mde_device_file_events', initiating_process_id, initiating_process_creation_time_utc, initiating_process_folder_path,
        initiating_process_file_name, source_id, row_address
    FROM mde_device_file_events
    WHERE filled(folder_path) IS NOT NULL AND action_type IN ('FileCreated', 'FileRenamed')
    UNION ALL
    SELECT host, timestamp_utc,
        CASE WHEN regexp_matches(lower(key), rule_pattern('persistence_key')) AND action_type NOT ILIKE '%Deleted' THEN 'persistence' ELSE 'registry' END,
        key, concat_ws(' ', filled(registry_value_data), CASE WHEN action_type <> 'RegistryValueSet' THEN action_type END),
        NULL, 'mde_device_registry_events', initiating_process_id, initiating_process_creation_time_utc, initiating_process_folder_path,
        initiating_process_file_name, source_id, row_address
    FROM (SELECT *, concat_ws('\', filled(registry_key), filled(registry_value_name)) AS key FROM mde_device_registry_events)
    WHERE key <> ''
    UNION ALL
    SELECT host, timestamp_utc, 'dns', coalesce(filled(json_extract_string(fields, '$.DnsQueryString')), filled(remote_url)),
        filled(json_extract_string(fields, '$.DnsQueryResult')), NOT is_local_name(coalesce(filled(json_extract_string(fields, '$.DnsQueryString')), filled(remote_url))),
        'mde_device_events', initiating_process_id, initiating_process_creation_time_utc, initiating_process_folder_path,
        initiating_process_file_name, source_id, row_address
    FROM (SELECT *, try_cast(additional_fields AS JSON) AS fields FROM mde_device_events WHERE action_type = 'DnsQueryResponse')
    WHERE coalesce(filled(json_extract_string(fields, '$.DnsQueryString')), filled(remote_url)) IS NOT NULL
)
SELECT host, stamp_ns(host, time_utc) AS mono_ns, time_utc, kind, value, detail, pid, coalesce(filled(image), image_name) AS image,
    stamp_ns(host, started_utc) AS started_ns, external, table_name, source_id, row_address AS record_offset
FROM said
WHERE host IS NOT NULL AND time_utc IS NOT NULL AND pid IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY host, table_name, time_utc, pid, kind, value, detail ORDER BY source_id, row_address) = 1;

-- On the hosts of the trees; no act on another one is asked for.
CREATE OR REPLACE TEMP TABLE act AS
SELECT host, mono_ns, happened_utc AS time_utc, 'network' AS kind, destination_ip AS value,
    concat_ws(' ', filled(destination_hostname), 'port ' || destination_port, protocol,
        CASE WHEN initiated = FALSE THEN 'inbound' END) AS detail,
    guid_key(process_guid) AS process_guid, process_id AS pid, image, NOT is_local_address(destination_ip) AS external,
    'sysmon_network' AS table_name, source_id, record_offset
FROM sysmon_timed('sysmon_network') WHERE destination_ip IS NOT NULL AND host IN (SELECT host FROM tree)
UNION ALL
-- 4657: a value was made, changed or (%%1906) deleted; the key by its kernel name stays in the detail.
SELECT host, mono_ns, time_utc,
    CASE WHEN regexp_matches(lower(key), rule_pattern('persistence_key')) AND operation <> '%%1906' THEN 'persistence' ELSE 'registry' END,
    key, concat_ws(' ', filled(data), CASE WHEN operation = '%%1906' THEN 'DeleteValue' END, '(' || object_name || ')'),
    NULL, pid, image, NULL, 'event_other', source_id, record_offset
FROM (
    SELECT host, mono_ns, time_utc, source_id, record_offset, json_extract_string(data, '$.ObjectName') AS object_name,
        regexp_replace(regexp_replace(concat_ws('\', object_name, filled(json_extract_string(data, '$.ObjectValueName'))), '(?i)^\\registry\\machine\\', 'HKLM\\'),
            '(?i)^\\registry\\user\\', 'HKU\\') AS key,
        coalesce(json_extract_string(data, '$.OperationType'), '') AS operation, json_extract_string(data, '$.NewValue') AS data,
        try_cast(json_extract_string(data, '$.ProcessId') AS BIGINT) AS pid, json_extract_string(data, '$.ProcessName') AS image
    FROM timed('event_other') WHERE event_id = 4657 AND channel = 'Security' AND host IN (SELECT host FROM tree)
)
WHERE object_name IS NOT NULL
UNION ALL
SELECT host, mono_ns, time_utc, 'network', json_extract_string(data, '$.DestAddress'),
    concat_ws(' ', 'port ' || json_extract_string(data, '$.DestPort'), json_extract_string(data, '$.Application')),
    NULL, try_cast(json_extract_string(data, '$.ProcessID') AS BIGINT), NULL,
    NOT is_local_address(json_extract_string(data, '$.DestAddress')), 'event_other', source_id, record_offset
FROM timed('event_other')
WHERE event_id = 5156 AND channel = 'Security' AND json_extract_string(data, '$.DestAddress') IS NOT NULL AND host IN (SELECT host FROM tree)
UNION ALL
SELECT host, mono_ns, happened_utc, 'dns', query_name, filled(query_results), guid_key(process_guid), process_id, image,
    -- Inside: a name of the house, or one that only addresses of local networks answer.
    NOT is_local_name(query_name) AND NOT is_of_house(host, query_name)
        AND NOT coalesce(list_bool_and(list_transform(addresses_in(query_results), lambda a: is_local_address(a))), FALSE),
    'sysmon_dns', source_id, record_offset
FROM sysmon_timed('sysmon_dns') WHERE query_name IS NOT NULL AND host IN (SELECT host FROM tree)
UNION ALL
SELECT host, mono_ns, happened_utc,
    CASE WHEN regexp_matches(lower(target_filename), rule_pattern('startup_folder')) THEN 'persistence' ELSE 'file_create' END,
    canonical(target_filename), NULL, guid_key(process_guid), process_id, image, NULL, 'sysmon_file_create', source_id, record_offset
FROM sysmon_timed('sysmon_file_create') WHERE target_filename IS NOT NULL AND host IN (SELECT host FROM tree)
UNION ALL
SELECT s.host, s.mono_ns, s.happened_utc, 'file_create', canonical(s.target_filename), filled(s.contents), guid_key(s.process_guid),
    s.process_id, s.image, NULL, 'sysmon_stream_create', s.source_id, s.record_offset
FROM sysmon_timed('sysmon_stream_create') s
WHERE s.target_filename IS NOT NULL AND s.host IN (SELECT host FROM tree)
UNION ALL
SELECT host, mono_ns, happened_utc,
    CASE
        WHEN regexp_matches(lower(target_object), rule_pattern('persistence_key')) AND NOT event_type ILIKE 'Delete%' THEN 'persistence'
        ELSE 'registry'
    END,
    target_object, concat_ws(' ', filled(details), filled(new_name), CASE WHEN event_type NOT ILIKE 'SetValue' THEN event_type END),
    guid_key(process_guid), process_id, image, NULL, 'sysmon_registry', source_id, record_offset
FROM sysmon_timed('sysmon_registry') WHERE target_object IS NOT NULL AND host IN (SELECT host FROM tree)
UNION ALL
SELECT host, mono_ns, happened_utc, 'injection', target_image, 'thread in process ' || target_process_id || coalesce(' at ' || filled(start_module), ''),
    guid_key(source_process_guid), source_process_id, source_image, NULL, 'sysmon_remote_thread', source_id, record_offset
FROM sysmon_timed('sysmon_remote_thread')
WHERE target_image IS NOT NULL AND source_process_guid IS DISTINCT FROM target_process_guid AND host IN (SELECT host FROM tree)
UNION ALL
-- Rights to make a thread (0x2), change memory (0x8), write memory (0x20); a parent's access to its new child is normal.
SELECT a.host, a.mono_ns, a.happened_utc, 'injection', a.target_image,
    'access ' || printf('0x%x', a.granted_access) || ' to process ' || a.target_process_id,
    guid_key(a.source_process_guid), a.source_process_id, a.source_image, NULL, 'sysmon_process_access', a.source_id, a.record_offset
FROM sysmon_timed('sysmon_process_access') a
LEFT JOIN process c ON c.host = a.host AND c.process_guid = guid_key(a.target_process_guid)
LEFT JOIN process p ON p.process_key = c.parent_key
WHERE a.target_image IS NOT NULL AND (a.granted_access & 42) <> 0 AND a.host IN (SELECT host FROM tree)
    AND a.source_process_guid IS DISTINCT FROM a.target_process_guid
    AND NOT coalesce(p.process_guid = guid_key(a.source_process_guid), FALSE)
UNION ALL
SELECT host, mono_ns, happened_utc, 'injection', image, filled("type"), guid_key(process_guid), process_id, image, NULL,
    'sysmon_process_tampering', source_id, record_offset
FROM sysmon_timed('sysmon_process_tampering') WHERE image IS NOT NULL AND host IN (SELECT host FROM tree)
UNION ALL BY NAME
SELECT * FROM defender_act;

-- Acts of the processes of a tree.
CREATE OR REPLACE TEMP MACRO acts_of(tree_table) AS TABLE
WITH member AS (
    SELECT * FROM query_table(tree_table)
),
by_guid AS (
    SELECT a.*, t.execution_id, t.process_key, t.path, 'ProcessGuid' AS tie, rule_value('c_follow_guid') AS confidence
    FROM act a
    JOIN member t ON t.host = a.host AND t.process_guid = a.process_guid
    WHERE a.mono_ns >= t.from_ns - rule_ns('same_act_s')
),
by_pid AS (
    SELECT a.*, t.execution_id, t.process_key, t.path, 'process id' AS tie, rule_value('c_follow_pid') AS confidence
    FROM act a
    JOIN member t ON t.host = a.host AND t.pid = a.pid
    WHERE (a.process_guid IS NULL OR t.process_guid IS NULL)
        AND a.mono_ns >= t.from_ns - rule_ns('same_act_s') AND (t.end_ns IS NULL OR a.mono_ns <= t.end_ns)
        -- Sysmon's words for a process that ended before it looked.
        AND (coalesce(a.image, '<unknown process>') = '<unknown process>' OR program_of(a.image) = program_of(t.path))
        AND (a.started_ns IS NULL OR abs(a.started_ns - t.start_ns) <= rule_ns('same_act_s'))
    -- A reused id: the newest process before the act.
    QUALIFY row_number() OVER (PARTITION BY a.source_id, a.table_name, a.record_offset ORDER BY t.start_ns DESC) = 1
)
SELECT * FROM by_guid UNION ALL SELECT * FROM by_pid;

CREATE OR REPLACE TEMP TABLE tree_act AS
WITH every_act AS (
    SELECT * FROM acts_of('tree')
),
-- A process outside the tree that runs a thread of the tree.
injected AS (
    SELECT e.execution_id, e.process_key, e.path, e.host, e.mono_ns, guid_key(x.target_process_guid) AS target_guid
    FROM every_act e
    JOIN sysmon_remote_thread x ON x.source_id = e.source_id AND x.record_offset = e.record_offset
    ANTI JOIN tree t ON t.host = e.host AND t.process_guid = guid_key(x.target_process_guid)
    WHERE e.table_name = 'sysmon_remote_thread'
    QUALIFY row_number() OVER (PARTITION BY e.host, target_guid ORDER BY e.mono_ns, e.process_key) = 1
),
by_injected AS (
    SELECT a.*, i.execution_id, i.process_key, i.path, 'the process was given a thread by the tree' AS tie,
        rule_value('c_follow_injected') AS confidence
    FROM act a
    JOIN injected i ON i.host = a.host AND i.target_guid = a.process_guid
        AND a.mono_ns >= i.mono_ns AND a.mono_ns <= i.mono_ns + rule_ns('injected_act_s')
    WHERE a.kind = 'persistence' OR (a.kind IN ('network', 'dns') AND a.external)
)
SELECT a.*
FROM every_act a
-- Sysmon 15 of a file whose creation is told by Sysmon 11 is the same act.
ANTI JOIN (SELECT * FROM every_act WHERE table_name = 'sysmon_file_create') c
    ON a.table_name = 'sysmon_stream_create' AND c.process_key = a.process_key
    AND path_key(c.value) = regexp_replace(path_key(a.value), ':zone\.identifier.*$', '')
    AND abs(c.mono_ns - a.mono_ns) <= rule_ns('first_run_s')
UNION ALL BY NAME
SELECT * FROM by_injected;

-- Processes outside the tree that its persistence starts again: by the path of a file that the tree wrote, or by the command
-- line that it left in the registry; with all that descends from them.
CREATE OR REPLACE TEMP TABLE started_again AS
WITH left_file AS (
    SELECT DISTINCT host, execution_id, mono_ns, path_key(value) AS file
    FROM tree_act WHERE table_name IN ('sysmon_file_create', 'mde_device_file_events')
    UNION
    SELECT DISTINCT n.host, t.execution_id, t.from_ns, path_key(t.path)
    FROM tree t
    JOIN anchor n USING (execution_id)
    WHERE NOT list_bool_or(list_transform(rule_words('installed_folder'), lambda w: contains(path_key(t.path), w)))
        AND (n.host, volume_of(t.path)) NOT IN (SELECT (host, volume) FROM session_volume)
),
left_command AS (
    SELECT DISTINCT host, execution_id, mono_ns, lower(trim(detail)) AS command
    FROM tree_act WHERE table_name IN ('sysmon_registry', 'mde_device_registry_events') AND kind = 'persistence' AND detail <> ''
),
again AS (
    SELECT f.execution_id, p.process_key, p.start_ns AS from_ns, 'it runs a file of the tree again' AS tie
    FROM process p
    JOIN left_file f ON f.host = p.host AND f.file = path_key(p.path) AND p.start_ns >= f.mono_ns
    UNION ALL
    SELECT c.execution_id, p.process_key, p.start_ns, 'its command line is what the tree left in the registry'
    FROM process p
    JOIN left_command c ON c.host = p.host AND c.command = lower(trim(p.command_line)) AND p.start_ns >= c.mono_ns
)
SELECT a.*
FROM again a
ANTI JOIN tree t ON t.process_key = a.process_key
QUALIFY row_number() OVER (PARTITION BY a.process_key ORDER BY a.tie, a.from_ns DESC, a.execution_id) = 1;

CREATE OR REPLACE TEMP TABLE restarted AS
WITH RECURSIVE below AS (
    SELECT execution_id, process_key, from_ns, tie, 0 AS depth FROM started_again
    UNION ALL
    SELECT b.execution_id, c.process_key, c.start_ns, 'child of a process that was started again', b.depth + 1
    FROM below b
    JOIN process c ON c.parent_key = b.process_key
    ANTI JOIN tree t ON t.process_key = c.process_key
    ANTI JOIN started_again f ON f.process_key = c.process_key
    WHERE b.depth < rule_value('tree_depth')
)
SELECT b.*, p.host, p.pid, p.process_guid, p.path, p.command_line, p.started_utc, p.start_ns, p.end_ns, p.parent_path,
    CASE WHEN p.sysmon_source_id IS NOT NULL THEN 'sysmon_process_create' WHEN p.security_source_id IS NOT NULL THEN 'security_process_create'
            ELSE 'mde_device_process_events' END AS table_name,
    coalesce(p.sysmon_source_id, p.security_source_id, p.mde_source_id) AS source_id, coalesce(p.sysmon_offset, p.security_offset, p.mde_row) AS record_offset
FROM below b
JOIN process p USING (process_key);

INSERT INTO tree_act BY NAME
SELECT a.* EXCLUDE (tie, confidence), a.tie || ' of a process that was started again' AS tie, rule_value('c_follow_restarted') AS confidence
FROM acts_of('restarted') a
ANTI JOIN tree_act t ON t.source_id = a.source_id AND t.table_name = a.table_name AND t.record_offset = a.record_offset;
