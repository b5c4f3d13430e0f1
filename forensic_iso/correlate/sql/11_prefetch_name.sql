-- prefetch_name_candidate (temporary): names of prefetch files, each with a file of an open image that its hash may stand for.
-- From mft_name and usn_record, where the prefetch file itself is not at hand (it tells more, 10_prefetch), and, for programs
-- that hash their command line, from prefetch too.
-- file_path: the program, as the image lists it or as a shortcut in the image names it; arguments: those of the shortcut.
-- prefetch_name: the names with their times: the file was written then, up to prefetch_delay_s after the start; is_run: the start.
-- The hashes are tried in Python (prefetch_names) between this file and the next: prefetch_name_match.
-- Misses: names without an image's list of files; starts inside no session; more than
-- prefetch_name_files files of one name in one image.
CREATE OR REPLACE TEMP TABLE prefetch_name AS
WITH named AS (
    SELECT n.host, n.name, unnest([e.si_created_utc, e.si_modified_utc]) AS time_utc, unnest(['the file was made then', 'the file was written last then']) AS what,
        n.source_id, 'mft_name' AS table_name, n.record_offset
    FROM mft_name n
    JOIN mft_entry e ON e.source_id = n.source_id AND e.record = n.record AND e.sequence = n.sequence
    WHERE n.namespace <> 2 AND n.name ILIKE '%.pf' AND NOT coalesce(n.is_directory, FALSE)
    UNION ALL
    -- Made, or its content written; not deleted or renamed.
    SELECT host, name, time_utc, 'the journal has it written then', source_id, 'usn_record', "offset"
    FROM usn_record
    WHERE name ILIKE '%.pf' AND (reason_flags & 263) <> 0 AND (reason_flags & 12800) = 0
),
split AS (
    SELECT *, upper(regexp_extract(name, '(?i)^(.{1,29})-[0-9a-f]{8}\.pf$', 1)) AS executable,
        upper(regexp_extract(name, '(?i)-([0-9a-f]{8})\.pf$', 1)) AS name_hash
    FROM named
    WHERE time_utc IS NOT NULL AND host IS NOT NULL
)
SELECT s.*, stamp_ns(s.host, s.time_utc) AS mono_ns, FALSE AS is_run
FROM split s
ANTI JOIN prefetch p ON p.host = s.host AND upper(p.executable_name) = s.executable AND upper(p.name_hash) = s.name_hash
WHERE s.executable <> ''
UNION ALL
SELECT r.host, p.pf_path, r.run_utc, 'start, by the prefetch file', r.source_id, 'prefetch_run', r."offset", upper(p.executable_name), upper(p.name_hash),
    stamp_ns(r.host, r.run_utc), TRUE
FROM prefetch_run r
JOIN prefetch p USING (source_id)
WHERE p.is_hosting AND r.run_utc IS NOT NULL AND r.host IS NOT NULL AND p.name_hash IS NOT NULL;

CREATE OR REPLACE TEMP TABLE prefetch_name_candidate AS
WITH program AS (
    SELECT session_id, host, path, NULL AS lnk_target, NULL AS lnk_arguments, upper(left(file_name(path), 29)) AS executable, source_id, record_offset
    FROM session_file WHERE shown
    UNION ALL
    SELECT session_id, host, path, lnk_target, coalesce(lnk_arguments, ''), upper(left(file_name(lnk_target), 29)), source_id, record_offset
    FROM session_file WHERE shown AND lnk_target IS NOT NULL
),
-- A bound against images that repeat one name without end.
bounded AS (
    SELECT * FROM program
    QUALIFY row_number() OVER (PARTITION BY session_id, executable, lnk_target IS NULL ORDER BY length(path), path, record_offset) <= rule_value('prefetch_name_files')
),
open_name AS (
    SELECT DISTINCT s.session_id, s.image_kind, n.host, n.executable, n.name_hash, n.is_run
    FROM prefetch_name n
    JOIN session s ON s.host = n.host AND s.open_ns IS NOT NULL AND n.mono_ns >= s.open_ns - rule_ns('same_act_s')
        AND (s.end_ns IS NULL OR n.mono_ns - CASE WHEN n.is_run THEN 0 ELSE rule_ns('prefetch_delay_s') END <= s.end_ns + rule_ns('same_act_s'))
)
SELECT row_number() OVER (ORDER BY n.session_id, n.executable, n.name_hash, n.is_run, f.path, f.lnk_target, f.record_offset) AS candidate_id,
    n.session_id, n.host, n.image_kind, n.executable, n.name_hash, n.is_run, f.path AS file_path, f.lnk_target, f.lnk_arguments,
    f.source_id AS content_source, f.record_offset AS content_offset
FROM open_name n
JOIN bounded f ON f.session_id = n.session_id AND f.executable = n.executable
WHERE NOT (n.is_run AND f.lnk_target IS NULL);

-- Filled by prefetch_names: the device path whose hash it is, and the command line where one was added.
CREATE OR REPLACE TEMP TABLE prefetch_name_match (candidate_id BIGINT, device_path VARCHAR, command_line VARCHAR);
