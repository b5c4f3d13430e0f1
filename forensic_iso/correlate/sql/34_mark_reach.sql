-- mark_reach (temporary): whether Windows took files inside a mounted image for files from the Internet. One row per finding.
-- CDFS and UDF hold no streams. The updates of 8 November 2022 (CVE-2022-41091) make the shell look at the mark of the image
-- itself; rules.toml mark_fix has the first fixed revision of each build. The state at the mount, best ground first: the
-- start of the system that the mount belongs to (Kernel-General 12: build and revision of that run); the first rollup of that
-- revision or above in the SOFTWARE hive, or WindowsUpdateClient 19 of its KB, against the time of the mount; a host that
-- lacks the fix in the end lacked it then. Else the state then is unknown, and the sentence says so.
-- That an image had no mark is known of files whose record in the $MFT is at hand; a mark that was deleted counts until then.
-- Misses: what programs other than the shell did about the mark; later ways around the warning; updates taken back.
CREATE OR REPLACE TEMP TABLE mark_reach AS
WITH fix AS (
    SELECT split_part(value, '|', 1)::INTEGER AS build, split_part(value, '|', 2)::INTEGER AS revision, split_part(value, '|', 3) AS kb
    FROM rule_list WHERE name = 'mark_fix'
),
never AS (
    SELECT value::INTEGER AS build FROM rule_list WHERE name = 'mark_fix_never'
),
mounted AS (
    SELECT l.finding_id, l.host, l.is_marked, min(m.open_ns) AS open_ns, arg_min(s.boot_number, m.open_ns) AS boot_number,
        min(m.opened_utc) AS opened_utc, max(s.image_key) AS image_key, bool_or(s.record IS NOT NULL) AS has_record
    FROM link l
    JOIN subject j USING (finding_id)
    JOIN mount_session m ON m.session_id = j.session_id
    JOIN session s ON s.session_id = m.session_id
    GROUP BY l.finding_id, l.host, l.is_marked
),
-- What the arrivals say of the mark: zones below the Internet's, and its removal, with the time where a log tells it.
told AS (
    SELECT s.finding_id, max(d.zone_id) FILTER (d.is_marked) AS zone_id, bool_or(d.is_mark_removed) AS is_removed, min(t.seen_utc) AS removed_utc, min(t.seen_ns) AS removed_ns
    FROM subject s
    JOIN delivery d USING (delivery_id)
    LEFT JOIN joined_trace j USING (delivery_id)
    LEFT JOIN delivery_trace t ON t.number = j.number AND t.trace = 'unblocked'
    GROUP BY s.finding_id
),
kernel AS (
    SELECT b.host, b.boot_number, try_cast(max(e.build_version) AS INTEGER) AS build, try_cast(max(e.qfe_version) AS INTEGER) AS revision
    FROM boot b
    JOIN timed('system_boot') e ON e.host = b.host AND e.event_id = 12 AND e.mono_ns = b.start_ns
    WHERE e.build_version IS NOT NULL AND e.qfe_version IS NOT NULL
    GROUP BY ALL
),
hive AS (
    SELECT host, max(try_cast(value AS INTEGER)) FILTER (setting = 'build') AS build, max(try_cast(value AS INTEGER)) FILTER (setting = 'ubr') AS revision
    FROM host_setting
    WHERE setting IN ('build', 'ubr') AND coalesce(current, TRUE)
    GROUP BY host
    HAVING build IS NOT NULL AND revision IS NOT NULL
),
rollup AS (
    SELECT host, installed_utc, try_cast(split_part(version, '.', 1) AS INTEGER) AS family, try_cast(split_part(version, '.', 2) AS INTEGER) AS revision
    FROM update_package
    WHERE name ILIKE 'package_for_rollupfix' AND installed_utc IS NOT NULL
),
known AS (
    -- The kernel of the builds 19042 to 19045 calls itself 19041.
    SELECT m.*, CASE WHEN k.build = 19041 AND h.build BETWEEN 19041 AND 19045 THEN h.build ELSE coalesce(k.build, h.build) END AS build,
        coalesce(k.revision, h.revision) AS revision, k.build IS NOT NULL AS at_mount, h.build IS NOT NULL AS has_hive
    FROM mounted m
    LEFT JOIN kernel k ON k.host = m.host AND k.boot_number = m.boot_number
    LEFT JOIN hive h ON h.host = m.host
),
judged AS (
    SELECT k.*, f.revision AS fixed, f.build AS fix_build, f.kb,
        CASE
            WHEN k.build >= rule_value('mark_fix_always') THEN TRUE
            WHEN n.build IS NOT NULL AND f.build IS NULL THEN FALSE
            WHEN f.build IS NOT NULL THEN k.revision >= f.revision
        END AS has_fix,
        least(
            -- Packages of the builds 19042 to 19045 bear the number 19041.
            (SELECT min(r.installed_utc) FROM rollup r WHERE r.host = k.host AND r.revision >= f.revision
                AND (r.family = k.build OR (r.family = 19041 AND k.build BETWEEN 19041 AND 19045))),
            (SELECT min(e.time_utc) FROM event_other e WHERE e.host = k.host AND e.provider = 'Microsoft-Windows-WindowsUpdateClient'
                AND e.event_id = 19 AND contains(json_extract_string(e.data, '$.updateTitle'), f.kb))
        ) AS installed_utc
    FROM known k
    LEFT JOIN fix f ON f.build = CASE WHEN k.build = 19041 AND NOT k.has_hive THEN 19045 ELSE k.build END
    LEFT JOIN never n ON n.build = k.build
),
stated AS (
    SELECT *,
        CASE
            WHEN at_mount OR NOT has_fix OR build >= rule_value('mark_fix_always') THEN has_fix
            WHEN installed_utc <= opened_utc THEN TRUE
            WHEN installed_utc > opened_utc THEN FALSE
        END AS had_fix
    FROM judged
),
own_mark AS (
    SELECT m.finding_id, count(*) AS files
    FROM mounted m
    JOIN subject j USING (finding_id)
    JOIN session_file f ON f.session_id = j.session_id
    JOIN image_content c ON c.source_id = f.source_id AND c.record_offset = f.record_offset
    WHERE c.zone_id IS NOT NULL
    GROUP BY m.finding_id
)
SELECT s.finding_id, s.had_fix,
    concat_ws('; ',
        CASE
            WHEN s.build IS NULL
                THEN 'the build of this host is not known (no SOFTWARE hive, no start of the system in the logs): whether Windows took files of the image for Internet files cannot be said'
            WHEN s.has_fix IS NULL
                THEN 'build ' || s.build || '.' || s.revision || ': whether it has the fix of 8 November 2022 is not known'
            ELSE 'build ' || s.build || '.' || s.revision
                || CASE WHEN s.at_mount THEN ' (at the start of the system before the mount)' ELSE ' (as the SOFTWARE hive has it in the end)' END
                || CASE WHEN s.has_fix THEN ' has' ELSE ' lacks' END || ' the fix of 8 November 2022'
                || CASE WHEN s.kb IS NOT NULL THEN ' (' || s.fix_build || '.' || s.fixed || ', ' || s.kb || ')'
                    WHEN s.has_fix THEN ' (all revisions of this build have it)' ELSE ' (none was made for this build)' END
                || CASE
                    WHEN s.at_mount OR NOT s.has_fix OR s.installed_utc IS NULL THEN ''
                    WHEN s.installed_utc <= s.opened_utc THEN ', installed ' || said(s.installed_utc) || ', before the mount'
                    ELSE ', installed ' || said(s.installed_utc) || ', after the mount'
                END
                || CASE
                    WHEN NOT s.is_marked AND t.zone_id IS NOT NULL
                        THEN ': the image was marked zone ' || t.zone_id || ', its files were not Internet files to the Windows shell'
                    WHEN NOT s.is_marked AND c.is_carrier_marked AND coalesce(s.had_fix, TRUE)
                        THEN ': it lies on the image ' || c.carrier_path || ', which is marked: what the shell took its files for is not known'
                    WHEN NOT s.is_marked AND s.has_record THEN ': the image was unmarked, its files were not Internet files to the Windows shell'
                    WHEN NOT s.is_marked AND NOT coalesce(s.had_fix, TRUE) THEN ': whether the image was marked or not, its files were not Internet files to the Windows shell'
                    WHEN NOT s.is_marked
                        THEN ': no mark of the image is known, but its file is not at hand: what the shell took its files for is not known'
                    WHEN t.removed_ns <= s.open_ns
                        THEN ': the mark of the image was removed at ' || said(t.removed_utc) || ', before the mount: its files were not Internet files to the Windows shell'
                    WHEN s.had_fix AND t.is_removed AND t.removed_ns IS NULL
                        THEN ': the mark of the image is gone, since when is not known: so is what the shell took its files for at the mount'
                    WHEN s.had_fix THEN ': as the image was marked, its files were Internet files to the Windows shell'
                    WHEN s.had_fix = FALSE THEN ': though the image was marked, its files were not Internet files to the Windows shell'
                    ELSE ': since when is not known, so is what the shell took the files for at the mount'
                END
        END,
        o.files || ' files inside carry marks of their own'
    ) AS sentence
FROM stated s
LEFT JOIN told t USING (finding_id)
LEFT JOIN carrier c USING (finding_id)
LEFT JOIN own_mark o USING (finding_id);
