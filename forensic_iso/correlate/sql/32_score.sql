-- point, technique (temporary): points with their reason, and ATT&CK techniques, of each finding. A technique has a row behind it.
-- From link, finding_run, finding_act. Acts told without the one who did them (confidence below c_executed_min) give no points.
-- Reasons count once per finding; caps are applied in 35.
-- Misses: what the lists of words and programs in rules.toml do not hold.
CREATE OR REPLACE TEMP TABLE point AS
WITH sideload AS (
    -- A program on the volume that loads an unsigned module from there.
    SELECT DISTINCT m.finding_id
    FROM finding_run m
    WHERE m.kind = 'module_on_volume' AND m.signed = FALSE AND volume_quick(m.process_path) = volume_quick(m.target)
),
said AS (
    SELECT finding_id, 'delivery' AS part, rule_value('s_zone') AS points, CASE WHEN zone_id >= 3 THEN 'marked as from the Internet' ELSE 'bears a mark whose zone is not known' END AS reason
    FROM link WHERE is_marked
    UNION ALL
    SELECT finding_id, 'delivery', rule_value('s_zone'), 'lies on an image marked as from the Internet' FROM carrier JOIN link USING (finding_id) WHERE is_carrier_marked AND NOT is_marked
    UNION ALL
    SELECT DISTINCT s.finding_id, 'delivery', rule_value('s_unmarked'), 'its mark was removed' FROM subject s JOIN delivery d USING (delivery_id) WHERE d.is_mark_removed
    UNION ALL
    SELECT finding_id, 'delivery', rule_value('s_host'),
        CASE WHEN by_mail THEN 'came by mail' WHEN by_chat THEN 'came by chat'
            ELSE 'came from ' || list_min(list_filter(hosts, lambda h: regexp_matches(h, replace(rule_pattern('share_host'), '.', '\.')))) || ', a host for handing files over' END
    FROM link
    WHERE by_mail OR by_chat OR regexp_matches(array_to_string(hosts, ' '), replace(rule_pattern('share_host'), '.', '\.'))
    UNION ALL
    SELECT finding_id, 'delivery', rule_value('s_lure'), 'name of a lure' FROM link
    WHERE regexp_matches(file_name(image_key), '(^|[^\pL])' || rule_pattern('lure_word') || '([^\pL]|$)')
    UNION ALL
    SELECT finding_id, 'delivery', rule_value('s_extension'), 'double or false extension' FROM link
    WHERE regexp_matches(image_key, rule_pattern('double_extension')) OR (is_mounted AND NOT is_noise AND NOT is_image_name(image_key))
    UNION ALL
    SELECT finding_id, 'delivery', rule_value('s_archive'), 'came out of an archive' FROM link WHERE by_archive
    UNION ALL
    SELECT finding_id, 'mount', rule_value('s_user'), 'mounted by a user' FROM link WHERE by_user
    UNION ALL
    SELECT finding_id, 'mount', rule_value('s_place'), 'mounted where downloads and attachments lie' FROM link
    WHERE is_mounted AND regexp_matches(image_key, rule_pattern('place_user'))
    UNION ALL
    SELECT finding_id, 'execution', rule_value('s_ran'), 'run from the image' FROM finding_run
    UNION ALL
    SELECT finding_id, 'execution', rule_value('s_lolbin'), 'through a program of Windows that loads others: ' || program_of(process_path) FROM finding_run
    WHERE list_contains(rule_words('lolbin'), program_of(process_path))
    UNION ALL
    SELECT finding_id, 'execution', rule_value('s_sideload'), 'unsigned module beside its program' FROM sideload
    UNION ALL
    SELECT finding_id, 'execution', rule_value('s_relative'), 'started by double click with a relative argument, as shortcuts do' FROM finding_run
    WHERE kind = 'relative_arg_cwd' AND program_of(started_by) = 'explorer'
    UNION ALL
    SELECT finding_id, 'execution', rule_value('s_unsigned'), 'unsigned module' FROM finding_run WHERE signed = FALSE
    UNION ALL
    SELECT finding_id, 'execution', rule_value('s_script'), 'script' FROM finding_run
    WHERE list_contains(rule_words('script_extension'), extension_of(target))
    UNION ALL
    SELECT finding_id, 'execution', rule_value('s_soon'), 'soon after the mount' FROM finding_run
    WHERE ns_of(time_utc) - ns_of(opened_utc) BETWEEN 0 AND rule_ns('first_run_s')
    UNION ALL
    SELECT finding_id, 'follow', rule_value('s_' || kind),
        CASE kind WHEN 'injection' THEN 'reached into other processes' WHEN 'defender' THEN 'Defender found it'
            WHEN 'persistence' THEN 'made itself permanent' WHEN 'log_clear' THEN 'a log was cleared' ELSE 'the image was deleted' END
    FROM finding_act WHERE kind IN ('injection', 'defender', 'persistence', 'log_clear', 'image_delete') AND confidence >= rule_value('c_executed_min')
    UNION ALL
    SELECT finding_id, 'follow', rule_value('s_external'), 'connected outside' FROM finding_act WHERE kind = 'network' AND external
    UNION ALL
    SELECT finding_id, 'follow', rule_value('s_dns'), 'asked for outside names' FROM finding_act WHERE kind = 'dns' AND external
    UNION ALL
    SELECT finding_id, 'follow', rule_value('s_dropped'), 'wrote files' FROM finding_act WHERE kind = 'file_create' AND confidence >= rule_value('c_executed_min')
    UNION ALL
    SELECT finding_id, 'follow', rule_value('s_discovery'), 'asked about the machine' FROM finding_act
    WHERE kind = 'child_process' AND list_contains(rule_words('discovery_program'), program_of(value))
)
SELECT DISTINCT finding_id, part, points, reason FROM said;

CREATE OR REPLACE TEMP TABLE technique AS
SELECT DISTINCT finding_id, id FROM (
    SELECT finding_id, 'T1566.001' AS id FROM link WHERE by_mail
    UNION ALL SELECT finding_id, 'T1566.003' FROM link WHERE by_chat
    UNION ALL SELECT finding_id, 'T1566.002' FROM link WHERE by_web AND is_marked
    UNION ALL SELECT finding_id, 'T1553.005' FROM link WHERE is_mounted AND is_marked
    UNION ALL SELECT finding_id, 'T1553.005' FROM point WHERE reason = 'its mark was removed'
    UNION ALL SELECT finding_id, 'T1036.007' FROM link WHERE regexp_matches(image_key, rule_pattern('double_extension'))
    -- UserAssist counts what a user started through Explorer; the content of a document is enabled by its reader.
    UNION ALL SELECT finding_id, 'T1204.002' FROM finding_run WHERE program_of(started_by) = 'explorer' OR regexp_matches(basis, '\b(UserAssist|TrustRecords)\b')
    UNION ALL SELECT finding_id, 'T1059.005' FROM finding_run WHERE contains(basis, 'TrustRecords')
    UNION ALL SELECT finding_id, 'T1036.007' FROM finding_run
        WHERE kind = 'image_on_volume' AND regexp_matches(lower(target), '\.(pdf|docx?|xlsx?|pptx?|rtf|txt|jpe?g|png|zip|html?)\.(exe|scr|com|pif)$')
    UNION ALL SELECT finding_id,
        CASE program_of(process_path)
            WHEN 'rundll32' THEN 'T1218.011' WHEN 'regsvr32' THEN 'T1218.010' WHEN 'mshta' THEN 'T1218.005' WHEN 'msiexec' THEN 'T1218.007'
            WHEN 'control' THEN 'T1218.002' WHEN 'hh' THEN 'T1218.001' WHEN 'installutil' THEN 'T1218.004'
            WHEN 'powershell' THEN 'T1059.001' WHEN 'pwsh' THEN 'T1059.001' WHEN 'cmd' THEN 'T1059.003'
            WHEN 'wscript' THEN CASE WHEN extension_of(target) IN ('js', 'jse') THEN 'T1059.007' ELSE 'T1059.005' END
            WHEN 'cscript' THEN CASE WHEN extension_of(target) IN ('js', 'jse') THEN 'T1059.007' ELSE 'T1059.005' END
            WHEN 'python' THEN 'T1059.006' WHEN 'pythonw' THEN 'T1059.006'
        END
    FROM finding_run WHERE kind <> 'image_on_volume'
    UNION ALL SELECT finding_id, 'T1574.001' FROM point WHERE reason = 'unsigned module beside its program'
    UNION ALL SELECT finding_id, 'T1055' FROM finding_act WHERE kind = 'injection'
    UNION ALL SELECT finding_id, 'T1685.005' FROM finding_act WHERE kind = 'log_clear'
    UNION ALL SELECT finding_id, 'T1070.004' FROM finding_act WHERE kind = 'image_delete'
    UNION ALL SELECT finding_id, 'T1071.001' FROM finding_act WHERE kind = 'network' AND external AND regexp_matches(detail, 'port (80|443|8080|8443)\b')
    UNION ALL SELECT finding_id, 'T1071.004' FROM finding_act WHERE kind = 'network' AND external AND regexp_matches(detail, 'port 53\b')
    UNION ALL SELECT finding_id,
        CASE
            WHEN fact LIKE 'task|%' THEN 'T1053.005'
            WHEN fact LIKE 'service|%' THEN 'T1543.003'
            WHEN lower(value) LIKE '%\currentversion\run%' OR lower(value) LIKE '%\startup\%' OR lower(value) LIKE '%\policies\explorer\run%' THEN 'T1547.001'
            WHEN lower(value) LIKE '%\winlogon\%' THEN 'T1547.004'
            WHEN lower(value) LIKE '%\image file execution options\%' OR lower(value) LIKE '%\silentprocessexit\%' THEN 'T1546.012'
            WHEN lower(value) LIKE '%\active setup\%' THEN 'T1547.014'
            WHEN table_name = 'event_other' THEN 'T1546.003'
        END
    FROM finding_act WHERE kind = 'persistence'
    UNION ALL SELECT finding_id, 'T1197' FROM finding_act WHERE kind = 'network' AND fact LIKE 'bits|%'
) WHERE id IS NOT NULL;
