-- prefetch_use (temporary), rows of execution of the kinds prefetch and content_match: runs that prefetch files tell.
-- A program whose own file lies on the image's volume, or a loader that read code there, by the volume's serial, by the
-- image's list of files, or by an optical device while an optical image was open. From prefetch, prefetch_run,
-- prefetch_file, session, session_file, image_volume. A run inside no session is tied to an image in the evidence only
-- where serial and list of files agree. Volumes whose serial is another one are another medium.
-- Not taken: files that programs other than loaders read (viewers, indexers, scanners); runs a log of starts has.
-- Misses: programs without prefetch (servers, prefetch off); what was loaded after the first ten seconds.
CREATE OR REPLACE TEMP TABLE prefetch_use AS
WITH read_file AS (
    SELECT f.host, f.source_id, f.path, f.is_own, p.run_count, p.is_hosting, upper(f.volume_serial) AS serial, f."offset" AS file_offset,
        lower(regexp_replace(f.path, '(?i)^\\(volume\{[^}]*\}|device\\[^\\]+)\\', '')) AS below,
        regexp_matches(f.path, '(?i)^\\volume\{0{16}-|^\\device\\cdrom') AS on_optical
    FROM prefetch_file f
    JOIN prefetch p USING (source_id)
    WHERE f.is_own OR (
        list_has_any([program_of(p.executable_name)], list_concat(rule_words('loader_any_extension'), rule_words('loader_code_extension')))
        -- Explorer reads the icons of what it shows.
        AND program_of(p.executable_name) <> 'explorer'
        AND list_contains(rule_words('code_extension'), extension_of(f.path))
    )
),
run AS (
    SELECT r.host, r.source_id, r.run_utc, stamp_ns(r.host, r.run_utc) AS run_ns, r."offset" AS run_offset, r.run_index, coalesce(r.run_count, 1) AS runs, r.executable_name,
        coalesce(r.own_device_path, r.own_path, r.executable_name) AS program
    FROM prefetch_run r
    WHERE r.run_utc IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY r.host, r.executable_name, r.own_path, r.run_utc ORDER BY r.source_id, r.run_index) = 1
),
medium AS (
    SELECT host, source_id, count(DISTINCT serial) FILTER (created_utc IS NULL) AS media FROM prefetch_volume GROUP BY ALL
),
used AS (
    SELECT r.*, f.path, f.is_own, f.serial, f.below, f.on_optical, f.file_offset,
        -- The list of files is that of all runs: a host of many commands need not have read it in this one, and a path
        -- on an optical device is that of each medium in it.
        (r.run_index > 0 OR r.runs > 1)
            AND ((NOT f.is_own AND NOT coalesce(f.is_hosting, FALSE)) OR m.media > 1 OR (f.on_optical AND r.run_index > 0)) AS is_shared
    FROM run r
    JOIN read_file f USING (host, source_id)
    LEFT JOIN medium m USING (host, source_id)
),
image_serial AS (
    SELECT DISTINCT host, source_id, upper(serial) AS serial FROM image_volume WHERE serial IS NOT NULL AND container_path IS NULL
),
inside AS (
    SELECT u.*, s.session_id, s.image_path, s.open_ns, s.image_kind, s.disk_number, s.volume_serial AS session_serial,
        (SELECT count(*) FROM session_file x WHERE x.session_id = s.session_id) AS files_known
    FROM used u
    JOIN session s ON s.host = u.host AND s.open_ns IS NOT NULL
        AND u.run_ns >= s.open_ns - rule_ns('same_act_s') AND (s.end_ns IS NULL OR u.run_ns <= s.end_ns + rule_ns('same_act_s'))
),
-- Serials of volumes that programs ran from while no image was open: another medium.
elsewhere AS (
    SELECT DISTINCT u.host, u.serial
    FROM used u
    ANTI JOIN session s ON s.host = u.host AND s.open_ns IS NOT NULL
        AND u.run_ns >= s.open_ns - rule_ns('same_act_s') AND (s.end_ns IS NULL OR u.run_ns <= s.end_ns + rule_ns('same_act_s'))
    WHERE u.is_own AND u.serial IS NOT NULL
),
weighed AS (
    SELECT i.* EXCLUDE (session_serial), o.serial IS NOT NULL AS is_elsewhere,
        (i.session_id, lower(regexp_extract(i.program, '^(\\[^\\]+\\[^\\]+)\\', 1)))
            IN (SELECT (session_id, volume) FROM session_volume WHERE ground <> 'ambiguous') AS on_device,
        f.path AS image_file, f.source_id AS content_source, f.record_offset AS content_offset,
        v.serial IS NOT NULL OR upper(i.session_serial) = i.serial AS serial_agrees
    FROM inside i
    LEFT JOIN elsewhere o ON o.host = i.host AND o.serial = i.serial
    LEFT JOIN session_file f ON f.session_id = i.session_id AND lower(f.path) = i.below AND f.shown
    LEFT JOIN image_serial v ON v.host = i.host AND v.source_id = f.source_id AND v.serial = i.serial
),
tied AS (
    SELECT * EXCLUDE (files_known, image_kind, disk_number, is_elsewhere, on_device),
        CASE
            WHEN image_file IS NOT NULL AND serial_agrees THEN 1
            WHEN image_file IS NOT NULL AND on_optical AND image_kind = 'optical' THEN 2
            WHEN serial_agrees THEN 2
            WHEN files_known = 0 AND on_optical AND image_kind = 'optical' AND NOT is_elsewhere
                AND NOT coalesce(regexp_extract(lower(coalesce(nullif(path, ''), program)), '^\\device\\cdrom([0-9]+)', 1) NOT IN ('', disk_number::VARCHAR), FALSE)
                AND NOT coalesce(regexp_extract(lower(program), '^\\device\\cdrom([0-9]+)', 1) NOT IN ('', disk_number::VARCHAR), FALSE) THEN 3
            WHEN is_own AND on_device AND NOT is_elsewhere THEN 5
        END AS rank
    FROM weighed
    UNION ALL BY NAME
    -- In no session: the image lies in the evidence, and serial and path are its own.
    SELECT u.*, NULL AS session_id, coalesce(s.windows_path, file_name(replace(s.path, '/', '\'))) AS image_path, u.run_ns AS open_ns,
        c.path AS image_file, c.source_id AS content_source, c.record_offset AS content_offset, TRUE AS serial_agrees, 4 AS rank
    FROM used u
    JOIN image_content c ON c.host = u.host AND lower(c.path) = u.below AND NOT c.is_directory AND c.container_path IS NULL AND coalesce(c.shown, TRUE)
    JOIN image_serial v ON v.host = u.host AND v.source_id = c.source_id AND v.serial = u.serial
    JOIN source s ON s.source_id = c.source_id
)
SELECT *
FROM tied
WHERE rank IS NOT NULL
QUALIFY row_number() OVER (
    PARTITION BY host, source_id, run_utc ORDER BY is_own DESC, rank, abs(run_ns - open_ns), below, image_path
) = 1;

INSERT INTO execution BY NAME
SELECT short_hash(concat_ws('|', 'prefetch', u.host, u.session_id, u.image_path, u.program, u.run_ns)) AS execution_id,
    u.session_id, u.host, u.image_path, u.run_utc AS time_utc,
    CASE WHEN u.image_file IS NOT NULL THEN 'content_match' ELSE 'prefetch' END AS kind,
    replace(replace(
        CASE WHEN u.is_own AND u.image_file IS NOT NULL AND ends_with(lower(u.program), '\' || lower(u.image_file))
            THEN left(u.program, length(u.program) - length(u.image_file)) || u.image_file ELSE u.program END,
        '\DEVICE\CDROM', '\Device\CdRom'), '\DEVICE\HARDDISKVOLUME', '\Device\HarddiskVolume') AS process_path,
    concat_ws('; ',
        CASE WHEN u.is_own THEN 'prefetch: the program ran from a volume with the serial ' || u.serial
            ELSE 'prefetch: the program read ' || coalesce(u.image_file, u.below) || ' from a volume with the serial ' || u.serial END,
        CASE WHEN u.serial_agrees THEN 'the serial of the image' ELSE NULL END,
        CASE WHEN u.image_file IS NOT NULL THEN u.image_file || ' is a file of the image' END,
        CASE WHEN u.session_id IS NULL THEN 'no trace of the mount itself'
            WHEN u.rank = 5 THEN 'a device that was there only while the image was open'
            WHEN NOT coalesce(u.serial_agrees, FALSE)
            THEN 'an optical medium while the image was open' END,
        CASE WHEN u.is_shared THEN 'the list of files is that of several runs, not of this one alone' END
    ) AS basis,
    CASE u.rank WHEN 1 THEN rule_value('c_prefetch_serial_and_file') WHEN 2 THEN rule_value('c_prefetch_serial_or_file')
        WHEN 3 THEN rule_value('c_prefetch_device') WHEN 5 THEN rule_value('c_prefetch_device') ELSE rule_value('c_prefetch_no_session') END
        * CASE WHEN u.is_shared AND (u.session_id IS NULL OR NOT u.is_own) THEN rule_value('prefetch_shared_factor') ELSE 1 END AS confidence,
    coalesce(u.image_file, u.below) AS target
FROM prefetch_use u
-- A start of the same program from the volume that a log has already.
ANTI JOIN execution e ON e.host = u.host AND e.session_id IS NOT DISTINCT FROM u.session_id
    AND program_of(e.process_path) = program_of(u.executable_name) AND abs(ns_of(e.time_utc) - u.run_ns) <= rule_ns('attach_trace_s');
