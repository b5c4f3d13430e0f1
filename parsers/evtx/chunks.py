"""File header, chunks and their checksums.

An EVTX file is a 4,096-byte header block (`ElfFile`) followed by 64 KiB chunks (`ElfChnk`). Live copies are dirty and
their counts stale, so chunks are found by their own mark. Source of the layout: libevtx's format description.
"""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from parsers.contract import Part, Problem, Severity
from parsers.evtx.problems import Problems

CHUNK = 65536
HEADER_BLOCK = 4096
FIRST_RECORD = 512
FILE_MARK = b"ElfFile\0"
CHUNK_MARK = b"ElfChnk\0"
RECORD_MARK = b"**\0\0"
MIN_RECORD = 28
"""A record's head of 24 bytes, and its size again."""
RUN_CHUNKS = 384
"""Chunks read and rendered together: 24 MiB. Fewer cost more CPU per record, more cost memory."""

AHEAD = CHUNK + FIRST_RECORD + 8
"""Bytes that decide what stands at a place: a chunk, and the first record's mark behind it."""

WHOLE = Part()
DIRTY, NO_CHECKSUMS = 1, 4
READ_ERRORS = (OSError, EOFError, ValueError, zlib.error, zipfile.BadZipFile)
"""What a stream over a container raises where the container is broken."""

_U32 = struct.Struct("<I").unpack_from
_HEADER = struct.Struct("<8sQQQIHHHH")
_CHUNK_HEAD = struct.Struct("<8sQQQQIIII")


@dataclass(frozen=True, slots=True)
class FileHeader:
    """The file's header block. `chunks` and `current` (the chunk being written) may be stale in a dirty file."""

    current: int
    chunks: int
    flags: int
    crc_ok: bool

    @property
    def dirty(self) -> bool:
        """The log was not closed: counts and the current chunk's checksums may be stale."""
        return bool(self.flags & DIRTY)


def file_header(block: bytes) -> FileHeader | None:
    """Read the header block; None if it is too short or its mark is not there."""
    if len(block) < 128 or not block.startswith(FILE_MARK):
        return None
    fields = _HEADER.unpack_from(block)
    flags, crc = struct.unpack_from("<II", block, 120)
    return FileHeader(fields[2], fields[8], flags, zlib.crc32(block[:120]) == crc)


@dataclass(frozen=True, slots=True)
class ChunkHead:
    """One chunk: its place, its header's claims, and whether its two checksums match.

    `valid` is the number of bytes that the file really holds (65,536 but for a cut file).
    """

    offset: int
    valid: int
    mark_ok: bool
    first_id: int
    last_id: int
    free: int
    header_ok: bool
    records_ok: bool
    checked: bool

    @property
    def crc_ok(self) -> bool:
        """Both checksums match."""
        return self.header_ok and self.records_ok


def chunk_head(raw: bytes, at: int, offset: int, valid: int) -> ChunkHead:
    """Read the header of the chunk at `at` in `raw` and verify its checksums."""
    mark, _, _, first, last, _, _, free, crc = _CHUNK_HEAD.unpack_from(raw, at)
    flags, head_crc = struct.unpack_from("<II", raw, at + 120)
    view = memoryview(raw)
    own = zlib.crc32(view[at + 128 : at + FIRST_RECORD], zlib.crc32(view[at : at + 120]))
    sound = FIRST_RECORD <= free <= CHUNK
    body = sound and zlib.crc32(view[at + FIRST_RECORD : at + free]) == crc
    return ChunkHead(
        offset,
        valid,
        mark == CHUNK_MARK,
        first,
        last,
        free,
        own == head_crc,
        body,
        not flags & NO_CHECKSUMS,
    )


@dataclass(frozen=True, slots=True)
class Run:
    """Up to RUN_CHUNKS chunks, one after the other in `raw` (a cut one is padded with zeros)."""

    raw: bytes
    heads: tuple[ChunkHead, ...]
    first_index: int


class ChunkReader:
    """Reads a stream from start to end and gives runs of chunks.

    Of a part it gives the chunks that start in it; the part must start with a chunk's mark.
    """

    def __init__(
        self,
        stream: BinaryIO,
        problems: Problems,
        part: Part = WHOLE,
        per_run: int = RUN_CHUNKS,
    ) -> None:
        self._stream = stream
        self.problems = problems
        self._part = part
        self._per_run = per_run
        self._buf = b""
        self._at = 0
        self._base = part.start
        self._end = False
        self._next_index = 0
        self._expected: int | None = None
        self.header: FileHeader | None = None
        self.head_block = b""
        self.size = 0

    def start(self) -> None:
        """Read the header block, if it is in the part, and stand where the first chunk should be."""
        if self._part.start:
            self._expected = self._part.start
            try:
                self._stream.seek(self._part.start)
            except READ_ERRORS as error:
                self._stop(error, self._part.start)
            return
        self._fill(HEADER_BLOCK + FIRST_RECORD + 8)
        self.head_block = self._buf[:HEADER_BLOCK]
        self.header = file_header(self.head_block)
        first = self._buf[HEADER_BLOCK:]
        if (
            self.header
            or first.startswith(CHUNK_MARK)
            or first[FIRST_RECORD:].startswith(RECORD_MARK)
        ):
            self._at = min(HEADER_BLOCK, len(self._buf))
            self._expected = HEADER_BLOCK

    def runs(self) -> Iterator[Run]:
        """Give the chunks in runs until the part or the stream ends."""
        pieces: list[tuple[int, int, bytes]] = []
        while self._left() > 0:
            self._fill(self._per_run * CHUNK)
            ahead = 0 if pieces else self._sound_ahead()
            if ahead:
                yield self._whole(ahead)
                continue
            found = self._here()
            if found:
                pieces.append((self._base + self._at, found, self._take(found)))
                self._expected = pieces[-1][0] + CHUNK
            elif not self._skip():
                break
            ends = pieces and self._grid(self.place) != self._grid(pieces[0][0])
            if ends or len(pieces) == self._per_run:
                yield self._run(pieces)
                pieces = []
        if pieces:
            yield self._run(pieces)

    @property
    def place(self) -> int:
        """Offset in the stream of the next byte to look at."""
        return self._base + self._at

    def _left(self) -> int:
        """Bytes up to the end of the part; more than any stream has where it has no end."""
        return (1 << 63 if self._part.stop is None else self._part.stop) - self.place

    def _sound_ahead(self) -> int:
        """Whole chunks with their marks from the current place on; 0 unless they fill a run or the buffer."""
        ahead = min(len(self._buf) - self._at, self._left() + CHUNK - 1)
        n = min(ahead // CHUNK, self._to_grid())
        at = self._at
        for i in range(n):
            if not self._buf.startswith(CHUNK_MARK, at + i * CHUNK):
                return i if i > self._per_run // 2 else 0
        return n

    def _to_grid(self) -> int:
        """Chunks up to the next place where a run ends: runs are the same where a log is read in parts."""
        return self._per_run - (self.place - HEADER_BLOCK) // CHUNK % self._per_run

    def _grid(self, place: int) -> int:
        return (place - HEADER_BLOCK) // CHUNK // self._per_run

    def _whole(self, n: int) -> Run:
        """A run of sound chunks, in one slice."""
        raw = self._buf[self._at : self._at + n * CHUNK]
        place = self._base + self._at
        self._at += n * CHUNK
        self._expected = place + n * CHUNK
        heads = tuple(chunk_head(raw, i * CHUNK, place + i * CHUNK, CHUNK) for i in range(n))
        run = Run(raw, heads, self._next_index)
        self._next_index += n
        return run

    def _run(self, pieces: list[tuple[int, int, bytes]]) -> Run:
        raw = b"".join(p for _, _, p in pieces)
        heads = tuple(
            chunk_head(raw, i * CHUNK, offset, valid) for i, (offset, valid, _) in enumerate(pieces)
        )
        run = Run(raw, heads, self._next_index)
        self._next_index += len(heads)
        return run

    def _fill(self, want: int) -> None:
        """Have at least one chunk beyond the current place, reading `want` bytes at a time."""
        if self._end or len(self._buf) - self._at >= AHEAD:
            return
        want = max(min(want, self._left()), AHEAD)
        parts, have = [self._buf[self._at :]], len(self._buf) - self._at
        self._base += self._at
        self._at = 0
        while have < want:
            try:
                data = self._stream.read(want - have)
            except READ_ERRORS as error:
                self._stop(error, self._base + have)
                data = b""
            if not data:
                self._end = True
                break
            parts.append(data)
            have += len(data)
        self._buf = parts[1] if len(parts) == 2 and not parts[0] else b"".join(parts)
        self.size = self._base + have

    def _stop(self, error: Exception, place: int) -> None:
        self._end = True
        self.problems.add(
            Problem(
                "read_error",
                f"offset {place}",
                "readable bytes",
                type(error).__name__,
                f"the stream cannot be read further: {error}"[:300],
                Severity.ERROR,
            )
        )

    def _here(self) -> int:
        """Bytes of the chunk that starts at the current place; 0 if none does."""
        stop = min(len(self._buf), self._at + CHUNK)
        if self._buf.startswith(CHUNK_MARK, self._at):
            return stop - self._at
        if self._base + self._at != self._expected:
            return 0
        mark = self._buf.find(CHUNK_MARK, self._at, stop)
        stop = stop if mark < 0 else mark
        first = self._buf.startswith(RECORD_MARK, self._at + FIRST_RECORD, stop)
        return stop - self._at if first or self._has_record(stop) else 0

    def _has_record(self, stop: int) -> bool:
        """Whether a record with its size at both ends lies before `stop`: what is left of a chunk whose head is gone."""
        at = self._buf.find(RECORD_MARK, self._at, stop)
        while 0 <= at <= stop - MIN_RECORD:
            (size,) = _U32(self._buf, at + 4)
            sound = MIN_RECORD <= size <= stop - at and (at - self._at) % 8 == 0
            if sound and _U32(self._buf, at + size - 4)[0] == size:
                return True
            at = self._buf.find(RECORD_MARK, at + 1, stop)
        return False

    def _take(self, n: int) -> bytes:
        piece = self._buf[self._at : self._at + n]
        place = f"offset {self._base + self._at}"
        if n < CHUNK:
            cut = self._at + n == len(self._buf)
            message = "the file ends" if cut else "the next chunk starts"
            self.problems.add(
                Problem(
                    "file_cut" if cut else "chunk_cut",
                    place,
                    f"{CHUNK} bytes",
                    f"{n} bytes",
                    f"{message} inside this chunk",
                )
            )
            piece = piece.ljust(CHUNK, b"\0")
        if not piece.startswith(CHUNK_MARK):
            message = "chunk without its mark, taken for the record marks in it"
            self.problems.add(
                Problem("chunk_mark_lost", place, "ElfChnk", piece[:8].hex(), message)
            )
        self._at += n
        return piece

    def _skip(self) -> bool:
        """Move to the next chunk mark, or to the next place of a chunk that holds a record; False at the end."""
        start, blank, found = self.place, True, False
        while not found:
            if self._expected is not None and self._expected <= self.place:
                self._expected += (1 + (self.place - self._expected) // CHUNK) * CHUNK
            have, tail = len(self._buf), len(CHUNK_MARK) - 1
            stop = have if self._expected is None else min(have, self._expected - self._base)
            mark = self._buf.find(CHUNK_MARK, self._at, stop + tail)
            if mark >= 0:
                stop = mark
            elif stop == have and not self._end:
                stop = max(self._at, have - tail)
            blank = blank and not self._buf.count(b"\0", self._at, stop) < stop - self._at
            ended = self._end and stop == len(self._buf)
            self._at = stop
            if ended:
                break
            self._fill(self._per_run * CHUNK)
            found = mark >= 0 or self._here() > 0
        n = self._base + self._at - start
        if n and (found or not blank):
            what = "zeros" if blank else "other bytes"
            self.problems.add(
                Problem(
                    "chunk_lost",
                    f"offset {start}",
                    "a chunk",
                    f"{n} bytes of {what}",
                    f"{n} bytes hold no chunk and were skipped",
                    Severity.INFO if blank else Severity.ERROR,
                )
            )
        return found
