"""Keys and values in cells of a hive that are no longer in use.

Windows frees the cells of what is deleted and leaves their bytes until another cell takes the place. Free cells that
touch become one: what lies inside keeps its form. Only cells that hold to all rules of the format are taken; what is
left of others is passed over. Source of the layout: the public Windows registry file format specification.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from parsers.hives.cells import BINS_START, NO_CELL, Cells, Free
from parsers.hives.keys import COMPRESSED_NAME, MAX_NAME_BYTES
from parsers.hives.values import DEVPROP, INLINE, SEGMENT, Value, utf16

MAX_KEYS = 100_000
MAX_VALUES = 300_000
"""Deleted keys and values of one hive that are taken."""
_ROOT, _KEY_FLAGS = 0x04, 0x0FFF
_FIRST_TIME = 0x01B8_0000_0000_0000
"""FILETIME of the year 1992: before the first hive of this format."""
_BIN_HEAD = 32
_MARK = re.compile(rb"[nv]k")
_NK = struct.Struct("<2sHQIIIIIIIIIIIIIIIHH")
_VK = struct.Struct("<2sHIIIH")
_LARGEST_TYPE = 11


@dataclass(frozen=True, slots=True)
class LostKey:
    """A deleted key as its cell tells it; `parent`, `values_at` are absolute offsets, None: no values."""

    name: str
    offset: int
    written: int
    parent: int
    value_count: int
    values_at: int | None


@dataclass(slots=True)
class Lost:
    """What the free cells hold: keys by offset, values by offset, and the cells they are read through."""

    cells: Cells
    keys: dict[int, LostKey] = field(default_factory=dict)
    values: dict[int, Value] = field(default_factory=dict)


def free_space(data: bytes | bytearray) -> Free:
    """Ranges of free cells. A bin whose cells do not join ends there; the next one is read on."""
    starts: list[int] = []
    ends: list[int] = []
    at = BINS_START
    # Indexing words of a view is twice as fast as unpacking each: a large hive has a million cells.
    with memoryview(data) as whole, whole[: len(data) & ~3].cast("i") as words:
        while at + _BIN_HEAD <= len(data) and data[at : at + 4] == b"hbin":
            size = int.from_bytes(data[at + 8 : at + 12], "little")
            end = min(at + size, len(data) & ~3)
            if size < _BIN_HEAD or size % 4096:
                break
            place = at + _BIN_HEAD
            while place < end:
                cell = words[place >> 2]
                taken = -cell if cell < 0 else cell
                if not cell or cell % 8 or place + taken > end:
                    break
                if cell > 0:
                    starts.append(place)
                    ends.append(place + cell)
                place += taken
            at += size
    return Free(starts, ends)


def lost(cells: Cells, newest: int) -> Lost:
    """All keys and values in free cells. `newest` is the FILETIME that no key can be later than."""
    free = free_space(cells.data)
    found = Lost(Cells(cells.data, cells.minor_version, free=free))
    if not free.starts:
        return found
    marks = (
        mark
        for start, end in zip(free.starts, free.ends, strict=True)
        for mark in _MARK.finditer(cells.data, start, end)
    )
    for mark in marks:
        at = mark.start() - 4
        if at % 8:
            continue
        if mark[0] == b"nk":
            key = _key(found.cells, at, newest)
            if key is not None and len(found.keys) < MAX_KEYS:
                found.keys[at] = key
        elif len(found.values) < MAX_VALUES:
            value = _value(found.cells, at)
            if value is not None:
                found.values[at] = value
    return found


def _key(cells: Cells, at: int, newest: int) -> LostKey | None:
    span = cells.span(at - BINS_START, 76, "a key")
    if span is None:
        return None
    start, end = span
    magic, flags, written, _, parent, below, _, _, _, count, listed, security, *_, size, _ = (
        _NK.unpack_from(cells.data, start)
    )
    if magic != b"nk" or flags & ~_KEY_FLAGS or flags & _ROOT or start + 76 + size > end:
        return None
    if not 0 < size <= MAX_NAME_BYTES or not _FIRST_TIME <= written <= newest:
        return None
    name = _name(cells.data[start + 76 : start + 76 + size], bool(flags & COMPRESSED_NAME))
    most = len(cells.data) // 4
    if name is None or "\\" in name or below > most or count > most:
        return None
    if not _is_place(cells, parent) or not (security == NO_CELL or _is_place(cells, security)):
        return None
    values_at = listed + BINS_START if count and _is_place(cells, listed) else None
    return LostKey(name, at, written, parent + BINS_START, count, values_at)


def _value(cells: Cells, at: int) -> Value | None:
    span = cells.span(at - BINS_START, 20, "a value")
    if span is None:
        return None
    start, end = span
    magic, length, size, where, kind, flags = _VK.unpack_from(cells.data, start)
    if magic != b"vk" or flags & ~1 or start + 20 + length > end or length > 2 * MAX_NAME_BYTES:
        return None
    if kind > _LARGEST_TYPE and kind & DEVPROP != DEVPROP:
        return None
    name = _name(cells.data[start + 20 : start + 20 + length], bool(flags & 1)) if length else ""
    if name is None or not _has_data(cells, size, where):
        return None
    return Value(cells, name, kind, at, size, where)


def _has_data(cells: Cells, size: int, where: int) -> bool:
    """Whether a value's data is still there: inside the value, or in a free cell made for just so many bytes."""
    if size & INLINE:
        return size & ~INLINE <= 4
    if not size:
        return True
    span = cells.span(where, 1, "data") if size <= SEGMENT else None
    if span is None or cells.free is None:
        return False
    need = -(-(size + 4) // 8) * 8
    held = span[1] - span[0] + 4
    # The first of several that became one bears the size of all.
    return held == need or (held > need and cells.free.begins(span[0] - 4))


def _is_place(cells: Cells, cell: int) -> bool:
    return not cell % 8 and cell + BINS_START + 4 <= len(cells.data)


def _name(raw: bytes | bytearray, narrow: bool) -> str | None:
    """A name as Windows writes it; None: with control characters, broken pairs or half a character."""
    if not narrow and len(raw) % 2:
        return None
    name = raw.decode("latin-1") if narrow else utf16(bytes(raw))
    return None if any(ord(c) < 32 or c == "\ufffd" for c in name) else name


def values_of(key: LostKey, found: Lost) -> Iterator[Value]:
    """Values of a deleted key whose list and cells are still free."""
    if key.values_at is None:
        return
    span = found.cells.span(key.values_at - BINS_START, 4, "a list of values")
    if span is None or 4 * key.value_count > span[1] - span[0]:
        return
    entries = struct.unpack_from(f"<{key.value_count}I", found.cells.data, span[0])
    for entry in dict.fromkeys(entries):
        value = found.values.get(entry + BINS_START)
        if value is not None:
            yield value
