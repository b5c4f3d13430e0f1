-- session: mounts that no log tells, from SYSTEM\Enum\SCSI: last arrival and last removal of a virtual drive.
-- The image is named by the shortcut that Explorer wrote to Recent within attach_trace_s of the arrival ($MFT); its path
-- is that of the file of the name that lies on the host, marked ones first. registry_letter: letters by MountedDevices
-- (of the drive's slot, written at the arrival) and by the label that VolumeInfoCache keeps (SOFTWARE), for all sessions.
-- Not taken: arrivals that a session by VHDMP or 1006 explains, and arrivals with no name of an image beside them.
-- Misses: all but the last mount of each drive; images opened without Explorer.
ALTER TABLE session ADD COLUMN other_basis VARCHAR;
ALTER TABLE session ADD COLUMN trace_source VARCHAR;
ALTER TABLE session ADD COLUMN trace_offset BIGINT;

CREATE OR REPLACE TEMP TABLE recent_image AS
SELECT n.host, n.source_id, n.record_offset, regexp_replace(file_name(n.path), '(?i)\.lnk$', '') AS image_name,
    unnest(list_distinct([e.si_created_utc, e.si_modified_utc])) AS time_utc,
    lower(regexp_extract(n.path, '(?i)^\\Users\\([^\\]+)\\', 1)) AS profile
FROM mft_name n
JOIN mft_entry e USING (source_id, record, sequence)
WHERE n.namespace <> 2 AND n.path ILIKE '%\Recent\%.lnk'
    AND is_image_name(regexp_replace(n.path, '(?i)\.lnk$', ''));

CREATE OR REPLACE TEMP TABLE virtual_drive AS
SELECT host, last_arrival_utc AS opened_utc, epoch_ns(last_arrival_utc) AS open_ns,
    CASE WHEN last_removal_utc >= last_arrival_utc THEN last_removal_utc END AS closed_utc,
    CASE WHEN last_removal_utc >= last_arrival_utc THEN epoch_ns(last_removal_utc) END AS close_ns,
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
    SELECT v.*, r.image_name, r.source_id AS trace_source, r.record_offset AS trace_offset
    FROM unexplained v
    JOIN recent_image r ON r.host = v.host AND abs(epoch_ns(r.time_utc) - v.open_ns) <= rule_ns('attach_trace_s')
    QUALIFY row_number() OVER (
        PARTITION BY v.host, v.open_ns, v.image_slot ORDER BY abs(epoch_ns(r.time_utc) - v.open_ns), r.image_name
    ) = 1
),
placed AS (
    SELECT n.host, n.open_ns, n.image_slot, upper(m.volume) || f.path AS image_path, m.volume || lower(f.path) AS file_key,
        f.record, f.sequence, f.source_id AS mft_source, f.record_offset AS mft_offset
    FROM named n
    JOIN mft_volume m ON m.host = n.host
    JOIN mft_name f ON f.source_id = m.source_id AND f.namespace <> 2 AND lower(f.name) = lower(n.image_name) AND NOT f.is_directory
    LEFT JOIN delivery d ON d.host = n.host AND d.file_key = m.volume || lower(f.path)
    WHERE f.path IS NOT NULL
    QUALIFY row_number() OVER (
        PARTITION BY n.host, n.open_ns, n.image_slot
        ORDER BY coalesce(d.is_marked, FALSE) DESC, f.in_use DESC, f.path
    ) = 1
)
SELECT short_hash(concat_ws('|', 'session', n.host, coalesce(p.file_key, lower(n.image_name)), n.open_ns)) AS session_id,
    n.host, coalesce(p.file_key, lower(n.image_name)) AS image_key, coalesce(p.file_key, lower(n.image_name)) AS file_key,
    coalesce(p.image_path, n.image_name) AS image_path, p.record, p.sequence, p.mft_source, p.mft_offset,
    n.opened_utc, n.open_ns, n.closed_utc, n.close_ns, n.close_ns AS end_ns,
    CASE WHEN n.close_ns IS NOT NULL THEN 'removed' ELSE 'open_ended' END AS close_basis,
    CASE WHEN n.is_virtual_dvd THEN 'optical' ELSE 'disk' END AS image_kind,
    FALSE AS has_vhdmp, FALSE AS removal_only, FALSE AS has_handle, FALSE AS logs_handles, FALSE AS may_have_survived,
    'registry: arrival of the virtual drive in slot ' || n.image_slot || CASE WHEN n.close_ns IS NOT NULL THEN ' and its removal' ELSE '' END
        || ' (Enum\SCSI); image named by the shortcut in Recent of that moment' AS other_basis,
    n.source_id AS disk_source, n.record_offset AS disk_offset, n.trace_source, n.trace_offset
FROM named n
LEFT JOIN placed p USING (host, open_ns, image_slot);

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
    WHERE abs(epoch_ns(d.key_last_write_utc) - v.open_ns) <= rule_ns('attach_trace_s')
),
label AS (
    SELECT DISTINCT s.session_id, lower(i.letter) AS volume, i.source_id, 'volume_info' AS table_name, i."offset" AS record_offset
    FROM volume_info i
    JOIN session s ON s.host = i.host AND abs(epoch_ns(i.key_last_write_utc) - s.open_ns) <= rule_ns('attach_trace_s')
    JOIN session_file f ON f.session_id = s.session_id AND lower(f.volume_label) = lower(i.label)
    WHERE i.label <> '' AND i.letter IS NOT NULL
)
SELECT s.session_id, s.host, l.volume, l.source_id, l.table_name, l.record_offset,
    'MountedDevices gives the letter to the virtual drive that arrived then' AS basis
FROM session s
JOIN slot l ON l.host = s.host AND abs(l.open_ns - s.open_ns) <= rule_ns('same_act_s')
UNION ALL
SELECT s.session_id, s.host, l.volume, l.source_id, l.table_name, l.record_offset, 'VolumeInfoCache has the image''s label under the letter'
FROM session s
JOIN label l USING (session_id);
