"""Tables of an ESE database (Extensible Storage Engine) through libesedb: records as raw bytes by column name.

What the native library raises (OSError and kin) becomes a problem; the rest of the table is read on. Transaction logs
are not replayed: a database that was in use says so, and which generations of its log the rows lack. Rows that the logs
add can be had by themselves.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, BinaryIO

from parsers.contract import Artifact, Problem, Severity
from parsers.ese_compression import unpack
from parsers.ese_log_rows import log_rows
from parsers.ese_logs import HEAD_BYTES, not_replayed
from parsers.ese_records import values
from parsers.evtx.problems import Problems
from parsers.rows import read_up_to

MAGIC = b"\xef\xcd\xab\x89"
MAX_RECORDS = 5_000_000
MAX_FAILURES = 1000
"""Records of one table in a row that may be unreadable before it is given up."""
REFUSALS = (OSError, MemoryError, OverflowError, ValueError)
MAX_BYTES = 4 << 30
MAX_TABLES = 10_000
CATALOG, _A_TABLE = "MSysObjects", 1
_STATE, _CLEAN, _PAGE_SIZE = 52, 3, 236
_COMPRESSED = 2
"""Flag of a tagged value; the library hands its bytes over as they stand."""
_UNSET = b"\x2a"
"""ESE's filler of fixed columns that were never set."""
_STATES = {1: "just created", 2: "dirty shutdown", 4: "being converted", 5: "force detached"}


@contextmanager
def opened(
    artifact: Artifact, problems: Problems, rows_taken: bool = False
) -> Iterator["Database | None"]:
    """An artifact's database; None (and a problem) where it cannot be opened. One that was in use is told.

    `rows_taken`: the caller asks for `log_rows`.
    """
    if artifact.size > MAX_BYTES:
        problems.add(unread(f"at most {MAX_BYTES} bytes", f"{artifact.size} bytes"))
        yield None
        return
    with artifact.open() as stream:
        try:
            database = Database(stream, problems, artifact.beside)
        except REFUSALS as refusal:
            problems.add(unread("an ESE database", str(refusal)[:200]))
            yield None
            return
        with database:
            if not database.clean:
                problems.add(_dirty(database.state))
                problems.add(not_replayed(database.head, artifact.beside, rows_taken))
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
        "The database was in use when it was copied: the file lacks what only its logs hold",
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


@dataclass(frozen=True, slots=True)
class FromLog:
    """A row that a log inserts: where, whether the log shows its transaction ended, raw value by column name."""

    place: str
    committed: bool
    values: dict[str, bytes]

    @property
    def origin(self) -> str:
        """Word for where the row is from."""
        return "log" if self.committed else "log_open"


class Database:
    """One open database."""

    def __init__(
        self, stream: BinaryIO, problems: Problems, beside: Sequence[Artifact] = ()
    ) -> None:
        import pyesedb  # type: ignore[import-not-found, import-untyped, unused-ignore]

        self._problems, self._beside = problems, beside
        stream.seek(0)
        self.head = read_up_to(stream, HEAD_BYTES)
        self.state = int.from_bytes(self.head[_STATE : _STATE + 4], "little")
        self.clean = self.state == _CLEAN
        self._page_size = int.from_bytes(self.head[_PAGE_SIZE : _PAGE_SIZE + 4], "little")
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

    def log_rows(self, wanted: Mapping[str, Sequence[str]]) -> dict[str, list[FromLog]]:
        """Rows of these tables (columns by table) that the logs of a dirty database insert; a clean one has none.

        They may be in the database too, and may have been changed or deleted later.
        """
        out: dict[str, list[FromLog]] = {name: [] for name in wanted}
        if self.clean or not self._beside:
            return out
        trees = self._trees(wanted)
        for row in log_rows(self.head, self._beside, self._problems):
            if row.tree not in trees:
                continue
            table, names, types = trees[row.tree]
            found = values(row.data, types, self._page_size)
            if found is None:
                self._problem(row.place, ValueError("a row of another form"))
                continue
            held = {names[number]: value for number, value in found.items() if number in names}
            out[table].append(FromLog(row.place, row.committed, held))
        return out

    def _trees(
        self, wanted: Mapping[str, Sequence[str]]
    ) -> dict[int, tuple[str, dict[int, str], dict[int, int]]]:
        """By the number of a table: its name, the wanted columns by number, and the types of all columns."""
        trees = {}
        for _, entry in self.rows(CATALOG, ("Type", "Id", "Name")):
            name = entry.get("Name", b"").decode("latin-1")
            number = integer(entry.get("Id"))
            if integer(entry.get("Type")) != _A_TABLE or name not in wanted or number is None:
                continue
            try:
                opened = self._file.get_table_by_name(name)
                columns = [opened.get_column(n) for n in range(opened.number_of_columns)]
                names = {c.identifier: c.name for c in columns if c.name in wanted[name]}
                trees[number] = (name, names, {c.identifier: c.type for c in columns})
            except REFUSALS as refusal:
                self._problem(name, refusal)
        return trees

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
