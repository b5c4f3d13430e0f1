"""Which tables are exported, cut into pieces whose order is total and that need no large sort."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import duckdb

from forensic_iso.case.schema import case_tables
from parsers.contract import Sql, Table

SMALL = 200_000
"""Rows that are sorted at once; an artifact with more is read in the order its parser gave."""
LEAST = 1000
"""Rows that are sorted at once however long they are."""
SORT_BYTES = 24 << 20
"""Bytes that are sorted at once: the database cannot spill a sort of long texts."""
OF_HOST = "host IS NOT DISTINCT FROM ?"


@dataclass(frozen=True, slots=True)
class Counted:
    """Rows of an artifact (None: of none) in a table, and about their bytes."""

    source_id: str | None
    rows: int
    size: int


SIZES = """
SELECT n.* EXCLUDE (rows), n.rows, (n.rows * coalesce(s.bytes // greatest(s.rows, 1), 4096))::BIGINT
FROM (SELECT {by}source_id, count(*) AS rows FROM "{table}" GROUP BY ALL) n
LEFT JOIN source s USING (source_id)
ORDER BY ALL
"""
"""Texts of a row were bytes of its artifact, so its length tells without reading them how much there is to sort."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a table and its rows; without `order` they stand as they lie in the case."""

    table: str
    columns: str
    where: str
    parameters: tuple[object, ...]
    rows: int
    order: str = ""

    @property
    def query(self) -> str:
        """What gives the rows."""
        order = f" ORDER BY {self.order}" if self.order else ""
        return f'SELECT {self.columns} FROM "{self.table}" WHERE {self.where}{order}'


@dataclass(frozen=True, slots=True)
class Part:
    """All rows of a table and host."""

    table: Table
    host: str | None
    pieces: tuple[Piece, ...]


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


def pieces(con: duckdb.DuckDBPyConnection, table: Table) -> tuple[Piece, ...]:
    """Pieces of a whole table in order.

    Rows of evidence stand by artifact, inside it in the order of its parser; derived rows by their address, then by all
    their columns; the timeline by its row number, which is its order on disk.
    """
    if is_evidence(table):
        query = SIZES.format(by="", table=table.name)
        counted = [Counted(*r) for r in con.execute(query).fetchall()]
        return tuple(_by_source(table, counted, "TRUE", ()))
    total = con.execute(f'SELECT count(*) FROM "{table.name}"').fetchone()
    return tuple(_derived(con, table, total[0] if total else 0, "TRUE", ()))


def parts(con: duckdb.DuckDBPyConnection) -> Iterator[Part]:
    """All tables, each cut by host where it has that column; empty ones are left out."""
    for table in present_tables(con):
        if "host" not in table.column_names():
            found = pieces(con, table)
            if found:
                yield Part(table, None, found)
        elif is_evidence(table):
            of_host: dict[str | None, list[Counted]] = {}
            query = SIZES.format(by="host, ", table=table.name)
            for host, *counted in con.execute(query).fetchall():
                of_host.setdefault(host, []).append(Counted(*counted))
            for host, artifacts in of_host.items():
                yield Part(table, host, tuple(_by_source(table, artifacts, OF_HOST, (host,))))
        else:
            query = f'SELECT host, count(*) FROM "{table.name}" GROUP BY host ORDER BY host'
            for host, rows in con.execute(query).fetchall():
                yield Part(table, host, tuple(_derived(con, table, rows, OF_HOST, (host,))))


def cut(con: duckdb.DuckDBPyConnection, piece: Piece, most: int) -> Iterator[Piece]:
    """A piece in runs of `most` rows, where it needs no sort: they are read at once by several threads.

    The connection must use one thread: only then are rows counted as they lie.
    """
    if piece.order or piece.rows <= most:
        yield piece
        return
    numbered = (
        f'SELECT rowid AS place, row_number() OVER () AS n FROM "{piece.table}" WHERE {piece.where}'
    )
    begins = [
        int(r[0])
        for r in con.execute(
            f"SELECT place FROM ({numbered}) WHERE n % {most} = 1 ORDER BY place",
            list(piece.parameters),
        ).fetchall()
    ]
    for number, begin in enumerate(begins):
        last = number + 1 == len(begins)
        end = "" if last else f" AND rowid < {begins[number + 1]}"
        yield replace(
            piece,
            where=f"{piece.where} AND rowid >= {begin}{end}",
            rows=piece.rows - number * most if last else most,
        )


def _by_source(
    table: Table, counted: Sequence[Counted], where: str, given: tuple[object, ...]
) -> Iterator[Piece]:
    """Artifacts one by one where they are large, else several together."""
    run: list[Counted] = []
    for one in counted:
        if one.source_id is None:
            continue
        if run and not _sortable([*run, one]):
            yield _together(table, run, where, given)
            run = []
        run.append(one)
    if run:
        yield _together(table, run, where, given)
    without = sum(n.rows for n in counted if n.source_id is None)
    if without:
        nowhere = f"{where} AND source_id IS NULL"
        yield Piece(table.name, columns(table), nowhere, given, without, "ALL")


def _sortable(run: Sequence[Counted]) -> bool:
    return sum(n.rows for n in run) <= SMALL and sum(n.size for n in run) <= SORT_BYTES


def _together(table: Table, run: Sequence[Counted], where: str, given: tuple[object, ...]) -> Piece:
    rows = sum(n.rows for n in run)
    if len(run) == 1:
        only = f"{where} AND source_id = ?"
        return Piece(table.name, columns(table), only, (*given, run[0].source_id), rows)
    between = f"{where} AND source_id BETWEEN ? AND ?"
    ends = (run[0].source_id, run[-1].source_id)
    return Piece(table.name, columns(table), between, (*given, *ends), rows, "source_id, rowid")


def _derived(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    rows: int,
    where: str,
    given: tuple[object, ...],
) -> Iterator[Piece]:
    """Rows that no parser gave: sorted, by ranges of their address where they are many."""
    if not rows:
        return
    if table.name == "timeline":
        yield Piece(table.name, columns(table), where, given, rows)
        return
    names = table.column_names()
    order = ", ".join(f'"{n}"' for n in (table.address, *(x for x in names if x != table.address)))
    for condition, ends, held in _ranges(con, table, rows, where, given):
        both = f"{where} AND {condition}"
        yield Piece(table.name, columns(table), both, (*given, *ends), held, order)


def _ranges(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    rows: int,
    where: str,
    given: tuple[object, ...],
) -> Iterator[tuple[str, tuple[object, ...], int]]:
    """Conditions on the address with their values and rows; rows of one address stay together."""
    most = _rows_at_once(con, table, rows, where, given)
    key = f'"{table.address}"'
    per_key = f'SELECT {key} AS k, count(*) AS n FROM "{table.name}" WHERE {where} GROUP BY k'
    if rows <= most:
        yield "TRUE", (), rows
        return
    found = con.execute(
        "SELECT min(k), sum(n)::BIGINT FROM (SELECT k, n, (sum(n) OVER (ORDER BY k) - n) // ? AS part"
        f" FROM ({per_key})) GROUP BY part ORDER BY part",
        [most, *given],
    ).fetchall()
    begins = [b for b, _ in found if b is not None]
    held = [int(n) for b, n in found if b is not None]
    nowhere = sum(int(n) for b, n in found if b is None)
    for (begin, end), number in zip(pairwise([*begins, None]), held, strict=True):
        if end is None:
            yield f"({key} >= ? OR {key} IS NULL)", (begin,), number + nowhere
        else:
            yield f"{key} >= ? AND {key} < ?", (begin, end), number
    if not begins:
        yield "TRUE", (), rows


def _rows_at_once(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    rows: int,
    where: str,
    given: tuple[object, ...],
) -> int:
    texts = [f'coalesce(strlen("{c.name}"), 0)' for c in table.columns if c.type is Sql.TEXT]
    total = con.execute(
        f'SELECT sum({" + ".join(texts) or "0"})::BIGINT FROM "{table.name}" WHERE {where}',
        list(given),
    ).fetchone()
    size = max(1, total[0] if total and total[0] else 1)
    return min(SMALL, max(LEAST, SORT_BYTES * rows // size))
