"""A word in any field of a row's record, not only in its summary: hashes, addresses, payloads."""

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb

from forensic_iso.browse import rowset
from forensic_iso.browse.addresses import address_of
from forensic_iso.browse.case import Case, fault_of
from forensic_iso.browse.detail import text_of
from forensic_iso.browse.filters import Filter, FilterError, condition
from forensic_iso.browse.rowset import RowSet
from forensic_iso.browse.steps import steps
from forensic_iso.browse.stop import Stop

PART = "\x1f"
"""Stands between two fields, so that a word does not match over their border."""

SLICE = 122_880
"""Rows of a table looked at by one query."""

FULL = 1_000_000
"""Records that met the word, kept until they are looked for in the timeline."""

_MET = (
    "CREATE OR REPLACE TEMP TABLE met_anywhere"
    " (table_name VARCHAR, source_id VARCHAR, row_address VARCHAR)"
)
_ROWS_OF_MET = (
    "SELECT t.rid FROM timeline t SEMI JOIN met_anywhere m ON m.table_name = t.table_name"
    " AND m.row_address = t.row_address AND (t.source_id IS NULL OR m.source_id = t.source_id)"
    " WHERE t.rid BETWEEN ? AND ?"
)


@dataclass(slots=True)
class _Looked:
    """How much was looked at, in rows of any table, of how much."""

    of: int
    done: int = 0

    @property
    def share(self) -> float:
        return min(self.done / max(self.of, 1), 0.99)


def rows_with(case: Case, word: str, stop: Stop) -> Iterator[tuple[RowSet, float]]:
    """Rows of the timeline whose summary or record holds a word, capitals alike: so far, and the share looked at.

    First the summaries, then the records of each table, then the rows of those that met.

    Raises:
        FilterError: DuckDB refuses, for want of memory.
        Stopped: it was stopped.
    """
    found = rowset.nothing(case.total)
    try:
        with stop.over(case):
            case.rows(_MET)
            looked = _Looked(2 * case.total)
            for first, last in steps(case.total):
                stop.check()
                found.put(first, last, _summaries(case, word, first, last))
                found.recount()
                looked.done += last - first
                yield found, looked.share
            tables = _tables(case)
            looked.of += sum(rows for _, rows in tables)
            for table, rows in tables:
                for first in range(0, rows, SLICE):
                    stop.check()
                    _records(case, table, word, first)
                    looked.done += min(SLICE, rows - first)
                    yield found, looked.share
                if _met(case) >= FULL:
                    looked.of += case.total
                    yield from _gather(case, found, stop, looked)
            if _met(case):
                yield from _gather(case, found, stop, looked)
            yield found, 1.0
    except duckdb.Error as e:
        raise FilterError(f"searching all fields for {word}: {fault_of(e)}") from e


def _summaries(case: Case, word: str, first: int, last: int) -> rowset.Numbers:
    sql, values = condition(Filter("text", "~", word))
    return _numbers(
        case,
        f"SELECT rid FROM timeline WHERE rid BETWEEN ? AND ? AND ({sql})",
        [first, last - 1, *values],
    )


def _numbers(case: Case, query: str, values: list[object]) -> rowset.Numbers:
    numbers: rowset.Numbers = case.cursor().execute(query, values).fetchnumpy()["rid"]
    return numbers


def _tables(case: Case) -> list[tuple[str, int]]:
    """Tables that gave rows to the timeline, with the number of their rows."""
    names = [str(t) for (t,) in case.rows("SELECT DISTINCT table_name FROM timeline ORDER BY 1")]
    held = [name for name in names if case.has(name)]
    return [(n, int(str(case.rows(f'SELECT count(*) FROM "{n}"')[0][0]))) for n in held]


def _records(case: Case, table: str, word: str, first: int) -> None:
    """Keep the addresses of the records of a slice that hold the word."""
    columns = case.rows(
        "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = ?"
        " ORDER BY column_index",
        [table],
    )
    address = address_of(case, table).column
    fields = ", ".join(text_of(str(n), str(t)) for n, t in columns)
    source = "source_id" if any(n == "source_id" for n, _ in columns) else "NULL"
    case.rows(
        f"INSERT INTO met_anywhere SELECT DISTINCT ?, {source}, {text_of(address, '')}"
        f' FROM "{table}" WHERE rowid BETWEEN ? AND ?'
        f" AND contains(lower(concat_ws('{PART}', {fields})), lower(?))",
        [table, first, first + SLICE - 1, word],
    )


def _met(case: Case) -> int:
    return int(str(case.rows("SELECT count(*) FROM met_anywhere")[0][0]))


def _gather(
    case: Case, found: RowSet, stop: Stop, looked: _Looked
) -> Iterator[tuple[RowSet, float]]:
    """Add the rows of the timeline that the kept records gave, and forget these."""
    for first, last in steps(case.total):
        stop.check()
        found.add(_numbers(case, _ROWS_OF_MET, [first, last - 1]))
        looked.done += last - first
        yield found, looked.share
    case.rows("DELETE FROM met_anywhere")
