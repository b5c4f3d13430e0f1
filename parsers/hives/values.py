"""Values of registry keys: their lists, names and data (inline, in one cell, or in several as big data)."""

import struct
from dataclasses import dataclass

from parsers.contract import Severity
from parsers.hives.cells import BINS_START, NO_CELL, Cells

REG_SZ, REG_EXPAND_SZ, REG_BINARY, REG_DWORD, REG_DWORD_BE, REG_LINK, REG_MULTI_SZ, REG_QWORD = (
    1, 2, 3, 4, 5, 6, 7, 11,
)  # fmt: skip
DEVPROP = 0xFFFF0000
"""Values of device properties bear this plus the property's type."""
DEVPROP_UINT32, DEVPROP_FILETIME, DEVPROP_STRING = 0xFFFF0007, 0xFFFF0010, 0xFFFF0012
TEXTS = (REG_SZ, REG_EXPAND_SZ, REG_LINK, DEVPROP_STRING)
INLINE = 0x80000000
SEGMENT = 16344
"""Most bytes in one segment of big data; longer data stands in a `db` cell from version 1.4 on."""

_VK = struct.Struct("<2sHIIIH")


@dataclass(slots=True, eq=False)
class Value:
    """One value; `offset` is the absolute file offset of its cell, `data` is read at each call."""

    _cells: Cells
    name: str
    type: int
    offset: int
    size: int
    _where: int

    @property
    def origin(self) -> str:
        """`log` where the cell's page was replayed from a transaction log, else `hive`."""
        return self._cells.origin(self.offset)

    @property
    def data(self) -> bytes:
        """The bytes as stored; empty (with a problem) where their cell is broken, short where it is too small."""
        size = self.size & ~INLINE
        if self.size & INLINE:
            return self._where.to_bytes(4, "little")[: min(size, 4)]
        if not size or not self._cells.take_bytes(self.offset, size):
            return b""
        if size > SEGMENT and self._cells.minor_version > 3:
            return _big_data(self._cells, self._where, size)
        span = self._cells.span(self._where, 1, "the data of a value")
        if span is None:
            return b""
        return _cut(
            self._cells,
            bytes(self._cells.data[span[0] : min(span[1], span[0] + size)]),
            size,
            span[0],
        )

    def time(self, ticks: bytes) -> int | None:
        """A FILETIME of 8 bytes out of this value's data, in ns since 1970 UTC; out of range gives a problem."""
        return self._cells.time(ticks, self.offset)

    def problem(self, code: str, expected: str, found: str, message: str) -> None:
        """Note that the data is not what a parser expects, at this value's place."""
        self._cells.problem(code, self.offset, expected, found, message)

    def text(self) -> str | None:
        """Text of a string value up to its first NUL; None for other types."""
        if self.type not in TEXTS:
            return None
        return utf16(self.data).split("\0", 1)[0]

    def number(self) -> int | None:
        """A DWORD or QWORD, unsigned; None for other types and lengths."""
        data = self.data
        if self.type == REG_DWORD_BE and len(data) == 4:
            return int.from_bytes(data, "big")
        if (self.type in (REG_DWORD, DEVPROP_UINT32) and len(data) == 4) or (
            self.type == REG_QWORD and len(data) == 8
        ):
            return int.from_bytes(data, "little")
        return None

    def strings(self) -> list[str]:
        """The parts of a MULTI_SZ, or the one text of a string value."""
        if self.type == REG_MULTI_SZ:
            return [part for part in utf16(self.data).split("\0") if part]
        one = self.text()
        return [one] if one else []

    def filetime_ns(self) -> int | None:
        """The first 8 bytes as FILETIME, in ns since 1970 UTC; None for fewer bytes, 0 or out of range."""
        data = self.data
        return self._cells.time(data[:8], self.offset) if len(data) >= 8 else None


def utf16(data: bytes) -> str:
    """UTF-16LE text; broken pairs become U+FFFD, an odd last byte is dropped."""
    return data[: len(data) & ~1].decode("utf-16-le", "replace")


def read_values(cells: Cells, cell: int, count: int, key_at: int) -> list[Value]:
    """The values of a key from its value list."""
    if not count or cell == NO_CELL:
        return []
    span = cells.span(cell, 4, "a list of values")
    if span is None:
        return []
    fit = min(count, (span[1] - span[0]) // 4, max(cells.values_left, 0))
    cells.values_left -= fit
    if fit < count:
        cells.problem(
            "hive_value_list", key_at, f"{count} values", str(fit), "the list of values is cut off",
            Severity.ERROR,
        )  # fmt: skip
    entries = struct.unpack_from(f"<{fit}I", cells.data, span[0])
    found = (_value(cells, entry) for entry in dict.fromkeys(entries))
    return [value for value in found if value is not None]


def _value(cells: Cells, cell: int) -> Value | None:
    span = cells.span(cell, 20, "a value")
    if span is None:
        return None
    start, end = span
    magic, length, size, where, kind, flags = _VK.unpack_from(cells.data, start)
    if magic != b"vk" or start + 20 + length > end:
        cells.problem(
            "hive_value", start - 4, "a value with its name", magic.hex(), "no value; it was skipped",
            Severity.ERROR,
        )  # fmt: skip
        return None
    if not cells.take_bytes(start - 4, length):
        return None
    raw = cells.data[start + 20 : start + 20 + length]
    name = raw.decode("latin-1") if flags & 1 else utf16(bytes(raw))
    return Value(cells, name, kind, cell + BINS_START, size, where)


def _big_data(cells: Cells, cell: int, size: int) -> bytes:
    span = cells.span(cell, 8, "big data of a value")
    if span is None:
        return b""
    magic, count, where = struct.unpack_from("<2sHI", cells.data, span[0])
    if magic != b"db":
        return _cut(cells, bytes(cells.data[span[0] : min(span[1], span[0] + size)]), size, span[0])
    listed = cells.span(where, 4, "the list of big data")
    if listed is None:
        return b""
    fit = min(count, (listed[1] - listed[0]) // 4)
    parts: list[bytes] = []
    left = size
    for segment in struct.unpack_from(f"<{fit}I", cells.data, listed[0]):
        part = cells.span(segment, 1, "a segment of big data")
        if part is None or left <= 0:
            break
        parts.append(bytes(cells.data[part[0] : min(part[1], part[0] + min(left, SEGMENT))]))
        left -= len(parts[-1])
    return _cut(cells, b"".join(parts), size, span[0])


def _cut(cells: Cells, data: bytes, size: int, at: int) -> bytes:
    if len(data) < size:
        cells.problem(
            "hive_value_cut",
            at - 4,
            f"{size} bytes",
            str(len(data)),
            "the data of a value is cut off",
        )
    return data
