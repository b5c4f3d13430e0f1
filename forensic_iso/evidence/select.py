"""Which files of a volume are given to parsers: by its role, from all its records at once on NTFS."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from forensic_iso.evidence import wanted
from forensic_iso.evidence.volume import INDEX, JOURNAL, hole_before, open_node
from parsers.disks.streams import Doubts
from parsers.volumes import Node, NtfsVolume, Volume, VolumeRefused
from parsers.volumes.ntfs_records import INDEX_ALLOCATION

if TYPE_CHECKING:
    import polars as pl

SYSTEM, COLLECTION, DATA = "system", "collection", "data"
"""A Windows volume; the volume a collector filled; any other."""

METAFILES = 24
"""Records below this one are the file system's own."""

ZONE_STREAM = "Zone.Identifier"
JOURNAL_PATH = "\\$Extend\\$UsnJrnl"


@dataclass(frozen=True, slots=True)
class Chosen:
    """A file to be given to parsers, or one of its streams; `size` is that of what will be read."""

    node: Node
    stream: str | None
    size: int

    @property
    def path(self) -> str:
        """Path from the root with the stream behind it."""
        return self.node.path + (f":{self.stream}" if self.stream else "")


def role_of(volume: Volume) -> str:
    """What a volume is: told by the paths on it."""
    if isinstance(volume, NtfsVolume):
        paths = _lower(volume.index)
        live = volume.index["in_use"]
        if (paths.str.contains(wanted.windows_pattern()) & live).any():
            return SYSTEM
        return (
            COLLECTION if (paths.str.contains(wanted.collection_pattern()) & live).any() else DATA
        )
    import re

    system, collection = map(re.compile, (wanted.windows_pattern(), wanted.collection_pattern()))
    role = DATA
    for node in volume.walk():
        lower = node.path.lower()
        if system.search(lower):
            return SYSTEM
        if collection.search(lower):
            role = COLLECTION
    return role


def choose(volume: Volume, role: str, doubts: Doubts) -> Iterator[Chosen]:
    """The files of a volume to be given to parsers, in order of their paths.

    Of a collection every file; else those of `wanted`, files with the marks of an image, and on NTFS the $MFT, the
    journal, the indexes of some folders, and the Zone.Identifier streams that lie outside of the $MFT. Deleted files are left to the $MFT's rows.
    """
    if isinstance(volume, NtfsVolume):
        chosen = _all_ntfs(volume) if role == COLLECTION else _of_ntfs(volume)
    else:
        chosen = _plain(volume, role)
    for item in chosen:
        if (
            item.size > min(wanted.MAX_FILE_BYTES, max(volume.size, 1 << 20))
            and item.stream is None
        ):
            doubts.add(
                "file_too_large",
                item.path,
                f"at most {min(wanted.MAX_FILE_BYTES, volume.size)} bytes",
                f"{item.size} bytes",
                "not read; export the file and give it by itself",
            )
            continue
        yield item


def _lower(index: "pl.DataFrame") -> "pl.Series":
    return index["path"].str.to_lowercase()


def _plain(volume: Volume, role: str) -> Iterator[Chosen]:
    looked = 0
    nodes = [n for n in volume.walk() if not (n.is_directory or n.deleted)]
    for node in sorted(nodes, key=lambda n: n.path):
        take = role == COLLECTION or wanted.is_wanted(node.path)
        if not take and looked < wanted.MAX_SNIFFED and wanted.may_be_image(node.path, node.size):
            looked += 1
            take = _marked(volume, node)
        if take:
            yield Chosen(node, None, node.size)


def _marked(volume: Volume, node: Node) -> bool:
    try:
        with open_node(volume, node, None) as stream:
            return wanted.has_image_mark(stream.read(wanted.LEAST_IMAGE))
    except (VolumeRefused, OSError):
        return False


def _files(volume: NtfsVolume) -> "pl.DataFrame":
    """Live files, each once by its first path."""
    import polars as pl

    live = volume.index.filter(pl.col("in_use") & ~pl.col("is_directory"))
    return live.with_columns(lower=_lower(live)).sort("path", "record")


def _all_ntfs(volume: NtfsVolume) -> Iterator[Chosen]:
    import polars as pl

    frame = _files(volume).filter(
        (pl.col("record") >= METAFILES) & ~pl.col("lower").str.starts_with("\\$extend\\")
    )
    for node in volume.nodes(frame.unique("record", keep="first", maintain_order=True)):
        yield Chosen(node, None, node.size)


def _of_ntfs(volume: NtfsVolume) -> Iterator[Chosen]:
    import polars as pl

    frame = _files(volume)
    lower, record = pl.col("lower"), pl.col("record")
    by_name = lower.str.contains(wanted.wanted_pattern()) & ~lower.str.contains(
        wanted.unwanted_pattern()
    )
    size = pl.col("size_bytes").fill_null(0)
    by_look = (
        (size >= wanted.LEAST_IMAGE)
        & (size % 512 == 0)
        & lower.str.contains(wanted.place_pattern())
        & ~lower.str.contains(wanted.other_type_pattern())
        & (record >= METAFILES)
        & ~by_name
    )
    named = frame.filter(by_name | (record == 0))
    looked = frame.filter(by_look).head(wanted.MAX_SNIFFED)
    nodes = [*volume.nodes(named.unique("record", keep="first", maintain_order=True))]
    nodes += [n for n in volume.nodes(looked.unique("record", keep="first")) if _marked(volume, n)]
    chosen = [Chosen(n, None, _size(volume, n)) for n in nodes]
    chosen += _streams(volume, frame)
    yield from sorted(chosen, key=lambda c: c.path)


def _size(volume: NtfsVolume, node: Node) -> int:
    return volume.mft_size if not node.file_id & (1 << 48) - 1 else node.size


def _streams(volume: NtfsVolume, frame: "pl.DataFrame") -> list[Chosen]:
    """The journal, and marks whose bytes the $MFT does not hold."""
    import polars as pl

    found: list[Chosen] = []
    marked = frame.filter(pl.col("outside").list.contains(ZONE_STREAM))
    for node in volume.nodes(marked.unique("record", keep="first", maintain_order=True)):
        found += _stream(volume, node, ZONE_STREAM)
    journal = frame.filter(pl.col("path").str.to_lowercase() == JOURNAL_PATH.lower())
    for node in volume.nodes(journal.head(1)):
        found += _stream(volume, node, JOURNAL)
    return found + _indexes(volume)


def _indexes(volume: NtfsVolume) -> list[Chosen]:
    """The indexes of folders where images come and go."""
    import polars as pl

    index = volume.index
    folders = index.filter(
        pl.col("in_use")
        & pl.col("is_directory")
        & _lower(index).str.contains(wanted.folder_pattern())
    )
    found: list[Chosen] = []
    for node in volume.nodes(folders.unique("record", keep="first", maintain_order=True)):
        try:
            size = volume.pieces(node.file_id, INDEX_ALLOCATION, INDEX)[0].size
        except VolumeRefused:
            continue  # small: the index lies in the record
        found.append(Chosen(node, INDEX, size))
    return found


def _stream(volume: NtfsVolume, node: Node, name: str) -> list[Chosen]:
    try:
        size = volume.pieces(node.file_id, 0x80, name)[0].size
        hole = hole_before(volume.extents(node, name)) if name == JOURNAL else 0
    except VolumeRefused:
        return []
    return [Chosen(node, name, max(0, size - hole))]
