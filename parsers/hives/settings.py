"""Single settings: a declaration says where the value stands and what its numbers mean; one reader serves all hives."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from parsers.hives.keys import Key
from parsers.hives.rows import Row, provenance
from parsers.hives.tables import HOST_SETTING
from parsers.hives.values import REG_DWORD, REG_QWORD, Value

NS = 1_000_000_000
MAX_BELOW = 2_000
"""Values of one policy that are given; more is no list a person made."""
MAX_HEX_BYTES = 64


class Kind(Enum):
    """How a value is read."""

    PLAIN = "as its type says"
    SIGNED = "number with a sign"
    UNIX = "seconds since 1970 UTC"
    FILETIME = "FILETIME"


@dataclass(frozen=True, slots=True)
class Setting:
    """One value: its word, key (below the hive's or the control set's root), name, meanings by its text, reading."""

    word: str
    key: str
    value: str
    meanings: Mapping[str, str] = field(default_factory=dict)
    kind: Kind = Kind.PLAIN


def settings(
    top: Key | None,
    wanted: Sequence[Setting],
    control_set: str | None = None,
    current: bool = True,
) -> Iterator[Row]:
    """Rows for those settings that are there below `top`."""
    for setting in wanted:
        key = top.find(setting.key) if top is not None else None
        value = key.value(setting.value) if key is not None else None
        if key is not None and value is not None:
            yield setting_row(setting, key, value, control_set, current)


def all_below(
    top: Key | None, word: str, path: str, control_set: str | None = None, depth: int = 3
) -> Iterator[Row]:
    """Rows for every value of a key and of the keys below it (policies that hold lists)."""
    first = top.find(path) if top is not None else None
    todo = [(first, depth)] if first is not None else []
    left = MAX_BELOW
    while todo and left > 0:
        key, more = todo.pop()
        for value in key.values()[:left]:
            left -= 1
            yield setting_row(Setting(word, "", ""), key, value, control_set, True)
        if more:
            todo.extend((child, more - 1) for child in reversed(key.subkeys()))


def setting_row(
    setting: Setting, key: Key, value: Value, control_set: str | None = None, current: bool = True
) -> Row:
    """One row of `host_setting`."""
    shown, time = _read(setting.kind, value)
    return HOST_SETTING, {
        **provenance(key, value),
        "setting": setting.word,
        "value": shown,
        "meaning": setting.meanings.get(shown),
        "value_utc": time,
        "value_name": value.name,
        "control_set": control_set,
        "current": current,
    }


def _read(kind: Kind, value: Value) -> tuple[str, int | None]:
    """Text and, where the value is one, time."""
    number = value.number()
    if kind is Kind.FILETIME:
        return str(int.from_bytes(value.data[:8], "little")), value.filetime_ns()
    if number is not None:
        if kind is Kind.SIGNED and value.type in (REG_DWORD, REG_QWORD):
            number = int.from_bytes(value.data, "little", signed=True)
        return str(number), number * NS if kind is Kind.UNIX and 0 < number < 1 << 33 else None
    strings = value.strings()
    if strings or value.text() is not None:
        return "; ".join(strings), None
    return value.data[:MAX_HEX_BYTES].hex(), None
