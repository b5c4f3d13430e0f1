"""EnCase images (E01): segments of sections; chunks with an Adler-32 each (EWF specification, libewf project).

Read by our own code: the chunk's checksum must be seen, since bytes that fail it are otherwise silent zeros, and what
comes before a cut must be given.
"""

import struct
import zlib
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import BinaryIO

from parsers.contract import Severity
from parsers.disks.ewf_chunks import Chunks
from parsers.disks.ewf_hashes import HASHES, read_hashes
from parsers.disks.model import Disk, DiskRefused, Siblings, sibling
from parsers.disks.streams import Doubts, ReadAt, fields, placed, reader, size_of

MAGIC = b"EVF\x09\x0d\x0a\xff\0"
_SECTION = struct.Struct("<16sQQ40xI")
_VOLUME = struct.Struct("<4xIIIQ")
_TABLE = struct.Struct("<I4xQ4xI")
_PACKED = 1 << 31
VOLUME_BYTES = (1052, 94)
MAX_SECTIONS = 100_000
MAX_SEGMENTS = 20_000
MAX_CHUNKS = 1 << 27
MAX_CHUNK_BYTES = 16 << 20


@dataclass(slots=True)
class _Table:
    """Chunks of one table section: number of the first, segment, base, raw entries, end of data."""

    first: int
    segment: int
    base: int
    entries: tuple[int, ...]
    end: int
    wraps: int = 1 << 62
    """Entries from here on use all 32 bits for the place (data beyond 2 GiB of a section)."""

    def place(self, k: int) -> tuple[int, int, bool]:
        """(start, end, packed) of chunk k of this table in its segment."""
        start, packed = self._start(k)
        following = self._start(k + 1)[0] if k + 1 < len(self.entries) else self.end
        return start, following, packed

    def _start(self, k: int) -> tuple[int, bool]:
        entry = self.entries[k]
        if k >= self.wraps:
            return self.base + entry, False
        return self.base + (entry & ~_PACKED), bool(entry & _PACKED)


@dataclass(slots=True)
class _Image:
    chunk_bytes: int = 0
    chunk_count: int = 0
    size: int = 0
    tables: list[_Table] = field(default_factory=list)
    firsts: list[int] = field(default_factory=list)
    chunks: int = 0
    ended: bool = False
    stored: dict[str, str] = field(default_factory=dict)
    doubtful: bytes = b""


def open_ewf(name: str, first: BinaryIO, siblings: Siblings) -> Disk:
    """The disk of an E01 and the segments beside it.

    Raises:
        DiskRefused: no section describes the volume.
    """
    doubts, image = Doubts(), _Image()
    streams: list[BinaryIO] = []
    for number in range(1, MAX_SEGMENTS):
        stream = first if number == 1 else _segment(name, number, siblings)
        if stream is None:
            break
        streams.append(stream)
        _read_sections(image, len(streams) - 1, stream, doubts)
        if image.ended:
            break
    if not image.chunk_bytes and image.doubtful:
        doubts.add(
            "damaged_segment",
            "section volume",
            "a description of the disk that fits its checksum",
            "another Adler-32",
            "the size of the disk and of its chunks may be wrong",
            Severity.ERROR,
        )
        _read_volume(image, image.doubtful)
    if not image.chunk_bytes:
        raise DiskRefused(
            "damaged_disk",
            "a section that describes the volume",
            "none",
            "ewfrecover may rebuild it; else acquire or copy it again",
        )
    _tell_missing(image, len(streams), doubts)
    chunks = _Chunks(image, [reader(s) for s in streams], doubts)
    disk = placed(image.size, chunks.read_at, streams, doubts.problems)
    return Disk("E01", image.size, disk, doubts.problems, image.stored)


def segment_name(name: str, number: int) -> str:
    """Name of segment `number` (E01 to E99, EAA to EZZ, FAA and so on), by the first one's name."""
    stem, letter = name[:-3], name[-3]
    if number < 100:
        return f"{stem}{letter}{number:02}"
    high, rest = divmod(number - 100, 26 * 26)
    middle, low = divmod(rest, 26)
    a = chr(ord("a" if letter.islower() else "A"))
    return f"{stem}{chr(ord(letter) + high)}{chr(ord(a) + middle)}{chr(ord(a) + low)}"


def _segment(name: str, number: int, siblings: Siblings) -> BinaryIO | None:
    found = sibling(siblings, segment_name(name, number))
    return None if found is None else found[1]()


def _read_sections(image: _Image, segment: int, stream: BinaryIO, doubts: Doubts) -> None:
    """Follow the chain of sections of one segment; each must lie behind the one before."""
    read, size = reader(stream), size_of(stream)
    if read(0, 8) != MAGIC:
        doubts.add(
            "damaged_segment",
            f"segment {segment + 1}",
            "an EWF mark",
            read(0, 8).hex(" "),
            "the segment was not read",
            Severity.ERROR,
        )
        return
    at, data_end, waiting = 13, 0, None
    for _ in range(MAX_SECTIONS):
        head = read(at, _SECTION.size)
        if len(head) < _SECTION.size or zlib.adler32(head[:72]) != int.from_bytes(
            head[72:], "little"
        ):
            _broken_chain(segment, at, doubts)
            return
        kind_raw, after, _, _ = _SECTION.unpack(head)
        kind = kind_raw.rstrip(b"\0")
        body = at + _SECTION.size
        if kind in (b"volume", b"disk", b"data") and not image.chunk_bytes:
            _take_volume(image, read(body, _volume_bytes(after - body)))
        elif kind in HASHES:
            where = f"segment {segment + 1}, section {kind.decode()}"
            read_hashes(image.stored, kind, read(body, HASHES[kind]), where, doubts)
        elif kind == b"sectors":
            data_end = min(after, size)
        elif kind == b"table":
            waiting = _read_table(image, read, body, segment, data_end or at)
        elif kind == b"table2" and waiting is False:
            waiting = _read_table(image, read, body, segment, data_end or at)
            if waiting:
                doubts.add(
                    "table_repaired",
                    f"segment {segment + 1}, offset {at}",
                    "a sound table",
                    "a bad checksum",
                    "the second copy of the table was used",
                )
        if kind in (b"done", b"next"):
            image.ended = kind == b"done"
            return
        if waiting is False and kind == b"table2":
            _broken_chain(segment, at, doubts)
        if after <= at or after > size:
            _broken_chain(segment, at, doubts)
            return
        at = after


def _broken_chain(segment: int, at: int, doubts: Doubts) -> None:
    doubts.add(
        "damaged_segment",
        f"segment {segment + 1}, offset {at}",
        "a section with a sound checksum",
        "none",
        "the image is cut or damaged here; the chunks that are listed before were read",
        Severity.ERROR,
    )


def _volume_bytes(room: int) -> int:
    """Length of the body that describes the disk: SMART's is shorter."""
    return next((n for n in VOLUME_BYTES if n <= room), VOLUME_BYTES[-1])


def _take_volume(image: _Image, body: bytes) -> None:
    """The disk by a description that fits its checksum; another one is kept for the case that there is none."""
    if zlib.adler32(body[:-4]) == int.from_bytes(body[-4:], "little"):
        _read_volume(image, body)
    else:
        image.doubtful = image.doubtful or body


def _read_volume(image: _Image, body: bytes) -> None:
    chunks, sectors, sector, total = fields(_VOLUME, body)
    size = sectors * sector
    if not 0 < size <= MAX_CHUNK_BYTES or not 0 < total * sector <= 1 << 60 or chunks > MAX_CHUNKS:
        raise DiskRefused(
            "damaged_disk",
            "chunks of a plausible size",
            f"{chunks} of {sectors} sectors of {sector} bytes",
            "acquire or copy it again",
        )
    image.chunk_bytes, image.chunk_count, image.size = size, chunks, total * sector


def _read_table(image: _Image, read: ReadAt, body: int, segment: int, data_end: int) -> bool:
    head = read(body, 24)
    count, base, checksum = fields(_TABLE, head)
    if zlib.adler32(head[:20]) != checksum or not 0 < count <= MAX_CHUNKS - image.chunks:
        return False
    raw = read(body + 24, 4 * count + 4)
    packed, rest = raw[: 4 * count], raw[4 * count :]
    if len(packed) < 4 * count:
        return False
    if rest and base and zlib.adler32(packed) != int.from_bytes(rest, "little"):
        return False
    table = _Table(image.chunks, segment, base, struct.unpack(f"<{count}I", packed), data_end)
    _find_wrap(table)
    image.tables.append(table)
    image.firsts.append(image.chunks)
    image.chunks += count
    return True


def _find_wrap(table: _Table) -> None:
    """Where places step back, the top bit became part of the place (a section of over 2 GiB)."""
    last = -1
    for k, entry in enumerate(table.entries):
        place = entry & ~_PACKED
        if place < last:
            table.wraps = k
            return
        last = place


def _tell_missing(image: _Image, segments: int, doubts: Doubts) -> None:
    wanted = image.chunk_count or -(-image.size // image.chunk_bytes)
    if image.chunks >= wanted:
        return
    start = image.chunks * image.chunk_bytes
    doubts.add(
        "segment_missing" if not image.ended else "disk_range_lost",
        f"disk bytes {start} to {image.size - 1}",
        f"{wanted} chunks",
        f"{image.chunks} in {segments} segments",
        "a segment is missing or cut: the rest of the disk reads as zeros",
        Severity.ERROR,
    )


class _Chunks(Chunks):
    def __init__(self, image: _Image, segments: list[ReadAt], doubts: Doubts) -> None:
        super().__init__(image.chunk_bytes, self._load, doubts)
        self._image, self._segments = image, segments

    def _load(self, number: int) -> bytes:
        image = self._image
        if number >= image.chunks:
            return b""
        table = image.tables[bisect_right(image.firsts, number) - 1]
        start, end, packed = table.place(number - table.first)
        wanted = min(image.chunk_bytes, image.size - number * image.chunk_bytes)
        if not start < end <= start + 2 * image.chunk_bytes + 4096:
            end = start + 2 * image.chunk_bytes
        data = self._segments[table.segment](start, end - start)
        return (
            self.unpacked(number, data, wanted, zlib.decompressobj())
            if packed
            else self._plain(number, data, wanted)
        )

    def _plain(self, number: int, data: bytes, wanted: int) -> bytes:
        full = self._image.chunk_bytes
        body, checksum = data[:wanted], data[wanted : wanted + 4]
        if len(data) >= full + 4:
            body, checksum = data[:full], data[full : full + 4]
        if zlib.adler32(body) != int.from_bytes(checksum, "little") or len(checksum) < 4:
            self.bad(number, wanted, "another Adler-32" if len(checksum) == 4 else "no checksum")
        return body
