"""Builds whole NTFS volumes around an `MftBuilder`. Shares no code with the reader it tests.

Layout: boot sector, $MFT, $MFTMirr, then contents in the order of their records. Directories have no index entries:
readers go by the $MFT, as ours does. Source: "NTFS documentation" of the linux-ntfs project.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.builders.mft import MftBuilder, Moment, Placement, Times

CLUSTER = 4096
RECORD = 1024
COMPRESSED, SPARSE = 1, 0x8000
_UNIT = 16
MFT_AT = 4


def runs_of(pieces: Sequence[tuple[int, int | None]], before: int = 0) -> bytes:
    """A run list of (clusters, first cluster or None for a hole); `before`: first cluster of the run before."""
    out, last = bytearray(), before
    for clusters, first in pieces:
        length = clusters.to_bytes((clusters.bit_length() + 8) // 8, "little", signed=True)
        if first is None:
            out += bytes([len(length)]) + length
            continue
        step = first - last
        size = max(1, (step.bit_length() + 8) // 8)
        out += (
            bytes([size << 4 | len(length)]) + length + step.to_bytes(size, "little", signed=True)
        )
        last = first
    return bytes(out)


@dataclass(slots=True)
class NtfsVolume:
    """A volume of `clusters` clusters: paths with their bytes, placed when it is built."""

    mft: MftBuilder
    serial: int = 0x1122_3344_A1B2_C3D4
    label: str = "SYSTEM"
    _data: dict[tuple[int, str], bytes] = field(default_factory=dict)
    _special: dict[int, str] = field(default_factory=dict)
    _holes: dict[tuple[int, str], int] = field(default_factory=dict)
    _stored: dict[int, bytes] = field(default_factory=dict)
    _scattered: dict[tuple[int, str], int] = field(default_factory=dict)
    _next: int = 0

    def put(self, path: str, data: bytes, when: Moment) -> int:
        """A file, new or one that the builder of the $MFT has already; small content stays inside the record."""
        try:
            number = self.mft.record_of(path)
        except KeyError:
            number = self.mft.add_file(path, Times.all(when), size=max(1, len(data)))
        self._data[number, ""] = data
        return number

    def fragmented(self, number: int, in_extension: bool = False) -> None:
        """Store the content in two runs with a foreign cluster between, the second before the first."""
        self._special[number] = "extension" if in_extension else "fragments"

    def scattered(self, number: int, stream: str, pieces: int) -> None:
        """Store a stream in so many runs out of order, each but the first in an extension record of its own."""
        self._scattered[number, stream] = pieces

    def compressed(self, number: int, packed: bytes) -> None:
        """Store the content as units of 16 clusters; `packed` is the LZNT1 form of the first, the second is a hole."""
        self._special[number] = "compressed"
        self._stored[number] = packed

    def stream(self, number: int, name: str, data: bytes, hole: int = 0) -> None:
        """A stream outside of the $MFT, behind a hole of so many clusters; the builder must know its name."""
        self._data[number, name] = data
        self._holes[number, name] = hole

    def build(self, clusters: int) -> bytes:
        """The volume's bytes."""
        disk = bytearray(clusters * CLUSTER)
        self._facts(clusters)
        wanted = dict.fromkeys((n, s) for n, s, _, _ in self.mft.contents())
        wanted |= dict.fromkeys(self._data)
        wanted.pop((0, ""), None)
        count = self.mft.record_count() + 8 + sum(self._scattered.values())
        mft_clusters = -(-count * RECORD // CLUSTER)
        self._next = MFT_AT + mft_clusters + 1
        sizes = {(n, s): size for n, s, _, size in self.mft.contents()}
        given = {(n, s): data for n, s, data, _ in self.mft.contents() if data is not None}
        for number, stream in wanted:
            key = (number, stream)
            data = self._data.get(key, given.get(key, bytes(sizes.get(key, 0))))
            self.mft.place(number, stream, self._store(disk, number, stream, data))
        length = mft_clusters * CLUSTER
        runs = runs_of([(mft_clusters, MFT_AT)])
        self.mft.place(0, "", Placement(((0, mft_clusters, runs),), length, length, length))
        mirror = MFT_AT + mft_clusters
        place = Placement(((0, 1, runs_of([(1, mirror)])),), CLUSTER, CLUSTER, CLUSTER)
        self.mft.place(1, "", place)
        built = self.mft.build()
        assert len(built) <= length
        disk[MFT_AT * CLUSTER : MFT_AT * CLUSTER + len(built)] = built
        disk[mirror * CLUSTER : mirror * CLUSTER + 4 * RECORD] = built[: 4 * RECORD]
        boot = self._boot(clusters, mirror)
        disk[:512] = boot
        disk[-512:] = boot
        return bytes(disk)

    def _facts(self, clusters: int) -> None:
        self.mft.attach(3, 0x60, self.label.encode("utf-16-le"))
        self.mft.attach(3, 0x70, struct.pack("<8xBBH", 3, 1, 0))

    def _take(self, disk: bytearray, data: bytes) -> int:
        first = self._next
        disk[first * CLUSTER : first * CLUSTER + len(data)] = data
        self._next += -(-len(data) // CLUSTER)
        assert self._next * CLUSTER < len(disk) - CLUSTER
        return first

    def _store(self, disk: bytearray, number: int, stream: str, data: bytes) -> Placement:
        special = "" if stream else self._special.get(number, "")
        clusters = max(1, -(-len(data) // CLUSTER))
        allocated = clusters * CLUSTER
        if special == "compressed":
            return self._compressed(disk, number, data)
        if special:
            return self._in_two(disk, data, clusters, special == "extension")
        hole = self._holes.get((number, stream), 0)
        if (number, stream) in self._scattered:
            return self._apart(disk, data, hole, self._scattered[number, stream])
        stored = [(clusters, self._take(disk, data))] if data or not hole else []
        clusters = len(stored) and clusters
        runs = runs_of([*([(hole, None)] if hole else []), *stored])
        size = hole * CLUSTER + len(data)
        flags = SPARSE if hole else 0
        allocated = (hole + clusters) * CLUSTER
        return Placement(((0, hole + clusters, runs),), size, allocated, size, flags)

    def _in_two(self, disk: bytearray, data: bytes, clusters: int, apart: bool) -> Placement:
        cut = max(1, clusters // 2)
        second = self._take(disk, data[cut * CLUSTER :])
        self._take(disk, b"\xee" * CLUSTER)
        first = self._take(disk, data[: cut * CLUSTER])
        size, allocated = len(data), clusters * CLUSTER
        if not apart:
            runs = runs_of([(cut, first), (clusters - cut, second)])
            return Placement(((0, clusters, runs),), size, allocated, size)
        pieces = (
            (0, cut, runs_of([(cut, first)])),
            (cut, clusters - cut, runs_of([(clusters - cut, second)])),
        )
        return Placement(pieces, size, allocated, size)

    def _apart(self, disk: bytearray, data: bytes, hole: int, count: int) -> Placement:
        share = -(-len(data) // CLUSTER // count) or 1
        parts = [data[k * CLUSTER : (k + share) * CLUSTER] for k in range(0, count * share, share)]
        firsts = [self._take(disk, part or b"\0") for part in reversed(parts)][::-1]
        pieces, at = [], 0
        for k, first in enumerate(firsts):
            runs = [(hole, None)] if hole and not k else []
            pieces.append((at, share + hole * (not k), runs_of([*runs, (share, first)])))
            at += pieces[-1][1]
        size = hole * CLUSTER + len(data)
        return Placement(tuple(pieces), size, at * CLUSTER, size, SPARSE if hole else 0)

    def _compressed(self, disk: bytearray, number: int, data: bytes) -> Placement:
        """Unit 0 packed, unit 1 a hole, unit 2 plain."""
        unit = _UNIT * CLUSTER
        packed = self._stored[number]
        used = -(-len(packed) // CLUSTER)
        first = self._take(disk, packed)
        plain = self._take(disk, data[2 * unit :].ljust(unit, b"\0"))
        runs = runs_of([(used, first), (_UNIT - used, None), (_UNIT, None), (_UNIT, plain)])
        return Placement(((0, 3 * _UNIT, runs),), len(data), 3 * unit, len(data), COMPRESSED, 4)

    def _boot(self, clusters: int, mirror: int) -> bytes:
        boot = bytearray(512)
        boot[0:11] = b"\xeb\x52\x90NTFS    "
        struct.pack_into("<HBH5xB2xHHI", boot, 11, 512, CLUSTER // 512, 0, 0xF8, 63, 255, 0)
        struct.pack_into("<IIQQQ", boot, 32, 0, 0x80_0080, clusters * 8 - 1, MFT_AT, mirror)
        struct.pack_into("<bxxxbxxxQ", boot, 64, -10, 1, self.serial)
        boot[510:512] = b"\x55\xaa"
        return bytes(boot)


def lznt1(data: bytes) -> bytes:
    """Packed with LZNT1 (MS-XCA 2.5): greedy, with the longest match of a short search."""
    out = bytearray()
    for at in range(0, len(data), 4096):
        chunk = data[at : at + 4096]
        packed = _lznt1_chunk(chunk)
        if len(packed) < len(chunk):
            out += struct.pack("<H", 0xB000 | len(packed) - 1) + packed
        else:
            out += struct.pack("<H", 0x3000 | len(chunk) - 1) + chunk
    return bytes(out) + b"\0\0"


def _lznt1_chunk(chunk: bytes) -> bytes:
    out, at = bytearray(), 0
    while at < len(chunk):
        flags, group = 0, bytearray()
        for bit in range(8):
            if at >= len(chunk):
                break
            bits = 4
            while at > 1 << bits:
                bits += 1
            longest = (1 << 16 - bits) + 2
            back, size = 0, 0
            for step in (1, 2, 3, 7, 16, 100, 1000, 2048):
                if step <= at:
                    n = 0
                    while (
                        n < longest
                        and at + n < len(chunk)
                        and chunk[at + n] == chunk[at + n - step]
                    ):
                        n += 1
                    if n > size:
                        back, size = step, n
            if size >= 3:
                flags |= 1 << bit
                group += struct.pack("<H", back - 1 << 16 - bits | size - 3)
                at += size
            else:
                group.append(chunk[at])
                at += 1
        out += bytes([flags]) + group
    return bytes(out)
