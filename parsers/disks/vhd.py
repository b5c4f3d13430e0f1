"""Virtual hard disks (VHD): fixed, dynamic and differencing (Virtual Hard Disk Image Format Specification 1.0)."""

import struct
from dataclasses import dataclass
from typing import BinaryIO

from parsers.contract import Severity
from parsers.disks.model import Disk, DiskRefused, Siblings
from parsers.disks.streams import Doubts, ReadAt, fields, placed, reader, size_of

MAGIC = b"conectix"
FIXED, DYNAMIC, DIFFERENCING = 2, 3, 4
_FOOTER = struct.Struct(">16xQ24xQ4xII")
_HEADER = struct.Struct(">16xQ4xII")
_NONE = 0xFFFF_FFFF
MAX_BLOCKS = 1 << 22
MAX_DISK = 1 << 48
MAX_CHAIN = 32
_NAMES = (".vhd", ".avhd")


@dataclass(frozen=True, slots=True)
class _Footer:
    kind: int
    size: int
    header_at: int
    identifier: bytes


def is_vhd(head: bytes, tail: bytes) -> bool:
    """Whether the first or last sector is a footer."""
    return head.startswith(MAGIC) or tail[-512:].startswith(MAGIC)


def open_vhd(name: str, stream: BinaryIO, siblings: Siblings) -> Disk:
    """The disk of a VHD; of a differencing one with its parents, which lie beside it.

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
    disk = placed(size, read_at, streams, doubts.problems)
    return Disk(kind, size, disk, doubts.problems)


def _layers(
    name: str, stream: BinaryIO, siblings: Siblings, streams: list[BinaryIO], doubts: Doubts
) -> tuple[int, ReadAt, str]:
    """(size, reader, kind) of a disk over its parents."""
    streams.append(stream)
    if len(streams) > MAX_CHAIN:
        raise _damaged(f"at most {MAX_CHAIN} parents", "more")
    read, file_size = reader(stream), size_of(stream)
    footer = _footer(read, file_size, doubts)
    if footer.kind == FIXED:
        if footer.size > file_size - 512:
            _cut(footer.size, file_size - 512, doubts)
        return footer.size, read, "VHD fixed"
    header = read(footer.header_at, 1024)
    if not header.startswith(b"cxsparse"):
        raise _damaged("a dynamic disk's header", header[:8].hex(" ") or "nothing")
    _checksum("dynamic header", header, 36, doubts)
    table_at, count, block = fields(_HEADER, header)
    if block < 512 or block & block - 1 or block > 1 << 30 or count > MAX_BLOCKS:
        raise _damaged("blocks of a plausible size", f"{count} of {block} bytes")
    raw = read(table_at, 4 * count)
    if len(raw) < 4 * count:
        raise _damaged(f"a table of {count} blocks at {table_at}", "the end of the file")
    parent: ReadAt | None = None
    kind = "VHD dynamic"
    if footer.kind == DIFFERENCING:
        parent = _parent(name, header, siblings, streams, doubts)
        kind = "VHD differencing"
    blocks = _Blocks(read, file_size, struct.unpack(f">{count}I", raw), block, parent, doubts)
    return footer.size, blocks.read_at, kind


def _footer(read: ReadAt, size: int, doubts: Doubts) -> _Footer:
    for place in (size - 512, size - 511, 0):
        raw = read(place, 512)
        if not raw.startswith(MAGIC):
            continue
        _checksum("footer", raw, 64, doubts)
        header_at, current, kind, _ = fields(_FOOTER, raw)
        if kind not in (FIXED, DYNAMIC, DIFFERENCING) or current > MAX_DISK:
            continue
        if place != size - 512:
            doubts.add(
                "footer_elsewhere",
                f"offset {place}",
                f"a footer at {size - 512}",
                "none",
                "the file is cut or has more bytes than a VHD; the footer's copy was used",
            )
        return _Footer(kind, current, header_at, raw[68:84])
    raise _damaged("a footer", "none")


def _checksum(what: str, raw: bytes, at: int, doubts: Doubts) -> None:
    """One's complement of the sum of all bytes but the checksum's own."""
    wanted = int.from_bytes(raw[at : at + 4], "big")
    found = ~(sum(raw) - sum(raw[at : at + 4])) & 0xFFFF_FFFF
    if wanted != found:
        doubts.add(
            "disk_header_checksum",
            what,
            f"{wanted:08x}",
            f"{found:08x}",
            "the header was altered after writing; it was used as it is",
        )


def _parent(
    name: str, header: bytes, siblings: Siblings, streams: list[BinaryIO], doubts: Doubts
) -> ReadAt:
    """The parent by its identifier: names and paths in the header are only hints."""
    wanted = header[40:56]
    said = header[64:576].decode("utf-16-be", "replace").partition("\0")[0]
    for other, opener in siblings.items():
        if other == name or not other.lower().endswith(_NAMES):
            continue
        stream = opener()
        read, size = reader(stream), size_of(stream)
        if any(
            r.startswith(MAGIC) and r[68:84] == wanted
            for r in (read(size - 512, 512), read(0, 512))
        ):
            return _layers(other, stream, siblings, streams, doubts)[1]
        stream.close()
    raise DiskRefused(
        "needs_parent_disk",
        f"the parent disk {wanted.hex()}, named {said!r}, beside it",
        "no file with this identifier",
        "give the folder that holds the whole chain, or merge it (Merge-VHD)",
    )


def _damaged(expected: str, found: str) -> DiskRefused:
    return DiskRefused("damaged_disk", expected, found, "copy or export the disk again")


def _cut(size: int, there: int, doubts: Doubts) -> None:
    doubts.add(
        "disk_range_lost",
        f"disk bytes {there} to {size - 1}",
        f"{size} bytes",
        f"{there} bytes",
        "the file is cut: the rest of the disk reads as zeros",
        Severity.ERROR,
    )


class _Blocks:
    def __init__(
        self,
        read: ReadAt,
        file_size: int,
        table: tuple[int, ...],
        block: int,
        parent: ReadAt | None,
        doubts: Doubts,
    ) -> None:
        self._read, self._file_size, self._table, self._block = read, file_size, table, block
        self._parent, self._doubts = parent, doubts
        self._bitmap_bytes = -(-(block // 512) // 8 // 512) * 512 or 512
        self._bitmaps: dict[int, bytes] = {}

    def read_at(self, at: int, n: int) -> bytes:
        """Bytes of the disk: of this file, of the parent, or zeros."""
        out = bytearray()
        while n > 0:
            number, skip = divmod(at, self._block)
            take = min(n, self._block - skip)
            sector = self._table[number] if number < len(self._table) else _NONE
            if sector == _NONE:
                part = self._parent(at, take) if self._parent else b""
            elif self._parent is None:
                part = self._own(sector, skip, take, at)
            else:
                take = self._same(sector, skip, take)
                has = self._has(sector, skip // 512)
                part = self._own(sector, skip, take, at) if has else self._parent(at, take)
            out += part.ljust(take, b"\0")
            at, n = at + take, n - take
        return bytes(out)

    def _own(self, sector: int, skip: int, take: int, at: int) -> bytes:
        place = sector * 512 + self._bitmap_bytes + skip
        data = self._read(place, take)
        if len(data) < take:
            self._doubts.add(
                "disk_range_lost",
                f"disk bytes {at + len(data)} to {at + take - 1}",
                f"a block at {sector * 512}",
                "the end of the file before it",
                "the range of the disk reads as zeros",
                Severity.ERROR,
            )
        return data

    def _has(self, sector: int, k: int) -> bool:
        """Whether sector k of the block is in this file (most significant bit first)."""
        if sector not in self._bitmaps:
            if len(self._bitmaps) > 256:
                self._bitmaps.clear()
            self._bitmaps[sector] = self._read(sector * 512, self._bitmap_bytes)
        bits = self._bitmaps[sector]
        return k // 8 < len(bits) and bool(bits[k // 8] >> (7 - k % 8) & 1)

    def _same(self, sector: int, skip: int, take: int) -> int:
        """Bytes from `skip` on, at most `take`, that come from the same file."""
        k, last = skip // 512, (skip + take - 1) // 512
        first = self._has(sector, k)
        while k < last and self._has(sector, k + 1) == first:
            k += 1
        return min(take, (k + 1) * 512 - skip)
