"""Raw images: the disk's bytes as they are, in one file or in numbered parts (`.001`, `.002`)."""

import re
from bisect import bisect_right
from typing import BinaryIO

from parsers.contract import Severity
from parsers.disks.model import Disk, Siblings, sibling
from parsers.disks.streams import Doubts, placed, reader, size_of

_NUMBERED = re.compile(r"(.+\.)(\d{3,5})")
MAX_PARTS = 10_000


def open_raw(name: str, first: BinaryIO, siblings: Siblings) -> Disk:
    """The disk of a raw image; of the first of numbered parts with all that follow it."""
    doubts = Doubts()
    parts = [first, *_following(name, siblings, doubts)]
    sizes = [size_of(part) for part in parts]
    ends, total = [], 0
    for size in sizes:
        total += size
        ends.append(total)
    readers = [reader(part) for part in parts]

    def read_at(at: int, n: int) -> bytes:
        out = b""
        while n > 0 and at < total:
            k = bisect_right(ends, at)
            start = ends[k] - sizes[k]
            piece = readers[k](at - start, min(n, ends[k] - at))
            out = out + piece if out else piece
            if not piece:
                break
            at, n = at + len(piece), n - len(piece)
        return out

    stream = placed(total, read_at, parts, doubts.problems)
    kind = "raw" if len(parts) == 1 else f"raw in {len(parts)} parts"
    return Disk(kind, total, stream, doubts.problems)


def _following(name: str, siblings: Siblings, doubts: Doubts) -> list[BinaryIO]:
    match = _NUMBERED.fullmatch(name)
    if match is None or int(match[2]) > 1:
        return []
    width, at = len(match[2]), int(match[2])
    parts: list[BinaryIO] = []
    for number in range(at + 1, MAX_PARTS):
        part = sibling(siblings, f"{match[1]}{number:0{width}}")
        if part is None:
            break
        parts.append(part[1]())
    last = at + len(parts)
    later = [n for n in map(_NUMBERED.fullmatch, siblings) if n and n[1] == match[1]]
    beyond = sorted(int(n[2]) for n in later if int(n[2]) > last)
    if beyond:
        doubts.add(
            "segment_missing",
            f"part {last + 1}",
            f"{match[1]}{last + 1:0{width}}",
            f"the next one there is number {beyond[0]}",
            "the disk was read up to the missing part",
            Severity.ERROR,
        )
    return parts
