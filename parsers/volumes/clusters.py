"""What FAT and exFAT have in common: chains of clusters, and directories of entries of 32 bytes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from parsers.disks.streams import ReadAt
from parsers.volumes.model import Extents

ENTRY = 32
MAX_DIRECTORY = 64 << 20
MAX_FAT = 1 << 30


@dataclass(frozen=True, slots=True)
class Clusters:
    """The clusters of a volume: number 2 lies at byte `start`, `last` is the highest, `end` marks the end of a chain."""

    start: int
    size: int
    last: int
    end: int
    following: Callable[[int], int]

    def place(self, cluster: int) -> int:
        """Byte offset of a cluster in the volume."""
        return self.start + (cluster - 2) * self.size

    def holds(self, cluster: int) -> bool:
        """Whether there is a cluster of that number."""
        return 2 <= cluster <= self.last

    def chain(self, first: int, most: int) -> tuple[Extents, str]:
        """(extents of at most `most` bytes, what ended the chain too early); loops and wild links end it."""
        out: list[tuple[int | None, int]] = []
        seen: set[int] = set()
        cluster, length = first, 0
        while length < most and cluster < self.end:
            if cluster in seen:
                return tuple(out), "a loop"
            if not self.holds(cluster):
                return tuple(out), f"cluster {cluster}"
            seen.add(cluster)
            place = self.place(cluster)
            if out and out[-1][0] is not None and out[-1][0] + out[-1][1] == place:
                out[-1] = (out[-1][0], out[-1][1] + self.size)
            else:
                out.append((place, self.size))
            length += self.size
            cluster = self.following(cluster)
        return tuple(out), ""


def entries(read: ReadAt, extents: Extents) -> Iterator[tuple[bytes, int]]:
    """(32 bytes, byte offset) of a directory's entries up to its end."""
    for start, length in extents:
        if start is None:
            continue
        data = read(start, length)
        for at in range(0, len(data) - ENTRY + 1, ENTRY):
            if not data[at]:
                return
            yield data[at : at + ENTRY], start + at
