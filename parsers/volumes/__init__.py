"""Volumes of a disk and the files on them: NTFS, FAT12, FAT16, FAT32, exFAT."""

from dataclasses import dataclass
from typing import BinaryIO

from parsers.disks.streams import Doubts, reader, span
from parsers.volumes.exfat import OEM as EXFAT_OEM
from parsers.volumes.exfat import ExfatVolume
from parsers.volumes.fat import FatVolume, is_fat
from parsers.volumes.model import Extents, Node, Volume, VolumeRefused
from parsers.volumes.ntfs import NtfsVolume
from parsers.volumes.ntfs_boot import OEM as NTFS_OEM
from parsers.volumes.partitions import Partition, partitions
from parsers.volumes.search import search

BITLOCKER = b"-FVE-FS-"
_TO_GO = bytes.fromhex("3bd66749292ed84a8399f6a339e3d001")
"""BitLocker's GUID in the FAT boot sector of a To Go volume."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A volume's place on the disk. `filesystem`: NTFS, FAT, exFAT, BitLocker, or None for none of these."""

    name: str
    start: int
    size: int
    filesystem: str | None
    partition: Partition | None = None


def list_volumes(disk: BinaryIO, size: int, doubts: Doubts | None = None) -> list[Listed]:
    """The volumes of a disk of `size` bytes: its partitions, or the whole disk where it is one volume.

    Where there is no table, or it leads to no file system, NTFS volumes are searched for.

    Args:
        disk: the disk's bytes.
        size: its length.
        doubts: takes the problems of the partition tables.
    """
    read = reader(disk)
    whole = filesystem_of(read(0, 512))
    if whole is not None:
        return [Listed("volume", 0, size, whole)]
    doubts = doubts or Doubts()
    table = partitions(read, size, doubts)
    if not table and filesystem_of(read(max(0, size - 512), 512)) == "NTFS":
        return [Listed("volume", 0, size, "NTFS")]
    listed = [_listed(disk, p) for p in table]
    if not any(one.filesystem for one in listed):
        listed += [_listed(disk, p) for p in search(read, size, doubts)]
    return listed


def _listed(disk: BinaryIO, partition: Partition) -> Listed:
    known = filesystem_of(reader(disk)(partition.start, 512)) or _by_copy(disk, partition)
    return Listed(partition.name, partition.start, partition.size, known, partition)


def filesystem_of(boot: bytes) -> str | None:
    """Which file system a boot sector begins."""
    if boot[3:11] == NTFS_OEM:
        return "NTFS"
    if boot[3:11] == EXFAT_OEM:
        return "exFAT"
    if boot[3:11] == BITLOCKER or boot[160:176] == _TO_GO or boot[424:440] == _TO_GO:
        return "BitLocker"
    return "FAT" if is_fat(boot) else None


def open_volume(stream: BinaryIO, start: int, size: int) -> Volume:
    """The file system at [start, start + size) of a disk.

    Raises:
        VolumeRefused: none that is read here, or it is damaged.
    """
    inside = span(stream, start, size)
    kind = filesystem_of(reader(inside)(0, 512))
    if kind == "FAT":
        return FatVolume(inside, size)
    if kind == "exFAT":
        return ExfatVolume(inside, size)
    if kind == "BitLocker":
        raise VolumeRefused("encrypted_volume", "a volume that is not encrypted", "BitLocker")
    return NtfsVolume(inside, size)


def _by_copy(disk: BinaryIO, partition: Partition) -> str | None:
    """NTFS keeps a copy of its boot sector at its end."""
    end = partition.start + partition.size
    copy = filesystem_of(reader(disk)(max(0, end - 512), 512))
    return copy if copy == "NTFS" else None


__all__ = [
    "Extents",
    "Listed",
    "Node",
    "NtfsVolume",
    "Partition",
    "Volume",
    "VolumeRefused",
    "filesystem_of",
    "list_volumes",
    "open_volume",
    "partitions",
]
