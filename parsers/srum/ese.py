"""Tables of an ESE database through libesedb: records as raw bytes by column name.

What the native library raises (OSError and kin) becomes a problem; the rest of the table is read on.
"""

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, BinaryIO

from parsers.contract import Problem, Severity
from parsers.evtx.problems import Problems

MAGIC = b"\xef\xcd\xab\x89"
MAX_RECORDS = 5_000_000
MAX_FAILURES = 1000
"""Records of one table in a row that may be unreadable before it is given up."""
REFUSALS = (OSError, MemoryError, OverflowError, ValueError)
_STATE, _CLEAN = 52, 3


class Database:
    """One open database."""

    def __init__(self, stream: BinaryIO, problems: Problems) -> None:
        import pyesedb  # type: ignore[import-not-found, import-untyped, unused-ignore]

        self._problems = problems
        stream.seek(0)
        head = stream.read(_STATE + 4)
        self.clean = int.from_bytes(head[_STATE:], "little") == _CLEAN
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
                values = _values(opened.get_record(number), places)
            except REFUSALS as refusal:
                self._problem(f"{table} record {number}", refusal)
                failed += 1
                if failed > MAX_FAILURES:
                    return
                continue
            failed = 0
            yield number, values

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


def _values(record: Any, places: dict[str, int]) -> dict[str, bytes]:
    out: dict[str, bytes] = {}
    for name, place in places.items():
        if record.is_long_value(place):
            value = record.get_value_data_as_long_value(place).get_data()
        else:
            value = record.get_value_data(place)
        if value is not None:
            out[name] = value
    return out
