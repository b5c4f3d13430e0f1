-- session: mounts that no log tells, from SYSTEM\Enum\SCSI: last arrival and last removal of a virtual drive.
-- The image is named by the shortcut that Explorer wrote to Recent within attach_trace_s of the arrival ($MFT), or by the
-- newest entry of RecentDocs; its path by the shortcut's target, else by the file of the name that lies on the host,
-- marked ones first: basis says where several do. registry_letter: letters by MountedDevices
-- (of the drive's slot, written at the arrival) and by the label that VolumeInfoCache keeps (SOFTWARE), for all sessions.
-- Not taken: arrivals that a session by VHDMP or 1006 explains, and arrivals with no name of an image beside them.
-- Misses: all but the last mount of each drive; images opened without Explorer.
ALTER TABLE session ADD COLUMN other_basis VARCHAR;
ALTER TABLE session ADD COLUMN trace_source VARCHAR;
ALTER TABLE session ADD COLUMN trace_table VARCHAR;
ALTER TABLE session ADD COLUMN trace_offset BIGINT;

CREATE OR REPLACE TEMP TABLE recent_image AS
WITH shortcut AS (
    SELECT n.host, n.source_id, n.record_offset, m.volume || lower(n.path) AS lnk_key,
        regexp_replace(file_name(n.path), '(?i)\.lnk$', '') AS image_name,
        unnest(list_distinct([e.si_created_utc, e.si_modified_utc])) AS time_utc
    FROM mft_name n
    JOIN mft_entry e USING (source_id, record, sequence)
    JOIN mft_volume m USING (source_id)
    WHERE n.namespace <> 2 AND n.path ILIKE '%\Recent\%.lnk'
        AND is_image_name(regexp_replace(n.path, '(?i)\.lnk$', ''))
),
target AS (
    SELECT host, path_key(lnk_path) AS lnk_key, min(target_path) AS target_path
    FROM lnk WHERE target_path IS NOT NULL GROUP BY ALL
)
SELECT s.host, s.source_id, 'mft_name' AS table_name, s.record_offset, s.image_name, s.time_utc, 'the shortcut in Recent' AS what,
    t.target_path
FROM shortcut s
LEFT JOIN target t USING (host, lnk_key)
UNION ALL
SELECT host, source_id, 'recent_doc', "offset", name, opened_utc, 'RecentDocs', NULL
FROM recent_doc
WHERE opened_utc IS NOT NULL AND is_image_name(name);

CREATE OR REPLACE TEMP TABLE virtual_drive AS
SELECT host, last_arrival_utc AS opened_utc, stamp_ns(host, last_arrival_utc) AS open_ns,
    CASE WHEN last_removal_utc >= last_arrival_utc THEN last_removal_utc END AS closed_utc,
    CASE WHEN last_removal_utc >= last_arrival_utc THEN stamp_ns(host, last_removal_utc) END AS close_ns,
    is_virtual_dvd, image_slot, source_id, "offset" AS record_offset
FROM scsi_device
WHERE (is_virtual_dvd OR is_virtual_disk) AND image_slot IS NOT NULL AND last_arrival_utc IS NOT NULL AND coalesce(current, TRUE)
QUALIFY row_number() OVER (PARTITION BY host, device_id, last_arrival_utc ORDER BY source_id, "offset") = 1;

INSERT INTO session BY NAME
WITH unexplained AS (
    SELECT v.*
    FROM virtual_drive v
    ANTI JOIN session s ON s.host = v.host AND abs(s.open_ns - v.open_ns) <= rule_ns('attach_trace_s')
),
named AS (
    SELECT v.*, r.image_name, r.what, r.target_path, r.source_id AS trace_source, r.table_name AS trace_table, r.record_offset AS trace_offset
    FROM unexplained v
    JOIN recent_image r ON r.host = v.host AND abs(epoch_ns(r.time_utc) - epoch_ns(v.opened_utc)) <= rule_ns('attach_trace_s')
    QUALIFY row_number() OVER (
        PARTITION BY v.host, v.open_ns, v.image_slot
        ORDER BY abs(epoch_ns(r.time_utc) - epoch_ns(v.opened_utc)), r.image_name, r.target_path IS NULL, r.table_name
    ) = 1
),
placed AS (
    SELECT n.host, n.open_ns, n.image_slot, upper(m.volume) || f.path AS image_path, m.volume || lower(f.path) AS file_key,
        f.record, f.sequence, f.source_id AS mft_source, f.record_offset AS mft_offset,
        count(*) OVER (PARTITION BY n.host, n.open_ns, n.image_slot) AS places
    FROM named n
    JOIN mft_volume m ON m.host = n.host
    JOIN mft_name f ON f.source_id = m.source_id AND f.namespace <> 2 AND lower(f.name) = lower(n.image_name) AND NOT f.is_directory
    LEFT JOIN delivery d ON d.host = n.host AND d.file_key = m.volume || lower(f.path)
    WHERE f.path IS NOT NULL AND (n.target_path IS NULL OR path_key(n.target_path) = m.volume || lower(f.path))
    QUALIFY row_number() OVER (
        PARTITION BY n.host, n.open_ns, n.image_slot
        ORDER BY coalesce(d.is_marked, FALSE) DESC, f.in_use DESC, f.path
    ) = 1
)
SELECT short_hash(concat_ws('|', 'session', n.host, coalesce(p.file_key, path_key(n.target_path), lower(n.image_name)), n.open_ns)) AS session_id,
    n.host, coalesce(p.file_key, path_key(n.target_path), lower(n.image_name)) AS image_key, coalesce(p.file_key, path_key(n.target_path), lower(n.image_name)) AS file_key,
    coalesce(p.image_path, n.target_path, n.image_name) AS image_path, p.record, p.sequence, p.mft_source, p.mft_offset,
    n.opened_utc, n.open_ns, coalesce(n.closed_utc, b.ended_utc) AS closed_utc, n.close_ns, coalesce(n.close_ns, b.stop_ns) AS end_ns, b.boot_number,
    CASE WHEN n.close_ns IS NOT NULL THEN 'removed' WHEN coalesce(b.end_basis, 'log_end') = 'log_end' THEN 'open_ended' ELSE b.end_basis END AS close_basis,
    CASE WHEN n.is_virtual_dvd THEN 'optical' ELSE 'disk' END AS image_kind,
    FALSE AS has_vhdmp, FALSE AS removal_only, FALSE AS has_handle, FALSE AS logs_handles, coalesce(n.close_ns IS NULL AND b.fast_startup, FALSE) AS may_have_survived,
    'registry: arrival of the virtual drive in slot ' || n.image_slot || CASE WHEN n.close_ns IS NOT NULL THEN ' and its removal' ELSE '' END
        || ' (Enum\SCSI); image named by ' || n.what || ' of that moment'
        || CASE WHEN n.target_path IS NOT NULL THEN ', its path by the target' WHEN p.places > 1 THEN ', one of ' || p.places || ' files of the name'
            WHEN p.places IS NULL THEN ', its folder is not known' ELSE '' END AS other_basis,
    n.source_id AS disk_source, n.record_offset AS disk_offset, n.trace_source, n.trace_table, n.trace_offset
FROM named n
LEFT JOIN placed p USING (host, open_ns, image_slot)
ASOF LEFT JOIN boot b ON b.host = n.host AND n.open_ns >= b.start_ns;

-- Content of images found in the evidence, by session: by the image's path, by its name where the collection tells none.
CREATE OR REPLACE TEMP TABLE session_file AS
WITH listed AS (
    SELECT c.host, path_key(s.windows_path) AS image_key, lower(regexp_extract(s.path, '[^/\\]+$')) AS image_name, coalesce(c.shown, TRUE) AS shown,
        c.path, c.volume_serial, c.volume_label, c.size_bytes, c.sha256, c.sha1, c.md5, c.lnk_target, c.lnk_arguments,
        c.source_id, c.record_offset
    FROM image_content c
    JOIN source s USING (source_id)
    WHERE NOT c.is_directory AND c.container_path IS NULL
)
SELECT o.session_id, o.image_path, o.open_ns, f.*
FROM session o
JOIN listed f ON f.host = o.host
    AND (f.image_key = o.image_key OR f.image_key = o.file_key
        OR (f.image_key IS NULL AND regexp_extract(o.image_key, '[^\\]+$') = f.image_name));

CREATE OR REPLACE TEMP TABLE registry_letter AS
WITH slot AS (
    SELECT v.host, v.open_ns, lower(d.letter) AS volume, d.source_id, 'mounted_device' AS table_name, d."offset" AS record_offset
    FROM virtual_drive v
    JOIN mounted_device d ON d.host = v.host AND d.image_slot = v.image_slot AND d.letter IS NOT NULL
    WHERE abs(epoch_ns(d.key_last_write_utc) - epoch_ns(v.opened_utc)) <= rule_ns('attach_trace_s')
),
label AS (
    SELECT DISTINCT s.session_id, lower(i.letter) AS volume, i.source_id, 'volume_info' AS table_name, i."offset" AS record_offset
    FROM volume_info i
    JOIN session s ON s.host = i.host AND abs(stamp_ns(i.host, i.key_last_write_utc) - s.open_ns) <= rule_ns('attach_trace_s')
    JOIN session_file f ON f.session_id = s.session_id AND lower(f.volume_label) = lower(i.label)
    WHERE i.label <> '' AND i.letter IS NOT NULL
)
SELECT s.session_id, s.host, l.volume, l.source_id, l.table_name, l.record_offset,
    'MountedDevices gives the letter to the virtual drive that arrived then' AS basis
FROM session s
JOIN slot l ON l.host = s.host AND abs(l.open_ns - s.open_ns) <= rule_ns('same_act_s')
-- Two images or two drives at one moment: the slot does not tell them apart.
QUALIFY count(*) OVER (PARTITION BY s.host, l.volume, l.open_ns) = 1 AND count(DISTINCT l.volume) OVER (PARTITION BY s.session_id) = 1
UNION ALL
SELECT s.session_id, s.host, l.volume, l.source_id, l.table_name, l.record_offset, 'VolumeInfoCache has the image''s label under the letter'
FROM session s
JOIN label l USING (session_id);
