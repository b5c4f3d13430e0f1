"""Opens the volumes of a disk image and the files on them, in any process."""

import io
import os
from functools import lru_cache
from typing import BinaryIO, cast

from forensic_iso.evidence.bitlocker import unlock
from forensic_iso.evidence.found import VOLUME, Found, outer_of
from forensic_iso.evidence.image import bare, open_image
from forensic_iso.evidence.image import forget as forget_images
from forensic_iso.evidence.shadow import stores
from forensic_iso.evidence.zips import BadArchive
from parsers.contract import Problem
from parsers.disks import Disk, DiskRefused
from parsers.disks.streams import Placed, reader, span
from parsers.volumes import (
    Listed,
    Node,
    NtfsVolume,
    Volume,
    VolumeRefused,
    list_volumes,
    open_volume,
)
from parsers.volumes.model import Extents
from parsers.volumes.ntfs_records import INDEX_ALLOCATION

MFT_RECORD = 0
BUFFER = 1 << 16
_MASK48 = (1 << 48) - 1
JOURNAL, INDEX = "$J", "$I30"


def open_inside(found: Found) -> BinaryIO:
    """A stream over a file, or one of its streams, on a volume of an image.

    Raises:
        BadArchive: the image or the volume is not read any more.
        OSError: a file cannot be read.
    """
    try:
        return _open_inside(found)
    except (DiskRefused, VolumeRefused) as error:
        raise BadArchive(error.code, error.expected, error.found) from error


def forget() -> None:
    """Drop the images and volumes that this process holds open."""
    forget_images()
    opened_volume.cache_clear()


def _open_inside(found: Found) -> BinaryIO:
    place = outer_of(found)
    outer = outer_of(place)
    disk = open_image(outer)
    snapshot = int(found.kind.partition(":vss")[2] or 0)
    volume = opened_volume(bare(outer), os.getpid(), place.offsets[-1], snapshot, found.unlock)
    node = node_of(found)
    return watched(open_node(volume, node, stream_of(volume, found)), disk)


def node_of(found: Found) -> Node:
    """As much of a node as opening needs."""
    place = found.offsets[-1]
    return Node(found.member, found.name, False, found.size, 0, place, place)


def stream_of(volume: Volume, found: Found) -> str | None:
    """The alternate data stream that a member's name ends with, if the file has it."""
    if not isinstance(volume, NtfsVolume) or ":" not in found.member:
        return None
    if found.name == INDEX and found.member.endswith(f":{INDEX}"):
        return INDEX
    names = volume.stream_names(found.offsets[-1])
    return next((n for n in names if found.member.endswith(f":{n}")), None)


@lru_cache(maxsize=4)
def opened_volume(
    image: Found, _process: int, start: int, snapshot: int, keys: tuple[str, ...]
) -> Volume:
    """The volume at a place of an image, or its shadow copy of a number (0: the volume itself).

    Raises:
        VolumeRefused: there is none, or it is not read.
    """
    disk = open_image(image)
    listed = next((v for v in list_volumes(disk.stream, disk.size) if v.start == start), None)
    if listed is None:
        raise VolumeRefused("no_file_system", f"a volume at {start}", "none")
    stream, size = plain_volume(disk, listed, keys)
    if snapshot:
        store = next((s for s in stores(stream) if s.number == snapshot), None)
        if store is None:
            raise VolumeRefused("no_shadow_copy", f"shadow copy {snapshot}", "none")
        stream, size = store.stream, store.size
    return open_volume(stream, 0, size)


def plain_volume(disk: Disk, listed: Listed, keys: tuple[str, ...]) -> tuple[BinaryIO, int]:
    """(bytes, length) of a volume, decrypted where BitLocker is around it.

    Raises:
        VolumeRefused: no key fits.
    """
    stream = span(disk.stream, listed.start, listed.size)
    return unlock(stream, keys) if listed.filesystem == "BitLocker" else (stream, listed.size)


def open_node(volume: Volume, node: Node, stream: str | None) -> BinaryIO:
    """Content of a file; of a journal what follows the hole at its start; of record 0 the $MFT as it was found.

    Raises:
        VolumeRefused: its bytes are not to be had.
    """
    if not isinstance(volume, NtfsVolume):
        return volume.open(node, stream)
    if node.file_id & _MASK48 == MFT_RECORD and stream is None:
        return volume.open_mft()
    if stream == INDEX:
        return volume.open_attribute(node.file_id, INDEX_ALLOCATION, INDEX)
    content = volume.open(node, stream)
    hole = hole_before(volume.extents(node, stream)) if stream == JOURNAL else 0
    if not hole:
        return content
    read, size = reader(content), content.seek(0, io.SEEK_END)
    problems: list[Problem] = cast(Placed, content).problems
    return cast(
        BinaryIO, Placed(size - hole, lambda at, n: read(hole + at, n), (content,), problems)
    )


def hole_before(extents: Extents) -> int:
    """Bytes of the hole that a stream starts with; 0 where it has nothing else."""
    hole = 0
    for start, length in extents:
        if start is not None:
            return hole
        hole += length
    return 0


class _Watched(io.RawIOBase):
    """A file's stream that also tells what the disk below meets while it is read."""

    def __init__(self, stream: BinaryIO, disk: Disk) -> None:
        super().__init__()
        self._stream, self._disk = stream, disk
        self._known = len(disk.problems)

    @property
    def problems(self) -> list[Problem]:
        """Problems of the file and, since it was opened, of the disk."""
        own: list[Problem] = getattr(self._stream, "problems", [])
        return [*own, *self._disk.problems[self._known :]]

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """Position."""
        return self._stream.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a position."""
        return self._stream.seek(offset, whence)

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        """Read into a buffer."""
        return cast(io.RawIOBase, self._stream).readinto(buffer) or 0


def watched(stream: BinaryIO, disk: Disk) -> BinaryIO:
    """The stream, buffered; `streams.stream_problems` tells its problems and the disk's."""
    return cast(BinaryIO, io.BufferedReader(_Watched(stream, disk), BUFFER))


def volume_kind(snapshot: int) -> str:
    """Word in `Found.kinds` for a volume or one of its shadow copies."""
    return f"{VOLUME}:vss{snapshot}" if snapshot else VOLUME
