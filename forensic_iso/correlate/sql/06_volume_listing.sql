-- session_file (temporary): content of the images found in the evidence, by session: by the image's path, by its name where the
-- collection tells none. Of an image mounted from another one: what the outer image's listing has of it, where one image that was open
-- then holds a file of that path. From image_content.
-- registry_letter: letters by MountedDevices (of the drive's slot, written at the arrival) and by the label that VolumeInfoCache
-- keeps (SOFTWARE), for all sessions. From virtual_drive, mounted_device, volume_info.
-- Misses: images that were not collected; letters given anew since.
CREATE OR REPLACE TEMP TABLE session_file AS
WITH content AS (
    SELECT c.host, path_key(s.windows_path) AS image_key, lower(regexp_extract(s.path, '[^/\\]+$')) AS image_name, coalesce(c.shown, TRUE) AS shown,
        c.path, c.volume_serial, c.volume_label, c.size_bytes, c.sha256, c.sha1, c.md5, c.lnk_target, c.lnk_arguments,
        c.source_id, c.record_offset, lower(replace(c.container_path, '/', '\')) AS container
    FROM image_content c
    JOIN source s USING (source_id)
    WHERE NOT c.is_directory
),
listed AS (
    SELECT * EXCLUDE (container) FROM content WHERE container IS NULL
),
inner_image AS (
    SELECT i.session_id, i.image_path, i.open_ns, n.source_id, n.container
    FROM session i
    JOIN session o ON o.host = i.host AND o.session_id <> i.session_id AND o.open_ns <= i.open_ns AND (o.end_ns IS NULL OR i.open_ns <= o.end_ns)
    JOIN (SELECT DISTINCT host, source_id, image_key, image_name, container FROM content WHERE container IS NOT NULL) n
        ON n.host = i.host AND n.container = substr(i.image_key, 4)
        AND (n.image_key IN (o.image_key, o.file_key) OR (n.image_key IS NULL AND regexp_extract(o.image_key, '[^\\]+$') = n.image_name))
    QUALIFY count(*) OVER (PARTITION BY i.session_id) = 1
)
SELECT i.session_id, i.image_path, i.open_ns, c.* EXCLUDE (container)
FROM inner_image i
JOIN content c ON c.source_id = i.source_id AND c.container = i.container
UNION ALL
SELECT o.session_id, o.image_path, o.open_ns, f.*
FROM session o
JOIN listed f ON f.host = o.host
    AND (f.image_key = o.image_key OR f.image_key = o.file_key
        OR (f.image_key IS NULL AND regexp_extract(o.image_key, '[^\\]+$') = f.image_name));

CREATE OR REPLACE TEMP TABLE registry_letter AS
WITH slot AS (
    SELECT v.host, v.open_ns, lower(d.letter) AS volume, d.source_id, 'mounted_device' AS table_name, d."offset" AS record_offset
    FROM virtual_drive v
    JOIN letter_held d ON d.host = v.host AND d.image_slot = v.image_slot AND d.letter IS NOT NULL
    WHERE abs(ns_of(d.key_last_write_utc) - ns_of(v.opened_utc)) <= rule_ns('attach_trace_s')
),
label AS (
    SELECT DISTINCT s.session_id, lower(i.letter) AS volume, i.source_id, 'volume_info' AS table_name, i."offset" AS record_offset
    FROM volume_info i
    JOIN session s ON s.host = i.host AND abs(stamp_ns(i.host, i.key_last_write_utc) - s.open_ns) <= rule_ns('attach_trace_s')
    JOIN session_file f ON f.session_id = s.session_id AND lower(f.volume_label) = lower(i.label)
    WHERE i.label <> '' AND i.letter IS NOT NULL AND coalesce(i.origin, '') NOT LIKE 'deleted%'
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
