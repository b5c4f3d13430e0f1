"""NTFS: the $MFT as columns by `parsers.mft`, content by the run lists of its records."""

from collections.abc import Iterator
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, BinaryIO

from parsers.contract import Severity
from parsers.disks.streams import Doubts, ReadAt, placed, reader
from parsers.volumes import ntfs_records as records
from parsers.volumes.model import (
    Extents,
    Node,
    VolumeRefused,
    bounded,
    open_extents,
    read_extents,
    shown_serial,
    u64,
)
from parsers.volumes.ntfs_boot import Boot, read_boot
from parsers.volumes.ntfs_compressed import open_compressed
from parsers.volumes.ntfs_elsewhere import refuse_elsewhere
from parsers.volumes.ntfs_index import TIMES, read_index
from parsers.volumes.ntfs_mft import MASK48, find_mft, references
from parsers.volumes.ntfs_records import Attribute, Record, extents_of, own

if TYPE_CHECKING:
    import polars as pl

_VOLUME = 3


class NtfsVolume:
    """An NTFS volume in a stream of `size` bytes. See `model.Volume`."""

    filesystem = "NTFS"

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self.size, self.doubts = size, Doubts()
        self._read = reader(stream)
        self.boot = self._boot()
        self.serial: str | None = shown_serial(self.boot.serial)
        self._mft_extents, self.mft_size = find_mft(self._read, self.boot, size, self.doubts)
        _, self._read_mft = read_extents(self._read, self._mft_extents)
        self._record = lru_cache(256)(self._load)
        label, self.created = self._volume_facts()
        self.label: str | None = label

    # -- the $MFT

    def _boot(self) -> Boot:
        """The boot sector, or its copy in the last sector."""
        first = read_boot(self._read(0, 512), 0)
        if first is not None:
            return first
        for place in (self.size - 512, self.size - 4096, self.size // 2):
            copy = read_boot(self._read(max(0, place), 512), place)
            if copy is not None:
                self.doubts.add(
                    "boot_sector_copy",
                    "offset 0",
                    "a boot sector of NTFS",
                    "none",
                    f"its copy at {place} was used",
                )
                return copy
        raise VolumeRefused("no_file_system", "a boot sector of NTFS", "none")

    def open_mft(self) -> BinaryIO:
        """The $MFT."""
        return open_extents(self._read, self._mft_extents, self.mft_size)

    def _load(self, number: int) -> Record | None:
        at = number * self.boot.record
        if at + self.boot.record > self.mft_size:
            return None
        return records.parse_record(self._read_mft(at, self.boot.record))

    def _volume_facts(self) -> tuple[str | None, int | None]:
        """(label, creation time) by $Volume."""
        record = self._record(_VOLUME)
        if record is None:
            return None, None
        names = own(record, records.VOLUME_NAME, "")
        label = names[0].value.decode("utf-16-le", "replace") if names else None
        information = own(record, records.STANDARD_INFORMATION, "")
        created = u64(information[0].value, 0) if information else 0
        return label or None, filetime_ns(created)

    # -- the tree

    @cached_property
    def index(self) -> "pl.DataFrame":
        """The tree, see `ntfs_index.read_index`; kept until `forget_index`."""
        return read_index(self.open_mft, self.mft_size)

    def walk(self) -> Iterator[Node]:
        """See `model.Volume`."""
        for row in self.index.sort("path").iter_rows(named=True):
            yield self._node(row)

    def stat(self, path: str) -> Node | None:
        """See `model.Volume`."""
        import polars as pl

        wanted = "\\" + path.strip("\\/").replace("/", "\\")
        key = pl.col("path").str.to_lowercase() == wanted.lower()
        rows = self.index.filter(key & pl.col("in_use")).rows(named=True)
        return self._node(rows[0]) if rows else None

    def nodes(self, frame: "pl.DataFrame") -> Iterator[Node]:
        """Nodes of some rows of the index."""
        for row in frame.iter_rows(named=True):
            yield self._node(row)

    def _node(self, row: dict[str, object]) -> Node:
        from typing import Any, cast

        r = cast(dict[str, Any], row)
        number = int(r["record"])
        created, modified, changed, accessed = (r[f"{name}_ns"] for name in TIMES)
        return Node(
            r["path"],
            r["name"],
            r["is_directory"],
            r["size_bytes"] or 0,
            (r["si_flags"] or 0) | (0x10 if r["is_directory"] else 0),
            int(r["sequence"] or 0) << 48 | number,
            self._address(number * self.boot.record),
            created,
            modified,
            changed,
            accessed,
            streams=tuple(r["streams"] or ()),
            deleted=not r["in_use"],
        )

    def _address(self, at: int) -> int:
        """Byte offset in the volume of a place in the $MFT."""
        for start, length in self._mft_extents:
            if at < length:
                return (start or 0) + at
            at -= length
        return 0

    # -- content

    def pieces(self, file_id: int, kind: int, name: str) -> list[Attribute]:
        """All pieces of one attribute of a file, by their first cluster.

        Raises:
            VolumeRefused: the record is not there, is used by another file now, or has no such attribute.
        """
        number, sequence = file_id & MASK48, file_id >> 48
        record = self._record(number)
        if record is None or (sequence and record.sequence != sequence):
            raise VolumeRefused("no_such_file", f"record {number}", "another or none")
        found = own(record, kind, name)
        for reference in references(self._read, self.boot.cluster, record, kind):
            other = reference & MASK48
            extension = None if other == number else self._record(other)
            if extension is not None and extension.base & MASK48 == number:
                found += own(extension, kind, name)
        if not found:
            what = f"stream {name!r}" if name else "content"
            raise VolumeRefused("no_such_stream", what, f"none in record {number}")
        return sorted(found, key=lambda a: a.start)

    def stream_names(self, file_id: int) -> tuple[str, ...]:
        """Names of a file's alternate data streams."""
        number = file_id & MASK48
        record = self._record(number)
        if record is None:
            return ()
        parts = [record]
        for reference in references(self._read, self.boot.cluster, record, records.DATA):
            other = self._record(reference & MASK48)
            if other is not None and other.base & MASK48 == number:
                parts.append(other)
        names = (a.name for r in parts for a in r.attributes if a.kind == records.DATA and a.name)
        return tuple(dict.fromkeys(names))

    def forget_index(self) -> None:
        """Free the tree; it is read again where it is asked for."""
        self.__dict__.pop("index", None)

    def open(self, node: Node, stream: str | None = None) -> BinaryIO:
        """See `model.Volume`; content kept in another form or place is refused: it would read as zeros."""
        record = None if stream else self._record(node.file_id & MASK48)
        if record is not None:
            refuse_elsewhere(record, node.path)
        return self.open_attribute(node.file_id, records.DATA, stream or "")

    def open_attribute(self, file_id: int, kind: int, name: str) -> BinaryIO:
        """The value of any attribute ($I30 is 0xA0 with that name).

        Raises:
            VolumeRefused: as `pieces`, or its bytes are not to be had.
        """
        found = self.pieces(file_id, kind, name)
        head = found[0]
        if head.resident:
            value = head.value
            return placed(len(value), lambda at, n: value[at : at + n])
        doubts = Doubts()
        where = f"record {file_id & MASK48}" + (f", stream {name}" if name else "")
        _tell_gaps(found, where, self.boot.cluster, doubts)
        extents = self._sound(extents_of(found, self.boot.cluster), head, where, doubts)
        if head.flags & records.COMPRESSED and head.unit_bits:
            return open_compressed(self._read, extents, head, self.boot.cluster, where, doubts)
        if head.flags & records.ENCRYPTED:
            doubts.add(
                "encrypted_file",
                where,
                "content that is not encrypted",
                "an EFS file",
                "its bytes are encrypted with the user's key and were read as they are",
            )
        _total, read = read_extents(self._read, extents)
        size, valid = head.size, min(head.initialised, head.size)
        return placed(size, _until(read, valid), problems=doubts.problems)

    def _sound(self, extents: Extents, head: Attribute, where: str, doubts: Doubts) -> Extents:
        """The extents as far as they lie on the volume; what lacks is told."""
        there = sum(length for _, length in extents)
        if head.start or there < min(head.initialised, head.size):
            doubts.add(
                "runs_missing",
                where,
                f"runs of {head.size} bytes",
                f"{there} bytes" + (f" from cluster {head.start} on" if head.start else ""),
                "part of the file's place is not known; it reads as zeros",
                Severity.ERROR,
            )
        if any(start is not None and start + length > self.size for start, length in extents):
            doubts.add(
                "runs_outside",
                where,
                f"runs inside {self.size} bytes",
                "runs beyond",
                "what lies beyond the volume reads as zeros",
                Severity.ERROR,
            )
        return extents

    def extents(self, node: Node, stream: str | None = None) -> Extents:
        """See `model.Volume`."""
        found = self.pieces(node.file_id, records.DATA, stream or "")
        if found[0].resident or found[0].flags & records.COMPRESSED:
            return ()
        return bounded(extents_of(found, self.boot.cluster), found[0].size)


def _tell_gaps(pieces: list[Attribute], where: str, cluster: int, doubts: Doubts) -> None:
    """Pieces between two others whose extension record is gone: no hole of the file."""
    at = pieces[0].start
    for piece in pieces:
        if piece.start > at:
            doubts.add(
                "runs_missing",
                where,
                f"runs from cluster {at} on",
                f"the next ones begin at cluster {piece.start}",
                f"bytes {at * cluster} to {piece.start * cluster - 1} of the file have no known place; they read as zeros",
                Severity.ERROR,
            )
        at = max(at, piece.start + sum(length for length, _ in piece.runs))


def filetime_ns(value: int) -> int | None:
    """Ns since 1970 of a FILETIME; None: zero or out of the range of 64 bits."""
    ns = (value - 116_444_736_000_000_000) * 100
    return ns if value and -(1 << 63) <= ns < 1 << 63 else None


def _until(read: ReadAt, valid: int) -> ReadAt:
    """Reads zeros behind the initialised part, as Windows does."""

    def read_at(at: int, n: int) -> bytes:
        return read(at, min(n, max(0, valid - at)))

    return read_at
