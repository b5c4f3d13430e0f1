-- delivery: the arrivals of 06_delivery with what other sources say of them (delivery_trace), and arrivals that only those tell.
-- A trace joins the arrival of its file (path; name, where the source has no path) whose creation lies within download_slack_s of
-- its interval, or before it where the trace only says that the file was there. Traces of one file that join nothing make one row per
-- interval, if one of them stands alone: finished downloads, transfers, journal, bin, detections.
-- mark_removed: the stream's deletion; or a mark that a source saw or a browser writes, and the file of that creation has none.
-- Misses: a name alone, where two files bear it.
-- Each trace at the arrival it fits best.
CREATE OR REPLACE TEMP TABLE joined_trace AS
SELECT t.number, d.delivery_id
FROM delivery_trace t
JOIN (SELECT *, stamp_ns(host, time_utc) AS mono_ns FROM delivery) d ON d.host = t.host
    AND (d.file_key = t.file_key OR (t.file_key IS NULL AND lower(file_name(d.file_key)) = t.image_name))
    AND CASE WHEN t.from_ns IS NOT NULL
            THEN d.mono_ns BETWEEN t.from_ns - rule_ns('download_slack_s') AND greatest(t.to_ns, t.from_ns) + rule_ns('download_slack_s')
        ELSE coalesce(d.mono_ns <= t.seen_ns + rule_ns('download_slack_s'), TRUE) END
QUALIFY row_number() OVER (PARTITION BY t.number ORDER BY abs(d.mono_ns - coalesce(t.from_ns, t.seen_ns)), d.is_marked DESC, d.delivery_id) = 1;

CREATE OR REPLACE TEMP TABLE new_arrival AS
WITH loose AS (
    SELECT t.*, coalesce(t.file_key, p.file_key, t.image_name) AS key, coalesce(CASE WHEN t.file_key IS NULL THEN p.image_path END, t.image_path) AS path
    FROM delivery_trace t
    ANTI JOIN joined_trace j USING (number)
    -- A name alone: the one path that another loose trace has for it.
    LEFT JOIN (
        SELECT host, image_name, min(file_key) AS file_key, min(image_path) AS image_path
        FROM delivery_trace ANTI JOIN joined_trace USING (number)
        WHERE file_key IS NOT NULL GROUP BY ALL HAVING count(DISTINCT file_key) = 1
    ) p ON p.host = t.host AND p.image_name = t.image_name
),
ordered AS (
    SELECT *, max(greatest(to_ns, from_ns)) OVER (PARTITION BY host, key ORDER BY from_ns, number ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before_ns
    FROM loose WHERE from_ns IS NOT NULL
),
island AS (
    SELECT *, sum(CASE WHEN from_ns - before_ns <= rule_ns('download_slack_s') THEN 0 ELSE 1 END) OVER (PARTITION BY host, key ORDER BY from_ns, number) AS island
    FROM ordered
),
-- What only says that the file was there belongs to the last arrival before it.
placed AS (
    SELECT number, host, key, island FROM island
    UNION ALL
    SELECT l.number, l.host, l.key, coalesce(i.island, 0)
    FROM (SELECT *, coalesce(seen_ns, never_ns()) AS until_ns FROM loose WHERE from_ns IS NULL) l
    ASOF LEFT JOIN (SELECT host, key, island, min(from_ns) AS from_ns FROM island GROUP BY ALL) i ON i.host = l.host AND i.key = l.key AND l.until_ns >= i.from_ns
),
grouped AS (
    SELECT p.host, p.key, p.island, min_by(l.path, l.number) AS image_path, min(l.from_utc) AS from_utc, min(l.from_ns) AS from_ns, max(l.to_ns) AS to_ns,
        max(l.confidence) FILTER (l.stands_alone) AS confidence, list(p.number) AS numbers, max(l.seen_ns) AS seen_ns
    FROM placed p
    JOIN loose l USING (number)
    GROUP BY ALL
    HAVING bool_or(l.stands_alone)
),
-- The file of the path, if it may be the one that came then.
lying AS (
    SELECT g.host, g.key, g.island, upper(m.volume) || n.path AS image_path, n.record, n.sequence, n.source_id AS mft_source, n.record_offset AS mft_offset, e.si_created_utc
    FROM grouped g
    JOIN mft_volume m ON m.host = g.host AND m.volume = left(g.key, 2)
    JOIN mft_name n ON n.source_id = m.source_id AND n.namespace <> 2 AND m.volume || lower(n.path) = g.key
    JOIN mft_entry e ON e.source_id = n.source_id AND e.record = n.record AND e.sequence = n.sequence
    WHERE NOT n.is_directory AND CASE WHEN g.from_ns IS NOT NULL
            THEN stamp_ns(g.host, e.si_created_utc) BETWEEN g.from_ns - rule_ns('download_slack_s') AND greatest(g.to_ns, g.from_ns) + rule_ns('download_slack_s')
        ELSE coalesce(stamp_ns(g.host, e.si_created_utc) <= g.seen_ns + rule_ns('download_slack_s'), TRUE) END
    QUALIFY row_number() OVER (PARTITION BY g.host, g.key, g.island ORDER BY n.in_use DESC, e.si_created_utc) = 1
)
SELECT short_hash(concat_ws('|', 'delivery', g.host, g.key, ns_of(coalesce(l.si_created_utc, g.from_utc)), 'traced')) AS delivery_id, g.host, g.key,
    coalesce(l.image_path, g.image_path) AS image_path, coalesce(l.si_created_utc, g.from_utc) AS time_utc, l.record, l.sequence, l.mft_source, l.mft_offset,
    g.confidence, g.numbers
FROM grouped g
LEFT JOIN lying l USING (host, key, island)
-- Another name of a file that is a row already under the name it bears now.
ANTI JOIN (
    SELECT t.number FROM delivery_trace t
    JOIN trace_record r ON r.source_id = t.source_id AND r.table_name = t.table_name AND r.record_offset = t.record_offset
    JOIN delivery d ON d.host = r.host AND d.record = r.record AND d.sequence = r.sequence AND left(d.file_key, 2) = r.volume
) k ON len(g.numbers) = 1 AND k.number = g.numbers[1];

INSERT INTO delivery BY NAME
SELECT delivery_id, host, image_path, key AS file_key, record, sequence, time_utc, NULL AS source, confidence, FALSE AS is_marked, mft_source, mft_offset,
    CASE
        WHEN regexp_matches(key, rule_pattern('place_mail')) THEN 'mail'
        WHEN regexp_matches(key, rule_pattern('place_chat')) THEN 'chat'
        WHEN regexp_matches(key, rule_pattern('place_archive')) THEN 'archive'
        ELSE 'unknown'
    END AS trace
FROM new_arrival;

INSERT INTO joined_trace
SELECT unnest(numbers) AS number, delivery_id FROM new_arrival;

-- Rows of evidence behind what is added.
CREATE OR REPLACE TEMP TABLE delivery_ref AS
SELECT DISTINCT j.delivery_id, t.source_id, t.table_name, t.record_offset, coalesce(t.what, 'the file') AS role
FROM joined_trace j
JOIN delivery_trace t USING (number);

CREATE OR REPLACE TEMP TABLE delivery_word AS
SELECT j.delivery_id, string_agg(DISTINCT t.source, ', ' ORDER BY t.source) AS source, string_agg(DISTINCT t.what, '; ' ORDER BY t.what) AS what,
    max(t.confidence) FILTER (t.stands_alone) AS confidence,
    arg_max(t.url, t.confidence) FILTER (t.url IS NOT NULL AND t.stands_alone AND t.trace = 'download') AS outside_url,
    arg_max(t.url, t.confidence) FILTER (t.url IS NOT NULL AND t.stands_alone) AS url,
    arg_max(t.referrer_url, t.confidence) FILTER (t.referrer_url IS NOT NULL AND t.stands_alone) AS referrer_url,
    bool_or(t.trace = 'download' AND t.stands_alone) AS is_download, bool_or(t.trace = 'detected') AS is_detected, bool_or(t.trace = 'unblocked') AS is_unblocked,
    bool_or(t.table_name = 'browser_download' AND t.trace = 'download' AND t.stands_alone) AS is_saved,
    string_agg(DISTINCT t.what, '; ' ORDER BY t.what) FILTER (t.trace = 'unblocked') AS removal
FROM joined_trace j
JOIN delivery_trace t USING (number)
GROUP BY j.delivery_id;

-- Arrivals whose file lies on the host in the same creation, without a mark.
CREATE OR REPLACE TEMP TABLE lacking_mark AS
SELECT DISTINCT d.delivery_id
FROM delivery d
JOIN mft_volume m ON m.host = d.host AND m.volume = left(d.file_key, 2)
JOIN mft_name n ON n.source_id = m.source_id AND n.namespace <> 2 AND n.in_use AND m.volume || lower(n.path) = d.file_key
JOIN mft_entry e ON e.source_id = n.source_id AND e.record = n.record AND e.sequence = n.sequence AND e.in_use
ANTI JOIN (SELECT source_id, record FROM zone_identifier WHERE coalesce(origin, '') <> 'slack') z ON z.source_id = n.source_id AND z.record = n.record
WHERE abs(ns_of(e.si_created_utc) - ns_of(d.time_utc)) <= rule_ns('delivery_same_s');

-- The archive an image came out of, by its own mark ($MFT, else Sysmon 15), else by the browser's record of its download.
CREATE OR REPLACE TEMP TABLE arrival_archive AS
WITH out_of AS (
    SELECT delivery_id, host, path_key(referrer_url) AS archive_key, stamp_ns(host, time_utc) AS mono_ns FROM delivery WHERE regexp_matches(referrer_url, '(?i)^[a-z]:\\')
),
told AS (
    SELECT d.delivery_id, z.host_url, z.zone_id, TRUE AS is_marked, 1 AS rank, z.source_id, 'zone_identifier' AS table_name, z.record_offset
    FROM out_of d
    JOIN mft_volume m ON m.host = d.host AND m.volume = left(d.archive_key, 2)
    JOIN zone_identifier z ON z.source_id = m.source_id AND m.volume || lower(z.path) = d.archive_key
    WHERE coalesce(z.origin, '') <> 'slack'
    UNION ALL
    SELECT d.delivery_id, filled(stream_value(e.contents, 'hosturl')), try_cast(nullif(regexp_extract(e.contents, '(?i)zoneid\s*=\s*([0-9]+)', 1), '') AS INTEGER), TRUE, 2,
        e.source_id, 'sysmon_stream_create', e.record_offset
    FROM out_of d
    JOIN sysmon_timed('sysmon_stream_create') e ON e.host = d.host AND path_key(without_stream(e.target_filename)) = d.archive_key
    WHERE e.target_filename ILIKE '%:zone.identifier%' AND coalesce(e.mono_ns <= d.mono_ns + rule_ns('download_slack_s'), TRUE)
    UNION ALL
    SELECT d.delivery_id, b.url, NULL, FALSE, 3, b.source_id, 'browser_download', b.row_id
    FROM out_of d
    JOIN browser_download b ON b.host = d.host AND path_key(b.target_path) = d.archive_key
    WHERE coalesce(stamp_ns(b.host, b.start_utc) <= d.mono_ns + rule_ns('download_slack_s'), TRUE)
)
SELECT * FROM told QUALIFY row_number() OVER (PARTITION BY delivery_id ORDER BY rank, source_id, record_offset DESC) = 1;

INSERT INTO delivery_ref
SELECT delivery_id, source_id, table_name, record_offset, CASE WHEN is_marked THEN 'mark of the archive' ELSE 'download of the archive' END FROM arrival_archive
UNION
SELECT d.delivery_id, t.source_id, t.table_name, t.record_offset, 'its temporary name: ' || t.how
FROM delivery d
JOIN temporary_file t ON t.host = d.host AND t.temporary_key = d.temporary_key
WHERE t.source_id IS NOT NULL;

CREATE OR REPLACE TEMP TABLE delivery AS
WITH kept AS (SELECT * FROM delivery)
SELECT d.* REPLACE (
        concat_ws(', ', d.source, w.source) AS source,
        coalesce(d.host_url, w.outside_url, w.url) AS host_url,
        coalesce(d.referrer_url, w.referrer_url) AS referrer_url,
        greatest(d.confidence, coalesce(w.confidence, 0)) AS confidence,
        CASE
            WHEN d.trace NOT IN ('unknown', 'copied') THEN d.trace
            WHEN NOT d.is_marked AND w.is_download THEN 'download'
            WHEN w.is_detected THEN 'detected'
            WHEN w.is_unblocked THEN 'unblocked'
            ELSE d.trace
        END AS trace
    ),
    d.source AS made_source, w.what,
    concat_ws('; ', w.removal,
        CASE
            WHEN d.is_slack THEN 'the mark lies in the record''s slack: removed from this file, or left by an earlier one'
            WHEN l.delivery_id IS NULL THEN NULL
            WHEN d.is_marked THEN 'Sysmon 15 saw the mark, the file of that creation has none now'
            WHEN w.is_saved THEN 'the file has no mark, which a browser that saves from outside writes where nothing forbids it'
        END,
        CASE WHEN l.delivery_id IS NOT NULL AND j.stream_cut_utc IS NOT NULL
            THEN 'the journal has a change of its streams at ' || strftime(j.stream_cut_utc, '%Y-%m-%d %H:%M:%S') || ' in which none was written' END
    ) AS removal,
    coalesce(w.is_unblocked, FALSE) OR (l.delivery_id IS NOT NULL AND (d.is_marked OR j.stream_cut_utc IS NOT NULL)) AS is_mark_removed,
    a.host_url AS archive_url, coalesce(a.is_marked, FALSE) AS archive_marked, a.zone_id AS archive_zone
FROM kept d
LEFT JOIN delivery_word w USING (delivery_id)
LEFT JOIN lacking_mark l USING (delivery_id)
LEFT JOIN arrival_archive a USING (delivery_id)
LEFT JOIN (SELECT host, volume, record, sequence, max(stream_cut_utc) AS stream_cut_utc FROM journal_file GROUP BY ALL) j
    ON j.host = d.host AND j.volume = left(d.file_key, 2) AND j.record = d.record AND j.sequence = d.sequence;
