"""SQLite databases from hostile hands, opened in memory; rows by column name, as many as can be read.

Only real tables are read (a view or virtual table of a forged schema could run for ever), and every
statement has a budget of steps.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager

from parsers.browser.wal import MAGIC, apply, rollback_mode
from parsers.contract import Artifact, Problem, Severity
from parsers.evtx.problems import Problems
from parsers.rows import Row, content

MAX_BYTES = 512 << 20
_STEPS = 10_000
_MAX_TICKS = 200_000
"""Steps of SQLite's machine between two ticks, and ticks of one statement: 2 G steps, minutes at most."""

BEFORE, DATABASE, LOG = "database_before_wal", "database", "wal"
"""Where a row was read: the file, the log beside it, or the file while the log replaced or removed it."""

REFUSALS = (sqlite3.Error, UnicodeDecodeError, OverflowError, MemoryError)
"""What Python's sqlite3 raises for bad bytes; its own message of an error may be no UTF-8,
and a forged length may be more than there is memory."""

_SMALLEST = 512

Values = tuple[object, ...]
_JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")
_MAX_SEEN = 10_000


class Database:
    """One open database."""

    def __init__(self, data: bytes, problems: "Once") -> None:
        self._problems = problems
        self._ticks = 0
        self._con = sqlite3.connect(":memory:")
        self._con.text_factory = _text
        self._con.deserialize(rollback_mode(data))
        self._con.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        self._con.set_progress_handler(self._tick, _STEPS)
        for pragma in ("trusted_schema=OFF", "cell_size_check=ON", "query_only=ON"):
            self._ask(f"PRAGMA {pragma}")

    def close(self) -> None:
        """Free the memory."""
        self._con.close()

    def _tick(self) -> int:
        self._ticks += 1
        return int(self._ticks > _MAX_TICKS)

    def _ask(self, statement: str, values: Sequence[object] = ()) -> list[Values]:
        self._ticks = 0
        return self._con.execute(statement, values).fetchall()

    def columns(self, table: str) -> list[str]:
        """Names of a table's columns; none: there is no such table."""
        try:
            real = self._ask(
                "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ? AND rootpage > 0"
                " AND sql NOT LIKE '%GENERATED%' AND sql NOT LIKE '%WITHOUT ROWID%'",
                (table,),
            )
            return (
                [str(row[1]) for row in self._ask(f"PRAGMA table_info('{table}')")] if real else []
            )
        except REFUSALS as error:
            self._damaged(table, None, error)
            return []

    def require(self, *tables: str) -> None:
        """Note a problem where the database has none of the tables."""
        if not any(self.columns(table) for table in tables):
            self._problems.add(
                Problem(
                    "sqlite_no_table",
                    "schema",
                    f"one of the tables {', '.join(tables)}",
                    "none of them",
                    "Another kind of database, or a damaged schema: no rows",
                )
            )

    def rows(self, table: str, wanted: Sequence[str]) -> Iterator[tuple[int, Row]]:
        """(rowid, wanted columns) of a table; a column that lacks is not in the row.

        Damage inside is passed by reading once more from the other end. Row numbers must rise (then
        fall): a forged tree may show one page any number of times.
        """
        present = self.columns(table)
        names = [name for name in wanted if name in present]
        if not present:
            return
        chosen = ", ".join(("rowid", *(f'"{name}"' for name in names)))
        read, last = 0, -(1 << 63) - 1
        try:
            for number, *values in self._each(chosen, table, "ASC"):
                if number <= last:
                    raise sqlite3.DatabaseError("row numbers that do not rise")
                read, last = read + 1, number
                yield number, dict(zip(names, values, strict=True))
            return
        except REFUSALS as error:
            self._damaged(table, read, error)
        above = 1 << 63
        try:
            for number, *values in self._each(chosen, table, "DESC"):
                if not last < number < above:
                    return
                above = number
                yield number, dict(zip(names, values, strict=True))
        except REFUSALS:
            return  # the damage is told already

    def _each(self, chosen: str, table: str, order: str) -> Iterator[tuple[int, *Values]]:
        self._ticks = 0
        yield from self._con.execute(
            f'SELECT {chosen} FROM "{table}" NOT INDEXED ORDER BY rowid {order}'
        )

    def _damaged(self, table: str, rows: int | None, error: Exception) -> None:
        read = "nothing" if rows is None else f"{rows} rows from its start"
        self._problems.add(
            Problem(
                "sqlite_damaged",
                f"table {table}",
                "a sound database",
                str(error)[:200] or type(error).__name__,
                f"{read} could be read; the other end was tried too",
                Severity.ERROR,
            )
        )


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


@contextmanager
def _opened(data: bytes, problems: "Once") -> Iterator[Database | None]:
    try:
        if len(data) < _SMALLEST or not is_sqlite(data):
            raise sqlite3.DatabaseError("no head of a database")
        database = Database(data, problems)
    except REFUSALS as error:
        problems.add(
            Problem(
                "sqlite_damaged",
                "offset 0",
                "a database",
                str(error)[:200],
                "Not read",
                Severity.ERROR,
            )
        )
        yield None
        return
    with closing(database):
        yield database


Keyed = tuple[str, int, Row]
"""(table of the database, rowid, row)."""
Extract = Callable[[Database], Iterator[Keyed]]


def read(
    artifact: Artifact, extract: Extract, problems: Problems
) -> Iterator[tuple[str, int, str, Row]]:
    """(table, rowid, origin, row) of the database with its log, then the rows that the log replaced or removed."""
    data = _content(artifact, problems)
    if data is None:
        return
    once = Once(problems)
    log = next((a for a in artifact.beside if a.name.lower().endswith("-wal") and a.size), None)
    _warn(artifact, data, log is not None, once)
    later = _with_log(data, log, once) if log else None
    if later is None:
        for table, number, row in _extracted(data, extract, once):
            yield table, number, DATABASE, row
        return
    # Of the file's rows only hashes are kept; it is read once more for those that the log changed.
    before = {(t, n): hash(repr(row)) for t, n, row in _extracted(data, extract, once)}
    for table, number, row in _extracted(later, extract, once):
        same = before.get((table, number)) == hash(repr(row))
        if same:
            del before[table, number]
        yield table, number, DATABASE if same else LOG, row
    for table, number, row in _extracted(data, extract, once) if before else ():
        if (table, number) in before:
            yield table, number, BEFORE, row


def _extracted(data: bytes, extract: Extract, problems: "Once") -> Iterator[Keyed]:
    with _opened(data, problems) as database:
        if database is not None:
            yield from extract(database)


class Once:
    """Hands on each problem once, though a database is read several times."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._seen: set[Problem] = set()

    def add(self, problem: Problem) -> None:
        """Take a problem."""
        if problem not in self._seen and len(self._seen) < _MAX_SEEN:
            self._seen.add(problem)
            self._problems.add(problem)


def _warn(artifact: Artifact, data: bytes, has_log: bool, problems: Once) -> None:
    """Say what may be missing or half written."""
    if not has_log and data[18:20] == b"\2\2":
        problems.add(
            Problem(
                "sqlite_no_wal",
                "offset 18",
                "the write-ahead log beside it",
                "none",
                "The database uses a log; if one was left behind, its rows are unread",
                Severity.INFO,
            )
        )
    for beside in artifact.beside:
        if beside.name.lower().endswith("-journal") and content(beside, 8) == _JOURNAL_MAGIC:
            problems.add(
                Problem(
                    "sqlite_journal",
                    beside.name,
                    "no open rollback journal",
                    "one with its mark",
                    "A change was under way: it is read as it stands in the database, not rolled back",
                )
            )


def _with_log(data: bytes, log: Artifact, problems: Once) -> bytes | None:
    applied = apply(data, _content(log, problems) or b"")
    for problem in applied.problems:
        problems.add(problem)
    return applied.data


def _content(artifact: Artifact, problems: "Problems | Once") -> bytes | None:
    if artifact.size > MAX_BYTES:
        problems.add(
            Problem(
                "sqlite_too_large",
                artifact.name,
                f"at most {MAX_BYTES} bytes",
                f"{artifact.size} bytes",
                "Not read: it would have to be held in memory",
                Severity.ERROR,
            )
        )
        return None
    return content(artifact, MAX_BYTES)


def is_sqlite(head: bytes) -> bool:
    """Whether a file starts as a SQLite database."""
    return head.startswith(MAGIC)


def number(value: object) -> int | None:
    """A whole number of a row, or None: SQLite lets any column hold any type."""
    return value if isinstance(value, int) and abs(value) < 1 << 63 else None


def text(value: object) -> str | None:
    """A text of a row; None where empty or of another type."""
    return value if isinstance(value, str) and value else None
