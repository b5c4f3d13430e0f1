"""What the reader of a file system gives, whichever it is."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from parsers.disks.streams import Doubts, ReadAt, placed

HIDDEN, SYSTEM, READ_ONLY, DIRECTORY = 2, 4, 1, 0x10
MAX_ENTRIES = 4_000_000
MAX_DEPTH = 255

Extents = tuple[tuple[int | None, int], ...]
"""(byte offset in the volume, length) in order; None: not stored, reads as zeros."""


class VolumeRefused(Exception):
    """The volume or a file is not read; the texts are those of a problem."""

    def __init__(self, code: str, expected: str, found: str, message: str = "") -> None:
        super().__init__(f"{code}: expected {expected}, found {found}")
        self.code, self.expected, self.found, self.message = code, expected, found, message

    def __reduce__(self) -> tuple[type["VolumeRefused"], tuple[str, str, str, str]]:
        """Exceptions with several arguments need help to cross processes."""
        return VolumeRefused, (self.code, self.expected, self.found, self.message)


@dataclass(frozen=True, slots=True)
class Node:
    r"""A file or folder of a volume.

    `path` starts at the volume's root with a backslash. `attributes` are Windows' file attributes (MS-FSCC 2.6).
    Times are ns since 1970, UTC unless `local`: then the wall clock of the writing machine. `file_id` is the NTFS file
    reference (sequence number in the upper 16 bits), elsewhere the byte offset of the directory entry. `address` is
    the byte offset in the volume of the record or directory entry. `streams` names the alternate data streams.
    """

    path: str
    name: str
    is_directory: bool
    size: int
    attributes: int
    file_id: int
    address: int
    created: int | None = None
    modified: int | None = None
    changed: int | None = None
    accessed: int | None = None
    local: bool = False
    zone_minutes: int | None = None
    streams: tuple[str, ...] = ()
    deleted: bool = False
    short_name: str | None = None

    @property
    def hidden(self) -> bool:
        """Whether Explorer hides it by default."""
        return bool(self.attributes & HIDDEN)


class Volume(Protocol):
    """One file system. `serial` is as Windows shows it (XXXX-XXXX); times as in `Node`."""

    filesystem: str
    label: str | None
    serial: str | None
    size: int
    created: int | None
    doubts: Doubts

    def walk(self) -> Iterator[Node]:
        """Every file and folder, folders before what they hold; deleted ones are marked."""
        ...

    def stat(self, path: str) -> Node | None:
        """A file or folder that is there, by its path; upper and lower case are the same."""
        ...

    def open(self, node: Node, stream: str | None = None) -> BinaryIO:
        """Content of a file, or of one of its alternate data streams.

        Raises:
            VolumeRefused: no such stream, or its bytes are not to be had.
        """
        ...

    def extents(self, node: Node, stream: str | None = None) -> Extents:
        """Where the content lies; empty for content inside a record or compressed."""
        ...


def shown_serial(number: int) -> str:
    """Serial number as Windows shows it."""
    return f"{number >> 16 & 0xFFFF:04X}-{number & 0xFFFF:04X}"


def find(nodes: Iterator[Node], path: str) -> Node | None:
    """The node of a path, ignoring case; deleted ones do not count."""
    wanted = "\\" + path.strip("\\/").replace("/", "\\").casefold()
    return next((n for n in nodes if not n.deleted and n.path.casefold() == wanted), None)


def read_extents(read: ReadAt, extents: Extents) -> tuple[int, ReadAt]:
    """(length, reader) of what the extents hold one after the other."""
    ends: list[int] = []
    for _, length in extents:
        ends.append((ends[-1] if ends else 0) + length)
    total = ends[-1] if ends else 0

    def read_at(at: int, n: int) -> bytes:
        parts: list[bytes] = []
        while n > 0 and at < total:
            k = bisect_right(ends, at)
            start, length = extents[k]
            inner = at - (ends[k] - length)
            take = min(n, length - inner)
            part = b"" if start is None else read(start + inner, take)
            parts.append(part if len(part) == take else part.ljust(take, b"\0"))
            at, n = at + take, n - take
        return parts[0] if len(parts) == 1 else b"".join(parts)

    return total, read_at


def open_extents(
    read: ReadAt, extents: Extents, size: int, tell: Callable[[int], None] | None = None
) -> BinaryIO:
    """A stream of `size` bytes over extents; what they lack reads as zeros, and `tell(bytes)` is told."""
    total, read_at = read_extents(read, extents)
    if total < size and tell is not None:
        tell(total)
    return placed(size, read_at)


def bounded(extents: Sequence[tuple[int | None, int]], size: int) -> Extents:
    """The extents of the first `size` bytes."""
    out: list[tuple[int | None, int]] = []
    for start, length in extents:
        if size <= 0:
            break
        out.append((start, min(length, size)))
        size -= length
    return tuple(out)


def u16(data: bytes, at: int) -> int:
    """Little-endian number of 2 bytes; what is not there is zero."""
    return int.from_bytes(data[at : at + 2], "little")


def u32(data: bytes, at: int) -> int:
    """Little-endian number of 4 bytes; what is not there is zero."""
    return int.from_bytes(data[at : at + 4], "little")


def u64(data: bytes, at: int) -> int:
    """Little-endian number of 8 bytes; what is not there is zero."""
    return int.from_bytes(data[at : at + 8], "little")
