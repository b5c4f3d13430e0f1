-- session: mounts that no log tells, from SYSTEM\Enum\SCSI: last arrival and last removal of a virtual drive.
-- The image is named by what mentions one within attach_trace_s of the arrival (image_mention): the shortcut that Explorer
-- wrote to Recent, the newest entry of RecentDocs, a jump list, a call of Mount-DiskImage; its path by the shortcut's target,
-- else by the file of the name that lies on the host, marked ones first: basis says where several do.
-- Not taken: arrivals that a session by VHDMP or 1006 explains, and arrivals with no name of an image beside them.
-- Misses: all but the last mount of each drive (06_trace_session has weaker traces of them).
ALTER TABLE session ADD COLUMN other_basis VARCHAR;
ALTER TABLE session ADD COLUMN trace_source VARCHAR;
ALTER TABLE session ADD COLUMN trace_table VARCHAR;
ALTER TABLE session ADD COLUMN trace_offset BIGINT;

INSERT INTO session BY NAME
WITH unexplained AS (
    SELECT v.*
    FROM virtual_drive v
    ANTI JOIN session s ON s.host = v.host AND abs(s.open_ns - v.open_ns) <= rule_ns('attach_trace_s')
),
named AS (
    SELECT v.*, r.image_name, r.what, r.user_sid,
        coalesce(r.target_path, max(r.target_path) OVER (PARTITION BY v.host, v.open_ns, v.image_slot, lower(r.image_name))) AS target_path,
        r.source_id AS trace_source, r.table_name AS trace_table, r.record_offset AS trace_offset
    FROM unexplained v
    JOIN image_mention r ON r.host = v.host AND r.kind <> 'content' AND abs(ns_of(r.time_utc) - ns_of(v.opened_utc)) <= rule_ns('attach_trace_s')
    QUALIFY row_number() OVER (
        PARTITION BY v.host, v.open_ns, v.image_slot
        ORDER BY abs(ns_of(r.time_utc) - ns_of(v.opened_utc)), r.image_name, r.target_path IS NULL, r.table_name
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
SELECT short_hash(concat_ws('|', 'session', n.host, coalesce(p.file_key, path_key(n.target_path), path_key(t.image_path), lower(n.image_name)), n.open_ns)) AS session_id,
    n.host, coalesce(p.file_key, path_key(n.target_path), path_key(t.image_path), lower(n.image_name)) AS image_key, coalesce(p.file_key, path_key(n.target_path), path_key(t.image_path), lower(n.image_name)) AS file_key,
    coalesce(p.image_path, n.target_path, t.image_path, n.image_name) AS image_path, p.record, p.sequence, p.mft_source, p.mft_offset,
    n.opened_utc, n.open_ns, coalesce(n.closed_utc, CASE WHEN b.end_basis = 'crash' AND b.stop_ns < n.open_ns THEN b.next_utc ELSE b.ended_utc END) AS closed_utc, n.close_ns, coalesce(n.close_ns, b.bound_ns) AS end_ns, b.boot_number,
    CASE WHEN n.close_ns IS NOT NULL THEN 'removed' WHEN coalesce(b.end_basis, 'log_end') = 'log_end' THEN 'open_ended' ELSE b.end_basis END AS close_basis,
    CASE WHEN n.is_virtual_dvd THEN 'optical' ELSE 'disk' END AS image_kind,
    FALSE AS has_vhdmp, FALSE AS removal_only, FALSE AS has_handle, FALSE AS logs_handles, coalesce(n.close_ns IS NULL AND b.fast_startup, FALSE) AS may_have_survived,
    'registry: arrival of the virtual drive in slot ' || n.image_slot || CASE WHEN n.close_ns IS NOT NULL THEN ' and its removal' ELSE '' END
        || ' (Enum\SCSI)' || recovered(n.origin) || '; image named by ' || n.what || ' of that moment'
        || CASE WHEN n.target_path IS NOT NULL THEN ', its path by the target' WHEN p.places > 1 THEN ', one of ' || p.places || ' files of the name'
            WHEN p.places IS NULL AND t.image_path IS NOT NULL THEN ', its path the only one of that name on the host'
            WHEN p.places IS NULL THEN ', its folder is not known' ELSE '' END AS other_basis,
    n.user_sid, n.source_id AS disk_source, n.record_offset AS disk_offset, n.trace_source, n.trace_table, n.trace_offset
FROM named n
LEFT JOIN placed p USING (host, open_ns, image_slot)
LEFT JOIN told_path t ON t.host = n.host AND t.image_name = lower(n.image_name)
ASOF LEFT JOIN run_of_system b ON b.host = n.host AND n.open_ns >= b.start_ns;
