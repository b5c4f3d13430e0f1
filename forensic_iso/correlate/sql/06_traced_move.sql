-- file_place, moved (temporary), image_delivery: images that were moved are one, whatever their path then was.
-- One file: record and sequence of the $MFT, whose names the journal and the $MFT tell in turn (file_place); a file that Sysmon saw
-- elsewhere with the creation and source of a mark in the $MFT; a download that the browser recorded, where the mark of that address,
-- created during it, is on a file of that name elsewhere; a renaming that Defender logged; equal bytes of an arrival whose path is seen
-- to be gone ($MFT, journal, Sysmon 23, 26) and of a mounted image that has no mark of its own: bytes alone tell a copy. The image bears the path it was mounted under, else the one where it lies.
-- image_delivery: all arrivals, under that path; the path of then stands in the basis.
-- Misses: moves to another volume without hashes; files moved while no journal or $MFT is at hand.
CREATE OR REPLACE TEMP TABLE file_place AS
WITH named AS (
    SELECT host, volume, record, sequence, path_key(path) AS file_key, min(path) AS path, min(time_utc) AS from_utc, arg_min(source_id, time_utc) AS source_id,
        'usn_record' AS table_name, arg_min(record_offset, time_utc) AS record_offset
    FROM journal_name
    -- 0x200: deleted. In the Recycle Bin the path before counts.
    WHERE NOT is_shortcut AND path IS NOT NULL AND record IS NOT NULL AND (reason_flags & 512) = 0 AND path NOT ILIKE '_:\$Recycle.Bin\%'
    GROUP BY ALL
),
lying AS (
    SELECT m.host, m.volume, n.record, n.sequence, m.volume || lower(n.path) AS file_key, upper(m.volume) || n.path AS path, n.source_id, n.record_offset
    FROM mft_name n
    JOIN mft_volume m USING (source_id)
    JOIN (SELECT DISTINCT host, volume, record, sequence FROM named) k ON k.host = m.host AND k.volume = m.volume AND k.record = n.record AND k.sequence = n.sequence
    WHERE n.namespace <> 2 AND n.path IS NOT NULL AND NOT n.is_directory AND n.path NOT ILIKE '\$Recycle.Bin\%'
),
turn AS (
    SELECT *, row_number() OVER chain = 1 AS is_first, lead(from_utc) OVER chain AS to_utc FROM named
    WINDOW chain AS (PARTITION BY host, volume, record, sequence ORDER BY from_utc, file_key)
),
every AS (
    SELECT * EXCLUDE (is_first, to_utc, from_utc), CASE WHEN is_first THEN 0 ELSE stamp_ns(host, from_utc) END AS from_ns,
        coalesce(stamp_ns(host, to_utc), never_ns()) AS to_ns
    FROM turn
    UNION ALL BY NAME
    -- Where it lies, after the last name of the journal.
    SELECT l.*, 'mft_name' AS table_name, stamp_ns(l.host, n.last_utc) AS from_ns, never_ns() AS to_ns
    FROM lying l
    ANTI JOIN named k ON k.host = l.host AND k.volume = l.volume AND k.record = l.record AND k.sequence = l.sequence AND k.file_key = l.file_key
    JOIN (SELECT host, volume, record, sequence, max(from_utc) AS last_utc FROM named GROUP BY ALL) n USING (host, volume, record, sequence)
)
SELECT *, concat_ws('|', host, volume, record, sequence) AS file
FROM every
QUALIFY count(DISTINCT file_key) OVER (PARTITION BY host, volume, record, sequence) > 1;

-- Arrivals and mounts of one file of the journal.
CREATE OR REPLACE TEMP TABLE file_member AS
WITH placed AS (
    SELECT 'delivery' AS kind, d.delivery_id AS id, d.host, p.file, d.file_key, d.image_path, stamp_ns(d.host, d.time_utc) AS at_ns
    FROM delivery d
    JOIN file_place p ON p.host = d.host AND p.file_key = d.file_key
        AND ((d.record = p.record AND d.sequence = p.sequence) OR (d.record IS NULL AND stamp_ns(d.host, d.time_utc) < p.to_ns + rule_ns('same_act_s')
            AND (p.from_ns = 0 OR stamp_ns(d.host, d.time_utc) >= p.from_ns - rule_ns('same_act_s'))))
    UNION ALL
    SELECT 'session', s.session_id, s.host, p.file, s.file_key, s.image_path, coalesce(s.open_ns, s.end_ns)
    FROM session s
    JOIN file_place p ON p.host = s.host AND p.file_key = s.file_key
        AND coalesce(s.open_ns, s.end_ns) >= p.from_ns - CASE WHEN p.from_ns = 0 THEN 0 ELSE rule_ns('same_act_s') END AND coalesce(s.open_ns, s.end_ns) < p.to_ns
)
SELECT * FROM placed
-- The path of two files at that time: neither.
QUALIFY min(file) OVER (PARTITION BY kind, id) = max(file) OVER (PARTITION BY kind, id);

-- Bytes by path: collected files, Sysmon 15 of the file itself, Defender's file events, the browser's record.
CREATE OR REPLACE TEMP TABLE image_digest AS
SELECT host, path_key(windows_path) AS file_key, upper(sha256) AS digest, NULL AS source_id, NULL AS table_name, NULL::BIGINT AS record_offset FROM source
WHERE sha256 IS NOT NULL AND is_image_name(windows_path) AND bytes > 0
UNION ALL
SELECT host, path_key(target_filename), unnest(regexp_extract_all(upper(hash), '(?:SHA256|SHA1|MD5)=([0-9A-F]{32,64})', 1)), source_id, 'sysmon_stream_create', record_offset
FROM sysmon_stream_create WHERE damaged IS NOT TRUE AND hash IS NOT NULL AND is_image_name(target_filename)
UNION ALL
SELECT host, path_key(folder_path), unnest([upper(filled(sha256)), upper(filled(sha1)), upper(filled(md5))]), source_id, 'mde_device_file_events', row_address
FROM mde_device_file_events WHERE is_image_name(folder_path) AND coalesce(file_size, 1) > 0
UNION ALL
SELECT host, path_key(target_path), upper(sha256), source_id, 'browser_download', row_id
FROM browser_download WHERE sha256 IS NOT NULL AND is_image_name(target_path) AND state = 'complete';

-- Paths of arrivals at which no file is any more.
CREATE OR REPLACE TEMP TABLE left_path AS
SELECT DISTINCT d.host, d.file_key
FROM delivery d
JOIN mft_volume m ON m.host = d.host AND m.volume = left(d.file_key, 2)
ANTI JOIN (SELECT v.host, v.volume || lower(n.path) AS file_key FROM mft_name n JOIN mft_volume v USING (source_id) WHERE n.in_use AND is_image_name(n.name)) n
    ON n.host = d.host AND n.file_key = d.file_key
-- A volume of which the marks alone were read tells no absence.
WHERE m.source_id IN (SELECT source_id FROM mft_name)
    AND NOT EXISTS (SELECT 1 FROM zone_identifier z WHERE z.source_id = m.source_id AND z.in_use AND m.volume || lower(z.path) = d.file_key)
UNION
SELECT f.host, path_key(f.target_filename) FROM sysmon_file_delete f
JOIN delivery d ON d.host = f.host AND d.file_key = path_key(f.target_filename)
WHERE f.damaged IS NOT TRUE AND coalesce(f.utc_time, f.time_utc) >= d.time_utc
UNION
SELECT j.host, path_key(j.path) FROM journal_name j
JOIN delivery d ON d.host = j.host AND d.file_key = path_key(j.path)
-- 0x200: deleted, 0x1000: the name it gives up.
WHERE (j.reason_flags & 4608) <> 0 AND j.time_utc >= d.time_utc;

CREATE OR REPLACE TEMP TABLE moved AS
WITH mounted AS (
    SELECT host, file_key, min(image_path) AS image_path, min(open_ns) AS open_ns, min(coalesce(open_ns, end_ns)) AS at_ns FROM session GROUP BY ALL
),
-- Of one file: the path it was mounted under first, else the last one.
whole AS (
    SELECT file, coalesce(arg_min(file_key, at_ns) FILTER (kind = 'session'), arg_max(file_key, to_ns)) AS to_key,
        coalesce(arg_min(image_path, at_ns) FILTER (kind = 'session'), arg_max(image_path, to_ns)) AS to_path
    FROM (
        SELECT file, kind, file_key, image_path, at_ns, 0 AS to_ns FROM file_member
        UNION ALL
        SELECT file, 'place', file_key, path, NULL, from_ns FROM file_place WHERE file IN (SELECT file FROM file_member)
    )
    GROUP BY file
),
by_file AS (
    SELECT m.kind, m.id, m.host, w.to_key, w.to_path, 1 AS rank, 'one file of the $MFT, renamed as the journal has it' AS how
    FROM file_member m
    JOIN whole w USING (file)
    WHERE w.to_key <> m.file_key
),
same_creation AS (
    SELECT a.delivery_id AS old_id, b.delivery_id AS new_id, a.host, a.file_key AS old_key, b.file_key AS new_key, a.image_path AS old_path, b.image_path AS new_path,
        'creation and source of the mark are those of the file there' AS how
    FROM delivery a
    JOIN delivery b ON b.host = a.host AND b.file_key <> a.file_key AND b.is_marked AND b.mft_source IS NOT NULL
        AND a.host_url IS NOT DISTINCT FROM b.host_url
        AND abs(ns_of(a.time_utc) - ns_of(b.time_utc)) <= rule_ns('moved_file_s')
    WHERE a.mft_source IS NULL AND a.is_marked
    UNION ALL
    -- The browser keeps where it saved the file; the mark it wrote went with the file.
    SELECT a.delivery_id, b.delivery_id, a.host, a.file_key, b.file_key, a.image_path, b.image_path, 'a file of that name bears the mark of that download'
    FROM delivery a
    JOIN joined_trace j ON j.delivery_id = a.delivery_id
    JOIN delivery_trace t ON t.number = j.number AND t.table_name = 'browser_download' AND t.stands_alone AND t.url IS NOT NULL
    JOIN delivery b ON b.host = a.host AND b.file_key <> a.file_key AND b.is_marked AND b.mft_source IS NOT NULL AND b.host_url = t.url
        AND file_name(b.file_key) = file_name(a.file_key)
        AND stamp_ns(b.host, b.time_utc) BETWEEN t.from_ns - rule_ns('download_slack_s') AND greatest(t.to_ns, t.from_ns) + rule_ns('download_slack_s')
    WHERE NOT a.is_marked AND a.mft_source IS NULL
),
by_creation AS (
    SELECT unnest(['delivery', 'delivery']) AS kind, unnest([p.old_id, p.new_id]) AS id, p.host,
        unnest([CASE WHEN o.file_key IS NOT NULL AND n.file_key IS NULL THEN p.old_key ELSE p.new_key END,
            CASE WHEN o.file_key IS NOT NULL AND n.file_key IS NULL THEN p.old_key ELSE p.new_key END]) AS to_key,
        CASE WHEN o.file_key IS NOT NULL AND n.file_key IS NULL THEN coalesce(o.image_path, p.old_path) ELSE coalesce(n.image_path, p.new_path) END AS to_path, 2 AS rank, p.how
    FROM same_creation p
    LEFT JOIN mounted o ON o.host = p.host AND o.file_key = p.old_key
    LEFT JOIN mounted n ON n.host = p.host AND n.file_key = p.new_key
),
-- Defender gives the folder before the renaming with or without the name.
renamed AS (
    SELECT host, path_key(CASE WHEN ends_with(lower(previous_folder_path), '\' || lower(previous_file_name)) THEN previous_folder_path
            ELSE rtrim(previous_folder_path, '\') || '\' || previous_file_name END) AS old_key,
        path_key(folder_path) AS new_key, canonical(folder_path) AS new_path, stamp_ns(host, timestamp_utc) AS at_ns
    FROM mde_device_file_events
    WHERE action_type = 'FileRenamed' AND host IS NOT NULL AND filled(previous_folder_path) IS NOT NULL AND filled(previous_file_name) IS NOT NULL AND is_image_name(folder_path)
),
by_renaming AS (
    SELECT 'delivery' AS kind, d.delivery_id AS id, d.host, r.new_key AS to_key, coalesce(n.image_path, r.new_path) AS to_path, 3 AS rank, 'Defender logged its renaming' AS how
    FROM renamed r
    JOIN delivery d ON d.host = r.host AND d.file_key = r.old_key AND stamp_ns(d.host, d.time_utc) <= r.at_ns + rule_ns('same_act_s')
    LEFT JOIN mounted o ON o.host = r.host AND o.file_key = r.old_key
    LEFT JOIN mounted n ON n.host = r.host AND n.file_key = r.new_key
    WHERE o.file_key IS NULL AND r.old_key <> r.new_key
),
by_bytes AS (
    SELECT 'delivery' AS kind, d.delivery_id AS id, d.host, n.file_key AS to_key, n.image_path AS to_path, 4 AS rank, 'gone from there, and the bytes are those of the image that was mounted there' AS how
    FROM delivery d
    JOIN (SELECT DISTINCT host, file_key, digest FROM image_digest) a ON a.host = d.host AND a.file_key = d.file_key
    JOIN (SELECT DISTINCT host, file_key, digest FROM image_digest) b ON b.host = a.host AND b.digest = a.digest AND b.file_key <> a.file_key
    JOIN mounted n ON n.host = b.host AND n.file_key = b.file_key
    ANTI JOIN mounted o ON o.host = d.host AND o.file_key = d.file_key
    SEMI JOIN left_path l ON l.host = d.host AND l.file_key = d.file_key
    ANTI JOIN (SELECT host, file_key FROM delivery WHERE is_marked) k ON k.host = n.host AND k.file_key = n.file_key
    WHERE coalesce(stamp_ns(d.host, d.time_utc) <= n.at_ns, TRUE)
        -- The digest of nothing.
        AND a.digest NOT IN ('E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855', 'DA39A3EE5E6B4B0D3255BFEF95601890AFD80709', 'D41D8CD98F00B204E9800998ECF8427E')
    QUALIFY n.at_ns = min(n.at_ns) OVER (PARTITION BY d.delivery_id)
),
every AS (
    SELECT * FROM by_file
    UNION ALL BY NAME SELECT * FROM by_creation
    UNION ALL BY NAME SELECT * FROM by_renaming
    UNION ALL BY NAME SELECT * FROM by_bytes
)
SELECT * FROM every
QUALIFY row_number() OVER (PARTITION BY kind, id ORDER BY rank, to_key, how) = 1;

INSERT INTO delivery_ref
SELECT m.id, p.source_id, p.table_name, p.record_offset, 'path of the file: ' || p.path
FROM moved m
JOIN file_member f ON f.kind = m.kind AND f.id = m.id
JOIN file_place p USING (file)
WHERE m.kind = 'delivery' AND m.rank = 1
UNION
SELECT m.id, b.mft_source, 'zone_identifier', b.mft_offset, 'the file as it lies now'
FROM moved m
JOIN delivery b ON b.host = m.host AND b.file_key = m.to_key AND b.is_marked AND b.mft_source IS NOT NULL
WHERE m.kind = 'delivery' AND m.rank = 2
UNION
SELECT m.id, r.source_id, 'mde_device_file_events', r.row_address, 'renamed'
FROM moved m
JOIN mde_device_file_events r ON r.host = m.host AND r.action_type = 'FileRenamed' AND path_key(r.folder_path) = m.to_key
WHERE m.kind = 'delivery' AND m.rank = 3
UNION
SELECT m.id, g.source_id, g.table_name, g.record_offset, 'bytes of the image'
FROM moved m
JOIN delivery d ON d.delivery_id = m.id
JOIN image_digest a ON a.host = d.host AND a.file_key = d.file_key
JOIN image_digest g ON g.host = a.host AND g.digest = a.digest AND g.file_key IN (d.file_key, m.to_key)
WHERE m.kind = 'delivery' AND m.rank = 4 AND g.source_id IS NOT NULL;

CREATE OR REPLACE TEMP TABLE delivery AS
WITH kept AS (SELECT * FROM delivery)
SELECT d.* REPLACE (coalesce(m.to_key, d.file_key) AS file_key, coalesce(m.to_path, d.image_path) AS image_path),
    CASE WHEN m.to_key <> d.file_key THEN 'arrived as ' || d.image_path || ': ' || m.how END AS moved_remark
FROM kept d
LEFT JOIN moved m ON m.kind = 'delivery' AND m.id = d.delivery_id;

INSERT INTO image_delivery BY NAME
SELECT delivery_id, host, image_path, time_utc, zone_id, host_url, referrer_url, source, trace, writer_path,
    CASE WHEN is_marked THEN marked_utc END AS marked_utc,
    concat_ws('; ',
        CASE
            WHEN is_marked AND zone_id IS NULL THEN 'marked, zone unknown (' || source || ')'
            WHEN is_marked AND ns_of(marked_utc) - ns_of(time_utc) > rule_ns('mark_delay_s')
                THEN 'marked zone ' || zone_id || ' (' || source || '), long after the file was created'
            WHEN is_marked THEN 'marked zone ' || zone_id || ' (' || source || ')'
            WHEN time_utc IS NULL THEN 'no mark known; when it came is not known (' || source || ')'
            WHEN mft_source IS NOT NULL THEN 'no mark; created as the ' || coalesce(made_source, '$MFT') || ' says'
            WHEN event_source IS NOT NULL THEN 'no mark known; created as ' || coalesce(made_source, source) || ' says'
            ELSE 'no mark known; no file of it is at hand (' || source || ')'
        END,
        what,
        temporary_remark,
        moved_remark,
        CASE WHEN archive_marked THEN 'its archive is marked zone ' || coalesce(archive_zone::VARCHAR, 'unknown') || coalesce(' from ' || archive_url, '')
            WHEN archive_url IS NOT NULL THEN 'its archive was downloaded from ' || archive_url || ' (browser download)' END
    ) AS basis,
    nullif(removal, '') AS mark_removed,
    confidence
FROM delivery;
