-- host_alias: former names of a host. One row per name that a machine bore before the one it bears last in the evidence.
-- From the records of one log that bear two names one after the other, in record order, in a file named as its only channel (forwarded
-- events mix machines); from EventLog 6011, which tells both names; from a SYSTEM hive whose name no record bears yet, beside logs of
-- one name. Chains of names end at the last. host_names.py then gives all steps the last name; the tables of evidence keep theirs.
-- A name holds for the whole case if nobody bears it after the change and one machine alone gave it up; else only for the
-- collection (root of its paths) that shows the change: a template's name is on every machine made of it.
-- Misses: a name taken back later; logs under other file names; names before the oldest record.
CREATE OR REPLACE TEMP MACRO collection_of(path, windows_path) AS
    CASE WHEN ends_with(lower(replace(path, '/', '\')), lower(substr(windows_path, 4)))
        THEN left(path, length(path) - length(substr(windows_path, 4))) END;

CREATE OR REPLACE TEMP TABLE renaming AS
WITH place AS (
    SELECT source_id, kind, host, collection_of(path, windows_path) AS root,
        lower(replace(regexp_extract(replace(coalesce(windows_path, path), '/', '\'), '([^\\]+)$', 1), '%4', '/')) AS file
    FROM source
),
mixed AS (
    SELECT source_id FROM event_time
    WHERE host IS NOT NULL AND record_id IS NOT NULL AND damaged IS NOT TRUE AND origin IS DISTINCT FROM 'slack'
    GROUP BY source_id HAVING min(host) <> max(host)
),
stretch AS (
    SELECT e.source_id, e.channel, e.host, min(e.record_id) AS first_id, max(e.record_id) AS last_id,
        min_by(e.time_utc, e.record_id) AS first_utc, max_by(e.time_utc, e.record_id) AS last_utc,
        min_by(e.table_name, e.record_id) AS table_name, min_by(e.record_offset, e.record_id) AS record_offset
    FROM event_time e
    JOIN mixed USING (source_id)
    WHERE e.host IS NOT NULL AND e.record_id IS NOT NULL AND e.damaged IS NOT TRUE AND e.origin IS DISTINCT FROM 'slack'
    GROUP BY ALL
),
ordered AS (
    SELECT *, lag(host) OVER turn AS before_host, lag(last_id) OVER turn AS before_id, lag(last_utc) OVER turn AS before_utc,
        count(*) OVER (PARTITION BY source_id, host) AS channels
    FROM stretch
    WINDOW turn AS (PARTITION BY source_id ORDER BY first_id)
),
sound AS (
    SELECT source_id FROM ordered
    GROUP BY source_id
    HAVING count(DISTINCT channel) = 1 AND bool_and(before_id IS NULL OR before_id < first_id)
),
switched AS (
    SELECT o.before_host AS alias, o.host, o.before_utc AS last_utc, o.first_utc AS changed_utc, p.root, o.source_id, o.table_name, o.record_offset,
        'records of ' || o.channel || ' bear one name up to ' || strftime(o.before_utc, '%Y-%m-%d %H:%M:%S') || ' and the other from '
            || strftime(o.first_utc, '%Y-%m-%d %H:%M:%S') || ', without a return' AS basis
    FROM ordered o
    JOIN sound USING (source_id)
    JOIN place p USING (source_id)
    WHERE o.before_host IS NOT NULL AND contains(p.file, lower(o.channel))
),
-- Old and new NetBIOS name, cut to 15 characters.
told AS (
    SELECT e.time_utc, e.source_id, e.record_offset, p.root, upper(json_extract_string(data, '$.param1')) AS old_name, upper(json_extract_string(data, '$.param2')) AS new_name, e.host
    FROM event_other e
    JOIN place p USING (source_id)
    WHERE e.event_id = 6011 AND e.provider = 'EventLog' AND e.damaged IS NOT TRUE AND e.host IS NOT NULL AND NOT contains(p.file, 'forwarded')
),
borne AS (
    SELECT host, max(time_utc) AS last_utc FROM event_time WHERE host IS NOT NULL GROUP BY host
),
announced AS (
    SELECT b.host AS alias, n.host, b.last_utc, t.time_utc AS changed_utc, t.root, t.source_id, 'event_other' AS table_name, t.record_offset,
        'System has the change of the name from ' || t.old_name || ' to ' || t.new_name || ' (EventLog 6011)' AS basis
    FROM told t
    JOIN borne b ON left(b.host, 15) = t.old_name
    JOIN borne n ON left(n.host, 15) = t.new_name AND n.host <> b.host
    WHERE t.host IN (b.host, n.host)
),
-- Names of one collection's logs.
of_logs AS (
    SELECT p.root, min(e.host) AS host
    FROM (SELECT DISTINCT source_id, host FROM event_time WHERE host IS NOT NULL AND source_id IN (SELECT source_id FROM place WHERE root IS NOT NULL)) e
    JOIN place p USING (source_id)
    WHERE NOT contains(p.file, 'forwarded') AND p.root IN (SELECT root FROM place WHERE kind = 'hive_system')
    GROUP BY p.root
    HAVING count(DISTINCT e.host) = 1
),
waiting AS (
    SELECT p.host AS alias, o.host, NULL::TIMESTAMP_NS AS last_utc, NULL::TIMESTAMP_NS AS changed_utc, p.root, s.source_id, 'host_setting' AS table_name, s."offset" AS record_offset,
        'the SYSTEM hive has a name that no record bears yet: it waits for a restart' AS basis
    FROM place p
    JOIN of_logs o USING (root)
    JOIN host_setting s ON s.source_id = p.source_id AND s.setting = 'computer_name' AND coalesce(s.current, TRUE)
    WHERE p.kind = 'hive_system' AND p.host <> o.host AND p.host NOT IN (SELECT host FROM borne)
)
SELECT *, coalesce(changed_utc, last_utc) AS at_utc FROM switched
UNION ALL SELECT *, changed_utc FROM announced
UNION ALL SELECT *, NULL FROM waiting;

-- Each name with the last of its chain; a circle of names ends nowhere and is left alone.
CREATE OR REPLACE TEMP TABLE renamed AS
WITH RECURSIVE edge AS (
    SELECT DISTINCT alias, host, root FROM renaming
),
chain AS (
    SELECT alias, host, root, 1 AS steps FROM edge
    UNION ALL
    SELECT c.alias, e.host, c.root, c.steps + 1
    FROM chain c
    JOIN edge e ON e.alias = c.host AND e.root IS NOT DISTINCT FROM c.root
    WHERE c.steps < 16
),
last_name AS (
    SELECT alias, host, root, max(steps) AS steps FROM chain c
    WHERE NOT EXISTS (SELECT 1 FROM edge e WHERE e.alias = c.host AND e.root IS NOT DISTINCT FROM c.root)
    GROUP BY ALL
),
-- A name that one machine gave up, and nobody bears after that.
whole AS (
    SELECT l.alias FROM last_name l
    LEFT JOIN (SELECT host, max(time_utc) AS last_utc FROM event_time WHERE host IN (SELECT alias FROM renaming) GROUP BY host) b ON b.host = l.alias
    LEFT JOIN (SELECT alias, min(at_utc) AS at_utc FROM renaming GROUP BY alias) r ON r.alias = l.alias
    GROUP BY l.alias
    HAVING count(DISTINCT l.host) = 1 AND bool_and(b.last_utc IS NULL OR r.at_utc IS NULL OR b.last_utc <= r.at_utc)
)
SELECT s.source_id, l.alias, l.host
FROM last_name l
JOIN (SELECT source_id, collection_of(path, windows_path) AS root FROM source) s
    ON l.alias IN (SELECT alias FROM whole) OR s.root = l.root
WHERE l.alias <> l.host
QUALIFY count(DISTINCT l.host) OVER (PARTITION BY s.source_id, l.alias) = 1 AND row_number() OVER (PARTITION BY s.source_id, l.alias ORDER BY l.steps) = 1;

INSERT INTO host_alias BY NAME
SELECT r.host, r.alias, max(n.last_utc) AS last_utc, min(n.changed_utc) AS changed_utc, string_agg(DISTINCT n.basis, '; ' ORDER BY n.basis) AS basis,
    min_by(n.source_id, n.order_utc) AS source_id, min_by(n.table_name, n.order_utc) AS table_name,
    min_by(n.record_offset, n.order_utc)::VARCHAR AS row_address
FROM (SELECT * EXCLUDE (host), coalesce(changed_utc, '1970-01-01'::TIMESTAMP_NS) AS order_utc FROM renaming) n
JOIN (SELECT DISTINCT alias, host FROM renamed) r USING (alias)
GROUP BY r.host, r.alias;
