"""`sigma run`: rules in, rows of `sigma_rule` and `sigma_hit` out; those of an earlier run of the same set or rule are replaced."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import duckdb

from forensic_iso.case.schema import case_tables, create_sql
from forensic_iso.sigma import scan as s
from forensic_iso.sigma.fields import Face
from forensic_iso.sigma.names import literal
from forensic_iso.sigma.rules import Converted, Heading, Refused, read_rules
from forensic_iso.sigma.schema import SIGMA_TABLES
from forensic_iso.sigma.support import support_view_sql
from forensic_iso.sigma.view import sigma_event_sql


@dataclass(frozen=True, slots=True)
class Result:
    """A rule with what became of it; `state` is run, refused, malformed or failed."""

    heading: Heading
    state: str
    reason: str | None = None
    rows: int = 0
    hits: int = 0


def prepare(con: duckdb.DuckDBPyConnection) -> None:
    """The tables and the views of Sigma in a case, also in one made before they were known."""
    con.execute(create_sql(SIGMA_TABLES))
    con.execute(sigma_event_sql())
    con.execute(support_view_sql())


def run(
    con: duckdb.DuckDBPyConnection,
    place: Path,
    rule_set: str,
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> list[Result]:
    """Run all rules of a file or folder over a case.

    Args:
        con: connection of the case's writer.
        place: rule file or folder.
        rule_set: name of the set.
        progress: told of the table looked at, the groups of rows done and all groups.

    Returns:
        one result per rule, in order of file and number.

    Raises:
        UsageError: no rule file, or pySigma is not installed.
    """
    own = {t.name: t for t in case_tables() if t not in SIGMA_TABLES}
    read = list(read_rules(place, frozenset(own)))
    con.execute(_sql("macros.sql"))
    converted, refused = [], [r for r in read if isinstance(r, Refused)]
    for rule in read:
        if isinstance(rule, Converted):
            wrong = s.check(con, rule)
            if wrong is None:
                converted.append(rule)
            else:
                refused.append(Refused(rule.heading, "refused", wrong))
    counts = s.count_events(con, s.Plan().faces.values())
    plan, strange = s.make_plan(converted, counts, own)
    outcomes = s.scan(con, converted, plan, counts, progress)
    _gather(con, plan.faces)
    hits = dict(con.execute("SELECT rule, count(*) FROM sigma_row GROUP BY ALL").fetchall())
    results = [Result(r.heading, r.state, r.reason) for r in (*refused, *strange.values())]
    for number, (rule, outcome) in enumerate(zip(converted, outcomes, strict=True)):
        if number not in strange:
            state, reason = ("failed", outcome.failed) if outcome.failed else ("run", rule.remark)
            results.append(Result(rule.heading, state, reason, outcome.rows, hits.get(number, 0)))
    results.sort(key=lambda r: (r.heading.file, r.heading.number, r.state))
    _write(con, rule_set, converted, results)
    return results


def _sql(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _gather(con: duckdb.DuckDBPyConnection, faces: Mapping[tuple[str, str], Face]) -> None:
    """The rows that met a rule, with the process they speak of, as the temporary table sigma_row."""
    con.execute(
        "CREATE OR REPLACE TEMP TABLE sigma_row (rule INTEGER, host VARCHAR, time_utc TIMESTAMP_NS, table_name VARCHAR,"
        " source_id VARCHAR, row_address VARCHAR, process_guid VARCHAR)"
    )
    met = con.execute(f"SELECT DISTINCT table_name, face FROM {s.FOUND} ORDER BY ALL").fetchall()
    for table, name in met:
        face = faces[table, name]
        con.execute(
            f"INSERT INTO sigma_row SELECT DISTINCT f.rule, {face.host}, {face.time or 'NULL'}, {literal(table)},"
            f' {face.source}, "{face.address}"::VARCHAR, {face.guid or "NULL"}'
            f' FROM {s.FOUND} f JOIN (SELECT rowid AS row_id, * FROM "{table}") USING (row_id)'
            f" WHERE f.table_name = {literal(table)} AND f.face = {literal(name)}"
        )


def _write(
    con: duckdb.DuckDBPyConnection,
    rule_set: str,
    converted: Sequence[Converted],
    results: Sequence[Result],
) -> None:
    """Replace what the case holds of this set and of these very rules, in one transaction."""
    con.execute(
        "CREATE OR REPLACE TEMP TABLE sigma_heading (rule INTEGER, rule_id VARCHAR, title VARCHAR, level VARCHAR,"
        " status VARCHAR, tags VARCHAR, attack_ids VARCHAR, rule_file VARCHAR, rule_number INTEGER, rule_sha256 VARCHAR)"
    )
    rows = [[n, *_heading_row(r.heading)] for n, r in enumerate(converted)]
    if rows:
        con.executemany("INSERT INTO sigma_heading VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    now = datetime.now(UTC).replace(tzinfo=None)
    # the same rule, read before as one of another set, would double its hits
    same = [f"{r.heading.sha256}/{r.heading.number}" for r in results if r.heading.sha256]
    con.execute("BEGIN")
    try:
        prepare(con)
        for table in SIGMA_TABLES:
            con.execute(
                f"DELETE FROM {table.name} WHERE rule_set = $1"
                " OR concat(rule_sha256, '/', rule_number) IN (SELECT unnest($2::VARCHAR[]))",
                [rule_set, same],
            )
        con.execute(_HITS, {"rule_set": rule_set})
        con.executemany(
            "INSERT INTO sigma_rule VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                [
                    *(rule_set, h.file, h.number, h.rule_id, h.title, h.level, h.status),
                    *(h.logsource, r.state, r.reason, r.rows, r.hits, now, h.sha256),
                ]
                for r in results
                for h in (r.heading,)
            ],
        )
        con.execute("COMMIT")
    except BaseException:
        # A commit that fails (no space) has ended the transaction already: the first error is the one to tell.
        with suppress(duckdb.TransactionException):
            con.execute("ROLLBACK")
        raise


_HITS = """
INSERT INTO sigma_hit BY NAME
SELECT left(md5(concat_ws('|', h.rule_sha256, h.rule_number, r.table_name, r.source_id, r.row_address)), 16) AS hit_id,
    h.rule_id, h.title, r.host, r.time_utc, h.level, h.status, h.tags, h.attack_ids,
    $rule_set AS rule_set, h.rule_file, h.rule_number, h.rule_sha256, r.table_name, r.source_id, r.row_address, r.process_guid
FROM sigma_row r
JOIN sigma_heading h USING (rule)
ORDER BY h.rule_file, h.rule_number, r.host, r.time_utc, r.table_name, r.source_id, r.row_address
"""


def _heading_row(h: Heading) -> list[object]:
    return [
        *(h.rule_id, h.title, h.level, h.status, ", ".join(h.tags), ", ".join(h.attack_ids)),
        *(h.file, h.number, h.sha256),
    ]
