"""Chunks of an acquired disk (EWF of either version), each with its checksum: read, unpacked, and told where they are wrong."""

import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import Protocol

from parsers.contract import Severity
from parsers.disks.streams import Doubts

PIECE = 512
"""Bytes unpacked at a time: what precedes the damage is kept."""


class Unpacker(Protocol):
    """A decompressor of zlib or bz2."""

    @property
    def eof(self) -> bool:
        """Whether the end of the packed data was met."""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Unpack some bytes."""


class Chunks:
    """Bytes of the disk from its chunks; what is lost reads as zeros.

    Args:
        size: bytes of a chunk.
        load: gives the bytes of a chunk by its number, b"" if it is lost.
        doubts: takes what is wrong.
    """

    def __init__(self, size: int, load: Callable[[int], bytes], doubts: Doubts) -> None:
        self._size, self._doubts = size, doubts
        self._chunk = lru_cache(64)(load)

    def read_at(self, at: int, n: int) -> bytes:
        """Bytes of the disk; chunks that are lost are zeros."""
        out, size = bytearray(), self._size
        while n > 0:
            number, skip = divmod(at, size)
            take = min(n, size - skip)
            out += self._chunk(number)[skip : skip + take].ljust(take, b"\0")
            at, n = at + take, n - take
        return bytes(out)

    def unpacked(self, number: int, data: bytes, wanted: int, state: Unpacker) -> bytes:
        """A packed chunk, as far as it can be unpacked."""
        out = bytearray()
        try:
            for k in range(0, len(data), PIECE):
                out += state.decompress(data[k : k + PIECE], self._size - len(out) + 1)
                if state.eof or len(out) > self._size:
                    break
        except (zlib.error, OSError) as error:
            self.bad(number, wanted, f"{error}")
            return bytes(out[:wanted])
        if len(out) < wanted or not state.eof:
            self.bad(number, wanted, f"{len(out)} bytes")
        return bytes(out[:wanted])

    def bad(self, number: int, wanted: int, found: str) -> None:
        """Tell a chunk that does not fit its checksum."""
        start = number * self._size
        self._doubts.add(
            "chunk_checksum",
            f"disk bytes {start} to {start + wanted - 1}",
            "a chunk that fits its checksum",
            found,
            "the image was altered or damaged after acquisition; the bytes are as found, or zeros",
            Severity.ERROR,
        )
