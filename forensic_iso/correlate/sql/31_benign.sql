-- benign (temporary): the grounds of a benign reason, one row per finding. Several independent facts together: origin (C1: no
-- mark and no sign of its removal, and a copy from a server of the house or by a management agent; or a vendor's medium, 30_vendor),
-- account (C2: all runs elevated), code (C3: nothing unsigned, no loader, shortcut or hidden file as starter, parents of
-- installations), quiet (C4: nothing loud followed). A scheduled deployment stands under the task scheduler, with a task older
-- than the image by task_before_image_s or the image mounted on repeat_days earlier days. A boot medium: nothing run, a log of
-- starts there, a USB disk attached while the image was handled. Names of files and programs excuse nothing.
-- own_disk: a disk that the system attaches within boot_attach_s of each start, on more than repeat_days days, unmarked.
-- Misses: tools that unpack an image without opening it; publishers where Sysmon 7 is not logged.

-- Runs that descend from the task scheduler, with the process that is the task's action.
CREATE OR REPLACE TEMP TABLE scheduled_run AS
WITH RECURSIVE above AS (
    SELECT r.finding_id, r.execution_id, r.process_key AS at_key, 0 AS height FROM finding_run r WHERE r.process_key IS NOT NULL
    UNION ALL
    SELECT a.finding_id, a.execution_id, p.parent_key, a.height + 1
    FROM above a
    JOIN process p ON p.process_key = a.at_key
    WHERE p.parent_key IS NOT NULL AND a.height < rule_value('tree_depth')
)
SELECT DISTINCT a.finding_id, a.execution_id, p.host, p.path, lower(p.command_line) AS command_line
FROM above a
JOIN process p ON p.process_key = a.at_key
WHERE program_of(p.parent_path) = 'taskeng'
    OR (program_of(p.parent_path) = 'svchost' AND regexp_matches(lower(p.parent_command_line), '-s\s+schedule\b'));

CREATE OR REPLACE TEMP TABLE deployment AS
WITH under AS (
    SELECT r.finding_id
    FROM finding_run r
    LEFT JOIN scheduled_run s ON s.finding_id = r.finding_id AND s.execution_id = r.execution_id
    GROUP BY r.finding_id
    HAVING bool_and(s.execution_id IS NOT NULL)
),
task AS (
    SELECT host, time_utc, lower(regexp_extract(task_content, '(?s)<Command>(.*?)</Command>', 1)) AS command,
        lower(regexp_extract(task_content, '(?s)<Arguments>(.*?)</Arguments>', 1)) AS arguments, 'Security 4698' AS what
    FROM timed('security_task_create')
    UNION ALL
    -- The date inside a task is its writer's; the file's creation is not.
    SELECT e.host, e.time_utc, lower(t.command), lower(coalesce(t.arguments, '')), 'the creation of its file'
    FROM stored_start e
    JOIN scheduled_task t ON t.source_id = e.source_id AND t.line_number = e.record_offset
    WHERE e.table_name = 'scheduled_task' AND starts_with(e.time_basis, '$MFT')
    UNION ALL
    SELECT host, created_utc, lower(command), lower(coalesce(arguments, '')), 'TaskCache' FROM task_cache WHERE created_utc IS NOT NULL AND command IS NOT NULL
),
old_task AS (
    SELECT l.finding_id, min(t.time_utc) AS since_utc, min_by(t.what, t.time_utc) AS what
    FROM link l
    JOIN scheduled_run s ON s.finding_id = l.finding_id
    JOIN task t ON t.host = s.host AND program_of(trim(t.command, '"')) = program_of(s.path) AND contains(s.command_line, trim(t.arguments))
    WHERE ns_of(t.time_utc) <= ns_of(l.first_utc) - rule_ns('task_before_image_s')
    GROUP BY l.finding_id
),
repeated AS (
    SELECT j.finding_id, count(DISTINCT s.opened_utc::DATE) - 1 AS days
    FROM subject j
    JOIN session s USING (session_id)
    WHERE list_contains(rule_words('service_sid'), lower(s.user_sid))
    GROUP BY j.finding_id
)
SELECT u.finding_id,
    CASE WHEN t.finding_id IS NOT NULL THEN 'its task is older than the image (' || t.what || ', ' || said(t.since_utc) || ')'
        WHEN r.days >= rule_value('repeat_days') THEN 'mounted by a service account on ' || r.days || ' earlier days' END AS ground
FROM under u
LEFT JOIN old_task t USING (finding_id)
LEFT JOIN repeated r USING (finding_id)
WHERE t.finding_id IS NOT NULL OR r.days >= rule_value('repeat_days');

-- The image was opened, not run from, and a USB disk came or was there within boot_medium_s of it.
CREATE OR REPLACE TEMP TABLE boot_medium AS
WITH handled AS (
    SELECT l.finding_id, l.host, e.mono_ns
    FROM link l
    JOIN sight s ON s.host = l.host AND (s.has_sysmon OR s.has_audit)
    JOIN image_event e ON e.host = l.host AND e.image_key = l.image_key AND e.succeeded AND e.event_id IN (1, 12)
    WHERE l.verdict IN ('delivered', 'mounted')
)
SELECT h.finding_id, min(d.time_utc) AS usb_utc
FROM handled h
JOIN disk_event d ON d.host = h.host AND d.bus_type = 7 AND d.present AND abs(d.mono_ns - h.mono_ns) <= rule_ns('boot_medium_s')
GROUP BY h.finding_id;

-- A disk of the host's own that the system attaches at each of its starts (Dev Drive): programs do run from its letter.
CREATE OR REPLACE TEMP TABLE own_disk AS
SELECT j.finding_id, count(DISTINCT s.opened_utc::DATE) AS days
FROM subject j
JOIN session s USING (session_id)
LEFT JOIN boot b ON b.host = s.host AND b.boot_number = s.boot_number
GROUP BY j.finding_id
HAVING days > rule_value('repeat_days')
    AND bool_and(s.image_kind = 'disk' AND list_contains(rule_words('service_sid'), lower(s.user_sid))
        AND (b.started_utc IS NULL OR s.open_ns <= b.start_ns + rule_ns('boot_attach_s')))
    AND bool_or(b.started_utc IS NOT NULL);

CREATE OR REPLACE TEMP TABLE benign AS
WITH image AS (
    SELECT l.finding_id, l.host, l.image_key, file_name(l.image_key) AS name, l.is_marked, l.first_open_ns, l.is_traced
    FROM link l
    WHERE l.verdict IN ('executed', 'active') OR l.finding_id IN (SELECT finding_id FROM boot_medium UNION SELECT finding_id FROM vendor_medium)
),
copied_by AS (
    SELECT DISTINCT i.finding_id, c.process_guid
    FROM image i
    JOIN created_event c ON c.host = i.host AND c.file_key = i.image_key
),
copying AS (
    SELECT host, start_ns AS mono_ns, process_guid, lower(replace(command_line, '/', '\')) AS line,
        program_of(path) IN ('robocopy', 'xcopy') OR regexp_matches(lower(command_line), '\b(robocopy|xcopy)\b') AS by_folder
    FROM process WHERE list_contains(rule_words('copy_program'), program_of(path)) AND command_line IS NOT NULL
    UNION ALL
    SELECT host, mono_ns, NULL, lower(replace(without_functions(script_block_text), '/', '\')), script_block_text ILIKE '%robocopy%'
    FROM timed('powershell_script_block')
    WHERE (script_block_text LIKE '%\\%' OR script_block_text LIKE '%//%')
        AND regexp_matches(lower(script_block_text), '(^|[\n;|{(&])\s*(copy-item|cpi|cp|copy|robocopy|xcopy|start-bitstransfer)\s')
),
share_copy AS (
    -- A copy from a server of the house: no dot in its name, the host's own domain, or a private address; no port. The command
    -- names the file, or the copying process wrote it (Sysmon 11), or it copies a whole folder to the image's.
    SELECT finding_id, min(server) AS server
    FROM (
        SELECT i.finding_id, i.host, regexp_extract(p.line, '(?:^|[\s"''(])\\\\([^\\\s"'']+)\\', 1) AS server
        FROM image i
        JOIN copying p ON p.host = i.host AND p.mono_ns <= i.first_open_ns AND p.mono_ns >= i.first_open_ns - rule_ns('copy_before_mount_s')
        LEFT JOIN copied_by c ON c.finding_id = i.finding_id AND c.process_guid = p.process_guid
        WHERE contains(p.line, i.name) OR c.finding_id IS NOT NULL
            OR (p.by_folder AND NOT regexp_matches(p.line, '\w\.(iso|img|vhdx?)\b')
                AND regexp_matches(p.line, '[\s"'']' || regexp_escape(regexp_replace(i.image_key, '\\[^\\]*$', '')) || '\\?["'']?(\s|$)'))
    )
    WHERE server <> '' AND NOT contains(server, '@') AND (is_local_name(server) OR is_local_address(server) OR is_of_house(host, server))
    GROUP BY finding_id
),
agent_copy AS (
    SELECT i.finding_id, min(program_of(c.writer_path)) AS agent
    FROM image i
    JOIN created_event c ON c.host = i.host AND c.file_key = i.image_key
    WHERE list_contains(rule_words('management_agent'), program_of(c.writer_path))
    GROUP BY i.finding_id
),
mark_removed AS (
    SELECT i.finding_id
    FROM image i
    JOIN sysmon_timed('sysmon_file_delete') d ON d.host = i.host AND starts_with(path_key(d.target_filename), i.image_key || ':')
    UNION
    SELECT i.finding_id
    FROM image i
    JOIN process p ON p.host = i.host AND contains(lower(p.command_line), i.name)
        AND regexp_matches(lower(p.command_line), rule_pattern('mark_removal_command'))
    UNION
    SELECT i.finding_id
    FROM image i
    JOIN timed('powershell_script_block') b ON b.host = i.host AND b.script_block_text ILIKE '%unblock-file%'
    WHERE contains(lower(b.script_block_text), i.name)
),
account AS (
    SELECT finding_id, bool_and(coalesce(integrity IN ('high', 'system'), FALSE)) AS is_elevated FROM finding_run GROUP BY finding_id
),
hidden AS (
    SELECT DISTINCT r.execution_id
    FROM finding_run r
    JOIN session_file f ON f.session_id = r.session_id AND ends_with(lower(r.target), '\' || ltrim(lower(f.path), '\/'))
    JOIN image_content c ON c.source_id = f.source_id AND c.record_offset = f.record_offset AND c.hidden
),
code AS (
    SELECT finding_id,
        bool_or(signed = FALSE) AS has_unsigned,
        bool_or(
            (kind IN ('script_arg', 'relative_arg_cwd') AND program_of(process_path) NOT IN ('msiexec', 'cmd', 'powershell', 'pwsh'))
            OR kind = 'lnk_argument' OR (kind = 'relative_arg_cwd' AND program_of(started_by) = 'explorer')
            OR execution_id IN (SELECT execution_id FROM hidden)
        ) AS has_loader,
        bool_or(kind IN ('script_arg', 'relative_arg_cwd') AND program_of(process_path) IN ('cmd', 'powershell', 'pwsh')) AS has_script,
        bool_and(
            kind = 'module_on_volume' OR coalesce(
                list_contains(rule_words('install_parent'), program_of(started_by)) OR parent_volume = volume_quick(target),
                FALSE
            )
        ) AS is_started_well,
        bool_or(signed) AS has_signed
    FROM finding_run GROUP BY finding_id
),
-- Addresses that the resolver gave for a vendor's name to a process of the tree.
vendor_address AS (
    SELECT DISTINCT finding_id, unnest(addresses_in(detail)) AS address
    FROM finding_act
    WHERE kind = 'dns' AND is_of(value, rule_words('vendor_host'))
),
quiet AS (
    SELECT a.finding_id,
        bool_or(
            a.kind IN ('injection', 'defender', 'log_clear', 'image_delete')
            -- The product's own folder: where the command begins, not anywhere in it.
            OR (a.kind = 'persistence' AND NOT coalesce(regexp_matches(lower(trim(a.detail)), '^"?[a-z]:\\program files( \(x86\))?\\'), FALSE))
            -- A name found for an address backwards is its owner's to choose: it proves nothing.
            OR (a.kind IN ('network', 'dns') AND a.external AND NOT coalesce(is_of(a.value, rule_words('vendor_host')), FALSE) AND v.address IS NULL)
        ) AS is_loud
    FROM finding_act a
    LEFT JOIN vendor_address v ON v.finding_id = a.finding_id AND a.kind = 'network' AND v.address = regexp_replace(lower(a.value), '^::ffff:', '')
    WHERE a.confidence >= rule_value('c_executed_min')
    GROUP BY a.finding_id
)
SELECT i.finding_id,
    CASE
        WHEN r.finding_id IS NOT NULL THEN NULL
        WHEN i.is_marked AND m.second_ground IS NOT NULL
            THEN 'downloaded from ' || m.server || ' by https, on the list of vendors, and ' || m.second_ground
        WHEN i.is_marked OR i.is_traced THEN NULL
        WHEN c.server IS NOT NULL THEN 'copied from the server ' || c.server || ', no mark'
        WHEN g.agent IS NOT NULL THEN 'written by ' || g.agent || ', no mark'
        WHEN starts_with(i.image_key, '\\') AND is_local_name(regexp_extract(i.image_key, '^\\\\([^\\]+)\\', 1))
            THEN 'lies on the server ' || regexp_extract(i.image_key, '^\\\\([^\\]+)\\', 1)
    END AS origin,
    coalesce(a.is_elevated, FALSE) AS is_elevated,
    NOT coalesce(k.has_unsigned, FALSE) AND NOT coalesce(k.has_loader, FALSE) AND coalesce(k.is_started_well, FALSE) AS is_code_plain,
    coalesce(k.has_script, FALSE) AS has_script, coalesce(k.has_signed, FALSE) AS has_signed,
    NOT coalesce(q.is_loud, FALSE) AS is_quiet,
    NOT coalesce(k.has_unsigned, FALSE) AND NOT coalesce(k.has_loader, FALSE) AS has_no_starter,
    CASE WHEN i.is_marked AND m.is_not_contradicted AND r.finding_id IS NULL THEN 'downloaded from ' || m.server || ' by https, on the list of vendors' END AS vendor_url,
    m.second_ground IS NOT NULL AND r.finding_id IS NULL AS is_vendor_medium,
    CASE WHEN NOT i.is_marked AND NOT i.is_traced AND r.finding_id IS NULL THEN o.days END AS own_disk_days,
    d.ground AS deployed, u.usb_utc, i.is_marked, i.is_traced, r.finding_id IS NOT NULL AS is_unmarked_later
FROM image i
LEFT JOIN deployment d USING (finding_id)
LEFT JOIN own_disk o USING (finding_id)
LEFT JOIN boot_medium u USING (finding_id)
LEFT JOIN vendor_medium m USING (finding_id)
LEFT JOIN share_copy c USING (finding_id)
LEFT JOIN agent_copy g USING (finding_id)
LEFT JOIN (SELECT DISTINCT finding_id FROM mark_removed) r USING (finding_id)
LEFT JOIN account a USING (finding_id)
LEFT JOIN code k USING (finding_id)
LEFT JOIN quiet q USING (finding_id);
