"""A case opened for browsing: one sealed connection, one cursor per thread."""

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import duckdb

from forensic_iso.case.store import open_reader
from forensic_iso.errors import CaseError

MEMORY_LIMIT = "200MB"
"""DuckDB's own bound while browsing; with the terminal's code the process stays under 500 MB."""

CLOSE_S = 5.0
"""Longest wait for queries to end when the case is closed."""

Record = dict[str, object]


def fault_of(error: duckdb.Error) -> str:
    """What DuckDB says of a question that it refuses, in one line."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def interrupt(cursor: duckdb.DuckDBPyConnection) -> None:
    """End what a cursor is asked by another thread; nothing where it is closed."""
    with suppress(duckdb.Error):
        cursor.interrupt()


class Case:
    """All questions go through this; every method may be called from any thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._con = open_reader(path, MEMORY_LIMIT)
        self._local = threading.local()
        self._guard = threading.Lock()
        self._cursors: list[duckdb.DuckDBPyConnection] = []
        self.total = self._count_timeline()

    def _count_timeline(self) -> int:
        found = self.rows("SELECT 1 FROM duckdb_tables() WHERE table_name = 'timeline'")
        if not found:
            self.close()
            raise CaseError(
                f"opening the case {self.path}: expected the table timeline, found none; "
                f"run forensic-iso correlate {self.path}"
            )
        return int(str(self.rows("SELECT count(*) FROM timeline")[0][0]))

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """This thread's cursor."""
        if not hasattr(self._local, "cursor"):
            with self._guard:  # DuckDB refuses two calls of one connection at once
                self._local.cursor = self._con.cursor()
                self._cursors.append(self._local.cursor)
        cursor: duckdb.DuckDBPyConnection = self._local.cursor
        return cursor

    def rows(self, query: str, parameters: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """Rows of a query."""
        return self.cursor().execute(query, list(parameters)).fetchall()

    def records(self, query: str, parameters: Sequence[object] = ()) -> list[Record]:
        """Rows of a query by column name."""
        cursor = self.cursor().execute(query, list(parameters))
        names = [d[0] for d in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def one(self, query: str, parameters: Sequence[object] = ()) -> Record | None:
        """First row by column name, None where there is none."""
        found = self.records(query, parameters)
        return found[0] if found else None

    def has(self, table: str) -> bool:
        """Whether the case has a table or view of that name."""
        return bool(
            self.rows(
                "SELECT 1 FROM duckdb_columns() WHERE table_name = ? LIMIT 1",
                [table],
            )
        )

    def has_column(self, table: str, column: str) -> bool:
        """Whether a table of the case has a column."""
        return bool(
            self.rows(
                "SELECT 1 FROM duckdb_columns() WHERE table_name = ? AND column_name = ? LIMIT 1",
                [table, column],
            )
        )

    def close(self) -> None:
        """Close the connection and its cursors; what other threads still ask is interrupted."""
        last = time.monotonic() + CLOSE_S
        with self._guard:
            while True:
                try:
                    self._con.close()
                except duckdb.Error:  # a cursor is in the midst of a query
                    if time.monotonic() > last:
                        raise
                    for cursor in self._cursors:
                        interrupt(cursor)
                    time.sleep(0.01)
                else:
                    return
