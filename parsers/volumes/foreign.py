"""Names what a partition holds that is not read here: by the marks of other file systems, or by its type."""

from dataclasses import dataclass

from parsers.disks.streams import ReadAt

_WINDOWS = "attach the image to Windows, read-only, and collect the files there"
_OTHER = "it is of another system; what it holds was not looked for"
_POOL = "attach all disks of the pool to Windows and make an image of the virtual disk"
_DYNAMIC = "attach all disks of the group to Windows and make an image of the volume"


@dataclass(frozen=True, slots=True)
class Foreign:
    """What a partition is, what to do, and whether files of Windows may be in it."""

    name: str
    advice: str
    of_windows: bool


_MARKS: tuple[tuple[int, bytes, Foreign], ...] = (
    (3, b"ReFS\0\0\0\0", Foreign("ReFS", _WINDOWS, True)),
    (0, b"SPACEDB ", Foreign("a disk of a storage pool", _POOL, True)),
    (0, b"XFSB", Foreign("XFS", _OTHER, False)),
    (0, b"LUKS\xba\xbe", Foreign("LUKS, which encrypts", _OTHER, False)),
    (32, b"NXSB", Foreign("APFS", _OTHER, False)),
    (512, b"LABELONE", Foreign("LVM", _OTHER, False)),
    (1024, b"H+\0\x04", Foreign("HFS+", _OTHER, False)),
    (1024, b"HX\0\x05", Foreign("HFSX", _OTHER, False)),
    (1080, b"\x53\xef", Foreign("ext2, ext3 or ext4", _OTHER, False)),
    (4086, b"SWAPSPACE2", Foreign("swap space of Linux", _OTHER, False)),
    (0x10040, b"_BHRfS_M", Foreign("Btrfs", _OTHER, False)),
)
_DYNAMIC_DISK = Foreign("a volume of a dynamic disk, or a part of one", _DYNAMIC, True)
_TYPES = {
    "42": _DYNAMIC_DISK,
    "af9b60a0-1431-4f62-bc68-3311714a69ad": _DYNAMIC_DISK,
    "e75caf8f-f680-4cee-afa3-b001e56efc2d": Foreign("a disk of a storage pool", _POOL, True),
    "5808c8aa-7e8f-42e0-85d2-e1e90434cfb3": Foreign("the list of a dynamic disk", _DYNAMIC, False),
    "e3c9e316-0b5c-4db8-817d-f92df00215ae": Foreign("reserved space of Windows", _OTHER, False),
}
_BASIC = ("01", "04", "06", "07", "0b", "0c", "0e", "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7")
_UNKNOWN = Foreign(
    "no known file system although its type promises one",
    "it is damaged, encrypted or empty",
    True,
)


def foreign(read: ReadAt, start: int, kind: str = "") -> Foreign | None:
    """What lies at a place of a disk, where no file system that is read here does; None: nothing known.

    Args:
        read: reads the disk.
        start: where the partition begins.
        kind: its type (`Partition.kind`).
    """
    for offset, mark, known in _MARKS:
        if read(start + offset, len(mark)) == mark:
            return known
    return _UNKNOWN if kind in _BASIC else _TYPES.get(kind)
