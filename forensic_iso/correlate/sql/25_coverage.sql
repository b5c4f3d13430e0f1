-- coverage: per host and log or artifact what the evidence holds, and where it is silent. Absence counts inside it only.
-- Logs: span, gaps (ids missing between the first and the last), clearings (Security 1102, System 104), roll-over (first id
-- above 1: full file, or cleared), intervals of 24, changes of the clock. Logs that are not there: expected_channel.
-- Artifacts: expected_artifact (kinds of the parsers): span of their times where they have any, files that failed, absent ones
-- with what their absence leaves open. One row "all evidence of this host": what was looked for, where, over which interval,
-- and what cannot be excluded; it stands also for hosts without a finding. Exports of Defender: a row per table and host.
-- What --since and --until left out is no hole: it is said as such.
-- Misses: what the configuration of Sysmon or the audit policy leaves out; artifacts whose host is not known.
CREATE OR REPLACE TEMP MACRO said(stamp) AS strftime(stamp, '%Y-%m-%d %H:%M:%S');
CREATE OR REPLACE TEMP MACRO channel_key(channel) AS replace(replace(lower(channel), '%4', '-'), '/', '-');

CREATE OR REPLACE TEMP TABLE covered_host AS
SELECT host FROM event_time WHERE host IS NOT NULL
UNION
SELECT host FROM source WHERE host IS NOT NULL AND state = 'done' AND kind NOT IN ('evtx', 'mde');

-- Channels, as their files call them; archived files end with their date.
CREATE OR REPLACE TEMP TABLE log_file AS
SELECT s.source_id, s.host, s.bytes, s.state,
    regexp_replace(channel_key(file_name(replace(coalesce(s.windows_path, s.path), '/', '\'))), '\.evtx$', '') AS channel_key
FROM source s
WHERE s.kind = 'evtx' AND s.host IS NOT NULL;

INSERT INTO coverage BY NAME
WITH span AS (
    SELECT host, channel, min(time_utc) AS first_utc, max(time_utc) AS last_utc, count(*) AS records, min(record_id) AS first_id,
        arg_min(event_id, record_id) AS first_event, count(*) FILTER (damaged) AS damaged, count(*) FILTER (origin = 'slack') AS slack
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
    SELECT host, count(*) AS jumps, string_agg('from ' || said(make_timestamp_ns(old_ns)) || ' to ' || said(make_timestamp_ns(new_ns)), ', ' ORDER BY new_ns) AS changes
    FROM clock_jump GROUP BY host
),
size AS (
    SELECT split_part(value, '|', 1) AS channel_key, split_part(value, '|', 2)::BIGINT AS bytes FROM rule_list WHERE name = 'log_size'
),
full_file AS (
    SELECT f.host, f.channel_key, max(f.bytes) AS bytes
    FROM log_file f
    JOIN size z USING (channel_key)
    WHERE f.bytes >= z.bytes
    GROUP BY ALL
),
last_boot AS (
    SELECT host, max(started_utc) AS started_utc FROM boot GROUP BY host
),
off AS (
    SELECT h.host, s.channel, string_agg(DISTINCT o.why || ' from ' || said(o.from_utc) || coalesce(' to ' || said(o.to_utc), ' on'), '; ') AS intervals
    FROM span s
    JOIN covered_host h ON h.host = s.host
    JOIN log_off o ON o.host = s.host AND coalesce(channel_key(o.channel), channel_key(s.channel)) = channel_key(s.channel)
    GROUP BY ALL
),
filter_change AS (
    SELECT host, count(*) AS times, max(time_utc) AS last_utc
    FROM timed('event_other') WHERE provider = 'Microsoft-Windows-Sysmon' AND event_id = 16 GROUP BY host
)
SELECT coalesce(s.host, c.host) AS host, coalesce(s.channel, c.channel) AS channel, s.first_utc, s.last_utc,
    coalesce(s.records, 0) AS records, least(coalesce(h.missing, 0), 9223372036854775807)::BIGINT AS gaps, coalesce(c.times, 0) AS cleared,
    nullif(concat_ws('; ',
        CASE WHEN s.host IS NULL THEN 'log not in the evidence' END,
        CASE
            WHEN s.first_id = z.first_id THEN 'read from record id ' || s.first_id || ' on (' || said(instant(getvariable('read_from_ns'))) || '), as asked'
            WHEN s.first_id > 1 AND s.first_event = 1102 AND s.channel = 'Security' THEN 'begins with its clearing (record id ' || s.first_id || ')'
            WHEN s.first_id > 1 AND f.host IS NOT NULL
                THEN 'begins with record id ' || s.first_id || ': the file is full (' || f.bytes || ' bytes), older records were overwritten'
            WHEN s.first_id > 1 THEN 'begins with record id ' || s.first_id || ': older records rolled over or were cleared'
        END,
        CASE WHEN s.first_id > 1 AND z.first_id IS NULL AND ns_of(s.first_utc) - ns_of(b.started_utc) > rule_ns('log_after_boot_s')
            THEN 'its first record is later than the start of the system at ' || said(b.started_utc) || ': nothing of it covers the time between' END,
        CASE WHEN h.missing > 0 THEN h.missing || ' record ids missing inside' END,
        CASE WHEN c.times > 0 THEN 'cleared, last at ' || said(c.last_utc) END,
        o.intervals,
        CASE WHEN s.channel = 'Microsoft-Windows-Sysmon/Operational' AND x.times > 0
            THEN x.times || ' changes of Sysmon''s configuration, last at ' || said(x.last_utc) END,
        CASE WHEN s.damaged > 0 THEN s.damaged || ' records damaged' END,
        CASE WHEN s.slack > 0 THEN s.slack || ' records recovered from slack' END,
        CASE WHEN h.falls > 0 THEN h.falls || ' times the stamps fall in record order' END,
        CASE WHEN j.jumps > 0 THEN j.jumps || ' changes of the clock on this host (' || j.changes || ')' END
    ), '') AS remark
FROM span s
FULL JOIN cleared c ON c.host = s.host AND lower(c.channel) = lower(s.channel)
LEFT JOIN hole h ON h.host = s.host AND h.channel = s.channel
LEFT JOIN cut_log z ON z.host = s.host AND z.channel = s.channel
LEFT JOIN jump j ON j.host = s.host
LEFT JOIN full_file f ON f.host = s.host AND f.channel_key = channel_key(s.channel)
LEFT JOIN last_boot b ON b.host = s.host
LEFT JOIN off o ON o.host = s.host AND o.channel = s.channel
LEFT JOIN filter_change x ON x.host = s.host;

-- Exports of Defender: what a query gave out, which says nothing of the rest.
CREATE OR REPLACE TEMP TABLE export_span AS
SELECT host, 'DeviceProcessEvents' AS export, min(timestamp_utc) AS first_utc, max(timestamp_utc) AS last_utc, count(*) AS records
FROM mde_device_process_events WHERE host IS NOT NULL GROUP BY host
UNION ALL
SELECT host, 'DeviceEvents', min(timestamp_utc), max(timestamp_utc), count(*) FROM mde_device_events WHERE host IS NOT NULL GROUP BY host
UNION ALL
SELECT host, 'DeviceFileEvents', min(timestamp_utc), max(timestamp_utc), count(*) FROM mde_device_file_events WHERE host IS NOT NULL GROUP BY host
UNION ALL
SELECT host, 'DeviceImageLoadEvents', min(timestamp_utc), max(timestamp_utc), count(*) FROM mde_device_image_load_events WHERE host IS NOT NULL GROUP BY host
UNION ALL
SELECT host, 'DeviceNetworkEvents', min(timestamp_utc), max(timestamp_utc), count(*) FROM mde_device_network_events WHERE host IS NOT NULL GROUP BY host
UNION ALL
SELECT host, 'DeviceRegistryEvents', min(timestamp_utc), max(timestamp_utc), count(*) FROM mde_device_registry_events WHERE host IS NOT NULL GROUP BY host;

INSERT INTO coverage BY NAME
SELECT host, 'Defender export: ' || export AS channel, first_utc, last_utc, records, 0 AS gaps, 0 AS cleared,
    'the rows of a query: what it left out cannot be excluded' AS remark
FROM export_span;

-- Logs that the chain rests on and that are not there.
INSERT INTO coverage BY NAME
WITH expected AS (
    SELECT h.host, c.value AS channel, channel_key(c.value) AS channel_key
    FROM covered_host h
    CROSS JOIN (SELECT value FROM rule_list WHERE name = 'expected_channel') c
),
off AS (
    SELECT host, channel_key(channel) AS channel_key, max(from_utc) AS from_utc
    FROM log_off WHERE why = 'the channel is switched off in the registry' GROUP BY ALL
)
SELECT e.host, e.channel, 0 AS records, 0 AS gaps, 0 AS cleared,
    concat_ws('; ',
        CASE WHEN f.states LIKE '%done%' THEN 'the file is there and holds no record'
            WHEN f.states IS NOT NULL THEN 'the file is there and could not be read'
            ELSE 'no record in the evidence: the log is absent, empty or was off' END,
        'the channel is switched off in the registry since ' || said(o.from_utc) || ' at the latest'
    ) AS remark
FROM expected e
-- Both spellings of the VHDMP channel count.
ANTI JOIN coverage k ON k.host = e.host AND channel_key(k.channel) = e.channel_key
LEFT JOIN (SELECT host, channel_key, string_agg(DISTINCT state) AS states FROM log_file GROUP BY ALL) f
    ON f.host = e.host AND f.channel_key = e.channel_key
LEFT JOIN off o ON o.host = e.host AND o.channel_key = e.channel_key;

INSERT INTO coverage BY NAME
SELECT m.host, '$MFT ' || upper(m.volume) AS channel, min(e.si_created_utc) AS first_utc, max(e.si_mft_changed_utc) AS last_utc,
    count(*) AS records, 0 AS gaps, 0 AS cleared, 'present state of the volume, no history' AS remark
FROM mft_entry e
JOIN mft_volume m USING (source_id)
GROUP BY m.host, m.volume;

-- Every kind of artifact: there, unread or absent.
CREATE OR REPLACE TEMP TABLE artifact_seen AS
WITH expected AS (
    SELECT split_part(value, '|', 2) AS what, unnest(string_split(split_part(value, '|', 1), '+')) AS kind, split_part(value, '|', 3) AS meaning,
        split_part(value, '|', 1) AS kinds
    FROM rule_list WHERE name = 'expected_artifact'
),
file AS (
    SELECT host, kind, count(*) AS files, count(*) FILTER (state = 'failed') AS failed, sum("rows") AS rows
    FROM source WHERE host IS NOT NULL AND kind IS NOT NULL GROUP BY ALL
)
SELECT h.host, e.what, e.kinds, e.meaning, coalesce(sum(f.files), 0)::BIGINT AS files, coalesce(sum(f.failed), 0)::BIGINT AS failed,
    coalesce(sum(f.rows), 0)::BIGINT AS rows
FROM covered_host h
CROSS JOIN expected e
LEFT JOIN file f ON f.host = h.host AND f.kind = e.kind
GROUP BY ALL;

INSERT INTO coverage BY NAME
WITH stamp AS (
    SELECT host, 'prefetch' AS kinds, min(run_utc) AS first_utc, max(run_utc) AS last_utc FROM prefetch_run GROUP BY ALL
    UNION ALL SELECT host, 'usnjrnl', min(time_utc), max(time_utc) FROM usn_record GROUP BY ALL
    UNION ALL SELECT host, 'srum', min(time_utc), max(time_utc) FROM srum_app_usage GROUP BY ALL
    UNION ALL SELECT host, 'jumplist', min(last_accessed_utc), max(last_accessed_utc) FROM jumplist_entry GROUP BY ALL
    UNION ALL SELECT host, 'amcache', min(key_last_write_utc), max(key_last_write_utc) FROM amcache_file GROUP BY ALL
    UNION ALL SELECT host, 'browser_chromium+browser_firefox+browser_webcache', min(start_utc), max(start_utc) FROM browser_download GROUP BY ALL
    UNION ALL SELECT host, 'bits', min(job_created_utc), max(job_created_utc) FROM bits_transfer GROUP BY ALL
    UNION ALL SELECT host, 'windows_timeline', min(start_utc), max(start_utc) FROM timeline_activity GROUP BY ALL
    UNION ALL SELECT host, 'wer', min(event_utc), max(event_utc) FROM wer_report GROUP BY ALL
    UNION ALL SELECT host, 'defender_mplog', min(time_utc), max(time_utc) FROM mplog_line GROUP BY ALL
    UNION ALL SELECT host, 'defender_history', min(tracking_start_utc), max(tracking_start_utc) FROM defender_history GROUP BY ALL
    UNION ALL SELECT host, 'recycle_bin', min(deleted_utc), max(deleted_utc) FROM recycle_bin_item GROUP BY ALL
    UNION ALL SELECT host, 'pca', min(time_utc), max(time_utc) FROM pca_launch GROUP BY ALL
)
SELECT a.host, a.what AS channel, s.first_utc, s.last_utc, a.rows AS records, 0 AS gaps, 0 AS cleared,
    CASE WHEN a.files = 0 THEN 'not in the evidence: ' || a.meaning || ' cannot be excluded'
        WHEN a.failed > 0 THEN a.failed || ' of ' || a.files || ' files could not be read: ' || a.meaning || ' cannot be excluded' END AS remark
FROM artifact_seen a
LEFT JOIN stamp s ON s.host = a.host AND s.kinds = a.kinds
-- The $MFT has its rows per volume.
WHERE a.kinds <> 'mft' OR a.files = a.failed;

-- Over which interval each link could be seen: the newest record that is lost bounds it.
CREATE OR REPLACE TEMP TABLE sight AS
WITH log AS (
    SELECT host, channel_key(channel) AS channel_key, min(first_utc) AS first_utc, max(last_utc) AS last_utc, sum(records) AS records,
        sum(gaps) AS gaps, sum(cleared) AS cleared
    FROM coverage WHERE records > 0 GROUP BY ALL
)
SELECT h.host, h.is_collected, m.first_utc AS export_from, m.last_utc AS export_to, m.host IS NOT NULL AS has_export, v.first_utc AS vhdmp_from, v.last_utc AS vhdmp_to, coalesce(v.gaps, 0) AS vhdmp_gaps, coalesce(v.cleared, 0) AS vhdmp_cleared,
    p.first_utc AS disk_from, p.last_utc AS disk_to, x.first_utc AS sysmon_from, x.last_utc AS sysmon_to, a.first_utc AS audit_from, a.last_utc AS audit_to,
    v.host IS NOT NULL AS has_vhdmp, x.host IS NOT NULL AS has_sysmon, a.host IS NOT NULL AS has_audit, coalesce(a.lines > 0, FALSE) AS has_lines,
    EXISTS (SELECT 1 FROM sysmon_image_load y WHERE y.host = h.host) OR EXISTS (SELECT 1 FROM mde_device_image_load_events y WHERE y.host = h.host) AS has_modules,
    EXISTS (SELECT 1 FROM sysmon_network y WHERE y.host = h.host) OR EXISTS (SELECT 1 FROM sysmon_dns y WHERE y.host = h.host)
        OR EXISTS (SELECT 1 FROM mde_device_network_events y WHERE y.host = h.host) AS has_network,
    EXISTS (SELECT 1 FROM mft_volume y WHERE y.host = h.host) AS has_mft,
    (SELECT string_agg(what, ', ' ORDER BY what) FROM artifact_seen s WHERE s.host = h.host AND s.files = 0 AND list_contains(rule_words('run_trace'), s.kinds)) AS no_run_trace,
    (SELECT count(*) FROM artifact_seen s WHERE s.host = h.host AND s.files = 0) AS absent,
    (SELECT count(*) FROM artifact_seen s WHERE s.host = h.host) AS kinds
FROM (
    SELECT host, TRUE AS is_collected FROM covered_host
    UNION ALL
    SELECT DISTINCT host, FALSE FROM export_span ANTI JOIN covered_host USING (host)
) h
LEFT JOIN export_span m ON m.host = h.host AND m.export = 'DeviceProcessEvents'
LEFT JOIN log v ON v.host = h.host AND v.channel_key LIKE 'microsoft-windows-vhdmp-operational'
LEFT JOIN log p ON p.host = h.host AND p.channel_key = 'microsoft-windows-partition-diagnostic'
LEFT JOIN (SELECT host, min(time_utc) AS first_utc, max(time_utc) AS last_utc FROM sysmon_process_create GROUP BY host) x ON x.host = h.host
LEFT JOIN (
    SELECT host, min(time_utc) AS first_utc, max(time_utc) AS last_utc, count(*) FILTER (command_line <> '') AS lines
    FROM security_process_create GROUP BY host
) a ON a.host = h.host;

INSERT INTO coverage BY NAME
WITH told AS (
    SELECT h.host,
        (SELECT count(*) FROM mount_session m WHERE m.host = h.host) AS mounts,
        (SELECT count(*) FROM image_delivery d WHERE d.host = h.host) AS arrivals,
        (SELECT count(*) FROM execution e WHERE e.host = h.host) AS runs
    FROM sight h
)
SELECT s.host, 'all evidence of this host' AS channel,
    least(s.vhdmp_from, s.disk_from, s.sysmon_from, s.audit_from, s.export_from) AS first_utc,
    greatest(s.vhdmp_to, s.disk_to, s.sysmon_to, s.audit_to, s.export_to) AS last_utc,
    0 AS records, 0 AS gaps, 0 AS cleared,
    concat_ws(' ',
        (SELECT 'Renamed: bore ' || string_agg('the name ' || n.alias || coalesce(' up to ' || said(n.last_utc), ' (see host_alias)'), ', ' ORDER BY n.last_utc, n.alias)
            || '; both are one machine, as host_alias says.' FROM host_alias n WHERE n.host = s.host),
        'Told: arrivals of images ' || t.arrivals || ', mounts ' || t.mounts || ', runs ' || t.runs || '.',
        CASE WHEN coalesce(getvariable('read_from_ns'), getvariable('read_to_ns')) IS NOT NULL
            THEN 'Of logs and journals only what lies' || coalesce(' from ' || said(instant(getvariable('read_from_ns'))) || ' on', '')
                || coalesce(' before ' || said(instant(getvariable('read_to_ns'))), '') || ' was read, as asked.' END,
        CASE WHEN NOT s.is_collected THEN 'Only exports of Defender speak for this host: what their queries left out cannot be excluded.' END,
        CASE
            WHEN NOT s.is_collected THEN NULL
            WHEN s.has_vhdmp AND s.vhdmp_gaps = 0 AND s.vhdmp_cleared = 0
                THEN 'Mounts were looked for in VHDMP from ' || said(s.vhdmp_from) || ' to ' || said(s.vhdmp_to)
                    || ', whole in itself: Windows mounted no other image in that time (drivers of other makers apart).'
            WHEN s.has_vhdmp
                THEN 'Mounts were looked for in VHDMP from ' || said(s.vhdmp_from) || ' to ' || said(s.vhdmp_to) || ', in which '
                    || CASE WHEN s.vhdmp_cleared > 0 THEN 'records were cleared' ELSE s.vhdmp_gaps || ' records are missing' END || ': other mounts cannot be excluded.'
            WHEN s.disk_from IS NOT NULL
                THEN 'No VHDMP log: mounts of ISO and IMG images cannot be excluded; Partition/Diagnostic, from ' || said(s.disk_from) || ' to '
                    || said(s.disk_to) || ', covers VHD and VHDX only.'
            ELSE 'Neither VHDMP nor Partition/Diagnostic: mounts cannot be excluded.'
        END,
        CASE
            WHEN s.has_sysmon THEN 'Program starts: Sysmon from ' || said(s.sysmon_from) || ' to ' || said(s.sysmon_to) || ', as far as its filter lets them.'
            WHEN s.has_audit THEN 'Program starts: Security 4688 from ' || said(s.audit_from) || ' to ' || said(s.audit_to)
                || CASE WHEN s.has_lines THEN '.' ELSE ', without command lines: scripts and loaders cannot be excluded.' END
            WHEN s.has_export THEN 'Program starts: Defender''s export from ' || said(s.export_from) || ' to ' || said(s.export_to) || ', as far as its query lets them.'
            ELSE 'No log of program starts: runs are told by traces that prove presence and never absence.'
        END,
        CASE
            WHEN s.has_modules THEN NULL
            WHEN s.is_collected THEN 'No Sysmon 7: loaded modules cannot be excluded.'
            ELSE 'No DeviceImageLoadEvents: loaded modules cannot be excluded.'
        END,
        CASE WHEN NOT s.has_mft AND s.is_collected THEN 'No $MFT: marks of files that no log tells cannot be excluded.' END,
        CASE WHEN s.absent > 0 THEN s.absent || ' of ' || s.kinds || ' kinds of artifacts are not in the evidence.' END
    ) AS remark
FROM sight s
JOIN told t USING (host);
