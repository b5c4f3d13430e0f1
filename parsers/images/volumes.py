"""Trees of raw volumes and virtual disks: NTFS, FAT and exFAT, with or without a partition table."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import BinaryIO

from parsers.contract import Severity
from parsers.disks import Disk, DiskRefused, open_disk
from parsers.disks.streams import Doubts, placed, size_of
from parsers.images.media import Extents, Media, Whole
from parsers.images.model import MAX_ENTRIES, MAX_PATH, Entry, Notes, Times, Tree, Volume
from parsers.volumes import Listed, Node, VolumeRefused, list_volumes, open_volume
from parsers.volumes import Volume as FileSystem
from parsers.volumes.foreign import Foreign, foreign
from parsers.volumes.model import HIDDEN, READ_ONLY, SYSTEM

MAX_VOLUMES = 128
MAX_STREAMS = 64
MAX_MARK_BYTES = 65_536
_MARK = "zone.identifier"
_SERIAL_BASIS = "boot sector"
_FIRST_USER_RECORD = 16


@dataclass(frozen=True, slots=True)
class DiskMedia:
    """The disk inside a file. Addresses are those of the file where the disk is the file's own bytes."""

    whole: Whole
    file: Media | None

    @property
    def size(self) -> int:
        """Length of the disk."""
        return self.whole.size

    def read(self, at: int, n: int) -> bytes:
        """At most `n` bytes of the disk."""
        return self.whole.read(at, n)

    def address(self, at: int) -> int:
        """Offset in the file, or in the disk where the file packs it."""
        return at if self.file is None else self.file.address(at)


def trees(media: Media, name: str, notes: Notes) -> list[Tree]:
    """One tree per volume of the disk; a disk that is not opened is a problem."""
    try:
        disk = open_disk(name, lambda: placed(media.size, media.read))
    except DiskRefused as e:
        notes.add(e.code, 0, e.expected, e.found, e.advice, Severity.ERROR)
        return []
    virtual = disk.format.split()[0].lower().startswith("vhd")
    direct = media.read(0, 512) == Whole(disk.stream, disk.size).read(0, 512)
    inside = DiskMedia(Whole(disk.stream, disk.size), media if direct else None)
    doubts = Doubts()
    found = list_volumes(disk.stream, disk.size, doubts)
    _tell(notes, disk, doubts)
    if len(found) > MAX_VOLUMES:
        notes.add(
            "image_too_many_volumes", 0, f"at most {MAX_VOLUMES}", str(len(found)), "rest not read"
        )
    return [_tree(disk, inside, one, virtual, notes) for one in found[:MAX_VOLUMES]]


def _tell(notes: Notes, disk: Disk, doubts: Doubts) -> None:
    for told in (disk.problems, doubts.problems):
        for problem in told:
            notes.problems.add(problem)
        told.clear()


def _tree(disk: Disk, media: DiskMedia, listed: Listed, virtual: bool, notes: Notes) -> Tree:
    try:
        volume = open_volume(disk.stream, listed.start, listed.size)
    except VolumeRefused as e:
        known = _known(media, listed)
        if listed.filesystem is not None:
            notes.add(e.code, listed.start, e.expected, e.found, e.message or str(e))
        elif known is not None and known.of_windows:
            notes.add(
                "image_volume_not_read",
                listed.start,
                "NTFS, FAT or exFAT",
                known.name,
                f"its files cannot be listed; {known.advice}",
                Severity.ERROR,
            )
        about = _describe(media, listed, None, virtual, known)
        return Tree(about, _nothing, mounted=False, media=media)
    return Tree(
        _describe(media, listed, volume, virtual),
        partial(_entries, volume, listed.start, media, disk, notes),
        mounted=virtual,
        media=media,
    )


def _nothing() -> Iterator[Entry]:
    yield from ()


def _known(media: DiskMedia, listed: Listed) -> Foreign | None:
    return foreign(media.read, listed.start, listed.partition.kind if listed.partition else "")


def _describe(
    media: DiskMedia,
    listed: Listed,
    volume: FileSystem | None,
    virtual: bool,
    known: Foreign | None = None,
) -> Volume:
    remarks = [] if virtual else ["raw image: Explorer mounts only ISO 9660 and UDF"]
    if listed.partition is not None:
        remarks.append(f"partition type {listed.partition.kind}")
    if volume is None:
        remarks.append(known.name if known else "no file system that is read here")
    kind = volume.filesystem if volume else listed.filesystem
    part = listed.partition
    return Volume(
        filesystem=kind or "unknown",
        name_form=_form(kind),
        address=media.address(listed.start),
        size=listed.size,
        label=volume.label if volume else None,
        serial=volume.serial if volume else None,
        serial_basis=_SERIAL_BASIS if volume else None,
        created=volume.created if volume else None,
        partition_guid=_guid(part.identity) if part and len(part.identity) == 16 else None,
        remarks=tuple(remarks),
    )


def _form(filesystem: str | None) -> str:
    word = (filesystem or "unknown").casefold()
    return "fat" if word.startswith("fat") else word


def _guid(raw: bytes) -> str:
    from uuid import UUID

    return f"{{{str(UUID(bytes_le=raw)).lower()}}}"


def _entries(
    volume: FileSystem, start: int, media: DiskMedia, disk: Disk, notes: Notes
) -> Iterator[Entry]:
    """Entries of a volume; its problems follow, for they come up while it is read."""
    try:
        for number, node in enumerate(volume.walk()):
            if number >= MAX_ENTRIES:
                notes.add(
                    "image_too_many_entries",
                    start,
                    f"at most {MAX_ENTRIES}",
                    "more",
                    "the rest is left out",
                    Severity.ERROR,
                )
                break
            own = volume.filesystem == "NTFS" and _is_metadata(node)
            if own or not node.path.strip("\\"):
                continue
            if len(node.path) > MAX_PATH:
                notes.add(
                    "image_path_too_long",
                    start + node.address,
                    f"at most {MAX_PATH} characters",
                    str(len(node.path)),
                    f"left out: {node.name}",
                )
                continue
            yield from _of_node(volume, node, start, media)
    except VolumeRefused as e:
        notes.add(e.code, start, e.expected, e.found, e.message or str(e), Severity.ERROR)
    _tell(notes, disk, volume.doubts)


def _of_node(volume: FileSystem, node: Node, start: int, media: DiskMedia) -> Iterator[Entry]:
    names = list(islice(node.streams, MAX_STREAMS))
    mark = next((n for n in names if n.casefold() == _MARK), None)
    remarks = ("deleted: its content may be another's",) if node.deleted else ()
    entry = Entry(
        path=node.path.lstrip("\\"),
        name=node.name,
        address=start + node.address,
        is_directory=node.is_directory,
        size=node.size,
        extents=() if node.is_directory else _placed(volume, node, None, start),
        times=Times(
            recorded=node.modified,
            created=node.created,
            modified=node.modified,
            accessed=node.accessed,
            changed=node.changed,
            local=node.local,
            zone_minutes=node.zone_minutes,
        ),
        hidden=bool(node.attributes & HIDDEN),
        system=bool(node.attributes & SYSTEM),
        read_only=bool(node.attributes & READ_ONLY),
        deleted=node.deleted,
        shown=not node.deleted,
        short_name=node.short_name,
        zone_identifier=_read(volume, node, mark) if mark else None,
        remarks=remarks,
        open=None if node.is_directory else partial(volume.open, node),
    )
    yield _checked(entry, media)
    for name in names:
        yield _stream(volume, node, name, entry, start, media)


def _stream(
    volume: FileSystem, node: Node, name: str, entry: Entry, start: int, media: DiskMedia
) -> Entry:
    size = _size(partial(volume.open, node, name))
    return _checked(
        Entry(
            path=f"{entry.path}:{name}",
            name=name,
            address=entry.address,
            is_directory=False,
            size=size,
            extents=_placed(volume, node, name, start),
            times=entry.times,
            deleted=entry.deleted,
            shown=entry.shown,
            stream=True,
            open=partial(volume.open, node, name),
        ),
        media,
    )


def _is_metadata(node: Node) -> bool:
    """The first records of the $MFT, and what lies below $Extend."""
    record = node.file_id & ((1 << 48) - 1)
    return record < _FIRST_USER_RECORD or node.path.startswith("\\$Extend\\")


def _placed(volume: FileSystem, node: Node, stream: str | None, start: int) -> Extents:
    try:
        found = volume.extents(node, stream)
    except VolumeRefused:
        return ()
    return tuple((None if at is None else start + at, n) for at, n in found)


def _checked(entry: Entry, media: DiskMedia) -> Entry:
    """Not to be digested where the extents do not hold it: a stream would give zeros instead."""
    if not entry.extents:
        return entry
    there = sum(n for at, n in entry.extents if at is None or at + n <= media.size)
    if there >= entry.size:
        return entry
    return entry.cut(there)


def _size(opener: Callable[[], BinaryIO]) -> int:
    try:
        with opener() as stream:
            return size_of(stream)
    except VolumeRefused:
        return 0


def _read(volume: FileSystem, node: Node, name: str) -> bytes | None:
    try:
        with volume.open(node, name) as stream:
            return stream.read(MAX_MARK_BYTES)
    except VolumeRefused:
        return None
