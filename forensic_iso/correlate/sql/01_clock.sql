-- clock_shift (temporary): from which record on a channel's stamps are shifted, and by how much in sum.
-- A row is a host, a channel and the first record there that the changed clock stamped.
-- From Kernel-General 1 and Security 4616; changes below clock_jump_min_s are drift.
-- Back: the first record, in record order, whose stamp falls into [new, old] or which lies past the old clock.
-- Forward: the first record past the new clock. Where no record lies near, the channel's order is not certain.
-- Misses: changes of the clock that were not logged, records whose ids restarted, unnumbered stamps where the clock ran twice.
CREATE OR REPLACE TEMP TABLE clock_jump AS
WITH change AS (
    SELECT host, ns_of(old_time) AS old_ns, ns_of(new_time) AS new_ns
    FROM system_time_change
    WHERE damaged IS NOT TRUE AND host IS NOT NULL AND old_time IS NOT NULL AND new_time IS NOT NULL
    UNION ALL
    SELECT host, ns_of(previous_time), ns_of(new_time)
    FROM security_time_change
    WHERE damaged IS NOT TRUE AND host IS NOT NULL AND previous_time IS NOT NULL AND new_time IS NOT NULL
),
large AS (
    SELECT DISTINCT * FROM change WHERE abs(new_ns - old_ns) >= rule_ns('clock_jump_min_s')
),
ordered AS (
    SELECT *, lag(new_ns) OVER (PARTITION BY host ORDER BY new_ns, old_ns) AS previous_ns FROM large
)
-- Two logs tell of one change: the later within same_act_s is the same.
SELECT host, old_ns, new_ns
FROM ordered
WHERE previous_ns IS NULL OR new_ns - previous_ns > rule_ns('same_act_s');

CREATE OR REPLACE TEMP TABLE clock_shift AS
WITH stamp AS (
    SELECT e.host, e.channel, e.record_id, ns_of(e.time_utc) AS at_ns,
        lag(ns_of(e.time_utc)) OVER (PARTITION BY e.host, e.channel ORDER BY e.record_id) AS before_ns
    FROM event_time e
    WHERE e.damaged IS NOT TRUE AND e.record_id IS NOT NULL AND e.time_utc IS NOT NULL
        AND e.host IN (SELECT host FROM clock_jump)
),
first_record AS (
    SELECT s.host, s.channel, j.old_ns, j.new_ns, min(s.record_id) AS from_record
    FROM clock_jump j
    JOIN stamp s ON s.host = j.host
    WHERE (
            j.new_ns < j.old_ns
            AND s.before_ns <= j.old_ns + rule_ns('same_act_s')
            AND s.at_ns >= j.new_ns - rule_ns('same_act_s')
            AND (
                (s.at_ns < s.before_ns - rule_ns('clock_jump_min_s') AND s.at_ns <= j.old_ns)
                OR s.at_ns > j.old_ns + rule_ns('same_act_s')
            )
        )
        OR (
            j.new_ns > j.old_ns
            AND s.before_ns <= j.old_ns + rule_ns('same_act_s')
            AND s.at_ns >= j.new_ns - rule_ns('same_act_s')
        )
    GROUP BY ALL
)
SELECT host, channel, from_record,
    bounded_ns(sum(new_ns - old_ns) OVER (PARTITION BY host, channel ORDER BY from_record, new_ns), 1000000000000000000)::BIGINT AS shift_ns
FROM first_record
QUALIFY row_number() OVER (PARTITION BY host, channel, from_record ORDER BY new_ns DESC) = 1;

-- Stamps that no log numbers (registry, prefetch, $MFT): by the stretch of the clock they fall into, the latest of several.
CREATE OR REPLACE TEMP TABLE clock_stretch AS
WITH jump AS (
    SELECT *, row_number() OVER (PARTITION BY host ORDER BY new_ns, old_ns) AS number FROM clock_jump
)
SELECT host, number, new_ns AS from_ns,
    coalesce(lead(old_ns) OVER turn, never_ns()) AS to_ns,
    bounded_ns(sum(new_ns - old_ns) OVER turn, 1000000000000000000)::BIGINT AS shift_ns
FROM jump
WINDOW turn AS (PARTITION BY host ORDER BY number);

CREATE OR REPLACE TEMP MACRO stamp_ns(of_host, stamp) AS
    ns_of(stamp) - coalesce((
        SELECT max_by(c.shift_ns, c.number)
        FROM clock_stretch c
        WHERE c.host = of_host AND ns_of(stamp) BETWEEN c.from_ns AND c.to_ns
    ), 0);

CREATE OR REPLACE TEMP MACRO timed(event_table) AS TABLE
    SELECT e.*, ns_of(e.time_utc) - coalesce(s.shift_ns, 0) AS mono_ns
    FROM query_table(event_table) e
    ASOF LEFT JOIN clock_shift s
        ON s.host = e.host AND s.channel = e.channel AND e.record_id >= s.from_record
    WHERE e.damaged IS NOT TRUE AND e.host IS NOT NULL AND e.time_utc IS NOT NULL;
CREATE OR REPLACE TEMP MACRO sysmon_timed(event_table) AS TABLE
    SELECT e.*, coalesce(e.utc_time, e.time_utc) AS happened_utc,
        ns_of(coalesce(e.utc_time, e.time_utc)) - coalesce(s.shift_ns, 0) AS mono_ns
    FROM query_table(event_table) e
    ASOF LEFT JOIN clock_shift s
        ON s.host = e.host AND s.channel = e.channel AND e.record_id >= s.from_record
    WHERE e.damaged IS NOT TRUE AND e.host IS NOT NULL AND e.time_utc IS NOT NULL;
