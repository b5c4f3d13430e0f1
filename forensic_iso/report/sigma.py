"""Hits of the user's Sigma rules over the whole case, where any were run."""

import duckdb

from forensic_iso.report import fields
from forensic_iso.report.model import Sigma
from forensic_iso.report.rows import listing
from forensic_iso.report.summary import count
from forensic_iso.sigma.support import BY_LEVEL, VIEW

HITS_SQL = f"""
WITH supported AS (
    SELECT hit_id, bool_or(finding_id IN {fields.SHOWN_FINDINGS}) AS shown FROM {VIEW} WHERE direct GROUP BY hit_id
)
SELECT level, title, count(DISTINCT hit_id) AS hits, count(DISTINCT hit_id) FILTER (shown) AS in_findings,
    count(DISTINCT host) AS hosts, min(time_utc) AS first_utc, max(time_utc) AS last_utc, attack_ids, rule_id, rule_file
FROM sigma_hit LEFT JOIN supported USING (hit_id)
WHERE {fields.OF_HOST} AND ($finding IS NULL OR shown)
    AND ($from_utc IS NULL OR time_utc >= $from_utc::TIMESTAMP_NS) AND ($to_utc IS NULL OR time_utc < $to_utc::TIMESTAMP_NS)
GROUP BY level, title, attack_ids, rule_id, rule_file
ORDER BY {BY_LEVEL}, hits DESC, title, rule_id, rule_file"""

NOT_RUN_SQL = """
SELECT rule_file, title, state, reason FROM sigma_rule WHERE state <> 'run'
ORDER BY rule_file, rule_number, rule_set, title"""


def sigma(con: duckdb.DuckDBPyConnection, asked: dict[str, object], cap: int) -> Sigma | None:
    """Rules with their hits; None where no rule was ever run over the case."""
    known = con.execute("FROM duckdb_tables() WHERE table_name = 'sigma_rule'").fetchone()
    counted = (
        known
        and con.execute(
            "SELECT count(*), count(*) FILTER (state = 'run'), count(*) FILTER (state = 'run' AND rows = 0) FROM sigma_rule"
        ).fetchone()
    )
    if not counted or not counted[0]:
        return None
    given, run, blind = counted
    left = f" {count(given - run, 'rule')} could not be run: see below." if given > run else ""
    none = f" {count(blind, 'rule')} had no row of its log in the case." if blind else ""
    return Sigma(
        f"{count(given, 'rule')} of the user read, {run:,} run over the case.{none}{left}"
        " Hits support findings and never make one; a hit alone says that a row looks as the rule describes, no more.",
        listing(con, "sigma_rules", "Rules with hits", fields.SIGMA_RULES, HITS_SQL, asked, cap),
        listing(
            con,
            "sigma_not_run",
            "Rules that were not run",
            fields.SIGMA_NOT_RUN,
            NOT_RUN_SQL,
            {},
            cap,
        ),
    )
