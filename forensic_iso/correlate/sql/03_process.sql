-- process: one row per process start. Sysmon 1, Security 4688 and Defender's DeviceProcessEvents of one host, process id
-- and program within same_act_s are one start; Sysmon's values win, then Security's.
-- Parent: by ProcessGuid; else the newest start of the parent's id before the child in the same run of the system that
-- had not ended and bears the name the child gives its parent. A reused id inherits nothing.
-- End: Sysmon 5 by GUID, else the first end of that id after the start; bounded by the id's next start and the next boot.
-- Misses: starts the logs do not hold (filtered by Sysmon, audit off); names of creators before Windows 10.
CREATE OR REPLACE TEMP TABLE process_record AS
SELECT host, mono_ns, happened_utc AS started_utc, 1 AS rank, process_id AS pid, guid_key(process_guid) AS process_guid,
    canonical(image) AS path, path_key(image) AS image_key, filled(command_line) AS command_line,
    filled(current_directory) AS current_directory, filled(original_file_name) AS original_file_name,
    filled(hashes) AS hashes, filled("user") AS user_name, NULL AS user_sid, lower(filled(integrity_level)) AS integrity,
    guid_key(parent_process_guid) AS parent_guid, parent_process_id AS parent_pid, filled(parent_image) AS parent_path,
    filled(parent_command_line) AS parent_command_line, source_id, record_offset, record_id
FROM sysmon_timed('sysmon_process_create')
WHERE process_id IS NOT NULL AND image IS NOT NULL
UNION ALL
SELECT host, mono_ns, time_utc, 2, new_process_id, NULL, canonical(new_process_name), path_key(new_process_name),
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
    canonical(folder_path), path_key(folder_path), filled(process_command_line), NULL, filled(process_version_info_original_file_name),
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

-- Windows over the keys alone: the rest of the columns is joined afterwards, not sorted.
CREATE OR REPLACE TEMP TABLE process_start AS
WITH neighbour AS (
    SELECT number, host, pid, below_key, mono_ns, rank, record_id, row_number() OVER near AS turn,
        lag(mono_ns) OVER near AS before_ns, lag(rank) OVER near AS before_rank
    FROM (
        -- One log names the letter, another the device: the path below it must do.
        SELECT rowid AS number, *, CASE WHEN image_key[2] = ':' THEN substr(image_key, 3) WHEN starts_with(image_key, '\device\') THEN regexp_replace(image_key, '^\\device\\[a-z]+[0-9]+', '')
            ELSE image_key END AS below_key
        FROM process_record
    )
    WINDOW near AS (PARTITION BY host, pid, below_key ORDER BY mono_ns, rank, record_id)
),
numbered AS (
    SELECT number, below_key, rank * 1000000000000 + turn AS best,
        sum(CASE WHEN before_ns IS NULL OR mono_ns - before_ns > rule_ns('same_act_s') OR before_rank = rank THEN 1 ELSE 0 END)
            OVER (PARTITION BY host, pid, below_key ORDER BY turn) AS start_number
    FROM neighbour
)
SELECT host, pid, min_by(image_key, best) AS image_key,
    min_by(started_utc, best) AS started_utc, min_by(mono_ns, best) AS start_ns, max(process_guid) AS process_guid,
    min_by(path, best) AS path, min_by(command_line, best) AS command_line, max(current_directory) AS current_directory,
    max(original_file_name) AS original_file_name, max(hashes) AS hashes, min_by(user_name, best) AS user_name,
    max(user_sid) AS user_sid, min_by(integrity, best) AS integrity, max(parent_guid) AS parent_guid,
    min_by(parent_pid, best) AS parent_pid, min_by(parent_path, best) AS parent_path,
    max(parent_command_line) AS parent_command_line,
    max(source_id) FILTER (rank = 1) AS sysmon_source_id, max(record_offset) FILTER (rank = 1) AS sysmon_offset,
    max(source_id) FILTER (rank = 2) AS security_source_id, max(record_offset) FILTER (rank = 2) AS security_offset,
    max(source_id) FILTER (rank = 3) AS mde_source_id, max(record_offset) FILTER (rank = 3) AS mde_row
FROM process_record r
JOIN numbered n ON n.number = r.rowid
GROUP BY host, pid, below_key, start_number;

CREATE OR REPLACE TEMP TABLE process_end AS
SELECT host, process_id AS pid, guid_key(process_guid) AS process_guid, happened_utc AS ended_utc, mono_ns
FROM sysmon_timed('sysmon_process_terminate')
UNION ALL
SELECT host, process_id, NULL, time_utc, mono_ns FROM timed('security_process_exit');

CREATE OR REPLACE TEMP TABLE process_life AS
WITH keyed AS MATERIALIZED (
    SELECT rowid AS number, host, pid, start_ns, short_hash(concat_ws('|', 'process', host, pid, image_key, start_ns, process_guid)) AS process_key,
        lead(start_ns) OVER (PARTITION BY host, pid ORDER BY start_ns) AS next_ns
    FROM process_start
),
guid_end AS (
    SELECT host, process_guid, min(ended_utc) AS ended_utc, min(mono_ns) AS mono_ns
    FROM process_end WHERE process_guid IS NOT NULL GROUP BY host, process_guid
),
pid_end AS (
    SELECT k.process_key, e.ended_utc, e.mono_ns
    FROM keyed k
    ASOF JOIN process_end e ON e.host = k.host AND e.pid = k.pid AND k.start_ns <= e.mono_ns
    WHERE k.next_ns IS NULL OR e.mono_ns < k.next_ns
),
in_boot AS (
    SELECT k.number, k.process_key, k.next_ns, b.boot_number, b.end_ns
    FROM keyed k
    ASOF LEFT JOIN boot b ON b.host = k.host AND k.start_ns >= b.start_ns
)
SELECT s.*, k.process_key, k.next_ns, k.boot_number, coalesce(g.ended_utc, p.ended_utc) AS ended_utc,
    least(coalesce(g.mono_ns, p.mono_ns), k.next_ns, k.end_ns) AS end_ns
FROM process_start s
JOIN in_boot k ON k.number = s.rowid
LEFT JOIN guid_end g ON g.host = s.host AND g.process_guid = s.process_guid
LEFT JOIN pid_end p ON p.process_key = k.process_key;

INSERT INTO process BY NAME
WITH by_guid AS (
    SELECT c.process_key, min(p.process_key) AS parent_key, min(p.command_line) AS parent_command_line
    FROM process_life c
    JOIN process_life p ON p.host = c.host AND p.process_guid = c.parent_guid
    WHERE p.process_key <> c.process_key
    GROUP BY c.process_key
),
by_pid AS (
    SELECT c.process_key, p.process_key AS parent_key, p.path AS parent_path, p.command_line AS parent_command_line
    FROM process_life c
    ASOF JOIN process_life p ON p.host = c.host AND p.pid = c.parent_pid AND c.start_ns >= p.start_ns
    WHERE p.process_key <> c.process_key AND p.boot_number IS NOT DISTINCT FROM c.boot_number
        AND (p.end_ns IS NULL OR c.start_ns <= p.end_ns + rule_ns('same_act_s'))
        AND (c.parent_path IS NULL OR program_of(c.parent_path) = program_of(p.path))
        AND (c.parent_guid IS NULL OR p.process_guid IS NULL OR c.parent_guid = p.process_guid)
)
SELECT c.*, coalesce(g.parent_key, p.parent_key) AS parent_key,
    CASE WHEN g.parent_key IS NOT NULL THEN 'guid' WHEN p.parent_key IS NOT NULL THEN 'pid' END AS parent_basis
FROM (
    SELECT l.* EXCLUDE (parent_path, parent_command_line, parent_guid, image_key, next_ns),
        coalesce(l.parent_path, q.parent_path) AS parent_path,
        coalesce(l.parent_command_line, q.parent_command_line) AS parent_command_line
    FROM process_life l
    LEFT JOIN by_pid q USING (process_key)
) c
LEFT JOIN by_guid g USING (process_key)
LEFT JOIN by_pid p USING (process_key);
