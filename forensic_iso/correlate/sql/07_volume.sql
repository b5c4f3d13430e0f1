-- volume_claim, mount_session: which letter or device an image had while it was mounted.
-- The system drive and volumes whose $MFT is at hand are no candidates.
-- A witness (06_volume_witness, the listing of the image) names the volume. Without one: a candidate is refused where the
-- letter is a network drive's or a stick's; where it is in use before the opening, unless a medium or an image of then
-- explains that use and left; where an optical volume was written to; where it holds programs that the image does not
-- list; where it stayed in use after the end, as no letter of a removed image does. A letter that another medium may have got
-- after the end (used soon after the opening or by files in its root, and for others after the end) yields to one that was not in use then.
-- A disk of several volumes (1006, its listing) may have as many letters. What two open images list alike names neither's letter.
-- A mount of which only the end is logged was open at the first record of that stretch of the log, at the clearing that it follows, or
-- when a summary of latencies names it as in use (open_before).
-- Uses where one session alone is open settle its letter; the others follow by elimination; what is left is ambiguous.
-- Disks of the system (07_noise) claim no letter. Misses: letters that nothing used; folders that volumes are mounted into.

-- cut_log: logs of which --since left out the older records: they reach back before the first record of the case.
CREATE OR REPLACE TEMP TABLE cut_log AS
SELECT e.host, e.channel, min(e.record_id) AS first_id
FROM (
    SELECT host, channel, source_id, min(record_id) AS record_id FROM event_time
    WHERE getvariable('read_from_ns') IS NOT NULL AND host IS NOT NULL AND record_id IS NOT NULL AND damaged IS NOT TRUE GROUP BY ALL
) e
JOIN (SELECT source_id, min(first_record_id) AS first_id FROM evtx_chunk WHERE mark_ok GROUP BY source_id) c USING (source_id)
GROUP BY e.host, e.channel
HAVING min(c.first_id) < min(e.record_id);

CREATE OR REPLACE TEMP TABLE open_before AS
WITH removal AS (
    SELECT s.session_id, s.host, s.image_key, s.boot_number, s.close_ns, coalesce(b.start_ns, -never_ns()) AS boot_ns,
        lag(s.close_ns) OVER (PARTITION BY s.host, s.image_key ORDER BY s.close_ns) AS before_ns
    FROM session s
    LEFT JOIN boot b ON b.host = s.host AND b.boot_number = s.boot_number
    WHERE s.removal_only AND s.open_ns IS NULL
),
numbered AS (
    SELECT e.host, e.source_id, CASE WHEN e.record_id = c.first_id THEN getvariable('read_from_ns') ELSE e.mono_ns END AS mono_ns,
        CASE WHEN e.record_id = c.first_id THEN instant(getvariable('read_from_ns')) ELSE e.time_utc END AS time_utc,
        e.record_id - lag(e.record_id) OVER turn AS step, lag(e.mono_ns) OVER turn AS before_ns
    FROM timed('event_time') e
    LEFT JOIN cut_log c ON c.host = e.host AND c.channel = e.channel
    WHERE e.channel ILIKE '%VHDMP%' AND e.record_id IS NOT NULL AND e.host IN (SELECT host FROM removal)
    WINDOW turn AS (PARTITION BY e.host, e.channel ORDER BY e.record_id)
),
-- A cleared log tells all from then on, unless it has been filled since.
whole AS (
    SELECT k.source_id
    FROM evtx_chunk k
    SEMI JOIN numbered n USING (source_id)
    GROUP BY k.source_id
    HAVING count(*) * 65536 < (SELECT min(split_part(value, '|', 2)::BIGINT) FROM rule_list WHERE name = 'log_size' AND value ILIKE '%vhdmp%') - 2 * 65536
),
cleared AS (
    SELECT * FROM timed('system_log_cleared') WHERE cleared_channel ILIKE '%VHDMP%' AND host IN (SELECT host FROM removal)
),
stretch AS (
    SELECT f.host, f.mono_ns AS first_ns, c.mono_ns IS NOT NULL AS is_cleared, coalesce(c.mono_ns, f.mono_ns) AS mono_ns, coalesce(c.time_utc, f.time_utc) AS time_utc, c.source_id, c.record_offset
    FROM (SELECT * FROM numbered WHERE step IS DISTINCT FROM 1) f
    ASOF LEFT JOIN cleared c ON c.host = f.host AND f.mono_ns >= c.mono_ns AND coalesce(c.mono_ns > f.before_ns, TRUE) AND f.source_id IN (SELECT source_id FROM whole)
),
begun AS (
    -- The stretch that the removal lies in.
    SELECT r.session_id, t.mono_ns AS open_ns, t.time_utc AS open_utc, CASE WHEN t.is_cleared THEN 'cleared' ELSE 'first record' END AS bound,
        t.source_id, t.record_offset
    FROM removal r
    ASOF JOIN stretch t ON t.host = r.host AND r.close_ns >= t.first_ns
    WHERE t.mono_ns < r.close_ns
),
-- In use in the interval that a summary of latencies (300, 301) ends, though records are missing since.
in_use AS (
    SELECT r.session_id, min(u.mono_ns) AS open_ns, min_by(u.time_utc, u.mono_ns) AS open_utc, 'in use' AS bound,
        min_by(u.source_id, u.mono_ns) AS source_id, min_by(u.record_offset, u.mono_ns) AS record_offset
    FROM removal r
    JOIN timed('vhdmp') u ON u.host = r.host AND u.event_id IN (300, 301) AND path_key(u.vhd_file) = r.image_key
        AND u.mono_ns < r.close_ns AND u.mono_ns >= r.boot_ns AND coalesce(u.mono_ns > r.before_ns, TRUE)
    GROUP BY r.session_id
),
earliest AS (
    SELECT * FROM (SELECT * FROM begun UNION ALL BY NAME SELECT * FROM in_use)
    QUALIFY row_number() OVER (PARTITION BY session_id ORDER BY open_ns) = 1
)
SELECT e.*
FROM earliest e
JOIN removal r USING (session_id)
-- Another image open in that time: whose close it is, or whose letter, is not told.
ANTI JOIN session o ON o.host = r.host AND o.session_id <> r.session_id AND o.open_ns <= r.close_ns AND coalesce(o.end_ns >= e.open_ns, TRUE)
WHERE e.open_ns >= r.boot_ns;

CREATE OR REPLACE TEMP TABLE open_session AS
SELECT s.session_id, s.host, s.image_key, s.boot_number, coalesce(s.open_ns, k.open_ns) AS open_ns, s.open_ns IS NULL AS is_assumed, coalesce(s.end_ns, never_ns()) AS end_ns,
    s.close_basis, s.image_kind, s.disk_number, s.disk_ns, n.what IS NOT NULL AS is_noise, s.user_sid
FROM session s
LEFT JOIN noise n USING (session_id)
LEFT JOIN open_before k USING (session_id)
WHERE coalesce(s.open_ns, k.open_ns) IS NOT NULL;

-- How many volumes a disk has: entries of its partition table that are no part of the system's own (MBR types but empty and extended,
-- GPT basic data), or the volumes that its listing shows.
CREATE OR REPLACE TEMP TABLE disk_volumes AS
SELECT session_id, max(volumes) AS volumes
FROM (
    SELECT s.session_id, count(*) FILTER (
            CASE WHEN p.partition_style = 1 THEN substr(p.partition_table, 161 + 288 * n.number, 32) ILIKE 'A2A0D0EBE5B9334487C068B6B72699C7'
                ELSE substr(p.partition_table, 129 + 288 * n.number, 16) <> '0000000000000000'
                    AND substr(p.partition_table, 161 + 288 * n.number, 2) NOT IN ('00', '05', '0F', '0f') END) AS volumes
    FROM timed('partition_diagnostic') p
    JOIN session s ON s.host = p.host AND path_key(p.location) IN (s.image_key, s.file_key) AND p.mono_ns >= s.open_ns - rule_ns('attach_window_s')
        AND (s.end_ns IS NULL OR p.mono_ns <= s.end_ns)
    CROSS JOIN range(16) n(number)
    WHERE p.capacity > 0 AND length(p.partition_table) >= 192 + 288 * n.number
    GROUP BY s.session_id, p.source_id, p.record_offset
    UNION ALL
    SELECT f.session_id, count(DISTINCT v.volume_offset)
    FROM (SELECT DISTINCT session_id, source_id FROM session_file) f
    JOIN image_volume v ON v.source_id = f.source_id AND v.mounted AND v.container_path IS NULL
    GROUP BY f.session_id, f.source_id
)
GROUP BY session_id;

-- Uses inside sessions: strictly, or in the margin where no session holds them strictly (record order between touching ones).
CREATE OR REPLACE TEMP TABLE inside_use AS
WITH near AS (
    SELECT u.*, s.session_id, s.is_noise, u.mono_ns BETWEEN s.open_ns AND s.end_ns AS strictly
    FROM volume_use u
    JOIN open_session s ON s.host = u.host
        AND u.mono_ns >= s.open_ns - rule_ns('same_act_s') AND u.mono_ns <= s.end_ns + rule_ns('same_act_s')
        AND NOT (u.what = 'image' AND path_key(u.path) = s.image_key)
),
counted AS (
    SELECT *,
        bool_or(strictly AND NOT is_noise) OVER same_use AS held,
        count(*) FILTER (NOT is_noise AND strictly) OVER same_use AS sessions
    FROM near
    WINDOW same_use AS (PARTITION BY host, source_id, table_name, record_offset, volume, what)
)
SELECT * FROM counted WHERE NOT is_noise AND (strictly OR NOT coalesce(held, FALSE));

-- Removable media (Partition/Diagnostic; else Security 6416, the registry's last arrival) from arrival to removal or the end of that
-- run of the system.
CREATE OR REPLACE TEMP TABLE stick AS
WITH medium AS (
    SELECT host, disk_key, seq, mono_ns AS from_ns, boot_number, present, bus_type, is_virtual,
        lead(mono_ns) OVER turn AS next_ns, lead(present) OVER turn AS next_present
    FROM disk_event
    WINDOW turn AS (PARTITION BY host, disk_key, boot_number ORDER BY seq)
)
SELECT m.host, m.disk_key, m.from_ns, coalesce(m.next_ns, b.stop_ns, never_ns()) AS to_ns
FROM medium m
LEFT JOIN boot b ON b.host = m.host AND b.boot_number = m.boot_number
WHERE m.present AND NOT m.is_virtual AND (m.bus_type = 7 OR m.next_present = FALSE)
UNION ALL
SELECT d.host, d.device, d.mono_ns, coalesce(d.gone_ns, b.stop_ns, never_ns())
FROM (
    SELECT host, lower(device_id) AS device, mono_ns, NULL::BIGINT AS gone_ns FROM timed('security_device_arrival') WHERE device_id ILIKE 'USBSTOR\%'
    UNION ALL
    SELECT host, lower(device_id), stamp_ns(host, last_arrival_utc), CASE WHEN last_removal_utc >= last_arrival_utc THEN stamp_ns(host, last_removal_utc) END
    FROM usb_storage_device WHERE last_arrival_utc IS NOT NULL AND host IS NOT NULL AND coalesce(current, TRUE) AND device_id ILIKE 'USBSTOR%'
) d
ASOF LEFT JOIN boot b ON b.host = d.host AND d.mono_ns >= b.start_ns
-- What Partition/Diagnostic tells it tells better.
ANTI JOIN (SELECT host FROM disk_event WHERE bus_type = 7) k ON k.host = d.host
QUALIFY row_number() OVER (PARTITION BY d.host, d.mono_ns // rule_ns('attach_trace_s') ORDER BY d.gone_ns) = 1;

-- Uses outside every session, with the medium that explains them: a removable one that was attached then, or an image
-- that was opened before the log begins.
CREATE OR REPLACE TEMP TABLE outside AS
SELECT u.*
FROM volume_use u
ANTI JOIN inside_use i ON i.host = u.host AND i.source_id = u.source_id AND i.table_name = u.table_name
    AND i.record_offset = u.record_offset AND i.volume = u.volume AND i.what = u.what;

-- Network drives of which is told when they were mapped.
CREATE OR REPLACE TEMP TABLE mapped_letter AS
SELECT host, volume, user_name, from_ns, coalesce(to_ns, never_ns()) AS to_ns FROM network_letter WHERE from_ns IS NOT NULL;

-- Letters that were a network drive's while the image was open, as far as is told. A program or module that the logs have by the letter
-- itself lies on no share, of which they have the server, and in no folder behind SUBST.
-- Windows gives an image a letter that is free for all; a user's own drive may have it too, and hides it from that user alone.
CREATE OR REPLACE TEMP TABLE network_claim AS
WITH owned AS (
    SELECT host, volume, list(user_name) AS users FROM network_letter GROUP BY ALL HAVING count(*) = count(user_name)
),
used AS (
    SELECT i.session_id, i.host, i.volume, i.source_id, i.record_offset, o.users FROM inside_use i JOIN owned o USING (host, volume)
),
other_user AS (
    SELECT u.session_id, u.volume, u.users, p.user_name
    FROM used u JOIN process p ON p.sysmon_source_id = u.source_id AND p.sysmon_offset = u.record_offset
    UNION
    SELECT u.session_id, u.volume, u.users, p.user_name
    FROM used u JOIN process p ON p.security_source_id = u.source_id AND p.security_offset = u.record_offset
)
SELECT DISTINCT s.session_id, n.host, n.volume
FROM network_letter n
JOIN open_session s ON s.host = n.host
LEFT JOIN mapped_letter m ON m.host = n.host AND m.volume = n.volume
WHERE (CASE WHEN n.from_ns IS NOT NULL THEN n.from_ns <= s.end_ns AND coalesce(n.to_ns >= s.open_ns, TRUE)
        -- A state, perhaps of a mapping that came later.
        ELSE m.host IS NULL END)
    AND NOT EXISTS (SELECT 1 FROM inside_use i WHERE i.session_id = s.session_id AND i.volume = n.volume AND i.what IN ('program', 'module'))
    AND NOT EXISTS (SELECT 1 FROM other_user u WHERE u.session_id = s.session_id AND u.volume = n.volume AND NOT list_contains(u.users, lower(u.user_name)));

CREATE OR REPLACE TEMP TABLE outside_use AS
WITH removable AS (
    FROM stick
    UNION ALL
    SELECT s.host, s.image_key, coalesce(b.start_ns, 0), s.end_ns
    FROM session s
    LEFT JOIN boot b ON b.host = s.host AND b.boot_number = s.boot_number
    WHERE s.open_ns IS NULL AND s.end_ns IS NOT NULL
),
explained AS (
    SELECT o.*, CASE WHEN o.mono_ns <= r.to_ns THEN r.from_ns END AS medium_from_ns, CASE WHEN o.mono_ns <= r.to_ns THEN r.to_ns END AS medium_to_ns
    -- Uses of a network drive say no more than that it is there (network_claim).
    FROM (SELECT * FROM outside o ANTI JOIN mapped_letter n ON n.host = o.host AND n.volume = o.volume AND o.mono_ns BETWEEN n.from_ns AND n.to_ns) o
    ASOF LEFT JOIN removable r ON r.host = o.host AND o.mono_ns >= r.from_ns
)
SELECT host, volume, boot_number, solid, medium_from_ns, medium_to_ns, min(mono_ns) AS first_ns, max(mono_ns) AS last_ns
FROM explained
GROUP BY ALL;

-- What the image in the evidence says to the uses of a volume: programs and modules that it lists, by hash or by path
-- alone, and (optical media do not change) programs that it does not list. 8.3 names say nothing.
CREATE OR REPLACE TEMP TABLE listed_use AS
WITH below AS (
    SELECT i.session_id, i.host, i.volume, i.what, i.source_id, i.table_name, i.record_offset, i.mono_ns,
        substr(path_key(i.path), length(i.volume) + 2) AS rel, p.hashes
    FROM inside_use i
    LEFT JOIN process p ON p.sysmon_source_id = i.source_id AND p.sysmon_offset = i.record_offset AND i.table_name = 'sysmon_process_create'
    WHERE i.what IN ('program', 'module', 'opened file') AND NOT contains(i.path, '~')
),
listing AS (
    SELECT session_id, lower(path) AS rel, any_value(sha256) AS sha256, any_value(sha1) AS sha1, any_value(md5) AS md5
    FROM session_file WHERE shown GROUP BY ALL
),
compared AS (
    SELECT b.*, l.rel IS NOT NULL AS is_listed,
        l.rel IS NOT NULL AND regexp_matches(b.hashes, '(?i)=(' || nullif(concat_ws('|', l.sha256, l.sha1, l.md5), '') || ')(,|$)') AS is_equal,
        -- Another file only by a hash that both have: the listing of a damaged image has none.
        l.rel IS NOT NULL AND (
            regexp_matches(b.hashes, '(?i)sha256=') AND NOT regexp_matches(b.hashes, '(?i)sha256=' || l.sha256)
            OR regexp_matches(b.hashes, '(?i)sha1=') AND NOT regexp_matches(b.hashes, '(?i)sha1=' || l.sha1)
            OR regexp_matches(b.hashes, '(?i)md5=') AND NOT regexp_matches(b.hashes, '(?i)md5=' || l.md5)
        ) AS is_other
    FROM below b
    JOIN (SELECT DISTINCT session_id FROM listing) k USING (session_id)
    LEFT JOIN listing l USING (session_id, rel)
),
-- What two open images have tells them apart no more.
told AS (
    SELECT * REPLACE (coalesce(is_equal, FALSE) AS is_equal, coalesce(is_other, FALSE) AS is_other),
        is_equal AND count(*) FILTER (is_equal) OVER same_use = 1 AS is_sole_equal,
        is_listed AND NOT coalesce(is_other, FALSE) AND count(*) FILTER (is_listed AND NOT coalesce(is_other, FALSE)) OVER same_use = 1 AS is_sole_path
    FROM compared
    WINDOW same_use AS (PARTITION BY host, volume, source_id, table_name, record_offset, what)
)
SELECT session_id, host, volume, coalesce(bool_or(is_sole_equal), FALSE) AS has_equal, coalesce(bool_or(is_sole_path), FALSE) AS has_sole_path,
    bool_or(is_listed AND NOT is_other) AS has_path, coalesce(bool_or(NOT is_listed OR is_other), FALSE) AS has_foreign,
    bool_and(what = 'opened file') AS is_opened,
    -- Names that many media have.
    coalesce(bool_and(list_contains(rule_words('common_name'), file_name(rel))) FILTER (is_listed), FALSE) AS is_common,
    arg_max(source_id, (coalesce(is_sole_equal, FALSE), coalesce(is_sole_path, FALSE), -mono_ns)) AS source_id,
    arg_max(table_name, (coalesce(is_sole_equal, FALSE), coalesce(is_sole_path, FALSE), -mono_ns)) AS table_name,
    arg_max(record_offset, (coalesce(is_sole_equal, FALSE), coalesce(is_sole_path, FALSE), -mono_ns)) AS record_offset
FROM told
GROUP BY session_id, host, volume;

-- Everything that names a session's volume, with the confidence in it.
CREATE OR REPLACE TEMP TABLE named_volume AS
SELECT session_id, host, volume,
    CASE WHEN has_equal THEN rule_value('c_volume_listed_hash') WHEN is_common THEN rule_value('c_volume_listed_common')
        ELSE rule_value('c_volume_listed_path') END AS confidence,
    CASE WHEN has_equal THEN 'a program started there is byte-equal to the image''s file of that path'
        WHEN is_opened THEN 'files opened there lie at that path in the image'
        ELSE 'programs used there lie at that path in the image' END AS basis,
    source_id, table_name, record_offset
FROM listed_use
WHERE has_equal OR (has_sole_path AND NOT has_foreign)
UNION ALL BY NAME
SELECT w.* FROM volume_witness w JOIN open_session s USING (session_id)
UNION ALL BY NAME
-- The volume's own log names letter, volume and device: same disk number, soon after the disk surfaced.
SELECT s.session_id, s.host, n.volume, rule_value('c_volume_disk_evidence') AS confidence,
    'the volume''s own log names the ' || n.what || ' for this disk number' AS basis, v.source_id, 'ntfs_volume' AS table_name, v.record_offset
FROM timed('ntfs_volume') v
JOIN open_session s ON s.host = v.host AND v.device_number = s.disk_number AND s.image_kind = 'disk'
    AND v.mono_ns >= s.open_ns - rule_ns('same_act_s') AND v.mono_ns <= s.end_ns
    AND v.mono_ns <= s.open_ns + rule_ns('ntfs_mount_s')
CROSS JOIN LATERAL (VALUES
    (CASE WHEN v.volume_name LIKE '_:%' THEN lower(left(v.volume_name, 2)) ELSE volume_of(v.volume_name) END, CASE WHEN v.volume_name LIKE '_:%' THEN 'letter' ELSE 'volume' END),
    (volume_of(v.device_name), 'device')) n(volume, what)
WHERE n.volume IS NOT NULL AND (v.bus_type = 15 OR v.vendor_id ILIKE 'Msft%' OR v.product_id ILIKE 'Virtual Disk%');

-- The letter that mountvol gave to such a volume.
INSERT INTO named_volume BY NAME
SELECT n.session_id, n.host, a.alias AS volume, n.confidence, 'mountvol gave the letter to the disk''s volume' AS basis,
    coalesce(p.sysmon_source_id, p.security_source_id, p.mde_source_id) AS source_id,
    CASE WHEN p.sysmon_source_id IS NOT NULL THEN 'sysmon_process_create' WHEN p.security_source_id IS NOT NULL THEN 'security_process_create' ELSE 'mde_device_process_events' END AS table_name,
    coalesce(p.sysmon_offset, p.security_offset, p.mde_row) AS record_offset
FROM named_volume n
JOIN open_session s USING (session_id)
JOIN path_alias a ON a.host = n.host AND a.target = n.volume AND a.how = 'mountvol' AND a.alias LIKE '_:' AND a.from_ns BETWEEN s.open_ns AND s.end_ns
JOIN process p USING (process_key);

-- Folders (or files in the root) that are used on a volume in a session and after it: one volume before and after the end.
CREATE OR REPLACE TEMP MACRO top_of(path, volume) AS split_part(substr(lower(replace(path, '/', '\')), length(volume) + 2), '\', 1);
CREATE OR REPLACE TEMP TABLE stays_after AS
SELECT i.session_id, i.volume, bool_or(o.top IS NOT NULL) AS is_same_place, count(i.top) = 0 AS is_spoken, coalesce(bool_or(i.is_in_root), FALSE) AS has_root_file
FROM (SELECT DISTINCT session_id, host, volume, boot_number, nullif(top_of(path, volume), '') AS top,
    path IS NOT NULL AND NOT contains(substr(replace(path, '/', '\'), length(volume) + 2), '\') AS is_in_root FROM inside_use WHERE path IS NOT NULL OR NOT solid) i
JOIN open_session s USING (session_id)
LEFT JOIN (SELECT host, volume, boot_number, top_of(path, volume) AS top, max(mono_ns) AS last_ns FROM outside SEMI JOIN inside_use USING (host, volume) WHERE path IS NOT NULL GROUP BY ALL) o
    ON o.host = i.host AND o.volume = i.volume AND o.boot_number = i.boot_number AND o.top = i.top AND o.last_ns > s.end_ns
GROUP BY i.session_id, i.volume;

-- Letters used in another session that was still open at the opening: they were not free.
CREATE OR REPLACE TEMP TABLE held_use AS
SELECT host, volume, held_until_ns, min(mono_ns) AS first_ns
FROM (
    SELECT i.host, i.volume, min(i.mono_ns) AS mono_ns, min(s.end_ns) AS held_until_ns
    FROM inside_use i
    JOIN open_session s USING (session_id)
    WHERE i.solid AND i.strictly
    GROUP BY i.host, i.volume, i.source_id, i.table_name, i.record_offset, i.what
)
GROUP BY ALL;

CREATE OR REPLACE TEMP TABLE held_letter AS
SELECT DISTINCT s.session_id, h.volume
FROM open_session s
JOIN held_use h ON h.host = s.host AND h.first_ns < s.open_ns AND h.held_until_ns > s.open_ns
LEFT JOIN stick k ON k.host = s.host AND k.from_ns <= s.open_ns AND k.to_ns BETWEEN h.first_ns AND s.open_ns
LEFT JOIN session r ON r.host = s.host AND r.open_ns IS NULL AND r.end_ns BETWEEN h.first_ns AND s.open_ns
WHERE k.host IS NULL AND r.host IS NULL AND NOT s.is_assumed;

CREATE OR REPLACE TEMP TABLE candidate AS
WITH used AS (
    SELECT session_id, host, volume, form, count(*) AS uses, count(*) FILTER (sessions <= 1) AS sole_uses,
        count(*) FILTER (solid) AS solid_uses, count(*) FILTER (what = 'written') AS written,
        min(mono_ns) AS first_ns, min_by(time_utc, mono_ns) AS first_utc, max(mono_ns) AS last_ns
    FROM inside_use
    GROUP BY ALL
),
elsewhere AS (
    SELECT c.session_id, c.volume,
        bool_or(o.first_ns < s.open_ns AND o.boot_number = s.boot_number AND (o.solid OR c.solid_uses = 0)) AS before_in_run,
        bool_or(o.first_ns < s.open_ns AND (o.solid OR c.solid_uses = 0)) AS before,
        bool_or(o.last_ns > s.end_ns AND o.boot_number = s.boot_number AND (o.solid OR c.solid_uses = 0)) AS after_in_run,
        bool_or(o.first_ns < s.open_ns) AND bool_or(o.last_ns > s.end_ns) AS around
    FROM used c
    JOIN open_session s USING (session_id)
    JOIN outside_use o ON o.host = c.host AND o.volume = c.volume
    -- A removable medium that left before the opening, or came after the end, gave the letter free.
    WHERE o.medium_from_ns IS NULL OR NOT (o.medium_to_ns < s.open_ns OR o.medium_from_ns > s.end_ns)
    GROUP BY ALL
),
named AS (
    SELECT DISTINCT session_id, volume FROM named_volume
),
-- A letter used only while a stick was there may be the stick's as well as the image's. Letters are given in the order of arrival:
-- of as many letters as media the lower ones are theirs that came first. A stick that came later, and no letter beside its own, leaves none.
doubtful AS (
    SELECT DISTINCT c.session_id, c.volume, k.disk_key, k.from_ns >= s.open_ns AS came_later
    FROM used c
    JOIN open_session s USING (session_id)
    JOIN stick k ON k.host = c.host AND c.first_ns >= k.from_ns AND c.last_ns - rule_ns('same_act_s') <= k.to_ns
        AND (k.from_ns >= s.open_ns OR k.to_ns >= c.last_ns)
    ANTI JOIN named n ON n.session_id = c.session_id AND n.volume = c.volume
    ANTI JOIN elsewhere e ON e.session_id = c.session_id AND e.volume = c.volume AND (e.before_in_run OR e.around)
    ANTI JOIN network_claim x ON x.session_id = c.session_id AND x.volume = c.volume
    ANTI JOIN stick_letter t ON t.session_id = c.session_id AND t.volume = c.volume
    WHERE c.form = 'letter' AND (c.written = 0 OR s.image_kind = 'disk')
),
media AS (
    SELECT session_id, count(DISTINCT volume) AS letters, count(DISTINCT disk_key) AS sticks, bool_and(came_later) AS all_later, bool_or(came_later) AS any_later
    FROM doubtful GROUP BY session_id
),
stick_like AS (
    SELECT d.session_id, d.volume,
        CASE
            WHEN m.letters <= m.sticks AND d.came_later THEN 'first used after a removable medium came, and not after that left'
            WHEN m.letters = m.sticks + 1 AND m.all_later AND d.place > 1 THEN 'the image came before the removable medium and has the lower letter'
            WHEN m.letters = m.sticks + 1 AND NOT m.any_later AND d.place < m.letters THEN 'the removable medium came before the image and has the lower letter'
        END AS refused
    FROM (
        SELECT session_id, volume, bool_or(came_later) AS came_later, row_number() OVER (PARTITION BY session_id ORDER BY volume) AS place
        FROM doubtful GROUP BY session_id, volume
    ) d
    JOIN media m USING (session_id)
),
every_claim AS (
    SELECT c.*, FALSE AS is_named FROM used c ANTI JOIN named n ON n.session_id = c.session_id AND n.volume = c.volume
    UNION ALL BY NAME
    SELECT n.session_id, s.host, n.volume, coalesce(c.form, CASE WHEN n.volume LIKE '\device\cdrom%' THEN 'cdrom'
            WHEN n.volume LIKE '\device\%' THEN 'harddisk' WHEN n.volume LIKE '_:' THEN 'letter' ELSE 'guid' END) AS form, coalesce(c.uses, 0) AS uses, coalesce(c.sole_uses, 0) AS sole_uses,
        coalesce(c.solid_uses, 0) AS solid_uses, 0 AS written, c.first_ns, c.first_utc, c.last_ns, TRUE AS is_named
    FROM named n
    JOIN open_session s USING (session_id)
    LEFT JOIN used c ON c.session_id = n.session_id AND c.volume = n.volume
)
SELECT c.*, s.open_ns, s.end_ns, s.is_assumed,
    c.form = 'cdrom' AND s.image_kind = 'optical' AND c.volume = '\device\cdrom' || s.disk_number AS same_number,
    coalesce(e.before, FALSE) AS seen_before,
    NOT c.is_named AND coalesce(e.after_in_run, FALSE) AND s.close_basis <> 'superseded' AS seen_after,
    CASE
        WHEN c.is_named THEN NULL
        WHEN c.form = 'cdrom' AND s.image_kind = 'disk' THEN 'an optical device, the image is a disk'
        WHEN c.form = 'harddisk' AND s.image_kind = 'optical' THEN 'a disk, the image is optical'
        WHEN c.form = 'cdrom' AND s.disk_number IS NOT NULL AND c.volume <> '\device\cdrom' || s.disk_number
            THEN 'another device number'
        WHEN s.image_kind = 'optical' AND c.written > 0 THEN 'written to, an optical volume cannot be'
        WHEN x.volume IS NOT NULL THEN 'a network drive or another name of a folder'
        WHEN t.volume IS NOT NULL THEN 'MountedDevices gives it to ' || t.medium
        WHEN e.before_in_run THEN 'in use before the opening'
        WHEN h.volume IS NOT NULL THEN 'in use before the opening, and not free since'
        WHEN e.after_in_run AND s.close_basis <> 'superseded' AND (a.is_same_place OR s.is_assumed
            OR (c.first_ns - s.open_ns > rule_ns('first_run_s') AND (a.is_spoken OR NOT a.has_root_file)))
            THEN 'in use after the end as before it'
        WHEN e.around THEN 'in use before the opening and after the end'
        WHEN k.refused IS NOT NULL THEN k.refused
        WHEN l.has_foreign AND NOT l.has_path AND s.image_kind = 'optical' THEN 'holds programs that the image does not list'
    END AS refused
FROM every_claim c
JOIN open_session s USING (session_id)
LEFT JOIN elsewhere e ON e.session_id = c.session_id AND e.volume = c.volume
LEFT JOIN network_claim x ON x.session_id = c.session_id AND x.volume = c.volume
LEFT JOIN stick_letter t ON t.session_id = c.session_id AND t.volume = c.volume
LEFT JOIN listed_use l ON l.session_id = c.session_id AND l.volume = c.volume
LEFT JOIN stick_like k ON k.session_id = c.session_id AND k.volume = c.volume
LEFT JOIN held_letter h ON h.session_id = c.session_id AND h.volume = c.volume
LEFT JOIN stays_after a ON a.session_id = c.session_id AND a.volume = c.volume;

CREATE OR REPLACE TEMP TABLE valid AS
SELECT * FROM candidate WHERE refused IS NULL
-- In use after the end too: only where no other volume is left.
QUALIFY NOT seen_after OR bool_and(seen_after) OVER (PARTITION BY session_id, form);

CREATE OR REPLACE TEMP TABLE first_round AS
WITH
-- Named by a log of the volume, or the only letter used while this session alone was open.
alone AS (
    SELECT *, count(*) OVER (PARTITION BY session_id, form) AS rivals,
        first_ns - open_ns <= rule_ns('first_run_s') AND NOT is_assumed AS is_soon,
        count(*) FILTER (first_ns - open_ns <= rule_ns('first_run_s')) OVER (PARTITION BY session_id, form) AS soon_rivals,
        coalesce(bool_or(is_named OR same_number) OVER (PARTITION BY session_id, form), FALSE) AS has_certain, coalesce(d.volumes, 1) AS volumes
    FROM valid
    LEFT JOIN disk_volumes d USING (session_id)
    WHERE sole_uses > 0 OR is_named OR same_number
)
SELECT session_id, host, volume, form, open_ns, end_ns,
    CASE
        WHEN is_named OR same_number THEN 'device'
        WHEN rivals = 1 THEN 'only'
        WHEN rivals <= volumes THEN 'several'
        ELSE 'soon'
    END AS ground
FROM alone
WHERE is_named OR same_number OR (rivals > 1 AND rivals <= volumes)
    OR (NOT has_certain AND (rivals = 1 OR (is_soon AND soon_rivals = 1)));

-- What is left after a round: of sessions without a volume, the volumes that no session open at the same time has.
CREATE OR REPLACE TEMP MACRO left_over(done) AS TABLE
WITH taken AS (SELECT * FROM query_table(done))
SELECT v.*
FROM valid v
ANTI JOIN taken f ON f.session_id = v.session_id AND f.form = v.form
ANTI JOIN taken t ON t.host = v.host AND t.volume = v.volume AND t.open_ns <= v.end_ns AND v.open_ns <= t.end_ns;

-- Uses that of the sessions left one alone can explain.
CREATE OR REPLACE TEMP MACRO explained_by_one(done) AS TABLE
WITH held AS (
    SELECT l.session_id, l.host, l.volume, l.form, l.open_ns, l.end_ns,
        count(*) OVER (PARTITION BY i.host, i.source_id, i.table_name, i.record_offset, i.volume, i.what) AS holders
    FROM left_over(done) l
    JOIN inside_use i ON i.session_id = l.session_id AND i.volume = l.volume AND i.strictly
)
SELECT DISTINCT session_id, host, volume, form, open_ns, end_ns, 'elimination' AS ground
FROM held WHERE holders = 1
QUALIFY min(volume) OVER (PARTITION BY session_id, form) = max(volume) OVER (PARTITION BY session_id, form);

CREATE OR REPLACE TEMP TABLE after_second_round AS
FROM first_round UNION ALL SELECT * FROM explained_by_one('first_round');
CREATE OR REPLACE TEMP TABLE after_third_round AS
FROM after_second_round UNION ALL SELECT * FROM explained_by_one('after_second_round');

CREATE OR REPLACE TEMP TABLE settled AS
WITH last_round AS (
    SELECT l.session_id, l.host, l.volume, l.form, l.open_ns, l.end_ns,
        count(*) OVER (PARTITION BY l.session_id, l.form) AS rivals
    FROM left_over('after_third_round') l
),
contested AS (
    SELECT DISTINCT a.session_id, a.volume
    FROM last_round a
    JOIN last_round b ON b.host = a.host AND b.volume = a.volume AND b.session_id <> a.session_id
        AND b.open_ns <= a.end_ns AND a.open_ns <= b.end_ns
)
SELECT session_id, host, volume, form, open_ns, end_ns, ground, 1 AS shares FROM after_third_round
UNION ALL
SELECT s.session_id, s.host, s.volume, s.form, s.open_ns, s.end_ns,
    CASE WHEN s.rivals = 1 AND c.session_id IS NULL THEN 'elimination' ELSE 'ambiguous' END,
    CASE WHEN s.rivals = 1 AND c.session_id IS NULL THEN 1 ELSE greatest(s.rivals, 2) END
FROM last_round s
LEFT JOIN contested c ON c.session_id = s.session_id AND c.volume = s.volume;

-- A letter that certainly was another image's from its opening on was no longer that of one whose end is not logged.
CREATE OR REPLACE TEMP TABLE held_volume AS
WITH lost AS (
    SELECT s.session_id, s.volume, min(o.open_ns) - 1 AS end_ns
    FROM settled s
    JOIN open_session n USING (session_id)
    JOIN settled o ON o.host = s.host AND o.volume = s.volume AND o.form = 'letter' AND o.ground = 'device' AND o.session_id <> s.session_id
        AND o.open_ns > s.open_ns AND o.open_ns <= s.end_ns
    WHERE n.close_basis NOT IN ('unsurfaced', 'removed', 'destroyed', 'invalidated')
    GROUP BY ALL
)
SELECT s.* REPLACE (coalesce(l.end_ns, s.end_ns) AS end_ns)
FROM settled s
LEFT JOIN lost l USING (session_id, volume);

-- All volumes by which a session's files may be named, with the confidence in each.
CREATE OR REPLACE TEMP TABLE session_volume AS
SELECT s.*, count(*) OVER (PARTITION BY s.host, s.volume) > 1 AS is_reused, coalesce(c.uses, 0) AS uses,
    CASE
        WHEN r.basis IS NOT NULL THEN r.confidence
        WHEN s.ground = 'device' THEN rule_value('c_volume_device_number')
        WHEN s.ground = 'ambiguous' THEN rule_value('c_volume_only_session') / s.shares
        WHEN c.is_assumed THEN rule_value('c_volume_reused')
        WHEN s.ground = 'several' THEN rule_value('c_volume_only_session')
        WHEN s.ground = 'only' AND NOT c.seen_before AND NOT c.seen_after AND count(*) OVER (PARTITION BY s.host, s.volume) = 1
            THEN rule_value('c_volume_only_session')
        WHEN s.ground = 'only' THEN rule_value('c_volume_reused')
        ELSE rule_value('c_volume_elimination')
    END AS confidence,
    CASE
        WHEN r.basis IS NOT NULL THEN r.basis
        WHEN s.ground = 'device' THEN 'device number of the image as VHDMP logged it'
        WHEN s.ground = 'several' THEN 'used only while this image was open, whose disk has that many volumes'
        WHEN c.is_assumed AND s.ground = 'only' THEN 'used only between ' || CASE WHEN getvariable('read_from_ns') IS NULL THEN 'the first record of the log' ELSE 'the start of what was read' END || ' and the removal of this image'
        WHEN s.ground = 'only' AND c.seen_after THEN 'used while this image was open, and after its end'
        WHEN s.ground = 'only' THEN 'used only while this image was open' ||
            CASE WHEN count(*) OVER (PARTITION BY s.host, s.volume) > 1 THEN '; other sessions had it too' ELSE '' END
        WHEN s.ground = 'soon' THEN 'the one volume used soon after the opening'
        WHEN s.ground = 'elimination' THEN 'left over: the other volumes belong to images open at the same time'
        ELSE 'ambiguous: not to be told from other volumes or images open at the same time'
    END AS basis
FROM held_volume s
LEFT JOIN candidate c ON c.session_id = s.session_id AND c.volume = s.volume
LEFT JOIN (
    SELECT session_id, volume, max(confidence) AS confidence, string_agg(DISTINCT basis, '; ' ORDER BY basis) AS basis
    FROM named_volume GROUP BY ALL
) r ON r.session_id = s.session_id AND r.volume = s.volume;

INSERT INTO volume_claim BY NAME
SELECT c.session_id, c.host, upper(c.volume) AS volume, c.form, c.uses, c.first_utc,
    coalesce(v.basis, 'used while the image was open') AS basis, coalesce(v.confidence, 0) AS confidence,
    CASE
        WHEN v.ground = 'ambiguous' THEN 'ambiguous'
        WHEN v.session_id IS NOT NULL THEN 'taken'
        WHEN c.refused IS NOT NULL THEN 'refused: ' || c.refused
        WHEN c.seen_after THEN 'refused: in use after the end too, another volume was not'
        ELSE 'refused: belongs to another image'
    END AS verdict
FROM candidate c
LEFT JOIN session_volume v ON v.session_id = c.session_id AND v.volume = c.volume;

-- Removals whose opening lies where records are missing, and not before the log.
CREATE OR REPLACE TEMP TABLE opening_lost AS
WITH numbered AS (
    SELECT host, record_id, time_utc, lag(record_id) OVER turn AS before_id, lag(time_utc) OVER turn AS before_utc
    FROM event_time
    WHERE channel ILIKE '%VHDMP%' AND record_id IS NOT NULL AND host IN (SELECT host FROM session WHERE removal_only)
    WINDOW turn AS (PARTITION BY host, channel ORDER BY record_id)
)
SELECT s.session_id, least(sum(ids_between(n.before_id, n.record_id)), 9223372036854775807)::BIGINT AS missing, min(n.before_utc) AS from_utc, max(n.time_utc) AS to_utc
FROM session s
JOIN numbered n ON n.host = s.host AND n.record_id - n.before_id > 1 AND n.time_utc <= s.closed_utc
WHERE s.removal_only
GROUP BY s.session_id;

INSERT INTO mount_session BY NAME
WITH best AS (
    SELECT session_id, upper(volume) AS volume, confidence, basis
    FROM session_volume
    -- The GUID or device of a volume that may have a letter, too: where it was used by that name.
    WHERE ground <> 'ambiguous' AND (form NOT IN ('guid', 'harddisk') OR uses > 0)
    QUALIFY row_number() OVER (
        PARTITION BY session_id ORDER BY form <> 'letter', form <> 'guid', confidence DESC, volume
    ) = 1
),
-- Label and serial: by the listing of the image, else by shortcuts to files under the letter, made while it was open.
told AS (
    SELECT s.session_id, c.volume_serial, c.volume_label
    FROM open_session s
    JOIN best b ON b.session_id = s.session_id AND b.volume LIKE '_:'
    JOIN (
        SELECT host, local_path, volume_serial, volume_label, drive_type, time_utc FROM shortcut_time
        UNION ALL
        SELECT host, local_path, volume_serial, volume_label, drive_type, last_accessed_utc FROM jumplist_entry WHERE local_path LIKE '_:%'
    ) c ON c.host = s.host AND upper(left(c.local_path, 2)) = b.volume AND c.drive_type = CASE WHEN s.image_kind = 'disk' THEN 'fixed' ELSE 'CD-ROM' END
        AND stamp_ns(c.host, c.time_utc) BETWEEN s.open_ns - rule_ns('same_act_s') AND s.end_ns + rule_ns('same_act_s')
    WHERE c.volume_serial IS NOT NULL
),
identity AS (
    SELECT session_id, min(volume_serial) AS volume_serial, min(nullif(volume_label, '')) AS volume_label
    FROM (
        SELECT DISTINCT session_id, volume_serial, volume_label FROM session_file WHERE shown AND volume_serial IS NOT NULL
        UNION
        SELECT * FROM told ANTI JOIN (SELECT session_id FROM session_file WHERE volume_serial IS NOT NULL) USING (session_id)
    )
    GROUP BY session_id
    HAVING count(DISTINCT volume_serial) = 1
),
unsure AS (
    SELECT session_id, string_agg(upper(volume), ' or ' ORDER BY volume) AS volumes
    FROM session_volume WHERE ground = 'ambiguous' GROUP BY session_id
)
SELECT s.session_id, s.host, s.image_path,
    CASE WHEN b.volume LIKE '\DEVICE\CDROM%' THEN replace(b.volume, '\DEVICE\CDROM', '\Device\CdRom')
        WHEN b.volume LIKE '\DEVICE\%' THEN replace(b.volume, '\DEVICE\HARDDISKVOLUME', '\Device\HarddiskVolume')
        ELSE b.volume END AS volume,
    i.volume_label, coalesce(s.volume_serial, i.volume_serial) AS volume_serial, s.disk_number AS device_number, s.opened_utc, s.closed_utc, s.close_basis,
    concat_ws('; ',
        CASE
            WHEN s.removal_only AND g.missing > 0 THEN 'VHDMP: removed; its opening is not in the log, of which ' || g.missing || ' records between '
                || strftime(g.from_utc, '%Y-%m-%d %H:%M:%S') || ' and ' || strftime(g.to_utc, '%Y-%m-%d %H:%M:%S') || ' are missing'
            WHEN s.removal_only AND ns_of(k.open_utc) = getvariable('read_from_ns')
                THEN 'VHDMP: removed; opened before ' || strftime(k.open_utc, '%Y-%m-%d %H:%M:%S') || ', where the reading begins as asked'
            WHEN s.removal_only THEN 'VHDMP: removed, opened before the log begins' || coalesce(CASE k.bound WHEN 'cleared' THEN ', which was cleared at ' WHEN 'in use' THEN '; in use by ' ELSE '; open by its first record at ' END
                || strftime(k.open_utc, '%Y-%m-%d %H:%M:%S') || CASE k.bound WHEN 'in use' THEN ' (300)' ELSE '' END, '')
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
            WHEN s.close_basis = 'crash' AND s.other_basis IS NOT NULL
                THEN 'end: no removal is known, the system failed before its next start (last record of its logs, or that start)'
            WHEN s.close_basis = 'crash' THEN 'end: last record before the system failed'
            WHEN s.close_basis = 'shutdown' AND s.may_have_survived THEN 'end: shutdown, but a fast startup followed: it may have stayed open'
            WHEN s.close_basis = 'shutdown' THEN 'end: shutdown'
            WHEN s.close_basis = 'destroyed' THEN 'end: disk object destroyed (16), no removal logged'
            WHEN s.close_basis = 'invalidated' THEN 'end: the surface became invalid (11: the file or its share was lost), no removal logged'
            WHEN s.close_basis = 'removed' AND s.other_basis IS NOT NULL THEN NULL
            WHEN s.close_basis = 'removed' THEN 'end: Partition/Diagnostic 1006'
            WHEN s.close_basis = 'open_ended' AND getvariable('read_to_ns') IS NOT NULL
                THEN 'no evidence of an end before ' || strftime(instant(getvariable('read_to_ns')), '%Y-%m-%d %H:%M:%S') || ', where the reading ends as asked'
            WHEN s.close_basis = 'open_ended' THEN 'no evidence of an end'
        END,
        CASE
            WHEN b.volume IS NOT NULL THEN 'volume ' || b.volume || ' inferred: ' || b.basis || coalesce('; also its volume ' || x.others, '')
            WHEN u.volumes IS NOT NULL THEN 'volume ambiguous: ' || u.volumes
        END
    ) AS basis,
    CASE
        WHEN s.removal_only THEN rule_value('c_session_removal_only')
        WHEN s.other_basis IS NOT NULL THEN coalesce(s.trace_confidence, rule_value('c_session_registry'))
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
LEFT JOIN opening_lost g USING (session_id)
LEFT JOIN open_before k USING (session_id)
LEFT JOIN (
    SELECT v.session_id, string_agg(upper(v.volume), ', ' ORDER BY v.volume) AS others
    FROM session_volume v
    JOIN best b ON b.session_id = v.session_id AND b.volume <> upper(v.volume) AND b.volume LIKE '_:'
    JOIN disk_volumes d ON d.session_id = v.session_id AND d.volumes > 1
    WHERE v.ground <> 'ambiguous' AND v.form = 'letter'
    GROUP BY v.session_id
) x USING (session_id)
LEFT JOIN identity i USING (session_id)
LEFT JOIN noise n USING (session_id);
