"""Raw images packed with gzip (RFC 1952), read in place from restart points.

How long the disk is, and whether it fits its CRC-32, is known after all of it was unpacked once: each process that
opens such an image does this (some 300 MB a second) and keeps at most `MAX_POINTS` states of some 40 KiB.
"""

import zlib
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from typing import BinaryIO

from parsers.contract import Severity
from parsers.disks.model import Disk, DiskRefused
from parsers.disks.streams import Doubts, ReadAt, placed, reader, size_of

MAGIC = b"\x1f\x8b\x08"
MAX_POINTS = 2048
LEAST_SPACING = 8 << 20
MAX_BYTES = 4 << 40
BLOCK = 1 << 20
_INPUT = 1 << 16
_GZIP = 31
_SUFFIX = ".gz"


def unpacked_head(packed: bytes, most: int) -> bytes:
    """The first bytes that the beginning of a gzip stream unpacks to; none where it is damaged."""
    try:
        return zlib.decompressobj(_GZIP).decompress(packed, most)
    except zlib.error:
        return b""


def inner_name(name: str) -> str:
    """Name of the packed file."""
    return name[: -len(_SUFFIX)] if name.lower().endswith(_SUFFIX) else name


def open_gzipped(stream: BinaryIO) -> Disk:
    """The raw disk in a gzip stream, or in several of them in a row.

    Raises:
        DiskRefused: nothing can be unpacked, or implausibly much.
    """
    doubts = Doubts()
    blocks = _Blocks(reader(stream), size_of(stream), doubts)
    disk = placed(blocks.size, blocks.read_at, [stream], doubts.problems)
    return Disk("raw in gzip", blocks.size, disk, doubts.problems)


@dataclass(frozen=True, slots=True)
class _Point:
    """A place to start from: byte of the disk, byte of the file, state of the decompressor there."""

    out: int
    at: int
    state: "zlib._Decompress"


class _Cursor:
    """Unpacks forward from a point. `fault`: why it cannot go on before the stream's end."""

    def __init__(self, read: ReadAt, point: _Point) -> None:
        self._read, self.out, self._at = read, point.out, point.at
        self._state = point.state.copy()
        self.fault: str | None = None

    @property
    def at(self) -> int:
        """Byte of the file behind what was taken."""
        return self._at

    def point(self) -> _Point:
        """Where it stands."""
        return _Point(self.out, self._at, self._state.copy())

    def block(self, n: int) -> bytes:
        """The next `n` bytes; fewer at the end or at damage."""
        data = bytearray()
        while len(data) < n and self.fault is None:
            if self._state.eof and not self._next_stream():
                break
            piece = self._read(self._at, _INPUT)
            if not piece:
                self.fault = "the end of the file within a gzip stream"
                break
            data += self._step(piece, n - len(data))
        self.out += len(data)
        return bytes(data)

    def _step(self, piece: bytes, most: int) -> bytes:
        before = self._state.copy()
        try:
            data = self._state.decompress(piece, most)
        except zlib.error as error:
            self.fault = str(error)
            return _before_damage(before, piece, most)
        rest = self._state.unused_data if self._state.eof else self._state.unconsumed_tail
        self._at += len(piece) - len(rest)
        return data

    def _next_stream(self) -> bool:
        if self._read(self._at, len(MAGIC)) != MAGIC:
            return False
        self._state = zlib.decompressobj(_GZIP)
        return True


def _before_damage(state: "zlib._Decompress", piece: bytes, most: int) -> bytes:
    """What comes before the byte that cannot be unpacked."""
    data = bytearray()
    try:
        for k in range(len(piece)):
            data += state.decompress(piece[k : k + 1], 0)
    except zlib.error:
        pass
    return bytes(data[:most])


class _Blocks:
    def __init__(self, read: ReadAt, packed: int, doubts: Doubts) -> None:
        self._read = read
        start = _Point(0, 0, zlib.decompressobj(_GZIP))
        self._points = [start]
        self._cursor = _Cursor(read, start)
        self.size = self._measure(packed, doubts)
        self._outs = [p.out for p in self._points]
        self._block = lru_cache(32)(self._load)

    def _measure(self, packed: int, doubts: Doubts) -> int:
        spacing = max(LEAST_SPACING, 4 * packed // MAX_POINTS)
        cursor = self._cursor
        while cursor.block(BLOCK):
            if cursor.out - self._points[-1].out >= spacing and not cursor.fault:
                self._points.append(cursor.point())
                if len(self._points) > MAX_POINTS:  # it was packed better than expected
                    self._points, spacing = self._points[::2], 2 * spacing
            if cursor.out > MAX_BYTES:
                raise _refused(f"at most {MAX_BYTES} bytes", "more")
        if not cursor.out:
            raise _refused("a sound gzip stream", cursor.fault or "an empty one")
        if cursor.fault:
            doubts.add(
                "damaged_gzip",
                f"disk bytes up to {cursor.out - 1}",
                "gzip streams that end and fit their CRC-32",
                cursor.fault,
                "the image is cut or damaged: the disk was read up to there, and its bytes are not vouched for",
                Severity.ERROR,
            )
        elif cursor.at < packed:
            doubts.add(
                "gzip_trailing_bytes",
                f"file byte {cursor.at}",
                "the end of the file behind its gzip streams",
                f"{packed - cursor.at} bytes more",
                "they were not read",
            )
        return cursor.out

    def read_at(self, at: int, n: int) -> bytes:
        """Bytes of the disk."""
        out = bytearray()
        while n > 0 and at < self.size:
            number, skip = divmod(at, BLOCK)
            part = self._block(number)[skip : skip + n]
            if not part:
                break
            out += part
            at, n = at + len(part), n - len(part)
        return bytes(out)

    def _load(self, number: int) -> bytes:
        wanted = number * BLOCK
        point = self._points[bisect_right(self._outs, wanted) - 1]
        if not point.out <= self._cursor.out <= wanted:
            self._cursor = _Cursor(self._read, point)
        while self._cursor.out < wanted and self._cursor.block(
            min(BLOCK, wanted - self._cursor.out)
        ):
            pass
        return self._cursor.block(BLOCK) if self._cursor.out == wanted else b""


def _refused(expected: str, found: str) -> DiskRefused:
    return DiskRefused("damaged_disk", expected, found, "unpack it, and give the image")
