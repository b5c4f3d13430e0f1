"""A case opened for browsing: one sealed connection, one cursor per thread."""

import threading
from collections.abc import Sequence
from pathlib import Path

import duckdb

from forensic_iso.case.store import open_reader
from forensic_iso.errors import CaseError

MEMORY_LIMIT = "200MB"
"""DuckDB's own bound while browsing; with the terminal's code the process stays under 500 MB."""

Record = dict[str, object]


class Case:
    """All questions go through this; every method may be called from any thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._con = open_reader(path, MEMORY_LIMIT)
        self._local = threading.local()
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
            self._local.cursor = self._con.cursor()
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

    def close(self) -> None:
        """Close the connection and its cursors."""
        self._con.close()
