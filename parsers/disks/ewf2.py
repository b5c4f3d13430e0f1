"""EnCase 7 images (Ex01): sections that are described behind their data (EWF version 2 specification, libewf project).

Chunks are found by tables, each with the number of its first chunk. Their checksums are tested, and what comes before
a cut is given, as in `ewf`.
"""

import bz2
import struct
import zlib
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from parsers.contract import Severity
from parsers.disks.ewf import MAX_CHUNK_BYTES, MAX_CHUNKS, MAX_SECTIONS, MAX_SEGMENTS, segment_name
from parsers.disks.ewf_chunks import Chunks
from parsers.disks.model import Disk, DiskRefused, Siblings, sibling
from parsers.disks.streams import Doubts, ReadAt, fields, placed, reader, size_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MAGIC = b"EVF2\x0d\x0a\x81\0"
HEAD_BYTES = 32
_DESCRIPTOR = struct.Struct("<IIQQII28xI")
_TABLE = struct.Struct("<QI4xI")
_DEVICE, _CASE, _SECTOR_TABLE, _MD5, _SHA1, _KEYS, _DONE = 1, 2, 4, 8, 9, 11, 15
_ENCRYPTED = 2
_PACKED, _CHECKED, _PATTERN = 1, 2, 4
MAX_TEXT = 1 << 20
_HASHES = {_MD5: ("MD5", 16), _SHA1: ("SHA-1", 20)}


@dataclass(frozen=True, slots=True)
class _Section:
    kind: int
    flags: int
    at: int
    size: int
    before: int


@dataclass(frozen=True, slots=True)
class _Table:
    """Chunks of one table: number of the first, segment, (place, size, flags) of each."""

    first: int
    segment: int
    entries: "npt.NDArray[np.void]"


@dataclass(slots=True)
class _Image:
    chunk_bytes: int = 0
    size: int = 0
    bzip2: bool = False
    ended: bool = False
    tables: list[_Table] = field(default_factory=list)
    firsts: list[int] = field(default_factory=list)
    facts: dict[str, int] = field(default_factory=dict)
    stored: dict[str, str] = field(default_factory=dict)


def open_ewf2(name: str, first: BinaryIO, siblings: Siblings) -> Disk:
    """The disk of an Ex01 and the segments beside it.

    Raises:
        DiskRefused: it is encrypted, or no section describes the disk.
    """
    doubts, image = Doubts(), _Image()
    streams: list[BinaryIO] = []
    for number in range(1, MAX_SEGMENTS):
        found = (
            (name, lambda: first) if number == 1 else sibling(siblings, segment_name(name, number))
        )
        if found is None:
            break
        streams.append(found[1]())
        _read_segment(image, len(streams) - 1, streams[-1], doubts)
        if image.ended:
            break
    _set_size(image)
    _tell_missing(image, len(streams), doubts)
    chunks = _Chunks(image, [reader(s) for s in streams], doubts)
    stream = placed(image.size, chunks.read_at, streams, doubts.problems)
    return Disk("Ex01", image.size, stream, doubts.problems, image.stored)


def _set_size(image: _Image) -> None:
    sector, sectors, each = (image.facts.get(key, 0) for key in ("bp", "ts", "sb"))
    image.chunk_bytes, image.size = sector * each, sector * sectors
    if not 0 < image.chunk_bytes <= MAX_CHUNK_BYTES or not 0 < image.size <= 1 << 60:
        raise DiskRefused(
            "damaged_disk",
            "sections that describe the disk",
            f"{sectors} sectors of {sector} bytes, {each} in a chunk",
            "acquire or copy it again",
        )
    image.tables.sort(key=lambda t: t.first)
    image.firsts = [t.first for t in image.tables]


def _read_segment(image: _Image, segment: int, stream: BinaryIO, doubts: Doubts) -> None:
    read, size = reader(stream), size_of(stream)
    head = read(0, HEAD_BYTES)
    if not head.startswith(MAGIC):
        found = head[:8].hex(" ")
        _damaged(segment, 0, "an EWF mark", found, "the segment was not read", doubts)
        return
    image.bzip2 = int.from_bytes(head[10:12], "little") == 2
    for section in _sections(read, size, segment, doubts):
        where = f"segment {segment + 1}, section at {section.at}"
        if section.kind == _KEYS or section.flags & _ENCRYPTED:
            raise DiskRefused(
                "encrypted_disk",
                "an image that is not encrypted",
                "an encrypted Ex01",
                "decrypt it with EnCase, or save it as E01 without a password",
            )
        if section.kind in (_DEVICE, _CASE):
            image.facts |= _facts(read(section.at, min(section.size, MAX_TEXT)), image.bzip2)
        elif section.kind == _SECTOR_TABLE:
            _read_table(image, segment, read(section.at, section.size), where, doubts)
        elif section.kind in _HASHES:
            _read_hash(image, section.kind, read(section.at, section.size), where, doubts)
        image.ended = image.ended or section.kind == _DONE


def _sections(read: ReadAt, size: int, segment: int, doubts: Doubts) -> list[_Section]:
    """The sections of a segment, followed from its end; where the end is gone, those whose description is found."""
    found: list[_Section] = []
    at = size - _DESCRIPTOR.size
    while at >= HEAD_BYTES and len(found) < MAX_SECTIONS:
        section = _section(read(at, _DESCRIPTOR.size), at)
        if section is None or section.before >= at:
            break
        found.append(section)
        at = section.before
        if not at:
            return found[::-1]
    _damaged(
        segment,
        max(at, 0),
        "the description of a section, with a sound checksum",
        "none",
        "the image is cut or damaged here; the sections whose description was found were read",
        doubts,
    )
    return _searched(read, size)


def _section(raw: bytes, at: int) -> _Section | None:
    """The section that a descriptor at a place describes; its data lie before it."""
    kind, flags, before, length, own, _, checksum = fields(_DESCRIPTOR, raw)
    if own != _DESCRIPTOR.size or zlib.adler32(raw[:60]) != checksum:
        return None
    return _Section(kind, flags, at - length, length, before) if length <= at else None


def _searched(read: ReadAt, size: int) -> list[_Section]:
    """Sections by their descriptors, which lie at multiples of 16."""
    import numpy as np

    step = 1 << 20
    found: list[_Section] = []
    for start in range(HEAD_BYTES, size, step):
        raw = read(start, step + _DESCRIPTOR.size)
        words = np.frombuffer(raw[: len(raw) // 16 * 16], "<u4").reshape(-1, 4)
        marks = np.flatnonzero(words[1:, 2] == _DESCRIPTOR.size) * 16
        for k in marks[marks < step].tolist():
            section = _section(raw[k : k + _DESCRIPTOR.size], start + k)
            if section is not None and len(found) < MAX_SECTIONS:
                found.append(section)
    return found


def _facts(packed: bytes, bzip2: bool) -> dict[str, int]:
    """The numbers among the values of a text: names in one line, values in the next, between tabs (UTF-16)."""
    try:
        if bzip2:
            raw = bz2.BZ2Decompressor().decompress(packed, MAX_TEXT)
        else:
            raw = zlib.decompressobj().decompress(packed, MAX_TEXT)
    except (zlib.error, OSError):
        return {}
    lines = raw.decode("utf-16", "replace").splitlines()
    main = lines.index("main") if "main" in lines else len(lines)
    names, values = ([*lines[main + 1 : main + 3], "", ""])[:2]
    pairs = zip(names.split("\t"), values.split("\t"), strict=False)
    return {name: int(value) for name, value in pairs if value.isdecimal() and len(value) < 20}


def _read_table(image: _Image, segment: int, raw: bytes, where: str, doubts: Doubts) -> None:
    import numpy as np

    layout = np.dtype([("place", "<u8"), ("size", "<u4"), ("flags", "<u4")])
    first, count, checksum = fields(_TABLE, raw)
    body = raw[32 : 32 + 16 * count]
    sound = zlib.adler32(raw[:16]) == checksum and len(body) == 16 * count
    end = raw[32 + 16 * count :][:4]
    if (
        not sound
        or first + count > MAX_CHUNKS
        or zlib.adler32(body) != int.from_bytes(end, "little")
    ):
        doubts.add(
            "damaged_segment",
            where,
            "a table that fits its checksums",
            "another Adler-32" if sound else f"{count} chunks from {first} on",
            "its chunks were not read; they read as zeros",
            Severity.ERROR,
        )
        return
    image.tables.append(_Table(first, segment, np.frombuffer(body, layout)))


def _read_hash(image: _Image, kind: int, raw: bytes, where: str, doubts: Doubts) -> None:
    name, length = _HASHES[kind]
    digest, checksum = raw[:length], raw[length : length + 4]
    if zlib.adler32(digest) != int.from_bytes(checksum, "little"):
        doubts.add(
            "stored_hash_damaged",
            where,
            "a section that fits its checksum",
            "another Adler-32",
            "the hash that is stored for the whole disk was not taken",
        )
    elif any(digest):
        image.stored.setdefault(name, digest.hex())


def _damaged(
    segment: int, at: int, expected: str, found: str, message: str, doubts: Doubts
) -> None:
    place = f"segment {segment + 1}, offset {at}"
    doubts.add("damaged_segment", place, expected, found, message, Severity.ERROR)


def _tell_missing(image: _Image, segments: int, doubts: Doubts) -> None:
    """Tell each stretch of chunks that no table lists."""
    wanted = -(-image.size // image.chunk_bytes)
    at = 0
    for table in (*image.tables, _Table(wanted, 0, _no_chunks())):
        if table.first > at:
            start, end = at * image.chunk_bytes, min(table.first * image.chunk_bytes, image.size)
            doubts.add(
                "disk_range_lost" if image.ended else "segment_missing",
                f"disk bytes {start} to {end - 1}",
                f"{wanted} chunks",
                f"none from {at} to {table.first - 1} in {segments} segments",
                "a segment is missing or damaged: the range of the disk reads as zeros",
                Severity.ERROR,
            )
        at = max(at, table.first + len(table.entries))


def _no_chunks() -> "npt.NDArray[np.void]":
    import numpy as np

    return np.zeros(0, np.dtype([("place", "<u8")]))


class _Chunks(Chunks):
    def __init__(self, image: _Image, segments: list[ReadAt], doubts: Doubts) -> None:
        super().__init__(image.chunk_bytes, self._load, doubts)
        self._image, self._segments = image, segments

    def _load(self, number: int) -> bytes:
        image = self._image
        k = bisect_right(image.firsts, number) - 1
        if k < 0 or number - image.tables[k].first >= len(image.tables[k].entries):
            return b""
        table = image.tables[k]
        place, size, flags = table.entries[number - table.first].tolist()
        wanted = min(image.chunk_bytes, image.size - number * image.chunk_bytes)
        if flags & _PATTERN:
            return bytes((place.to_bytes(8, "little") * -(-wanted // 8))[:wanted])
        data = self._segments[table.segment](place, min(size, 2 * MAX_CHUNK_BYTES))
        if flags & _PACKED:
            state = bz2.BZ2Decompressor() if image.bzip2 else zlib.decompressobj()
            return self.unpacked(number, data, wanted, state)
        return self._plain(number, data, wanted, checked=bool(flags & _CHECKED))

    def _plain(self, number: int, data: bytes, wanted: int, *, checked: bool) -> bytes:
        body, checksum = (data[:-4], data[-4:]) if checked else (data, b"")
        if checked and zlib.adler32(body) != int.from_bytes(checksum, "little"):
            self.bad(number, wanted, "another Adler-32")
        elif len(body) < wanted:
            self.bad(number, wanted, f"{len(body)} bytes")
        return body[:wanted]
