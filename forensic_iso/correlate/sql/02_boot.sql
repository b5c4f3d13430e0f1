-- boot: runs of the system. One row per start of a host, and row 0 for what lies before the first start logged.
-- From System: Kernel-General 12 and 13, EventLog 6005 and 6006. A 6005 without a 12 shortly before is a start too; so are
-- Security 4608 and a higher number of the start in Sysmon's ids of processes.
-- End: the first 6006 or 13 of that run (shutdown); else the last record of any log before the next start (crash).
-- fast_startup: the next start says Kernel-Boot 27 BootType 1; images may then still be open.
-- Misses: starts that rolled out of these logs.
CREATE OR REPLACE TEMP TABLE system_mark AS
SELECT host, time_utc, mono_ns, 'start' AS mark, 1 AS rank FROM timed('system_boot') WHERE event_id = 12
UNION ALL
SELECT host, time_utc, mono_ns, 'stop', 1 FROM timed('system_boot') WHERE event_id = 13
UNION ALL
SELECT host, time_utc, mono_ns, 'start', 2 FROM timed('system_eventlog_service') WHERE event_id = 6005
UNION ALL
SELECT host, time_utc, mono_ns, 'stop', 2 FROM timed('system_eventlog_service') WHERE event_id = 6006
UNION ALL
SELECT host, time_utc, mono_ns, 'start', 2 FROM timed('event_other') WHERE event_id = 4608 AND provider = 'Microsoft-Windows-Security-Auditing'
UNION ALL
SELECT host, time_utc, mono_ns, 'fast', 1
FROM timed('event_other')
WHERE provider = 'Microsoft-Windows-Kernel-Boot' AND event_id = 27
    AND try_cast(json_extract_string(data, '$.BootType') AS INTEGER) = 1;

-- Sysmon's ids of processes hold the number of the start since late 2021 (two bytes at the end, six of the process's number
-- before): a higher one proves a start between two processes, told where no other mark tells it.
INSERT INTO system_mark
WITH process_id AS (
    SELECT host, happened_utc, mono_ns, lower(trim(process_guid, '{}')) AS guid FROM sysmon_timed('sysmon_process_create')
),
run AS (
    SELECT host, guid[35:36] || guid[33:34] AS number, min(mono_ns) AS first_ns, max(mono_ns) AS last_ns
    FROM process_id WHERE guid[29:32] = '0000' AND guid[20:23] <> '0000' AND guid[33:36] <> '0000'
    GROUP BY ALL
),
turn AS (
    SELECT *, lag(last_ns) OVER (PARTITION BY host ORDER BY number) AS before_ns FROM run
),
unmarked AS (
    SELECT t.host, t.before_ns, t.first_ns
    FROM turn t
    ANTI JOIN system_mark m ON m.host = t.host AND m.mark = 'start' AND m.mono_ns > t.before_ns AND m.mono_ns <= t.first_ns + rule_ns('same_act_s')
    WHERE t.before_ns < t.first_ns
),
-- The start lies in the longest silence of all logs between the two.
record AS (
    SELECT u.host, u.first_ns, e.time_utc, e.mono_ns, e.mono_ns - lag(e.mono_ns) OVER (PARTITION BY u.host, u.first_ns ORDER BY e.mono_ns) AS silence_ns
    FROM unmarked u
    JOIN (SELECT host, time_utc, mono_ns FROM timed('event_time') WHERE host IN (SELECT host FROM unmarked)) e
        ON e.host = u.host AND e.mono_ns BETWEEN u.before_ns AND u.first_ns + rule_ns('same_act_s')
)
SELECT host, arg_max(time_utc, silence_ns) AS time_utc, arg_max(mono_ns, silence_ns) AS mono_ns, 'start' AS mark, 1 AS rank
FROM record WHERE silence_ns IS NOT NULL
GROUP BY host, first_ns;

CREATE OR REPLACE TEMP TABLE boot_run AS
WITH start_mark AS (
    SELECT host, time_utc, mono_ns, rank,
        lag(mono_ns) OVER (PARTITION BY host ORDER BY mono_ns, rank) AS before_ns
    FROM system_mark WHERE mark = 'start'
),
start AS (
    SELECT host, time_utc, mono_ns
    FROM start_mark
    WHERE rank = 1 OR before_ns IS NULL OR mono_ns - before_ns > rule_ns('boot_merge_s')
),
host_name AS (
    SELECT DISTINCT host FROM event_time WHERE host IS NOT NULL
)
SELECT host, row_number() OVER (PARTITION BY host ORDER BY mono_ns)::INTEGER AS boot_number,
    time_utc AS started_utc, mono_ns AS start_ns
FROM start
UNION ALL
SELECT host, 0, NULL, -never_ns() FROM host_name;

INSERT INTO boot BY NAME
WITH run AS (
    SELECT *, lead(start_ns) OVER (PARTITION BY host ORDER BY boot_number) AS end_ns FROM boot_run
),
stop AS (
    SELECT r.host, r.boot_number, min_by(m.time_utc, m.mono_ns) AS time_utc, min(m.mono_ns) AS mono_ns
    FROM run r
    JOIN system_mark m
        ON m.host = r.host AND m.mark = 'stop' AND m.mono_ns >= r.start_ns AND (r.end_ns IS NULL OR m.mono_ns < r.end_ns)
    GROUP BY ALL
),
crashed AS (
    SELECT r.host, r.end_ns FROM run r ANTI JOIN stop s USING (host, boot_number) WHERE r.end_ns IS NOT NULL
),
-- The last record before each start that no shutdown precedes.
last_record AS (
    SELECT c.host, c.end_ns, max_by(e.time_utc, e.mono_ns) AS time_utc, max(e.mono_ns) AS mono_ns
    FROM (SELECT host, time_utc, mono_ns FROM timed('event_time') WHERE host IN (SELECT host FROM crashed)) e
    ASOF JOIN crashed c ON c.host = e.host AND e.mono_ns < c.end_ns
    GROUP BY ALL
),
fast AS (
    SELECT DISTINCT r.host, r.boot_number
    FROM run r
    JOIN system_mark m ON m.host = r.host AND m.mark = 'fast' AND m.mono_ns >= r.start_ns
        AND (r.end_ns IS NULL OR m.mono_ns < r.end_ns)
)
SELECT r.host, r.boot_number, r.started_utc,
    coalesce(s.time_utc, l.time_utc) AS ended_utc,
    CASE WHEN s.time_utc IS NOT NULL THEN 'shutdown' WHEN r.end_ns IS NOT NULL THEN 'crash' ELSE 'log_end' END AS end_basis,
    f.host IS NOT NULL AS fast_startup,
    r.start_ns, r.end_ns, coalesce(s.mono_ns, l.mono_ns) AS stop_ns
FROM run r
LEFT JOIN stop s USING (host, boot_number)
LEFT JOIN last_record l ON l.host = r.host AND l.end_ns = r.end_ns
LEFT JOIN fast f ON f.host = r.host AND f.boot_number = r.boot_number + 1
-- Nothing lies before the first start where the logs begin with it.
ORDER BY r.host, r.boot_number;
