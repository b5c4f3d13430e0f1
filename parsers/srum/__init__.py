r"""SRUDB.dat, the System Resource Usage Monitor: which program used disk and network, by the hour.

Read through libesedb. Source of the tables: real files; the registry key
`SOFTWARE\Microsoft\Windows NT\CurrentVersion\SRUM\Extensions` names the providers.
"""

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from parsers import ese
from parsers.contract import Artifact, Batch, Problem, Severity, Table
from parsers.ese import MAGIC, Database
from parsers.ese_logs import BESIDE
from parsers.evtx.problems import Problems
from parsers.rows import Row, batches, filetime_ns
from parsers.srum import ids
from parsers.srum.tables import SOURCES, TABLES

KIND = "srum"
VERSION = 2
LABEL = "SRUM"

_NAME = re.compile(r".*srudb.*\.dat", re.IGNORECASE | re.DOTALL)
_NAMES_TABLE = "SruDbIdMapTable"
_DAYS_1899_TO_1970 = 25_569
_MS_OF_A_DAY = 86_400_000
_LAST_DAY = 132_000
"""OLE day of the year 2261: the last that ns since 1970 can hold."""


def recognise(name: str, head: bytes) -> bool:
    """An ESE database by its signature, named SRUDB.dat: other ESE databases look alike."""
    return head[4:8] == MAGIC and _NAME.fullmatch(name) is not None


def parse(artifact: Artifact) -> Iterator[Batch | Problem]:
    """Rows of the three tables."""
    problems = Problems()
    return batches(_rows(artifact, problems), problems)


def _rows(artifact: Artifact, problems: Problems) -> Iterator[tuple[Table, Row]]:
    with ese.opened(artifact, problems, rows_taken=True) as database:
        if database is not None:
            yield from _tables(database, problems)


_COMMON = ("AutoIncId", "TimeStamp", "AppId", "UserId")
_MAP_COLUMNS = ("IdType", "IdIndex", "IdBlob")


def _tables(database: Database, problems: Problems) -> Iterator[tuple[Table, Row]]:
    wanted = {name: (*_COMMON, *columns.values()) for name, (_, columns) in SOURCES.items()}
    logged = database.log_rows({**wanted, _NAMES_TABLE: _MAP_COLUMNS})
    names = _names(database, logged[_NAMES_TABLE])
    found = False
    for source, (table, _) in SOURCES.items():
        numbers: set[int | None] = set()
        count = 0
        for number, values in database.rows(source, wanted[source]):
            found = True
            count = number + 1
            row = _row(source, values, names, number, problems)
            numbers.add(ese.integer(values.get("AutoIncId")))
            yield table, {**row, "origin": "database"}
        for one in logged[source]:
            if (own := ese.integer(one.values.get("AutoIncId"))) in numbers:
                continue
            found = True
            numbers.add(own)
            row = _row(source, one.values, names, count, problems)
            count += 1
            yield table, {**row, "origin": one.origin, "log_place": one.place}
    if not found:
        problems.add(ese.unread("rows of SRUM's tables", "none"))


@dataclass(frozen=True, slots=True)
class _Names:
    """Programs and kin as (kind, name), and users as SID, by their number."""

    apps: dict[int, tuple[str, str]]
    users: dict[int, str]


def _row(
    source: str, values: dict[str, bytes], names: _Names, number: int, problems: Problems
) -> Row:
    app = names.apps.get(ese.integer(values.get("AppId")) or 0)
    row: Row = {
        "time_utc": _ole_ns(values.get("TimeStamp")),
        "app": app[1] if app else None,
        "app_kind": app[0] if app else None,
        "user_sid": names.users.get(ese.integer(values.get("UserId")) or 0),
        "database_table": source,
        "auto_inc_id": ese.integer(values.get("AutoIncId")),
        "record_number": number,
    }
    columns = SOURCES[source][1]
    row |= {ours: ese.integer(values.get(theirs)) for ours, theirs in columns.items()}
    if isinstance(end := row.get("end_utc"), int):
        row["end_utc"] = filetime_ns(end) if end > 0 else None
    if app is None:
        problems.add(_nameless(source, number))
    return row


def _names(database: Database, logged: Sequence[ese.FromLog]) -> _Names:
    """Names of the database, and of its logs where it has none for a number."""
    names = _Names({}, {})
    for values in (
        *(v for _, v in database.rows(_NAMES_TABLE, _MAP_COLUMNS)),
        *(one.values for one in logged),
    ):
        kind, index = ese.integer(values.get("IdType")), ese.integer(values.get("IdIndex"))
        blob = values.get("IdBlob")
        if index is None or kind is None or blob is None:
            continue
        if kind != ids.USER:
            names.apps.setdefault(index, (ids.KINDS.get(kind, str(kind)), ids.text(blob)))
        elif (sid := ids.sid(blob)) is not None:
            names.users.setdefault(index, sid)
    return names


def _ole_ns(raw: bytes | None) -> int | None:
    """Ns since 1970 of days since 1899-12-30 UTC, to the millisecond: what the double can hold safely."""
    if raw is None or len(raw) != 8:
        return None
    days: float = struct.unpack("<d", raw)[0]
    if not 0 < days < _LAST_DAY:  # also false for what is no number
        return None
    return round((days - _DAYS_1899_TO_1970) * _MS_OF_A_DAY) * 1_000_000


def _nameless(table: str, number: int) -> Problem:
    return Problem(
        "srum_no_name",
        f"{table} record {number}",
        "a program's name in SruDbIdMapTable",
        "none",
        "The row is kept without its program",
        Severity.INFO,
    )


__all__ = ["BESIDE", "KIND", "TABLES", "VERSION", "parse", "recognise"]
