"""NTFS volumes on a disk whose partition table is gone: found by their boot sectors where partitioners put them."""

from parsers.contract import Severity
from parsers.disks.streams import Doubts, ReadAt
from parsers.volumes.ntfs_boot import read_boot
from parsers.volumes.partitions import Partition

STEP = 1 << 20
OLD_START = 63 * 512
"""Before Windows Vista the first partition began behind one track of 63 sectors."""
MAX_PLACES = 16_384


def search(read: ReadAt, size: int, doubts: Doubts) -> list[Partition]:
    """Volumes at 63 sectors or at a MiB of the disk's first 16 GiB; each is told as a doubt.

    A boot sector inside a volume that was found (its copy, a file) is not taken for another.
    """
    found: list[Partition] = []
    end = 0
    for place in (OLD_START, *range(STEP, min(size, STEP * MAX_PLACES), STEP)):
        if place < end or place + 512 > size:
            continue
        boot = read_boot(read(place, 512), place)
        if boot is None or not boot.size:
            continue
        length = min(boot.size + 512, size - place)
        found.append(Partition(f"volume at {place}", place, length, "found", b""))
        end = place + length
    for partition in found:
        doubts.add(
            "partition_table_missing",
            f"offset {partition.start}",
            "a partition table that lists this volume",
            "none; a boot sector of NTFS",
            "the volume was read from its boot sector on",
            Severity.WARNING,
        )
    return found
