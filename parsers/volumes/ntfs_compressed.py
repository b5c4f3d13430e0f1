"""Files that NTFS keeps compressed: units of clusters, each packed with LZNT1, plain, or a hole."""

from functools import lru_cache
from typing import BinaryIO

from parsers.contract import Severity
from parsers.disks.streams import Doubts, ReadAt, placed
from parsers.volumes.lznt1 import decompress
from parsers.volumes.model import Extents, VolumeRefused, read_extents
from parsers.volumes.ntfs_records import Attribute

MAX_UNIT_BITS = 8


def open_compressed(
    read: ReadAt, extents: Extents, head: Attribute, cluster: int, where: str, doubts: Doubts
) -> BinaryIO:
    """The content of a compressed attribute.

    A unit that has all its clusters is plain, one that has none is zeros, else its first clusters are packed.

    Raises:
        VolumeRefused: units of an implausible size.
    """
    if head.unit_bits > MAX_UNIT_BITS or cluster << head.unit_bits > 1 << 22:
        found = f"units of {1 << head.unit_bits} clusters"
        raise VolumeRefused("damaged_file", "compression units of 16 clusters", found)
    unit = cluster << head.unit_bits
    stored = _stored(extents, unit)
    _, read_runs = read_extents(read, extents)

    def load(number: int) -> bytes:
        have = stored.get(number, 0)
        if not have:
            return b""
        packed = read_runs(number * unit, have)
        if have >= unit:
            return packed
        out = decompress(packed, unit)
        wanted = min(unit, head.initialised - number * unit)
        if len(out) < wanted:
            doubts.add(
                "compressed_unit_damaged",
                where,
                f"{wanted} bytes at {number * unit}",
                f"{len(out)} bytes",
                "the rest of the unit reads as zeros",
                Severity.ERROR,
            )
        return out

    unpacked = lru_cache(16)(load)

    def read_at(at: int, n: int) -> bytes:
        out = bytearray()
        while n > 0:
            number, skip = divmod(at, unit)
            take = min(n, unit - skip)
            out += unpacked(number)[skip : skip + take].ljust(take, b"\0")
            at, n = at + take, n - take
        return bytes(out)

    return placed(head.size, read_at, problems=doubts.problems)


def _stored(extents: Extents, unit: int) -> dict[int, int]:
    """Bytes stored of each unit that has any."""
    found: dict[int, int] = {}
    at = 0
    for start, length in extents:
        end = at + length
        while start is not None and at < end:
            step = min(end, (at // unit + 1) * unit) - at
            found[at // unit] = found.get(at // unit, 0) + step
            at += step
        at = end
    return found
