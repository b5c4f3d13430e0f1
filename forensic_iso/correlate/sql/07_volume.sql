-- volume_claim, mount_session: which letter or device an image had while it was mounted.
-- Uses of a volume: programs, modules, files and objects on it (solid: the medium was there), working directories and
-- file arguments (spoken). The system drive and volumes whose $MFT is at hand are no candidates.
-- A candidate is refused where the letter is in use before the opening or after the end outside every session, unless a
-- removable medium explains that use and left before (or came after); or where an optical volume was written to.
-- Uses where one session alone is open settle its letter; the others follow by elimination; what is left is ambiguous.
-- Disks of the system claim no letter. Misses: letters that nothing used; folders that volumes are mounted into.
CREATE OR REPLACE TEMP MACRO volume_quick(path) AS
    CASE WHEN path[2] = ':' THEN lower(left(path, 2)) ELSE volume_of(path) END;

-- Letters that a command line names: e:\x, /i:e:\x, file:///e:/x; not https://host/e:/x.
CREATE OR REPLACE TEMP MACRO letters_of(line) AS
    list_distinct(regexp_extract_all(lower(line), '(?:^|[^a-z0-9/]|file:///)([a-z]:)[\\/]+[^\\/\s"''&|;]', 1));

-- Command lines with the text of -EncodedCommand behind them: base64 of UTF-16LE, the low bytes of its characters.
CREATE OR REPLACE TEMP TABLE command_text AS
SELECT process_key, host, start_ns, concat_ws(' ; ', command_line, encoded) AS line, encoded
FROM (
    SELECT process_key, host, start_ns, command_line,
        CASE
            WHEN command_line ILIKE '% -e%' AND list_has_any([program_of(path), program_of(original_file_name)], ['powershell', 'pwsh'])
                THEN try(decode(unhex(regexp_replace(
                    hex(from_base64(nullif(regexp_extract(command_line, '(?i)\s-e[a-z]*\s+([A-Za-z0-9+/]{8,}=*)', 1), ''))),
                    '([0-9A-F]{2})([0-9A-F]{2})', '\1', 'g'
                ))))
        END AS encoded
    FROM process
    WHERE command_line IS NOT NULL
);

CREATE OR REPLACE TEMP TABLE volume_use AS
WITH path_use AS (
    SELECT host, volume_quick(path) AS volume, start_ns AS mono_ns, started_utc AS time_utc, TRUE AS solid, 'program' AS what,
        coalesce(sysmon_source_id, security_source_id) AS source_id,
        CASE WHEN sysmon_source_id IS NOT NULL THEN 'sysmon_process_create' ELSE 'security_process_create' END AS table_name,
        coalesce(sysmon_offset, security_offset) AS record_offset
    FROM process
    UNION ALL
    SELECT p.host, volume_quick(p.current_directory), p.start_ns, p.started_utc, FALSE, 'working directory',
        p.sysmon_source_id, 'sysmon_process_create', p.sysmon_offset
    FROM process p
    LEFT JOIN process q ON q.process_key = p.parent_key
    WHERE p.current_directory IS NOT NULL
        -- Inherited from the parent: says nothing of its own.
        AND volume_quick(p.current_directory) IS DISTINCT FROM volume_quick(q.current_directory)
    UNION ALL
    SELECT p.host, unnest(letters_of(t.line)), p.start_ns, p.started_utc, FALSE, 'argument',
        coalesce(p.sysmon_source_id, p.security_source_id),
        CASE WHEN p.sysmon_source_id IS NOT NULL THEN 'sysmon_process_create' ELSE 'security_process_create' END,
        coalesce(p.sysmon_offset, p.security_offset)
    FROM command_text t
    JOIN process p USING (process_key)
    UNION ALL
    SELECT host, volume_quick(image_loaded), mono_ns, happened_utc, TRUE, 'module', source_id, 'sysmon_image_load', record_offset
    FROM sysmon_timed('sysmon_image_load')
    UNION ALL
    SELECT host, volume_quick(target_filename), mono_ns, happened_utc, TRUE, 'written', source_id, 'sysmon_file_create', record_offset
    FROM sysmon_timed('sysmon_file_create')
    UNION ALL
    SELECT host, volume_quick(target_filename), mono_ns, happened_utc, TRUE, 'written', source_id, 'sysmon_file_delete', record_offset
    FROM sysmon_timed('sysmon_file_delete')
    UNION ALL
    SELECT host, volume_quick(object_name), mono_ns, time_utc, TRUE, 'object', source_id, 'security_object_access', record_offset
    FROM timed('security_object_access')
    UNION ALL
    SELECT host, volume_quick("path"), mono_ns, time_utc, TRUE, 'script', source_id, 'powershell_script_block', record_offset
    FROM timed('powershell_script_block') WHERE "path" <> ''
    UNION ALL
    -- The same device path in prefetch: valid for that run of the system.
    SELECT r.host, volume_quick(r.own_device_path), stamp_ns(r.host, r.run_utc), r.run_utc, TRUE, 'program', r.source_id, 'prefetch_run', r."offset"
    FROM prefetch_run r
    JOIN prefetch p USING (source_id)
    WHERE r.own_device_path ILIKE '\device\cdrom%' AND p.own_volume_created_utc IS NULL
    UNION ALL
    SELECT host, regexp_extract(lower("path"), 'file:_([a-z]:)\\', 1), mono_ns, time_utc, TRUE, 'scanned file', source_id,
        'defender_detection', record_offset
    FROM timed('defender_detection')
)
SELECT u.*, b.boot_number,
    CASE
        WHEN u.volume LIKE '_:' THEN 'letter'
        WHEN u.volume LIKE '\device\cdrom%' THEN 'cdrom'
        WHEN u.volume LIKE '\device\%' THEN 'harddisk'
        ELSE 'guid'
    END AS form
FROM (
    SELECT p.* FROM path_use p
    LEFT JOIN system_drive d ON d.host = p.host AND d.volume = p.volume
    LEFT JOIN mft_volume m ON m.host = p.host AND m.volume = p.volume
    WHERE p.volume IS NOT NULL AND p.volume <> '' AND d.volume IS NULL AND m.volume IS NULL
) u
ASOF LEFT JOIN boot b ON b.host = u.host AND u.mono_ns >= b.start_ns;

-- A disk of the system: path and account agree, it bears no mark, and no program ran from a letter while it alone was open.
CREATE OR REPLACE TEMP TABLE noise_pattern AS
WITH pattern AS (
    SELECT split_part(entry, '|', 1) AS what, split_part(entry, '|', 2) AS who,
        substr(entry, length(split_part(entry, '|', 1)) + length(split_part(entry, '|', 2)) + 3) AS path
    FROM (SELECT value AS entry FROM rule_list WHERE name = 'noise_disk')
)
SELECT s.session_id, s.host, any_value(p.what) AS what
FROM session s
JOIN pattern p ON regexp_matches(s.file_key, lower(p.path))
    AND (
        p.who = 'any' OR list_contains(rule_words('service_sid'), lower(s.user_sid)) OR lower(s.user_sid) LIKE 's-1-5-83-%'
    )
LEFT JOIN delivery d ON d.host = s.host AND d.file_key = s.file_key AND d.is_marked AND coalesce(d.zone_id, 3) >= 3
WHERE d.delivery_id IS NULL
GROUP BY s.session_id, s.host;

-- A letter that programs ran from while the disk was open, and that nothing used at another time, cancels the noise:
-- unless another image was open then, whose letter it may be.
CREATE OR REPLACE TEMP TABLE noise AS
WITH used AS (
    SELECT n.session_id, n.host, u.volume, s.open_ns, coalesce(s.end_ns, 9223372036854775807) AS end_ns, min(u.mono_ns) AS first_ns
    FROM noise_pattern n
    JOIN session s USING (session_id)
    JOIN volume_use u ON u.host = s.host AND u.what = 'program' AND u.form = 'letter'
        AND u.mono_ns >= s.open_ns AND (s.end_ns IS NULL OR u.mono_ns <= s.end_ns)
    GROUP BY ALL
),
own AS (
    SELECT u.*
    FROM used u
    ANTI JOIN volume_use o ON o.host = u.host AND o.volume = u.volume AND (o.mono_ns < u.open_ns OR o.mono_ns > u.end_ns)
    ANTI JOIN session x ON x.host = u.host AND x.session_id <> u.session_id AND x.open_ns <= u.first_ns
        AND (x.end_ns IS NULL OR x.end_ns >= u.first_ns)
)
SELECT n.* FROM noise_pattern n ANTI JOIN own o USING (session_id);

CREATE OR REPLACE TEMP TABLE open_session AS
SELECT s.session_id, s.host, s.boot_number, s.open_ns, coalesce(s.end_ns, 9223372036854775807 - rule_ns('same_act_s')) AS end_ns,
    s.close_basis, s.image_kind, s.disk_number, s.disk_ns, n.what IS NOT NULL AS is_noise, s.user_sid
FROM session s
LEFT JOIN noise n USING (session_id)
WHERE s.open_ns IS NOT NULL;

-- Uses inside sessions: strictly, or in the margin where no session holds them strictly (record order between touching ones).
CREATE OR REPLACE TEMP TABLE inside_use AS
WITH near AS (
    SELECT u.*, s.session_id, s.is_noise, u.mono_ns BETWEEN s.open_ns AND s.end_ns AS strictly
    FROM volume_use u
    JOIN open_session s ON s.host = u.host
        AND u.mono_ns >= s.open_ns - rule_ns('same_act_s') AND u.mono_ns <= s.end_ns + rule_ns('same_act_s')
),
counted AS (
    SELECT *,
        bool_or(strictly AND NOT is_noise) OVER same_use AS held,
        count(*) FILTER (NOT is_noise AND strictly) OVER same_use AS sessions
    FROM near
    WINDOW same_use AS (PARTITION BY host, source_id, table_name, record_offset, volume, what)
)
SELECT * FROM counted WHERE NOT is_noise AND (strictly OR NOT coalesce(held, FALSE));

-- Uses outside every session, with the removable medium that was attached then.
CREATE OR REPLACE TEMP TABLE outside_use AS
WITH medium AS (
    SELECT host, disk_key, seq, mono_ns AS from_ns, boot_number, present, bus_type, is_virtual,
        lead(mono_ns) OVER turn AS next_ns, lead(present) OVER turn AS next_present
    FROM disk_event
    WINDOW turn AS (PARTITION BY host, disk_key, boot_number ORDER BY seq)
),
removable AS (
    SELECT m.host, m.disk_key, m.from_ns, coalesce(m.next_ns, b.stop_ns, 9223372036854775807) AS to_ns
    FROM medium m
    LEFT JOIN boot b ON b.host = m.host AND b.boot_number = m.boot_number
    WHERE m.present AND NOT m.is_virtual AND (m.bus_type = 7 OR m.next_present = FALSE)
),
outside AS (
    SELECT u.*
    FROM volume_use u
    ANTI JOIN inside_use i ON i.host = u.host AND i.source_id = u.source_id AND i.table_name = u.table_name
        AND i.record_offset = u.record_offset AND i.volume = u.volume AND i.what = u.what
),
explained AS (
    SELECT o.*, CASE WHEN o.mono_ns <= r.to_ns THEN r.from_ns END AS medium_from_ns,
        CASE WHEN o.mono_ns <= r.to_ns THEN r.to_ns END AS medium_to_ns
    FROM outside o
    ASOF LEFT JOIN removable r ON r.host = o.host AND o.mono_ns >= r.from_ns
)
SELECT host, volume, boot_number, solid, medium_from_ns, medium_to_ns, min(mono_ns) AS first_ns, max(mono_ns) AS last_ns
FROM explained
GROUP BY ALL;

CREATE OR REPLACE TEMP TABLE candidate AS
WITH used AS (
    SELECT session_id, host, volume, form, count(*) AS uses, count(*) FILTER (sessions <= 1) AS sole_uses,
        count(*) FILTER (solid) AS solid_uses, count(*) FILTER (what = 'written') AS written,
        min(mono_ns) AS first_ns, min_by(time_utc, mono_ns) AS first_utc
    FROM inside_use
    GROUP BY ALL
),
elsewhere AS (
    SELECT c.session_id, c.volume,
        bool_or(o.first_ns < s.open_ns AND o.boot_number = s.boot_number AND (o.solid OR c.solid_uses = 0)) AS before_in_run,
        bool_or(o.first_ns < s.open_ns AND (o.solid OR c.solid_uses = 0)) AS before,
        bool_or(o.last_ns > s.end_ns AND o.boot_number = s.boot_number AND (o.solid OR c.solid_uses = 0)) AS after_in_run,
        bool_or(o.last_ns > s.end_ns AND (o.solid OR c.solid_uses = 0)) AS after
    FROM used c
    JOIN open_session s USING (session_id)
    JOIN outside_use o ON o.host = c.host AND o.volume = c.volume
    -- A removable medium that left before the opening, or came after the end, gave the letter free.
    WHERE o.medium_from_ns IS NULL OR NOT (o.medium_to_ns < s.open_ns OR o.medium_from_ns > s.end_ns)
    GROUP BY ALL
),
named AS (
    -- The volume's own log names the letter: same disk number, soon after the disk surfaced.
    SELECT s.session_id, lower(left(v.volume_name, 2)) AS volume
    FROM timed('ntfs_volume') v
    JOIN open_session s ON s.host = v.host AND v.device_number = s.disk_number AND s.image_kind = 'disk'
        AND v.mono_ns >= s.open_ns - rule_ns('same_act_s') AND v.mono_ns <= s.end_ns
        AND v.mono_ns <= s.open_ns + rule_ns('ntfs_mount_s')
    WHERE v.volume_name LIKE '_:%' AND (v.bus_type = 15 OR v.vendor_id ILIKE 'Msft%' OR v.product_id ILIKE 'Virtual Disk%')
    GROUP BY ALL
    UNION
    SELECT r.session_id, r.volume FROM registry_letter r JOIN open_session s USING (session_id)
),
every_claim AS (
    SELECT c.*, FALSE AS is_named FROM used c ANTI JOIN named n ON n.session_id = c.session_id AND n.volume = c.volume
    UNION ALL BY NAME
    SELECT n.session_id, s.host, n.volume, 'letter' AS form, coalesce(c.uses, 0) AS uses, coalesce(c.sole_uses, 0) AS sole_uses,
        coalesce(c.solid_uses, 0) AS solid_uses, 0 AS written, c.first_ns, c.first_utc, TRUE AS is_named
    FROM named n
    JOIN open_session s USING (session_id)
    LEFT JOIN used c ON c.session_id = n.session_id AND c.volume = n.volume
)
SELECT c.*, s.open_ns, s.end_ns,
    c.form = 'cdrom' AND s.image_kind = 'optical' AND c.volume = '\device\cdrom' || s.disk_number AS same_number,
    coalesce(e.before, FALSE) AS seen_before,
    CASE
        WHEN c.is_named THEN NULL
        WHEN c.form = 'cdrom' AND s.image_kind = 'disk' THEN 'an optical device, the image is a disk'
        WHEN c.form = 'harddisk' AND s.image_kind = 'optical' THEN 'a disk, the image is optical'
        WHEN c.form = 'cdrom' AND s.disk_number IS NOT NULL AND c.volume <> '\device\cdrom' || s.disk_number
            THEN 'another device number'
        WHEN s.image_kind = 'optical' AND c.written > 0 THEN 'written to, an optical volume cannot be'
        WHEN e.before_in_run THEN 'in use before the opening'
        WHEN e.before AND e.after THEN 'in use before the opening and after the end'
        WHEN e.after_in_run AND s.close_basis <> 'superseded' THEN 'in use after the end'
    END AS refused
FROM every_claim c
JOIN open_session s USING (session_id)
LEFT JOIN elsewhere e ON e.session_id = c.session_id AND e.volume = c.volume;

CREATE OR REPLACE TEMP TABLE settled AS
WITH valid AS (
    SELECT * FROM candidate WHERE refused IS NULL
),
-- Named by a log of the volume, or the only letter used while this session alone was open.
alone AS (
    SELECT *, count(*) OVER (PARTITION BY session_id, form) AS rivals,
        first_ns - open_ns <= rule_ns('first_run_s') AS is_soon,
        count(*) FILTER (first_ns - open_ns <= rule_ns('first_run_s')) OVER (PARTITION BY session_id, form) AS soon_rivals,
        bool_or(is_named OR same_number) OVER (PARTITION BY session_id, form) AS has_certain
    FROM valid
    WHERE sole_uses > 0 OR is_named OR same_number
),
first_round AS (
    SELECT session_id, host, volume, form, open_ns, end_ns,
        CASE
            WHEN is_named OR same_number THEN 'device'
            WHEN rivals = 1 THEN 'only'
            ELSE 'soon'
        END AS ground
    FROM alone
    WHERE is_named OR same_number
        OR (NOT has_certain AND (rivals = 1 OR (is_soon AND soon_rivals = 1)))
),
left_over AS (
    SELECT v.*
    FROM valid v
    ANTI JOIN first_round f ON f.session_id = v.session_id AND f.form = v.form
    -- Taken by a session that is open at the same time.
    ANTI JOIN first_round t ON t.host = v.host AND t.volume = v.volume
        AND t.open_ns <= v.end_ns AND v.open_ns <= t.end_ns
),
second_round AS (
    SELECT l.session_id, l.host, l.volume, l.form, l.open_ns, l.end_ns,
        count(*) OVER (PARTITION BY l.session_id, l.form) AS rivals
    FROM left_over l
),
contested AS (
    SELECT DISTINCT a.session_id, a.volume
    FROM second_round a
    JOIN second_round b ON b.host = a.host AND b.volume = a.volume AND b.session_id <> a.session_id
        AND b.open_ns <= a.end_ns AND a.open_ns <= b.end_ns
)
SELECT session_id, host, volume, form, open_ns, end_ns, ground, 1 AS shares FROM first_round
UNION ALL
SELECT s.session_id, s.host, s.volume, s.form, s.open_ns, s.end_ns,
    CASE WHEN s.rivals = 1 AND c.session_id IS NULL THEN 'elimination' ELSE 'ambiguous' END,
    CASE WHEN s.rivals = 1 AND c.session_id IS NULL THEN 1 ELSE greatest(s.rivals, 2) END
FROM second_round s
LEFT JOIN contested c ON c.session_id = s.session_id AND c.volume = s.volume;

-- All volumes by which a session's files may be named, with the confidence in each.
CREATE OR REPLACE TEMP TABLE session_volume AS
SELECT s.*, count(*) OVER (PARTITION BY s.host, s.volume) > 1 AS is_reused,
    CASE
        WHEN s.ground = 'device' AND s.form = 'cdrom' THEN rule_value('c_volume_device_number')
        WHEN s.ground = 'device' AND r.basis IS NOT NULL THEN rule_value('c_volume_registry')
        WHEN s.ground = 'device' THEN rule_value('c_volume_disk_evidence')
        WHEN s.ground = 'ambiguous' THEN rule_value('c_volume_only_session') / s.shares
        WHEN s.ground = 'only' AND NOT c.seen_before AND count(*) OVER (PARTITION BY s.host, s.volume) = 1
            THEN rule_value('c_volume_only_session')
        WHEN s.ground = 'only' THEN rule_value('c_volume_reused')
        ELSE rule_value('c_volume_elimination')
    END AS confidence,
    CASE
        WHEN s.ground = 'device' AND s.form = 'cdrom' THEN 'device number of the image as VHDMP logged it'
        WHEN s.ground = 'device' AND r.basis IS NOT NULL THEN r.basis
        WHEN s.ground = 'device' THEN 'the volume''s own log names the letter for this disk number'
        WHEN s.ground = 'only' THEN 'used only while this image was open' ||
            CASE WHEN count(*) OVER (PARTITION BY s.host, s.volume) > 1 THEN '; other sessions had it too' ELSE '' END
        WHEN s.ground = 'soon' THEN 'the one volume used soon after the opening'
        WHEN s.ground = 'elimination' THEN 'left over: the other volumes belong to images open at the same time'
        ELSE 'ambiguous: not to be told from other volumes or images open at the same time'
    END AS basis
FROM settled s
LEFT JOIN candidate c ON c.session_id = s.session_id AND c.volume = s.volume
LEFT JOIN (SELECT session_id, volume, string_agg(DISTINCT basis, '; ' ORDER BY basis) AS basis FROM registry_letter GROUP BY ALL) r
    ON r.session_id = s.session_id AND r.volume = s.volume;

INSERT INTO volume_claim BY NAME
SELECT c.session_id, c.host, upper(c.volume) AS volume, c.form, c.uses, c.first_utc,
    coalesce(v.basis, 'used while the image was open') AS basis, coalesce(v.confidence, 0) AS confidence,
    CASE
        WHEN v.ground = 'ambiguous' THEN 'ambiguous'
        WHEN v.session_id IS NOT NULL THEN 'taken'
        WHEN c.refused IS NOT NULL THEN 'refused: ' || c.refused
        ELSE 'refused: belongs to another image'
    END AS verdict
FROM candidate c
LEFT JOIN session_volume v ON v.session_id = c.session_id AND v.volume = c.volume;

INSERT INTO mount_session BY NAME
WITH best AS (
    SELECT session_id, upper(volume) AS volume, confidence, basis
    FROM session_volume
    WHERE ground <> 'ambiguous'
    QUALIFY row_number() OVER (
        PARTITION BY session_id ORDER BY form <> 'letter', form <> 'guid', confidence DESC, volume
    ) = 1
),
unsure AS (
    SELECT session_id, string_agg(upper(volume), ' or ' ORDER BY volume) AS volumes
    FROM session_volume WHERE ground = 'ambiguous' GROUP BY session_id
)
SELECT s.session_id, s.host, s.image_path,
    CASE WHEN b.volume LIKE '\DEVICE\CDROM%' THEN replace(b.volume, '\DEVICE\CDROM', '\Device\CdRom')
        WHEN b.volume LIKE '\DEVICE\%' THEN replace(b.volume, '\DEVICE\HARDDISKVOLUME', '\Device\HarddiskVolume')
        ELSE b.volume END AS volume,
    s.volume_serial, s.disk_number AS device_number, s.opened_utc, s.closed_utc, s.close_basis,
    concat_ws('; ',
        CASE
            WHEN s.removal_only THEN 'VHDMP: removed, opened before the log begins'
            WHEN s.other_basis IS NOT NULL THEN s.other_basis
            WHEN NOT s.has_vhdmp THEN 'Partition/Diagnostic 1006 alone'
            WHEN s.is_surfaced AND s.has_handle THEN 'VHDMP: handle opened (12) and disk surfaced (1)'
            WHEN s.is_surfaced AND NOT s.logs_handles THEN 'VHDMP: disk surfaced (1); this build logs no handles'
            WHEN s.is_surfaced THEN 'VHDMP: disk surfaced (1), no handle (12) before it'
            WHEN s.ids_missing THEN 'VHDMP: handle opened (12); records right after it are missing, the disk may not have surfaced'
            ELSE 'VHDMP: handle opened (12) at the end of the log'
        END,
        CASE WHEN s.has_vhdmp AND s.disk_source IS NOT NULL THEN 'Partition/Diagnostic 1006 agrees' END,
        CASE
            WHEN s.close_basis = 'superseded' THEN 'opened again without a removal'
            WHEN s.close_basis = 'crash' THEN 'end: last record before the system failed'
            WHEN s.close_basis = 'shutdown' AND s.may_have_survived THEN 'end: shutdown, but a fast startup followed: it may have stayed open'
            WHEN s.close_basis = 'shutdown' THEN 'end: shutdown'
            WHEN s.close_basis = 'destroyed' THEN 'end: disk object destroyed (16), no removal logged'
            WHEN s.close_basis = 'removed' AND s.other_basis IS NOT NULL THEN NULL
            WHEN s.close_basis = 'removed' THEN 'end: Partition/Diagnostic 1006'
            WHEN s.close_basis = 'open_ended' THEN 'no evidence of an end'
        END,
        CASE
            WHEN b.volume IS NOT NULL THEN 'volume ' || b.volume || ' inferred: ' || b.basis
            WHEN u.volumes IS NOT NULL THEN 'volume ambiguous: ' || u.volumes
        END
    ) AS basis,
    CASE
        WHEN s.removal_only THEN rule_value('c_session_removal_only')
        WHEN s.other_basis IS NOT NULL THEN rule_value('c_session_registry')
        WHEN NOT s.has_vhdmp THEN rule_value('c_session_partition')
        WHEN s.is_surfaced AND s.has_handle THEN rule_value('c_session_confirmed')
        WHEN s.is_surfaced AND NOT s.logs_handles THEN rule_value('c_session_old_build')
        WHEN s.is_surfaced THEN rule_value('c_session_surfaced_only')
        ELSE rule_value('c_session_probable')
    END AS confidence,
    s.user_sid,
    n.what AS noise_reason,
    s.image_kind, coalesce(b.basis, 'ambiguous: ' || u.volumes) AS volume_basis, b.confidence AS volume_confidence,
    s.open_ns, s.end_ns
FROM session s
LEFT JOIN best b USING (session_id)
LEFT JOIN unsure u USING (session_id)
LEFT JOIN noise n USING (session_id);
