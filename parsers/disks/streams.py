"""Seekable read-only streams over anything that can be read by place."""

import io
import struct
from collections.abc import Callable, Sequence
from typing import BinaryIO, cast

from parsers.contract import Problem, Severity

ReadAt = Callable[[int, int], bytes]
"""read(at, n): at most n bytes from a place; fewer only at the end of what is there."""

KEPT_PROBLEMS = 100
"""Problems of one disk that are named one by one."""


class Doubts:
    """Problems that a disk meets, also while it is read; the same one is told once."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._seen: set[tuple[str, str]] = set()

    def add(
        self,
        code: str,
        place: str,
        expected: str,
        found: str,
        message: str,
        severity: Severity = Severity.WARNING,
    ) -> None:
        """Take a problem; what goes beyond `KEPT_PROBLEMS` is not kept one by one."""
        key = (code, place)
        if key in self._seen or len(self._seen) >= KEPT_PROBLEMS:
            return
        self._seen.add(key)
        self.problems.append(Problem(code, place, expected, found, message, severity))
        if len(self._seen) == KEPT_PROBLEMS:
            more = f"{KEPT_PROBLEMS} problems are listed, further ones are not"
            self.problems.append(
                Problem("more_problems", place, "fewer", "more", more, Severity.WARNING)
            )


class Placed(io.RawIOBase):
    """A stream of `size` bytes read by `read_at`. Not for several threads at once.

    What `read_at` does not give inside the size reads as zeros: the caller tells the problem. `bytes_read` counts what
    was asked for, twice if twice; `watch` is called with it at each read.
    """

    def __init__(
        self,
        size: int,
        read_at: ReadAt,
        below: Sequence[BinaryIO] = (),
        problems: list[Problem] | None = None,
    ) -> None:
        super().__init__()
        self.size = size
        self.problems = [] if problems is None else problems
        self._read_at, self._below, self._at = read_at, below, 0
        self.bytes_read = 0
        self.watch: Callable[[int], None] | None = None

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """Position."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a position, as streams do."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        if origin + offset < 0:
            raise ValueError(f"seek before the start: {origin + offset}")
        self._at = origin + offset
        return self._at

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        """Fill the buffer, except at the end."""
        data = self.take(self._at, len(buffer))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def take(self, at: int, n: int) -> bytes:
        """The bytes [at, at + n) as far as the size goes; the position stays."""
        wanted = min(n, self.size - at)
        if wanted <= 0 or at < 0:
            return b""
        data = self._read_at(at, wanted)
        self.bytes_read += wanted
        if self.watch is not None:
            self.watch(self.bytes_read)
        return data if len(data) == wanted else data.ljust(wanted, b"\0")

    def get_size(self) -> int:
        """Length, as native libraries ask for it."""
        return self.size

    def close(self) -> None:
        """Close this and the streams below."""
        if not self.closed:
            for stream in self._below:
                stream.close()
        super().close()


def placed(
    size: int,
    read_at: ReadAt,
    below: Sequence[BinaryIO] = (),
    problems: list[Problem] | None = None,
) -> BinaryIO:
    """A `Placed` as the binary stream it is."""
    return cast(BinaryIO, Placed(size, read_at, below, problems))


def size_of(stream: BinaryIO) -> int:
    """Length of a seekable stream in bytes."""
    return stream.seek(0, io.SEEK_END)


def reader(stream: BinaryIO) -> ReadAt:
    """Reads a stream by place; streams that give pieces are asked until all is there.

    Nothing is asked for beyond the end: systems refuse to go to places that damaged tables name.
    """
    if isinstance(stream, Placed):
        return stream.take  # without the copies that reading into buffers makes
    size = size_of(stream)

    def read_at(at: int, n: int) -> bytes:
        if n <= 0 or not 0 <= at < size:
            return b""
        stream.seek(at)
        data = stream.read(n)
        while len(data) < n and (more := stream.read(n - len(data))):
            data += more
        return data

    return read_at


def span(stream: BinaryIO, start: int, size: int) -> BinaryIO:
    """The range [start, start + size) of a stream; closing it leaves the stream open."""
    read = reader(stream)
    return placed(size, lambda at, n: read(start + at, n))


def fields(layout: struct.Struct, data: bytes, at: int = 0) -> tuple[int, ...]:
    """Integers at a place; what lies beyond the data is zero."""
    return layout.unpack(data[at : at + layout.size].ljust(layout.size, b"\0"))
