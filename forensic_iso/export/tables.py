"""Which tables are exported, cut into pieces whose order is total and that need no large sort."""

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb

from forensic_iso.case.schema import case_tables
from parsers.contract import Sql, Table

SMALL = 200_000
"""Rows that are sorted at once; an artifact with more is read in the order its parser gave."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A query over a part of a table, and its rows."""

    query: str
    parameters: tuple[object, ...]
    rows: int


@dataclass(frozen=True, slots=True)
class Part:
    """All rows of a table and host."""

    table: Table
    host: str | None
    pieces: tuple[Piece, ...]

    @property
    def rows(self) -> int:
        """Rows of all its pieces."""
        return sum(p.rows for p in self.pieces)


def present_tables(con: duckdb.DuckDBPyConnection) -> list[Table]:
    """Declared tables that the case has, in order of declaration."""
    have = {r[0] for r in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    return [t for t in case_tables() if t.name in have]


def columns(table: Table) -> str:
    """The declared columns, quoted, for a SELECT."""
    return ", ".join(f'"{c.name}"' for c in table.columns)


def is_evidence(table: Table) -> bool:
    """Whether the table holds rows of parsers: those are ordered by artifact and place in it."""
    return {"source_id", "host"} <= set(table.column_names()) and table.name not in (
        "source",
        "problem",
        "timeline",
        "sigma_hit",
    )


def pieces(
    con: duckdb.DuckDBPyConnection, table: Table, host: str | None, every: bool
) -> tuple[Piece, ...]:
    """Pieces of a table in order; of one host (None: rows without) unless `every`.

    Rows of evidence stand by artifact, inside it in the order of its parser; derived rows by all their columns; the
    timeline by its row number, which is its order on disk.
    """
    where, given = ("", ()) if every else ("host IS NOT DISTINCT FROM ?", (host,))
    head = f'SELECT {columns(table)} FROM "{table.name}"'
    if is_evidence(table):
        return tuple(_by_source(con, table, head, where, given))
    total = _count(con, table, where, given)
    order = "" if table.name == "timeline" else " ORDER BY ALL"
    tail = f" WHERE {where}" if where else ""
    return (Piece(head + tail + order, given, total),) if total else ()


def _count(
    con: duckdb.DuckDBPyConnection, table: Table, where: str, given: tuple[object, ...]
) -> int:
    tail = f" WHERE {where}" if where else ""
    row = con.execute(f'SELECT count(*) FROM "{table.name}"{tail}', list(given)).fetchone()
    return int(row[0]) if row else 0


def _by_source(
    con: duckdb.DuckDBPyConnection, table: Table, head: str, where: str, given: tuple[object, ...]
) -> Iterator[Piece]:
    tail = f" WHERE {where}" if where else ""
    counted = con.execute(
        f'SELECT source_id, count(*) FROM "{table.name}"{tail} GROUP BY source_id ORDER BY source_id',
        list(given),
    ).fetchall()
    also = f"{where} AND " if where else ""
    run: list[tuple[str, int]] = []
    for source, rows in [*((s, n) for s, n in counted if s is not None), (None, SMALL)]:
        if run and sum(n for _, n in run) + rows > SMALL:
            one = len(run) == 1
            how = "source_id = ?" if one else "source_id BETWEEN ? AND ?"
            ends = (run[0][0],) if one else (run[0][0], run[-1][0])
            order = "" if one else " ORDER BY source_id, rowid"
            yield Piece(f"{head} WHERE {also}{how}{order}", (*given, *ends), sum(n for _, n in run))
            run = []
        if source is not None:
            run.append((source, rows))
    without = sum(n for s, n in counted if s is None)
    if without:
        yield Piece(f"{head} WHERE {also}source_id IS NULL ORDER BY ALL", given, without)


def parts(con: duckdb.DuckDBPyConnection) -> Iterator[Part]:
    """All tables, each cut by host where it has that column; empty ones are left out."""
    for table in present_tables(con):
        if "host" not in table.column_names():
            hosts: list[str | None] = [None]
            every = True
        else:
            rows = con.execute(f'SELECT DISTINCT host FROM "{table.name}" ORDER BY host').fetchall()
            hosts, every = [r[0] for r in rows], False
        for host in hosts:
            found = pieces(con, table, host, every)
            if found:
                yield Part(table, host, found)


def time_columns(table: Table) -> list[str]:
    """Names of the columns of times."""
    return [c.name for c in table.columns if c.type is Sql.TIME]
