"""Tables of an ESE database (Extensible Storage Engine) through libesedb: records as raw bytes by column name.

What the native library raises (OSError and kin) becomes a problem; the rest of the table is read on. Transaction logs
are not replayed: a database that was in use says so.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, BinaryIO

from parsers.contract import Artifact, Problem, Severity
from parsers.ese_compression import unpack
from parsers.evtx.problems import Problems

MAGIC = b"\xef\xcd\xab\x89"
MAX_RECORDS = 5_000_000
MAX_FAILURES = 1000
"""Records of one table in a row that may be unreadable before it is given up."""
REFUSALS = (OSError, MemoryError, OverflowError, ValueError)
MAX_BYTES = 4 << 30
MAX_TABLES = 10_000
_STATE, _CLEAN = 52, 3
_COMPRESSED = 2
"""Flag of a tagged value; the library hands its bytes over as they stand."""
_UNSET = b"\x2a"
"""ESE's filler of fixed columns that were never set."""
_STATES = {1: "just created", 2: "dirty shutdown", 4: "being converted", 5: "force detached"}


@contextmanager
def opened(artifact: Artifact, problems: Problems) -> Iterator["Database | None"]:
    """An artifact's database; None (and a problem) where it cannot be opened. One that was in use is told."""
    if artifact.size > MAX_BYTES:
        problems.add(unread(f"at most {MAX_BYTES} bytes", f"{artifact.size} bytes"))
        yield None
        return
    with artifact.open() as stream:
        try:
            database = Database(stream, problems)
        except REFUSALS as refusal:
            problems.add(unread("an ESE database", str(refusal)[:200]))
            yield None
            return
        with database:
            if not database.clean:
                problems.add(_dirty(database.state))
            yield database


def unread(expected: str, found: str) -> Problem:
    """A database of which nothing is read."""
    return Problem("ese_unread", "offset 0", expected, found, "Nothing was read", Severity.ERROR)


def _dirty(state: int) -> Problem:
    return Problem(
        "ese_dirty",
        f"offset {_STATE}",
        f"clean shutdown ({_CLEAN})",
        f"{_STATES.get(state, 'another state')} ({state})",
        "The database was in use: its newest rows may stand only in the logs beside it, which are not replayed",
    )


def integer(raw: bytes | None) -> int | None:
    """A signed number of at most 8 bytes; None: absent, or never set (the library does not tell NULL in fixed columns)."""
    if raw is None or not 0 < len(raw) <= 8 or (len(raw) >= 4 and not raw.strip(_UNSET)):
        return None
    return int.from_bytes(raw, "little", signed=True)


def text(raw: bytes | None) -> str | None:
    """UTF-16LE up to its first NUL; None: absent or empty."""
    if not raw:
        return None
    return raw[: len(raw) & ~1].decode("utf-16-le", "replace").split("\0", 1)[0] or None


class Database:
    """One open database."""

    def __init__(self, stream: BinaryIO, problems: Problems) -> None:
        import pyesedb  # type: ignore[import-not-found, import-untyped, unused-ignore]

        self._problems = problems
        stream.seek(0)
        head = stream.read(_STATE + 4)
        self.state = int.from_bytes(head[_STATE:], "little")
        self.clean = self.state == _CLEAN
        self._file = pyesedb.file()
        self._file.open_file_object(stream)

    def __enter__(self) -> "Database":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._file.close()
        except REFUSALS as refusal:
            self._problem("database", refusal)

    def tables(self) -> list[str]:
        """Names of the tables, at most `MAX_TABLES`."""
        names = []
        try:
            for number in range(min(self._file.number_of_tables, MAX_TABLES)):
                names.append(str(self._file.get_table(number).name))
        except REFUSALS as refusal:
            self._problem("catalog", refusal)
        return names

    def rows(self, table: str, wanted: Sequence[str]) -> Iterator[tuple[int, dict[str, bytes]]]:
        """(number, raw value by column) of each readable record; NULL values and missing columns lack."""
        try:
            opened = self._file.get_table_by_name(table)
            if opened is None:
                return
            columns = [opened.get_column(n).name for n in range(opened.number_of_columns)]
            count = opened.number_of_records
        except REFUSALS as refusal:
            self._problem(table, refusal)
            return
        places = {name: columns.index(name) for name in wanted if name in columns}
        failed = 0
        for number in range(min(count, MAX_RECORDS)):
            try:
                values = self._values(opened.get_record(number), places, f"{table} record {number}")
            except REFUSALS as refusal:
                self._problem(f"{table} record {number}", refusal)
                failed += 1
                if failed > MAX_FAILURES:
                    return
                continue
            failed = 0
            yield number, values

    def _values(self, record: Any, places: dict[str, int], where: str) -> dict[str, bytes]:
        out: dict[str, bytes] = {}
        for name, place in places.items():
            value: bytes | None
            if record.is_long_value(place):
                value = record.get_value_data_as_long_value(place).get_data()
            else:
                value = record.get_value_data(place)
                if value is not None and record.get_value_data_flags(place) & _COMPRESSED:
                    value = unpack(value)
                    if value is None:
                        self._problem(f"{where} column {name}", ValueError("unknown compression"))
            if value is not None:
                out[name] = value
        return out

    def _problem(self, place: str, error: BaseException) -> None:
        self._problems.add(
            Problem(
                "ese_unreadable",
                place,
                "a readable table or record",
                str(error)[:200],
                "Passed over",
                Severity.ERROR,
            )
        )
