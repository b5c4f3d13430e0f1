-- blind (temporary): what the evidence could not show of a finding, in sentences joined by '; '. One row per finding.
-- From link, log_gap, log_off, sight (25): holes, clearings and silent intervals of the logs while the image was open or after;
-- logs that begin after the opening; kinds of records the host has none of; artifacts that were not collected and are the
-- only ones to tell. What the verdict has already is not said to be open.
-- Misses: records that a filter of Sysmon or an audit policy never let come into being.
CREATE OR REPLACE TEMP TABLE blind AS
WITH span AS (
    SELECT l.finding_id, l.host, l.verdict, l.is_mounted, l.is_marked, l.is_traced, l.first_utc, min(m.open_ns) AS open_ns, min(m.opened_utc) AS opened_utc,
        CASE WHEN bool_or(m.end_ns IS NULL) THEN NULL ELSE max(m.end_ns) END AS end_ns, max(m.closed_utc) AS closed_utc
    FROM link l
    LEFT JOIN subject s ON s.finding_id = l.finding_id AND s.session_id IS NOT NULL
    LEFT JOIN mount_session m ON m.session_id = s.session_id
    GROUP BY ALL
),
gap AS (
    SELECT s.finding_id, 'between ' || said(g.from_utc) || ' and ' || said(g.to_utc) || ' (' || g.missing || ' records of ' || g.channel
        || ' missing) execution cannot be excluded' AS sentence
    FROM (SELECT DISTINCT finding_id, session_id FROM subject WHERE session_id IS NOT NULL) s
    JOIN mount_session m USING (session_id)
    JOIN log_gap g ON g.host = m.host AND g.missing > 0 AND g.channel IN ('Security', 'Microsoft-Windows-Sysmon/Operational')
        AND m.open_ns IS NOT NULL AND g.to_ns >= m.open_ns AND (m.end_ns IS NULL OR g.from_ns <= m.end_ns)
),
off AS (
    SELECT s.finding_id, o.why || coalesce(' (' || o.channel || ')', '') || ' from ' || said(o.from_utc) || coalesce(' to ' || said(o.to_utc), ' on') || ': '
        || CASE WHEN o.channel LIKE '%VHDMP%' THEN 'mounts' WHEN o.channel LIKE '%Partition%' THEN 'arrivals of virtual disks'
            WHEN o.channel LIKE '%Defender%' THEN 'files that it would have found' ELSE 'execution' END || ' cannot be excluded' AS sentence
    FROM span s
    JOIN log_off o ON o.host = s.host AND (o.to_ns IS NULL OR o.to_ns >= coalesce(s.open_ns, ns_of(s.first_utc)))
        AND (s.end_ns IS NULL OR o.from_ns <= s.end_ns)
    WHERE s.is_mounted OR o.channel IS NULL OR o.channel LIKE '%VHDMP%'
),
cleared AS (
    SELECT l.finding_id, c.channel || ' was cleared at ' || said(max(c.time_utc)) AS sentence
    FROM link l
    JOIN (
        SELECT host, 'Security' AS channel, time_utc FROM timed('security_log_cleared')
        UNION ALL SELECT host, cleared_channel, time_utc FROM timed('system_log_cleared')
        WHERE cleared_channel IN ('Microsoft-Windows-Sysmon/Operational', 'Microsoft-Windows-VHDMP-Operational')
    ) c ON c.host = l.host AND c.time_utc >= l.first_utc
    GROUP BY l.finding_id, c.channel
),
-- The log of starts that speaks for the host: Sysmon where it is there, else 4688.
starts AS (
    SELECT host, CASE WHEN has_sysmon THEN 'Sysmon' WHEN has_audit THEN 'Security 4688' END AS log,
        CASE WHEN has_sysmon THEN sysmon_from ELSE audit_from END AS from_utc, CASE WHEN has_sysmon THEN sysmon_to ELSE audit_to END AS to_utc
    FROM sight
),
sentence AS (
    SELECT * FROM gap
    UNION ALL SELECT * FROM off
    UNION ALL SELECT * FROM cleared
    UNION ALL SELECT p.finding_id, 'neither Sysmon nor Security 4688: ' || CASE WHEN p.verdict IN ('executed', 'active') THEN 'other ' ELSE '' END
        || 'programs run from it cannot be excluded' || coalesce('; of the traces that could tell them the evidence lacks ' || s.no_run_trace, '')
        FROM span p JOIN sight s USING (host)
        WHERE p.is_mounted AND NOT s.has_sysmon AND NOT s.has_audit AND NOT s.has_export
    UNION ALL SELECT p.finding_id, 'neither Sysmon nor Security 4688, only Defender''s export of program starts: what its query left out cannot be excluded'
        FROM span p JOIN sight s USING (host)
        WHERE p.is_mounted AND NOT s.has_sysmon AND NOT s.has_audit AND s.has_export
    UNION ALL SELECT p.finding_id, 'only exports of Defender speak for this host, no log, $MFT or registry of it: other mounts and a mark of the image cannot be excluded'
        FROM span p JOIN sight s USING (host)
        WHERE NOT s.is_collected
    UNION ALL SELECT finding_id, 'of logs and journals only what lies' || coalesce(' from ' || said(instant(getvariable('read_from_ns'))) || ' on', '')
            || coalesce(' before ' || said(instant(getvariable('read_to_ns'))), '') || ' was read, as asked'
        FROM span WHERE coalesce(getvariable('read_from_ns'), getvariable('read_to_ns')) IS NOT NULL
    UNION ALL SELECT p.finding_id, t.log || ' begins at ' || said(t.from_utc) || ', after the mount: programs run before cannot be excluded'
        FROM span p JOIN starts t USING (host)
        WHERE p.is_mounted AND ns_of(t.from_utc) > p.open_ns + rule_ns('first_run_s')
    UNION ALL SELECT p.finding_id, t.log || ' ends at ' || said(t.to_utc) || ', before the image was closed: programs run later cannot be excluded'
        FROM span p JOIN starts t USING (host)
        WHERE p.is_mounted AND p.closed_utc IS NOT NULL AND ns_of(t.to_utc) < p.end_ns - rule_ns('first_run_s')
    UNION ALL SELECT j.finding_id, 'the opening of the image is not logged: programs run from it before '
            || coalesce(said(k.open_utc) || CASE WHEN ns_of(k.open_utc) = getvariable('read_from_ns') THEN ', where the reading begins,'
                WHEN k.bound = 'cleared' THEN ', when the log was cleared,' WHEN k.bound = 'in use' THEN ', when it was in use,' ELSE ', when the log begins or goes on,' END, 'its removal') || ' cannot be excluded'
        FROM subject j
        JOIN session s USING (session_id)
        LEFT JOIN open_before k USING (session_id)
        WHERE s.removal_only AND s.open_ns IS NULL
    UNION ALL SELECT p.finding_id, '4688 without command lines: scripts and loaders cannot be excluded' FROM span p JOIN sight s USING (host)
        WHERE p.is_mounted AND NOT s.has_sysmon AND s.has_audit AND NOT s.has_lines
    UNION ALL SELECT p.finding_id, 'no ' || CASE WHEN s.is_collected THEN 'Sysmon 7' ELSE 'DeviceImageLoadEvents' END || ': modules loaded from it cannot be excluded'
        FROM span p JOIN sight s USING (host)
        WHERE p.is_mounted AND NOT s.has_modules
    UNION ALL SELECT p.finding_id, 'no ' || CASE WHEN s.is_collected THEN 'Sysmon 3 and 22' ELSE 'DeviceNetworkEvents' END || ': connections of what ran cannot be excluded' FROM span p JOIN sight s USING (host)
        WHERE p.verdict IN ('executed', 'active') AND NOT s.has_network
    UNION ALL SELECT p.finding_id, 'no VHDMP log: mounts of it cannot be excluded' FROM span p JOIN sight s USING (host)
        WHERE NOT p.is_mounted AND NOT s.has_vhdmp AND s.is_collected
    UNION ALL SELECT p.finding_id, 'no VHDMP log: other mounts of it cannot be excluded' FROM span p JOIN sight s USING (host)
        WHERE p.is_mounted AND NOT s.has_vhdmp AND s.is_collected
    UNION ALL SELECT p.finding_id, 'VHDMP begins at ' || said(s.vhdmp_from) || ', after the image came: mounts before cannot be excluded'
        FROM span p JOIN sight s USING (host)
        WHERE NOT p.is_mounted AND s.vhdmp_from > p.first_utc AND getvariable('read_from_ns') IS NULL
    UNION ALL SELECT p.finding_id, 'no $MFT and no Sysmon 15: a mark of it cannot be excluded' FROM span p JOIN sight s USING (host)
        WHERE NOT p.is_marked AND NOT s.has_mft AND s.is_collected AND NOT EXISTS (SELECT 1 FROM sysmon_stream_create y WHERE y.host = p.host)
    UNION ALL SELECT p.finding_id, 'policy SaveZoneInformation: downloads are not marked on this host' FROM span p
        WHERE NOT p.is_marked AND EXISTS (SELECT 1 FROM host_setting y WHERE y.host = p.host AND y.setting = 'save_zone_information' AND y.value = '1' AND coalesce(y.current, TRUE))
    -- Where no log of starts covers the mount, the traces that could tell a run and are not there.
    UNION ALL SELECT p.finding_id, a.what || ' not collected: ' || a.meaning || ' cannot be excluded'
        FROM span p
        JOIN sight s USING (host)
        JOIN artifact_seen a ON a.host = p.host AND a.files = 0
        LEFT JOIN starts t ON t.host = p.host
        WHERE (p.verdict = 'mounted' AND a.kinds IN ('prefetch', 'amcache') AND (s.has_sysmon OR s.has_audit)
                AND (ns_of(t.from_utc) > p.open_ns + rule_ns('first_run_s') OR NOT s.has_lines AND NOT s.has_sysmon))
            OR (p.verdict = 'delivered' AND NOT s.has_vhdmp AND a.kinds IN ('hive_system', 'lnk', 'hive_user'))
)
SELECT finding_id, string_agg(DISTINCT sentence, '; ' ORDER BY sentence) AS sentences FROM sentence GROUP BY finding_id;
