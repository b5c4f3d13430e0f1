"""What changed between two cases: runs, tool versions, evidence handed in later.

Rows of evidence are compared by all their columns; artifacts have the same id where the same bytes lay at the same place,
so that the cases of two runs over the same evidence compare row by row. Of the same bytes at another place all rows differ.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from forensic_iso.case import store
from forensic_iso.story import Row
from forensic_iso.story import rows as query_rows

MEMORY_LIMIT = "700MB"
VOLATILE = frozenset({"ingested_utc", "given", "rid"})
"""Columns that tell of the run and not of the evidence."""

SHAPE = """
SELECT database_name, table_name, list(column_name ORDER BY column_index) AS names, list(data_type ORDER BY column_index) AS types
FROM duckdb_columns() WHERE database_name IN ('a', 'b') AND NOT internal
    AND table_name IN (SELECT table_name FROM duckdb_tables())
GROUP BY ALL ORDER BY table_name
"""

FINDINGS = """
SELECT coalesce(a.host, b.host) AS host, coalesce(a.image_path, b.image_path) AS image_path,
    a.verdict AS verdict_a, b.verdict AS verdict_b, a.severity AS severity_a, b.severity AS severity_b, a.score AS score_a, b.score AS score_b,
    CASE WHEN a.finding_id IS NULL THEN 'only in b' WHEN b.finding_id IS NULL THEN 'only in a'
        ELSE 'differs in ' || concat_ws(', ', {changed}) END AS change
FROM a.finding a FULL JOIN b.finding b ON a.finding_id = b.finding_id
WHERE a.finding_id IS NULL OR b.finding_id IS NULL OR concat_ws(', ', {changed}) <> ''
ORDER BY host, image_path
"""

EVIDENCE = """
WITH elsewhere AS (
    SELECT x.source_id, min(y.path) AS path FROM a.source x JOIN b.source y ON x.sha256 = y.sha256 ANTI JOIN b.source s ON s.source_id = x.source_id
    GROUP BY x.source_id
),
moved AS (SELECT path FROM elsewhere)
SELECT coalesce(a.path, b.path) AS path, coalesce(a.kind, b.kind) AS kind,
    CASE WHEN e.path IS NOT NULL THEN 'in b at ' || e.path WHEN a.source_id IS NULL THEN 'only in b' WHEN b.source_id IS NULL THEN 'only in a'
        ELSE concat_ws(', ', CASE WHEN a.state IS DISTINCT FROM b.state THEN concat('state ', a.state, ' and ', b.state) END,
            CASE WHEN a.rows IS DISTINCT FROM b.rows THEN concat('rows ', a.rows, ' and ', b.rows) END,
            CASE WHEN a.problems IS DISTINCT FROM b.problems THEN concat('problems ', a.problems, ' and ', b.problems) END,
            CASE WHEN a.host IS DISTINCT FROM b.host THEN concat('host ', a.host, ' and ', b.host) END) END AS change
FROM a.source a FULL JOIN b.source b ON a.source_id = b.source_id
LEFT JOIN elsewhere e ON e.source_id = a.source_id
WHERE change <> '' AND (a.source_id IS NOT NULL OR b.path NOT IN (FROM moved))
ORDER BY path, kind
"""
"""Artifacts that one case lacks or that were read otherwise; the same bytes at another place are one artifact, told once."""


@dataclass(frozen=True, slots=True)
class TableDiff:
    """Rows of a table that only one case has; `columns` names what only one of them has."""

    table: str
    rows_a: int
    rows_b: int
    only_a: int
    only_b: int
    columns: str = ""

    @property
    def same(self) -> bool:
        """Whether the two are alike."""
        return not (self.only_a or self.only_b or self.columns)


@dataclass(frozen=True, slots=True)
class Diff:
    """What differs: tables, findings, artifacts, and the time window and versions of tool and parsers."""

    tables: tuple[TableDiff, ...]
    findings: tuple[Row, ...]
    evidence: tuple[Row, ...]
    versions: tuple[Row, ...]

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not (self.tables or self.findings or self.evidence or self.versions)


VERSIONS = """
SELECT coalesce(a.what, b.what) AS what, a.version AS a, b.version AS b
FROM ({a}) a FULL JOIN ({b}) b ON a.what = b.what WHERE a.version IS DISTINCT FROM b.version ORDER BY what
"""
VERSIONS_OF = (
    "SELECT key AS what, CASE WHEN value = 'None' THEN 'open' WHEN key IN ('since', 'until')"
    " THEN make_timestamp_ns(value::BIGINT)::VARCHAR || ' UTC' ELSE value END AS version FROM {0}.case_info UNION ALL SELECT 'parser ' || kind,"
    " string_agg(DISTINCT parser_version::VARCHAR, ', ') FROM {0}.source WHERE kind IS NOT NULL GROUP BY kind"
)


def diff(case_a: Path, case_b: Path) -> Diff:
    """Compare two cases.

    Raises:
        CaseError: one of them cannot be opened.
    """
    with duckdb.connect(":memory:", config={"memory_limit": MEMORY_LIMIT}) as con:
        for name, case in (("a", case_a), ("b", case_b)):
            store.open_reader(case).close()
            place = str(store.database(case)).replace("'", "''")
            con.execute(f"ATTACH '{place}' AS {name} (READ_ONLY)")
        versions = VERSIONS.format(a=VERSIONS_OF.format("a"), b=VERSIONS_OF.format("b"))
        return Diff(
            tuple(t for t in _tables(con) if not t.same),
            tuple(query_rows(con, FINDINGS.format(changed=_changed(con)))),
            tuple(query_rows(con, EVIDENCE)),
            tuple(query_rows(con, versions)),
        )


def _changed(con: duckdb.DuckDBPyConnection) -> str:
    """What gives the names of a finding's columns in which the two cases differ."""
    query = "SELECT column_name FROM duckdb_columns() WHERE table_name = 'finding' AND database_name = ?"
    a, b = ([str(n) for (n,) in con.execute(query, [side]).fetchall()] for side in "ab")
    both = [n for n in a if n in b and n != "finding_id"]
    return ", ".join(f'CASE WHEN a."{n}" IS DISTINCT FROM b."{n}" THEN \'{n}\' END' for n in both)


def _tables(con: duckdb.DuckDBPyConnection) -> Iterator[TableDiff]:
    shapes: dict[str, dict[str, dict[str, str]]] = {}
    for r in query_rows(con, SHAPE):
        names, types = r["names"], r["types"]
        if isinstance(names, list) and isinstance(types, list):
            columns = dict(zip(names, types, strict=True))
            shapes.setdefault(str(r["table_name"]), {})[str(r["database_name"])] = columns
    for table, shape in shapes.items():
        if table == "case_info":
            continue
        if len(shape) == 1:
            yield _lonely(con, table, "a" if "a" in shape else "b")
        else:
            yield _compare(con, table, shape["a"], shape["b"])


def _count(con: duckdb.DuckDBPyConnection, query: str) -> int:
    row = con.execute(f"SELECT count(*) FROM ({query})").fetchone()
    return int(row[0]) if row else 0


def _lonely(con: duckdb.DuckDBPyConnection, table: str, side: str) -> TableDiff:
    rows = _count(con, f'SELECT 1 FROM {side}."{table}"')
    a, b = (rows, 0) if side == "a" else (0, rows)
    return TableDiff(table, a, b, a, b, f"the table is only in {side}")


def _compare(
    con: duckdb.DuckDBPyConnection, table: str, a: dict[str, str], b: dict[str, str]
) -> TableDiff:
    shared = [n for n in a if n in b and n not in VOLATILE]
    lacking = sorted((set(a) ^ set(b)) - VOLATILE)
    other = sorted(n for n in shared if a[n] != b[n])
    taken = ", ".join(f'"{n}"::VARCHAR' if n in other else f'"{n}"' for n in shared) or "1"
    left, right = (f'SELECT {taken} FROM {side}."{table}"' for side in "ab")
    said = [f"only in one: {', '.join(lacking)}"] if lacking else []
    said += [f"other type: {', '.join(other)}"] if other else []
    return TableDiff(
        table,
        _count(con, left),
        _count(con, right),
        _count(con, f"{left} EXCEPT ALL {right}"),
        _count(con, f"{right} EXCEPT ALL {left}"),
        "; ".join(said),
    )
