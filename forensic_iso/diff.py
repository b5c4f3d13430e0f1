"""What changed between two cases: runs, tool versions, evidence handed in later.

Rows of evidence are compared by all their columns; artifacts have the same id where the same bytes lay at the same place,
so that the cases of two runs over the same evidence compare row by row.
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
    CASE WHEN a.finding_id IS NULL THEN 'only in b' WHEN b.finding_id IS NULL THEN 'only in a' ELSE 'changed' END AS change
FROM a.finding a FULL JOIN b.finding b ON a.finding_id = b.finding_id
WHERE a.finding_id IS NULL OR b.finding_id IS NULL OR a.verdict IS DISTINCT FROM b.verdict
    OR a.severity IS DISTINCT FROM b.severity OR a.score IS DISTINCT FROM b.score OR a.confidence IS DISTINCT FROM b.confidence
ORDER BY host, image_path
"""


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
    """Tables that differ, findings that differ, and versions of tool and parsers that differ."""

    tables: tuple[TableDiff, ...]
    findings: tuple[Row, ...]
    versions: tuple[Row, ...]

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not (self.tables or self.findings or self.versions)


VERSIONS = """
SELECT coalesce(a.what, b.what) AS what, a.version AS a, b.version AS b
FROM ({a}) a FULL JOIN ({b}) b ON a.what = b.what WHERE a.version IS DISTINCT FROM b.version ORDER BY what
"""
VERSIONS_OF = (
    "SELECT key AS what, value AS version FROM {0}.case_info UNION ALL SELECT 'parser ' || kind,"
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
            tuple(query_rows(con, FINDINGS)),
            tuple(query_rows(con, versions)),
        )


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
