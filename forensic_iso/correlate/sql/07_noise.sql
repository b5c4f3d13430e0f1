-- noise_pattern, noise (temporary): sessions of disks of the system (noise_disk in rules.toml): WSL, profiles, containers, backup.
-- Path and account agree, the disk bears no mark from outside, a path that names a user's SID names the opener's. A letter that
-- programs ran from while the disk alone was open, and that nothing used at another time, cancels it; disks that are mounted into
-- folders have no letter, but for those that a user opened long after a logon (logon_mount_s).
-- From session, delivery, volume_use, Security 4624. Misses: disks of products that noise_disk does not name.
CREATE OR REPLACE TEMP TABLE noise_pattern AS
WITH pattern AS (
    SELECT number, split_part(entry, '|', 1) AS what, split_part(entry, '|', 2) AS who,
        substr(entry, length(split_part(entry, '|', 1)) + length(split_part(entry, '|', 2)) + 3) AS path
    FROM (SELECT rowid AS number, value AS entry FROM rule_list WHERE name = 'noise_disk')
),
-- Patterns that differ from row to row are made ready at each: few paths, on many hosts.
met AS (
    SELECT f.file_key, p.number, p.what, p.who
    FROM (SELECT DISTINCT file_key FROM session) f
    JOIN pattern p ON regexp_matches(f.file_key, lower(p.path))
)
SELECT s.session_id, s.host, min_by(p.what, p.number) AS what
FROM session s
JOIN met p ON p.file_key = s.file_key
    AND (
        p.who = 'any' OR list_contains(rule_words('service_sid'), lower(s.user_sid)) OR lower(s.user_sid) LIKE 's-1-5-83-%'
        OR (s.user_sid IS NULL AND (s.is_by_system
            -- 1006 names no account: folders that only administrators and the system write to speak for it.
            OR (NOT s.has_vhdmp AND s.other_basis IS NULL AND regexp_matches(s.file_key, rule_pattern('system_folder')))))
    )
LEFT JOIN delivery d ON d.host = s.host AND d.file_key = s.file_key AND d.is_marked AND coalesce(d.zone_id, 3) >= 3
WHERE d.delivery_id IS NULL
    -- A user's disk names its user: a path with another's SID only looks like one.
    AND NOT coalesce(lower(s.user_sid) LIKE 's-1-5-21-%' AND nullif(regexp_extract(s.file_key, '(s-1-5-21(?:-[0-9]+)+)', 1), '') <> lower(s.user_sid), FALSE)
GROUP BY s.session_id, s.host;

-- A letter that programs ran from while the disk was open, and that nothing used at another time, cancels the noise:
-- unless another image was open then, whose letter it may be.
CREATE OR REPLACE TEMP TABLE noise AS
WITH used AS (
    SELECT n.session_id, n.host, u.volume, s.open_ns, coalesce(s.end_ns, never_ns()) AS end_ns, min(u.mono_ns) AS first_ns,
        list_contains(rule_words('noise_without_letter'), lower(n.what)) AS is_folder
    FROM noise_pattern n
    JOIN session s USING (session_id)
    JOIN volume_use u ON u.host = s.host AND u.what = 'program' AND u.form = 'letter'
        AND u.mono_ns >= s.open_ns AND (s.end_ns IS NULL OR u.mono_ns <= s.end_ns)
    GROUP BY ALL
),
-- Disks that are mounted into folders have no letter; but they are opened at a logon or by a service: one that a user opened in
-- the middle of his logon is none.
late AS (
    SELECT s.session_id
    FROM noise_pattern n
    JOIN session s USING (session_id)
    ASOF JOIN (
        SELECT host, mono_ns FROM timed('security_logon') WHERE logon_type IN (2, 10, 11) AND target_user_sid LIKE 'S-1-5-21-%'
    ) g ON g.host = s.host AND s.open_ns >= g.mono_ns
    WHERE lower(s.user_sid) LIKE 's-1-5-21-%' AND s.open_ns - g.mono_ns > rule_ns('logon_mount_s')
),
own AS (
    SELECT u.*
    FROM used u
    ANTI JOIN volume_use o ON o.host = u.host AND o.volume = u.volume AND (o.mono_ns < u.open_ns OR o.mono_ns > u.end_ns)
    ANTI JOIN (SELECT * FROM session ANTI JOIN noise_pattern USING (session_id)) x ON x.host = u.host
        AND x.session_id <> u.session_id AND x.open_ns <= u.first_ns AND (x.end_ns IS NULL OR x.end_ns >= u.first_ns)
    WHERE NOT u.is_folder OR u.session_id IN (SELECT session_id FROM late)
)
SELECT n.* FROM noise_pattern n ANTI JOIN own o USING (session_id);
