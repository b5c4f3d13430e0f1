-- coverage: per host and channel what the logs hold, and where they are silent. Absence counts inside it only.
-- gaps: ids missing between the first and the last id (records removed, overwritten, damaged). First id above 1: rolled
-- over or cleared. cleared: as Security 1102 and System 104 tell. Clock: changes and stamps that fall in record order.
-- Also one row per $MFT. log_gap (temporary): the holes of the logs that show processes, for the sentences of findings.
-- Misses: channels that were never there; what the configuration of Sysmon or the audit policy leaves out.
CREATE OR REPLACE TEMP TABLE log_gap AS
WITH ordered AS (
    SELECT host, channel, record_id, time_utc, epoch_ns(time_utc) AS at_ns,
        lag(record_id) OVER turn AS before_id, lag(time_utc) OVER turn AS before_utc, lag(epoch_ns(time_utc)) OVER turn AS before_ns
    FROM event_time
    WHERE record_id IS NOT NULL AND time_utc IS NOT NULL AND host IS NOT NULL AND damaged IS NOT TRUE
    WINDOW turn AS (PARTITION BY host, channel ORDER BY record_id)
)
SELECT host, channel, before_utc AS from_utc, time_utc AS to_utc, before_ns AS from_ns, at_ns AS to_ns,
    (record_id - before_id - 1)::BIGINT AS missing, at_ns < before_ns - rule_ns('clock_jump_min_s') AS falls
FROM ordered
WHERE record_id - before_id > 1 OR at_ns < before_ns - rule_ns('clock_jump_min_s');

INSERT INTO coverage BY NAME
WITH span AS (
    SELECT host, channel, min(time_utc) AS first_utc, max(time_utc) AS last_utc, count(*) AS records, min(record_id) AS first_id,
        count(*) FILTER (damaged) AS damaged, count(*) FILTER (origin = 'slack') AS slack
    FROM event_time
    WHERE host IS NOT NULL AND channel IS NOT NULL
    GROUP BY host, channel
),
hole AS (
    SELECT host, channel, sum(missing) FILTER (missing > 0) AS missing, count(*) FILTER (falls) AS falls FROM log_gap GROUP BY host, channel
),
clearing AS (
    SELECT host, 'Security' AS channel, time_utc FROM timed('security_log_cleared')
    UNION ALL
    SELECT host, cleared_channel, time_utc FROM timed('system_log_cleared') WHERE cleared_channel IS NOT NULL
),
cleared AS (
    SELECT host, channel, count(*) AS times, max(time_utc) AS last_utc FROM clearing GROUP BY host, channel
),
jump AS (
    SELECT host, count(*) AS jumps FROM clock_jump GROUP BY host
)
SELECT coalesce(s.host, c.host) AS host, coalesce(s.channel, c.channel) AS channel, s.first_utc, s.last_utc,
    coalesce(s.records, 0) AS records, coalesce(h.missing, 0)::BIGINT AS gaps, coalesce(c.times, 0) AS cleared,
    nullif(concat_ws('; ',
        CASE WHEN s.host IS NULL THEN 'log not in the evidence' END,
        CASE WHEN s.first_id > 1 THEN 'begins with record id ' || s.first_id || ': older records rolled over or were cleared' END,
        CASE WHEN h.missing > 0 THEN h.missing || ' record ids missing inside' END,
        CASE WHEN c.times > 0 THEN 'cleared, last at ' || strftime(c.last_utc, '%Y-%m-%d %H:%M:%S') END,
        CASE WHEN s.damaged > 0 THEN s.damaged || ' records damaged' END,
        CASE WHEN s.slack > 0 THEN s.slack || ' records recovered from slack' END,
        CASE WHEN h.falls > 0 THEN h.falls || ' times the stamps fall in record order' END,
        CASE WHEN j.jumps > 0 THEN j.jumps || ' changes of the clock on this host' END
    ), '') AS remark
FROM span s
FULL JOIN cleared c ON c.host = s.host AND lower(c.channel) = lower(s.channel)
LEFT JOIN hole h ON h.host = s.host AND h.channel = s.channel
LEFT JOIN jump j ON j.host = s.host;

-- Logs that the chain rests on and that are not there.
INSERT INTO coverage BY NAME
SELECT h.host, c.value AS channel, 0 AS records, 0 AS gaps, 0 AS cleared, 'no record in the evidence: the log is absent, empty or was off' AS remark
FROM (SELECT DISTINCT host FROM event_time WHERE host IS NOT NULL) h
CROSS JOIN (SELECT value FROM rule_list WHERE name = 'expected_channel') c
-- Both spellings of the VHDMP channel count.
ANTI JOIN coverage k ON k.host = h.host AND replace(lower(k.channel), '/', '-') = replace(lower(c.value), '/', '-');

INSERT INTO coverage BY NAME
SELECT m.host, '$MFT ' || upper(m.volume) AS channel, min(e.si_created_utc) AS first_utc, max(e.si_mft_changed_utc) AS last_utc,
    count(*) AS records, 0 AS gaps, 0 AS cleared, 'present state of the volume, no history' AS remark
FROM mft_entry e
JOIN mft_volume m USING (source_id)
GROUP BY m.host, m.volume;
