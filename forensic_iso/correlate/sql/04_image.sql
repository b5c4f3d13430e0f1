-- image_event, disk_event, image_name (temporary): what touched an image, and how its path is spelled.
-- image_event: VHDMP records that open, surface, remove or destroy a virtual disk, with the run of the system.
-- disk_event: Partition/Diagnostic 1006 of file-backed disks; Location is the path of the image.
-- image_name: each path of an image, as the $MFT spells it where it lies there (8.3 names become long ones, a volume's GUID its letter).
-- long_spelling: paths of images in logs with 8.3 names of folders (%TEMP% of a long account), with the names that the $MFT has for these.
-- system_drive: letter of \Windows by the programs that ran, else C:. media_volume: letters whose own $MFT is at hand.
-- journal_name: images and shortcuts to images in $UsnJrnl:$J, with their path where its folder is still known.
-- Misses: images on volumes without a $MFT keep the spelling of the caller.
CREATE OR REPLACE TEMP TABLE system_drive AS
WITH counted AS (
    SELECT host, lower(left(path, 2)) AS volume, count(*) AS starts
    FROM process
    WHERE path ILIKE '_:\windows\system32\%'
    GROUP BY ALL
)
SELECT n.host, coalesce(arg_max(c.volume, c.starts), 'c:') AS volume
FROM (SELECT DISTINCT host FROM source WHERE host IS NOT NULL UNION SELECT DISTINCT host FROM boot UNION SELECT DISTINCT host FROM process) n
LEFT JOIN counted c USING (host)
GROUP BY n.host;

-- Letters and volumes as MountedDevices has them now; deleted values name earlier holders.
CREATE OR REPLACE TEMP TABLE letter_held AS
SELECT * FROM mounted_device WHERE coalesce(origin, '') NOT LIKE 'deleted%';

CREATE OR REPLACE TEMP TABLE mft_volume AS
SELECT s.source_id, s.host,
    coalesce(lower(nullif(regexp_extract(s.windows_path, '^([A-Za-z]:)', 1), '')), d.volume, 'c:') AS volume
FROM source s
LEFT JOIN system_drive d USING (host)
WHERE s.source_id IN (SELECT DISTINCT source_id FROM mft_name UNION SELECT DISTINCT source_id FROM zone_identifier);

CREATE OR REPLACE TEMP TABLE long_spelling AS
WITH RECURSIVE shortened AS (
    SELECT DISTINCT host, canonical(path) AS path
    FROM (
        SELECT host, vhd_file AS path FROM vhdmp
        UNION ALL SELECT host, "location" FROM partition_diagnostic
        UNION ALL SELECT host, regexp_replace(target_filename, '(?i):zone\.identifier(:\$data)?$', '') FROM sysmon_stream_create
        UNION ALL SELECT host, target_filename FROM sysmon_file_create WHERE list_contains(rule_words('image_extension'), extension_of(target_filename))
    )
    WHERE host IS NOT NULL AND regexp_matches(path, '~[^\\]*\\')
),
component AS (
    SELECT DISTINCT host, unnest(list_filter(string_split(lower(path), '\'), lambda c: contains(c, '~'))) AS name FROM shortened
),
folder AS (
    SELECT m.host, m.volume || lower(n.path) AS short_key, min(upper(m.volume) || l.path) AS long_path
    FROM mft_name n
    JOIN mft_volume m USING (source_id)
    SEMI JOIN component c ON c.host = m.host AND c.name = lower(n.name)
    JOIN mft_name l ON l.source_id = n.source_id AND l.record = n.record AND l.sequence = n.sequence AND l.namespace <> 2
    WHERE n.namespace = 2 AND n.is_directory AND n.path IS NOT NULL AND l.path IS NOT NULL
    GROUP BY ALL
    HAVING count(DISTINCT lower(l.path)) = 1
),
-- From the root down, one name a step.
step AS (
    SELECT host, path AS given, path, 0 AS steps FROM shortened
    UNION ALL
    SELECT s.host, s.given, f.long_path || substr(s.path, length(f.short_key) + 1), s.steps + 1
    FROM step s
    JOIN folder f ON f.host = s.host AND f.short_key = lower(regexp_extract(s.path, '^([^~]*~[^\\]*)\\', 1))
    WHERE s.steps < 16
)
SELECT host, lower(given) AS short_key, arg_max(path, steps) AS path FROM step GROUP BY ALL HAVING max(steps) > 0;

-- Access 0x30000 (attach read-only, attach) of AccessMask; a mask without it opens for information only.
-- kernel_number: runs of the kernel, which a fast startup goes on with.
CREATE OR REPLACE TEMP TABLE image_event AS
SELECT v.host, v.channel, v.event_id, v.record_id AS seq, v.time_utc, v.mono_ns, b.boot_number, b.kernel_number,
    coalesce(g.path, canonical(v.vhd_file)) AS path, coalesce(lower(g.path), path_key(v.vhd_file)) AS image_key,
    nullif(v.virtual_disk, 0) AS disk, nullif(v.handle_context, 0) AS handle,
    coalesce(v.status, 0) = 0 AS succeeded,
    coalesce(v.get_info_only, FALSE) OR (coalesce(v.access_mask, 0) <> 0 AND (v.access_mask & 196608) = 0) AS info_only,
    coalesce(v.vm_id, '') NOT IN ('', '00000000-0000-0000-0000-000000000000', '{00000000-0000-0000-0000-000000000000}')
        AS guest,
    v.vhd_disk_number AS disk_number, v.vhd_type, v.user_sid, v.source_id, v.record_offset
FROM timed('vhdmp') v
ASOF LEFT JOIN (
    SELECT host, boot_number, start_ns, boot_number - count(*) FILTER (fast_startup)
        OVER (PARTITION BY host ORDER BY boot_number ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS kernel_number
    FROM boot
) b ON b.host = v.host AND v.mono_ns >= b.start_ns
LEFT JOIN long_spelling g ON g.host = v.host AND g.short_key = path_key(v.vhd_file)
WHERE v.event_id IN (1, 2, 3, 4, 11, 12, 13, 14, 16, 25, 35) AND v.record_id IS NOT NULL;

CREATE OR REPLACE TEMP TABLE disk_event AS
SELECT p.host, p.record_id AS seq, p.time_utc, p.mono_ns, b.boot_number, p.capacity > 0 AS present,
    coalesce(p.bus_type = 15, FALSE)
        OR coalesce(p.manufacturer ILIKE 'Msft%' AND p.model ILIKE 'Virtual Disk%', FALSE) AS is_virtual,
    coalesce(g.path, canonical(p.location)) AS path, coalesce(lower(g.path), path_key(p.location)) AS image_key, p.bus_type, p.disk_number, p.serial_number,
    coalesce(guid_key(p.disk_id), p.disk_number::VARCHAR) AS disk_key,
    -- NTFS boot sector: mark at 3, serial at 0x48 (u32, little endian).
    CASE
        WHEN upper(substr(p.vbr0, 7, 8)) = '4E544653' AND length(p.vbr0) >= 152
            THEN upper(concat(substr(p.vbr0, 151, 2), substr(p.vbr0, 149, 2), '-', substr(p.vbr0, 147, 2), substr(p.vbr0, 145, 2)))
    END AS volume_serial,
    p.source_id, p.record_offset
FROM timed('partition_diagnostic') p
ASOF LEFT JOIN boot b ON b.host = p.host AND p.mono_ns >= b.start_ns
LEFT JOIN long_spelling g ON g.host = p.host AND g.short_key = path_key(p.location)
WHERE p.capacity IS NOT NULL AND p.record_id IS NOT NULL;

CREATE OR REPLACE TEMP TABLE image_path AS
SELECT host, image_key, any_value(path) AS path FROM image_event WHERE image_key IS NOT NULL GROUP BY host, image_key
UNION
SELECT host, image_key, any_value(path) FROM disk_event
WHERE is_virtual AND regexp_matches(image_key, '^([a-z]:\\|\\\\)') GROUP BY host, image_key;

CREATE OR REPLACE TEMP TABLE image_name AS
WITH wanted AS (
    SELECT DISTINCT i.host, i.image_key, i.path, i.volume, CASE WHEN i.guid = '' THEN substr(i.image_key, 3) ELSE substr(i.image_key, length(i.guid) + 1) END AS below,
        i.guid <> '' AS by_guid, lower(l.letter) AS letter
    FROM (SELECT *, left(image_key, 2) AS volume, regexp_extract(image_key, '^(\\\\\?\\volume\{[0-9a-f-]+\})\\', 1) AS guid FROM image_path) i
    -- A volume by its GUID: MountedDevices gives GUID and letter the same data.
    LEFT JOIN letter_held g ON i.guid <> '' AND g.host = i.host AND guid_key(g.volume_guid) = regexp_extract(i.guid, '\{([0-9a-f-]+)\}', 1)
    LEFT JOIN letter_held l ON l.host = g.host AND l.letter IS NOT NULL AND (
        (l.disk_signature = g.disk_signature AND l.partition_offset = g.partition_offset) OR l.partition_guid = g.partition_guid OR l.device_path = g.device_path)
),
lying AS (
    SELECT w.host, w.image_key, n.source_id, n.record, n.sequence,
        coalesce(any_value(l.path) FILTER (l.path IS NOT NULL), any_value(n.path)) AS path,
        any_value(n.record_offset) AS record_offset, bool_or(n.in_use) AS in_use, m.volume
    FROM wanted w
    JOIN mft_volume m ON m.host = w.host AND (m.volume = w.volume OR (w.by_guid AND m.volume = coalesce(w.letter, m.volume)))
    JOIN mft_name n ON n.source_id = m.source_id AND lower(n.path) = w.below
    LEFT JOIN mft_name l ON l.source_id = n.source_id AND l.record = n.record AND l.namespace <> 2 AND n.namespace = 2
    WHERE NOT coalesce(n.is_directory, FALSE)
    GROUP BY ALL
)
SELECT w.host, w.image_key, coalesce(upper(l.volume) || l.path, w.path) AS image_path,
    coalesce(path_key(l.volume || l.path), w.image_key) AS file_key,
    l.source_id, l.record, l.sequence, l.record_offset
FROM (SELECT host, image_key, min(path) AS path FROM wanted GROUP BY ALL) w
-- By its GUID alone: only where one volume has a file of that path.
LEFT JOIN (SELECT * FROM lying QUALIFY min(volume) OVER (PARTITION BY host, image_key) = max(volume) OVER (PARTITION BY host, image_key)) l USING (host, image_key)
-- A deleted record of the same path yields to the file that is there.
QUALIFY row_number() OVER (PARTITION BY w.host, w.image_key ORDER BY l.in_use DESC NULLS LAST, l.sequence DESC) = 1;

-- Names of images, and of shortcuts to them, in the change journal, with the folder that the $MFT still has for them.
CREATE OR REPLACE TEMP TABLE journal_name AS
WITH folder AS (
    SELECT m.host, m.volume, n.record, n.sequence, min(n.path) AS path
    FROM mft_name n
    JOIN mft_volume m USING (source_id)
    WHERE n.is_directory AND n.namespace <> 2 AND n.path IS NOT NULL AND n.path_status = 'ok'
        AND n.record IN (SELECT parent_record FROM usn_record)
    GROUP BY ALL
),
named AS (
    SELECT u.host, u.time_utc, u.name, regexp_matches(u.name, '(?i)\.lnk$') AS is_shortcut, u.record, u.sequence, u.parent_record, u.parent_sequence,
        u.reason_flags, coalesce(lower(nullif(regexp_extract(s.windows_path, '^([A-Za-z]:)', 1), '')), d.volume, 'c:') AS volume,
        u.source_id, u."offset" AS record_offset
    FROM usn_record u
    JOIN source s USING (source_id)
    LEFT JOIN system_drive d ON d.host = u.host
    WHERE u.time_utc IS NOT NULL AND u.host IS NOT NULL
        AND regexp_matches(u.name, '(?i)\.(' || array_to_string(rule_words('image_extension'), '|') || ')(\.lnk)?$')
        -- 0x10: a folder.
        AND (u.file_attribute_flags & 16) = 0
)
SELECT n.*, upper(n.volume) || rtrim(f.path, '\') || '\' || n.name AS path
FROM named n
LEFT JOIN folder f ON f.host = n.host AND f.volume = n.volume AND f.record = n.parent_record AND f.sequence = n.parent_sequence;
