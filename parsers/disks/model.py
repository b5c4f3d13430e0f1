"""What opening a disk gives: the disk, or why it is not opened."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, cast

from parsers.contract import Opener, Problem
from parsers.disks.streams import Placed

Siblings = Mapping[str, Opener]
"""Files of the same folder by name: segments, extents, parents. They are opened only when wanted."""


class DiskRefused(Exception):
    """The disk is not opened; the texts are those of a problem, `advice` says what to do."""

    def __init__(self, code: str, expected: str, found: str, advice: str) -> None:
        super().__init__(f"{code}: expected {expected}, found {found}; {advice}")
        self.code, self.expected, self.found, self.advice = code, expected, found, advice

    def __reduce__(self) -> tuple[type["DiskRefused"], tuple[str, str, str, str]]:
        """Exceptions with several arguments need help to cross processes."""
        return DiskRefused, (self.code, self.expected, self.found, self.advice)


@dataclass(frozen=True, slots=True)
class Disk:
    """A virtual disk. `stream` reads it; `problems` grows while it is read.

    `stored`: hashes of the whole disk that its file holds from the acquisition, lower-case hex by "MD5" and "SHA-1".
    """

    format: str
    size: int
    stream: BinaryIO
    problems: list[Problem]
    stored: Mapping[str, str] = field(default_factory=dict)

    @property
    def bytes_read(self) -> int:
        """Bytes that were read of the disk so far, in this process; what is read twice counts twice."""
        return cast(Placed, self.stream).bytes_read

    def watch(self, told: Callable[[int], None] | None) -> None:
        """Have `told` called with `bytes_read` at each read; None: no more."""
        cast(Placed, self.stream).watch = told

    def __enter__(self) -> "Disk":
        """The disk itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the stream and all below it."""
        self.stream.close()


def sibling(siblings: Siblings, name: str) -> tuple[str, Callable[[], BinaryIO]] | None:
    """A file of the folder by name, ignoring case as Windows does; (its own name, opener)."""
    if name in siblings:
        return name, siblings[name]
    wanted = name.casefold()
    return next(((n, o) for n, o in siblings.items() if n.casefold() == wanted), None)
