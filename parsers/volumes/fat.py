"""FAT12, FAT16 and FAT32 (Microsoft's FAT specification, 2000)."""

import struct
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import BinaryIO

from parsers.contract import Severity
from parsers.disks.streams import Doubts, reader
from parsers.volumes.clusters import MAX_DIRECTORY, MAX_FAT, Clusters, entries
from parsers.volumes.model import (
    DIRECTORY,
    MAX_DEPTH,
    MAX_ENTRIES,
    Extents,
    Node,
    VolumeRefused,
    bounded,
    find,
    open_extents,
    shown_serial,
    u16,
    u32,
)

_VOLUME_ID, _LONG_NAME = 8, 0x0F


def is_fat(boot: bytes) -> bool:
    """Whether a boot sector has the fields of FAT in a sound form."""
    if len(boot) < 512 or boot[510:512] != b"\x55\xaa" or boot[0] not in (0xEB, 0xE9):
        return False
    sector, per, reserved, fats = struct.unpack_from("<HBHB", boot, 11)
    sound = sector in (512, 1024, 2048, 4096) and per and not per & per - 1
    return bool(sound and reserved and fats in (1, 2) and (u16(boot, 22) or u32(boot, 36)))


class FatVolume:
    """A FAT volume in a stream. See `model.Volume`; times are the writing machine's wall clock."""

    created: int | None = None

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self.size, self.doubts = size, Doubts()
        self._read = reader(stream)
        boot = self._read(0, 512)
        if not is_fat(boot):
            raise VolumeRefused("no_file_system", "a boot sector of FAT", "none")
        sector = u16(boot, 11)
        fat_sectors = u16(boot, 22) or u32(boot, 36)
        total = u16(boot, 19) or u32(boot, 32)
        self.cluster = sector * boot[13]
        self._fat_at = u16(boot, 14) * sector
        self._root_at = self._fat_at + boot[16] * fat_sectors * sector
        self._root_bytes = u16(boot, 17) * 32
        self._data_at = self._root_at + -(-self._root_bytes // sector) * sector
        count = max(0, total * sector - self._data_at) // self.cluster
        self._bits = 12 if count < 4085 else 16 if count < 65_525 else 32
        last = min(count, max(0, size - self._data_at) // self.cluster + 1) + 1
        end = {12: 0xFF8, 16: 0xFFF8, 32: 0x0FFF_FFF8}[self._bits]
        self._clusters = Clusters(self._data_at, self.cluster, last, end, self._next)
        self._root = u32(boot, 44) if not self._root_bytes else 0
        self._fat = self._read(self._fat_at, min(fat_sectors * sector, MAX_FAT))
        self.filesystem = f"FAT{self._bits}"
        place = 67 if self._bits == 32 else 39
        self.serial: str | None = shown_serial(u32(boot, place))
        self.label: str | None = self._label()

    def _label(self) -> str | None:
        """Of the entry in the root directory, as Windows shows it."""
        for raw, _ in entries(self._read, self._root_extents()):
            if raw[11] & 0x3F == _VOLUME_ID and raw[0] != 0xE5:
                return raw[:11].decode("cp437").rstrip() or None
        return None

    # -- clusters

    def _next(self, cluster: int) -> int:
        if self._bits == 32:
            return u32(self._fat, cluster * 4) & 0x0FFF_FFFF
        if self._bits == 16:
            return u16(self._fat, cluster * 2)
        pair = u16(self._fat, cluster + cluster // 2)
        return pair >> 4 if cluster & 1 else pair & 0xFFF

    def _chain(self, first: int, most: int, where: str) -> Extents:
        extents, fault = self._clusters.chain(first, most)
        if fault:
            self.doubts.add(
                "cluster_chain_broken",
                where,
                "a chain of clusters that ends",
                fault,
                "followed up to here",
                Severity.ERROR,
            )
        return extents

    def _root_extents(self) -> Extents:
        if self._root_bytes:
            return ((self._root_at, self._root_bytes),)
        return self._chain(self._root, MAX_DIRECTORY, "root directory")

    # -- the tree

    def walk(self) -> Iterator[Node]:
        """See `model.Volume`."""
        pending: list[tuple[str, Extents, int, bool]] = [("", self._root_extents(), 0, False)]
        seen, count = {0, self._root}, 0
        while pending:
            path, extents, depth, gone = pending.pop()
            for found, cluster in self._directory(path, extents):
                node = replace(found, deleted=True) if gone else found
                count += 1
                if count > MAX_ENTRIES:
                    return
                yield node
                if not node.is_directory:
                    continue
                if node.deleted:
                    if cluster not in seen and depth < MAX_DEPTH and self._is_left(cluster):
                        seen.add(cluster)
                        left = ((self._clusters.place(cluster), self.cluster),)
                        pending.append((node.path, left, depth + 1, True))
                    continue
                if cluster in seen or depth >= MAX_DEPTH:
                    self._loop(node)
                    continue
                seen.add(cluster)
                below = self._chain(cluster, MAX_DIRECTORY, node.path)
                pending.append((node.path, below, depth + 1, False))

    def _is_left(self, cluster: int) -> bool:
        """Whether a deleted folder's first cluster is free and still begins with the entry that names it."""
        if not self._clusters.holds(cluster) or self._next(cluster):
            return False
        own = self._read(self._clusters.place(cluster), 32)
        return own.startswith(b".          ") and u16(own, 26) == cluster & 0xFFFF

    def _loop(self, node: Node) -> None:
        self.doubts.add(
            "directory_loop",
            f"offset {node.address}",
            "a directory of its own",
            f"{node.path} again or too deep",
            "not read twice",
        )

    def _directory(self, path: str, extents: Extents) -> Iterator[tuple[Node, int]]:
        long: list[bytes] = []
        for raw, at in entries(self._read, extents):
            if raw[11] & 0x3F == _LONG_NAME:
                if raw[0] & 0x40 and raw[0] != 0xE5:
                    long = []
                long.append(raw)
                continue
            parts, long = long, []
            if raw[11] & _VOLUME_ID or raw[:11] in (b".          ", b"..         "):
                continue
            yield self._node(path, raw, parts, at)

    def _node(self, path: str, raw: bytes, parts: list[bytes], at: int) -> tuple[Node, int]:
        deleted = raw[0] == 0xE5
        short = _short_name(raw)
        name = _long_name(raw, parts) or short
        high = u16(raw, 20) if self._bits == 32 else 0
        folder = bool(raw[11] & DIRECTORY)
        node = Node(
            f"{path}\\{name}",
            name,
            folder,
            0 if folder else u32(raw, 28),
            raw[11] & 0x3F,
            at,
            at,
            dos_time(u16(raw, 16), u16(raw, 14), raw[13]),
            dos_time(u16(raw, 24), u16(raw, 22)),
            None,
            dos_time(u16(raw, 18), 0),
            local=True,
            deleted=deleted,
            short_name=short if name != short else None,
        )
        return node, high << 16 | u16(raw, 26)

    def stat(self, path: str) -> Node | None:
        """See `model.Volume`."""
        return find(self.walk(), path)

    def open(self, node: Node, stream: str | None = None) -> BinaryIO:
        """See `model.Volume`."""
        extents = self.extents(node, stream)
        return open_extents(self._read, extents, node.size)

    def extents(self, node: Node, stream: str | None = None) -> Extents:
        """See `model.Volume`; of a deleted file the clusters are not known."""
        if stream or node.is_directory:
            raise VolumeRefused("no_such_stream", "the content of a file", stream or "a folder")
        if node.deleted:
            raise VolumeRefused("deleted_file", "a file that is there", "a deleted one")
        raw = self._read(node.address, 32)
        first = (u16(raw, 20) << 16 if self._bits == 32 else 0) | u16(raw, 26)
        if not node.size:
            return ()
        return bounded(self._chain(first, node.size, node.path), node.size)


def dos_time(date: int, time: int, hundredths: int = 0) -> int | None:
    """Ns since 1970 of a DOS date and time (wall clock); None: none or no such day."""
    if not date:
        return None
    try:
        moment = datetime(
            1980 + (date >> 9), date >> 5 & 15, date & 31,
            time >> 11, time >> 5 & 63, (time & 31) * 2, tzinfo=UTC,
        )  # fmt: skip
    except ValueError:
        return None
    return int(moment.timestamp()) * 1_000_000_000 + min(hundredths, 199) * 10_000_000


def _short_name(raw: bytes) -> str:
    first = b"\xe5" if raw[0] == 5 else b"_" if raw[0] == 0xE5 else raw[:1]
    stem = (first + raw[1:8]).decode("cp437").rstrip()
    ending = raw[8:11].decode("cp437").rstrip()
    if raw[12] & 8:
        stem = stem.lower()
    if raw[12] & 16:
        ending = ending.lower()
    return f"{stem}.{ending}" if ending else stem


def _long_name(raw: bytes, parts: list[bytes]) -> str | None:
    """Name of the entries before a short one, if their checksum is that of the short name."""
    if not parts:
        return None
    checksum = 0
    for byte in raw[:11]:
        checksum = ((checksum & 1) << 7 | checksum >> 1) + byte & 0xFF
    if (
        raw[0] == 0xE5
    ):  # the name's first byte is gone, and with it the sum: that of the nearest part counts
        parts = [part for part in parts if part[13] == parts[-1][13]]
    elif any(part[13] != checksum for part in parts):
        return None
    units = b"".join(p[1:11] + p[14:26] + p[28:32] for p in reversed(parts))
    name = units.decode("utf-16-le", "replace").partition("\0")[0].rstrip("\uffff")
    return name.replace("\\", "_").replace("/", "_") or None
