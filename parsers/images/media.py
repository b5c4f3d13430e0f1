"""Bytes of an image or of a file inside one, read by place; every read ends at the end of what is there."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

Extents = tuple[tuple[int | None, int], ...]
"""(byte offset in the media, length) in order; None: not recorded, reads as zeros."""

READ_BYTES = 1 << 20


class Media(Protocol):
    """Something that is read by place."""

    @property
    def size(self) -> int:
        """Length in bytes."""
        ...

    def read(self, at: int, n: int) -> bytes:
        """At most `n` bytes from `at`; fewer at the end, none beyond it."""
        ...

    def address(self, at: int) -> int:
        """Byte offset of `at` in the outermost media: where the evidence holds it."""
        ...


@dataclass(frozen=True, slots=True)
class Whole:
    """A stream from its first byte to its last."""

    stream: BinaryIO
    size: int

    def read(self, at: int, n: int) -> bytes:
        """At most `n` bytes from `at`; a stream may give them in pieces."""
        left = min(n, self.size - at)
        if at < 0 or left <= 0:
            return b""
        self.stream.seek(at)
        parts = []
        while left > 0 and (part := self.stream.read(left)):
            parts.append(part)
            left -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def address(self, at: int) -> int:
        """The place itself."""
        return at


@dataclass(frozen=True, slots=True)
class Pieces:
    """A file inside an image as media of its own: its extents one after the other."""

    outer: Media
    extents: Extents
    ends: tuple[int, ...]

    @classmethod
    def of(cls, outer: Media, extents: Extents, size: int) -> "Pieces":
        """Media over the first `size` bytes of the extents."""
        kept: list[tuple[int | None, int]] = []
        ends: list[int] = []
        for start, length in extents:
            done = ends[-1] if ends else 0
            if (length := min(length, size - done)) > 0:
                kept.append((start, length))
                ends.append(done + length)
        return cls(outer, tuple(kept), tuple(ends))

    @property
    def size(self) -> int:
        """Sum of the extents' lengths."""
        return self.ends[-1] if self.ends else 0

    def read(self, at: int, n: int) -> bytes:
        """At most `n` bytes from `at`; shorter where an extent leaves the outer media."""
        out = bytearray()
        for start, length in self.cut(at, n):
            got = bytes(length) if start is None else self.outer.read(start, length)
            out += got
            if len(got) < length:
                break
        return bytes(out)

    def cut(self, at: int, n: int) -> Iterator[tuple[int | None, int]]:
        """The range [at, at + n) as extents of the outer media, as far as it goes."""
        while n > 0 and 0 <= at < self.size:
            number = bisect_right(self.ends, at)
            start, length = self.extents[number]
            inner = at - (self.ends[number] - length)
            take = min(n, length - inner)
            yield (None if start is None else start + inner), take
            at, n = at + take, n - take

    def address(self, at: int) -> int:
        """Offset in the outermost media; the start of the file for what was not recorded."""
        number = min(bisect_right(self.ends, at), len(self.ends) - 1)
        if number < 0:
            return self.outer.address(0)
        start, length = self.extents[number]
        if start is None:
            recorded = next((s for s, _ in self.extents if s is not None), 0)
            return self.outer.address(recorded)
        return self.outer.address(start + at - (self.ends[number] - length))


def blocks(media: Media, at: int, n: int) -> Iterator[bytes]:
    """The bytes [at, at + n) in blocks of at most 1 MiB; ends early where the media does."""
    end = at + n
    while at < end:
        block = media.read(at, min(READ_BYTES, end - at))
        if not block:
            return
        yield block
        at += len(block)
