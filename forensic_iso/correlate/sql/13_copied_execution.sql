-- copied_run (temporary), rows of execution of the kind hash_match: a program off the volume that Amcache has with the SHA-1 of
-- a file in the image, started after the image was opened. Amcache gives path and bytes, the start comes from Security 4688
-- and Defender without hashes, UserAssist, RecentApps, PCA, BAM or prefetch, by the path below the volume.
-- The session is the last one opened before the start. Starts within attach_trace_s of each other are one.
-- Not taken: programs in an installed_folder; paths that ran before the image was first opened; starts whose hash a log has (09_hash).
-- Misses: files above 31,457,280 bytes (Amcache hashes the beginning); copies that Amcache never saw; programs changed since.
CREATE OR REPLACE TEMP MACRO below_volume(path) AS
    lower(regexp_replace(canonical(path), '(?i)^([a-z]:|\\device\\[^\\]+|\\\\\?\\volume\{[^}]*\}|\\volume\{[^}]*\})\\', ''));

CREATE OR REPLACE TEMP TABLE copied_run AS
WITH listed AS (
    SELECT session_id, host, image_path, open_ns, min(open_ns) OVER (PARTITION BY host, image_path) AS first_ns, path AS file, upper(sha1) AS sha1, source_id, record_offset
    FROM session_file
    WHERE open_ns IS NOT NULL AND size_bytes > 0 AND size_bytes <= 31457280 AND sha1 IS NOT NULL
),
program AS (
    SELECT l.*, below_volume(a.path) AS below, a.path AS program_path, a.source_id AS amcache_source, a."offset" AS amcache_offset
    FROM amcache_file a
    JOIN listed l ON l.host = a.host AND l.sha1 = upper(a.sha1)
    LEFT JOIN session_volume v ON v.session_id = l.session_id AND v.volume = volume_quick(a.path)
    WHERE v.session_id IS NULL AND a.path IS NOT NULL
        AND NOT list_bool_or(list_transform(rule_words('installed_folder'), lambda w: contains(path_key(a.path), w)))
),
every_start AS (
    SELECT host, path, start_ns AS mono_ns, started_utc AS time_utc, 'a logged start' AS what, 1 AS rank, process_key, NULL AS user_name, hashes IS NOT NULL AS is_hashed,
        coalesce(sysmon_source_id, security_source_id, mde_source_id) AS source_id,
        CASE WHEN sysmon_source_id IS NOT NULL THEN 'sysmon_process_create' WHEN security_source_id IS NOT NULL THEN 'security_process_create'
            ELSE 'mde_device_process_events' END AS table_name,
        coalesce(sysmon_offset, security_offset, mde_row) AS record_offset
    FROM process
    UNION ALL
    SELECT host, coalesce(own_path, own_device_path), stamp_ns(host, run_utc), run_utc, 'prefetch', 2, NULL, NULL, FALSE, source_id, 'prefetch_run', "offset"
    FROM prefetch_run WHERE run_utc IS NOT NULL AND host IS NOT NULL
    UNION ALL
    SELECT host, path, stamp_ns(host, last_run_utc), last_run_utc, 'UserAssist', 3, NULL, "user", FALSE, source_id, 'user_assist', "offset"
    FROM user_assist WHERE last_run_utc IS NOT NULL AND path LIKE '_:%'
    UNION ALL
    SELECT host, coalesce(filled(app_path), app_id), stamp_ns(host, last_accessed_utc), last_accessed_utc, 'RecentApps', 3, NULL, "user", FALSE, source_id, 'recent_app', "offset"
    FROM recent_app WHERE item_path IS NULL AND last_accessed_utc IS NOT NULL
    UNION ALL
    SELECT host, path, stamp_ns(host, time_utc), time_utc, 'PCA', 3, NULL, NULL, FALSE, source_id, 'pca_launch', "offset" FROM pca_launch WHERE time_utc IS NOT NULL
    UNION ALL
    SELECT host, path, stamp_ns(host, last_run_utc), last_run_utc, upper(moderator) || ' (seen running last)', 4, NULL, NULL, FALSE, source_id, 'bam_entry', "offset"
    FROM bam_entry WHERE coalesce(current, TRUE) AND last_run_utc IS NOT NULL
),
started AS (
    SELECT * FROM every_start
    WHERE (host, lower(string_split(path, '\')[-1])) IN (SELECT (host, string_split(below, '\')[-1]) FROM program)
),
run AS (
    SELECT p.*, s.path, s.mono_ns, s.time_utc, s.what, s.rank, s.process_key, s.user_name, s.is_hashed, s.source_id AS run_source, s.table_name AS run_table,
        s.record_offset AS run_offset, min(s.mono_ns) OVER (PARTITION BY p.host, p.below, p.image_path) < p.first_ns AS ran_before
    FROM program p
    JOIN started s ON s.host = p.host AND below_volume(s.path) = p.below
),
after_mount AS (
    SELECT * FROM run
    WHERE mono_ns >= open_ns AND NOT ran_before
    QUALIFY row_number() OVER (PARTITION BY host, below, run_source, run_table, run_offset ORDER BY open_ns DESC, session_id, file, record_offset) = 1
),
numbered AS (
    SELECT *, count(*) FILTER (is_new) OVER (PARTITION BY session_id, below ORDER BY mono_ns, rank, run_offset) AS cluster
    FROM (
        -- Logged starts are apart as they are; seen running: the start before.
        SELECT *, CASE WHEN rank = 4 THEN FALSE WHEN process_key IS NOT NULL THEN TRUE
            ELSE mono_ns - lag(mono_ns) OVER (PARTITION BY session_id, below ORDER BY mono_ns, rank, run_offset) > rule_ns('attach_trace_s') END AS is_new
        FROM after_mount
    )
)
SELECT * EXCLUDE (is_new), short_hash(concat_ws('|', 'copied', session_id, below, first_value(concat_ws('|', run_table, run_source, run_offset)) OVER head)) AS execution_id,
    row_number() OVER head = 1 AS is_head
FROM (
    -- A start whose own hash is logged is 09_hash's, or of other bytes.
    SELECT * FROM numbered QUALIFY NOT bool_or(is_hashed) OVER (PARTITION BY session_id, below, cluster)
)
WINDOW head AS (PARTITION BY session_id, below, cluster ORDER BY rank, mono_ns, run_offset);

INSERT INTO execution BY NAME
SELECT c.execution_id, c.session_id, c.host, c.image_path, c.time_utc, 'hash_match' AS kind, coalesce(p.path, c.program_path) AS process_path, p.command_line, p.pid,
    p.process_guid, p.parent_path, coalesce(p.user_name, c.user_name) AS user_name,
    concat_ws('; ', 'Amcache has the program with the bytes (SHA-1) of ' || c.file || ' in the image, which was opened before', 'start by ' || c.what,
        (SELECT 'also: ' || string_agg(DISTINCT o.what, ', ' ORDER BY o.what) FROM copied_run o WHERE o.execution_id = c.execution_id AND o.what <> c.what)) AS basis,
    rule_value('c_copied_run') AS confidence, c.file AS target, c.process_key, p.integrity
FROM copied_run c
LEFT JOIN process p USING (process_key)
WHERE c.is_head;

INSERT INTO trace_ref
SELECT execution_id, run_source, run_table, run_offset, 'start: ' || what FROM copied_run
UNION
SELECT execution_id, amcache_source, 'amcache_file', amcache_offset, 'path and bytes of the program' FROM copied_run
UNION
SELECT execution_id, source_id, 'image_content', record_offset, 'file in the image' FROM copied_run;
