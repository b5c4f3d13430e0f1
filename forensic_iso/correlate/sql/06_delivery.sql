-- delivery (temporary): arrivals of images by their mark. time_utc is the creation of the file; the mark follows within a second.
-- Marked: Zone.Identifier in the $MFT, and Sysmon 15 of that stream (its text, else its hash); one row where both speak
-- of one path and creation. A moved file keeps stream and creation: Sysmon's older path is a row of its own. A file in the
-- Recycle Bin has the path it had. Text in a record's slack counts where the record has no mark, with less confidence.
-- Unmarked: images that were mounted, or lie where mail, chat and archive programs put them ($MFT, Sysmon 11), or that a browser,
-- a mail, chat or archive program wrote (Sysmon 11).
-- An image is what VHDMP opened, whatever its extension, else what is named so; or a file under the temporary name of a download
-- that is known to have become one (temporary_file).
-- Misses: what 06_traced_delivery adds from browsers, BITS, journal, Recycle Bin and Defender.
CREATE OR REPLACE TEMP MACRO is_image_name(path) AS list_contains(rule_words('image_extension'), extension_of(path));

-- Files of the Recycle Bin: $R in the folder of the account, with the path before.
CREATE OR REPLACE TEMP TABLE binned AS
SELECT DISTINCT host, lower(sid) AS sid, lower(content_name) AS content_name, canonical(original_path) AS path
FROM recycle_bin_item
WHERE original_path IS NOT NULL AND content_name IS NOT NULL AND sid IS NOT NULL
QUALIFY count(DISTINCT path_key(original_path)) OVER (PARTITION BY host, lower(sid), lower(content_name)) = 1;

-- Downloads under the temporary name of their program, with the image that each became and what says so: the journal renames the file,
-- the browser's record names both, the bytes are equal, the $MFT has an image of that creation in the folder, or the name is the image's
-- but for the suffix (Firefox and Internet Explorer put random letters beside it: then the image must be known).
CREATE OR REPLACE TEMP MACRO is_temporary_name(path) AS regexp_matches(path, '(?i)\.(crdownload|opdownload|download|part|partial|tmp)$');
CREATE OR REPLACE TEMP MACRO without_stream(path) AS regexp_replace(path, '(?i):zone\.identifier(:\$data)?$', '');

CREATE OR REPLACE TEMP TABLE temporary_file AS
WITH seen AS (
    SELECT host, path_key(file) AS temporary_key, min(canonical(file)) AS path, min(created_utc) AS created_utc,
        regexp_replace(path_key(file), '[^\\]*$', '') AS folder
    FROM (
        SELECT host, without_stream(target_filename) AS file, creation_utc_time AS created_utc FROM sysmon_stream_create WHERE damaged IS NOT TRUE
        UNION ALL
        SELECT host, target_filename, creation_utc_time FROM sysmon_file_create WHERE damaged IS NOT TRUE
    )
    WHERE host IS NOT NULL AND is_temporary_name(file)
    GROUP BY ALL
),
digest AS (
    SELECT DISTINCT host, path_key(target_filename) AS file_key, canonical(target_filename) AS path, source_id, record_offset,
        unnest(regexp_extract_all(upper(hash), '(?:SHA256|SHA1|MD5)=([0-9A-F]{32,64})', 1)) AS digest
    FROM sysmon_stream_create WHERE damaged IS NOT TRUE AND host IS NOT NULL AND target_filename NOT ILIKE '%:zone.identifier%' AND hash IS NOT NULL
),
lying AS (
    SELECT m.host, m.volume || lower(n.path) AS file_key, upper(m.volume) || n.path AS path, e.si_created_utc, n.source_id, n.record_offset
    FROM mft_name n
    JOIN mft_volume m USING (source_id)
    JOIN mft_entry e ON e.source_id = n.source_id AND e.record = n.record AND e.sequence = n.sequence
    WHERE n.namespace <> 2 AND NOT n.is_directory AND n.path IS NOT NULL AND is_image_name(n.name) AND m.host IN (SELECT host FROM seen)
),
-- Names that hold no image's extension are told apart before all else.
stripped AS MATERIALIZED (
    SELECT host, temporary_key, path, regexp_replace(path, '\.[^.\\]+$', '') AS bare FROM seen
    WHERE regexp_matches(path, '(?i)\.(' || array_to_string(rule_words('image_extension'), '|') || ')\.[^\\]*$')
),
spelled AS (
    SELECT host, temporary_key, path, bare AS image_path, FALSE AS is_loose FROM stripped
    UNION ALL
    SELECT host, temporary_key, path, regexp_replace(bare, '\.[A-Za-z0-9]{5,12}$', ''), TRUE FROM stripped WHERE path ILIKE '%.partial'
    UNION ALL
    SELECT host, temporary_key, path, regexp_replace(bare, '\.[A-Za-z0-9_-]{6,10}(\.[A-Za-z0-9]+)$', '\1'), TRUE FROM stripped WHERE path ILIKE '%.part'
),
known AS (
    SELECT host, image_key AS file_key FROM image_path
    UNION SELECT host, file_key FROM lying
    UNION SELECT host, path_key(path) FROM journal_name WHERE NOT is_shortcut AND path IS NOT NULL
    UNION SELECT host, path_key(target_filename) FROM sysmon_file_create WHERE is_image_name(target_filename)
    UNION SELECT host, path_key(target_path) FROM browser_download WHERE is_image_name(target_path)
),
ground AS (
    SELECT s.host, s.temporary_key, regexp_replace(s.path, '[^\\]*$', '') || j.name AS image_path, 1 AS rank,
        'the journal has file ' || j.record || ' renamed to the image' AS how, j.source_id, 'usn_record' AS table_name, j.record_offset
    FROM usn_record u
    JOIN seen s ON s.host = u.host AND regexp_extract(s.temporary_key, '[^\\]+$') = lower(u.name)
    JOIN journal_name j ON j.host = u.host AND j.source_id = u.source_id AND j.record = u.record AND j.sequence = u.sequence AND NOT j.is_shortcut
        AND j.time_utc >= u.time_utc AND (j.path IS NULL OR starts_with(path_key(j.path), s.folder))
    WHERE is_temporary_name(u.name)
    UNION ALL
    SELECT s.host, s.temporary_key, canonical(b.target_path), 2, 'the browser''s record names both', b.source_id, 'browser_download', b.row_id
    FROM browser_download b
    JOIN seen s ON s.host = b.host AND s.temporary_key = path_key(b.current_path)
    WHERE is_image_name(b.target_path)
    UNION ALL
    SELECT s.host, s.temporary_key, i.path, CASE WHEN starts_with(i.file_key, s.folder) THEN 3 ELSE 4 END, 'its bytes are the image''s', i.source_id, 'sysmon_stream_create', i.record_offset
    FROM seen s
    JOIN digest d ON d.host = s.host AND d.file_key = s.temporary_key
    JOIN digest i ON i.host = d.host AND i.digest = d.digest AND i.file_key <> d.file_key AND is_image_name(i.path)
    UNION ALL
    SELECT s.host, s.temporary_key, c.windows_path, CASE WHEN starts_with(path_key(c.windows_path), s.folder) THEN 3 ELSE 4 END, 'its bytes are the image''s', NULL, NULL, NULL
    FROM seen s
    JOIN digest d ON d.host = s.host AND d.file_key = s.temporary_key
    JOIN source c ON c.host = d.host AND upper(c.sha256) = d.digest AND is_image_name(c.windows_path)
    UNION ALL
    SELECT s.host, s.temporary_key, l.path, 5, 'the $MFT has the image in that folder with its creation', l.source_id, 'mft_name', l.record_offset
    FROM seen s
    JOIN lying l ON l.host = s.host AND regexp_replace(l.file_key, '[^\\]*$', '') = s.folder
        AND abs(ns_of(l.si_created_utc) - ns_of(s.created_utc)) <= rule_ns('moved_file_s')
    UNION ALL
    SELECT p.host, p.temporary_key, p.image_path, CASE WHEN k.file_key IS NOT NULL THEN 6 ELSE 7 END,
        'same folder, and the name but for what a download adds' || CASE WHEN k.file_key IS NULL THEN '; the image itself is not seen' ELSE '' END, NULL, NULL, NULL
    FROM spelled p
    LEFT JOIN known k ON k.host = p.host AND k.file_key = path_key(p.image_path)
    WHERE is_image_name(p.image_path) AND (k.file_key IS NOT NULL OR NOT p.is_loose)
)
SELECT host, temporary_key, image_path, path_key(image_path) AS file_key, rank < 7 AS is_known, how, source_id, table_name, record_offset
FROM ground
-- Two images on the same ground: neither.
QUALIFY rank = min(rank) OVER (PARTITION BY host, temporary_key)
    AND min(path_key(image_path)) OVER (PARTITION BY host, temporary_key, rank) = max(path_key(image_path)) OVER (PARTITION BY host, temporary_key, rank)
    AND row_number() OVER (PARTITION BY host, temporary_key, rank ORDER BY source_id, record_offset) = 1;

CREATE OR REPLACE TEMP TABLE marked_file AS
WITH lying AS (
    SELECT z.*, coalesce(b.path, upper(m.volume) || z.path) AS image_path, coalesce(path_key(b.path), m.volume || lower(z.path)) AS file_key
    FROM zone_identifier z
    JOIN mft_volume m USING (source_id)
    LEFT JOIN binned b ON b.host = z.host AND z.path ILIKE '\$Recycle.Bin\%' AND b.content_name = lower(file_name(z.path))
        AND b.sid = lower(regexp_extract(z.path, '(?i)^\\\$Recycle\.Bin\\([^\\]+)\\', 1))
    WHERE z.path IS NOT NULL
)
SELECT z.host, z.image_path, z.file_key, z.record, z.sequence,
    z.si_created_utc AS time_utc, z.si_mft_changed_utc AS changed_utc, z.zone_id, filled(z.host_url) AS host_url,
    filled(z.referrer_url) AS referrer_url, z.in_use, coalesce(z.origin = 'slack', FALSE) AS is_slack, z.source_id, z.record_offset
FROM lying z
LEFT JOIN (SELECT DISTINCT host, file_key FROM image_name) n ON n.host = z.host AND n.file_key = z.file_key
WHERE is_image_name(z.image_path) OR n.file_key IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY z.host, z.source_id, z.record, z.sequence, z.file_key ORDER BY coalesce(z.origin = 'slack', FALSE), z.record_offset) = 1;

-- A value of the stream, whose line ends Sysmon turns to blanks: up to two blanks or the next key.
CREATE OR REPLACE TEMP MACRO stream_value(contents, name) AS regexp_extract(
    contents, '(?i)\b' || name || '\s*=\s*(.*?)\s*(\s{2}|[\r\n]|\s(hosturl|referrerurl|zoneid|hostipaddress|lastwriter\w+|app\w*zoneid)=|$)', 1);

CREATE OR REPLACE TEMP TABLE marked_event AS
WITH stream AS (
    SELECT *, without_stream(target_filename) AS file,
        lower(regexp_extract(hash, '(?i)md5=([0-9a-f]{32})', 1)) AS md5
    FROM sysmon_timed('sysmon_stream_create')
    WHERE target_filename ILIKE '%:zone.identifier%'
)
SELECT s.host, coalesce(t.image_path, g.path, canonical(s.file)) AS image_path, coalesce(t.file_key, lower(g.path), path_key(s.file)) AS file_key,
    t.temporary_key, 'the mark was seen on its temporary name ' || file_name(s.file) || ': ' || t.how AS temporary_remark,
    coalesce(s.creation_utc_time, s.happened_utc) AS time_utc, s.happened_utc AS marked_utc,
    coalesce(
        try_cast(nullif(regexp_extract(s.contents, '(?i)zoneid\s*=\s*([0-9]+)', 1), '') AS INTEGER),
        CASE
            WHEN list_contains(rule_words('stream_md5_zone_3'), s.md5) THEN 3
            WHEN list_contains(rule_words('stream_md5_zone_4'), s.md5) THEN 4
            WHEN list_contains(rule_words('stream_md5_zone_0'), s.md5) THEN 0
            WHEN list_contains(rule_words('stream_md5_zone_2'), s.md5) THEN 2
        END
    ) AS zone_id,
    filled(s.contents) IS NOT NULL AS has_text,
    filled(stream_value(s.contents, 'hosturl')) AS host_url,
    filled(stream_value(s.contents, 'referrerurl')) AS referrer_url,
    s.image AS writer_path, s.source_id, s.record_offset
FROM stream s
LEFT JOIN long_spelling g ON g.host = s.host AND g.short_key = path_key(s.file)
LEFT JOIN (SELECT DISTINCT host, image_key FROM image_path) n ON n.host = s.host AND n.image_key = coalesce(lower(g.path), path_key(s.file))
LEFT JOIN temporary_file t ON t.host = s.host AND t.temporary_key = path_key(s.file)
WHERE is_image_name(s.file) OR n.image_key IS NOT NULL OR t.file_key IS NOT NULL;

CREATE OR REPLACE TEMP TABLE created_event AS
SELECT f.host, coalesce(t.image_path, g.path, canonical(f.target_filename)) AS image_path, coalesce(t.file_key, lower(g.path), path_key(f.target_filename)) AS file_key,
    t.temporary_key, 'created under its temporary name ' || file_name(f.target_filename) || ': ' || t.how AS temporary_remark,
    coalesce(f.creation_utc_time, f.happened_utc) AS time_utc, f.mono_ns, f.image AS writer_path,
    guid_key(f.process_guid) AS process_guid, f.process_id AS pid, f.source_id, f.record_offset
FROM sysmon_timed('sysmon_file_create') f
LEFT JOIN long_spelling g ON g.host = f.host AND g.short_key = path_key(f.target_filename)
LEFT JOIN (SELECT DISTINCT host, image_key FROM image_path) n ON n.host = f.host AND n.image_key = coalesce(lower(g.path), path_key(f.target_filename))
LEFT JOIN temporary_file t ON t.host = f.host AND t.temporary_key = path_key(f.target_filename) AND t.is_known
WHERE is_image_name(f.target_filename) OR n.image_key IS NOT NULL OR t.file_key IS NOT NULL;

CREATE OR REPLACE TEMP TABLE arrival AS
WITH seen_twice AS (
    -- A stream outside of the $MFT has its text in the event only.
    SELECT f.* REPLACE (coalesce(f.zone_id, e.zone_id) AS zone_id, coalesce(f.host_url, e.host_url) AS host_url,
            coalesce(f.referrer_url, e.referrer_url) AS referrer_url),
        e.writer_path, e.marked_utc, e.temporary_key, e.temporary_remark, e.source_id AS event_source, e.record_offset AS event_offset
    FROM marked_file f
    LEFT JOIN marked_event e ON e.host = f.host AND e.file_key = f.file_key
        AND abs(ns_of(e.time_utc) - ns_of(f.time_utc)) <= rule_ns('delivery_same_s')
    QUALIFY row_number() OVER (PARTITION BY f.host, f.source_id, f.record, f.file_key ORDER BY e.temporary_key IS NOT NULL, e.marked_utc) = 1
),
event_only AS (
    SELECT e.*
    FROM (
        -- Marked under both names: once.
        SELECT m.* FROM marked_event m
        ANTI JOIN marked_event f ON m.temporary_key IS NOT NULL AND f.temporary_key IS NULL AND f.host = m.host AND f.file_key = m.file_key
            AND abs(ns_of(f.marked_utc) - ns_of(m.marked_utc)) <= rule_ns('download_slack_s')
    ) e
    ANTI JOIN seen_twice b ON b.host = e.host AND b.file_key = e.file_key
        AND abs(ns_of(e.time_utc) - ns_of(b.time_utc)) <= rule_ns('delivery_same_s')
    QUALIFY row_number() OVER (PARTITION BY e.host, e.file_key, e.time_utc ORDER BY e.marked_utc) = 1
),
marked AS (
    SELECT host, image_path, file_key, record, sequence, time_utc, zone_id, host_url, referrer_url,
        CASE WHEN event_source IS NULL THEN '$MFT stream' ELSE '$MFT stream, Sysmon 15' END AS source,
        writer_path, coalesce(marked_utc, changed_utc) AS marked_utc, is_slack,
        CASE WHEN is_slack AND event_source IS NULL THEN rule_value('c_delivery_slack') ELSE rule_value('c_delivery_mft') END AS confidence, TRUE AS is_marked,
        source_id AS mft_source, record_offset AS mft_offset, event_source, event_offset, temporary_key, temporary_remark
    FROM seen_twice
    UNION ALL BY NAME
    SELECT host, image_path, file_key, time_utc, zone_id, host_url, referrer_url, 'Sysmon 15' AS source, writer_path, marked_utc,
        CASE WHEN has_text THEN rule_value('c_delivery_stream_event') ELSE rule_value('c_delivery_stream_hash') END AS confidence,
        TRUE AS is_marked, source_id AS event_source, record_offset AS event_offset, temporary_key, temporary_remark
    FROM event_only
),
mounted AS (
    SELECT DISTINCT host, file_key, image_path, record, sequence, mft_source, mft_offset
    FROM session WHERE NOT removal_only
),
unmarked_file AS (
    SELECT s.host, s.image_path, s.file_key, s.record, s.sequence, e.si_created_utc AS time_utc, '$MFT' AS source,
        s.mft_source, s.mft_offset
    FROM mounted s
    JOIN mft_entry e ON e.source_id = s.mft_source AND e.record = s.record
    WHERE e.si_created_utc IS NOT NULL
    UNION ALL
    SELECT n.host, upper(m.volume) || n.path, m.volume || lower(n.path), n.record, n.sequence, e.si_created_utc, '$MFT',
        n.source_id, n.record_offset
    FROM mft_name n
    JOIN mft_volume m USING (source_id)
    JOIN mft_entry e ON e.source_id = n.source_id AND e.record = n.record
    WHERE n.namespace <> 2 AND is_image_name(n.name) AND e.si_created_utc IS NOT NULL
        AND regexp_matches(lower(n.path), rule_pattern('place_mail') || '|' || rule_pattern('place_chat') || '|' || rule_pattern('place_archive') || '|' || rule_pattern('place_web'))
),
unmarked_event AS (
    SELECT c.host, c.image_path, c.file_key, c.time_utc, 'Sysmon 11' AS source, c.source_id AS event_source, c.record_offset AS event_offset, c.temporary_key, c.temporary_remark
    FROM created_event c
    LEFT JOIN (SELECT DISTINCT host, file_key FROM mounted) m USING (host, file_key)
    WHERE m.file_key IS NOT NULL
        OR (is_image_name(c.image_path) AND list_contains(
            list_concat(rule_words('mail_program'), rule_words('chat_program'), rule_words('browser_program'), rule_words('archive_program')), program_of(c.writer_path)))
        OR regexp_matches(c.file_key, rule_pattern('place_mail') || '|' || rule_pattern('place_chat') || '|' || rule_pattern('place_archive') || '|' || rule_pattern('place_web'))
),
unmarked AS (
    SELECT *, rule_value('c_delivery_unmarked') AS confidence, FALSE AS is_marked
    FROM (SELECT * FROM unmarked_file UNION ALL BY NAME SELECT * FROM unmarked_event)
    QUALIFY row_number() OVER (PARTITION BY host, file_key ORDER BY source, time_utc) = 1
)
SELECT * FROM marked
UNION ALL BY NAME
SELECT u.* FROM unmarked u
ANTI JOIN marked k ON k.host = u.host AND k.file_key = u.file_key;

CREATE OR REPLACE TEMP TABLE delivery AS
WITH written AS (
    SELECT a.*, c.writer_path AS creator_path, c.source_id AS creator_source, c.record_offset AS creator_offset
    FROM arrival a
    LEFT JOIN created_event c ON c.host = a.host AND c.file_key = a.file_key
        AND abs(ns_of(c.time_utc) - ns_of(a.time_utc)) <= rule_ns('delivery_same_s')
    QUALIFY row_number() OVER (PARTITION BY a.host, a.file_key, a.time_utc, a.source ORDER BY c.time_utc) = 1
)
SELECT short_hash(concat_ws('|', 'delivery', host, file_key, ns_of(time_utc), source)) AS delivery_id,
    * EXCLUDE (writer_path, creator_path), coalesce(creator_path, writer_path) AS writer_path,
    CASE
        WHEN regexp_matches(file_key, rule_pattern('place_mail'))
            OR list_contains(rule_words('mail_program'), program_of(coalesce(creator_path, writer_path))) THEN 'mail'
        WHEN regexp_matches(file_key, rule_pattern('place_chat'))
            OR list_contains(rule_words('chat_program'), program_of(coalesce(creator_path, writer_path))) THEN 'chat'
        WHEN regexp_matches(file_key, rule_pattern('place_archive')) OR list_contains(rule_words('archive_program'), program_of(coalesce(creator_path, writer_path)))
            OR (
                regexp_matches(referrer_url, '(?i)^([a-z]:\\|\\\\)')
                AND list_contains(rule_words('archive_extension'), extension_of(referrer_url))
            ) THEN 'archive'
        WHEN coalesce(zone_id, 3) >= 3 AND is_marked THEN 'web'
        WHEN NOT is_marked AND (regexp_matches(file_key, rule_pattern('place_web')) OR list_contains(rule_words('browser_program'), program_of(creator_path)))
            THEN 'download'
        WHEN list_contains(rule_words('copy_program'), program_of(creator_path)) THEN 'copied'
        ELSE 'unknown'
    END AS trace
FROM written;
