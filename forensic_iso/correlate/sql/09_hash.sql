-- hash_run, hash_module (temporary), rows of execution of the kind hash_match: a program or module that is byte-equal to a file
-- inside an image found in the evidence, started or loaded off the volume after the image was opened: it was copied off, or
-- unpacked, and run. From process and Sysmon 7 (hashes), session_file, delivery, $MFT. The session is the last one opened before the start; a marked
-- image that no session opens counts where the program was unpacked from it or lay at the same path of another volume.
-- Not taken: programs that ran on the host with the same bytes before the image was first opened, whose file was there before, or
-- that lie in an installed_folder: they are the host's own. A start on the volume itself is 08's.
-- Misses: processes without hashes (4688); images that were not collected; files changed after the copy.
CREATE OR REPLACE TEMP TABLE hashed_file AS
WITH mounted_file AS (
    SELECT session_id, host, image_key, image_path, open_ns, min(open_ns) OVER (PARTITION BY host, image_key) AS first_ns, path AS file,
        sha256, sha1, md5, source_id, record_offset
    FROM (SELECT f.* EXCLUDE (image_key), s.image_key FROM session_file f JOIN session s USING (session_id))
    WHERE open_ns IS NOT NULL AND size_bytes > 0 AND sha256 IS NOT NULL
    UNION ALL BY NAME
    -- Marked images that no session opens: no log of mounts was kept.
    SELECT c.host, path_key(s.windows_path) AS image_key, s.windows_path AS image_path, stamp_ns(c.host, d.time_utc) AS open_ns,
        stamp_ns(c.host, d.time_utc) AS first_ns, c.path AS file, c.sha256, c.sha1, c.md5, c.source_id, c.record_offset
    FROM image_content c
    JOIN source s USING (source_id)
    JOIN (SELECT host, file_key, min(time_utc) AS time_utc FROM delivery WHERE is_marked AND coalesce(zone_id, 3) >= 3 GROUP BY ALL) d
        ON d.host = c.host AND d.file_key = path_key(s.windows_path)
    ANTI JOIN session o ON o.host = c.host AND path_key(s.windows_path) IN (o.image_key, o.file_key)
    WHERE NOT c.is_directory AND c.container_path IS NULL AND coalesce(c.shown, TRUE) AND c.size_bytes > 0 AND c.sha256 IS NOT NULL
)
SELECT session_id, host, image_key, image_path, open_ns, first_ns, file, source_id, record_offset, algorithm, digest
FROM mounted_file
UNPIVOT (digest FOR algorithm IN (sha256, sha1, md5));

CREATE OR REPLACE TEMP TABLE hash_equal AS
WITH hashed AS (
    SELECT process_key, host, start_ns, path, 'sha256' AS algorithm, upper(regexp_extract(hashes, '(?i)sha256=([0-9a-f]{64})', 1)) AS digest
    FROM process WHERE hashes IS NOT NULL
    UNION ALL
    SELECT process_key, host, start_ns, path, 'sha1', upper(regexp_extract(hashes, '(?i)sha1=([0-9a-f]{40})', 1))
    FROM process WHERE hashes IS NOT NULL
    UNION ALL
    SELECT process_key, host, start_ns, path, 'md5', upper(regexp_extract(hashes, '(?i)md5=([0-9a-f]{32})', 1))
    FROM process WHERE hashes IS NOT NULL
)
SELECT h.process_key, h.host, h.start_ns, h.path, h.algorithm, d.session_id, d.image_key, d.image_path, d.open_ns,
    d.first_ns, d.file, d.source_id, d.record_offset,
    min(h.start_ns) OVER (PARTITION BY h.host, h.digest, d.image_key) < d.first_ns AS ran_before
FROM hashed h
JOIN hashed_file d ON d.host = h.host AND d.algorithm = h.algorithm AND d.digest = h.digest
WHERE h.digest <> '';

-- When the files at these paths were made, as both of their creation dates in the $MFT have it.
CREATE OR REPLACE TEMP MACRO made_before(paths) AS TABLE
SELECT n.host, m.volume || lower(n.path) AS file_key, min(greatest(stamp_ns(n.host, e.si_created_utc), stamp_ns(n.host, n.fn_created_utc))) AS created_ns
FROM mft_name n
JOIN mft_volume m USING (source_id)
JOIN mft_entry e ON e.source_id = n.source_id AND e.record = n.record AND e.sequence = n.sequence AND e.in_use
WHERE n.namespace <> 2 AND n.in_use AND lower(n.name) IN (SELECT lower(file_name(path)) FROM query_table(paths))
    AND e.si_created_utc IS NOT NULL AND n.fn_created_utc IS NOT NULL
GROUP BY ALL;

-- Taken out of an image that nobody mounted: an unpacker named it before, or the program lies in a folder of the image's name or in
-- one that an unpacker makes for what is opened in its window.
CREATE OR REPLACE TEMP TABLE unpacked AS
SELECT e.process_key, e.image_key,
    min(CASE
        WHEN p.process_key IS NOT NULL THEN 'which ' || program_of(p.path) || ' had been given before'
        WHEN regexp_matches(path_key(e.path), rule_pattern('place_archive')) THEN 'and lies in a folder that unpackers make'
        ELSE 'and lies in a folder of the image''s name' END) AS how
FROM hash_equal e
LEFT JOIN process p ON p.host = e.host AND list_contains(rule_words('unpacker'), program_of(p.path)) AND p.start_ns >= e.open_ns AND p.start_ns <= e.start_ns
    AND contains(lower(p.command_line), file_name(e.image_key))
WHERE e.session_id IS NULL AND (p.process_key IS NOT NULL OR regexp_matches(path_key(e.path), rule_pattern('place_archive'))
    OR contains(path_key(e.path), '\' || regexp_replace(file_name(e.image_key), '\.[^.]+$', '') || '\'))
GROUP BY ALL;

CREATE OR REPLACE TEMP TABLE hash_run AS
SELECT e.*, u.how FROM hash_equal e
ANTI JOIN ran r ON r.process_key = e.process_key
LEFT JOIN made_before('hash_equal') o ON o.host = e.host AND o.file_key = path_key(e.path)
LEFT JOIN unpacked u ON u.process_key = e.process_key AND u.image_key = e.image_key
WHERE e.start_ns >= e.open_ns AND NOT e.ran_before AND NOT coalesce(o.created_ns < e.first_ns, FALSE)
    AND NOT list_bool_or(list_transform(rule_words('installed_folder'), lambda w: contains(path_key(e.path), w)))
    -- Without a session: unpacked from the image, or at the same path of another volume.
    AND (e.session_id IS NOT NULL OR u.process_key IS NOT NULL OR (
        substr(path_key(e.path), length(volume_quick(e.path)) + 2) = lower(e.file)
        AND (e.host, volume_quick(e.path)) NOT IN (SELECT (host, volume) FROM system_drive)
        AND (e.host, volume_quick(e.path)) NOT IN (SELECT (host, volume) FROM mft_volume)
    ))
-- one row per process: the last session opened before it, the strongest hash
QUALIFY row_number() OVER (PARTITION BY e.process_key ORDER BY e.open_ns DESC, e.algorithm DESC, e.file, e.source_id) = 1;

INSERT INTO execution BY NAME
SELECT short_hash(concat_ws('|', 'hash', h.session_id, h.process_key)) AS execution_id, h.session_id, h.host, h.image_path,
    p.started_utc AS time_utc, 'hash_match' AS kind, p.path AS process_path, p.command_line, p.pid, p.process_guid, p.parent_path, p.user_name,
    'program is byte-equal (' || upper(h.algorithm) || ') to ' || h.file || ' in the image, ' || CASE
        WHEN h.how IS NOT NULL THEN h.how || '; no mount is logged'
        WHEN h.session_id IS NULL THEN 'and started at that path of another volume; no mount is logged'
        ELSE 'which was opened before' END AS basis,
    rule_value('c_hash_match') AS confidence, h.file AS target, h.process_key, p.integrity
FROM hash_run h
JOIN process p USING (process_key);

-- Modules: loads off the volume, of files that are no program of that load; without a session: at the same path of another volume.
CREATE OR REPLACE TEMP TABLE module_equal AS
WITH load AS (
    SELECT m.host, m.mono_ns, m.happened_utc, m.image, m.image_loaded, m.process_id, guid_key(m.process_guid) AS process_guid, m."user", m.hashes,
        CASE WHEN m.signed IS NULL THEN NULL ELSE m.signed AND coalesce(m.signature_status, 'Valid') = 'Valid' END AS signed, m.source_id, m.record_offset
    FROM sysmon_timed('sysmon_image_load') m
    WHERE m.host IN (SELECT host FROM hashed_file) AND path_key(m.image_loaded) <> path_key(m.image)
        AND NOT list_bool_or(list_transform(rule_words('installed_folder'), lambda w: contains(lower(m.image_loaded), w)))
),
hashed AS (
    SELECT *, unnest(['sha256', 'sha1', 'md5']) AS algorithm, upper(unnest([
        regexp_extract(hashes, '(?i)sha256=([0-9a-f]{64})', 1), regexp_extract(hashes, '(?i)sha1=([0-9a-f]{40})', 1), regexp_extract(hashes, '(?i)md5=([0-9a-f]{32})', 1)
    ])) AS digest
    FROM load
)
SELECT h.*, h.image_loaded AS path, d.session_id, d.image_path, d.open_ns, d.first_ns, d.file, d.source_id AS content_source, d.record_offset AS content_offset,
    min(h.mono_ns) OVER (PARTITION BY h.host, h.digest, d.image_key) < d.first_ns AS loaded_before
FROM hashed h
JOIN hashed_file d ON d.host = h.host AND d.algorithm = h.algorithm AND d.digest = h.digest
WHERE h.digest <> '' AND (d.session_id IS NOT NULL OR (
    substr(path_key(h.image_loaded), length(volume_quick(h.image_loaded)) + 2) = lower(d.file)
    AND (h.host, volume_quick(h.image_loaded)) NOT IN (SELECT (host, volume) FROM system_drive)
    AND (h.host, volume_quick(h.image_loaded)) NOT IN (SELECT (host, volume) FROM mft_volume)
));

CREATE OR REPLACE TEMP TABLE hash_module AS
SELECT short_hash(concat_ws('|', 'hashed module', e.session_id, coalesce(p.process_key, e.process_id::VARCHAR), path_key(e.image_loaded))) AS execution_id,
    e.* EXCLUDE (hashes, digest, loaded_before, path), p.process_key, p.command_line, p.integrity, p.parent_path, p.pid
FROM module_equal e
LEFT JOIN process p ON p.host = e.host AND p.process_guid = e.process_guid
LEFT JOIN made_before('module_equal') o ON o.host = e.host AND o.file_key = path_key(e.image_loaded)
ANTI JOIN loaded l ON l.source_id = e.source_id AND l.record_offset = e.record_offset AND l.table_name = 'sysmon_image_load'
WHERE e.mono_ns >= e.open_ns AND NOT e.loaded_before AND NOT coalesce(o.created_ns < e.first_ns, FALSE)
QUALIFY row_number() OVER (PARTITION BY e.host, coalesce(p.process_key, e.process_id::VARCHAR), path_key(e.image_loaded)
    ORDER BY e.open_ns DESC, e.mono_ns, e.algorithm DESC, e.file) = 1;

INSERT INTO execution BY NAME
SELECT execution_id, session_id, host, image_path, happened_utc AS time_utc, 'hash_match' AS kind, canonical(image) AS process_path, command_line,
    coalesce(pid, process_id) AS pid, process_guid, parent_path, "user" AS user_name,
    'module ' || image_loaded || ' is byte-equal (' || upper(algorithm) || ') to ' || file || ' in the image, '
        || CASE WHEN session_id IS NULL THEN 'and loaded from that path of another volume; no mount is logged' ELSE 'which was opened before' END AS basis,
    rule_value('c_hash_match') AS confidence, image_loaded AS target, process_key, integrity, signed
FROM hash_module;
