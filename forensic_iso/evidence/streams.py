"""Read-only streams over evidence: files, ranges of them, deflated members at any position.

A damaged member gives the bytes before the damage and a problem instead of an exception: parsers of
damaged logs can use what is left. `stream_problems` hands the problems over once the stream has
been read.
"""

import io
import os
import zlib
from dataclasses import dataclass
from typing import BinaryIO, Protocol, cast

from parsers.contract import Problem, Severity

_STEP = 64 << 10
_PIECE = 1 << 20
_CHECKPOINT_BYTES = 16 << 20
_CHECKPOINTS = 256


def open_readonly(path: str) -> BinaryIO:
    """Open a file for reading, without changing its access time where the system allows it.

    Raises:
        OSError: the file cannot be opened or is no regular file any more.
    """
    flags = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    flags |= getattr(os, "O_NONBLOCK", 0)  # a pipe put in the file's place must not hang the reader
    try:
        descriptor = os.open(path, flags | getattr(os, "O_NOATIME", 0))
    except PermissionError:
        descriptor = os.open(path, flags)  # O_NOATIME is the owner's right only
    try:
        return os.fdopen(descriptor, "rb")
    except OSError:
        os.close(descriptor)
        raise


class _Faulty(Protocol):
    problems: list[Problem]


def stream_problems(stream: BinaryIO) -> list[Problem]:
    """Problems a stream of `open_found` met so far; ask after reading."""
    raw = getattr(stream, "raw", stream)
    return list(cast(_Faulty, raw).problems) if hasattr(raw, "problems") else []


class MemberBytes(io.BytesIO):
    """A member held in memory, with the problems met while it was unpacked."""

    def __init__(self, data: bytes, problems: list[Problem]) -> None:
        super().__init__(data)
        self.problems = problems


class Span(io.RawIOBase):
    """The range [start, start + size) of a stream only this uses, and closes if it owns it."""

    def __init__(self, base: BinaryIO, start: int, size: int, *, owned: bool = True) -> None:
        super().__init__()
        self._owned = owned
        self._base, self._start, self._size, self._at = base, start, size, 0

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """Position in the range."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a position, as streams do."""
        self._at = _target(offset, whence, self._at, self._size)
        return self._at

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        """Read into a buffer."""
        wanted = min(len(buffer), self._size - self._at)
        if wanted <= 0:
            return 0
        self._base.seek(self._start + self._at)
        data = self._base.read(wanted)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        """Close this, and the stream below if owned."""
        if not self.closed and self._owned:
            self._base.close()
        super().close()


@dataclass(frozen=True, slots=True)
class _Checkpoint:
    out_at: int
    packed_at: int
    state: "zlib._Decompress"


class Inflated(io.RawIOBase):
    """A deflated member (RFC 1951) of known length, readable at any position.

    Keeps copies of the decompressor's state on the way, so that going back costs one step of at
    least 16 MiB (or 1/256 of the member) at most. Ends at the declared length whatever the data
    say.
    """

    def __init__(self, packed: Span, size: int, crc: int | None) -> None:
        super().__init__()
        self.problems: list[Problem] = []
        self._packed, self._size, self._crc = packed, size, crc
        self._spacing = max(_CHECKPOINT_BYTES, size // _CHECKPOINTS)
        self._marks = [_Checkpoint(0, 0, zlib.decompressobj(-zlib.MAX_WBITS))]
        self._at = 0
        self._state, self._out_at, self._ready = self._marks[0].state.copy(), 0, b""
        self._frontier, self._running_crc = 0, 0

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """Position in the unpacked bytes."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a position of the unpacked bytes; nothing is read yet."""
        self._at = _target(offset, whence, self._at, self._size)
        return self._at

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        """Unpack into a buffer; 0 at the end, or where the data cannot be unpacked any further."""
        if self._at >= self._size or not len(buffer):
            return 0
        if self._at < self._out_at:
            self._go_back()
        while self._at >= self._out_at + len(self._ready):
            if not self._advance():
                return 0
        begin = self._at - self._out_at
        data = self._ready[begin : begin + len(buffer)]
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def readall(self) -> bytes:
        """All that is left, in large pieces."""
        out = bytearray()
        while piece := self.read(_PIECE):
            out += piece
        return bytes(out)

    def close(self) -> None:
        """Close this and the stream below."""
        if not self.closed:
            self._packed.close()
        super().close()

    def _go_back(self) -> None:
        mark = max((m for m in self._marks if m.out_at <= self._at), key=lambda m: m.out_at)
        self._state, self._out_at, self._ready = mark.state.copy(), mark.out_at, b""
        self._packed.seek(mark.packed_at)

    def _advance(self) -> bool:
        """Unpack the next piece into `_ready`; False at the end or at damage."""
        self._out_at += len(self._ready)
        self._ready = b""
        if self._out_at >= self._size:
            return False
        self._keep_mark()
        most = (
            _PIECE if self._out_at else _STEP
        )  # heads are read of every member: keep the first piece small
        while not self._ready:
            piece = self._state.unconsumed_tail or self._packed.read(_STEP) or b""
            try:
                out = self._state.decompress(piece, min(most, self._size - self._out_at))
            except zlib.error as error:
                self._damaged(str(error))
                return False
            if not out and (self._state.eof or not piece):
                self._damaged("end of the packed data")
                return False
            self._ready = out
        self._check(self._ready)
        return True

    def _keep_mark(self) -> None:
        if self._out_at - self._marks[-1].out_at >= self._spacing:
            self._marks.append(_Checkpoint(self._out_at, self._packed.tell(), self._state.copy()))

    def _check(self, piece: bytes) -> None:
        """Carry the CRC along on the first pass and compare it at the end."""
        if self._crc is None or self._out_at != self._frontier:
            return
        self._running_crc = zlib.crc32(piece, self._running_crc)
        self._frontier += len(piece)
        if self._frontier == self._size and self._running_crc != self._crc:
            self.problems.append(crc_problem(self._crc, self._running_crc))

    def _damaged(self, found: str) -> None:
        problem = Problem(
            "damaged_member",
            f"offset {self._out_at} of the unpacked bytes",
            f"{self._size} bytes",
            found,
            "the archive's member cannot be unpacked any further; what comes before was read",
            Severity.ERROR,
        )
        if problem not in self.problems:
            self.problems.append(problem)


def crc_problem(expected: int, found: int) -> Problem:
    """The checksum the archive holds for a member differs from that of its bytes."""
    return Problem(
        "member_checksum",
        "file",
        f"CRC-32 {expected:08x}",
        f"CRC-32 {found:08x}",
        "the archive's member was altered after packing; its bytes were read as they are",
    )


def _target(offset: int, whence: int, at: int, size: int) -> int:
    origin = {io.SEEK_SET: 0, io.SEEK_CUR: at, io.SEEK_END: size}[whence]
    if origin + offset < 0:
        raise ValueError(f"seek before the start: {origin + offset}")
    return origin + offset
