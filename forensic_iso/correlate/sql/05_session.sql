-- session (temporary): mounts, one row each, before their volume is known.
-- Opens: VHDMP 1 (surfaced), with the handle opened before it (12, no failure, not for information only) by disk
-- object or path within attach_window_s; a 12 alone counts only where record ids right after it are missing.
-- Closes: the next 2 or 35 of the path in record order and the same run of the system, or of the kernel after a fast startup; else a 16 of the disk object or an 11 of the path;
-- else 1006 without capacity; else shutdown or crash. Opened again without a close: superseded.
-- Partition 1006 of a file-backed disk joins the VHDMP session of its path, alone it makes one.
-- No mount: opens for information, failures (3, 13), a guest's disk (17, 18 without 1), file opens (22, 23).
-- Misses: images that other drivers mount; ISO images where VHDMP is absent.
CREATE OR REPLACE TEMP TABLE opened_handle AS
SELECT * FROM image_event WHERE event_id = 12 AND succeeded AND NOT info_only AND image_key IS NOT NULL;

CREATE OR REPLACE TEMP TABLE surfaced AS
WITH disk AS (
    SELECT * FROM image_event WHERE event_id = 1 AND image_key IS NOT NULL
),
by_object AS (
    SELECT d.host, d.seq, o.seq AS handle_seq
    FROM disk d ASOF JOIN opened_handle o ON o.host = d.host AND o.disk = d.disk AND d.seq > o.seq
    WHERE abs(d.mono_ns - o.mono_ns) <= rule_ns('attach_window_s')
),
by_path AS (
    SELECT d.host, d.seq, o.seq AS handle_seq
    FROM disk d ASOF JOIN opened_handle o ON o.host = d.host AND o.image_key = d.image_key AND d.seq > o.seq
    WHERE abs(d.mono_ns - o.mono_ns) <= rule_ns('attach_window_s')
),
-- Services open handles beside the user's.
by_user AS (
    SELECT d.host, d.seq, o.user_sid AS account
    FROM disk d ASOF JOIN (SELECT * FROM opened_handle WHERE lower(user_sid) LIKE 's-1-5-21-%' OR lower(user_sid) LIKE 's-1-12-1-%') o
        ON o.host = d.host AND o.image_key = d.image_key AND d.seq > o.seq
    WHERE abs(d.mono_ns - o.mono_ns) <= rule_ns('same_act_s')
)
SELECT d.*, coalesce(a.handle_seq, p.handle_seq) AS handle_seq, u.account
FROM disk d
LEFT JOIN by_object a USING (host, seq)
LEFT JOIN by_path p USING (host, seq)
LEFT JOIN by_user u USING (host, seq);

-- Handles that may be mounts whose 1 is lost: ids right after are missing, or the log ends there.
CREATE OR REPLACE TEMP TABLE probable AS
WITH alone AS (
    SELECT o.*
    FROM opened_handle o
    ANTI JOIN surfaced s ON s.host = o.host AND s.handle_seq = o.seq
    WHERE NOT o.guest
),
last_state AS (
    SELECT o.host, o.seq, e.event_id
    FROM alone o
    ASOF JOIN (SELECT * FROM image_event WHERE event_id IN (1, 2, 35)) e
        ON e.host = o.host AND e.image_key = o.image_key AND o.seq > e.seq
    WHERE e.boot_number = o.boot_number
),
next_surface AS (
    SELECT o.host, o.seq
    FROM alone o
    ASOF JOIN surfaced s ON s.host = o.host AND s.image_key = o.image_key AND o.seq < s.seq
    WHERE abs(s.mono_ns - o.mono_ns) <= rule_ns('attach_window_s')
),
log_end AS (
    SELECT host, channel, max(record_id) AS last_id
    FROM event_time
    WHERE channel IN (SELECT DISTINCT channel FROM image_event) GROUP BY ALL
),
following AS (
    SELECT o.host, o.seq, l.last_id, count(DISTINCT e.record_id) AS present
    FROM alone o
    JOIN log_end l ON l.host = o.host AND l.channel = o.channel
    LEFT JOIN event_time e ON e.host = o.host AND e.channel = o.channel AND e.damaged IS NOT TRUE
        AND e.record_id > o.seq AND e.record_id <= o.seq + rule_value('probable_mount_ids')
    GROUP BY ALL
),
ended AS (
    SELECT DISTINCT o.host, o.seq
    FROM alone o
    JOIN image_event e ON e.host = o.host AND e.channel = o.channel AND e.event_id IN (3, 4, 14, 16)
        AND e.seq > o.seq AND e.seq <= o.seq + rule_value('probable_mount_ids')
        AND (e.image_key = o.image_key OR e.disk = o.disk OR e.handle = o.handle OR (e.disk IS NULL AND e.image_key IS NULL))
)
SELECT o.*, f.present < rule_value('probable_mount_ids') AND f.last_id - o.seq > f.present AS ids_missing
FROM alone o
JOIN following f USING (host, seq)
ANTI JOIN ended USING (host, seq)
ANTI JOIN next_surface USING (host, seq)
LEFT JOIN last_state s USING (host, seq)
WHERE coalesce(s.event_id, 2) <> 1 AND f.present < rule_value('probable_mount_ids');

CREATE OR REPLACE TEMP TABLE vhdmp_session AS
WITH act AS (
    SELECT s.host, s.image_key, s.boot_number, s.kernel_number, s.seq, 'open' AS act, s.time_utc, s.mono_ns, s.disk, s.disk_number, s.user_sid, s.account, s.handle_seq,
        TRUE AS is_surfaced, NULL::BOOLEAN AS ids_missing, s.source_id, s.record_offset, coalesce(h.mono_ns, s.mono_ns) AS begin_ns
    FROM surfaced s
    LEFT JOIN opened_handle h ON h.host = s.host AND h.seq = s.handle_seq
    UNION ALL
    SELECT host, image_key, boot_number, kernel_number, seq, 'open', time_utc, mono_ns, disk, NULL, user_sid, NULL, seq,
        FALSE, ids_missing, source_id, record_offset, mono_ns
    FROM probable
    UNION ALL
    SELECT host, image_key, boot_number, kernel_number, seq, 'close', time_utc, mono_ns, disk, disk_number, user_sid, NULL, NULL,
        NULL, NULL, source_id, record_offset, mono_ns
    FROM image_event WHERE event_id IN (2, 35) AND image_key IS NOT NULL
),
sequence AS (
    -- Opened anew in the next run of the system: the run's end closed it.
    SELECT *, lead(act) OVER turn AS next_act, lead(seq) OVER turn AS next_seq,
        CASE WHEN lead(boot_number) OVER turn IS NOT DISTINCT FROM boot_number OR lead(act) OVER turn = 'close' THEN lead(begin_ns) OVER turn END AS next_ns,
        lag(act) OVER turn AS before_act, lag(mono_ns) OVER turn AS before_ns
    FROM act
    WINDOW turn AS (PARTITION BY host, image_key, kernel_number ORDER BY seq)
),
opening AS (
    SELECT * FROM sequence WHERE act = 'open'
),
path_close AS (
    SELECT o.host, o.seq, c.seq AS close_seq
    FROM opening o
    JOIN sequence c ON c.host = o.host AND c.image_key = o.image_key AND c.seq = o.next_seq AND c.act = 'close'
),
loose_close AS (
    SELECT c.*
    FROM sequence c
    ANTI JOIN path_close p ON p.host = c.host AND p.close_seq = c.seq
    WHERE c.act = 'close'
        AND NOT coalesce(c.before_act = 'close' AND c.mono_ns - c.before_ns <= rule_ns('orphan_close_repeat_s'), FALSE)
),
-- A close that spells the path otherwise: by the disk object.
object_close AS (
    SELECT c.host, c.seq AS close_seq, o.seq
    FROM loose_close c
    ASOF JOIN (SELECT * FROM opening ANTI JOIN path_close USING (host, seq)) o
        ON o.host = c.host AND o.disk = c.disk AND c.seq > o.seq
    WHERE o.kernel_number = c.kernel_number
),
closing AS (
    SELECT host, seq, min(close_seq) AS close_seq
    FROM (SELECT host, seq, close_seq FROM path_close UNION ALL SELECT host, seq, close_seq FROM object_close)
    GROUP BY ALL
),
destroyed AS (
    SELECT o.host, o.seq, d.seq AS destroyed_seq
    FROM (SELECT * FROM opening ANTI JOIN closing USING (host, seq)) o
    ASOF JOIN (SELECT * FROM image_event WHERE event_id = 16) d ON d.host = o.host AND d.disk = o.disk AND o.seq < d.seq
    WHERE d.boot_number = o.boot_number AND (o.next_ns IS NULL OR d.mono_ns < o.next_ns)
),
-- The file or its share is lost, the surface will be removed (11).
invalidated AS (
    SELECT o.host, o.seq, d.seq AS invalidated_seq
    FROM (SELECT * FROM opening ANTI JOIN closing USING (host, seq) ANTI JOIN destroyed USING (host, seq)) o
    ASOF JOIN (SELECT * FROM image_event WHERE event_id = 11) d ON d.host = o.host AND d.image_key = o.image_key AND o.seq < d.seq
    WHERE d.boot_number = o.boot_number AND (o.next_ns IS NULL OR d.mono_ns < o.next_ns)
),
lost AS (
    SELECT host, seq, destroyed_seq AS lost_seq FROM destroyed UNION ALL SELECT host, seq, invalidated_seq FROM invalidated
)
SELECT o.host, o.image_key, o.boot_number, o.seq, o.disk_number, o.is_surfaced, o.ids_missing,
    coalesce(h.time_utc, o.time_utc) AS opened_utc, coalesce(h.mono_ns, o.mono_ns) AS open_ns,
    o.mono_ns AS surfaced_ns, h.seq IS NOT NULL AS has_handle, h.vhd_type,
    coalesce(c.time_utc, d.time_utc) AS closed_utc, coalesce(c.mono_ns, d.mono_ns) AS close_ns,
    CASE WHEN c.seq IS NOT NULL THEN 'unsurfaced' WHEN d.event_id = 16 THEN 'destroyed' WHEN d.seq IS NOT NULL THEN 'invalidated'
        WHEN o.next_act = 'open' AND o.next_ns IS NOT NULL THEN 'superseded' END AS close_basis,
    CASE WHEN o.next_act = 'open' THEN o.next_ns END AS bound_ns,
    coalesce(
        o.account,
        h.user_sid,
        CASE WHEN lower(o.user_sid) <> 's-1-5-18' THEN o.user_sid END,
        CASE WHEN NOT list_contains(rule_words('service_sid'), lower(c.user_sid)) THEN c.user_sid END
    ) AS user_sid,
    -- To 1809 no handle is logged: 2 is written for its caller.
    h.seq IS NULL AND lower(c.user_sid) = 's-1-5-18' AND coalesce(lower(o.user_sid) = 's-1-5-18', TRUE) AS is_by_system,
    o.source_id AS surfaced_source, o.record_offset AS surfaced_offset,
    h.source_id AS handle_source, h.record_offset AS handle_offset,
    coalesce(c.source_id, d.source_id) AS close_source, coalesce(c.record_offset, d.record_offset) AS close_offset
FROM opening o
LEFT JOIN opened_handle h ON h.host = o.host AND h.seq = o.handle_seq
LEFT JOIN closing k ON k.host = o.host AND k.seq = o.seq
LEFT JOIN image_event c ON c.host = k.host AND c.seq = k.close_seq AND c.event_id IN (2, 35)
LEFT JOIN lost x ON x.host = o.host AND x.seq = o.seq
LEFT JOIN image_event d ON d.host = x.host AND d.seq = x.lost_seq AND d.event_id IN (11, 16)
UNION ALL BY NAME
-- Removed, but opened before the log begins.
SELECT c.host, c.image_key, c.boot_number, c.seq, c.disk_number, NULL AS is_surfaced, NULL AS ids_missing,
    NULL AS opened_utc, NULL AS open_ns, NULL AS surfaced_ns, FALSE AS has_handle, NULL AS vhd_type,
    c.time_utc AS closed_utc, c.mono_ns AS close_ns, 'unsurfaced' AS close_basis, NULL AS bound_ns,
    CASE WHEN NOT list_contains(rule_words('service_sid'), lower(c.user_sid)) THEN c.user_sid END AS user_sid,
    NULL AS surfaced_source, NULL AS surfaced_offset, NULL AS handle_source, NULL AS handle_offset,
    coalesce(lower(c.user_sid) = 's-1-5-18', FALSE) AS is_by_system, c.source_id AS close_source, c.record_offset AS close_offset
FROM loose_close c
ANTI JOIN object_close k ON k.host = c.host AND k.close_seq = c.seq;

-- Attachments by 1006: repeated records of one state are one.
CREATE OR REPLACE TEMP TABLE disk_session AS
WITH state AS (
    SELECT *, lag(present) OVER turn AS was_present
    FROM disk_event
    WHERE is_virtual AND regexp_matches(image_key, '^([a-z]:\\|\\\\)')
    WINDOW turn AS (PARTITION BY host, image_key, boot_number ORDER BY seq)
),
changed AS (
    SELECT *, lead(seq) OVER turn AS next_seq
    FROM state
    WHERE present IS DISTINCT FROM was_present AND (present OR was_present)
    WINDOW turn AS (PARTITION BY host, image_key, boot_number ORDER BY seq)
)
SELECT o.*, c.time_utc AS closed_utc, c.mono_ns AS close_ns, c.source_id AS close_source, c.record_offset AS close_offset
FROM changed o
LEFT JOIN changed c ON c.host = o.host AND c.image_key = o.image_key AND c.seq = o.next_seq AND NOT c.present
WHERE o.present;

CREATE OR REPLACE TEMP TABLE session AS
WITH pairing AS (
    SELECT v.host, v.seq, v.image_key, d.seq AS disk_seq
    FROM vhdmp_session v
    JOIN disk_session d ON d.host = v.host AND d.image_key = v.image_key AND d.boot_number = v.boot_number
    WHERE (
            v.open_ns IS NOT NULL
            AND d.mono_ns >= v.open_ns - rule_ns('attach_window_s')
            AND (coalesce(v.close_ns, v.bound_ns) IS NULL OR d.mono_ns < coalesce(v.close_ns, v.bound_ns))
        )
        OR (
            v.open_ns IS NULL AND d.mono_ns < v.close_ns
            AND (d.close_ns IS NULL OR abs(d.close_ns - v.close_ns) <= rule_ns('attach_window_s'))
        )
    QUALIFY row_number() OVER (PARTITION BY v.host, v.seq ORDER BY abs(d.mono_ns - coalesce(v.surfaced_ns, v.close_ns)), d.seq) = 1
),
merged AS (
    SELECT v.host, v.image_key, v.boot_number, v.is_surfaced, v.ids_missing, v.has_handle, v.vhd_type, v.user_sid, v.is_by_system,
        coalesce(v.disk_number, d.disk_number) AS disk_number, d.disk_key, d.volume_serial, d.mono_ns AS disk_ns,
        coalesce(v.opened_utc, d.time_utc) AS opened_utc, coalesce(v.open_ns, d.mono_ns) AS open_ns,
        coalesce(v.closed_utc, CASE WHEN v.bound_ns IS NULL OR d.close_ns <= v.bound_ns THEN d.closed_utc END) AS closed_utc,
        coalesce(v.close_ns, CASE WHEN v.bound_ns IS NULL OR d.close_ns <= v.bound_ns THEN d.close_ns END) AS close_ns,
        CASE
            WHEN v.close_ns IS NULL AND d.close_ns IS NOT NULL AND (v.bound_ns IS NULL OR d.close_ns <= v.bound_ns)
                THEN 'removed'
            ELSE v.close_basis
        END AS close_basis,
        v.bound_ns, TRUE AS has_vhdmp, v.opened_utc IS NULL AS removal_only,
        v.surfaced_source, v.surfaced_offset, v.handle_source, v.handle_offset, v.close_source, v.close_offset,
        d.source_id AS disk_source, d.record_offset AS disk_offset,
        d.close_source AS disk_close_source, d.close_offset AS disk_close_offset
    FROM vhdmp_session v
    LEFT JOIN pairing p ON p.host = v.host AND p.seq = v.seq AND p.image_key = v.image_key
    LEFT JOIN disk_session d ON d.host = p.host AND d.seq = p.disk_seq
    UNION ALL BY NAME
    SELECT d.host, d.image_key, d.boot_number, d.disk_number, d.disk_key, d.volume_serial, d.mono_ns AS disk_ns,
        d.time_utc AS opened_utc, d.mono_ns AS open_ns, d.closed_utc, d.close_ns,
        CASE WHEN d.close_ns IS NOT NULL THEN 'removed' END AS close_basis,
        FALSE AS has_vhdmp, FALSE AS removal_only, FALSE AS has_handle,
        d.source_id AS disk_source, d.record_offset AS disk_offset,
        d.close_source AS disk_close_source, d.close_offset AS disk_close_offset
    FROM disk_session d
    ANTI JOIN pairing p ON p.host = d.host AND p.disk_seq = d.seq
)
SELECT short_hash(concat_ws('|', 'session', m.host, m.image_key, coalesce(m.open_ns, m.close_ns))) AS session_id,
    m.* EXCLUDE (closed_utc, close_basis),
    n.image_path, n.file_key, n.record, n.sequence, n.source_id AS mft_source, n.record_offset AS mft_offset,
    CASE
        WHEN m.closed_utc IS NOT NULL THEN m.closed_utc
        WHEN m.close_basis = 'superseded' OR m.open_ns IS NULL THEN NULL
        ELSE b.ended_utc
    END AS closed_utc,
    CASE
        WHEN m.close_basis IS NOT NULL THEN m.close_basis
        WHEN b.end_basis = 'log_end' THEN 'open_ended'
        ELSE b.end_basis
    END AS close_basis,
    coalesce(m.close_ns, m.bound_ns, b.stop_ns) AS end_ns,
    coalesce(m.close_basis IS NULL AND b.fast_startup, FALSE) AS may_have_survived,
    CASE
        WHEN m.vhd_type = 3 OR list_contains(rule_words('optical_extension'), extension_of(m.image_key)) THEN 'optical'
        WHEN m.vhd_type IN (1, 2, 4) OR m.disk_key IS NOT NULL OR list_contains(['vhd', 'vhdx'], extension_of(m.image_key))
            THEN 'disk'
    END AS image_kind,
    coalesce(v.handles > 0, FALSE) AS logs_handles
FROM merged m
JOIN image_name n ON n.host = m.host AND n.image_key = m.image_key
LEFT JOIN boot b ON b.host = m.host AND b.boot_number = m.boot_number
-- Builds that log handles also name the disk object (VirtualDisk) in 1 and 2.
LEFT JOIN (SELECT host, count(*) FILTER (event_id = 12 OR disk IS NOT NULL) AS handles FROM image_event GROUP BY host) v ON v.host = m.host;
