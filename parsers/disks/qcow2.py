"""QCOW2 (versions 2 and 3): two tables lead from a cluster of the disk to the file (QEMU docs/interop/qcow2)."""

import io
import re
import struct
import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import BinaryIO

from parsers.contract import Opener, Severity
from parsers.disks.model import Disk, DiskRefused, Siblings, sibling
from parsers.disks.streams import Doubts, ReadAt, fields, placed, reader, size_of

MAGIC = b"QFI\xfb"
_HEAD = struct.Struct(">4xIQIIQIIQQIIQQ")
_COMPRESSION, _DIRTY, _CORRUPT = 8, 1, 2
_PLACE = 0x00FF_FFFF_FFFF_FE00
_MAX_L1 = 32 << 20
_CONVERT = "qemu-img convert -O qcow2 IN OUT makes a plain one"


def open_qcow2(
    name: str, stream: BinaryIO, siblings: Siblings, below: Callable[[str, Opener], Disk]
) -> Disk:
    """The disk of a QCOW2 image; of one over a backing file with that one, which lies beside it.

    Args:
        name: the file's own name.
        stream: the file.
        siblings: files of the same folder by name.
        below: opens the disk of the backing file, whatever its format.

    Raises:
        DiskRefused: it is encrypted, its backing file is not there, or it has features this reader does not know.
    """
    read, file_size, doubts = reader(stream), size_of(stream), Doubts()
    head = read(0, 112)
    version, backing, backing_size, bits, size, crypt, l1_count, l1_at, *rest = fields(_HEAD, head)
    features = rest[4] if version == 3 else 0
    _check(version, bits, crypt, features)
    if size > 1 << 60 or l1_count * 8 > _MAX_L1 or l1_at + l1_count * 8 > file_size:
        raise DiskRefused(
            "damaged_disk",
            "tables inside the file",
            f"{l1_count} entries at {l1_at}",
            "qemu-img check -r all on a copy may repair it",
        )
    if features & (_DIRTY | _CORRUPT):
        doubts.add(
            "disk_not_closed",
            "offset 72",
            "a disk that was closed",
            f"feature bits {features:#x}",
            "the image was in use or is marked corrupt; it was read as it is",
        )
    if rest[2]:
        doubts.add(
            "snapshots_inside",
            "offset 60",
            "one state of the disk",
            f"{rest[2]} snapshots inside the image",
            "the current state was read; qemu-img convert -l NAME -O qcow2 IN OUT gives an older one",
            Severity.INFO,
        )
    zstd = bool(features & _COMPRESSION) and len(head) > 104 and head[104] == 1
    l1 = struct.unpack(f">{l1_count}Q", read(l1_at, 8 * l1_count))
    said = read(backing, min(backing_size, 1023)).decode("utf-8", "replace") if backing else ""
    base = _base(name, said, siblings, below) if backing else None
    behind = None if base is None else reader(base.stream)
    clusters = _Clusters(read, file_size, bits, l1, zstd, doubts, behind)
    streams = (stream,) if base is None else (stream, base.stream)
    doubts.problems.extend(base.problems if base else ())
    disk = placed(size, clusters.read_at, streams, doubts.problems)
    return Disk("QCOW2 over a backing file" if base else "QCOW2", size, disk, doubts.problems)


def _base(name: str, said: str, siblings: Siblings, below: Callable[[str, Opener], Disk]) -> Disk:
    """The backing file's disk. Its name is data: only its last part counts, beside the image."""
    last = re.split(r"[/\\]", said)[-1]
    found = None if last.casefold() == name.casefold() else sibling(siblings, last)
    if found is None:
        raise DiskRefused(
            "needs_parent_disk",
            f"the backing file {said!r} beside the image",
            "no such file",
            f"give the folder that holds all files of the chain, or {_CONVERT}",
        )
    return below(*found)


def _check(version: int, bits: int, crypt: int, features: int) -> None:
    if version not in (2, 3) or not 9 <= bits <= 21:
        found = f"version {version}, cluster bits {bits}"
        raise DiskRefused("unsupported_disk", "QCOW2 version 2 or 3", found, _CONVERT)
    if crypt:
        raise DiskRefused("encrypted_disk", "no encryption", f"method {crypt}", _CONVERT)
    if features & ~(_COMPRESSION | _DIRTY | _CORRUPT):
        raise DiskRefused("unsupported_disk", "known features", f"{features:#x}", _CONVERT)


class _Clusters:
    def __init__(
        self,
        read: ReadAt,
        file_size: int,
        bits: int,
        l1: tuple[int, ...],
        zstd: bool,
        doubts: Doubts,
        behind: ReadAt | None = None,
    ) -> None:
        self._behind = behind
        self._read, self._file_size, self._bits, self._l1 = read, file_size, bits, l1
        self._size, self._zstd, self._doubts = 1 << bits, zstd, doubts
        self._table = lru_cache(64)(lambda at: read(at, self._size).ljust(self._size, b"\0"))
        self._unpacked = lru_cache(64)(self._unpack)

    def read_at(self, at: int, n: int) -> bytes:
        """Bytes of the disk; clusters without a place are the backing file's, or zeros."""
        out = bytearray()
        while n > 0:
            cluster, skip = divmod(at, self._size)
            take = min(n, self._size - skip)
            out += self._part(cluster, skip, take).ljust(take, b"\0")
            at, n = at + take, n - take
        return bytes(out)

    def _part(self, cluster: int, skip: int, take: int) -> bytes:
        i, j = divmod(cluster, self._size // 8)
        table = self._l1[i] & _PLACE if i < len(self._l1) else 0
        if not table:
            return self._below(cluster, skip, take)
        entry = int.from_bytes(self._table(table)[8 * j : 8 * j + 8], "big")
        if entry >> 62 & 1:
            return self._unpacked(entry)[skip : skip + take]
        place = entry & _PLACE
        if entry & 1:
            return b""
        if not place:
            return self._below(cluster, skip, take)
        if place + skip + take > self._file_size:
            self._lost(cluster, f"a cluster at {place}", "the end of the file before it")
        return self._read(place + skip, take)

    def _below(self, cluster: int, skip: int, take: int) -> bytes:
        return self._behind(cluster * self._size + skip, take) if self._behind else b""

    def _unpack(self, entry: int) -> bytes:
        split = 62 - (self._bits - 8)
        at = entry & (1 << split) - 1
        packed = self._read(at, ((entry >> split & (1 << self._bits - 8) - 1) + 1) * 512 - at % 512)
        try:
            out = self._zstandard(packed) if self._zstd else self._deflated(packed)
        except (zlib.error, OSError) as error:
            self._lost_packed(at, str(error))
            return b""
        if len(out) < self._size:
            self._lost_packed(at, f"{len(out)} bytes")
        return out

    def _deflated(self, packed: bytes) -> bytes:
        return zlib.decompressobj(-15).decompress(packed, self._size)

    def _zstandard(self, packed: bytes) -> bytes:
        import pyarrow as pa

        with pa.CompressedInputStream(pa.PythonFile(io.BytesIO(packed), "r"), "zstd") as stream:
            return bytes(stream.read(self._size))

    def _lost(self, cluster: int, expected: str, found: str) -> None:
        start = cluster * self._size
        place = f"disk bytes {start} to {start + self._size - 1}"
        message = "the range of the disk reads as zeros"
        self._doubts.add("disk_range_lost", place, expected, found, message, Severity.ERROR)

    def _lost_packed(self, at: int, found: str) -> None:
        self._doubts.add(
            "disk_range_lost",
            f"offset {at}",
            f"a compressed cluster of {self._size} bytes",
            found,
            "the rest of the cluster reads as zeros",
            Severity.ERROR,
        )
