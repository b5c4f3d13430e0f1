"""The stream DestList of an automatic jump list: its entries with times, hosts and pins.

Version 1 (Windows 7 and 8) and 3, 4 (10 and 11). Head of 32 bytes; entries of 114 or 130 bytes and
a path; from version 3 on four bytes follow it.
"""

import struct
from dataclasses import dataclass

from parsers.lnk.cut import Report, ansi, guid, i32, u16, u32, u64
from parsers.lnk.model import Tracker

MAX_ENTRIES = 65_536
_HEAD = 32
_OLD, _NEW, _TAIL = 114, 130, 4


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. `accessed` is a FILETIME; `pin` the place among the pinned, None: not pinned."""

    number: int
    path: str
    accessed: int
    pin: int | None
    count: int | None
    score: float
    tracker: Tracker
    offset: int


def read_entries(data: bytes, report: Report) -> list[Entry]:
    """Entries in order; what is cut goes to `report`."""
    if len(data) < _HEAD:
        if data:
            report("destlist_head", 0, f"{_HEAD} bytes", str(len(data)))
        return []
    version, count = u32(data, 0), u32(data, 4)
    if not 1 <= version <= 6:
        report("destlist_version", 0, "1 to 6", str(version))
        return []
    size = _OLD if version == 1 else _NEW
    out: list[Entry] = []
    at = _HEAD
    while at + size <= len(data) and len(out) < min(count, MAX_ENTRIES):
        characters = u16(data, at + size - 2)
        end = at + size + 2 * characters
        if end > len(data):
            report("destlist_path", at, f"within {len(data) - at} bytes", str(end - at))
            return out
        out.append(_entry(data, at, version, data[at + size : end]))
        at = end + (_TAIL if version > 1 else 0)
    if len(out) < count:
        report("destlist_count", 4, f"{count} entries", str(len(out)))
    return out


def _entry(data: bytes, at: int, version: int, path: bytes) -> Entry:
    tracker = Tracker(
        ansi(data[at + 72 : at + 88]) or None,
        guid(data, at + 8),
        guid(data, at + 24),
        guid(data, at + 40),
        guid(data, at + 56),
    )
    [score] = struct.unpack_from("<f", data, at + 96)
    pin = i32(data, at + 108)
    return Entry(
        u32(data, at + 88),
        path.decode("utf-16-le", "replace").rstrip("\0"),
        u64(data, at + 100),
        pin if pin >= 0 else None,
        u32(data, at + 116) if version > 1 else None,
        score,
        tracker,
        at,
    )
