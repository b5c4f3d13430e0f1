-- finding: one row per host and image. The verdict is the highest link that has a row; nothing benign lowers it.
-- From link (30), benign (31), point and technique (32), blind (33), mark_reach (34). Score: points of rules.toml with a cap per
-- group. benign_reason: an installation, an administrator's script or a scheduled deployment by origin, account, code and quiet
-- together; a boot medium; a vendor's medium nothing was run from; a disk of the system. It lowers the score (benign_factor) and caps the severity at low.
-- Confidence: the least of the links the verdict needs; weakest_link names it.
-- Misses: what no link has a row for.
INSERT INTO finding BY NAME
WITH part AS (
    SELECT finding_id, part, least(sum(points), rule_value('cap_' || part)) AS points FROM point GROUP BY finding_id, part
),
total AS (
    SELECT finding_id, sum(points) AS points FROM part GROUP BY finding_id
),
reason AS (
    SELECT finding_id, string_agg(DISTINCT reason || ' (+' || points::INTEGER || ')', '; ' ORDER BY reason || ' (+' || points::INTEGER || ')') AS reasons
    FROM point GROUP BY finding_id
),
excuse AS (
    SELECT l.finding_id,
        CASE
            WHEN l.is_noise AND l.verdict = 'mounted' THEN l.noise_reason || ': path and account agree, nothing was run from it'
            WHEN b.origin IS NOT NULL AND b.is_elevated AND b.is_quiet AND (b.is_code_plain OR (b.has_no_starter AND b.deployed IS NOT NULL))
                THEN CASE WHEN b.deployed IS NOT NULL THEN 'scheduled deployment: ' || b.deployed || '; ' || b.origin
                        WHEN b.has_script THEN 'administrator''s script: ' || b.origin
                        ELSE 'installation by an administrator: ' || b.origin END
                    || '; run elevated; ' || CASE WHEN b.has_signed THEN 'modules signed' ELSE 'signature not seen' END
                    || '; no outside connection, persistence, injection or detection'
            WHEN b.own_disk_days IS NOT NULL AND b.is_quiet
                THEN 'disk of the host: the system attached it soon after each of its starts, on ' || b.own_disk_days || ' days; '
                    || 'no mark and no trace of an outside origin; no outside connection, persistence, injection or detection'
            WHEN l.verdict IN ('delivered', 'mounted') AND b.usb_utc IS NOT NULL AND NOT b.is_unmarked_later
                    AND (b.origin IS NOT NULL OR b.vendor_url IS NOT NULL OR NOT (b.is_marked OR b.is_traced))
                THEN 'boot medium made: a USB disk was attached at ' || said(b.usb_utc) || ' while the image was handled, nothing was run from it; '
                    || coalesce(b.origin, b.vendor_url, 'no mark and no trace of an outside origin')
            WHEN l.verdict IN ('delivered', 'mounted') AND b.is_vendor_medium THEN 'medium of a vendor: ' || b.origin || '; nothing was run from it'
        END AS benign_reason,
        CASE WHEN b.has_script THEN rule_value('benign_script_factor') ELSE rule_value('benign_factor') END AS factor
    FROM link l
    LEFT JOIN benign b USING (finding_id)
),
scored AS (
    SELECT l.*, e.benign_reason, p.reasons, b.sentences,
        round(least(100, coalesce(t.points, 0) * CASE WHEN e.benign_reason IS NULL THEN 1 ELSE e.factor END), 1) AS score,
        least(
            CASE WHEN l.verdict = 'delivered' THEN l.delivery_confidence END,
            CASE WHEN l.verdict <> 'delivered' THEN l.mount_confidence END,
            CASE WHEN l.verdict IN ('executed', 'active') THEN l.run_confidence END,
            CASE WHEN l.verdict IN ('executed', 'active') THEN l.volume_confidence END,
            CASE WHEN l.verdict = 'active' THEN l.act_confidence END
        ) AS confidence
    FROM link l
    JOIN excuse e USING (finding_id)
    LEFT JOIN total t USING (finding_id)
    LEFT JOIN reason p USING (finding_id)
    LEFT JOIN blind b USING (finding_id)
),
ranked AS (
    SELECT *,
        CASE WHEN score < rule_value('severity_low') THEN 0 WHEN score < rule_value('severity_medium') THEN 1
            WHEN score < rule_value('severity_high') THEN 2 WHEN score < rule_value('severity_critical') THEN 3 ELSE 4 END AS by_score
    FROM scored
)
SELECT r.finding_id, r.host, r.image_path, r.verdict,
    ['info', 'low', 'medium', 'high', 'critical'][1 + CASE
        WHEN r.benign_reason IS NOT NULL THEN least(r.by_score, 1)
        WHEN r.verdict = 'active' AND (r.is_marked OR c.is_carrier_marked) THEN greatest(r.by_score, 3)
        WHEN r.verdict = 'executed' AND (r.is_marked OR c.is_carrier_marked) THEN greatest(r.by_score, 2)
        ELSE r.by_score
    END] AS severity,
    r.score, round(r.confidence, 3) AS confidence, r.benign_reason,
    CASE
        WHEN r.verdict IN ('executed', 'active') AND r.volume_confidence = r.confidence
            THEN 'letter or volume ' || r.volume || ' inferred, ' || r.volume_basis
        WHEN r.verdict IN ('executed', 'active') AND r.run_confidence = r.confidence
            THEN 'execution: ' || CASE
                WHEN p.sysmon_source_id IS NOT NULL THEN r.run_basis
                WHEN p.security_source_id IS NOT NULL THEN 'no Sysmon, only what Security 4688 shows (' || r.run_basis || ')'
                WHEN p.process_key IS NOT NULL THEN 'no log of the host, only what Defender''s export shows (' || r.run_basis || ')'
                ELSE 'no log of the start, other traces tell it (' || r.run_basis || ')'
            END
        WHEN r.verdict = 'active' AND r.act_confidence = r.confidence THEN 'follow-on: how the acts are tied to the execution'
        WHEN r.verdict <> 'delivered' AND NOT coalesce(r.is_opened, TRUE) THEN 'mount: only its removal is logged'
        WHEN r.verdict <> 'delivered' AND r.mount_confidence = r.confidence AND r.mount_confidence < rule_value('c_session_confirmed')
            THEN CASE
                WHEN r.finding_id IN (SELECT x.finding_id FROM subject x JOIN session z USING (session_id) WHERE z.other_basis IS NOT NULL)
                    THEN 'mount: no log of it, the registry, shortcuts or other traces tell it'
                ELSE 'mount: not every record of it is there'
            END
        WHEN r.verdict <> 'delivered' AND NOT r.is_traced AND c.carrier_path IS NOT NULL THEN 'delivery: no mark of its own, it lies on the image ' || c.carrier_path
        WHEN r.verdict <> 'delivered' AND NOT r.is_traced THEN 'delivery: no mark and no trace of how the image came'
        WHEN r.verdict <> 'delivered' THEN 'mount: rests on VHDMP alone'
        WHEN r.is_marked THEN 'delivery: only the mark of the file'
        WHEN r.by_mail OR r.by_chat OR r.by_archive
            THEN 'delivery: no mark of the file is known, its folder or the program that wrote it tells the way (' || r.delivery_sources || ')'
        ELSE 'delivery: no mark of the file is known, only what other sources tell (' || r.delivery_sources || ')'
    END AS weakest_link,
    (SELECT string_agg(t.id, ', ' ORDER BY t.id) FROM technique t WHERE t.finding_id = r.finding_id) AS attack_ids,
    r.reasons, r.sentences AS cannot_exclude, k.sentence AS mark_reach, r.first_utc, r.last_utc
FROM ranked r
LEFT JOIN process p ON p.process_key = r.run_key
LEFT JOIN carrier c USING (finding_id)
LEFT JOIN mark_reach k USING (finding_id);
