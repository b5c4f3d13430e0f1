-- copied_out, related, left_behind (temporary): what the registry, the folder of tasks and the file system show of the
-- executions after they ended. copied_out: files of the host that are a file of the image by hash, by name and size, or by
-- name alone, made while or after the image was open, outside installed_folder. related: files that belong to an image: written by
-- the tree, run in the tree, copied out, lying on the volume. left_behind: autostart entries, services, tasks (file or TaskCache) and files of
-- Startup folders that name a related file and were written after the first execution, and the copies themselves.
-- time_basis says what the time is: keys carry one time for all their values; a task's own date is its writer's.
-- Joined on host; an entry last written before the first execution is not the image's.
-- Misses: commands that name no path; keys that autorun does not hold; copies renamed and not hashed; 8.3 names.
CREATE OR REPLACE TEMP MACRO names_file(text, file) AS
    contains(text, file) AND regexp_matches(substr(text, strpos(text, file) + length(file), 1), '^([\s"'',;|<>)]|$)');

CREATE OR REPLACE TEMP TABLE copied_out AS
WITH listed AS (
    SELECT DISTINCT session_id, host, image_path, open_ns, lower(file_name(path)) AS name, path AS file, size_bytes,
        lower(sha256) AS sha256, lower(sha1) AS sha1, lower(md5) AS md5, source_id AS image_source, record_offset AS image_offset
    FROM session_file
    WHERE size_bytes > 0 AND open_ns IS NOT NULL
),
present AS (
    SELECT n.host, upper(m.volume) || n.path AS file_path, lower(n.name) AS name, e.si_created_utc AS time_utc, s.size_bytes,
        n.source_id, n.record_offset
    FROM mft_name n
    JOIN mft_volume m USING (source_id)
    JOIN mft_entry e ON e.source_id = n.source_id AND e.record = n.record AND e.sequence = n.sequence
    JOIN mft_stream s ON s.source_id = n.source_id AND s.record = n.record AND s.sequence = n.sequence AND coalesce(s.stream, '') = ''
    WHERE n.namespace <> 2 AND n.path IS NOT NULL AND NOT coalesce(n.is_directory, FALSE)
        AND (n.host, lower(n.name)) IN (SELECT (host, name) FROM listed)
),
journal AS (
    SELECT u.host, upper(m.volume) || p.path || '\' || u.name AS file_path, lower(u.name) AS name, u.time_utc,
        u.source_id, u."offset" AS record_offset
    FROM usn_record u
    JOIN mft_name p ON p.host = u.host AND p.record = u.parent_record AND p.sequence = u.parent_sequence AND p.namespace <> 2
    JOIN mft_volume m ON m.source_id = p.source_id
    WHERE (u.reason_flags & 256) <> 0 AND (u.host, lower(u.name)) IN (SELECT (host, name) FROM listed)
    QUALIFY row_number() OVER (PARTITION BY u.source_id, u."offset" ORDER BY p.record_offset) = 1
),
written AS (
    SELECT host, canonical(target_filename) AS file_path, lower(file_name(target_filename)) AS name, happened_utc AS time_utc, mono_ns,
        lower(hashes) AS hashes, 'sysmon_file_executable' AS table_name, source_id, record_offset
    FROM sysmon_timed('sysmon_file_executable')
    UNION ALL
    SELECT host, canonical(target_filename), lower(file_name(target_filename)), happened_utc, mono_ns, lower(hash), 'sysmon_stream_create', source_id, record_offset
    FROM sysmon_timed('sysmon_stream_create') WHERE NOT contains(substr(target_filename, 3), ':')
    UNION ALL
    SELECT host, canonical(target_filename), lower(file_name(target_filename)), happened_utc, mono_ns, NULL, 'sysmon_file_create', source_id, record_offset
    FROM sysmon_timed('sysmon_file_create')
    WHERE (host, lower(file_name(target_filename))) IN (SELECT (host, name) FROM listed)
),
equal AS (
    SELECT l.*, w.file_path, w.time_utc, w.mono_ns AS at_ns, 'bytes equal (hash)' AS how, rule_value('c_copy_hash') AS confidence,
        'as logged' AS time_basis, w.table_name, w.source_id, w.record_offset
    FROM listed l
    JOIN written w ON w.host = l.host
        AND (regexp_extract(w.hashes, 'sha256=([0-9a-f]{64})', 1) = l.sha256 OR regexp_extract(w.hashes, 'sha1=([0-9a-f]{40})', 1) = l.sha1
            OR regexp_extract(w.hashes, 'md5=([0-9a-f]{32})', 1) = l.md5)
    WHERE w.hashes IS NOT NULL
    UNION ALL
    SELECT l.*, a."path", a.key_last_write_utc, stamp_ns(a.host, a.key_last_write_utc), 'bytes equal (SHA-1 of the inventory)',
        rule_value('c_copy_hash'), 'last write of the inventory''s key: the file was there by then', 'amcache_file', a.source_id, a."offset"
    FROM listed l
    JOIN amcache_file a ON a.host = l.host AND lower(a.sha1) = l.sha1
    WHERE a.key_last_write_utc IS NOT NULL
    UNION ALL
    SELECT l.*, p.file_path, p.time_utc, stamp_ns(p.host, p.time_utc), 'name and size equal', rule_value('c_copy_size'),
        '$MFT: creation of the file', 'mft_name', p.source_id, p.record_offset
    FROM listed l
    JOIN present p ON p.host = l.host AND p.name = l.name AND p.size_bytes = l.size_bytes
    UNION ALL
    SELECT l.*, w.file_path, w.time_utc, w.mono_ns, 'name equal, size not logged', rule_value('c_copy_name'), 'as logged',
        w.table_name, w.source_id, w.record_offset
    FROM listed l
    JOIN written w ON w.host = l.host AND w.name = l.name AND w.hashes IS NULL
    UNION ALL
    SELECT l.*, j.file_path, j.time_utc, stamp_ns(j.host, j.time_utc), 'name equal, size not logged', rule_value('c_copy_name'),
        'as the journal has it', 'usn_record', j.source_id, j.record_offset
    FROM listed l
    JOIN journal j ON j.host = l.host AND j.name = l.name
)
SELECT e.session_id, e.host, e.image_path, e.file, e.file_path, path_key(e.file_path) AS file_key, e.time_utc, e.at_ns, e.how, e.confidence,
    e.time_basis, e.table_name, e.source_id, e.record_offset, e.image_source, e.image_offset
FROM equal e
ANTI JOIN session_volume v ON v.session_id = e.session_id AND v.volume = volume_of(e.file_path)
WHERE e.at_ns >= e.open_ns - rule_ns('same_act_s')
    AND NOT list_bool_or(list_transform(rule_words('installed_folder'), lambda w: contains(path_key(e.file_path), w)))
-- A copy has one row here: by its best ground, of the last image opened before it.
QUALIFY row_number() OVER (PARTITION BY e.host, path_key(e.file_path) ORDER BY e.confidence DESC, e.open_ns DESC, e.at_ns, e.table_name, e.file) = 1;

CREATE OR REPLACE TEMP TABLE related AS
WITH named AS (
    SELECT n.host, n.session_id, n.image_path, a.execution_id, a.process_key, a.path AS by_path, path_key(a.value) AS file,
        'a file that the tree wrote' AS what, rule_value('c_follow_state') AS confidence, NULL::BIGINT AS until_ns
    FROM tree_act a
    JOIN anchor n USING (execution_id)
    WHERE a.kind IN ('file_create', 'persistence') AND a.table_name IN ('sysmon_file_create', 'sysmon_stream_create', 'mde_device_file_events')
    UNION ALL
    SELECT n.host, n.session_id, n.image_path, t.execution_id, t.process_key, t.path, path_key(t.path), 'a program of the tree',
        rule_value('c_follow_state'), NULL
    FROM tree t
    JOIN anchor n USING (execution_id)
    WHERE NOT list_bool_or(list_transform(rule_words('installed_folder'), lambda w: contains(path_key(t.path), w)))
    UNION ALL
    SELECT host, session_id, image_path, NULL, NULL, NULL, file_key, 'a file copied out of the image (' || how || ')',
        least(confidence, rule_value('c_follow_state')), NULL
    FROM copied_out
    UNION ALL
    -- A listed file under the session's letter stands for the image at any time; the letter alone while it is the image's.
    SELECT v.host, v.session_id, f.image_path, NULL, NULL, NULL, path_key(v.volume || '\' || ltrim(f.path, '\/')), 'a file of the image',
        rule_value('c_follow_state'), NULL
    FROM session_volume v
    JOIN session_file f USING (session_id)
    WHERE v.ground <> 'ambiguous'
)
SELECT DISTINCT * EXCLUDE (file),
    unnest(list_distinct([
        file,
        regexp_replace(file, '^[a-z]:\\users\\[^\\]+\\appdata\\roaming\\', '%appdata%\\'),
        regexp_replace(file, '^[a-z]:\\users\\[^\\]+\\appdata\\local\\', '%localappdata%\\'),
        regexp_replace(file, '^[a-z]:\\users\\[^\\]+\\appdata\\local\\temp\\', '%temp%\\'),
        regexp_replace(file, '^[a-z]:\\users\\public\\', '%public%\\'),
        regexp_replace(file, '^[a-z]:\\users\\[^\\]+\\', '%userprofile%\\'),
        regexp_replace(file, '^[a-z]:\\programdata\\', '%programdata%\\'),
        regexp_replace(file, '^[a-z]:\\windows\\', '%systemroot%\\'),
        regexp_replace(file, '^[a-z]:\\windows\\', '%windir%\\')
    ])) AS file
FROM named
WHERE length(file) > 3;

CREATE OR REPLACE TEMP TABLE stored_start AS
WITH profile AS (
    SELECT host, lower(user_name) AS user_name, min(user_sid) AS user_sid FROM user_profile GROUP BY ALL HAVING count(DISTINCT user_sid) = 1
),
task_file AS (
    SELECT n.host, m.volume || lower(n.path) AS task_key, e.si_created_utc
    FROM mft_name n
    JOIN mft_volume m USING (source_id)
    JOIN mft_entry e ON e.source_id = n.source_id AND e.record = n.record AND e.sequence = n.sequence
    WHERE n.namespace <> 2 AND n.path ILIKE '\windows\system32\tasks\%'
)
SELECT a.host, a.key_last_write_utc AS time_utc,
    CASE WHEN a.scope = 'user' THEN 'HKU\' || coalesce(p.user_sid, a."user", '?') || '\' ELSE 'HKLM\SOFTWARE\' END || a.key_path || '\' || a.name AS value,
    a.command AS detail, lower(a.command) AS text,
    'last write of the key: any of its values may have been the one written' AS time_basis,
    'autostart|' || regexp_extract(lower(a.key_path), '(microsoft\\.*|environment.*)$', 1)
        || CASE WHEN list_contains(rule_words('entry_is_key'), a.kind) THEN '' ELSE '\' || lower(a.name) END AS fact,
    'autorun' AS table_name, a.source_id, a."offset" AS record_offset
FROM autorun a
LEFT JOIN profile p ON p.host = a.host AND p.user_name = lower(a."user")
UNION ALL
SELECT host, key_last_write_utc, name, concat_ws('; ', image_path, service_dll), lower(concat_ws(' ; ', image_path, service_dll)),
    'last write of the service''s key', 'service|' || lower(name), 'service', source_id, "offset"
FROM service WHERE coalesce(current, TRUE)
UNION ALL
SELECT t.host, coalesce(f.si_created_utc, t.registered_utc), t.task_path, concat_ws(' ', t.command, t.arguments), lower(concat_ws(' ', t.command, t.arguments)),
    CASE WHEN f.si_created_utc IS NOT NULL THEN '$MFT: creation of the task''s file'
        WHEN t.registered_utc IS NOT NULL THEN 'registration date in the task, as its writer put it'
        WHEN t.registered_local IS NOT NULL THEN 'no zone: the task says ' || strftime(t.registered_local, '%Y-%m-%d %H:%M:%S') || ' local time'
        ELSE 'the task says no time' END,
    'task|' || lower(file_name(t.task_path)), 'scheduled_task', t.source_id, t.line_number
FROM scheduled_task t
JOIN source s USING (source_id)
LEFT JOIN task_file f ON f.host = t.host AND f.task_key = path_key(s.windows_path)
UNION ALL
-- The registry's own record of a task keeps when it was made, whatever the task's text says.
SELECT host, coalesce(created_utc, key_last_write_utc), coalesce(task_path, task_id), concat_ws(' ', command, arguments), lower(concat_ws(' ', command, arguments)),
    CASE WHEN created_utc IS NOT NULL THEN 'TaskCache: creation of the task' ELSE 'TaskCache: last write of the task''s key' END,
    'task|' || lower(file_name(coalesce(task_path, task_id))), 'task_cache', source_id, "offset"
FROM task_cache WHERE command IS NOT NULL
UNION ALL
-- Shortcuts of Startup folders, and the files there themselves.
SELECT n.host, e.si_created_utc, upper(m.volume) || n.path, concat_ws(' ', l.target_path, l.arguments),
    concat_ws(' ', m.volume || lower(n.path), lower(l.target_path), lower(l.arguments)), '$MFT: creation of the file',
    'startup|' || m.volume || lower(n.path), 'mft_name', n.source_id, n.record_offset
FROM mft_name n
JOIN mft_volume m USING (source_id)
JOIN mft_entry e ON e.source_id = n.source_id AND e.record = n.record AND e.sequence = n.sequence
LEFT JOIN (SELECT host, path_key(lnk_path) AS lnk_key, any_value(target_path) AS target_path, any_value(arguments) AS arguments FROM lnk GROUP BY ALL) l
    ON l.host = n.host AND l.lnk_key = m.volume || lower(n.path)
WHERE n.namespace <> 2 AND NOT coalesce(n.is_directory, FALSE) AND regexp_matches(lower(n.path), rule_pattern('startup_folder'))
    AND n.path NOT ILIKE '\windows\system32\tasks\%';

CREATE OR REPLACE TEMP TABLE left_behind AS
WITH entry AS (
    SELECT s.*, a.first_ns, stamp_ns(s.host, s.time_utc) AS at_ns
    FROM stored_start s
    JOIN (SELECT host, min(from_ns) AS first_ns FROM anchor GROUP BY host) a ON a.host = s.host
    WHERE s.text <> ''
),
-- Most entries are older than any execution.
later AS MATERIALIZED (
    SELECT * FROM entry WHERE at_ns IS NULL OR at_ns >= first_ns - rule_ns('same_act_s')
),
named AS (
    SELECT e.*, r.session_id, r.image_path, r.execution_id, r.process_key, r.what, r.confidence
    FROM later e
    JOIN related r ON r.host = e.host AND names_file(e.text, r.file)
    UNION ALL
    -- Any path below the letter while it was the image's.
    SELECT e.*, v.session_id, s.image_path, NULL, NULL, 'a path on the volume of the image', rule_value('c_follow_state')
    FROM later e
    JOIN session_volume v ON v.host = e.host AND v.ground <> 'ambiguous' AND regexp_matches(e.text, '(^|[\s"''=,;])' || regexp_escape(v.volume || '\'))
        AND e.at_ns >= v.open_ns - rule_ns('same_act_s') AND e.at_ns <= v.end_ns + rule_ns('same_act_s')
    JOIN session s ON s.session_id = v.session_id
),
entered AS (
    SELECT 'persistence' AS kind, n.host, n.at_ns AS mono_ns, n.time_utc, n.value, n.detail, coalesce(n.execution_id, a.execution_id) AS execution_id,
        n.process_key, 'it names ' || n.what AS tie,
        CASE WHEN n.at_ns IS NULL THEN least(n.confidence, rule_value('c_follow_unowned')) ELSE n.confidence END AS confidence,
        n.time_basis, n.fact, n.table_name, n.source_id, n.record_offset
    FROM named n
    JOIN anchor a ON a.host = n.host AND a.session_id IS NOT DISTINCT FROM n.session_id AND a.image_path = n.image_path
        AND (n.at_ns IS NULL OR a.from_ns <= n.at_ns + rule_ns('same_act_s')) AND (n.execution_id IS NULL OR n.execution_id = a.execution_id)
    QUALIFY row_number() OVER (PARTITION BY n.table_name, n.source_id, n.record_offset ORDER BY n.confidence DESC, a.from_ns DESC, n.what, a.execution_id) = 1
),
copy AS (
    SELECT 'file_create' AS kind, c.host, c.at_ns AS mono_ns, c.time_utc, c.file_path AS value, 'copy of ' || c.file || ' in the image' AS detail,
        a.execution_id, NULL AS process_key, 'copied out of the image: ' || c.how AS tie, c.confidence, c.time_basis,
        'file|' || c.file_key AS fact, c.table_name, c.source_id, c.record_offset
    FROM copied_out c
    JOIN anchor a ON a.host = c.host AND a.session_id = c.session_id AND a.from_ns <= c.at_ns + rule_ns('same_act_s')
    QUALIFY row_number() OVER (PARTITION BY c.table_name, c.source_id, c.record_offset ORDER BY a.from_ns DESC, a.execution_id) = 1
        AND row_number() OVER (PARTITION BY c.session_id ORDER BY c.confidence DESC, c.at_ns, c.file_key) <= rule_value('copied_out_rows')
)
SELECT * FROM entered UNION ALL BY NAME SELECT * FROM copy;
