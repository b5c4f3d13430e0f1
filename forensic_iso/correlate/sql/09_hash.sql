-- hash_run (temporary), rows of execution of the kind hash_match: a program that is byte-equal to a file inside an image
-- found in the evidence, started off the volume after the image was opened: it was copied off, or unpacked, and run.
-- From process (Sysmon's hashes), session_file and delivery. The session is the last one opened before the start; a marked
-- image that no session opens counts where the program lay at the same path of another volume.
-- Not taken: programs that ran on the host with the same bytes before the image was first opened, or that lie in an
-- installed_folder: they are the host's own. A start on the volume itself is 08's.
-- Misses: processes without hashes (4688); images that were not collected; files changed after the copy.
CREATE OR REPLACE TEMP TABLE hash_run AS
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
),
hashed AS (
    SELECT process_key, host, start_ns, path, 'sha256' AS algorithm, upper(regexp_extract(hashes, '(?i)sha256=([0-9a-f]{64})', 1)) AS digest
    FROM process WHERE hashes IS NOT NULL
    UNION ALL
    SELECT process_key, host, start_ns, path, 'sha1', upper(regexp_extract(hashes, '(?i)sha1=([0-9a-f]{40})', 1))
    FROM process WHERE hashes IS NOT NULL
    UNION ALL
    SELECT process_key, host, start_ns, path, 'md5', upper(regexp_extract(hashes, '(?i)md5=([0-9a-f]{32})', 1))
    FROM process WHERE hashes IS NOT NULL
),
digest AS (
    SELECT session_id, host, image_key, image_path, open_ns, first_ns, file, source_id, record_offset, algorithm, digest
    FROM mounted_file
    UNPIVOT (digest FOR algorithm IN (sha256, sha1, md5))
),
equal AS (
    SELECT h.process_key, h.host, h.start_ns, h.path AS process_path, h.algorithm, d.session_id, d.image_key, d.image_path, d.open_ns,
        d.first_ns, d.file, d.source_id, d.record_offset,
        min(h.start_ns) OVER (PARTITION BY h.host, h.digest, d.image_key) < d.first_ns AS ran_before
    FROM hashed h
    JOIN digest d ON d.host = h.host AND d.algorithm = h.algorithm AND d.digest = h.digest
    WHERE h.digest <> ''
)
SELECT * FROM equal e
ANTI JOIN ran r ON r.process_key = e.process_key
WHERE e.start_ns >= e.open_ns AND NOT e.ran_before
    AND NOT list_bool_or(list_transform(rule_words('installed_folder'), lambda w: contains(path_key(e.process_path), w)))
    -- Without a session: at the same path of another volume only.
    AND (e.session_id IS NOT NULL OR (
        substr(path_key(e.process_path), length(volume_quick(e.process_path)) + 2) = lower(e.file)
        AND (e.host, volume_quick(e.process_path)) NOT IN (SELECT (host, volume) FROM system_drive)
        AND (e.host, volume_quick(e.process_path)) NOT IN (SELECT (host, volume) FROM mft_volume)
    ))
-- one row per process: the last session opened before it, the strongest hash
QUALIFY row_number() OVER (PARTITION BY e.process_key ORDER BY e.open_ns DESC, e.algorithm DESC, e.file, e.source_id) = 1;

INSERT INTO execution BY NAME
SELECT short_hash(concat_ws('|', 'hash', h.session_id, h.process_key)) AS execution_id, h.session_id, h.host, h.image_path,
    p.started_utc AS time_utc, 'hash_match' AS kind, p.path AS process_path, p.command_line, p.pid, p.process_guid, p.parent_path, p.user_name,
    'program is byte-equal (' || upper(h.algorithm) || ') to ' || h.file || ' in the image, ' || CASE
        WHEN h.session_id IS NULL THEN 'and started at that path of another volume; no mount is logged'
        ELSE 'which was opened before' END AS basis,
    rule_value('c_hash_match') AS confidence, h.file AS target, h.process_key, p.integrity
FROM hash_run h
JOIN process p USING (process_key);
