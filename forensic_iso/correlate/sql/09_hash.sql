-- hash_run (temporary), rows of execution of the kind hash_match: a program that is byte-equal to a file inside an image
-- found in the evidence, started off the volume after the image was opened: it was copied off, or unpacked, and run.
-- From process (Sysmon's hashes) and session_file. The session is the last one opened before the start.
-- Not taken: programs that ran on the host with the same bytes before the image was first opened, or that lie in an
-- installed_folder: they are the host's own. A start on the volume itself is 08's.
-- Misses: processes without hashes (4688); images that were not collected; files changed after the copy.
CREATE OR REPLACE TEMP TABLE hash_run AS
WITH mounted_file AS (
    SELECT session_id, host, image_key, image_path, open_ns, min(open_ns) OVER (PARTITION BY host, image_key) AS first_ns, path AS file,
        sha256, sha1, md5, source_id, record_offset
    FROM (SELECT f.* EXCLUDE (image_key), s.image_key FROM session_file f JOIN session s USING (session_id))
    WHERE open_ns IS NOT NULL AND size_bytes > 0 AND sha256 IS NOT NULL
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
-- one row per process: the last session opened before it, the strongest hash
QUALIFY row_number() OVER (PARTITION BY e.process_key ORDER BY e.open_ns DESC, e.algorithm DESC, e.file, e.source_id) = 1;

INSERT INTO execution BY NAME
SELECT short_hash(concat_ws('|', 'hash', h.session_id, h.process_key)) AS execution_id, h.session_id, h.host, h.image_path,
    p.started_utc AS time_utc, 'hash_match' AS kind, p.path AS process_path, p.command_line, p.pid, p.process_guid, p.parent_path, p.user_name,
    'program is byte-equal (' || upper(h.algorithm) || ') to ' || h.file || ' in the image, which was opened before' AS basis,
    rule_value('c_hash_match') AS confidence, h.file AS target, h.process_key, p.integrity
FROM hash_run h
JOIN process p USING (process_key);
