-- delivery_trace (temporary): what sources other than the mark say of an arrival of an image, one row per record: from_utc to to_utc
-- it came, or it was there at seen_utc. From browser_download, browser_visit (addresses that end in an image), BITS (16403: local
-- name; 59, 60: address; its queue), $J (creation or renaming of an image), slack of $I30 and of the $MFT,
-- the Recycle Bin, Defender (1116..., history, MPLog, quarantine), Sysmon 23 and 26 of a mark, Defender's file events, the $MFT of images mounted by weaker traces.
-- trace download: finished, from an address outside that is no vendor's, or by a browser as its temporary name tells; detected: by Defender; unblocked: a mark was deleted.
-- stands_alone: makes a row by itself. Misses: browsers without a database of downloads.
CREATE OR REPLACE TEMP MACRO host_of(url) AS lower(regexp_extract(url, '(?i)^(?:https?|ftps?)://(?:[^/@]*@)?\[?([^/:?#\]]+)', 1));
CREATE OR REPLACE TEMP MACRO is_outside(url) AS
    host_of(url) <> '' AND NOT regexp_matches(host_of(url), rule_pattern('local_address')) AND NOT regexp_matches(host_of(url), rule_pattern('local_name'))
        AND len(list_filter(rule_words('vendor_host'), lambda v: host_of(url) = v OR ends_with(host_of(url), '.' || v))) = 0;
CREATE OR REPLACE TEMP MACRO url_file(url) AS try(url_decode(regexp_extract(url, '(?i)^[a-z]+://[^?#]*/([^/?#]+)', 1)));
CREATE OR REPLACE TEMP MACRO final_name(path) AS regexp_replace(path, '(?i)\.(crdownload|part|partial|tmp)$', '');
-- Items of Defender's Path: kind:_value; of webfile path|address|...
CREATE OR REPLACE TEMP MACRO defender_items(items) AS
    list_filter(
        list_transform(string_split(items, '; '), lambda i: regexp_extract(i, '(?i)^(containerfile|file|webfile):_(.*)$', ['schema', 'value'])),
        lambda i: i.value <> '' AND is_image_name(regexp_extract(i.value, '^([^|]*?)(?:->|\||$)', 1))
    );

-- The image files of the journal: one row per file, its name and place as last seen, created when its first record says.
CREATE OR REPLACE TEMP TABLE journal_file AS
WITH image AS (
    SELECT host, source_id, volume, record, sequence, min(time_utc) AS named_utc, arg_min(record_offset, time_utc) AS record_offset,
        bool_or((reason_flags & 256) <> 0) AS is_created, arg_max(name, time_utc) AS name, arg_max(path, time_utc) AS path,
        -- Streams changed (0x200000) where none was written (0x20): deleted.
        max(time_utc) FILTER ((reason_flags & 2097152) <> 0 AND (reason_flags & 48) = 0) AS stream_cut_utc,
        min(time_utc) FILTER ((reason_flags & 32) <> 0) AS stream_written_utc
    FROM journal_name
    WHERE NOT is_shortcut AND (reason_flags & 512) = 0 AND record IS NOT NULL
    GROUP BY ALL
    -- Created, or renamed into the name (0x2000).
    HAVING bool_or((reason_flags & 8448) <> 0)
),
birth AS (
    SELECT u.source_id, u.record, u.sequence, min(u.time_utc) FILTER ((u.reason_flags & 256) <> 0) AS created_utc,
        -- The temporary name of a browser's download.
        arg_min(u.name, u.time_utc) FILTER (regexp_matches(u.name, '(?i)\.(crdownload|opdownload|part|partial)$')) AS temporary_name
    FROM usn_record u
    SEMI JOIN image i ON i.source_id = u.source_id AND i.record = u.record AND i.sequence = u.sequence
    GROUP BY ALL
)
SELECT i.*, coalesce(b.created_utc, CASE WHEN i.is_created THEN i.named_utc END) AS created_utc, b.temporary_name
FROM image i
LEFT JOIN birth b USING (source_id, record, sequence);

-- Images in the slack of folders' indexes, with the folder where it is still known.
CREATE OR REPLACE TEMP TABLE index_file AS
SELECT i.host, i.source_id, i."offset" AS record_offset, i.name, i.record, i.sequence, i.created_utc, v.volume,
    min(upper(v.volume) || rtrim(n.path, '\') || '\' || i.name) AS path
FROM i30_entry i
JOIN (
    SELECT s.source_id, coalesce(lower(nullif(regexp_extract(s.windows_path, '^([A-Za-z]:)', 1), '')), d.volume, 'c:') AS volume
    FROM source s LEFT JOIN system_drive d USING (host)
) v USING (source_id)
LEFT JOIN mft_volume m ON m.host = i.host AND m.volume = v.volume
LEFT JOIN mft_name n ON n.source_id = m.source_id AND n.record = i.parent_record AND n.sequence = i.parent_sequence AND n.is_directory AND n.namespace <> 2
WHERE i.in_slack AND NOT coalesce(i.is_directory, FALSE) AND coalesce(i.namespace, 1) <> 2 AND i.created_utc IS NOT NULL AND is_image_name(i.name)
GROUP BY ALL;

-- Images in the slack of $MFT records that no name of the $MFT bears any more; which record the file had is not known. Of the
-- record's own file it is only an earlier name.
CREATE OR REPLACE TEMP TABLE slack_file AS
SELECT s.host, s.source_id, s."offset" AS record_offset, s.name, s.stored_in, s.created_utc,
    min(upper(v.volume) || rtrim(n.path, '\') || '\' || s.name) AS path
FROM mft_slack_name s
JOIN mft_volume v USING (source_id)
ANTI JOIN mft_name k ON k.source_id = s.source_id AND lower(k.name) = lower(s.name)
ANTI JOIN mft_name o ON o.source_id = s.source_id AND o.record = s.stored_in AND o.fn_created_utc = s.created_utc
LEFT JOIN mft_name n ON n.source_id = s.source_id AND n.record = s.parent_record AND n.sequence = s.parent_sequence AND n.is_directory AND n.namespace <> 2
WHERE s.namespace <> 2 AND s.created_utc IS NOT NULL AND is_image_name(s.name)
GROUP BY ALL;

-- Files of the $MFT by the records that name them otherwise.
CREATE OR REPLACE TEMP TABLE trace_record AS
SELECT source_id, 'usn_record' AS table_name, record_offset, host, volume, record, sequence FROM journal_file
UNION ALL
SELECT source_id, 'i30_entry', record_offset, host, volume, record, sequence FROM index_file WHERE record IS NOT NULL;

CREATE OR REPLACE TEMP TABLE delivery_trace AS
WITH said AS (
    SELECT host, canonical(final_name(coalesce(target_path, current_path))) AS image_path, start_utc AS from_utc, coalesce(end_utc, start_utc) AS to_utc,
        NULL::TIMESTAMP_NS AS seen_utc, url, referrer_url, CASE WHEN is_outside(url) THEN 'download' ELSE 'unknown' END AS trace, state = 'complete' AS stands_alone,
        'browser download' AS source,
        concat_ws(', ', browser || ' downloaded it', CASE WHEN state <> 'complete' THEN 'state ' || state END,
            CASE WHEN danger NOT IN ('safe', 'not_dangerous') THEN 'rated ' || danger END, CASE WHEN opened THEN 'opened from the browser' END) AS what,
        rule_value('c_delivery_download') AS confidence, source_id, 'browser_download' AS table_name, row_id AS record_offset
    FROM browser_download
    WHERE is_image_name(final_name(coalesce(target_path, current_path)))
    UNION ALL
    SELECT host, url_file(url), visited_utc, visited_utc, NULL, url, from_url, CASE WHEN is_outside(url) THEN 'download' ELSE 'unknown' END, coalesce(transition = 'download', FALSE),
        'browser history', 'an address of that name was visited', rule_value('c_delivery_visit'), source_id, 'browser_visit', row_id
    FROM browser_visit WHERE is_image_name(url_file(url)) AND visited_utc IS NOT NULL
    UNION ALL
    SELECT host, canonical(json_extract_string(data, '$.LocalName')), time_utc, time_utc, NULL, filled(json_extract_string(data, '$.RemoteName')), NULL,
        CASE WHEN is_outside(json_extract_string(data, '$.RemoteName')) THEN 'download' ELSE 'unknown' END, TRUE,
        'BITS 16403', 'BITS was given it as the target of ' || coalesce('the job ' || json_extract_string(data, '$.JobTitle'), 'a job'), rule_value('c_delivery_transfer'),
        source_id, 'event_other', record_offset
    FROM timed('event_other')
    WHERE provider = 'Microsoft-Windows-Bits-Client' AND event_id = 16403 AND is_image_name(json_extract_string(data, '$.LocalName'))
    UNION ALL
    SELECT host, url_file(json_extract_string(data, '$.url')), time_utc, time_utc, NULL, json_extract_string(data, '$.url'), NULL,
        CASE WHEN event_id = 60 AND is_outside(json_extract_string(data, '$.url')) THEN 'download' ELSE 'unknown' END,
        event_id = 60 AND coalesce(try_cast(json_extract_string(data, '$.hr') AS BIGINT), 0) = 0, 'BITS ' || event_id,
        CASE event_id WHEN 59 THEN 'BITS began a transfer from that address' ELSE 'BITS ended a transfer from that address' END, rule_value('c_delivery_record'),
        source_id, 'event_other', record_offset
    FROM timed('event_other')
    WHERE provider = 'Microsoft-Windows-Bits-Client' AND event_id IN (59, 60) AND is_image_name(url_file(json_extract_string(data, '$.url')))
    UNION ALL
    SELECT host, canonical(local_path), coalesce(file_utc, job_created_utc), coalesce(job_modified_utc, file_utc, job_created_utc), NULL, remote_url, NULL,
        CASE WHEN is_outside(remote_url) AND received_bytes = total_bytes THEN 'download' ELSE 'unknown' END, received_bytes = total_bytes IS TRUE, 'BITS queue',
        'BITS fetched it with the job ' || coalesce(job_name, job_id, '?') || ' [' || coalesce(state, 'state not known') || ']', rule_value('c_delivery_transfer'),
        source_id, 'bits_transfer', "offset"
    FROM bits_transfer WHERE is_image_name(local_path) AND coalesce(job_type, 'download') = 'download'
    UNION ALL
    SELECT j.host, coalesce(j.path, j.name), coalesce(j.created_utc, j.named_utc), j.named_utc, NULL, NULL, NULL,
        CASE WHEN j.temporary_name IS NOT NULL THEN 'download' ELSE 'unknown' END, TRUE, 'journal',
        CASE WHEN j.temporary_name IS NOT NULL THEN 'a browser''s download: the journal has it renamed from ' || j.temporary_name
            WHEN j.is_created THEN 'the journal has its creation' WHEN j.created_utc IS NOT NULL THEN 'the journal has its creation under another name' ELSE 'the journal has its renaming' END
            || CASE WHEN j.stream_written_utc IS NOT NULL THEN ', and a stream of it written at ' || strftime(j.stream_written_utc, '%Y-%m-%d %H:%M:%S') || ' (which, it does not tell)' ELSE '' END,
        rule_value('c_delivery_record'), j.source_id, 'usn_record', j.record_offset
    FROM journal_file j
    UNION ALL
    SELECT i.host, coalesce(i.path, i.name), i.created_utc, i.created_utc, NULL, NULL, NULL, 'unknown', TRUE, '$I30',
        'an entry in the slack of its folder''s index', rule_value('c_delivery_record'), i.source_id, 'i30_entry', i.record_offset
    FROM index_file i
    UNION ALL
    SELECT host, coalesce(path, name), created_utc, created_utc, NULL, NULL, NULL, 'unknown', TRUE, '$MFT slack',
        'a name in the slack of $MFT record ' || stored_in, rule_value('c_delivery_record'), source_id, 'mft_slack_name', record_offset
    FROM slack_file
    UNION ALL
    SELECT host, canonical(original_path), NULL, NULL, deleted_utc, NULL, NULL, 'unknown', TRUE, 'Recycle Bin',
        'deleted into the Recycle Bin' || coalesce(' at ' || strftime(deleted_utc, '%Y-%m-%d %H:%M:%S'), '') || coalesce(' by ' || sid, ''), rule_value('c_delivery_record'),
        source_id, 'recycle_bin_item', "offset"
    FROM recycle_bin_item WHERE is_image_name(original_path)
    UNION ALL
    SELECT host, canonical(regexp_extract(i.value, '^([^|]*?)(?:->|\||$)', 1)), NULL, NULL, time_utc,
        CASE WHEN i.schema ILIKE 'webfile' THEN filled(split_part(i.value, '|', 2)) END, NULL, 'detected', TRUE, 'Defender',
        'Defender found ' || coalesce(threat_name, 'a threat') || ' in it', rule_value('c_delivery_record'), source_id, 'defender_detection', record_offset
    FROM (SELECT *, unnest(defender_items("path")) AS i FROM timed('defender_detection') WHERE threat_name IS NOT NULL)
    UNION ALL
    SELECT host, canonical(split_part("path", '->', 1)), NULL, NULL, coalesce(tracking_start_utc, earliest_utc), filled(url), NULL, 'detected', TRUE, 'Defender',
        'Defender found ' || coalesce(threat_name, 'a threat') || ' in it (history)', rule_value('c_delivery_record'), source_id, 'defender_history', "offset"
    FROM defender_history WHERE lower("schema") IN ('file', 'containerfile', 'webfile') AND is_image_name(split_part("path", '->', 1))
    UNION ALL
    SELECT host, canonical(split_part("path", '->', 1)), file_created_utc, file_created_utc, quarantined_utc, NULL, NULL, 'detected', TRUE, 'Defender',
        'Defender put it into quarantine for ' || coalesce(threat_name, 'a threat'), rule_value('c_delivery_record'), source_id, 'defender_quarantine', "offset"
    FROM defender_quarantine WHERE lower(kind) IN ('file', 'containerfile') AND is_image_name(split_part("path", '->', 1))
    UNION ALL
    SELECT host, canonical(split_part("path", '->', 1)), NULL, NULL, time_utc, NULL, NULL, 'detected', TRUE, 'Defender',
        'Defender found ' || threat || ' in it (MPLog)', rule_value('c_delivery_record'), source_id, 'mplog_line', "offset"
    FROM mplog_line WHERE kind IN ('detection_event', 'detection_add', 'resource_scan') AND threat IS NOT NULL AND is_image_name(split_part("path", '->', 1))
    UNION ALL
    SELECT host, canonical(regexp_replace(target_filename, '(?i):zone\.identifier(:\$data)?$', '')), NULL, NULL, happened_utc, NULL, NULL, 'unblocked', TRUE,
        'Sysmon ' || event_id, 'mark deleted at ' || strftime(happened_utc, '%Y-%m-%d %H:%M:%S') || coalesce(' by ' || file_name(image), ''), rule_value('c_delivery_record'),
        source_id, 'sysmon_file_delete', record_offset
    FROM sysmon_timed('sysmon_file_delete')
    WHERE target_filename ILIKE '%:zone.identifier%' AND is_image_name(regexp_replace(target_filename, '(?i):zone\.identifier(:\$data)?$', ''))
    UNION ALL
    SELECT host, canonical(folder_path), timestamp_utc, timestamp_utc, NULL, filled(file_origin_url), filled(file_origin_referrer_url),
        CASE WHEN is_outside(file_origin_url) THEN 'download' ELSE 'unknown' END, file_origin_url IS NOT NULL, 'Defender file event',
        'Defender logged its ' || CASE WHEN action_type = 'FileRenamed' THEN 'renaming' ELSE 'creation' END, rule_value('c_delivery_transfer'),
        source_id, 'mde_device_file_events', row_address
    FROM mde_device_file_events
    WHERE action_type IN ('FileCreated', 'FileRenamed') AND host IS NOT NULL AND timestamp_utc IS NOT NULL AND is_image_name(folder_path)
    UNION ALL
    SELECT s.host, s.image_path, e.si_created_utc, e.si_created_utc, NULL, NULL, NULL, 'unknown', TRUE, '$MFT', NULL, rule_value('c_delivery_unmarked'),
        s.mft_source, 'mft_name', s.mft_offset
    FROM session s
    JOIN mft_entry e ON e.source_id = s.mft_source AND e.record = s.record
    WHERE s.other_basis IS NOT NULL AND e.si_created_utc IS NOT NULL
)
SELECT *, row_number() OVER () AS number,
    CASE WHEN regexp_matches(image_path, '^([A-Za-z]:|\\)') THEN path_key(image_path) END AS file_key, lower(file_name(image_path)) AS image_name,
    stamp_ns(host, from_utc) AS from_ns, stamp_ns(host, to_utc) AS to_ns, stamp_ns(host, seen_utc) AS seen_ns
FROM said
WHERE host IS NOT NULL AND image_path <> ''
-- One saying, kept twice (write-ahead log, shadow copy).
QUALIFY row_number() OVER (PARTITION BY host, image_path, from_utc, seen_utc, source, what, url ORDER BY source_id, record_offset) = 1;
