-- volume_witness (temporary): what names the volume of a session, besides its uses: registry_letter; the shortcut or
-- jump list whose target's volume has the image's serial; the partition that Partition/Diagnostic 1006 saw on the disk
-- and MountedDevices has under a letter, or that the image in the evidence has itself; MountedDevices alone, written at the opening.
-- A GPT partition's id is its volume's GUID. disk_place: partitions of all disks that 1006 logged. hive_written: how late a SYSTEM hive is.
-- stick_letter: letters that MountedDevices gives to another medium: a removable one, an optical drive that is no image's, a disk's
-- partition while the image is optical. Order: domain facts, letters, strongest first.
-- Misses: shortcuts of images that were not collected; letters given anew since.
-- Hex of a number stored little endian: its bytes turned round.
CREATE OR REPLACE TEMP MACRO byte_order(hex_text) AS
    array_to_string(list_reverse(regexp_extract_all(hex_text, '..')), '');

-- Places of partitions as 1006 logged the disks.
CREATE OR REPLACE TEMP TABLE disk_place AS
WITH partition AS (
    SELECT p.host, path_key(p.location) AS image_key, p.mono_ns,
        upper(byte_order(CASE WHEN length(p.mbr) >= 1024 THEN substr(p.mbr, 881, 8) WHEN p.partition_style = 0 THEN substr(p.partition_table, 17, 8) END)) AS signature,
        p.mbr, p.partition_table, coalesce(nullif(p.bytes_per_sector, 0), 512) AS sector, p.partition_style, n.number, p.source_id, p.record_offset
    FROM timed('partition_diagnostic') p
    CROSS JOIN range(4) n(number)
    WHERE p.capacity > 0
)
SELECT host, image_key, mono_ns, signature, NULL AS partition_guid, FALSE AS is_data, source_id, record_offset,
    unnest([
        try_cast('0x' || byte_order(substr(mbr, 909 + 32 * number, 8)) AS UBIGINT) * sector,
        try_cast('0x' || byte_order(substr(partition_table, 113 + 288 * number, 16)) AS UBIGINT)
    ]) AS partition_offset
FROM partition WHERE length(signature) = 8 AND partition_style IS DISTINCT FROM 1
UNION ALL
SELECT host, image_key, mono_ns, NULL, lower(concat_ws('-', byte_order(substr(g, 1, 8)), byte_order(substr(g, 9, 4)), byte_order(substr(g, 13, 4)), substr(g, 17, 4), substr(g, 21, 12))),
    is_data, source_id, record_offset, NULL
FROM (
    SELECT *, substr(partition_table, 193 + 288 * number, 32) AS g,
        -- Type of basic data: the system's own partitions get no letter.
        partition_style = 1 AND substr(partition_table, 161 + 288 * number, 32) ILIKE 'A2A0D0EBE5B9334487C068B6B72699C7' AS is_data
    FROM partition WHERE length(partition_table) >= 224 + 288 * number
);

CREATE OR REPLACE TEMP TABLE volume_witness AS
WITH identity AS (
    SELECT DISTINCT session_id, host, image_key, volume_serial, lower(volume_label) AS label FROM session_file WHERE volume_serial IS NOT NULL
),
shortcut AS (
    SELECT host, lower(left(local_path, 2)) AS volume, volume_serial, lower(volume_label) AS label, drive_type, NULL::TIMESTAMP_NS AS time_utc,
        source_id, 'lnk' AS table_name, "offset" AS record_offset
    FROM lnk WHERE local_path LIKE '_:%' AND volume_serial IS NOT NULL
    UNION ALL
    SELECT host, lower(left(local_path, 2)), volume_serial, lower(volume_label), drive_type, last_accessed_utc, source_id, 'jumplist_entry', "offset"
    FROM jumplist_entry WHERE local_path LIKE '_:%' AND volume_serial IS NOT NULL
),
-- One image in several sessions: a shortcut says which only by its time.
by_serial AS (
    SELECT s.session_id, s.host, c.volume, i.label IS NOT DISTINCT FROM c.label AS same_label, c.source_id, c.table_name, c.record_offset
    FROM shortcut c
    JOIN identity i ON i.host = c.host AND i.volume_serial = c.volume_serial
    JOIN session s ON s.session_id = i.session_id
    WHERE s.open_ns IS NOT NULL AND c.drive_type = CASE WHEN s.image_kind = 'disk' THEN 'fixed' ELSE 'CD-ROM' END
    QUALIFY count(DISTINCT s.session_id) OVER (PARTITION BY c.host, c.source_id, c.table_name, c.record_offset) = 1
        OR stamp_ns(c.host, c.time_utc) BETWEEN s.open_ns - rule_ns('same_act_s') AND coalesce(s.end_ns, never_ns()) + rule_ns('same_act_s')
),
-- MBR: signature at 0x1B8, entries at 0x1BE, first sector at 8 of each. DRIVE_LAYOUT_INFORMATION_EX: MBR signature at 8;
-- entries of 144 bytes from 48, first byte at 8 of each, its GPT id at 48.
by_guid AS (
    SELECT DISTINCT s.session_id, s.host, '\\?\volume{' || p.partition_guid || '}' AS volume, p.source_id, p.record_offset
    FROM disk_place p
    JOIN session s ON s.host = p.host AND p.image_key IN (s.image_key, s.file_key) AND p.mono_ns >= s.open_ns - rule_ns('attach_window_s') AND (s.end_ns IS NULL OR p.mono_ns <= s.end_ns)
    WHERE p.partition_guid IS NOT NULL AND p.is_data
),
by_partition AS (
    SELECT DISTINCT s.session_id, s.host, lower(d.letter) AS volume, recovered(d.origin) AS remark, d.source_id, d."offset" AS record_offset
    FROM disk_place p
    JOIN session s ON s.host = p.host AND p.image_key IN (s.image_key, s.file_key) AND p.mono_ns >= s.open_ns - rule_ns('attach_window_s') AND (s.end_ns IS NULL OR p.mono_ns <= s.end_ns)
    JOIN mounted_device d ON d.host = p.host AND d.letter IS NOT NULL AND coalesce(d.origin, '') <> 'deleted_loose'
        AND ((d.disk_signature = p.signature AND d.partition_offset = p.partition_offset AND p.partition_offset > 0) OR d.partition_guid = p.partition_guid)
),
-- The image in the evidence tells its partitions itself: a GPT one by its id; an MBR one by its offset, where MountedDevices was
-- written at the opening and has one letter at that offset.
by_own_table AS (
    SELECT DISTINCT s.session_id, s.host, lower(d.letter) AS volume, v.partition_guid IS NOT NULL AND d.partition_guid = v.partition_guid AS is_by_id, recovered(d.origin) AS remark,
        d.source_id, d."offset" AS record_offset
    FROM (SELECT DISTINCT session_id, source_id FROM session_file) f
    JOIN session s USING (session_id)
    JOIN image_volume v ON v.source_id = f.source_id AND v.mounted AND v.container_path IS NULL
    JOIN mounted_device d ON d.host = s.host AND d.letter IS NOT NULL AND coalesce(d.origin, '') <> 'deleted_loose'
        AND (d.partition_guid = guid_key(v.partition_guid)
            OR (v.partition_guid IS NULL AND v.volume_offset > 0 AND d.partition_offset = v.volume_offset AND coalesce(d.origin, '') NOT LIKE 'deleted%'
                AND abs(stamp_ns(d.host, d.key_last_write_utc) - s.open_ns) <= rule_ns('attach_trace_s')))
    LEFT JOIN mft_volume m ON m.host = d.host AND m.volume = lower(d.letter)
    LEFT JOIN system_drive y ON y.host = d.host AND y.volume = lower(d.letter)
    WHERE s.image_kind = 'disk' AND m.volume IS NULL AND y.volume IS NULL
    QUALIFY is_by_id OR count(DISTINCT lower(d.letter)) OVER (PARTITION BY s.session_id) = 1
),
-- MountedDevices alone: the only image opened when the key was written, the only letter of such a drive.
by_time AS (
    SELECT s.session_id, s.host, lower(d.letter) AS volume, d.source_id, d."offset" AS record_offset
    FROM letter_held d
    JOIN session s ON s.host = d.host AND s.image_kind = 'optical'
        AND abs(stamp_ns(d.host, d.key_last_write_utc) - s.open_ns) <= rule_ns('attach_trace_s')
    WHERE d.is_virtual_dvd AND d.image_slot IS NOT NULL AND d.letter IS NOT NULL
    QUALIFY count(*) OVER (PARTITION BY d.host) = 1
),
-- Folders that the image lists, viewed under the letter while it alone of such images was open.
by_folder AS (
    SELECT s.session_id, s.host, b.volume, min_by(b.source_id, b.record_offset) AS source_id, min(b.record_offset) AS record_offset
    FROM (
        SELECT host, lower(drive) AS volume, lower(substr(rtrim("path", '\'), 4)) AS folder, source_id, "offset" AS record_offset,
            unnest(list_distinct([opened_utc, first_opened_utc, node_last_write_utc])) AS time_utc
        FROM shellbag WHERE kind = 'folder' AND drive IS NOT NULL AND length("path") > 3
    ) b
    JOIN session s ON s.host = b.host AND s.open_ns IS NOT NULL AND stamp_ns(b.host, b.time_utc) >= s.open_ns - rule_ns('same_act_s')
        AND (s.end_ns IS NULL OR stamp_ns(b.host, b.time_utc) <= s.end_ns + rule_ns('same_act_s'))
    SEMI JOIN session_file f ON f.session_id = s.session_id AND starts_with(lower(f.path), b.folder || '\')
    GROUP BY s.session_id, s.host, b.volume, b.folder
    QUALIFY count(*) OVER (PARTITION BY s.host, b.volume, b.folder) = 1
)
SELECT session_id, host, volume, rule_value('c_volume_registry') AS confidence, basis, source_id, table_name, record_offset FROM registry_letter
UNION ALL
SELECT session_id, host, volume, rule_value('c_volume_registry'), basis, source_id, table_name, record_offset FROM trace_letter
UNION ALL
SELECT session_id, host, volume, CASE WHEN same_label THEN rule_value('c_volume_label') ELSE rule_value('c_volume_serial') END,
    CASE WHEN table_name = 'lnk' THEN 'a shortcut' ELSE 'a jump list' END || ' names the letter with the image''s serial'
        || CASE WHEN same_label THEN ' and label' ELSE '' END,
    source_id, table_name, record_offset
FROM by_serial
UNION ALL
SELECT session_id, host, volume, rule_value('c_volume_disk_evidence'), 'MountedDevices has the disk''s partition, as 1006 logged it, under the letter' || remark,
    source_id, 'mounted_device', record_offset
FROM by_partition
UNION ALL
SELECT session_id, host, volume, rule_value('c_volume_disk_evidence'), 'the disk''s partition, as 1006 logged it, has the volume''s GUID',
    source_id, 'partition_diagnostic', record_offset
FROM by_guid
UNION ALL
SELECT session_id, host, volume, rule_value(CASE WHEN is_by_id THEN 'c_volume_disk_evidence' ELSE 'c_volume_registry' END),
    CASE WHEN is_by_id THEN 'MountedDevices has the image''s own partition under the letter'
        ELSE 'MountedDevices, written when the image was opened, has a partition at the offset of the image''s own under the letter' END || remark,
    source_id, 'mounted_device', record_offset
FROM by_own_table
UNION ALL
SELECT session_id, host, volume, rule_value('c_volume_registry'), 'MountedDevices gives the letter to a virtual drive, written when the image was opened',
    source_id, 'mounted_device', record_offset
FROM by_time
UNION ALL
SELECT session_id, host, volume, rule_value('c_volume_listed_path'), 'a folder that the image lists was viewed under the letter (shellbag)', source_id, 'shellbag', record_offset
FROM by_folder;

-- Until when a SYSTEM hive at hand was written: one from before a mount (not yet written back) knows nothing of its letter.
CREATE OR REPLACE TEMP TABLE hive_written AS
SELECT source_id, max(time_utc) AS time_utc
FROM (
    SELECT source_id, key_last_write_utc AS time_utc FROM mounted_device
    UNION ALL SELECT source_id, greatest(last_arrival_utc, last_removal_utc, key_last_write_utc) FROM scsi_device
    UNION ALL SELECT source_id, greatest(last_arrival_utc, last_removal_utc, key_last_write_utc) FROM usb_storage_device
    UNION ALL SELECT source_id, greatest(last_arrival_utc, key_last_write_utc) FROM storage_volume
    UNION ALL SELECT source_id, key_last_write_utc FROM service
    UNION ALL SELECT source_id, key_last_write_utc FROM host_setting
    UNION ALL SELECT source_id, last_run_utc FROM bam_entry
)
GROUP BY source_id;

-- As the key was written last before the end of the session, the letter was that medium's: an image on it had taken its place there.
-- A drive that is built in keeps its letter, and a disk that 1006 had there when the image was opened.
CREATE OR REPLACE TEMP TABLE stick_letter AS
WITH present AS (
    SELECT e.host, d.letter, e.mono_ns AS from_ns, coalesce(e.next_ns, b.stop_ns, never_ns()) AS to_ns
    FROM (SELECT *, lead(mono_ns) OVER (PARTITION BY host, disk_key, boot_number ORDER BY seq) AS next_ns FROM disk_event) e
    JOIN disk_place p ON p.host = e.host AND p.source_id = e.source_id AND p.record_offset = e.record_offset
    JOIN letter_held d ON d.host = e.host AND d.letter IS NOT NULL
        AND ((d.disk_signature = p.signature AND d.partition_offset = p.partition_offset AND p.partition_offset > 0) OR d.partition_guid = p.partition_guid)
    LEFT JOIN boot b ON b.host = e.host AND b.boot_number = e.boot_number
    WHERE e.present AND NOT e.is_virtual
)
SELECT DISTINCT s.session_id, lower(d.letter) AS volume,
    CASE WHEN d.device_path ILIKE '%usbstor%' THEN 'a removable medium' WHEN d.device_path ILIKE '%cdrom%' THEN 'an optical drive of the host'
        ELSE 'another disk' END AS medium
FROM letter_held d
JOIN session s ON s.host = d.host AND s.open_ns IS NOT NULL
LEFT JOIN (SELECT DISTINCT session_id, volume FROM volume_witness) w ON w.session_id = s.session_id AND w.volume = lower(d.letter)
LEFT JOIN hive_written h ON h.source_id = d.source_id
WHERE d.letter IS NOT NULL AND w.session_id IS NULL
    AND (
        -- A guest's own drive of Hyper-V has a short instance.
        regexp_matches(d.device_path, '(?i)(ide|scsi|sbp2)#cdrom')
            AND (NOT regexp_matches(d.device_path, '(?i)&ven_msft&prod_virtual_dvd-rom') OR regexp_matches(d.device_path, '(?i)&prod_virtual_dvd-rom#[0-9a-f]+#'))
        OR ((d.device_path ILIKE '%usbstor%' OR (s.image_kind = 'optical' AND (d.disk_signature IS NOT NULL OR d.partition_guid IS NOT NULL)))
            AND (s.end_ns IS NULL OR stamp_ns(d.host, d.key_last_write_utc) <= s.end_ns) AND stamp_ns(d.host, h.time_utc) >= s.open_ns)
        OR EXISTS (SELECT 1 FROM present p WHERE p.host = s.host AND p.letter = d.letter AND s.open_ns BETWEEN p.from_ns AND p.to_ns)
    );
