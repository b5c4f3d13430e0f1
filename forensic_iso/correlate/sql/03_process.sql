-- process: one row per process start. Sysmon 1, Security 4688 and Defender's DeviceProcessEvents of one host, process id
-- and program within same_act_s are one start; Sysmon's values win, then Security's.
-- Parent: by ProcessGuid; else the newest start of the parent's id before the child in the same run of the system that
-- had not ended and bears the name the child gives its parent. A reused id inherits nothing.
-- End: Sysmon 5 by GUID, else the first end of that id after the start; bounded by the id's next start and the next boot.
-- Misses: starts the logs do not hold (filtered by Sysmon, audit off); names of creators before Windows 10.
CREATE OR REPLACE TEMP TABLE process_record AS
SELECT host, mono_ns, happened_utc AS started_utc, 1 AS rank, process_id AS pid, guid_key(process_guid) AS process_guid,
    canonical(image) AS path, filled(command_line) AS command_line,
    filled(current_directory) AS current_directory, filled(original_file_name) AS original_file_name,
    filled(hashes) AS hashes, filled("user") AS user_name, NULL AS user_sid, lower(filled(integrity_level)) AS integrity,
    guid_key(parent_process_guid) AS parent_guid, parent_process_id AS parent_pid, filled(parent_image) AS parent_path,
    filled(parent_command_line) AS parent_command_line, source_id, record_offset, record_id
FROM sysmon_timed('sysmon_process_create')
WHERE process_id IS NOT NULL AND image IS NOT NULL
UNION ALL
SELECT host, mono_ns, time_utc, 2, new_process_id, NULL, canonical(new_process_name),
    filled(command_line), NULL, NULL, NULL,
    CASE
        WHEN filled(target_user_name) IS NOT NULL AND target_user_sid <> 'S-1-0-0'
            THEN concat_ws('\', filled(target_domain_name), target_user_name)
        ELSE concat_ws('\', filled(subject_domain_name), filled(subject_user_name))
    END,
    CASE
        WHEN filled(target_user_name) IS NOT NULL AND target_user_sid <> 'S-1-0-0' THEN target_user_sid
        ELSE subject_user_sid
    END,
    CASE
        WHEN mandatory_label = 'S-1-16-16384' THEN 'system'
        WHEN mandatory_label = 'S-1-16-12288' OR token_elevation_type = '%%1937' THEN 'high'
        WHEN mandatory_label IN ('S-1-16-8192', 'S-1-16-8448') THEN 'medium'
        WHEN mandatory_label IN ('S-1-16-4096', 'S-1-16-0') THEN 'low'
    END,
    NULL, process_id, filled(parent_process_name), NULL, source_id, record_offset, record_id
FROM timed('security_process_create')
WHERE new_process_id IS NOT NULL AND new_process_name IS NOT NULL
UNION ALL
-- Exported twice: one record each.
SELECT host, stamp_ns(host, coalesce(process_creation_time_utc, timestamp_utc)), coalesce(process_creation_time_utc, timestamp_utc), 3, process_id, NULL,
    canonical(folder_path), filled(process_command_line), NULL, filled(process_version_info_original_file_name),
    filled(concat_ws(',', 'SHA256=' || filled(sha256), 'SHA1=' || filled(sha1), 'MD5=' || filled(md5))),
    concat_ws('\', filled(account_domain), filled(account_name)), filled(account_sid), lower(filled(process_integrity_level)), NULL,
    initiating_process_id, coalesce(filled(initiating_process_folder_path), filled(initiating_process_file_name)), filled(initiating_process_command_line),
    source_id, row_address, row_address
FROM mde_device_process_events
WHERE host IS NOT NULL AND process_id IS NOT NULL AND filled(folder_path) IS NOT NULL AND action_type ILIKE 'ProcessCreated'
    AND coalesce(process_creation_time_utc, timestamp_utc) IS NOT NULL
QUALIFY row_number() OVER (
    PARTITION BY host, process_id, path_key(folder_path), coalesce(process_creation_time_utc, timestamp_utc) ORDER BY source_id, row_address
) = 1;

-- Hosts as numbers, so that what is put in order below are numbers alone.
CREATE OR REPLACE TEMP TABLE host_number AS
SELECT host, row_number() OVER () AS host_number FROM (SELECT DISTINCT host FROM process_record);

CREATE OR REPLACE TEMP TABLE process_start AS
WITH program AS (
    SELECT path, dense_rank() OVER (ORDER BY below_key) AS program_number
    FROM (
        -- One log names the letter, another the device: the path below it must do.
        SELECT path, CASE WHEN path[2] = ':' THEN substr(lower(path), 3) WHEN starts_with(lower(path), '\device\') THEN regexp_replace(lower(path), '^\\device\\[a-z]+[0-9]+', '')
            ELSE lower(path) END AS below_key
        FROM (SELECT DISTINCT path FROM process_record)
    )
),
neighbour AS (
    SELECT r.rowid AS number, h.host_number, r.pid, p.program_number, r.mono_ns, r.rank, row_number() OVER near AS turn,
        lag(r.mono_ns) OVER near AS before_ns,
        -- The record of the same log before it: of three logs at most two lie between, but for one start logged under several ids.
        CASE r.rank WHEN lag(r.rank) OVER near THEN lag(r.mono_ns) OVER near WHEN lag(r.rank, 2) OVER near THEN lag(r.mono_ns, 2) OVER near
            WHEN lag(r.rank, 3) OVER near THEN lag(r.mono_ns, 3) OVER near END AS same_log_ns
    FROM process_record r
    JOIN host_number h USING (host)
    JOIN program p USING (path)
    WINDOW near AS (PARTITION BY h.host_number, r.pid, p.program_number ORDER BY r.mono_ns, r.rank, r.record_id)
),
clustered AS (
    SELECT number, host_number, pid, program_number, mono_ns, rank, rank * 1000000000000 + turn AS best,
        mono_ns > same_log_ns AND mono_ns - same_log_ns <= rule_ns('same_act_s') AS is_again,
        sum(CASE WHEN before_ns IS NULL OR mono_ns - before_ns > rule_ns('same_act_s') THEN 1 ELSE 0 END)
            OVER (PARTITION BY host_number, pid, program_number ORDER BY turn)::BIGINT AS cluster
    FROM neighbour
),
-- Two records of one log are two starts, unless of one instant (the same start logged under another record id): an id used again
-- at once. The log with the most starts counts them, the others' records go to the nearest.
reused AS (
    SELECT c.* FROM clustered c
    SEMI JOIN (SELECT DISTINCT host_number, pid, program_number, cluster FROM clustered WHERE is_again) a
        ON a.host_number = c.host_number AND a.pid = c.pid AND a.program_number = c.program_number AND a.cluster = c.cluster
),
counting AS (
    SELECT host_number, pid, program_number, cluster, rank
    FROM (SELECT host_number, pid, program_number, cluster, rank, count(DISTINCT mono_ns) AS starts FROM reused GROUP BY ALL)
    QUALIFY row_number() OVER (PARTITION BY host_number, pid, program_number, cluster ORDER BY starts DESC, rank) = 1
),
counted AS (
    SELECT host_number, pid, program_number, cluster, mono_ns, row_number() OVER (PARTITION BY host_number, pid, program_number, cluster ORDER BY mono_ns) AS place
    FROM (SELECT DISTINCT r.host_number, r.pid, r.program_number, r.cluster, r.mono_ns FROM reused r JOIN counting USING (host_number, pid, program_number, cluster, rank))
),
placed AS (
    SELECT r.number, n.place
    FROM reused r
    JOIN counted n USING (host_number, pid, program_number, cluster)
    QUALIFY row_number() OVER (PARTITION BY r.number ORDER BY abs(r.mono_ns - n.mono_ns), n.place) = 1
),
numbered AS (
    SELECT c.number, c.host_number, c.pid, c.program_number, c.best, c.cluster * 1000000 + coalesce(p.place, 0) AS start_number
    FROM clustered c
    LEFT JOIN placed p USING (number)
),
start AS (
    SELECT host_number, pid, program_number, start_number, min_by(number, best) AS number,
        CASE WHEN count(*) = 2 THEN max_by(number, best) END AS second, count(*) AS records
    FROM numbered
    GROUP BY ALL
),
-- What the other records of a start add to its best one: nearly always it is one record, which needs no summing up.
other AS (
    SELECT s.number, r.process_guid, r.command_line, r.current_directory, r.original_file_name, r.hashes, r.user_name, r.user_sid, r.integrity,
        r.parent_guid, r.parent_pid, r.parent_path, r.parent_command_line, NULL AS sysmon_source_id, NULL AS sysmon_offset,
        CASE WHEN r.rank = 2 THEN r.source_id END AS security_source_id, CASE WHEN r.rank = 2 THEN r.record_offset END AS security_offset,
        CASE WHEN r.rank = 3 THEN r.source_id END AS mde_source_id, CASE WHEN r.rank = 3 THEN r.record_offset END AS mde_row
    FROM start s
    JOIN process_record r ON r.rowid = s.second
    UNION ALL
    SELECT s.number, max(r.process_guid), min_by(r.command_line, n.best), max(r.current_directory), max(r.original_file_name), max(r.hashes),
        min_by(r.user_name, n.best), max(r.user_sid), min_by(r.integrity, n.best), max(r.parent_guid), min_by(r.parent_pid, n.best),
        min_by(r.parent_path, n.best), max(r.parent_command_line), max(r.source_id) FILTER (r.rank = 1), max(r.record_offset) FILTER (r.rank = 1),
        max(r.source_id) FILTER (r.rank = 2), max(r.record_offset) FILTER (r.rank = 2), max(r.source_id) FILTER (r.rank = 3), max(r.record_offset) FILTER (r.rank = 3)
    FROM (SELECT * FROM start WHERE records > 2) s
    JOIN numbered n USING (host_number, pid, program_number, start_number)
    JOIN process_record r ON r.rowid = n.number
    WHERE n.number <> s.number
    GROUP BY s.number
)
SELECT s.number, s.host_number, b.host, b.pid, b.started_utc, b.mono_ns AS start_ns, greatest(b.process_guid, o.process_guid) AS process_guid, b.path,
    coalesce(b.command_line, o.command_line) AS command_line, greatest(b.current_directory, o.current_directory) AS current_directory,
    greatest(b.original_file_name, o.original_file_name) AS original_file_name, greatest(b.hashes, o.hashes) AS hashes,
    coalesce(b.user_name, o.user_name) AS user_name, greatest(b.user_sid, o.user_sid) AS user_sid, coalesce(b.integrity, o.integrity) AS integrity,
    greatest(b.parent_guid, o.parent_guid) AS parent_guid, coalesce(b.parent_pid, o.parent_pid) AS parent_pid,
    coalesce(b.parent_path, o.parent_path) AS parent_path, greatest(b.parent_command_line, o.parent_command_line) AS parent_command_line,
    greatest(CASE WHEN b.rank = 1 THEN b.source_id END, o.sysmon_source_id) AS sysmon_source_id,
    greatest(CASE WHEN b.rank = 1 THEN b.record_offset END, o.sysmon_offset) AS sysmon_offset,
    greatest(CASE WHEN b.rank = 2 THEN b.source_id END, o.security_source_id) AS security_source_id,
    greatest(CASE WHEN b.rank = 2 THEN b.record_offset END, o.security_offset) AS security_offset,
    greatest(CASE WHEN b.rank = 3 THEN b.source_id END, o.mde_source_id) AS mde_source_id, greatest(CASE WHEN b.rank = 3 THEN b.record_offset END, o.mde_row) AS mde_row
FROM process_record b
JOIN start s ON s.number = b.rowid
LEFT JOIN other o ON o.number = s.number;

CREATE OR REPLACE TEMP TABLE process_end AS
SELECT h.host_number, e.process_id AS pid, guid_key(e.process_guid) AS process_guid, e.happened_utc AS ended_utc, e.mono_ns
FROM sysmon_timed('sysmon_process_terminate') e
JOIN host_number h USING (host)
UNION ALL
SELECT h.host_number, e.process_id, NULL, e.time_utc, e.mono_ns
FROM timed('security_process_exit') e
JOIN host_number h USING (host);

-- What is found out about each start: narrow, the start's own columns are joined once, at the end.
CREATE OR REPLACE TEMP TABLE process_life AS
WITH turn AS (
    SELECT number, host_number, pid, start_ns, lead(start_ns) OVER (PARTITION BY host_number, pid ORDER BY start_ns) AS next_ns FROM process_start
),
guid_end AS (
    SELECT host_number, process_guid, min(ended_utc) AS ended_utc, min(mono_ns) AS mono_ns
    FROM process_end WHERE process_guid IS NOT NULL GROUP BY ALL
),
by_guid AS (
    SELECT s.number, g.ended_utc, g.mono_ns
    FROM process_start s
    JOIN guid_end g USING (host_number, process_guid)
),
by_pid AS (
    SELECT t.number, e.ended_utc, e.mono_ns
    FROM (SELECT * FROM turn ANTI JOIN by_guid USING (number)) t
    ASOF JOIN process_end e ON e.host_number = t.host_number AND e.pid = t.pid AND t.start_ns <= e.mono_ns
    WHERE t.next_ns IS NULL OR e.mono_ns < t.next_ns
),
ended AS (
    SELECT * FROM by_guid UNION ALL SELECT * FROM by_pid
),
in_boot AS (
    SELECT t.number, t.next_ns, b.boot_number, b.end_ns
    FROM turn t
    ASOF LEFT JOIN (SELECT h.host_number, b.boot_number, b.start_ns, b.end_ns FROM boot b JOIN host_number h USING (host)) b
        ON b.host_number = t.host_number AND t.start_ns >= b.start_ns
)
SELECT s.number, s.host_number, s.pid, s.start_ns, s.process_guid, s.parent_guid, s.parent_pid,
    short_hash(concat_ws('|', 'process', s.host, s.pid, lower(s.path), s.start_ns, s.process_guid)) AS process_key,
    b.boot_number, e.ended_utc, least(e.mono_ns, b.next_ns, b.end_ns) AS end_ns
FROM process_start s
JOIN in_boot b USING (number)
LEFT JOIN ended e USING (number);

INSERT INTO process BY NAME
WITH by_guid AS (
    SELECT c.number, min(p.process_key) AS parent_key
    FROM process_life c
    JOIN process_life p ON p.host_number = c.host_number AND p.process_guid = c.parent_guid
    WHERE p.process_key <> c.process_key
    GROUP BY c.number
),
-- Numbers alone are put in order; names and ids are compared where these agree.
alive AS (
    SELECT c.number, p.number AS parent_number
    FROM (SELECT number, host_number, parent_pid, start_ns, boot_number FROM process_life) c
    ASOF JOIN (SELECT number, host_number, pid, start_ns, end_ns, boot_number FROM process_life) p
        ON p.host_number = c.host_number AND p.pid = c.parent_pid AND c.start_ns >= p.start_ns
    WHERE p.boot_number IS NOT DISTINCT FROM c.boot_number AND (p.end_ns IS NULL OR c.start_ns <= p.end_ns + rule_ns('same_act_s'))
),
by_pid AS (
    SELECT a.number, k.process_key AS parent_key, p.path AS parent_path, p.command_line AS parent_command_line
    FROM alive a
    JOIN process_start c ON c.number = a.number
    JOIN process_start p ON p.number = a.parent_number
    JOIN process_life o ON o.number = a.number
    JOIN process_life k ON k.number = a.parent_number
    WHERE k.process_key <> o.process_key AND (c.parent_path IS NULL OR program_of(c.parent_path) = program_of(p.path))
        AND (c.parent_guid IS NULL OR p.process_guid IS NULL OR c.parent_guid = p.process_guid)
)
SELECT s.* EXCLUDE (number, host_number, parent_guid) REPLACE (
        coalesce(s.parent_path, p.parent_path) AS parent_path, coalesce(s.parent_command_line, p.parent_command_line) AS parent_command_line),
    l.process_key, l.boot_number, l.ended_utc, l.end_ns, coalesce(g.parent_key, p.parent_key) AS parent_key,
    CASE WHEN g.parent_key IS NOT NULL THEN 'guid' WHEN p.parent_key IS NOT NULL THEN 'pid' END AS parent_basis
FROM process_start s
JOIN process_life l USING (number)
LEFT JOIN by_guid g USING (number)
LEFT JOIN by_pid p USING (number);
