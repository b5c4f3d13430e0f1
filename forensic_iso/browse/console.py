"""One SQL query over a case, read-only and sealed; a result that is cut says so."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import duckdb

from forensic_iso.browse.case import Case

MOST = 10_000
"""Rows of a result that are kept."""

CELL = 10_000
"""Characters of a cell that are kept."""


class QueryError(Exception):
    """The query failed; the message is DuckDB's."""


@dataclass(frozen=True, slots=True)
class Result:
    """A result as text; None stays None. `cut`: there are more rows than `MOST`; `cells_cut`: longer cells were cut."""

    names: list[str]
    rows: list[tuple[str | None, ...]]
    cut: bool
    cells_cut: int


def run(case: Case, query: str, most: int = MOST) -> Result:
    """Run one statement that reads.

    Raises:
        QueryError: it is none, or DuckDB refuses it.
    """
    statement = _statement(case, query)
    try:
        cursor = case.cursor().execute(statement)
        names = [d[0] for d in cursor.description or ()]
        kept = cursor.fetchmany(most + 1)
    except duckdb.InterruptException:  # stopped from outside: no fault of the query
        raise
    except duckdb.Error as e:
        raise QueryError(str(e).strip()) from e
    cells_cut = 0
    rows: list[tuple[str | None, ...]] = []
    for row in kept[:most]:
        texts = [None if v is None else _text(v) for v in row]
        cells_cut += sum(t is not None and len(t) > CELL for t in texts)
        rows.append(tuple(t if t is None else t[:CELL] for t in texts))
    return Result(names, rows, len(kept) > most, cells_cut)


def _statement(case: Case, query: str) -> duckdb.Statement:
    try:
        statements = case.cursor().extract_statements(query)
    except duckdb.Error as e:
        raise QueryError(str(e).strip()) from e
    if len(statements) != 1:
        raise QueryError(f"expected one statement, found {len(statements)}")
    return statements[0]


def whole(case: Case, query: str) -> tuple[list[str], Iterator[list[tuple[str | None, ...]]]]:
    """Names of columns and all rows of a query, `MOST` at once, uncut; for one thread, which asks nothing else meanwhile.

    Raises:
        QueryError: it is no single statement.
        duckdb.Error: DuckDB refuses it.
    """
    cursor = case.cursor().execute(_statement(case, query))
    names = [d[0] for d in cursor.description or ()]

    def batches() -> Iterator[list[tuple[str | None, ...]]]:
        while rows := cursor.fetchmany(MOST):
            yield [tuple(None if v is None else _text(v) for v in row) for row in rows]

    return names, batches()


def names_of(case: Case, query: str) -> list[tuple[str, str]]:
    """Names that a query may use, each with its meaning: columns of the tables it names first, then all tables."""
    words = {word.lower() for word in re.findall(r"\w+", query)}
    known = tables(case)
    used = [name for name, _ in known if name.lower() in words]
    found = [(n, f"{table}: {meaning}") for table in used for n, _, meaning in columns(case, table)]
    made: dict[str, str] = {}
    for name, meaning in (*found, *known):
        made.setdefault(name, meaning)
    return list(made.items())


def _text(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def tables(case: Case) -> list[tuple[str, str]]:
    """Tables and views with their comments."""
    rows = case.rows(
        "SELECT table_name, comment FROM duckdb_tables() UNION ALL"
        " SELECT view_name, comment FROM duckdb_views() WHERE NOT internal ORDER BY 1"
    )
    return [(str(n), str(c or "")) for n, c in rows]


def columns(case: Case, table: str) -> list[tuple[str, str, str]]:
    """Columns of a table: name, type, meaning."""
    rows = case.rows(
        "SELECT column_name, data_type, comment FROM duckdb_columns() WHERE table_name = ?"
        " ORDER BY column_index",
        [table],
    )
    return [(str(n), str(t), str(c or "")) for n, t, c in rows]


def is_rows_of_timeline(result: Result) -> list[int] | None:
    """Row numbers where the result has a column `rid`, so that it can be shown in the timeline."""
    if "rid" not in result.names:
        return None
    at = result.names.index("rid")
    values = [r[at] for r in result.rows]
    numbers = [int(v) for v in values if v is not None and re.fullmatch(r"\d+", v)]
    return numbers if len(numbers) == len(values) else None
