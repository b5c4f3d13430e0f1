"""Builds pages of a folder's index ($I30) with fixups, and deletes entries as NTFS does: by moving the rest up.

Layout: linux-ntfs documentation, index record and index entry. Shares no code with the parser.
"""

import struct
from dataclasses import dataclass

PAGE, SECTOR = 4096, 512
FIRST = 64
TIME = 133_541_118_000_000_001


@dataclass(frozen=True)
class Name:
    """One entry."""

    name: str
    record: int = 70
    sequence: int = 3
    parent: int = 64
    time: int = TIME
    size: int = 1234
    flags: int = 0x20
    namespace: int = 3

    def entry(self) -> bytes:
        """Bytes of the index entry."""
        text = self.name.encode("utf-16-le")
        value = struct.pack(
            "<QQQQQQQIIBB",
            self.parent | 1 << 48,
            self.time,
            self.time + 10_000_000,
            self.time,
            self.time,
            4096,
            self.size,
            self.flags,
            0,
            len(text) // 2,
            self.namespace,
        )
        content = value + text
        length = (16 + len(content) + 7) // 8 * 8
        head = struct.pack("<QHHI", self.record | self.sequence << 48, length, len(content), 0)
        return (head + content).ljust(length, b"\0")


def page(names: list[Name], vcn: int = 0, before: bytes = b"") -> bytes:
    """A page of entries; `before` is what the page held earlier (an unfixed page), for its slack."""
    body = b"".join(n.entry() for n in names) + struct.pack("<QHHI", 0, 16, 0, 2)
    out = bytearray(before or PAGE)
    used = FIRST + len(body)
    struct.pack_into(
        "<4sHHQQIIII", out, 0, b"INDX", 40, 9, 1, vcn, FIRST - 24, used - 24, PAGE - 24, 0
    )
    out[FIRST:used] = body
    return bytes(out)


def with_fixups(raw: bytes, mark: bytes = b"\x07\x00") -> bytes:
    """The page as it lies on the disk."""
    out = bytearray(raw)
    out[40:42] = mark
    for n in range(1, PAGE // SECTOR + 1):
        end = n * SECTOR
        out[40 + 2 * n : 42 + 2 * n] = out[end - 2 : end]
        out[end - 2 : end] = mark
    return bytes(out)
