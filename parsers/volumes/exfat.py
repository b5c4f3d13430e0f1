"""exFAT (Microsoft's exFAT specification, 2019)."""

from collections.abc import Iterator
from typing import BinaryIO

from parsers.contract import Severity
from parsers.disks.streams import Doubts, reader
from parsers.volumes.clusters import MAX_DIRECTORY, MAX_FAT, Clusters, entries
from parsers.volumes.fat import dos_time
from parsers.volumes.model import (
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
    u64,
)

OEM = b"EXFAT   "
_IN_USE, _LABEL, _FILE, _STREAM, _NAME = 0x80, 0x83, 0x85, 0xC0, 0xC1
_NO_CHAIN = 2
_END = 0xFFFF_FFF7


class ExfatVolume:
    """An exFAT volume in a stream. See `model.Volume`."""

    filesystem = "exFAT"
    created: int | None = None

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self.size, self.doubts = size, Doubts()
        self._read = reader(stream)
        boot = self._read(0, 512)
        if boot[3:11] != OEM or not 9 <= boot[108] <= 12 or boot[108] + boot[109] > 25:
            raise VolumeRefused("no_file_system", "a boot sector of exFAT", "none that is sound")
        sector = 1 << boot[108]
        self.cluster = sector << boot[109]
        self._fat = self._read(u32(boot, 80) * sector, min(u32(boot, 84) * sector, MAX_FAT))
        heap = u32(boot, 88) * sector
        count = min(u32(boot, 92), max(0, size - heap) // self.cluster)
        self._clusters = Clusters(heap, self.cluster, count + 1, _END, self._next)
        self._root = u32(boot, 96)
        self.serial: str | None = shown_serial(u32(boot, 100))
        self.label: str | None = self._label()

    def _label(self) -> str | None:
        for raw, _ in entries(self._read, self._chain(self._root, MAX_DIRECTORY, False, "root")):
            if raw[0] == _LABEL:
                return raw[2 : 2 + 2 * min(raw[1], 11)].decode("utf-16-le", "replace") or None
        return None

    def _next(self, cluster: int) -> int:
        return u32(self._fat, cluster * 4)

    def _chain(self, first: int, most: int, contiguous: bool, where: str) -> Extents:
        """Extents of at most `most` bytes from a cluster on."""
        if contiguous:
            place = self._clusters.place(first)
            room = max(0, self.size - place) if self._clusters.holds(first) else 0
            if room < most:
                self._broken(where, f"{room} bytes from cluster {first} on")
            return bounded(((place, min(most, room)),), most)
        extents, fault = self._clusters.chain(first, most)
        if fault:
            self._broken(where, fault)
        return extents

    def _broken(self, where: str, found: str) -> None:
        self.doubts.add(
            "cluster_chain_broken",
            where,
            "clusters inside the volume that end",
            found,
            "followed up to here",
            Severity.ERROR,
        )

    def walk(self) -> Iterator[Node]:
        """See `model.Volume`."""
        root = self._chain(self._root, MAX_DIRECTORY, False, "root directory")
        pending: list[tuple[str, Extents, int]] = [("", root, 0)]
        seen, count = {self._root}, 0
        while pending:
            path, extents, depth = pending.pop()
            for node, stream in self._directory(path, extents):
                count += 1
                if count > MAX_ENTRIES:
                    return
                yield node
                if not node.is_directory or node.deleted:
                    continue
                first = u32(stream, 20)
                if first in seen or depth >= MAX_DEPTH:
                    self._broken(node.path, "a directory read before, or too deep")
                    continue
                seen.add(first)
                pending.append((node.path, self._content(stream, node.path), depth + 1))

    def _content(self, stream: bytes, where: str) -> Extents:
        size = min(u64(stream, 24), MAX_DIRECTORY)
        return self._chain(u32(stream, 20), size, bool(stream[1] & _NO_CHAIN), where)

    def _directory(self, path: str, extents: Extents) -> Iterator[tuple[Node, bytes]]:
        """Sets of entries: a file, its stream, its name in pieces of 15 characters."""
        found = list(entries(self._read, extents))
        for k, (raw, at) in enumerate(found):
            if raw[0] | _IN_USE != _FILE:
                continue
            others = [e for e, _ in found[k + 1 : k + 1 + min(raw[1], 18)]]
            if not others or others[0][0] | _IN_USE != _STREAM:
                continue
            stream = others[0]
            units = b"".join(e[2:] for e in others[1:] if e[0] | _IN_USE == _NAME)
            name = units[: 2 * stream[3]].decode("utf-16-le", "replace").rstrip("\0")
            name = name.replace("\\", "_").replace("/", "_")
            yield self._node(path, name, raw, stream, at), stream

    def _node(self, path: str, name: str, raw: bytes, stream: bytes, at: int) -> Node:
        attributes = u16(raw, 4)
        folder = bool(attributes & 0x10)
        zones = [_zone(raw[22 + k]) for k in range(3)]
        created = _time(u32(raw, 8), raw[20], zones[0])
        modified = _time(u32(raw, 12), raw[21], zones[1])
        return Node(
            f"{path}\\{name}",
            name,
            folder,
            0 if folder else u64(stream, 24),
            attributes,
            at,
            at,
            created,
            modified,
            None,
            _time(u32(raw, 16), 0, zones[2]),
            local=zones[1] is None,
            zone_minutes=zones[1],
            deleted=raw[0] == _FILE & ~_IN_USE,
        )

    def stat(self, path: str) -> Node | None:
        """See `model.Volume`."""
        return find(self.walk(), path)

    def open(self, node: Node, stream: str | None = None) -> BinaryIO:
        """See `model.Volume`; behind the valid length a file is zeros."""
        extents = self.extents(node, stream)
        valid = u64(self._read(node.address + 32, 32), 8)
        return open_extents(self._read, bounded(extents, valid), node.size)

    def extents(self, node: Node, stream: str | None = None) -> Extents:
        """See `model.Volume`; of a deleted file the clusters are not known."""
        if stream or node.is_directory:
            raise VolumeRefused("no_such_stream", "the content of a file", stream or "a folder")
        if node.deleted:
            raise VolumeRefused("deleted_file", "a file that is there", "a deleted one")
        if not node.size:
            return ()
        raw = self._read(node.address + 32, 32)
        chain = self._chain(u32(raw, 20), node.size, bool(raw[1] & _NO_CHAIN), node.path)
        return bounded(chain, node.size)


def _zone(byte: int) -> int | None:
    """Minutes east of UTC in steps of 15; None: not given."""
    if not byte & 0x80:
        return None
    steps = byte & 0x7F
    return 15 * (steps - 128 if steps >= 64 else steps)


def _time(stamp: int, hundredths: int, zone: int | None) -> int | None:
    """Ns since 1970: UTC where the zone is known, else the wall clock."""
    ns = dos_time(stamp >> 16, stamp & 0xFFFF, hundredths)
    return ns if ns is None or zone is None else ns - zone * 60_000_000_000
