r"""Uses of microphone, camera, location and other capabilities by programs (`CapabilityAccessManager\ConsentStore`).

Of programs that are no packaged apps the key's name is the path with `#` for `\`. Source: published analyses, Windows
10 1903 and later.
"""

from collections.abc import Iterator

from parsers.contract import Column, Moment, Sql, Table
from parsers.hives.keys import Key
from parsers.hives.regf import Hive
from parsers.hives.rows import PROVENANCE, Row, provenance
from parsers.hives.tables import USER

CAPABILITY_USE = Table(
    "capability_use",
    "Programs that used microphone, camera, location and the like, with the last use",
    (
        USER,
        Column("start_utc", Sql.TIME, "Last use began, UTC; NULL: never used"),
        Column("stop_utc", Sql.TIME, "Last use ended, UTC; NULL: it went on when the hive was written, or was never used"),
        Column("program", Sql.TEXT, "Path of the program, or the family name of a packaged app"),
        Column("capability", Sql.TEXT, "microphone, webcam, location, ..., as stored"),
        Column("is_packaged", Sql.BOOL, "A packaged app"),
        *PROVENANCE,
    ),
    address="offset",
    time="start_utc",
    moments=(
        Moment("start_utc", "capability_use", "concat_ws(' ', program, 'used', capability)"),
    ),
)  # fmt: skip

STORE = r"Microsoft\Windows\CurrentVersion\CapabilityAccessManager\ConsentStore"
MAX_ROWS = 20_000


def machine_capabilities(hive: Hive) -> Iterator[Row]:
    """Of the SOFTWARE hive."""
    yield from _uses(hive.find(STORE))


def user_capabilities(hive: Hive) -> Iterator[Row]:
    """Of a user's hive."""
    yield from _uses(hive.find(rf"Software\{STORE}"))


def _uses(top: Key | None) -> Iterator[Row]:
    left = MAX_ROWS
    for capability in top.subkeys() if top is not None else ():
        for key in capability.subkeys():
            packaged = key.name.lower() != "nonpackaged"
            for program in [key] if packaged else key.subkeys():
                if left and (program.value("LastUsedTimeStart") is not None):
                    left -= 1
                    yield CAPABILITY_USE, _row(capability.name, program, packaged)


def _row(capability: str, key: Key, packaged: bool) -> dict[str, object]:
    return {
        **provenance(key),
        "start_utc": _time(key, "LastUsedTimeStart"),
        "stop_utc": _time(key, "LastUsedTimeStop"),
        "program": key.name if packaged else key.name.replace("#", "\\"),
        "capability": capability,
        "is_packaged": packaged,
    }


def _time(key: Key, name: str) -> int | None:
    value = key.value(name)
    return None if value is None else value.filetime_ns()
