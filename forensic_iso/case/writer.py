"""The single writer: one transaction per artifact."""

from dataclasses import dataclass, field

import duckdb
import pyarrow as pa

from parsers.contract import Problem, Severity

ROW_GROUP = 122_880
"""DuckDB's row group: an INSERT of that size is compressed and written at once, a smaller one waits in memory."""


@dataclass(slots=True)
class SourceWriter:
    """Collects the rows of one source and inserts them in row groups, inside one transaction of its own cursor."""

    cursor: duckdb.DuckDBPyConnection
    columns: dict[str, list[str]]
    source_id: str
    path: str
    host: str | None
    rows: int = 0
    problems: list[Problem] = field(default_factory=list)
    _waiting: dict[str, list[pa.Table]] = field(default_factory=dict)

    def begin(self) -> None:
        """Start the transaction."""
        self.cursor.execute("BEGIN")

    def add(self, table: str, rows: pa.Table) -> None:
        """Take rows of one table."""
        held = self._waiting.setdefault(table, [])
        held.append(rows)
        self.rows += rows.num_rows
        if sum(t.num_rows for t in held) >= ROW_GROUP:
            self._flush(table)

    def flush(self) -> None:
        """Insert what waits."""
        for table in list(self._waiting):
            self._flush(table)

    def _flush(self, table: str) -> None:
        parts = self._waiting.pop(table)
        rows = pa.concat_tables(parts, promote_options="default") if len(parts) > 1 else parts[0]
        names = [n for n in self.columns[table] if n in rows.column_names]
        unknown = set(rows.column_names) - set(names)
        if unknown:
            raise ValueError(f"table {table} does not declare {sorted(unknown)}")
        into, take = [f'"{n}"' for n in names], [f'"{n}"' for n in names]
        into.append("source_id")
        take.append("$source_id")
        given = {"source_id": self.source_id}
        if "host" not in names:
            into.append("host")
            take.append("$host")
            given["host"] = self.host or ""
        self.cursor.register("incoming", rows)
        self.cursor.execute(
            f'INSERT INTO "{table}" ({", ".join(into)}) SELECT {", ".join(take)} FROM incoming',
            given,
        )
        self.cursor.unregister("incoming")

    def finish(self, error: str | None, hosts: str | None, basis: str | None) -> None:
        """Insert what waits, book the source and commit. A failed source keeps the rows that came before."""
        self.flush()
        insert_problems(self.cursor, self.source_id, self.path, self.problems)
        self.cursor.execute(
            "UPDATE source SET state = $state, remark = $remark, rows = $rows, problems = $problems,"
            " host = $host, host_basis = $basis, ingested_utc = now()::TIMESTAMP_NS WHERE source_id = $id",
            {
                "state": "failed" if error else "done",
                "remark": error,
                "rows": self.rows,
                "problems": len(self.problems),
                "host": hosts,
                "basis": basis,
                "id": self.source_id,
            },
        )
        self.cursor.execute("COMMIT")

    @property
    def lost(self) -> bool:
        """Whether something of this source could not be read."""
        return any(p.severity is Severity.ERROR for p in self.problems)


def insert_problems(
    con: duckdb.DuckDBPyConnection, source_id: str | None, path: str, problems: list[Problem]
) -> None:
    """Problem rows of one source or file."""
    if not problems:
        return
    rows = pa.Table.from_pylist(
        [
            {
                "source_id": source_id,
                "path": path,
                "place": p.place,
                "severity": p.severity.value,
                "code": p.code,
                "expected": p.expected,
                "found": p.found,
                "message": p.message,
            }
            for p in (_storable(p) for p in problems)
        ],
        schema=pa.schema(
            [
                (n, pa.string())
                for n in "source_id path place severity code expected found message".split()
            ]
        ),
    )
    con.register("incoming_problems", rows)
    con.execute("INSERT INTO problem BY NAME SELECT * FROM incoming_problems")
    con.unregister("incoming_problems")


def _storable(p: Problem) -> Problem:
    """Texts with lone surrogates cannot be stored as UTF-8: they become U+FFFD."""

    def clean(s: str) -> str:
        return s.encode("utf-8", "replace").decode("utf-8")

    return Problem(
        p.code, clean(p.place), clean(p.expected), clean(p.found), clean(p.message), p.severity
    )
