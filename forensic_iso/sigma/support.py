"""Which findings the hits of Sigma rules support, joined when read: a later `correlate` cannot leave them stale."""

from importlib import resources

import duckdb

LEVELS = ("critical", "high", "medium", "low", "informational")
"""Levels of rules, the gravest first."""

VIEW = "sigma_support"

Row = dict[str, object]

BY_LEVEL = (
    "coalesce(list_position(['critical', 'high', 'medium', 'low', 'informational'], level), 9)"
)
"""Orders by the level of a rule; rules without one stand last."""


def support_sql() -> str:
    """The query of hits with the findings they support."""
    return resources.files(__package__).joinpath("support.sql").read_text(encoding="utf-8")


def support_view_sql() -> str:
    """CREATE OR REPLACE VIEW sigma_support: hit_id, finding_id, basis, direct (not by time alone)."""
    return f"CREATE OR REPLACE VIEW {VIEW} AS\n{support_sql()}"


def has_hits(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether any row of the case met a rule."""
    known = con.execute("FROM duckdb_tables() WHERE table_name = 'sigma_hit' LIMIT 1").fetchone()
    return known is not None and con.execute("FROM sigma_hit LIMIT 1").fetchone() is not None


def _rows(
    con: duckdb.DuckDBPyConnection, query: str, parameters: list[object]
) -> dict[str, list[Row]]:
    """Rows of a query by finding."""
    if not has_hits(con):
        return {}
    cursor = con.execute(f"WITH {VIEW} AS ({support_sql()})\n{query}", parameters)
    names = [d[0] for d in cursor.description]
    out: dict[str, list[Row]] = {}
    for values in cursor.fetchall():
        row = dict(zip(names, values, strict=True))
        out.setdefault(str(row["finding_id"]), []).append(row)
    return out


def rules_of(con: duckdb.DuckDBPyConnection, finding_id: str | None = None) -> dict[str, list[Row]]:
    """Rules whose hits support a finding, by finding: direct ones first, then by level and title.

    `hits` counts rows of the case, so that a rule that was given twice counts them once.
    """
    return _rows(
        con,
        "SELECT finding_id, direct, level, title, rule_id,"
        " count(DISTINCT (table_name, source_id, row_address)) AS hits"
        f" FROM sigma_hit JOIN {VIEW} USING (hit_id) WHERE $1 IS NULL OR finding_id = $1"
        " GROUP BY finding_id, direct, level, title, rule_id"
        f" ORDER BY finding_id, direct DESC, {BY_LEVEL}, title, rule_id",
        [finding_id],
    )


def hits_of(
    con: duckdb.DuckDBPyConnection, finding_id: str | None = None, most: int = 1000
) -> dict[str, list[Row]]:
    """Hits that support a finding directly, by finding, the gravest rules first; at most `most` of each.

    `total` tells how many there are; hits that only lie inside a mount session are left to `rules_of`.
    """
    return _rows(
        con,
        "SELECT numbered.*, source.path FROM ("
        f"SELECT *, row_number() OVER (PARTITION BY finding_id ORDER BY {BY_LEVEL}, title, rule_id, time_utc,"
        " table_name, source_id, row_address, hit_id) AS number, count(*) OVER (PARTITION BY finding_id) AS total FROM ("
        "SELECT DISTINCT finding_id, level, title, rule_id, time_utc, basis, table_name, source_id, row_address, hit_id"
        f" FROM sigma_hit JOIN {VIEW} USING (hit_id) WHERE direct AND ($1 IS NULL OR finding_id = $1))"
        ") numbered LEFT JOIN source USING (source_id) WHERE number <= $2 ORDER BY finding_id, number",
        [finding_id, most],
    )
