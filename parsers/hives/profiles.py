"""What parsers of users' hives share: whose hive it is, and the order of most recently used lists."""

import re
import struct
from collections.abc import Iterator, Sequence

from parsers.contract import Artifact, Batch, Column, Problem, Sql
from parsers.hives.deleted_tree import Form
from parsers.hives.keys import Key
from parsers.hives.regf import Hive
from parsers.hives.rows import Row, Section, read_hive
from parsers.hives.values import Value

POSITION = Column(
    "mru_position",
    Sql.U32,
    "Place in the key's list of recent use, 0 = newest; NULL: in no list (left over)",
)
_PROFILE = re.compile(
    r"[a-z]:\\(?:windows\.old(?:\.\d{3})?\\)?(?:users|documents and settings)\\([^\\]+)\\.+",
    re.IGNORECASE | re.DOTALL,
)
_LISTS = ("mrulistex", "mrulist")


def profile_name(windows_path: str | None) -> str | None:
    r"""Name of the profile out of the canonical path of a hive, of an earlier Windows (`Windows.old`) too."""
    found = _PROFILE.fullmatch(windows_path) if windows_path else None
    return found[1] if found else None


def read_user_hive(
    artifact: Artifact,
    sections: Sequence[Section],
    recovered: Sequence[Section] = (),
    forms: Sequence[Form] = (),
) -> Iterator[Batch | Problem]:
    """As `read_hive`, every row with the user the hive belongs to."""
    user = profile_name(artifact.windows_path)
    yield from read_hive(
        artifact,
        [_owned(section, user) for section in sections],
        recovered=[_owned(section, user) for section in recovered],
        forms=forms,
    )


def _owned(section: Section, user: str | None) -> Section:
    def rows(hive: Hive) -> Iterator[Row]:
        for table, row in section(hive):
            yield table, {**row, "user": user}

    return rows


def mru_entries(key: Key) -> list[tuple[int | None, Value]]:
    """Values of a list of recent use, newest first; values in no list come last, without a position."""
    entries = {v.name.lower(): v for v in key.values() if v.name.lower() not in _LISTS}
    listed: list[tuple[int | None, Value]] = []
    for position, name in enumerate(_order(key)):
        value = entries.pop(name, None)
        if value is not None:
            listed.append((position, value))
    return listed + [(None, value) for value in entries.values()]


def _order(key: Key) -> list[str]:
    """Names of values in order of use: numbers up to 0xFFFFFFFF, or letters."""
    numbers, letters = key.value("MRUListEx"), key.value("MRUList")
    if numbers is not None:
        data = numbers.data
        found = struct.unpack(f"<{len(data) // 4}I", data[: len(data) & ~3])
        end = found.index(0xFFFFFFFF) if 0xFFFFFFFF in found else len(found)
        return [str(number) for number in found[:end]]
    return list((letters.text() or "").lower()) if letters is not None else []


def newest_time(key: Key, position: int | None) -> int | None:
    """The key's last write for its newest entry: for others nothing tells when they were used."""
    return key.last_written_ns if position == 0 else None
