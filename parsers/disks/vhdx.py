"""VHDX: fixed, dynamic and differencing (MS-VHDX). The log of a disk that was not closed is applied in memory."""

import struct
import uuid
from dataclasses import dataclass
from functools import lru_cache
from typing import BinaryIO

from parsers.contract import Severity
from parsers.disks.model import Disk, DiskRefused, Siblings
from parsers.disks.streams import Doubts, ReadAt, fields, placed, reader, size_of
from parsers.disks.vhdx_log import over_log

MAGIC = b"vhdxfile"
_HEADER = struct.Struct("<4sIQ")
_ENTRY = struct.Struct("<16sQI4x")
_META = struct.Struct("<16sII8x")
_KEY = struct.Struct("<IIHH")
_BAT = uuid.UUID("2dc27766-f623-4200-9d64-115e9bfd4a08").bytes_le
_METADATA = uuid.UUID("8b7ca206-4790-4b9a-b8fe-575f050f886e").bytes_le
_PARAMETERS = uuid.UUID("caa16737-fa36-4d43-b3b6-33f0aa44e76b").bytes_le
_SIZE = uuid.UUID("2fa54224-cd1b-4876-b211-5dbed83bf4b8").bytes_le
_SECTOR = uuid.UUID("8141bf1d-a96f-4709-ba47-f233a8faab5f").bytes_le
_LOCATOR = uuid.UUID("a8d35f2d-b30b-454d-abf7-d3d84834ab0c").bytes_le
_PRESENT, _PARTIAL = 6, 7
_PLACE = ~((1 << 20) - 1)
MAX_TABLE = 256 << 20
MAX_DISK = 64 << 40
MAX_CHAIN = 32
_NAMES = (".vhdx", ".avhdx", ".vhds")


@dataclass(frozen=True, slots=True)
class _Layout:
    size: int
    block: int
    sector: int
    table: bytes
    parent: frozenset[uuid.UUID]
    parent_name: str


def open_vhdx(name: str, stream: BinaryIO, siblings: Siblings) -> Disk:
    """The disk of a VHDX; of a differencing one with its parents, which lie beside it.

    Raises:
        DiskRefused: damaged, or a parent with the wanted identifier is not there.
    """
    doubts = Doubts()
    streams: list[BinaryIO] = []
    try:
        size, read_at, kind = _layers(name, stream, siblings, streams, doubts)
    except DiskRefused:
        for opened in streams:
            opened.close()
        raise
    return Disk(kind, size, placed(size, read_at, streams, doubts.problems), doubts.problems)


def crc32c(data: bytes) -> int:
    """CRC-32C (Castagnoli) as VHDX uses it."""
    table, crc = _crc_table(), 0xFFFF_FFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFF_FFFF


@lru_cache(1)
def _crc_table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F6_3B78 if value & 1 else 0)
        table.append(value)
    return tuple(table)


def _layers(
    name: str, stream: BinaryIO, siblings: Siblings, streams: list[BinaryIO], doubts: Doubts
) -> tuple[int, ReadAt, str]:
    streams.append(stream)
    if len(streams) > MAX_CHAIN:
        raise _damaged(f"at most {MAX_CHAIN} parents", "more")
    read = reader(stream)
    header = _header(read, doubts)
    read = over_log(read, size_of(stream), header, crc32c, doubts)
    layout = _layout(read, doubts)
    parent: ReadAt | None = None
    kind = "VHDX"
    if layout.parent:
        parent = _parent(name, layout, siblings, streams, doubts)
        kind = "VHDX differencing"
    blocks = _Blocks(read, size_of(stream), layout, parent, doubts)
    return layout.size, blocks.read_at, kind


def _header(read: ReadAt, doubts: Doubts) -> bytes:
    """The sound header with the higher sequence number."""
    best, best_sequence = b"", -1
    for place in (1 << 16, 2 << 16):
        raw = read(place, 4096)
        mark, checksum, sequence = _HEADER.unpack(raw[:16].ljust(16, b"\0"))
        if mark != b"head" or crc32c(raw[:4] + bytes(4) + raw[8:]) != checksum:
            doubts.add(
                "disk_header_checksum",
                f"offset {place}",
                "a sound header",
                "a bad mark or checksum",
                "the other header was used",
            )
        elif sequence > best_sequence:
            best, best_sequence = raw, sequence
    if not best:
        raise _damaged("one sound header", "none")
    return best


def _layout(read: ReadAt, doubts: Doubts) -> _Layout:
    regions = _regions(read, doubts)
    if _BAT not in regions or _METADATA not in regions:
        raise _damaged("a block table and metadata", f"{len(regions)} regions")
    items = _items(read, *regions[_METADATA])
    block, flags = struct.unpack("<II", items.get(_PARAMETERS, b"")[:8].ljust(8, b"\0"))
    size = int.from_bytes(items.get(_SIZE, b"")[:8], "little")
    sector = int.from_bytes(items.get(_SECTOR, b"")[:4], "little")
    sound = 1 << 20 <= block <= 1 << 28 and not block & block - 1 and sector in (512, 4096)
    if not sound or size > MAX_DISK:
        raise _damaged("plausible sizes", f"disk {size}, blocks {block}, sectors {sector} bytes")
    at, length = regions[_BAT]
    if length > MAX_TABLE:
        raise _damaged(f"a block table of at most {MAX_TABLE} bytes", f"{length} bytes")
    parent, said = _locator(items.get(_LOCATOR, b"")) if flags & 2 else (frozenset(), "")
    if flags & 2 and not parent:
        raise _damaged("the identifier of the parent disk", "none")
    return _Layout(size, block, sector, read(at, length), parent, said)


def _regions(read: ReadAt, doubts: Doubts) -> dict[bytes, tuple[int, int]]:
    for place in (3 << 16, 4 << 16):
        raw = read(place, 1 << 16)
        checksum = int.from_bytes(raw[4:8], "little")
        if raw[:4] == b"regi" and crc32c(raw[:4] + bytes(4) + raw[8:]) == checksum:
            count = min(int.from_bytes(raw[8:12], "little"), 2047)
            entries = (_ENTRY.unpack_from(raw, 16 + 32 * k) for k in range(count))
            return {guid: (at, length) for guid, at, length in entries}
        doubts.add(
            "disk_header_checksum",
            f"offset {place}",
            "a sound region table",
            "a bad mark or checksum",
            "the other table was used",
        )
    raise _damaged("one sound region table", "none")


def _items(read: ReadAt, at: int, length: int) -> dict[bytes, bytes]:
    table = read(at, 1 << 16)
    if not table.startswith(b"metadata"):
        raise _damaged("a metadata table", table[:8].hex(" ") or "nothing")
    count = min(int.from_bytes(table[10:12], "little"), 2047)
    items = {}
    for k in range(count):
        guid, place, size = _META.unpack(table[32 + 32 * k : 64 + 32 * k].ljust(32, b"\0"))
        if place + size <= length and size <= 1 << 20:
            items[guid] = read(at + place, size)
    return items


def _locator(raw: bytes) -> tuple[frozenset[uuid.UUID], str]:
    """Identifiers of the parent (its data write GUID when the child was made), and its name."""
    values: dict[str, str] = {}
    for k in range(min(int.from_bytes(raw[18:20], "little"), 64)):
        key_at, value_at, key_size, value_size = fields(_KEY, raw, 20 + 12 * k)
        key = raw[key_at : key_at + key_size].decode("utf-16-le", "replace")
        values[key] = raw[value_at : value_at + value_size].decode("utf-16-le", "replace")
    found = set()
    for key in ("parent_linkage", "parent_linkage2"):
        try:
            found.add(uuid.UUID(values.get(key, "")))
        except ValueError:
            continue
    said = values.get("relative_path") or values.get("absolute_win32_path") or ""
    return frozenset(found), said


def _parent(
    name: str, layout: _Layout, siblings: Siblings, streams: list[BinaryIO], doubts: Doubts
) -> ReadAt:
    for other, opener in siblings.items():
        if other == name or not other.lower().endswith(_NAMES):
            continue
        stream = opener()
        read = reader(stream)
        if read(0, 8) == MAGIC and _data_guid(read) in layout.parent:
            return _layers(other, stream, siblings, streams, doubts)[1]
        stream.close()
    wanted = ", ".join(str(guid) for guid in sorted(layout.parent))
    raise DiskRefused(
        "needs_parent_disk",
        f"the parent disk {wanted}, named {layout.parent_name!r}, beside it",
        "no file with this identifier",
        "give the folder that holds the whole chain, or merge it (Merge-VHD)",
    )


def _data_guid(read: ReadAt) -> uuid.UUID | None:
    try:
        return uuid.UUID(bytes_le=_header(read, Doubts())[32:48])
    except DiskRefused:
        return None


def _damaged(expected: str, found: str) -> DiskRefused:
    return DiskRefused("damaged_disk", expected, found, "copy or export the disk again")


class _Blocks:
    def __init__(
        self, read: ReadAt, file_size: int, layout: _Layout, parent: ReadAt | None, doubts: Doubts
    ) -> None:
        self._read, self._file_size, self._layout = read, file_size, layout
        self._parent, self._doubts = parent, doubts
        self._ratio = (1 << 23) * layout.sector // layout.block
        self._bitmap = lru_cache(8)(lambda at: read(at, 1 << 20))

    def read_at(self, at: int, n: int) -> bytes:
        """Bytes of the disk: of this file, of the parent, or zeros."""
        out, block = bytearray(), self._layout.block
        while n > 0:
            number, skip = divmod(at, block)
            take = min(n, block - skip)
            entry = self._entry(number + number // self._ratio)
            state = entry & 7
            if state == _PARTIAL and self._parent is not None:
                take, own = self._run(number, skip, take)
                part = self._own(entry, skip, take, at) if own else self._parent(at, take)
            elif state in (_PRESENT, _PARTIAL):
                part = self._own(entry, skip, take, at)
            else:
                part = self._parent(at, take) if self._parent and state == 0 else b""
            out += part.ljust(take, b"\0")
            at, n = at + take, n - take
        return bytes(out)

    def _entry(self, index: int) -> int:
        return int.from_bytes(self._layout.table[8 * index : 8 * index + 8], "little")

    def _own(self, entry: int, skip: int, take: int, at: int) -> bytes:
        place = entry & _PLACE
        data = self._read(place + skip, take)
        if len(data) < take:
            self._doubts.add(
                "disk_range_lost",
                f"disk bytes {at + len(data)} to {at + take - 1}",
                f"a block at {place}",
                "the end of the file before it",
                "the range of the disk reads as zeros",
                Severity.ERROR,
            )
        return data

    def _run(self, number: int, skip: int, take: int) -> tuple[int, bool]:
        """(bytes, own): how many bytes from `skip` on come from the same file (lowest bit first)."""
        chunk, within = divmod(number, self._ratio)
        entry = self._entry(chunk * (self._ratio + 1) + self._ratio)
        if entry & 7 != _PRESENT:
            return take, False
        bits, sector = self._bitmap(entry & _PLACE), self._layout.sector
        base = within * (self._layout.block // sector)
        first, last = base + skip // sector, base + (skip + take - 1) // sector
        own, k = _bit(bits, first), first
        while k < last and _bit(bits, k + 1) == own:
            k += 1
        return min(take, (k + 1 - base) * sector - skip), own


def _bit(bits: bytes, k: int) -> bool:
    return k // 8 < len(bits) and bool(bits[k // 8] >> k % 8 & 1)
