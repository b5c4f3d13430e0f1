-- log_gap, log_off (temporary): when a log of a host did not speak. A row is one interval of one channel.
-- log_gap: ids missing between two records of a channel, and stamps that fall in record order.
-- log_off: channels switched off (SOFTWARE, since the last write of the channel's key at the latest), Sysmon stopped (4), its
-- filter changed (16), the log service stopped without a shutdown (6006 to 6005), process audit taken away (4719),
-- Defender's protection off (5001 to 5000). channel NULL: all logs of the host; to_utc NULL: until the end of the evidence.
-- From event_time, event_other, host_setting, system_eventlog_service, boot. Intervals on the monotonic clock beside the stamps.
-- Misses: logs cut with their ids renumbered; programs that stop a log without the service knowing.
CREATE OR REPLACE TEMP TABLE log_gap AS
WITH log AS (
    SELECT host, channel, row_number() OVER () AS log_number FROM (SELECT DISTINCT host, channel FROM event_time WHERE host IS NOT NULL)
),
-- All records are put in order: as numbers.
ordered AS (
    SELECT l.log_number, e.record_id, ns_of(e.time_utc) AS at_ns, lag(e.record_id) OVER turn AS before_id, lag(ns_of(e.time_utc)) OVER turn AS before_ns
    FROM event_time e
    JOIN log l ON l.host = e.host AND l.channel IS NOT DISTINCT FROM e.channel
    WHERE e.record_id IS NOT NULL AND e.time_utc IS NOT NULL AND e.damaged IS NOT TRUE
    WINDOW turn AS (PARTITION BY l.log_number ORDER BY e.record_id)
)
SELECT l.host, l.channel, instant(o.before_ns) AS from_utc, instant(o.at_ns) AS to_utc, o.before_ns AS from_ns, o.at_ns AS to_ns,
    ids_between(o.before_id, o.record_id) AS missing, o.at_ns < o.before_ns - rule_ns('clock_jump_min_s') AS falls
FROM ordered o
JOIN log l USING (log_number)
WHERE o.record_id - o.before_id > 1 OR o.at_ns < o.before_ns - rule_ns('clock_jump_min_s');

CREATE OR REPLACE TEMP TABLE log_off AS
WITH setting AS (
    SELECT split_part(value, '|', 1) AS setting, split_part(value, '|', 2) AS channel FROM rule_list WHERE name = 'channel_setting'
),
switch AS (
    SELECT host, mono_ns, time_utc, 'Microsoft-Windows-Sysmon/Operational' AS channel, 'Sysmon was stopped' AS why,
        json_extract_string(data, '$.State') ILIKE 'Stopped' AS is_off, source_id, record_offset
    FROM timed('event_other') WHERE provider = 'Microsoft-Windows-Sysmon' AND event_id = 4
    UNION ALL
    SELECT host, mono_ns, time_utc, 'Microsoft-Windows-Windows Defender/Operational', 'Defender''s protection was off', event_id = 5001, source_id, record_offset
    FROM timed('event_other') WHERE provider = 'Microsoft-Windows-Windows Defender' AND event_id IN (5000, 5001)
    UNION ALL
    -- 4719 of the subcategory Process Creation: %%8448 success removed, %%8449 success added.
    SELECT host, mono_ns, time_utc, 'Security', 'the audit of process starts was off', contains(json_extract_string(data, '$.AuditPolicyChanges'), '%%8448'),
        source_id, record_offset
    FROM timed('event_other')
    WHERE channel = 'Security' AND event_id = 4719
        AND guid_key(json_extract_string(data, '$.SubcategoryGuid')) = '0cce922b-69ae-11d9-bed3-505054503030'
    UNION ALL
    SELECT host, mono_ns, time_utc, NULL, 'the log service was stopped', event_id = 6006, source_id, record_offset
    FROM timed('system_eventlog_service') WHERE event_id IN (6005, 6006)
),
paired AS (
    SELECT *, lead(time_utc) OVER turn AS to_utc, lead(mono_ns) OVER turn AS to_ns
    FROM switch
    WINDOW turn AS (PARTITION BY host, channel, why ORDER BY mono_ns)
)
-- What a shutdown stops starts again with the system: no interval of its own.
SELECT p.host, p.channel, p.time_utc AS from_utc, p.to_utc, p.mono_ns AS from_ns, p.to_ns, p.why, p.source_id, p.record_offset
FROM paired p
WHERE p.is_off
    AND (p.why NOT IN ('Sysmon was stopped', 'the log service was stopped') OR NOT EXISTS (
        SELECT 1 FROM boot b
        WHERE b.host = p.host AND (
            b.start_ns BETWEEN p.mono_ns AND coalesce(p.to_ns, never_ns())
            OR b.stop_ns BETWEEN p.mono_ns - rule_ns('boot_merge_s') AND p.mono_ns + rule_ns('boot_merge_s'))
    ))
    -- A log service that only stops ended with the system.
    AND (p.why <> 'the log service was stopped' OR p.to_utc IS NOT NULL)
UNION ALL
SELECT h.host, s.channel, h.key_last_write_utc, NULL, stamp_ns(h.host, h.key_last_write_utc), NULL, 'the channel is switched off in the registry',
    h.source_id, h."offset"
FROM host_setting h
JOIN setting s USING (setting)
WHERE h.value = '0' AND h.key_last_write_utc IS NOT NULL AND coalesce(h.current, TRUE);
