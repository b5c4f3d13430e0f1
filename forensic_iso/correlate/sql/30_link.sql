-- subject, link, carrier, finding_run, finding_act (temporary): which rows belong to one image on one host, and how far it came.
-- Same image: one path, or one file under several (moved, 06_traced_move).
-- link: one row per finding with its verdict and the best confidence of each link. An act told without the one who did it
-- (confidence below c_executed_min) makes no image active.
-- carrier: the mounted image on whose volume another one lies.
-- No finding: unmarked, untraced and unmounted images; images only touched.
-- Misses: copies of an image under other names (each mounted copy is a finding of its own).
CREATE OR REPLACE TEMP TABLE subject AS
WITH delivered AS (
    SELECT host, file_key AS image_key, image_path, delivery_id, NULL AS session_id FROM delivery
),
mounted AS (
    SELECT s.host, coalesce(m.to_key, s.file_key) AS image_key, s.image_path, NULL AS delivery_id, s.session_id
    FROM session s
    LEFT JOIN moved m ON m.kind = 'session' AND m.id = s.session_id
),
-- Executions that later steps tie to an image without a session (hashes, prefetch).
tied AS (
    SELECT DISTINCT e.host, path_key(e.image_path) AS image_key, e.image_path, NULL AS delivery_id, NULL AS session_id
    FROM execution e
    WHERE e.session_id IS NULL
)
SELECT short_hash(concat_ws('|', 'finding', host, image_key)) AS finding_id, *
FROM (SELECT * FROM mounted UNION ALL SELECT * FROM delivered UNION ALL SELECT * FROM tied);

CREATE OR REPLACE TEMP TABLE link AS
WITH arrival AS (
    SELECT s.finding_id, count(*) FILTER (d.is_marked AND coalesce(d.zone_id, 3) >= 3) AS marks, max(d.zone_id) FILTER (d.is_marked) AS zone_id,
        count(*) FILTER (d.trace IN ('mail', 'chat', 'archive', 'download', 'detected', 'unblocked') OR (d.is_marked AND coalesce(d.zone_id, 3) >= 3)) AS traces,
        max(d.confidence) FILTER (d.trace IN ('mail', 'chat', 'archive', 'download', 'detected', 'unblocked') OR d.is_marked) AS confidence,
        bool_or(d.trace = 'mail') AS by_mail, bool_or(d.trace = 'chat') AS by_chat, bool_or(d.trace = 'archive') AS by_archive,
        bool_or(d.trace IN ('web', 'download') AND d.host_url IS NOT NULL) AS by_web,
        list(lower(regexp_extract(coalesce(d.host_url, d.archive_url), '(?i)^[a-z]+://([^/:?#]+)', 1))) FILTER (coalesce(d.host_url, d.archive_url) IS NOT NULL) AS hosts,
        min(d.time_utc) AS first_utc, max(d.time_utc) AS last_utc, min(d.image_path) AS image_path,
        string_agg(DISTINCT d.source, ', ' ORDER BY d.source) AS sources
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
        -- Of equally sure ones the earliest.
        arg_min(basis, (-confidence, time_utc, execution_id)) AS basis, arg_min(coalesce(process_key, ''), (-confidence, time_utc, execution_id)) AS process_key
    FROM owned_run GROUP BY finding_id
),
acting AS (
    SELECT r.finding_id, count(*) FILTER (f.kind <> 'child_process' AND f.confidence >= rule_value('c_executed_min')) AS acts,
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
    coalesce(a.marks, 0) > 0 AS is_marked, a.zone_id, coalesce(a.traces, 0) > 0 AS is_traced,
    a.by_mail, a.by_chat, a.by_archive, a.by_web, a.hosts, a.sources AS delivery_sources, a.confidence AS delivery_confidence,
    m.confidence AS mount_confidence, m.is_opened, m.is_noise, m.noise_reason, m.by_user, m.volume, m.volume_basis, m.volume_confidence, m.lacks_volume,
    m.first_open_ns, m.finding_id IS NOT NULL AS is_mounted, r.confidence AS run_confidence, r.basis AS run_basis, nullif(r.process_key, '') AS run_key, f.confidence AS act_confidence,
    least(a.first_utc, m.first_utc, r.first_utc) AS first_utc, greatest(a.last_utc, m.last_utc, r.last_utc, f.last_utc) AS last_utc
FROM (SELECT finding_id, host, image_key, min(image_path) AS image_path FROM subject GROUP BY ALL) s
LEFT JOIN arrival a USING (finding_id)
LEFT JOIN mounting m USING (finding_id)
LEFT JOIN running r USING (finding_id)
LEFT JOIN acting f USING (finding_id)
WHERE coalesce(a.traces, 0) > 0 OR m.finding_id IS NOT NULL OR r.finding_id IS NOT NULL;

-- Images that lie on the volume of another image which was open then: that one brought them.
CREATE OR REPLACE TEMP TABLE carrier AS
SELECT i.finding_id, min(l.image_path) AS carrier_path, bool_or(l.is_marked) AS is_carrier_marked
FROM subject i
JOIN session s ON s.session_id = i.session_id
JOIN session_volume v ON v.host = s.host AND v.volume = left(s.file_key, 2) AND v.ground <> 'ambiguous' AND v.session_id <> s.session_id
    AND s.open_ns BETWEEN v.open_ns AND v.end_ns
JOIN subject o ON o.session_id = v.session_id
JOIN link l ON l.finding_id = o.finding_id
WHERE o.finding_id <> i.finding_id
GROUP BY i.finding_id;

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
SELECT r.finding_id, f.*, t.fact, t.told_by, t.table_name
FROM follow_on f
JOIN (SELECT follow_on_id, fact, told_by, table_name FROM follow_row) t USING (follow_on_id)
JOIN (SELECT DISTINCT finding_id, execution_id FROM finding_run) r USING (execution_id);
