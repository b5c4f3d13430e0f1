-- vendor_medium (temporary): images that come from a vendor, one row per finding. Every mark names a host of vendor_origin by https,
-- which whoever writes a mark can claim; so second_ground must agree: a valid signature of vendor_publisher on the volume,
-- vendor_label, or the browser's own record of the download. Other signers on the volume contradict it.
-- Not taken: images that came by mail, chat or archive, that were detected, or whose mark was removed.
-- From subject (30_link), delivery, delivery_trace, session_volume, session_file, Sysmon 7.
-- Misses: publishers where Sysmon 7 is not logged; vendors that the lists do not name.
CREATE OR REPLACE TEMP MACRO is_of(server, names) AS
    list_bool_or(list_transform(names, lambda v: lower(server) = v OR ends_with(lower(server), '.' || v)));
-- Host of an address by https; NULL for other schemes and for what is no plain name, as an account before the host.
CREATE OR REPLACE TEMP MACRO https_host(url) AS nullif(regexp_extract(lower(url), '^https://([a-z0-9.-]+)(:443)?(/|$)', 1), '');
-- Entries "domain|word": the words of the domains that a host belongs to.
CREATE OR REPLACE TEMP MACRO words_of(server, entries) AS
    list_transform(
        list_filter(entries, lambda e: lower(server) = split_part(e, '|', 1) OR ends_with(lower(server), '.' || split_part(e, '|', 1))),
        lambda e: substr(e, strpos(e, '|') + 1)
    );

CREATE OR REPLACE TEMP TABLE vendor_medium AS
WITH named AS (
    SELECT s.finding_id, min(https_host(d.host_url)) AS server, min(d.image_path) AS image_path
    FROM subject s
    JOIN delivery d USING (delivery_id)
    GROUP BY s.finding_id
    HAVING bool_and(CASE WHEN d.is_marked OR d.host_url IS NOT NULL THEN coalesce(is_of(https_host(d.host_url), rule_words('vendor_origin')), FALSE) ELSE TRUE END)
        AND bool_or(d.is_marked)
        AND NOT bool_or(coalesce(d.trace IN ('mail', 'chat', 'archive', 'detected', 'unblocked'), FALSE) OR coalesce(d.removal, '') <> '')
),
-- Who signed what was loaded from the volume while it was the image's.
signed_there AS (
    SELECT n.finding_id, list(DISTINCT lower(l.signature)) AS signers,
        bool_and(l.signed AND coalesce(l.signature_status, '') = 'Valid' AND list_contains(words_of(n.server, rule_words('vendor_publisher')), lower(l.signature))) AS is_vendors
    FROM named n
    JOIN subject s USING (finding_id)
    JOIN session_volume v ON v.session_id = s.session_id AND v.ground <> 'ambiguous'
    JOIN sysmon_timed('sysmon_image_load') l ON l.host = v.host AND volume_quick(l.image_loaded) = v.volume
        AND l.mono_ns >= v.open_ns - rule_ns('same_act_s') AND l.mono_ns <= v.end_ns + rule_ns('same_act_s')
    WHERE l.signed IS NOT NULL
    GROUP BY n.finding_id
),
labelled AS (
    SELECT n.finding_id, min(f.volume_label) AS label
    FROM named n
    JOIN subject s USING (finding_id)
    JOIN session_file f USING (session_id)
    WHERE list_bool_or(list_transform(words_of(n.server, rule_words('vendor_label')), lambda w: regexp_matches(lower(f.volume_label), w)))
    GROUP BY n.finding_id
),
recorded AS (
    SELECT DISTINCT n.finding_id
    FROM named n
    JOIN subject s USING (finding_id)
    JOIN joined_trace j USING (delivery_id)
    JOIN delivery_trace t USING (number)
    WHERE t.table_name = 'browser_download' AND t.stands_alone AND is_of(https_host(t.url), rule_words('vendor_origin'))
)
SELECT n.finding_id, n.server,
    CASE
        WHEN g.is_vendors = FALSE THEN NULL
        WHEN g.is_vendors THEN 'what it loaded is signed by ' || array_to_string(g.signers, ', ')
        WHEN l.label IS NOT NULL THEN 'the volume bears the vendor''s label ' || l.label
        WHEN r.finding_id IS NOT NULL THEN 'the browser''s own record of the download agrees'
    END AS second_ground,
    coalesce(g.is_vendors, TRUE) AS is_not_contradicted
FROM named n
LEFT JOIN signed_there g USING (finding_id)
LEFT JOIN labelled l USING (finding_id)
LEFT JOIN recorded r USING (finding_id);
