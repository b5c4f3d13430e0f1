"""A word in any field of a row's record, not only in its summary: hashes, addresses, payloads."""

import threading
from collections.abc import Iterator

import duckdb

from forensic_iso.browse import rowset
from forensic_iso.browse.case import Case
from forensic_iso.browse.detail import address_column, text_of
from forensic_iso.browse.filters import FilterError
from forensic_iso.browse.rowset import RowSet

PART = "\x1f"
"""Stands between two fields, so that a word does not match over their border."""


def rows_with(case: Case, word: str, stop: threading.Event) -> Iterator[tuple[RowSet, float]]:
    """Rows of the timeline whose summary or record holds a word, capitals alike: so far, and the share looked at.

    Raises:
        FilterError: DuckDB refuses, for want of memory.
    """
    found = rowset.nothing(case.total)
    queries = list(_queries(case))
    try:
        for number, query in enumerate(queries, 1):
            if stop.is_set():
                return
            numbers = case.cursor().execute(query, [word]).fetchnumpy()["rid"]
            found = found | rowset.of(case.total, numbers)
            yield found, number / len(queries)
    except duckdb.Error as e:
        raise FilterError(f"searching all fields for {word}: {str(e).splitlines()[0]}") from e


def _queries(case: Case) -> Iterator[str]:
    """One for the summaries, one for each table that gave rows to the timeline; each has the word as parameter."""
    yield f"SELECT rid FROM timeline WHERE {_holds('summary')}"
    for (table,) in case.rows("SELECT DISTINCT table_name FROM timeline ORDER BY 1"):
        columns = case.rows(
            "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = ?"
            " ORDER BY column_index",
            [table],
        )
        if not columns:
            continue
        names = {str(n) for n, _ in columns}
        address, _ = address_column(str(table))
        fields = ", ".join(text_of(str(n), str(t)) for n, t in columns)
        source = "source_id" if "source_id" in names else "NULL::VARCHAR"
        yield (
            f"WITH met AS (SELECT DISTINCT {source} AS s, {text_of(address, '')} AS a"
            f""" FROM "{table}" WHERE {_holds(f"concat_ws('{PART}', {fields})")})"""
            " SELECT rid FROM timeline t JOIN met ON met.a = t.row_address"
            " AND (t.source_id IS NULL OR met.s = t.source_id)"
            f" WHERE t.table_name = '{table}'"
        )


def _holds(text: str) -> str:
    return f"contains(lower({text}), lower(?))"
