-- benign (temporary): the grounds of a benign reason, one row per finding. Several independent facts together: origin (C1: no
-- mark and no sign of its removal, and a copy from a server of the house or by a management agent; or a download from
-- vendor_origin), account (C2: all runs elevated), code (C3: nothing unsigned, no loader, shortcut or hidden file as starter,
-- parents of installations), quiet (C4: nothing loud followed). A scheduled deployment stands under the task scheduler, with a
-- task older than the image by task_before_image_s or the image mounted on repeat_days earlier days. A boot medium: nothing
-- run, a log of starts there, a USB disk attached while the image was handled. Names of files and programs excuse nothing.
-- Misses: publishers of signatures; tools that unpack an image without opening it.
CREATE OR REPLACE TEMP MACRO is_of(server, names) AS
    list_bool_or(list_transform(names, lambda v: lower(server) = v OR ends_with(lower(server), '.' || v)));

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
),
old_task AS (
    SELECT l.finding_id, min(t.time_utc) AS since_utc, min_by(t.what, t.time_utc) AS what
    FROM link l
    JOIN scheduled_run s ON s.finding_id = l.finding_id
    JOIN task t ON t.host = s.host AND program_of(trim(t.command, '"')) = program_of(s.path) AND contains(s.command_line, trim(t.arguments))
    WHERE epoch_ns(t.time_utc) <= epoch_ns(l.first_utc) - rule_ns('task_before_image_s')
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

CREATE OR REPLACE TEMP TABLE benign AS
WITH image AS (
    SELECT l.finding_id, l.host, l.image_key, file_name(l.image_key) AS name, l.is_marked, l.first_open_ns, l.is_traced,
        CASE WHEN len(l.hosts) > 0 AND NOT coalesce(l.by_mail OR l.by_chat OR l.by_archive, FALSE)
            AND list_bool_and(list_transform(l.hosts, lambda x: coalesce(is_of(x, rule_words('vendor_origin')), FALSE))) THEN l.hosts[1] END AS vendor
    FROM link l WHERE l.verdict IN ('executed', 'active') OR l.finding_id IN (SELECT finding_id FROM boot_medium)
),
share_copy AS (
    -- A copy named on a command line, from a server of the house (no dot, no port in its name, or a private address).
    SELECT i.finding_id, min(regexp_extract(lower(p.command_line), '\\\\([^\\\s"]+)\\', 1)) AS server
    FROM image i
    JOIN process p ON p.host = i.host AND list_contains(rule_words('copy_program'), program_of(p.path))
        AND p.start_ns <= i.first_open_ns AND p.start_ns >= i.first_open_ns - rule_ns('copy_before_mount_s')
    WHERE contains(lower(p.command_line), i.name)
        AND regexp_matches(lower(p.command_line), '(^|[\s"])\\\\[^\\\s"]+\\')
        AND (
            is_local_name(regexp_extract(lower(p.command_line), '\\\\([^\\\s"]+)\\', 1))
            OR is_local_address(regexp_extract(lower(p.command_line), '\\\\([^\\\s"]+)\\', 1))
        )
        AND NOT contains(regexp_extract(lower(p.command_line), '\\\\([^\\\s"]+)\\', 1), '@')
    GROUP BY i.finding_id
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
quiet AS (
    SELECT finding_id,
        bool_or(
            kind IN ('injection', 'defender', 'log_clear', 'image_delete')
            OR (kind = 'persistence' AND NOT contains(lower(concat_ws(' ', value, detail)), '\program files'))
            OR (kind = 'network' AND external AND NOT is_vendor)
            OR (kind = 'dns' AND external AND NOT is_vendor)
        ) AS is_loud
    FROM (
        SELECT *, list_any_value(list_filter(
            rule_words('vendor_host'),
            lambda v: lower(value) = v OR ends_with(lower(value), '.' || v) OR contains(lower(coalesce(detail, '')), '.' || v || ' ')
        )) IS NOT NULL AS is_vendor
        FROM finding_act
        WHERE confidence >= rule_value('c_executed_min')
    )
    GROUP BY finding_id
)
SELECT i.finding_id,
    CASE
        WHEN r.finding_id IS NOT NULL THEN NULL
        WHEN i.is_marked AND i.vendor IS NOT NULL THEN 'downloaded from ' || i.vendor || ', on the list of vendors'
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
    d.ground AS deployed, u.usb_utc, i.is_marked, i.is_traced, r.finding_id IS NOT NULL AS is_unmarked_later
FROM image i
LEFT JOIN deployment d USING (finding_id)
LEFT JOIN boot_medium u USING (finding_id)
LEFT JOIN share_copy c USING (finding_id)
LEFT JOIN agent_copy g USING (finding_id)
LEFT JOIN (SELECT DISTINCT finding_id FROM mark_removed) r USING (finding_id)
LEFT JOIN account a USING (finding_id)
LEFT JOIN code k USING (finding_id)
LEFT JOIN quiet q USING (finding_id);
