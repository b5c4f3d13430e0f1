r"""The compatibility cache before Windows 8: heads of fixed size, paths elsewhere in the value.

| signature | Windows | entry of 32 bits, of 64 bits |
|---|---|---|
| DEADBEEF | XP | 552 bytes, path inside; no such of 64 bits |
| BADC0FFE | Server 2003, Vista, Server 2008 | 24, 32 bytes |
| BADC0FEE | 7, Server 2008 R2 | 32, 48 bytes |

Source of the layouts: published analyses of `AppCompatCache`. Server 2003 has the file's size where Vista has flags:
neither is given. The longest path is that of Windows: 32,767 characters.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from parsers.hives.values import utf16

_XP, _VISTA, _SEVEN = 0xDEADBEEF, 0xBADC0FFE, 0xBADC0FEE
_XP_START, _XP_ENTRY, _XP_PATH = 400, 552, 528
_LAYOUTS = {
    "windows2003/vista 32": (8, struct.Struct("<HHIQ8x")),
    "windows2003/vista 64": (8, struct.Struct("<HH4xQQ8x")),
    "windows7 32": (128, struct.Struct("<HHIQI4xII")),
    "windows7 64": (128, struct.Struct("<HH4xQQI4xQQ")),
}
"""By format: where entries begin, and an entry: path bytes, longest, path's place, time, flags, data's size and place."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry at a byte of the value's data; times are FILETIMEs as stored, empty where the format has none."""

    at: int
    path: str
    modified: bytes
    updated: bytes = b""
    data: bytes = b""
    flags: int | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Misfit:
    """What stands in an entry's place, and what it costs."""

    found: str
    effect: str


def old_format(data: bytes) -> str | None:
    """The format before Windows 8 that a cache's first bytes tell; None: none of them.

    Where a path's place is 0 in the form of 32 bits, the entry is one of 64 bits: a pointer's padding stands there.
    """
    signature = int.from_bytes(data[:4], "little")
    if signature == _XP:
        return "windowsxp"
    if signature not in (_VISTA, _SEVEN):
        return None
    name, start = ("windows7", 128) if signature == _SEVEN else ("windows2003/vista", 8)
    wide = not any(data[start + 4 : start + 8]) and len(data) > start + 8
    return f"{name} {64 if wide else 32}"


def old_entries(data: bytes, form: str, most: int) -> Iterator[Entry | Misfit]:
    """Entries in order, at most so many; one that points outside is passed."""
    told = int.from_bytes(data[4:8], "little")
    start, size = (_XP_START, _XP_ENTRY) if form == "windowsxp" else _sizes(form)
    room = max(0, len(data) - start) // size
    for at in range(start, start + size * min(told, room, most), size):
        yield _xp(data, at) if form == "windowsxp" else _pointed(data, at, form)
    if told > min(room, most):
        yield Misfit(
            f"{told} entries announced, room for {room}",
            f"the first {min(room, most)} were read",
        )


def _sizes(form: str) -> tuple[int, int]:
    start, layout = _LAYOUTS[form]
    return start, layout.size


def _xp(data: bytes, at: int) -> Entry:
    modified, size, updated = struct.unpack_from("<8sQ8s", data, at + _XP_PATH)
    path = utf16(data[at : at + _XP_PATH]).split("\0", 1)[0]
    return Entry(at, path, modified, updated, size=size)


def _pointed(data: bytes, at: int, form: str) -> Entry | Misfit:
    length, _, where, modified, *rest = _LAYOUTS[form][1].unpack_from(data, at)
    if where + length > len(data) or length % 2:
        return Misfit(
            f"a path of {length} bytes at {where}, entry at byte {at} of the data",
            "the entry was passed over",
        )
    blob = b""
    if rest:
        blob = data[rest[2] : rest[2] + min(rest[1], 4096)]
    return Entry(
        at,
        utf16(data[where : where + length]),
        modified.to_bytes(8, "little"),
        data=blob,
        flags=rest[0] if rest else None,
    )
