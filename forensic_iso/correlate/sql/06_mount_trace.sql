-- image_mention (temporary): moments at which the host used an image by its name, without saying that it was mounted:
-- Explorer's shortcut in Recent ($MFT; each rewriting in $J, Sysmon 11, Defender's file events), RecentDocs, Explorer's jump lists, PowerShell's calls; shortcuts and
-- jump lists to a file on a volume with the serial of an image in the evidence (content).
-- drive_sign: moments at which a virtual drive was there, without the image: Defender UsbDriveMounted with bus type 15, device
-- arrivals (Security 6416, Kernel-PnP), volumes of file-backed disks (Ntfs 4; Enum\STORAGE by the id of 1006), first installation of a slot (Enum\SCSI, setupapi), MPLog's first scan of \Device\CdRomN,
-- MountPoints2 of a volume GUID that MountedDevices gives to a virtual drive; shellbags and RecentDocs of a drive.
-- told_path: images whose one path on the host is told by an arrival, a shortcut's target, the journal, the Recycle Bin or a log, for
-- traces that keep the name alone.
-- virtual_drive: last arrival and removal of each slot.
-- Misses: other programs' jump lists (opening is no mount there), dialogs, shortcuts whose own times are not known.
CREATE OR REPLACE TEMP TABLE virtual_drive AS
SELECT host, last_arrival_utc AS opened_utc, stamp_ns(host, last_arrival_utc) AS open_ns,
    CASE WHEN last_removal_utc >= last_arrival_utc THEN last_removal_utc END AS closed_utc,
    CASE WHEN last_removal_utc >= last_arrival_utc THEN stamp_ns(host, last_removal_utc) END AS close_ns,
    is_virtual_dvd, image_slot, origin, source_id, "offset" AS record_offset
FROM scsi_device
WHERE coalesce(origin, '') <> 'deleted_loose' AND (is_virtual_dvd OR is_virtual_disk) AND image_slot IS NOT NULL AND last_arrival_utc IS NOT NULL AND coalesce(current, TRUE)
QUALIFY row_number() OVER (PARTITION BY host, device_id, last_arrival_utc ORDER BY source_id, "offset") = 1;

-- Runs of the system as the bounds of mounts that no log tells: where the system failed, its last record says nothing of traces after it,
-- and only the next start ends them.
CREATE OR REPLACE TEMP TABLE run_of_system AS
SELECT b.*, CASE WHEN b.end_basis = 'crash' THEN b.end_ns ELSE b.stop_ns END AS bound_ns, n.started_utc AS next_utc
FROM boot b
LEFT JOIN boot n ON n.host = b.host AND n.boot_number = b.boot_number + 1;
CREATE OR REPLACE TEMP MACRO is_shortcut_of_image(path) AS is_image_name(regexp_replace(path, '(?i)\.lnk$', ''));

-- Each shortcut at hand with the times of its own file.
CREATE OR REPLACE TEMP TABLE shortcut_time AS
SELECT l.host, l.source_id, l."offset" AS record_offset, l.target_path, l.local_path, l.volume_serial, l.volume_label, l.drive_type,
    unnest(list_distinct([e.si_created_utc, e.si_modified_utc])) AS time_utc
FROM lnk l
JOIN mft_volume m ON m.host = l.host
JOIN mft_name n ON n.source_id = m.source_id AND n.namespace <> 2 AND m.volume || lower(n.path) = path_key(l.lnk_path)
JOIN mft_entry e ON e.source_id = n.source_id AND e.record = n.record AND e.sequence = n.sequence
WHERE l.volume_serial IS NOT NULL AND l.local_path LIKE '_:%' AND l.drive_type IN ('CD-ROM', 'fixed');

CREATE OR REPLACE TEMP TABLE image_mention AS
WITH shortcut AS (
    SELECT n.host, n.source_id, n.record_offset, m.volume || lower(n.path) AS lnk_key,
        regexp_replace(file_name(n.path), '(?i)\.lnk$', '') AS image_name,
        unnest(list_distinct([e.si_created_utc, e.si_modified_utc])) AS time_utc
    FROM mft_name n
    JOIN mft_entry e USING (source_id, record, sequence)
    JOIN mft_volume m USING (source_id)
    WHERE n.namespace <> 2 AND n.path ILIKE '%\Recent\%.lnk' AND is_shortcut_of_image(n.path)
),
target AS (
    SELECT host, path_key(lnk_path) AS lnk_key, min(target_path) AS target_path
    FROM lnk WHERE target_path IS NOT NULL GROUP BY ALL
),
-- Images in the evidence by the serial that Windows shows.
serial AS (
    SELECT DISTINCT s.host, v.serial, s.windows_path, lower(regexp_extract(s.path, '[^/\\]+$')) AS image_name,
        CASE WHEN v.filesystem IN ('CDFS', 'UDF') OR v.filesystem IS NULL THEN 'CD-ROM' ELSE 'fixed' END AS drive_type
    FROM image_volume v
    JOIN source s USING (source_id)
    WHERE v.mounted AND v.container_path IS NULL AND v.serial IS NOT NULL
    QUALIFY count(DISTINCT s.source_id) OVER (PARTITION BY s.host, v.serial) = 1
),
said AS (
    SELECT s.host, s.time_utc, s.image_name, t.target_path, 'the shortcut in Recent' AS what, 'user' AS kind,
        lower(regexp_extract(s.lnk_key, '\\users\\([^\\]+)\\', 1)) AS profile, NULL AS user_sid, NULL AS letter,
        s.source_id, 'mft_name' AS table_name, s.record_offset
    FROM shortcut s
    LEFT JOIN target t USING (host, lnk_key)
    UNION ALL
    SELECT j.host, j.time_utc, regexp_replace(j.name, '(?i)\.lnk$', ''), t.target_path, 'the journal''s record of the shortcut in Recent', 'user',
        lower(regexp_extract(j.path, '(?i)\\users\\([^\\]+)\\', 1)), NULL, NULL, j.source_id, 'usn_record', j.record_offset
    FROM journal_name j
    LEFT JOIN target t ON t.host = j.host AND t.lnk_key = path_key(j.path)
    -- Created, or its content written; not deleted (0x200) or renamed (0x3000).
    WHERE j.is_shortcut AND (j.reason_flags & 263) <> 0 AND (j.reason_flags & 12800) = 0 AND (j.path IS NULL OR j.path ILIKE '%\Recent\%')
    UNION ALL
    SELECT f.host, f.happened_utc, regexp_replace(file_name(f.target_filename), '(?i)\.lnk$', ''), t.target_path, 'Explorer''s writing of the shortcut in Recent (Sysmon 11)', 'user',
        lower(regexp_extract(f.target_filename, '(?i)\\users\\([^\\]+)\\', 1)), NULL, NULL, f.source_id, 'sysmon_file_create', f.record_offset
    FROM sysmon_timed('sysmon_file_create') f
    LEFT JOIN target t ON t.host = f.host AND t.lnk_key = path_key(f.target_filename)
    WHERE f.target_filename ILIKE '%\Recent\%.lnk' AND is_shortcut_of_image(f.target_filename) AND program_of(f.image) = 'explorer'
    UNION ALL
    SELECT f.host, f.timestamp_utc, regexp_replace(file_name(f.folder_path), '(?i)\.lnk$', ''), t.target_path, 'Explorer''s writing of the shortcut in Recent (Defender file event)', 'user',
        lower(regexp_extract(f.folder_path, '(?i)\\users\\([^\\]+)\\', 1)), NULL, NULL, f.source_id, 'mde_device_file_events', f.row_address
    FROM mde_device_file_events f
    LEFT JOIN target t ON t.host = f.host AND t.lnk_key = path_key(f.folder_path)
    WHERE f.action_type IN ('FileCreated', 'FileModified') AND f.host IS NOT NULL AND f.timestamp_utc IS NOT NULL
        AND f.folder_path ILIKE '%\Recent\%.lnk' AND is_shortcut_of_image(f.folder_path) AND program_of(f.initiating_process_file_name) = 'explorer'
    UNION ALL
    SELECT host, opened_utc, name, NULL, 'RecentDocs' || recovered(origin), 'user', lower("user"), NULL, NULL, source_id, 'recent_doc', "offset"
    FROM recent_doc
    WHERE opened_utc IS NOT NULL AND is_image_name(name)
    UNION ALL
    SELECT j.host, j.last_accessed_utc, file_name(coalesce(j.target_path, j.path)), coalesce(j.target_path, j.path), 'Explorer''s jump list', 'user',
        lower(regexp_extract(j.jumplist_path, '(?i)\\users\\([^\\]+)\\', 1)), NULL, NULL, j.source_id, 'jumplist_entry', j."offset"
    FROM jumplist_entry j
    WHERE list_contains(rule_words('explorer_jump_list'), lower(j.app_id)) AND j.last_accessed_utc IS NOT NULL
        AND is_image_name(coalesce(j.target_path, j.path))
    UNION ALL
    SELECT c.host, c.time_utc, coalesce(file_name(i.windows_path), i.image_name), i.windows_path,
        'a shortcut to a file on a volume with the image''s serial', 'content', NULL, NULL, lower(left(c.local_path, 2)),
        c.source_id, 'lnk', c.record_offset
    FROM shortcut_time c
    JOIN serial i ON i.host = c.host AND i.serial = c.volume_serial AND i.drive_type = c.drive_type
    UNION ALL
    SELECT j.host, j.last_accessed_utc, coalesce(file_name(i.windows_path), i.image_name), i.windows_path,
        'a jump list''s entry of a file on a volume with the image''s serial', 'content', NULL, NULL, lower(left(j.local_path, 2)),
        j.source_id, 'jumplist_entry', j."offset"
    FROM jumplist_entry j
    JOIN serial i ON i.host = j.host AND i.serial = j.volume_serial AND i.drive_type = j.drive_type
    WHERE j.local_path LIKE '_:%'
    UNION ALL
    SELECT host, time_utc, image_name, image_path, what, 'command', NULL, user_sid, NULL, source_id, table_name, record_offset
    FROM mount_call WHERE NOT is_dismount
    UNION ALL
    -- Summaries of latencies where that run of the system has no other record of the image: opened before the log begins, never removed.
    -- A disk of a virtual machine has them too; what is opened for one bears its id, and a host of such keeps to its users' folders.
    SELECT u.host, u.time_utc, file_name(canonical(u.vhd_file)), canonical(u.vhd_file), 'VHDMP''s summary of its use (300; perhaps by a virtual machine)', 'use',
        lower(regexp_extract(u.vhd_file, '(?i)\\users\\([^\\]+)\\', 1)), NULL, NULL, u.source_id, 'vhdmp', u.record_offset
    FROM timed('vhdmp') u
    ASOF LEFT JOIN boot b ON b.host = u.host AND u.mono_ns >= b.start_ns
    ANTI JOIN image_event e ON e.host = u.host AND e.image_key = path_key(u.vhd_file) AND ((e.boot_number IS NOT DISTINCT FROM b.boot_number AND NOT e.info_only) OR e.guest)
    WHERE u.event_id IN (300, 301) AND list_contains(rule_words('optical_extension'), extension_of(u.vhd_file)) AND u.user_sid NOT LIKE 'S-1-5-83-%' IS NOT FALSE
        AND (regexp_matches(path_key(u.vhd_file), rule_pattern('place_user')) OR u.host NOT IN (SELECT host FROM image_event WHERE guest))
)
SELECT s.* EXCLUDE (user_sid, profile), coalesce(s.user_sid, p.user_sid) AS user_sid, stamp_ns(s.host, s.time_utc) AS mono_ns
FROM said s
LEFT JOIN (
    SELECT host, lower(file_name(profile_path)) AS profile, min(user_sid) AS user_sid FROM user_profile GROUP BY ALL HAVING count(DISTINCT user_sid) = 1
) p ON p.host = s.host AND p.profile = s.profile
WHERE s.image_name <> '';

CREATE OR REPLACE TEMP TABLE drive_sign AS
WITH virtual_volume AS (
    SELECT DISTINCT g.host, lower(g.volume_guid) AS volume_guid, lower(l.letter) AS letter
    FROM letter_held g
    LEFT JOIN letter_held l ON l.host = g.host AND l.source_id = g.source_id AND l.data_hex = g.data_hex AND l.letter IS NOT NULL
    WHERE g.is_virtual_dvd AND g.image_slot IS NOT NULL AND g.volume_guid IS NOT NULL
),
said AS (
    SELECT host, timestamp_utc AS time_utc, lower(left(json_extract_string(fields, '$.DriveLetter'), 1)) || ':' AS letter,
        'Defender UsbDriveMounted, bus type 15 (file-backed), ' || coalesce(json_extract_string(fields, '$.ProductName'), 'product not named') AS what,
        TRUE AS is_virtual, coalesce(json_extract_string(fields, '$.ProductName') ILIKE '%DVD%', FALSE) AS stands_alone,
        source_id, 'mde_device_events' AS table_name, row_address AS record_offset
    FROM (SELECT *, try_cast(additional_fields AS JSON) AS fields FROM mde_device_events WHERE action_type ILIKE 'UsbDriveMount%')
    WHERE json_extract_string(fields, '$.BusType') = '15' AND host IS NOT NULL AND timestamp_utc IS NOT NULL
    UNION ALL
    SELECT host, time_utc, NULL, 'arrival of a virtual drive (Security 6416)', TRUE, FALSE, source_id, 'security_device_arrival', record_offset
    FROM timed('security_device_arrival')
    WHERE regexp_matches(device_id, '(?i)^SCSI\\(CdRom&Ven_Msft&Prod_Virtual_DVD-ROM|Disk&Ven_Msft&Prod_Virtual_Disk)\\2&1f4adffe&')
    UNION ALL
    SELECT host, time_utc, NULL, 'arrival of a virtual drive (Kernel-PnP ' || event_id || ')', TRUE, FALSE, source_id, 'event_other', record_offset
    FROM timed('event_other')
    WHERE provider = 'Microsoft-Windows-Kernel-PnP' AND event_id IN (400, 410)
        AND regexp_matches(data, '(?i)(CdRom&Ven_Msft&Prod_Virtual_DVD-ROM|Disk&Ven_Msft&Prod_Virtual_Disk)\\+2&1f4adffe&')
    UNION ALL
    -- An NTFS volume of a file-backed disk (bus type 15) came.
    SELECT host, time_utc, CASE WHEN volume_name LIKE '_:%' THEN lower(left(volume_name, 2)) END, 'a volume of a file-backed disk mounted (Ntfs 4)', TRUE, FALSE,
        source_id, 'ntfs_volume', record_offset
    FROM timed('ntfs_volume') WHERE event_id = 4 AND bus_type = 15
    UNION ALL
    SELECT host, unnest(list_distinct([install_utc, first_install_utc])), NULL, 'first installation of the virtual drive in slot ' || image_slot || ' (Enum\SCSI)' || recovered(origin),
        TRUE, FALSE, source_id, 'scsi_device', "offset"
    FROM scsi_device WHERE (is_virtual_dvd OR is_virtual_disk) AND image_slot IS NOT NULL AND coalesce(current, TRUE) AND coalesce(origin, '') <> 'deleted_loose'
    UNION ALL
    -- Enum\STORAGE names a volume by its disk's RegistryId, as 1006 logs it: the device's, so of each disk in that slot, and no letter.
    SELECT v.host, v.last_arrival_utc, NULL, 'last arrival of a volume on a virtual disk (Enum\STORAGE, the disk by its id in 1006)', TRUE, FALSE, v.source_id, 'storage_volume', v."offset"
    FROM storage_volume v
    SEMI JOIN (SELECT host, guid_key(registry_id) AS disk_guid FROM timed('partition_diagnostic') WHERE bus_type = 15) p ON p.host = v.host AND p.disk_guid = v.disk_guid
    WHERE v.last_arrival_utc IS NOT NULL AND coalesce(v.current, TRUE) AND coalesce(v.origin, '') <> 'deleted_loose'
    UNION ALL
    -- Local time of the log by the zone in the registry, where that hour came once.
    SELECT * FROM (
        SELECT i.host, make_timestamp_ns(ns_of(i.start_local) + bounded_ns(z.bias_minutes::BIGINT, 1440) * 60000000000), NULL,
            'first installation of a virtual drive (setupapi, local time by the host''s zone)', TRUE, FALSE, i.source_id, 'setupapi_install', i."offset"
        FROM setupapi_install i
        JOIN local_time_offset z ON z.host = i.host AND coalesce(z.current, TRUE) AND i.start_local >= z.since_local AND i.start_local < z.until_local
        WHERE i.virtual_device IS NOT NULL AND i.attached_image
        QUALIFY min(z.bias_minutes) OVER (PARTITION BY i.source_id, i."offset") = max(z.bias_minutes) OVER (PARTITION BY i.source_id, i."offset")
            AND row_number() OVER (PARTITION BY i.source_id, i."offset" ORDER BY z.source_id) = 1
    )
    UNION ALL
    SELECT host, time_utc, NULL, 'Defender''s first sight of ' || regexp_extract("path", '(?i)(\\Device\\CdRom[0-9]+)', 1) || ' (MPLog)', TRUE, FALSE,
        source_id, 'mplog_line', "offset"
    FROM mplog_line WHERE kind IN ('first_scan_on_volume', 'mount_detection') AND "path" ILIKE '%\Device\CdRom%'
    UNION ALL
    SELECT p.host, p.key_last_write_utc, v.letter, 'MountPoints2 of ' || coalesce(p."user", 'a user') || ': volume of a virtual drive' || recovered(p.origin), TRUE, FALSE,
        p.source_id, 'mount_point', p."offset"
    FROM mount_point p
    JOIN virtual_volume v ON v.host = p.host AND v.volume_guid = lower(p.volume_guid)
    UNION ALL
    SELECT host, opened_utc, lower(regexp_extract(name, '\(([A-Za-z]:)\)', 1)), 'RecentDocs names a drive', FALSE, FALSE, source_id, 'recent_doc', "offset"
    FROM recent_doc WHERE opened_utc IS NOT NULL AND regexp_matches(name, '\([A-Za-z]:\)')
    UNION ALL
    SELECT host, unnest(list_distinct([opened_utc, first_opened_utc])), lower(drive), 'a folder view of the drive (shellbag)' || recovered(origin), FALSE, FALSE,
        source_id, 'shellbag', "offset"
    FROM shellbag WHERE drive IS NOT NULL AND kind IN ('volume', 'folder')
)
SELECT s.*, stamp_ns(s.host, s.time_utc) AS mono_ns
FROM said s
LEFT JOIN system_drive d ON d.host = s.host AND d.volume = s.letter
WHERE s.time_utc IS NOT NULL AND s.host IS NOT NULL AND d.volume IS NULL;

CREATE OR REPLACE TEMP TABLE told_path AS
SELECT host, lower(file_name(path)) AS image_name, min(path) AS image_path
FROM (
    SELECT * FROM (
        SELECT host, image_path AS path, 1 AS rank FROM delivery
        UNION ALL SELECT host, image_path, 1 FROM created_event
        UNION ALL SELECT host, path, 1 FROM image_path
        UNION ALL SELECT host, canonical(target_path), 1 FROM browser_download WHERE is_image_name(target_path)
        UNION ALL SELECT host, canonical(target_path), 1 FROM lnk WHERE is_image_name(target_path)
        UNION ALL SELECT host, path, 2 FROM journal_name WHERE NOT is_shortcut AND path NOT ILIKE '_:\$Recycle.Bin\%'
        UNION ALL SELECT host, canonical(original_path), 2 FROM recycle_bin_item WHERE is_image_name(original_path)
        UNION ALL SELECT host, canonical(local_path), 2 FROM bits_transfer WHERE is_image_name(local_path)
        UNION ALL SELECT host, canonical(folder_path), 2 FROM mde_device_file_events WHERE is_image_name(folder_path)
    )
    WHERE host IS NOT NULL AND regexp_matches(path, '^([A-Za-z]:\\|\\\\)')
    -- Where the file came or was named; only without that, where records of change have it.
    QUALIFY rank = min(rank) OVER (PARTITION BY host, lower(file_name(path)))
)
GROUP BY ALL
HAVING count(DISTINCT path_key(path)) = 1;
