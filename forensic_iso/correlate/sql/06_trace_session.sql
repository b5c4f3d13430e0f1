-- session: mounts that neither a log of VHDMP or 1006 nor the last arrival of a drive tells, from image_mention and drive_sign.
-- A row: mentions of one image on one host, within trace_end_s and one run of the system. Alone a mention is weak (an image may be
-- opened in another program); with a sign of a virtual drive within attach_trace_s, or a file of it by serial, it is stronger.
-- UsbDriveMounted of a virtual DVD with no image beside it makes a session of the only image that arrived within trace_end_s
-- before it, else one whose image is not named.
-- Not taken: what a session explains; what VHDMP's log covers without a gap and does not tell; images on optical drives after the
-- last arrival that Enum\SCSI has; Explorer's mentions at the image's own arrival (programs that save files write them too), and where
-- Explorer started another program with the image.
-- End: Dismount-DiskImage, UsbDriveUnmounted of the letter, the end of that run of the system; for joins at most trace_end_s later.
-- trace_letter, session_trace: letters and rows behind the sessions. Misses: shortcuts without times.
ALTER TABLE session ADD COLUMN trace_confidence DOUBLE;

CREATE OR REPLACE TEMP TABLE vhdmp_span AS
WITH record AS (
    SELECT host, channel, record_id, min(mono_ns) AS mono_ns
    FROM (
        SELECT host, channel, record_id, mono_ns FROM timed('vhdmp')
        UNION ALL
        SELECT host, channel, record_id, mono_ns FROM timed('event_other') WHERE provider = 'Microsoft-Windows-VHDMP'
    )
    WHERE record_id IS NOT NULL
    GROUP BY ALL
),
following AS (
    SELECT *, lead(record_id) OVER turn AS next_id, lead(mono_ns) OVER turn AS next_ns
    FROM record WINDOW turn AS (PARTITION BY host, channel ORDER BY record_id)
)
SELECT host, mono_ns AS from_ns, coalesce(next_ns, never_ns()) AS to_ns
FROM following WHERE next_id IS NULL OR next_id - record_id = 1;

-- The last moment at which an optical virtual drive can have come, where the SYSTEM hive is at hand.
CREATE OR REPLACE TEMP TABLE last_drive AS
SELECT host, max(stamp_ns(host, last_arrival_utc)) FILTER (is_virtual_dvd AND image_slot IS NOT NULL) AS last_ns
FROM scsi_device
WHERE coalesce(current, TRUE)
GROUP BY host
HAVING NOT coalesce(bool_or(is_virtual_dvd AND image_slot IS NOT NULL AND last_arrival_utc IS NULL), FALSE);

CREATE OR REPLACE TEMP TABLE trace_mention AS
WITH arrived AS (
    SELECT host, lower(file_name(image_path)) AS name, stamp_ns(host, time_utc) AS mono_ns FROM delivery
    UNION
    SELECT host, lower(file_name(image_path)), stamp_ns(host, marked_utc) FROM delivery WHERE event_source IS NOT NULL
    UNION
    SELECT host, lower(file_name(target_path)), stamp_ns(host, end_utc) FROM browser_download WHERE is_image_name(target_path)
),
fresh AS (
    SELECT m.*, row_number() OVER () AS number
    FROM image_mention m
    ANTI JOIN arrived a ON a.host = m.host AND a.name = lower(m.image_name) AND m.kind = 'user'
        AND m.mono_ns BETWEEN a.mono_ns - rule_ns('opened_on_arrival_s') AND a.mono_ns + rule_ns('opened_on_arrival_s')
    -- Explorer gave it to another program: a mount starts none.
    ANTI JOIN (
        SELECT host, start_ns, lower(command_line) AS line FROM process
        WHERE program_of(parent_path) = 'explorer' AND regexp_matches(command_line, '(?i)\.(' || array_to_string(rule_words('image_extension'), '|') || ')\b')
            AND NOT list_contains(rule_words('shell_program'), program_of(path)) AND program_of(path) <> 'explorer'
    ) p ON p.host = m.host AND m.kind = 'user' AND contains(p.line, lower(m.image_name))
        AND p.start_ns BETWEEN m.mono_ns - rule_ns('opened_on_arrival_s') AND m.mono_ns + rule_ns('opened_on_arrival_s')
),
-- The path: as mentioned, or by another mention of the name, or where the file lies, marked ones first.
told AS (
    SELECT host, lower(image_name) AS name, min(target_path) AS path
    FROM fresh WHERE target_path IS NOT NULL GROUP BY ALL HAVING count(DISTINCT path_key(target_path)) = 1
),
lying AS (
    SELECT f.host, f.name, upper(m.volume) || n.path AS image_path, m.volume || lower(n.path) AS file_key, n.record, n.sequence, n.source_id, n.record_offset,
        coalesce(d.is_marked, FALSE) AS is_marked, n.in_use, count(*) OVER (PARTITION BY f.host, f.name) AS places
    FROM (SELECT DISTINCT host, lower(image_name) AS name FROM fresh) f
    JOIN mft_volume m ON m.host = f.host
    JOIN mft_name n ON n.source_id = m.source_id AND n.namespace <> 2 AND lower(n.name) = f.name AND NOT n.is_directory AND n.path IS NOT NULL
    LEFT JOIN (SELECT DISTINCT host, file_key, is_marked FROM delivery WHERE is_marked) d ON d.host = f.host AND d.file_key = m.volume || lower(n.path)
),
placed AS (
    SELECT f.number, l.image_path, l.file_key, l.record, l.sequence, l.source_id AS mft_source, l.record_offset AS mft_offset, l.places
    FROM fresh f
    LEFT JOIN told t ON t.host = f.host AND t.name = lower(f.image_name)
    JOIN lying l ON l.host = f.host AND l.name = lower(f.image_name)
        AND (coalesce(f.target_path, t.path) IS NULL OR path_key(coalesce(f.target_path, t.path)) = l.file_key)
    QUALIFY row_number() OVER (PARTITION BY f.number ORDER BY l.is_marked DESC, l.in_use DESC, l.image_path) = 1
)
SELECT f.* EXCLUDE (number), coalesce(p.file_key, path_key(f.target_path), path_key(t.path), path_key(u.image_path), lower(f.image_name)) AS image_key,
    coalesce(p.image_path, f.target_path, t.path, u.image_path, f.image_name) AS image_path,
    p.record, p.sequence, p.mft_source, p.mft_offset, b.boot_number,
    CASE WHEN coalesce(f.target_path, t.path) IS NULL AND p.places > 1 THEN ', one of ' || p.places || ' files of the name'
        WHEN coalesce(f.target_path, t.path) IS NULL AND p.places IS NULL AND u.image_path IS NOT NULL THEN ', its path the only one of that name on the host'
        WHEN coalesce(f.target_path, t.path) IS NULL AND p.places IS NULL THEN ', its folder is not known' ELSE '' END AS place_remark
FROM fresh f
LEFT JOIN told t ON t.host = f.host AND t.name = lower(f.image_name)
LEFT JOIN placed p USING (number)
LEFT JOIN told_path u ON u.host = f.host AND u.image_name = lower(f.image_name)
ASOF LEFT JOIN boot b ON b.host = f.host AND f.mono_ns >= b.start_ns;

CREATE OR REPLACE TEMP TABLE unexplained_mention AS
SELECT m.*
FROM trace_mention m
ANTI JOIN session s ON s.host = m.host
    AND (s.file_key = m.image_key OR s.image_key = m.image_key OR file_name(s.file_key) = lower(m.image_name))
    AND (
        m.mono_ns IS NULL
        OR (m.mono_ns >= coalesce(s.open_ns, 0) - rule_ns('attach_trace_s') AND m.mono_ns <= coalesce(s.end_ns, 9223372036854775806 - rule_ns('attach_trace_s')) + rule_ns('same_act_s'))
    )
ANTI JOIN (
    SELECT h.image_key, h.host, h.mono_ns
    FROM trace_mention h ASOF JOIN vhdmp_span v ON v.host = h.host AND h.mono_ns >= v.from_ns
    WHERE h.mono_ns <= v.to_ns AND h.kind <> 'use'
) c ON c.host = m.host AND c.image_key = m.image_key AND c.mono_ns = m.mono_ns
ANTI JOIN last_drive l ON l.host = m.host AND m.kind <> 'use' AND list_contains(rule_words('optical_extension'), extension_of(m.image_name))
    AND m.mono_ns > coalesce(l.last_ns, 0) + rule_ns('attach_trace_s')
-- Without a time: only where no log of VHDMP speaks for the host.
WHERE m.mono_ns IS NOT NULL OR m.host NOT IN (SELECT host FROM vhdmp_span);

-- Signs that no session explains (open then, or opened close to it).
CREATE OR REPLACE TEMP TABLE unexplained_sign AS
SELECT d.*
FROM drive_sign d
ANTI JOIN session s ON s.host = d.host AND s.open_ns IS NOT NULL AND d.mono_ns >= s.open_ns - rule_ns('attach_trace_s')
    AND d.mono_ns <= coalesce(s.end_ns, never_ns())
ANTI JOIN (
    SELECT h.host, h.mono_ns FROM drive_sign h ASOF JOIN vhdmp_span v ON v.host = h.host AND h.mono_ns >= v.from_ns
    WHERE h.mono_ns <= v.to_ns
) c ON c.host = d.host AND c.mono_ns = d.mono_ns
WHERE d.is_virtual OR d.host NOT IN (SELECT host FROM vhdmp_span);

CREATE OR REPLACE TEMP TABLE trace_mount AS
WITH ordered AS (
    SELECT *, lag(mono_ns) OVER turn AS before_ns, lag(boot_number) OVER turn AS before_boot
    FROM unexplained_mention
    WINDOW turn AS (PARTITION BY host, image_key ORDER BY mono_ns)
),
island AS (
    SELECT *, sum(CASE WHEN mono_ns - before_ns <= rule_ns('trace_end_s') AND boot_number IS NOT DISTINCT FROM before_boot THEN 0 ELSE 1 END)
        OVER (PARTITION BY host, image_key ORDER BY mono_ns) AS island
    FROM ordered WHERE mono_ns IS NOT NULL
),
named AS (
    SELECT host, image_key, min_by(image_path, mono_ns) AS image_path, min(mono_ns) AS open_ns, max(mono_ns) AS last_ns, min_by(time_utc, mono_ns) AS opened_utc,
        any_value(boot_number) AS boot_number, any_value(record) AS record, any_value(sequence) AS sequence, any_value(mft_source) AS mft_source,
        any_value(mft_offset) AS mft_offset, list_distinct(list(kind)) AS kinds, string_agg(DISTINCT what, ', ' ORDER BY what) AS what,
        max(place_remark) AS place_remark, max(letter) AS letter, max(user_sid) AS user_sid,
        min_by(source_id, mono_ns) AS trace_source, min_by(table_name, mono_ns) AS trace_table, min_by(record_offset, mono_ns) AS trace_offset,
        lower(any_value(image_name)) AS image_name
    FROM island GROUP BY host, image_key, island
),
untimed AS (
    SELECT u.host, u.image_key, min(u.image_path) AS image_path, any_value(u.record) AS record, any_value(u.sequence) AS sequence, any_value(u.mft_source) AS mft_source,
        any_value(u.mft_offset) AS mft_offset, list_distinct(list(u.kind)) AS kinds, string_agg(DISTINCT u.what, ', ' ORDER BY u.what) AS what,
        max(u.place_remark) AS place_remark, min_by(u.source_id, u.record_offset) AS trace_source, min_by(u.table_name, u.record_offset) AS trace_table,
        min(u.record_offset) AS trace_offset, lower(any_value(u.image_name)) AS image_name
    FROM unexplained_mention u
    ANTI JOIN named n ON n.host = u.host AND n.image_key = u.image_key
    WHERE u.mono_ns IS NULL
    GROUP BY u.host, u.image_key
),
-- Of several signs within the window each belongs to the image nearest in time.
beside AS (
    SELECT n.host, n.image_key, n.open_ns, d.*  EXCLUDE (host)
    FROM named n
    JOIN unexplained_sign d ON d.host = n.host AND abs(d.mono_ns - n.open_ns) <= rule_ns('attach_trace_s')
    QUALIFY row_number() OVER (PARTITION BY d.host, d.source_id, d.table_name, d.record_offset, d.mono_ns ORDER BY abs(d.mono_ns - n.open_ns), n.image_key) = 1
),
sign AS (
    SELECT host, image_key, open_ns, bool_or(is_virtual) AS is_virtual, string_agg(DISTINCT what, ', ' ORDER BY what) AS what,
        CASE WHEN count(DISTINCT letter) = 1 THEN max(letter) END AS letter
    FROM beside GROUP BY ALL
),
lonely AS (
    SELECT d.*, b.boot_number
    FROM unexplained_sign d
    ANTI JOIN beside x ON x.host = d.host AND x.source_id = d.source_id AND x.table_name = d.table_name AND x.record_offset = d.record_offset
    ASOF LEFT JOIN boot b ON b.host = d.host AND d.mono_ns >= b.start_ns
    WHERE d.stands_alone
    -- Exported twice, or said twice within the window: one mount.
    QUALIFY d.mono_ns - lag(d.mono_ns) OVER (PARTITION BY d.host, d.letter ORDER BY d.mono_ns) <= rule_ns('attach_trace_s') IS NOT TRUE
),
came AS (
    SELECT host, image_path, stamp_ns(host, time_utc) AS mono_ns FROM delivery
    UNION
    SELECT host, canonical(folder_path), stamp_ns(host, timestamp_utc) FROM mde_device_file_events
    WHERE action_type IN ('FileCreated', 'FileRenamed') AND host IS NOT NULL AND is_image_name(folder_path)
        AND list_contains(rule_words('optical_extension'), extension_of(folder_path))
),
only_arrival AS (
    SELECT l.host, l.source_id, l.table_name, l.record_offset, min(c.image_path) AS image_path
    FROM lonely l
    JOIN came c ON c.host = l.host AND c.mono_ns BETWEEN l.mono_ns - rule_ns('trace_end_s') AND l.mono_ns
    GROUP BY ALL
    HAVING count(DISTINCT path_key(c.image_path)) = 1
)
SELECT n.*, coalesce(n.letter, g.letter) AS sign_letter, coalesce(g.is_virtual, FALSE) AS has_drive,
    CASE
        WHEN list_contains(n.kinds, 'content') THEN rule_value('c_session_trace_content')
        WHEN g.is_virtual THEN rule_value('c_session_trace_drive')
        WHEN list_has_any(n.kinds, ['command', 'use']) THEN rule_value('c_session_trace_call')
        ELSE rule_value('c_session_trace_user')
    END AS confidence,
    'no log of the mount; the image is named by ' || n.what || n.place_remark || coalesce('; at that moment ' || g.what, '') AS basis
FROM named n
LEFT JOIN sign g USING (host, image_key, open_ns)
UNION ALL BY NAME
SELECT *, FALSE AS has_drive, rule_value('c_session_trace_untimed') AS confidence,
    'no log of the mount and no time; the image is named by ' || what || place_remark AS basis
FROM untimed
UNION ALL BY NAME
SELECT l.host, coalesce(path_key(a.image_path), '[image not named, drive ' || l.letter || ']') AS image_key,
    coalesce(a.image_path, '[image not named, drive ' || upper(l.letter) || ']') AS image_path,
    l.mono_ns AS open_ns, l.mono_ns AS last_ns, l.time_utc AS opened_utc, l.boot_number, l.source_id AS trace_source, l.table_name AS trace_table,
    l.record_offset AS trace_offset, l.letter AS sign_letter, TRUE AS has_drive, rule_value('c_session_trace_unnamed') AS confidence,
    'no log of the mount; ' || l.what || CASE WHEN a.image_path IS NULL THEN '; the image is not named'
        ELSE '; image inferred: the only one that arrived in the hours before' END AS basis
FROM lonely l
LEFT JOIN only_arrival a USING (host, source_id, table_name, record_offset);

CREATE OR REPLACE TEMP TABLE trace_end AS
WITH ended AS (
    SELECT host, lower(image_name) AS image_name, NULL AS letter, mono_ns, time_utc, 'end: Dismount-DiskImage called' AS what, source_id, table_name, record_offset
    FROM mount_call WHERE is_dismount AND mono_ns IS NOT NULL
    UNION ALL
    SELECT host, NULL, lower(left(json_extract_string(try_cast(additional_fields AS JSON), '$.DriveLetter'), 1)) || ':', ns_of(timestamp_utc), timestamp_utc,
        'end: UsbDriveUnmounted of the letter', source_id, 'mde_device_events', row_address
    FROM mde_device_events WHERE action_type ILIKE 'UsbDriveUnmount%' AND host IS NOT NULL AND timestamp_utc IS NOT NULL
)
SELECT t.host, t.image_key, t.open_ns, e.* EXCLUDE (host, image_name, letter)
FROM trace_mount t
JOIN ended e ON e.host = t.host AND (e.image_name = t.image_name OR e.letter = t.sign_letter)
    AND e.mono_ns >= t.last_ns AND e.mono_ns <= t.last_ns + rule_ns('trace_end_s')
QUALIFY row_number() OVER (PARTITION BY t.host, t.image_key, t.open_ns ORDER BY e.mono_ns) = 1;

CREATE OR REPLACE TEMP TABLE trace_session AS
SELECT short_hash(concat_ws('|', 'session', t.host, t.image_key, coalesce(t.open_ns::VARCHAR, 'untimed'))) AS session_id, t.*,
    coalesce(e.time_utc, CASE WHEN b.end_basis = 'crash' AND b.stop_ns < t.last_ns THEN b.next_utc ELSE b.ended_utc END) AS closed_utc, e.mono_ns AS close_ns,
    CASE WHEN e.mono_ns IS NOT NULL THEN 'removed' WHEN coalesce(b.end_basis, 'log_end') = 'log_end' THEN 'open_ended' ELSE b.end_basis END AS close_basis,
    coalesce(e.mono_ns, CASE WHEN t.last_ns IS NOT NULL THEN least(coalesce(b.bound_ns, never_ns()), t.last_ns + rule_ns('trace_end_s')) END) AS end_ns,
    coalesce(e.mono_ns IS NULL AND b.fast_startup, FALSE) AS may_have_survived, e.what AS end_what
FROM trace_mount t
LEFT JOIN trace_end e USING (host, image_key, open_ns)
LEFT JOIN run_of_system b ON b.host = t.host AND b.boot_number = t.boot_number;

INSERT INTO session BY NAME
SELECT session_id, host, image_key, image_key AS file_key, image_path, record, sequence, mft_source, mft_offset, opened_utc, open_ns, closed_utc, close_ns, end_ns,
    boot_number, close_basis,
    CASE WHEN list_contains(rule_words('optical_extension'), extension_of(image_key)) OR image_name IS NULL THEN 'optical'
        WHEN list_contains(['vhd', 'vhdx'], extension_of(image_key)) THEN 'disk' END AS image_kind,
    FALSE AS has_vhdmp, FALSE AS removal_only, FALSE AS has_handle, FALSE AS logs_handles, may_have_survived, user_sid,
    concat_ws('; ', basis, end_what) AS other_basis, confidence AS trace_confidence
FROM trace_session;

-- Every row behind these sessions, for the references.
CREATE OR REPLACE TEMP TABLE session_trace AS
SELECT t.session_id, m.source_id, m.table_name, m.record_offset, 'mention of the image: ' || m.what AS role
FROM trace_session t
JOIN unexplained_mention m ON m.host = t.host AND m.image_key = t.image_key AND (m.mono_ns BETWEEN t.open_ns AND t.last_ns OR (m.mono_ns IS NULL AND t.open_ns IS NULL))
UNION
SELECT t.session_id, d.source_id, d.table_name, d.record_offset, d.what
FROM trace_session t
JOIN unexplained_sign d ON d.host = t.host AND abs(d.mono_ns - t.open_ns) <= rule_ns('attach_trace_s')
UNION
SELECT t.session_id, e.source_id, e.table_name, e.record_offset, e.what
FROM trace_session t
JOIN trace_end e USING (host, image_key, open_ns);

-- Letters that these traces give to sessions, for sessions by logs and registry too: only where one session was opened then.
CREATE OR REPLACE TEMP TABLE trace_letter AS
SELECT s.session_id, s.host, d.letter AS volume, d.what AS basis, d.source_id, d.table_name, d.record_offset
FROM drive_sign d
JOIN session s ON s.host = d.host AND s.open_ns IS NOT NULL AND abs(d.mono_ns - s.open_ns) <= rule_ns('attach_trace_s')
WHERE d.letter IS NOT NULL AND d.is_virtual
QUALIFY count(DISTINCT s.session_id) OVER (PARTITION BY d.host, d.source_id, d.table_name, d.record_offset, d.mono_ns) = 1;
