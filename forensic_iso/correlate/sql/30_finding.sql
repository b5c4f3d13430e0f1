-- finding: one row per host and image. The verdict is the highest link that has a row; nothing benign lowers it.
-- Same image: one file of the $MFT, or a file that Sysmon saw elsewhere with the same creation and source (moved).
-- No finding: unmarked, untraced and unmounted images; images only touched.
-- benign_reason rests on origin (C1), account (C2), code (C3) and quiet (C4) together, or on a disk of the system; a name
-- excuses nothing. It lowers the score (benign_factor) and caps the severity at low.
-- Score: points of rules.toml with a cap per group. Confidence: the least of the links the verdict needs.
-- Misses: copies of an image under other names (each mounted copy is a finding of its own).
CREATE OR REPLACE TEMP TABLE moved AS
WITH pair AS (
    SELECT a.host, a.file_key AS old_key, b.file_key AS new_key
    FROM delivery a
    JOIN delivery b ON b.host = a.host AND b.file_key <> a.file_key AND b.is_marked AND b.mft_source IS NOT NULL
        AND a.host_url IS NOT DISTINCT FROM b.host_url
        AND abs(epoch_ns(a.time_utc) - epoch_ns(b.time_utc)) <= rule_ns('moved_file_s')
    WHERE a.mft_source IS NULL AND a.is_marked
),
mounted AS (
    SELECT DISTINCT host, file_key FROM session
)
SELECT p.host,
    CASE WHEN o.file_key IS NOT NULL AND n.file_key IS NULL THEN p.new_key ELSE p.old_key END AS from_key,
    CASE WHEN o.file_key IS NOT NULL AND n.file_key IS NULL THEN p.old_key ELSE p.new_key END AS to_key
FROM pair p
LEFT JOIN mounted o ON o.host = p.host AND o.file_key = p.old_key
LEFT JOIN mounted n ON n.host = p.host AND n.file_key = p.new_key
QUALIFY row_number() OVER (PARTITION BY p.host, from_key ORDER BY to_key) = 1;

CREATE OR REPLACE TEMP TABLE subject AS
WITH delivered AS (
    SELECT d.host, coalesce(m.to_key, d.file_key) AS image_key, d.image_path, d.delivery_id, NULL AS session_id
    FROM delivery d
    LEFT JOIN moved m ON m.host = d.host AND m.from_key = d.file_key
),
mounted AS (
    SELECT s.host, coalesce(m.to_key, s.file_key) AS image_key, s.image_path, NULL AS delivery_id, s.session_id
    FROM session s
    LEFT JOIN moved m ON m.host = s.host AND m.from_key = s.file_key
),
-- Executions that later steps tie to an image without a session (hashes, prefetch).
tied AS (
    SELECT DISTINCT e.host, coalesce(m.to_key, path_key(e.image_path)) AS image_key, e.image_path, NULL AS delivery_id, NULL AS session_id
    FROM execution e
    LEFT JOIN moved m ON m.host = e.host AND m.from_key = path_key(e.image_path)
    WHERE e.session_id IS NULL
)
SELECT short_hash(concat_ws('|', 'finding', host, image_key)) AS finding_id, *
FROM (SELECT * FROM mounted UNION ALL SELECT * FROM delivered UNION ALL SELECT * FROM tied);

CREATE OR REPLACE TEMP TABLE link AS
WITH arrival AS (
    SELECT s.finding_id, count(*) FILTER (d.is_marked AND coalesce(d.zone_id, 3) >= 3) AS marks,
        count(*) FILTER (d.trace IN ('mail', 'chat', 'archive') OR (d.is_marked AND coalesce(d.zone_id, 3) >= 3)) AS traces,
        max(d.confidence) FILTER (d.trace IN ('mail', 'chat', 'archive') OR d.is_marked) AS confidence,
        bool_or(d.trace = 'mail') AS by_mail, bool_or(d.trace = 'chat') AS by_chat, bool_or(d.trace = 'archive') AS by_archive,
        bool_or(d.trace = 'web' AND d.host_url IS NOT NULL) AS by_web,
        list(lower(regexp_extract(d.host_url, '(?i)^[a-z]+://([^/:?#]+)', 1))) FILTER (d.host_url IS NOT NULL) AS hosts,
        min(d.time_utc) AS first_utc, max(d.time_utc) AS last_utc, min(d.image_path) AS image_path
    FROM subject s
    JOIN delivery d USING (delivery_id)
    GROUP BY s.finding_id
),
mounting AS (
    SELECT s.finding_id, count(*) AS sessions, max(m.confidence) AS confidence, bool_or(m.opened_utc IS NOT NULL) AS is_opened,
        bool_and(m.noise_reason IS NOT NULL) AS is_noise, max(m.noise_reason) AS noise_reason,
        bool_or(m.user_sid IS NOT NULL AND NOT list_contains(rule_words('service_sid'), lower(m.user_sid))) AS by_user,
        max(m.volume_confidence) AS volume_confidence, bool_or(m.volume IS NULL) AS lacks_volume,
        arg_max(m.volume, m.volume_confidence) AS volume, arg_max(m.volume_basis, m.volume_confidence) AS volume_basis,
        min(coalesce(m.opened_utc, m.closed_utc)) AS first_utc, max(coalesce(m.closed_utc, m.opened_utc)) AS last_utc,
        min(m.open_ns) AS first_open_ns, min_by(m.image_path, coalesce(m.opened_utc, m.closed_utc)) AS image_path
    FROM subject s
    JOIN mount_session m USING (session_id)
    GROUP BY s.finding_id
),
owned_run AS (
    SELECT DISTINCT s.finding_id, e.*
    FROM execution e
    JOIN subject s ON s.session_id = e.session_id OR (e.session_id IS NULL AND s.session_id IS NULL AND s.delivery_id IS NULL
        AND s.host = e.host AND s.image_path = e.image_path)
),
running AS (
    SELECT finding_id, count(*) AS runs, max(confidence) AS confidence, min(time_utc) AS first_utc, max(time_utc) AS last_utc,
        arg_max(basis, confidence) AS basis
    FROM owned_run GROUP BY finding_id
),
acting AS (
    SELECT r.finding_id, count(*) FILTER (f.kind <> 'child_process') AS acts,
        max(f.confidence) FILTER (f.kind <> 'child_process') AS confidence, max(f.time_utc) AS last_utc
    FROM owned_run r
    JOIN follow_on f USING (execution_id)
    GROUP BY r.finding_id
)
SELECT s.finding_id, s.host, s.image_key, coalesce(m.image_path, a.image_path, s.image_path) AS image_path,
    CASE
        WHEN coalesce(r.confidence, 0) >= rule_value('c_executed_min') AND coalesce(f.acts, 0) > 0 THEN 'active'
        WHEN coalesce(r.confidence, 0) >= rule_value('c_executed_min') THEN 'executed'
        WHEN m.finding_id IS NOT NULL THEN 'mounted'
        ELSE 'delivered'
    END AS verdict,
    coalesce(a.marks, 0) > 0 AS is_marked, coalesce(a.traces, 0) > 0 AS is_traced,
    a.by_mail, a.by_chat, a.by_archive, a.by_web, a.hosts, a.confidence AS delivery_confidence,
    m.confidence AS mount_confidence, m.is_opened, m.is_noise, m.noise_reason, m.by_user, m.volume, m.volume_basis, m.volume_confidence, m.lacks_volume,
    m.first_open_ns, m.finding_id IS NOT NULL AS is_mounted, r.confidence AS run_confidence, r.basis AS run_basis, f.confidence AS act_confidence,
    least(a.first_utc, m.first_utc, r.first_utc) AS first_utc, greatest(a.last_utc, m.last_utc, r.last_utc, f.last_utc) AS last_utc
FROM (SELECT finding_id, host, image_key, min(image_path) AS image_path FROM subject GROUP BY ALL) s
LEFT JOIN arrival a USING (finding_id)
LEFT JOIN mounting m USING (finding_id)
LEFT JOIN running r USING (finding_id)
LEFT JOIN acting f USING (finding_id)
WHERE coalesce(a.traces, 0) > 0 OR m.finding_id IS NOT NULL OR r.finding_id IS NOT NULL;

CREATE OR REPLACE TEMP TABLE finding_run AS
SELECT DISTINCT l.finding_id, l.verdict, e.*, p.parent_path AS started_by, volume_quick(p.parent_path) AS parent_volume, m.opened_utc
FROM link l
JOIN subject s USING (finding_id)
JOIN execution e ON e.session_id = s.session_id
    OR (e.session_id IS NULL AND s.session_id IS NULL AND s.delivery_id IS NULL AND s.host = e.host AND s.image_path = e.image_path)
LEFT JOIN process p ON p.process_key = e.process_key
LEFT JOIN mount_session m ON m.session_id = e.session_id
WHERE e.confidence >= rule_value('c_executed_min');

CREATE OR REPLACE TEMP TABLE finding_act AS
SELECT r.finding_id, f.*
FROM follow_on f
JOIN (SELECT DISTINCT finding_id, execution_id FROM finding_run) r USING (execution_id);

-- The four grounds of a benign reason; NULL: not known.
CREATE OR REPLACE TEMP TABLE benign AS
WITH image AS (
    SELECT l.finding_id, l.host, l.image_key, file_name(l.image_key) AS name, l.is_marked, l.first_open_ns, l.is_traced
    FROM link l WHERE l.verdict IN ('executed', 'active')
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
code AS (
    SELECT finding_id,
        bool_or(signed = FALSE) AS has_unsigned,
        bool_or(
            kind IN ('script_arg', 'relative_arg_cwd')
            AND program_of(process_path) NOT IN ('msiexec', 'cmd', 'powershell', 'pwsh')
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
    )
    GROUP BY finding_id
)
SELECT i.finding_id,
    CASE
        WHEN i.is_marked OR i.is_traced OR r.finding_id IS NOT NULL THEN NULL
        WHEN c.server IS NOT NULL THEN 'copied from the server ' || c.server || ', no mark'
        WHEN g.agent IS NOT NULL THEN 'written by ' || g.agent || ', no mark'
        WHEN starts_with(i.image_key, '\\') AND is_local_name(regexp_extract(i.image_key, '^\\\\([^\\]+)\\', 1))
            THEN 'lies on the server ' || regexp_extract(i.image_key, '^\\\\([^\\]+)\\', 1)
    END AS origin,
    coalesce(a.is_elevated, FALSE) AS is_elevated,
    NOT coalesce(k.has_unsigned, FALSE) AND NOT coalesce(k.has_loader, FALSE) AND coalesce(k.is_started_well, FALSE) AS is_code_plain,
    coalesce(k.has_script, FALSE) AS has_script, coalesce(k.has_signed, FALSE) AS has_signed,
    NOT coalesce(q.is_loud, FALSE) AS is_quiet
FROM image i
LEFT JOIN share_copy c USING (finding_id)
LEFT JOIN agent_copy g USING (finding_id)
LEFT JOIN (SELECT DISTINCT finding_id FROM mark_removed) r USING (finding_id)
LEFT JOIN account a USING (finding_id)
LEFT JOIN code k USING (finding_id)
LEFT JOIN quiet q USING (finding_id);

CREATE OR REPLACE TEMP TABLE point AS
WITH sideload AS (
    -- A program on the volume that loads an unsigned module from there.
    SELECT DISTINCT m.finding_id
    FROM finding_run m
    WHERE m.kind = 'module_on_volume' AND m.signed = FALSE AND volume_quick(m.process_path) = volume_quick(m.target)
),
said AS (
    SELECT finding_id, 'delivery' AS part, rule_value('s_zone') AS points, 'marked as from the Internet' AS reason FROM link WHERE is_marked
    UNION ALL
    SELECT finding_id, 'delivery', rule_value('s_host'), 'came by mail, chat or a host for handing files over' FROM link
    WHERE by_mail OR by_chat OR regexp_matches(array_to_string(hosts, ' '), replace(rule_pattern('share_host'), '.', '\.'))
    UNION ALL
    SELECT finding_id, 'delivery', rule_value('s_lure'), 'name of a lure' FROM link
    WHERE regexp_matches(file_name(image_key), '(^|[^\pL])' || rule_pattern('lure_word') || '([^\pL]|$)')
    UNION ALL
    SELECT finding_id, 'delivery', rule_value('s_extension'), 'double or false extension' FROM link
    WHERE regexp_matches(image_key, rule_pattern('double_extension')) OR (is_mounted AND NOT is_noise AND NOT is_image_name(image_key))
    UNION ALL
    SELECT finding_id, 'delivery', rule_value('s_archive'), 'came out of an archive' FROM link WHERE by_archive
    UNION ALL
    SELECT finding_id, 'mount', rule_value('s_user'), 'mounted by a user' FROM link WHERE by_user
    UNION ALL
    SELECT finding_id, 'mount', rule_value('s_place'), 'mounted where downloads and attachments lie' FROM link
    WHERE is_mounted AND regexp_matches(image_key, rule_pattern('place_user'))
    UNION ALL
    SELECT finding_id, 'execution', rule_value('s_ran'), 'run from the image' FROM finding_run
    UNION ALL
    SELECT finding_id, 'execution', rule_value('s_lolbin'), 'through a program of Windows that loads others: ' || program_of(process_path) FROM finding_run
    WHERE list_contains(rule_words('lolbin'), program_of(process_path))
    UNION ALL
    SELECT finding_id, 'execution', rule_value('s_sideload'), 'unsigned module beside its program' FROM sideload
    UNION ALL
    SELECT finding_id, 'execution', rule_value('s_relative'), 'started by double click with a relative argument, as shortcuts do' FROM finding_run
    WHERE kind = 'relative_arg_cwd' AND program_of(started_by) = 'explorer'
    UNION ALL
    SELECT finding_id, 'execution', rule_value('s_unsigned'), 'unsigned module' FROM finding_run WHERE signed = FALSE
    UNION ALL
    SELECT finding_id, 'execution', rule_value('s_script'), 'script' FROM finding_run
    WHERE list_contains(rule_words('script_extension'), extension_of(target))
    UNION ALL
    SELECT finding_id, 'execution', rule_value('s_soon'), 'soon after the mount' FROM finding_run
    WHERE epoch_ns(time_utc) - epoch_ns(opened_utc) BETWEEN 0 AND rule_ns('first_run_s')
    UNION ALL
    SELECT finding_id, 'follow', rule_value('s_' || kind),
        CASE kind WHEN 'injection' THEN 'reached into other processes' WHEN 'defender' THEN 'Defender found it'
            WHEN 'persistence' THEN 'made itself permanent' WHEN 'log_clear' THEN 'a log was cleared' ELSE 'the image was deleted' END
    FROM finding_act WHERE kind IN ('injection', 'defender', 'persistence', 'log_clear', 'image_delete')
    UNION ALL
    SELECT finding_id, 'follow', rule_value('s_external'), 'connected outside' FROM finding_act WHERE kind = 'network' AND external
    UNION ALL
    SELECT finding_id, 'follow', rule_value('s_dns'), 'asked for outside names' FROM finding_act WHERE kind = 'dns' AND external
    UNION ALL
    SELECT finding_id, 'follow', rule_value('s_dropped'), 'wrote files' FROM finding_act WHERE kind = 'file_create'
    UNION ALL
    SELECT finding_id, 'follow', rule_value('s_discovery'), 'asked about the machine' FROM finding_act
    WHERE kind = 'child_process' AND list_contains(rule_words('discovery_program'), program_of(value))
)
SELECT DISTINCT finding_id, part, points, reason FROM said;

CREATE OR REPLACE TEMP TABLE technique AS
SELECT DISTINCT finding_id, id FROM (
    SELECT finding_id, 'T1566.001' AS id FROM link WHERE by_mail
    UNION ALL SELECT finding_id, 'T1566.003' FROM link WHERE by_chat
    UNION ALL SELECT finding_id, 'T1566.002' FROM link WHERE by_web AND is_marked
    UNION ALL SELECT finding_id, 'T1553.005' FROM link WHERE is_mounted AND is_marked
    UNION ALL SELECT finding_id, 'T1036.007' FROM link WHERE regexp_matches(image_key, rule_pattern('double_extension'))
    UNION ALL SELECT finding_id, 'T1204.002' FROM finding_run WHERE program_of(started_by) = 'explorer'
    UNION ALL SELECT finding_id, 'T1036.007' FROM finding_run
        WHERE kind = 'image_on_volume' AND regexp_matches(lower(target), '\.(pdf|docx?|xlsx?|pptx?|rtf|txt|jpe?g|png|zip|html?)\.(exe|scr|com|pif)$')
    UNION ALL SELECT finding_id,
        CASE program_of(process_path)
            WHEN 'rundll32' THEN 'T1218.011' WHEN 'regsvr32' THEN 'T1218.010' WHEN 'mshta' THEN 'T1218.005' WHEN 'msiexec' THEN 'T1218.007'
            WHEN 'control' THEN 'T1218.002' WHEN 'hh' THEN 'T1218.001' WHEN 'installutil' THEN 'T1218.004'
            WHEN 'powershell' THEN 'T1059.001' WHEN 'pwsh' THEN 'T1059.001' WHEN 'cmd' THEN 'T1059.003'
            WHEN 'wscript' THEN CASE WHEN extension_of(target) IN ('js', 'jse') THEN 'T1059.007' ELSE 'T1059.005' END
            WHEN 'cscript' THEN CASE WHEN extension_of(target) IN ('js', 'jse') THEN 'T1059.007' ELSE 'T1059.005' END
            WHEN 'python' THEN 'T1059.006' WHEN 'pythonw' THEN 'T1059.006'
        END
    FROM finding_run WHERE kind <> 'image_on_volume'
    UNION ALL SELECT finding_id, 'T1574.001' FROM point WHERE reason = 'unsigned module beside its program'
    UNION ALL SELECT finding_id, 'T1055' FROM finding_act WHERE kind = 'injection'
    UNION ALL SELECT finding_id, 'T1685.005' FROM finding_act WHERE kind = 'log_clear'
    UNION ALL SELECT finding_id, 'T1070.004' FROM finding_act WHERE kind = 'image_delete'
    UNION ALL SELECT finding_id, 'T1071.001' FROM finding_act WHERE kind = 'network' AND external AND regexp_matches(detail, 'port (80|443|8080|8443)\b')
    UNION ALL SELECT finding_id, 'T1071.004' FROM finding_act WHERE kind = 'network' AND external AND regexp_matches(detail, 'port 53\b')
    UNION ALL SELECT finding_id,
        CASE
            WHEN lower(value) LIKE '%\currentversion\run%' OR lower(value) LIKE '%\startup\%' THEN 'T1547.001'
            WHEN lower(value) LIKE '%\schedule\taskcache%' OR lower(value) LIKE '%\system32\tasks\%' THEN 'T1053.005'
            WHEN lower(value) LIKE '%\services\%' THEN 'T1543.003'
        END
    FROM finding_act WHERE kind = 'persistence'
    UNION ALL SELECT a.finding_id, CASE i.table_name WHEN 'security_task_create' THEN 'T1053.005' WHEN 'event_other' THEN
            CASE WHEN i.value LIKE '\%' THEN 'T1053.005' ELSE 'T1546.003' END ELSE 'T1543.003' END
    FROM finding_act a JOIN installed i ON i.execution_id = a.execution_id AND i.value = a.value AND a.kind = 'persistence'
) WHERE id IS NOT NULL;

-- What the host's logs can show of processes.
CREATE OR REPLACE TEMP TABLE sight AS
SELECT h.host,
    EXISTS (SELECT 1 FROM sysmon_process_create x WHERE x.host = h.host) AS has_sysmon,
    EXISTS (SELECT 1 FROM sysmon_image_load x WHERE x.host = h.host) AS has_modules,
    EXISTS (SELECT 1 FROM security_process_create x WHERE x.host = h.host) AS has_audit,
    EXISTS (SELECT 1 FROM security_process_create x WHERE x.host = h.host AND x.command_line <> '') AS has_lines,
    EXISTS (SELECT 1 FROM vhdmp x WHERE x.host = h.host) AS has_vhdmp
FROM (SELECT DISTINCT host FROM link) h;

CREATE OR REPLACE TEMP TABLE blind AS
WITH gap AS (
    SELECT s.finding_id, 'between ' || strftime(g.from_utc, '%Y-%m-%d %H:%M:%S') || ' and ' || strftime(g.to_utc, '%Y-%m-%d %H:%M:%S')
        || ' (' || g.missing || ' records of ' || g.channel || ' missing) execution cannot be excluded' AS sentence
    FROM (SELECT DISTINCT finding_id, session_id FROM subject WHERE session_id IS NOT NULL) s
    JOIN mount_session m USING (session_id)
    JOIN log_gap g ON g.host = m.host AND g.missing > 0 AND g.channel IN ('Security', 'Microsoft-Windows-Sysmon/Operational')
        AND m.open_ns IS NOT NULL AND g.to_ns >= m.open_ns AND (m.end_ns IS NULL OR g.from_ns <= m.end_ns)
),
cleared AS (
    SELECT l.finding_id, c.channel || ' was cleared at ' || strftime(max(c.time_utc), '%Y-%m-%d %H:%M:%S') AS sentence
    FROM link l
    JOIN (
        SELECT host, 'Security' AS channel, time_utc FROM timed('security_log_cleared')
        UNION ALL SELECT host, cleared_channel, time_utc FROM timed('system_log_cleared')
        WHERE cleared_channel IN ('Microsoft-Windows-Sysmon/Operational', 'Microsoft-Windows-VHDMP-Operational')
    ) c ON c.host = l.host AND c.time_utc >= l.first_utc
    GROUP BY l.finding_id, c.channel
),
sentence AS (
    SELECT * FROM gap
    UNION ALL SELECT * FROM cleared
    UNION ALL SELECT l.finding_id, 'neither Sysmon nor Security 4688: programs run from it cannot be excluded' FROM link l JOIN sight s USING (host)
        WHERE l.is_mounted AND NOT s.has_sysmon AND NOT s.has_audit
    UNION ALL SELECT l.finding_id, '4688 without command lines: scripts and loaders cannot be excluded' FROM link l JOIN sight s USING (host)
        WHERE l.is_mounted AND NOT s.has_sysmon AND s.has_audit AND NOT s.has_lines
    UNION ALL SELECT l.finding_id, 'no Sysmon 7: modules loaded from it cannot be excluded' FROM link l JOIN sight s USING (host)
        WHERE l.is_mounted AND NOT s.has_modules
    UNION ALL SELECT l.finding_id, 'no VHDMP log: mounts of it cannot be excluded' FROM link l JOIN sight s USING (host)
        WHERE NOT l.is_mounted AND NOT s.has_vhdmp
)
SELECT finding_id, string_agg(DISTINCT sentence, '; ' ORDER BY sentence) AS sentences FROM sentence GROUP BY finding_id;

INSERT INTO finding BY NAME
WITH part AS (
    SELECT finding_id, part, least(sum(points), rule_value('cap_' || part)) AS points FROM point GROUP BY finding_id, part
),
total AS (
    SELECT finding_id, sum(points) AS points FROM part GROUP BY finding_id
),
reason AS (
    SELECT finding_id, string_agg(DISTINCT reason || ' (+' || points::INTEGER || ')', '; ' ORDER BY reason || ' (+' || points::INTEGER || ')') AS reasons
    FROM point GROUP BY finding_id
),
excuse AS (
    SELECT l.finding_id,
        CASE
            WHEN l.is_noise AND l.verdict = 'mounted' THEN l.noise_reason || ': path and account agree, nothing was run from it'
            WHEN b.origin IS NOT NULL AND b.is_elevated AND b.is_code_plain AND b.is_quiet
                THEN CASE WHEN b.has_script THEN 'administrator''s script: ' ELSE 'installation by an administrator: ' END || b.origin
                    || '; run elevated; ' || CASE WHEN b.has_signed THEN 'modules signed' ELSE 'signature not seen' END
                    || '; no outside connection, persistence, injection or detection'
        END AS benign_reason,
        CASE WHEN b.has_script THEN rule_value('benign_script_factor') ELSE rule_value('benign_factor') END AS factor
    FROM link l
    LEFT JOIN benign b USING (finding_id)
),
scored AS (
    SELECT l.*, e.benign_reason, p.reasons, b.sentences,
        round(least(100, coalesce(t.points, 0) * CASE WHEN e.benign_reason IS NULL THEN 1 ELSE e.factor END), 1) AS score,
        least(
            CASE WHEN l.verdict = 'delivered' THEN l.delivery_confidence END,
            CASE WHEN l.verdict <> 'delivered' THEN l.mount_confidence END,
            CASE WHEN l.verdict IN ('executed', 'active') THEN l.run_confidence END,
            CASE WHEN l.verdict IN ('executed', 'active') THEN l.volume_confidence END,
            CASE WHEN l.verdict = 'active' THEN l.act_confidence END
        ) AS confidence
    FROM link l
    JOIN excuse e USING (finding_id)
    LEFT JOIN total t USING (finding_id)
    LEFT JOIN reason p USING (finding_id)
    LEFT JOIN blind b USING (finding_id)
),
ranked AS (
    SELECT *,
        CASE WHEN score < rule_value('severity_low') THEN 0 WHEN score < rule_value('severity_medium') THEN 1
            WHEN score < rule_value('severity_high') THEN 2 WHEN score < rule_value('severity_critical') THEN 3 ELSE 4 END AS by_score
    FROM scored
)
SELECT r.finding_id, r.host, r.image_path, r.verdict,
    ['info', 'low', 'medium', 'high', 'critical'][1 + CASE
        WHEN r.benign_reason IS NOT NULL THEN least(r.by_score, 1)
        WHEN r.verdict = 'active' AND r.is_marked THEN greatest(r.by_score, 3)
        WHEN r.verdict = 'executed' AND r.is_marked THEN greatest(r.by_score, 2)
        ELSE r.by_score
    END] AS severity,
    r.score, r.confidence, r.benign_reason,
    CASE
        WHEN r.verdict IN ('executed', 'active') AND r.volume_confidence = r.confidence
            THEN 'letter or volume ' || r.volume || ' inferred, ' || r.volume_basis
        WHEN r.verdict IN ('executed', 'active') AND r.run_confidence = r.confidence AND NOT s.has_sysmon
                AND NOT starts_with(r.run_basis, 'prefetch')
            THEN 'execution: no Sysmon, only what Security 4688 shows (' || r.run_basis || ')'
        WHEN r.verdict IN ('executed', 'active') AND r.run_confidence = r.confidence THEN 'execution: ' || r.run_basis
        WHEN r.verdict = 'active' AND r.act_confidence = r.confidence THEN 'follow-on: how the acts are tied to the execution'
        WHEN r.verdict <> 'delivered' AND NOT coalesce(r.is_opened, TRUE) THEN 'mount: only its removal is logged'
        WHEN r.verdict <> 'delivered' AND r.mount_confidence = r.confidence AND r.mount_confidence < rule_value('c_session_confirmed')
            THEN CASE
                WHEN r.finding_id IN (SELECT x.finding_id FROM subject x JOIN session z USING (session_id) WHERE z.other_basis IS NOT NULL)
                    THEN 'mount: no log of it, the registry and a shortcut tell it'
                ELSE 'mount: not every record of it is there'
            END
        WHEN r.verdict <> 'delivered' AND NOT r.is_traced THEN 'delivery: no mark and no trace of how the image came'
        WHEN r.verdict <> 'delivered' THEN 'mount: rests on VHDMP alone'
        ELSE 'delivery: only the mark of the file'
    END AS weakest_link,
    (SELECT string_agg(t.id, ', ' ORDER BY t.id) FROM technique t WHERE t.finding_id = r.finding_id) AS attack_ids,
    r.reasons, r.sentences AS cannot_exclude, r.first_utc, r.last_utc
FROM ranked r
LEFT JOIN sight s USING (host);
