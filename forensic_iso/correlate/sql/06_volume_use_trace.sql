-- trace_use (temporary): each statement of an artifact other than logs of processes and prefetch that names a program or a
-- command on a volume: where, when, and what it proves. class: run (the program ran), command (somebody gave it),
-- shortcut (Explorer opened one), document (opened with its macros enabled; command_line is then the program), presence (the file was there). stage, by what the time means: 1 start, 2 seen running,
-- 3 an interval (from_ns to mono_ns), 4 none (time_remark says what the artifact keeps instead), 5 presence.
-- From user_assist, recent_app, bam_entry, pca_launch, pca_event, srum_*, program_trace, mplog_line, defender_history,
-- Defender's events, TaskScheduler 129 and 200, AppLocker, run_mru, powershell_history, scheduled_task, task_cache, wer_report,
-- timeline_activity, capability_use, firewall_rule, amcache_file, shimcache_entry, recent_file.
-- volume_use: gains those with a time, inside the runs of the system in which an image was open, module loads of Defender and of
-- error reports, and new_device_use: programs of prefetch, BAM and the like on a disk device that is new while a disk is open.
-- Misses: names without a path (SRUM's !!name!, MPLog's bare process names), commands relative to a directory.
CREATE OR REPLACE TEMP MACRO commanded_files(line) AS
    list_distinct(regexp_extract_all(
        replace(line, '/', '\'), '(?i)((?:\b[a-z]:|\\device\\[a-z]+[0-9]+|\\\\\?\\volume\{[0-9a-f-]+\})\\[^"''|<>*?&;:]*?\.(?:'
            || array_to_string(rule_words('code_extension'), '|') || '))(?:["'',\s)]|$)', 1
    ));
-- First word of a command; the call operator and the interpreters' own switches aside.
CREATE OR REPLACE TEMP MACRO command_head(line) AS
    trim(regexp_extract(regexp_replace(trim(line), '^(&|start(-process)?|call|\.)\s+', ''), '^("[^"]*"|''[^'']*''|\S+)', 1), '"''');

CREATE OR REPLACE TEMP TABLE trace_use AS
WITH said AS (
    SELECT host, path, 'run' AS class, CASE WHEN last_run_utc IS NULL THEN 4 ELSE 1 END AS stage, last_run_utc AS time_utc, NULL::TIMESTAMP_NS AS from_utc,
        'UserAssist' || recovered(origin) || CASE WHEN run_count > 0 THEN ' (starts: ' || run_count || ')' ELSE '' END AS what, NULL AS time_remark, rule_value('c_trace_start') AS confidence,
        "user" AS user_name, NULL AS command_line, NULL AS sha1, source_id, 'user_assist' AS table_name, "offset" AS record_offset
    FROM user_assist WHERE (run_count > 0 OR last_run_utc IS NOT NULL) AND path NOT ILIKE '%.lnk'
    UNION ALL
    SELECT host, path, 'shortcut', 1, last_run_utc, NULL, 'UserAssist: the shortcut was started' || CASE WHEN run_count > 0 THEN ' (starts: ' || run_count || ')' ELSE '' END, NULL,
        rule_value('c_trace_shortcut'), "user", NULL, NULL, source_id, 'user_assist', "offset"
    FROM user_assist WHERE last_run_utc IS NOT NULL AND path ILIKE '%.lnk'
    UNION ALL
    SELECT host, coalesce(filled(app_path), app_id), 'run', CASE WHEN key_path ILIKE '%\JumplistData' THEN 2 ELSE 1 END, last_accessed_utc, NULL,
        CASE WHEN key_path ILIKE '%\JumplistData' THEN 'JumplistData of the search' ELSE 'RecentApps' || coalesce(' (starts: ' || launch_count || ')', '') END, NULL,
        rule_value(CASE WHEN key_path ILIKE '%\JumplistData' THEN 'c_trace_seen' ELSE 'c_trace_start' END), "user", NULL, NULL, source_id, 'recent_app', "offset"
    FROM recent_app WHERE item_path IS NULL AND last_accessed_utc IS NOT NULL
    UNION ALL
    SELECT host, path, 'run', 2, last_run_utc, NULL, upper(moderator) || recovered(origin) || ': seen running last then', NULL, rule_value('c_trace_seen'), NULL, NULL, NULL,
        source_id, 'bam_entry', "offset"
    FROM bam_entry WHERE coalesce(current, TRUE) AND last_run_utc IS NOT NULL
    UNION ALL
    SELECT host, path, 'run', 1, time_utc, NULL, 'PCA: launched last then', NULL, rule_value('c_trace_start'), NULL, NULL, NULL, source_id, 'pca_launch', "offset"
    FROM pca_launch WHERE time_utc IS NOT NULL
    UNION ALL
    SELECT host, path, 'run', 2, time_utc, NULL, 'PCA: note on the running program', NULL, rule_value('c_trace_seen'), NULL, NULL, NULL, source_id, 'pca_event', "offset"
    FROM pca_event WHERE time_utc IS NOT NULL
    UNION ALL
    SELECT host, app, 'run', 3, end_utc, make_timestamp_ns(ns_of(end_utc) - bounded_ns(greatest(coalesce(duration_ms, 0), 0), 1000000000000) * 1000000), 'SRUM: an interval of running', NULL,
        rule_value('c_trace_interval'), NULL, NULL, NULL, source_id, 'srum_app_timeline', record_number
    FROM srum_app_timeline WHERE app_kind = 'program' AND end_utc IS NOT NULL
    UNION ALL
    SELECT host, app, 'run', 3, time_utc, make_timestamp_ns(ns_of(time_utc) - rule_ns('srum_interval_s')), 'SRUM: resources used', NULL,
        rule_value('c_trace_interval'), NULL, NULL, NULL, source_id, 'srum_app_usage', record_number
    FROM srum_app_usage WHERE app_kind = 'program' AND time_utc IS NOT NULL
    UNION ALL
    SELECT host, app, 'run', 3, time_utc, make_timestamp_ns(ns_of(time_utc) - rule_ns('srum_interval_s')), 'SRUM: network used', NULL,
        rule_value('c_trace_interval'), NULL, NULL, NULL, source_id, 'srum_network_usage', record_number
    FROM srum_network_usage WHERE app_kind = 'program' AND time_utc IS NOT NULL
    UNION ALL
    SELECT host, process, 'run', CASE WHEN process_start_utc IS NULL THEN 2 ELSE 1 END, coalesce(process_start_utc, time_utc), NULL,
        'MPLog: ' || replace(kind, '_', ' ') || ' of the running program', NULL, rule_value('c_trace_seen'), NULL, filled(command_line), NULL,
        source_id, 'mplog_line', "offset"
    FROM mplog_line WHERE process IS NOT NULL AND coalesce(process_start_utc, time_utc) IS NOT NULL
    UNION ALL
    SELECT host, process, 'run', 2, tracking_start_utc, NULL, 'Defender''s history: the program touched a file', NULL, rule_value('c_trace_seen'), user_name, NULL, NULL,
        source_id, 'defender_history', "offset"
    FROM defender_history WHERE process IS NOT NULL AND tracking_start_utc IS NOT NULL
    UNION ALL
    SELECT host, process_name, 'run', 2, time_utc, NULL, 'Defender ' || event_id || ': the program touched a file', NULL, rule_value('c_trace_seen'), NULL, NULL, NULL,
        source_id, 'defender_detection', record_offset
    FROM timed('defender_detection') WHERE process_name IS NOT NULL
    UNION ALL
    SELECT host, trim(coalesce(json_extract_string(data, '$.ActionName'), json_extract_string(data, '$.Path')), '"'), 'run', 1, time_utc, NULL,
        'TaskScheduler ' || event_id || ': action of ' || coalesce(json_extract_string(data, '$.TaskName'), 'a task'), NULL, rule_value('c_trace_start'), NULL, NULL, NULL,
        source_id, 'event_other', record_offset
    FROM timed('event_other') WHERE event_id IN (129, 200) AND provider = 'Microsoft-Windows-TaskScheduler'
    UNION ALL
    -- Allowed, or only audited: it ran.
    SELECT host, json_extract_string(data, '$.FullFilePath'), 'run', 1, time_utc, NULL, 'AppLocker ' || event_id || ': allowed to run', NULL, rule_value('c_trace_start'),
        NULL, NULL, NULL, source_id, 'event_other', record_offset
    FROM timed('event_other') WHERE event_id IN (8002, 8003, 8005, 8006) AND provider = 'Microsoft-Windows-AppLocker' AND data ILIKE '%FullFilePath%'
    UNION ALL
    SELECT host, path, 'run', 4, NULL, NULL, CASE WHEN kind = 'compat_store' THEN 'Compatibility Assistant''s store' ELSE 'FeatureUsage (' || replace(kind, '_', ' ') || ')' END,
        'it keeps no time of a run', rule_value('c_trace_untimed'), "user", NULL, NULL, source_id, 'program_trace', "offset"
    FROM program_trace WHERE kind NOT IN ('muicache', 'compat_layers')
    UNION ALL
    SELECT host, unnest(commanded_files(command)), 'command', CASE WHEN opened_utc IS NULL THEN 4 ELSE 1 END, opened_utc, NULL, 'RunMRU: typed in the Run dialog',
        CASE WHEN opened_utc IS NULL THEN 'it keeps the time of the newest entry only' END, rule_value('c_trace_command'), "user", command, NULL, source_id, 'run_mru', "offset"
    FROM run_mru
    UNION ALL
    -- A document whose content (macros) the user enabled: dated where the key holds no other record, else by the list of opened files.
    SELECT t.host, t."path", 'document', CASE WHEN t.is_alone THEN 1 WHEN o.opened_utc IS NOT NULL THEN 2 ELSE 4 END,
        CASE WHEN t.is_alone THEN t.key_last_write_utc ELSE o.opened_utc END, NULL, 'TrustRecords: the user enabled its content (macros) in ' || t.program,
        CASE WHEN t.is_alone THEN 'the key was written last then, it holds this record alone' WHEN o.opened_utc IS NOT NULL THEN 'opened last then; when its content was enabled is not kept'
            ELSE 'the record keeps no time of that' END,
        rule_value(CASE WHEN t.is_alone OR o.opened_utc IS NOT NULL THEN 'c_trace_seen' ELSE 'c_trace_untimed' END), t."user",
        CASE lower(t.program) WHEN 'word' THEN 'WINWORD.EXE' WHEN 'excel' THEN 'EXCEL.EXE' WHEN 'powerpoint' THEN 'POWERPNT.EXE' WHEN 'access' THEN 'MSACCESS.EXE'
            WHEN 'publisher' THEN 'MSPUB.EXE' ELSE upper(t.program) || '.EXE' END,
        NULL, t.source_id, 'office_doc', t."offset"
    FROM (SELECT *, count(*) OVER (PARTITION BY host, source_id, key_path) = 1 AS is_alone FROM office_doc WHERE kind = 'trusted') t
    LEFT JOIN (SELECT host, source_id, lower(replace("path", '/', '\')) AS file, max(opened_utc) AS opened_utc FROM office_doc WHERE kind = 'file' GROUP BY ALL) o
        ON o.host = t.host AND o.source_id = t.source_id AND o.file = lower(replace(t."path", '/', '\'))
    WHERE t.macros_enabled AND coalesce(t.origin, '') <> 'deleted_loose'
    UNION ALL
    SELECT host, unnest(commanded_files(command)), 'command', 4, NULL, NULL, 'PowerShell''s history: typed, line ' || line_number, 'the history keeps no times',
        rule_value('c_trace_command_untimed'), profile_user, command, NULL, source_id, 'powershell_history', "offset"
    FROM powershell_history
    UNION ALL
    SELECT host, unnest(commanded_files(concat_ws(' ', command, arguments))), 'command', 4, NULL, NULL, 'action of the scheduled task ' || task_path,
        'a task is no run', rule_value('c_trace_command_untimed'), NULL, concat_ws(' ', command, arguments), NULL, source_id, 'scheduled_task', line_number
    FROM scheduled_task
    UNION ALL
    SELECT host, unnest(commanded_files(concat_ws(' ', command, arguments))), 'command', CASE WHEN last_run_utc IS NULL THEN 4 ELSE 1 END, last_run_utc, NULL,
        'TaskCache: ' || CASE WHEN last_run_utc IS NULL THEN 'action of the task ' ELSE 'last start of the task ' END || coalesce(task_path, task_id),
        CASE WHEN last_run_utc IS NULL THEN 'a task is no run' END, rule_value(CASE WHEN last_run_utc IS NULL THEN 'c_trace_command_untimed' ELSE 'c_trace_command' END),
        NULL, concat_ws(' ', command, arguments), NULL, source_id, 'task_cache', "offset"
    FROM task_cache
    UNION ALL
    SELECT host, app_path, 'run', CASE WHEN process_start_utc IS NULL THEN 2 ELSE 1 END, coalesce(process_start_utc, event_utc), NULL,
        'error report (' || coalesce(event_type, 'of no type') || coalesce(' at ' || strftime(event_utc, '%Y-%m-%d %H:%M:%S'), '') || ')', NULL,
        rule_value(CASE WHEN process_start_utc IS NULL THEN 'c_trace_seen' ELSE 'c_trace_start' END), "user", NULL, sha1, source_id, 'wer_report', "offset"
    FROM wer_report WHERE coalesce(process_start_utc, event_utc) IS NOT NULL
    UNION ALL
    SELECT host, app, 'run', 2, start_utc, NULL, 'Windows timeline: ' || replace(activity, '_', ' '), NULL, rule_value('c_trace_seen'), "user", NULL, NULL,
        source_id, 'timeline_activity', row_id
    FROM timeline_activity WHERE start_utc IS NOT NULL AND activity IN ('opened', 'in_use')
    UNION ALL
    SELECT host, program, 'run', 2, start_utc, NULL, 'it used ' || capability || ' (ConsentStore)', NULL, rule_value('c_trace_seen'), "user", NULL, NULL,
        source_id, 'capability_use', "offset"
    FROM capability_use WHERE start_utc IS NOT NULL AND NOT is_packaged
    UNION ALL
    SELECT host, app, 'run', 4, NULL, NULL, 'the firewall asked the user about it', 'a rule keeps no time', rule_value('c_trace_untimed'), NULL, NULL, NULL,
        source_id, 'firewall_rule', "offset"
    FROM firewall_rule WHERE asked_user AND coalesce(current, TRUE)
    UNION ALL
    SELECT host, path, 'presence', 5, NULL, NULL, 'RecentFileCache', 'it keeps no time', rule_value('c_trace_presence'), NULL, NULL, NULL, source_id, 'recent_file', "offset"
    FROM recent_file
    UNION ALL
    SELECT host, path, 'presence', 5, NULL, NULL, 'Amcache', 'last write of its key ' || coalesce(strftime(key_last_write_utc, '%Y-%m-%d %H:%M:%S'), 'not known') || ', no time of a run',
        rule_value('c_trace_presence'), NULL, NULL, upper(sha1), source_id, 'amcache_file', "offset"
    FROM amcache_file
    UNION ALL
    SELECT host, path, 'presence', 5, NULL, NULL, 'ShimCache'
        || CASE WHEN last_word = 1 OR (insert_flags & 2) <> 0 THEN ' (its flag is read as executed)' ELSE '' END,
        'its time is that of the file', rule_value('c_trace_presence'), NULL, NULL, NULL, source_id, 'shimcache_entry', "offset"
    FROM shimcache_entry WHERE coalesce(current, TRUE)
    UNION ALL
    SELECT host, path, 'presence', 5, NULL, NULL, 'MuiCache', 'it keeps no time', rule_value('c_trace_presence'), "user", NULL, NULL, source_id, 'program_trace', "offset"
    FROM program_trace WHERE kind = 'muicache'
),
placed AS (
    SELECT s.* EXCLUDE (path, from_utc), canonical(s.path) AS path, volume_quick(canonical(s.path)) AS volume,
        stamp_ns(s.host, s.time_utc) AS mono_ns, stamp_ns(s.host, s.from_utc) AS from_ns
    FROM said s
    WHERE s.path IS NOT NULL AND s.host IS NOT NULL
        -- A head that copies, lists or hashes runs nothing.
        AND NOT (s.class = 'command' AND coalesce(list_contains(rule_words('inert_command'), program_of(command_head(s.command_line))), FALSE))
)
SELECT p.*, lower(substr(p.path, length(p.volume) + 2)) AS rel, row_number() OVER (ORDER BY p.host, p.table_name, p.source_id, p.record_offset, p.path) AS trace_id
FROM placed p
LEFT JOIN system_drive d ON d.host = p.host AND d.volume = p.volume
LEFT JOIN mft_volume m ON m.host = p.host AND m.volume = p.volume
WHERE p.volume IS NOT NULL AND d.volume IS NULL AND m.volume IS NULL AND length(p.path) > length(p.volume) + 1;

-- Disk devices that programs ran from while an image of a disk was open, and from no volume of that number or a higher one at another
-- time: the newest device of the host. Serials that ran at other times too are the host's own. Where the image is at hand, its list
-- of files says more.
CREATE OR REPLACE TEMP TABLE new_device_use AS
WITH seen AS (
    SELECT host, volume, path, mono_ns, time_utc, source_id, table_name, record_offset, NULL AS serial
    FROM trace_use WHERE stage <= 2 AND class = 'run' AND mono_ns IS NOT NULL AND volume LIKE '\device\harddiskvolume%'
    UNION ALL
    SELECT r.host, volume_quick(coalesce(r.own_device_path, r.own_path)), coalesce(r.own_device_path, r.own_path),
        stamp_ns(r.host, r.run_utc), r.run_utc, r.source_id, 'prefetch_run', r."offset",
        p.own_volume_serial
    FROM prefetch_run r
    JOIN prefetch p USING (source_id)
    WHERE coalesce(r.own_device_path, r.own_path) ILIKE '\device\harddiskvolume%' AND r.run_utc IS NOT NULL
),
placed AS (
    SELECT s.*, try_cast(regexp_extract(s.volume, '([0-9]+)$', 1) AS INTEGER) AS number,
        EXISTS (SELECT 1 FROM session o WHERE o.host = s.host AND o.image_kind = 'disk' AND s.mono_ns >= o.open_ns - rule_ns('same_act_s')
            AND s.mono_ns <= coalesce(o.end_ns, never_ns()) + rule_ns('same_act_s')) AS is_inside,
        EXISTS (SELECT 1 FROM session o JOIN session_file f USING (session_id) WHERE o.host = s.host AND o.image_kind = 'disk' AND s.mono_ns >= o.open_ns) AS is_listed
    FROM seen s
),
own AS (
    SELECT host, max(number) AS number, list(DISTINCT serial) AS serials FROM placed WHERE NOT is_inside GROUP BY host
)
SELECT p.host, p.volume, p.path, p.mono_ns, p.time_utc, TRUE AS solid, 'program' AS what, p.source_id, p.table_name, p.record_offset
FROM placed p
LEFT JOIN own o USING (host)
WHERE p.is_inside AND NOT p.is_listed AND NOT coalesce(p.number <= o.number, FALSE) AND NOT coalesce(list_contains(o.serials, p.serial), FALSE)
    AND NOT regexp_matches(lower(p.path), '^\\device\\[a-z0-9]+\\(windows|program files|program files \(x86\)|programdata|users)\\');

CREATE OR REPLACE TEMP TABLE value_without_key AS
SELECT 'user_assist' AS table_name, source_id, "offset" AS record_offset FROM user_assist WHERE origin = 'deleted_loose'
UNION ALL SELECT 'bam_entry', source_id, "offset" FROM bam_entry WHERE origin = 'deleted_loose'
UNION ALL SELECT 'recent_app', source_id, "offset" FROM recent_app WHERE origin = 'deleted_loose'
UNION ALL SELECT 'run_mru', source_id, "offset" FROM run_mru WHERE origin = 'deleted_loose'
UNION ALL SELECT 'capability_use', source_id, "offset" FROM capability_use WHERE origin = 'deleted_loose';

INSERT INTO volume_use BY NAME
WITH used AS (
    SELECT host, volume, path, mono_ns, time_utc, class NOT IN ('command', 'document') AS solid, CASE WHEN class = 'run' THEN 'program' ELSE 'argument' END AS what,
        source_id, table_name, record_offset
    FROM trace_use
    WHERE stage <= 2 AND mono_ns IS NOT NULL AND (volume LIKE '_:' OR volume LIKE '\device\cdrom%')
        -- Logs of Defender say the moment; their programs are no better known than by others.
        AND table_name NOT IN ('defender_detection', 'defender_history')
        -- Nor is a letter told by a value whose key is gone.
        AND (table_name, source_id, record_offset) NOT IN (SELECT (table_name, source_id, record_offset) FROM value_without_key)
    UNION ALL
    -- An interval on an optical device while one optical image alone was open, whose files nothing lists, on a host without an optical
    -- drive of its own.
    SELECT t.host, t.volume, t.path, greatest(t.from_ns, s.open_ns), instant(greatest(t.from_ns, s.open_ns)), TRUE, 'program', t.source_id, t.table_name, t.record_offset
    FROM trace_use t
    JOIN session s ON s.host = t.host AND s.image_kind = 'optical' AND s.open_ns <= t.mono_ns AND (s.end_ns IS NULL OR s.end_ns >= t.from_ns)
    ANTI JOIN session_file k ON k.session_id = s.session_id
    ANTI JOIN scsi_device d ON d.host = t.host AND lower(d.device_class) = 'cdrom' AND NOT coalesce(d.is_virtual_dvd AND d.image_slot IS NOT NULL, FALSE)
    WHERE t.stage = 3 AND t.volume LIKE '\device\cdrom%'
    QUALIFY count(*) OVER (PARTITION BY t.trace_id) = 1
    UNION ALL
    FROM new_device_use
),
dated AS (
    SELECT u.*, b.boot_number FROM used u ASOF LEFT JOIN boot b ON b.host = u.host AND u.mono_ns >= b.start_ns
),
partition_letter AS (
    SELECT DISTINCT host, lower(letter) AS volume FROM letter_held
    WHERE letter IS NOT NULL AND (disk_signature IS NOT NULL OR partition_guid IS NOT NULL)
)
SELECT DISTINCT d.*, CASE WHEN d.volume LIKE '_:' THEN 'letter' WHEN d.volume LIKE '\device\cdrom%' THEN 'cdrom' ELSE 'harddisk' END AS form
FROM dated d
-- Drives that are no image's keep their letter: the host's own optical drive, a guest's.
ANTI JOIN letter_held o ON o.host = d.host AND lower(o.letter) = d.volume AND o.device_path ILIKE '%cdrom%'
    AND (NOT coalesce(o.is_virtual_dvd, FALSE) OR o.image_slot IS NULL)
LEFT JOIN partition_letter f ON f.host = d.host AND f.volume = d.volume
SEMI JOIN session s ON s.host = d.host AND s.open_ns IS NOT NULL
    AND (s.boot_number = d.boot_number OR (d.mono_ns >= s.open_ns - rule_ns('same_act_s') AND d.mono_ns <= coalesce(s.end_ns, never_ns()) + rule_ns('same_act_s')))
    -- A disk's partition has the letter, as MountedDevices was last written: of an optical image only a file that it lists.
    AND (f.volume IS NULL OR s.image_kind = 'disk' OR (s.session_id, lower(substr(d.path, 4))) IN (SELECT (session_id, lower(path)) FROM session_file WHERE shown))
UNION ALL BY NAME
SELECT m.host, m.volume, m.path, m.mono_ns, m.time_utc, TRUE AS solid, 'module' AS what, m.source_id, m.table_name,
    m.record_offset, b.boot_number,
    CASE WHEN m.volume LIKE '_:' THEN 'letter' WHEN m.volume LIKE '\device\cdrom%' THEN 'cdrom' WHEN m.volume LIKE '\device\%' THEN 'harddisk' ELSE 'guid' END AS form
FROM (
    SELECT host, volume_quick(folder_path) AS volume, folder_path AS path, stamp_ns(host, timestamp_utc) AS mono_ns, timestamp_utc AS time_utc, source_id,
        'mde_device_image_load_events' AS table_name, row_address AS record_offset
    FROM mde_device_image_load_events
    WHERE host IS NOT NULL AND timestamp_utc IS NOT NULL AND filled(folder_path) IS NOT NULL AND path_key(folder_path) <> path_key(initiating_process_folder_path)
    UNION ALL
    SELECT host, volume_quick(module_path), module_path, stamp_ns(host, event_utc), event_utc, source_id, 'wer_module', "offset"
    FROM wer_module WHERE host IS NOT NULL AND event_utc IS NOT NULL AND path_key(module_path) <> path_key(app_path)
) m
ASOF LEFT JOIN boot b ON b.host = m.host AND m.mono_ns >= b.start_ns
LEFT JOIN system_drive d ON d.host = m.host AND d.volume = m.volume
LEFT JOIN mft_volume x ON x.host = m.host AND x.volume = m.volume
WHERE m.volume IS NOT NULL AND d.volume IS NULL AND x.volume IS NULL;
