-- Rows of execution that artifacts other than logs of processes and prefetch files tell (trace_use, prefetch names), one per
-- run: what tells a run that a row has already becomes further basis of that row (trace_support).
-- Tied to a session by a volume of the session and a time inside it; without a time by a path that the image alone lists;
-- device paths of disks only by the list. A path that a listed optical image does not hold is another medium's.
-- Kinds: image_on_volume; content_match (device path by the list); script_arg (the file given to another program);
-- hash_match (Amcache); lnk_argument (a shortcut of the image started, or its command line hashed); prefetch (name hash).
-- Rows of their own: runs; commands; Amcache with the bytes of the image's file; a listed file that two kinds of presence show.
-- ShimCache and Amcache prove presence: alone they make no row that counts as executed. Shortcuts and jump lists to a file prove
-- that it was opened, and make no row; a document whose macros the user enabled makes one. Misses: 8.3 names; runs in no session; all but the last start of most artifacts.
CREATE OR REPLACE TEMP TABLE trace_listing AS
SELECT session_id, lower(path) AS rel, min(path) AS path, any_value(sha1) AS sha1, any_value(lnk_target) AS lnk_target, any_value(lnk_arguments) AS lnk_arguments,
    any_value(size_bytes) AS size_bytes, min_by(source_id, record_offset) AS content_source, min(record_offset) AS content_offset,
    list_contains(rule_words('common_name'), file_name(lower(path))) AS is_common
FROM session_file WHERE shown
GROUP BY session_id, lower(path);

-- Sessions of one image, and files that several images list, tell no session apart without a time.
CREATE OR REPLACE TEMP TABLE trace_tied AS
WITH volume AS (
    SELECT v.session_id, v.host, v.volume, v.ground, v.shares, v.basis, v.open_ns, v.end_ns, s.image_kind, s.image_path, s.image_key
    FROM session_volume v
    JOIN session s USING (session_id)
),
timed_use AS (
    SELECT t.*, v.* EXCLUDE (host, volume), t.mono_ns >= v.open_ns AND coalesce(t.from_ns, t.mono_ns) <= v.end_ns AS strictly, FALSE AS by_list
    FROM trace_use t
    JOIN volume v ON v.host = t.host AND v.volume = t.volume
        AND t.mono_ns >= v.open_ns - rule_ns('same_act_s') AND coalesce(t.from_ns, t.mono_ns) <= v.end_ns + rule_ns('same_act_s')
    WHERE t.stage <= 3
),
-- Device paths that no other use tied: by the list of files.
listed_use AS (
    SELECT t.*, s.session_id, 'list' AS ground, 1 AS shares, 'the path is one of the image''s files' AS basis, s.open_ns,
        coalesce(s.end_ns, never_ns()) AS end_ns, s.image_kind, s.image_path, s.image_key,
        t.mono_ns >= s.open_ns AND (s.end_ns IS NULL OR coalesce(t.from_ns, t.mono_ns) <= s.end_ns) AS strictly, TRUE AS by_list
    FROM trace_use t
    JOIN session s ON s.host = t.host AND s.open_ns IS NOT NULL AND t.mono_ns >= s.open_ns - rule_ns('same_act_s')
        AND (s.end_ns IS NULL OR coalesce(t.from_ns, t.mono_ns) <= s.end_ns + rule_ns('same_act_s'))
        AND CASE WHEN t.volume LIKE '\device\cdrom%' THEN s.image_kind = 'optical' ELSE s.image_kind = 'disk' END
    JOIN trace_listing l ON l.session_id = s.session_id AND l.rel = t.rel AND NOT l.is_common
    LEFT JOIN session_volume v ON v.host = t.host AND v.volume = t.volume AND t.mono_ns >= v.open_ns - rule_ns('same_act_s')
        AND coalesce(t.from_ns, t.mono_ns) <= v.end_ns + rule_ns('same_act_s')
    WHERE t.stage <= 3 AND t.class = 'run' AND t.volume LIKE '\device\%' AND v.session_id IS NULL
),
untimed AS (
    SELECT t.*, v.* EXCLUDE (host, volume), TRUE AS strictly, TRUE AS by_list
    FROM trace_use t
    JOIN volume v ON v.host = t.host AND v.volume = t.volume AND v.ground <> 'ambiguous'
    JOIN trace_listing l ON l.session_id = v.session_id AND l.rel = t.rel AND (NOT l.is_common OR upper(l.sha1) = t.sha1)
    WHERE t.stage >= 4 AND NOT coalesce(t.sha1 <> upper(l.sha1) AND l.size_bytes <= 31457280, FALSE)
    QUALIFY count(DISTINCT v.image_key) OVER (PARTITION BY t.trace_id) = 1
),
every_tie AS (
    SELECT * FROM timed_use UNION ALL BY NAME SELECT * FROM listed_use UNION ALL BY NAME SELECT * FROM untimed
),
known AS (
    SELECT session_id FROM trace_listing GROUP BY session_id
),
weighed AS (
    SELECT e.*, l.rel IS NOT NULL AS is_listed, k.session_id IS NOT NULL AS has_list, coalesce(l.is_common, list_contains(rule_words('common_name'), file_name(e.rel))) AS is_common,
        l.path AS file_path, l.sha1 AS file_sha1, l.lnk_target, l.content_source, l.content_offset,
        bool_or(l.rel IS NOT NULL) OVER (PARTITION BY e.trace_id) AS listed_somewhere
    FROM every_tie e
    LEFT JOIN trace_listing l ON l.session_id = e.session_id AND l.rel = e.rel
    LEFT JOIN known k ON k.session_id = e.session_id
)
SELECT trace_id, session_id, host, image_path, class, stage, what, time_remark, time_utc, mono_ns, from_ns, volume, path, rel, command_line, user_name,
    ground, basis AS volume_basis, by_list, is_listed, file_path, lnk_target, content_source, content_offset, source_id, table_name, record_offset,
    CASE WHEN class = 'command' AND path_key(command_head(command_line)) <> path_key(path) THEN command_head(command_line)
        WHEN class = 'shortcut' THEN lnk_target WHEN class = 'document' THEN command_line ELSE path END AS program,
    CASE WHEN class = 'shortcut' THEN 'lnk_argument'
        WHEN class = 'document' THEN 'script_arg'
        WHEN class = 'command' AND path_key(command_head(command_line)) <> path_key(path) THEN 'script_arg'
        WHEN sha1 = upper(file_sha1) THEN 'hash_match'
        WHEN by_list AND volume LIKE '\device\%' THEN 'content_match'
        ELSE 'image_on_volume' END AS kind,
    CASE WHEN sha1 = upper(file_sha1) THEN rule_value('c_trace_hash') ELSE confidence END / shares
        * CASE WHEN has_list THEN 1 ELSE rule_value('trace_unlisted_factor') END
        * CASE WHEN is_common AND NOT (sha1 = upper(file_sha1) IS TRUE) THEN rule_value('trace_common_factor') ELSE 1 END AS confidence,
    sha1 = upper(file_sha1) IS TRUE AS has_equal
FROM weighed
WHERE NOT (has_list AND NOT is_listed AND (image_kind = 'optical' OR listed_somewhere) AND NOT contains(rel, '~'))
    -- What an unlisted shortcut starts is not known.
    AND NOT (class = 'shortcut' AND lnk_target IS NULL)
-- Touching sessions: the one that holds it strictly; of several sessions of one image without a time the first.
QUALIFY (strictly OR NOT bool_or(strictly) OVER (PARTITION BY trace_id))
    AND (stage < 4 OR row_number() OVER (PARTITION BY trace_id ORDER BY open_ns, session_id) = 1);

INSERT INTO trace_tied BY NAME
WITH tried AS (
    SELECT c.*, m.device_path, m.command_line, n.what, n.time_utc, n.mono_ns, n.source_id, n.table_name, n.record_offset, s.image_path,
        list_contains(rule_words('common_name'), lower(file_name(c.file_path))) AS is_common,
        count(DISTINCT c.session_id) OVER (PARTITION BY n.host, n.table_name, n.source_id, n.record_offset, n.time_utc) AS shares,
        lower(regexp_replace(m.device_path, '(?i)^(\\device\\[a-z]+[0-9]+).*$', '\1')) AS volume
    FROM prefetch_name_candidate c
    JOIN prefetch_name_match m USING (candidate_id)
    JOIN session s USING (session_id)
    JOIN prefetch_name n ON n.host = c.host AND n.executable = c.executable AND n.name_hash = c.name_hash AND n.is_run = c.is_run
        AND n.mono_ns >= s.open_ns - rule_ns('same_act_s')
        AND (s.end_ns IS NULL OR n.mono_ns - CASE WHEN n.is_run THEN 0 ELSE rule_ns('prefetch_delay_s') END <= s.end_ns + rule_ns('same_act_s'))
    -- One command line may be that of several shortcuts, one path stand in several records.
    QUALIFY row_number() OVER (PARTITION BY c.session_id, n.table_name, n.source_id, n.record_offset, n.time_utc ORDER BY m.command_line IS NULL DESC, c.candidate_id) = 1
)
SELECT (SELECT coalesce(max(trace_id), 0) FROM trace_use) + row_number() OVER (ORDER BY candidate_id, table_name, source_id, record_offset, time_utc) AS trace_id,
    session_id, host, image_path, 'run' AS class, 1 AS stage,
    'prefetch name hash ' || name_hash || ' is that of ' || device_path
        || CASE WHEN command_line IS NOT NULL THEN ' started with the arguments of ' || file_path || ' in the image' ELSE ', a path of the image' END AS what,
    CASE WHEN is_run THEN NULL ELSE what || ', up to ' || rule_value('prefetch_delay_s')::INTEGER || ' s after the start' END AS time_remark,
    time_utc, mono_ns, NULL::BIGINT AS from_ns, volume, device_path AS path, CASE WHEN lnk_target IS NULL THEN lower(file_path) END AS rel, command_line,
    NULL AS user_name, 'list' AS ground, 'the image lists it' AS volume_basis, TRUE AS by_list, TRUE AS is_listed, file_path, lnk_target, content_source, content_offset,
    source_id, table_name, record_offset,
    CASE WHEN lnk_target IS NULL THEN replace(replace(regexp_extract(device_path, '^(\\DEVICE\\[A-Z]+[0-9]+)', 1), '\DEVICE\CDROM', '\Device\CdRom'),
            '\DEVICE\HARDDISKVOLUME', '\Device\HarddiskVolume') || '\' || file_path ELSE lnk_target END AS program,
    CASE WHEN lnk_target IS NULL THEN 'prefetch' ELSE 'lnk_argument' END AS kind,
    CASE WHEN lnk_target IS NULL THEN rule_value('c_prefetch_name') ELSE rule_value('c_prefetch_command') END / shares
        * CASE WHEN is_common AND lnk_target IS NULL THEN rule_value('trace_common_factor') ELSE 1 END AS confidence,
    FALSE AS has_equal
FROM tried;

-- Runs that are rows already, one row per key: a file of the image below its volume, or * and the program.
CREATE OR REPLACE TEMP TABLE run_known AS
WITH named AS (
    SELECT e.execution_id, e.session_id, coalesce(p.start_ns, stamp_ns(e.host, e.time_utc)) AS mono_ns, e.process_path, e.target,
        -- The load of a module is not the start of its loader.
        CASE WHEN e.kind <> 'module_on_volume' OR e.process_key IS NOT NULL THEN e.process_path END AS started_path
    FROM execution e
    LEFT JOIN process p USING (process_key)
    WHERE e.session_id IS NOT NULL
)
SELECT execution_id, session_id, mono_ns, unnest(list_distinct([
        lower(regexp_replace(canonical(started_path), '(?i)^([a-z]:|\\device\\[^\\]+|\\\\\?\\volume\{[^}]*\}|\\volume\{[^}]*\})\\', '')),
        lower(regexp_replace(canonical(target), '(?i)^([a-z]:|\\device\\[^\\]+|\\\\\?\\volume\{[^}]*\}|\\volume\{[^}]*\})\\|^\.\\', '')),
        '*' || program_of(process_path)
    ])) AS run_key
FROM named;

CREATE OR REPLACE TEMP TABLE trace_support (trace_id BIGINT, session_id VARCHAR, execution_id VARCHAR);

CREATE OR REPLACE TEMP MACRO told_already(of_stage) AS TABLE
WITH keyed AS (
    SELECT trace_id, session_id, mono_ns, from_ns, stage,
        unnest([rel, CASE WHEN kind IN ('lnk_argument', 'script_arg') AND of_stage < 4 THEN '*' || program_of(program) END]) AS run_key
    FROM trace_tied
    WHERE stage = of_stage
)
SELECT t.trace_id, t.session_id, r.execution_id
FROM keyed t
JOIN run_known r ON r.session_id = t.session_id AND r.run_key = t.run_key
    AND CASE
        WHEN t.stage = 1 THEN abs(r.mono_ns - t.mono_ns) <= rule_ns('attach_trace_s')
        WHEN t.stage = 2 THEN r.mono_ns <= t.mono_ns + rule_ns('same_act_s')
        WHEN t.stage = 3 THEN r.mono_ns BETWEEN t.from_ns - rule_ns('same_act_s') AND t.mono_ns + rule_ns('same_act_s')
        ELSE TRUE
    END
QUALIFY row_number() OVER (PARTITION BY t.trace_id, t.session_id ORDER BY abs(r.mono_ns - t.mono_ns), r.mono_ns, r.execution_id) = 1;

-- What no row tells yet: near in time it is one run, told by the strongest, then the earliest of those with an exact time.
CREATE OR REPLACE TEMP MACRO new_runs(of_stage) AS TABLE
WITH untold AS (
    SELECT t.*, coalesce(t.rel, program_of(t.program)) AS file_key
    FROM trace_tied t
    ANTI JOIN trace_support s ON s.trace_id = t.trace_id AND s.session_id = t.session_id
    WHERE t.stage = of_stage
),
counted AS (
    SELECT *, of_stage = 1 AND mono_ns - lag(mono_ns) OVER (PARTITION BY session_id, file_key ORDER BY mono_ns) > rule_ns('attach_trace_s') AS starts_new,
        count(DISTINCT regexp_extract(what, '^[A-Za-z]+')) OVER (PARTITION BY session_id, file_key) AS kinds
    FROM untold
),
clustered AS (
    SELECT *, count(*) FILTER (starts_new) OVER (PARTITION BY session_id, file_key ORDER BY mono_ns, trace_id) AS cluster FROM counted
)
SELECT *, short_hash(concat_ws('|', 'trace', session_id, file_key, of_stage, first_value(trace_key) OVER head)) AS execution_id,
    row_number() OVER head = 1 AS is_head, max(confidence) OVER head AS best
FROM (SELECT *, concat_ws('|', table_name, source_id, record_offset, mono_ns) AS trace_key FROM clustered)
-- Presence alone: the bytes of the image's file, or two kinds of it.
WHERE of_stage < 5 OR has_equal OR kinds > 1
-- An exact time goes before one that is only near; the confidence is that of the strongest.
WINDOW head AS (
    PARTITION BY session_id, file_key, cluster ORDER BY time_remark IS NOT NULL, confidence DESC, mono_ns, trace_id
    ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
);

CREATE OR REPLACE TEMP TABLE trace_run AS SELECT * FROM new_runs(0);

CREATE OR REPLACE TEMP MACRO keys_of(of_stage) AS TABLE
SELECT execution_id, session_id, CASE WHEN stage < 4 THEN mono_ns END, unnest([rel, '*' || program_of(program)])
FROM trace_run WHERE is_head AND stage = of_stage;

INSERT INTO trace_support SELECT * FROM told_already(1);
INSERT INTO trace_run SELECT * FROM new_runs(1);
INSERT INTO run_known SELECT * FROM keys_of(1);

INSERT INTO trace_support SELECT * FROM told_already(2);
INSERT INTO trace_run SELECT * FROM new_runs(2);
INSERT INTO run_known SELECT * FROM keys_of(2);

INSERT INTO trace_support SELECT * FROM told_already(3);
INSERT INTO trace_run SELECT * FROM new_runs(3);
INSERT INTO run_known SELECT * FROM keys_of(3);

INSERT INTO trace_support SELECT * FROM told_already(4);
INSERT INTO trace_run SELECT * FROM new_runs(4);
INSERT INTO run_known SELECT * FROM keys_of(4);

INSERT INTO trace_support SELECT * FROM told_already(5);
INSERT INTO trace_run SELECT * FROM new_runs(5);

INSERT INTO trace_support SELECT trace_id, session_id, execution_id FROM trace_run;

INSERT INTO execution BY NAME
SELECT t.execution_id, t.session_id, t.host, t.image_path, CASE WHEN t.stage <= 2 THEN t.time_utc END AS time_utc, t.kind, t.program AS process_path,
    CASE WHEN t.class <> 'document' THEN t.command_line END AS command_line,
    NULL::BIGINT AS pid, NULL AS process_guid, NULL AS parent_path, t.user_name,
    concat_ws('; ', t.what,
        CASE WHEN t.stage = 3 THEN 'between ' || strftime(instant(t.from_ns), '%Y-%m-%d %H:%M:%S') || ' and ' || strftime(t.time_utc, '%H:%M:%S') END,
        CASE WHEN t.stage = 2 THEN 'its start is not logged' END,
        t.time_remark,
        CASE WHEN t.stage = 5 THEN 'presence is not proof of a run' END,
        CASE WHEN t.has_equal THEN 'SHA-1 of ' || t.file_path || ' in the image' WHEN t.is_listed AND t.ground <> 'list' THEN coalesce(t.file_path, t.rel) || ' is a file of the image' END,
        CASE WHEN t.ground = 'ambiguous' THEN 'volume ambiguous' ELSE 'volume: ' || t.volume_basis END
    ) AS basis,
    t.best AS confidence, CASE WHEN t.kind IN ('script_arg', 'image_on_volume', 'content_match') THEN t.path ELSE coalesce(t.file_path, t.path) END AS target
FROM trace_run t
WHERE t.is_head;

-- Shortcuts and jump lists: the file was opened.
CREATE OR REPLACE TEMP TABLE opened_file AS
WITH opened AS (
    SELECT host, lower(substr(local_path, 4)) AS rel, volume_serial, lower(left(local_path, 2)) AS volume, stamp_ns(host, time_utc) AS mono_ns,
        'a shortcut to it' AS what, source_id, 'lnk' AS table_name, record_offset
    FROM shortcut_time WHERE local_path LIKE '_:\_%'
    UNION ALL
    SELECT host, lower(substr(local_path, 4)), volume_serial, lower(left(local_path, 2)), stamp_ns(host, last_accessed_utc),
        'a jump list' || coalesce(' of ' || app_name, '') || ' names it', source_id, 'jumplist_entry', "offset"
    FROM jumplist_entry WHERE local_path LIKE '_:\_%' AND volume_serial IS NOT NULL AND last_accessed_utc IS NOT NULL AND drive_type IN ('CD-ROM', 'fixed')
    UNION ALL
    SELECT host, lower(substr(content_path, 4)), NULL, lower(left(content_path, 2)), stamp_ns(host, start_utc), 'the Windows timeline has it opened', source_id,
        'timeline_activity', row_id
    FROM timeline_activity WHERE content_path LIKE '_:\_%' AND start_utc IS NOT NULL
    UNION ALL
    SELECT host, lower(substr("path", 4)), NULL, lower(left("path", 2)), stamp_ns(host, opened_utc), 'a list of ' || program || ' names it', source_id,
        'office_doc', "offset"
    FROM office_doc WHERE "path" LIKE '_:\_%' AND opened_utc IS NOT NULL AND kind = 'file'
    UNION ALL
    SELECT host, lower(substr("path", 4)), NULL, lower(left("path", 2)), stamp_ns(host, opened_utc), 'a list of ' || program || ' names it', source_id,
        'program_recent_file', "offset"
    FROM program_recent_file WHERE "path" LIKE '_:\_%' AND opened_utc IS NOT NULL
)
SELECT DISTINCT e.execution_id, o.what, o.source_id, o.table_name, o.record_offset
FROM opened o
JOIN mount_session m ON m.host = o.host AND (upper(m.volume_serial) = o.volume_serial OR ((m.volume_serial IS NULL OR o.volume_serial IS NULL) AND lower(m.volume) = o.volume))
    AND o.mono_ns >= m.open_ns - rule_ns('same_act_s') AND (m.end_ns IS NULL OR o.mono_ns <= m.end_ns + rule_ns('same_act_s'))
JOIN run_known e ON e.session_id = m.session_id AND e.run_key = o.rel;

CREATE OR REPLACE TEMP TABLE trace_ref AS
SELECT s.execution_id, t.source_id, t.table_name, t.record_offset, t.what AS role
FROM trace_support s
JOIN trace_tied t ON t.trace_id = s.trace_id AND t.session_id = s.session_id
UNION
SELECT s.execution_id, t.content_source, 'image_content', t.content_offset, 'file in the image'
FROM trace_support s
JOIN trace_tied t ON t.trace_id = s.trace_id AND t.session_id = s.session_id
WHERE t.content_source IS NOT NULL
UNION
SELECT execution_id, source_id, table_name, record_offset, 'opened: ' || what FROM opened_file;

UPDATE execution
SET basis = execution.basis || '; also: ' || a.what
FROM (
    SELECT execution_id, array_to_string(list_sort(list_distinct(list(what)))[:rule_value('support_words')::INTEGER], ', ') AS what
    FROM (
        SELECT s.execution_id, t.what
        FROM trace_support s
        JOIN trace_tied t ON t.trace_id = s.trace_id AND t.session_id = s.session_id
        LEFT JOIN trace_run r ON r.trace_id = s.trace_id AND r.session_id = s.session_id AND r.is_head
        WHERE r.trace_id IS NULL
        UNION ALL
        SELECT execution_id, what FROM opened_file
    ) w
    JOIN execution e USING (execution_id)
    WHERE NOT contains(e.basis, w.what)
    GROUP BY execution_id
) a
WHERE a.execution_id = execution.execution_id;
