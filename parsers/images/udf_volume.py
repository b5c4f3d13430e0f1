"""UDF volumes: anchor, volume descriptors, partition maps, file set (ECMA-167 3 and 4; OSTA UDF 1.02-2.60)."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from parsers.images.media import Extents, Media, Pieces
from parsers.images.model import Notes, Volume
from parsers.images.udf_fields import (
    Place,
    crc_holds,
    dstring,
    long_place,
    regid,
    tag,
    time,
)

BLOCK_SIZES = (2048, 512, 1024, 4096)
MAX_DESCRIPTORS = 256
MAX_MAPS = 8
PRIMARY, ANCHOR, POINTER, PARTITION, LOGICAL, TERMINATOR, FILE_SET = 1, 2, 3, 5, 6, 8, 256
SERIAL_BASIS = "byte sums of the primary volume descriptor, reversed (published code, not verified)"


@dataclass(frozen=True, slots=True)
class Map:
    """A partition map: kind (plain, metadata, virtual, sparable), partition number, the metadata file's blocks."""

    kind: str
    number: int
    files: tuple[int, ...] = ()


@dataclass(slots=True)
class Disc:
    """What the volume descriptors tell. `starts` are partitions as (first byte, length in bytes)."""

    media: Media
    notes: Notes
    block: int
    primary: tuple[int, bytes] | None = None
    logical: tuple[int, bytes] | None = None
    starts: dict[int, tuple[int, int]] = field(default_factory=dict)
    maps: list[Map] = field(default_factory=list)
    metadata: dict[int, Pieces] = field(default_factory=dict)

    def sector(self, number: int, expected: tuple[int, ...]) -> bytes | None:
        """A descriptor by its block number on the disc."""
        return self.descriptor(number * self.block, expected)

    def descriptor(self, at: int, expected: tuple[int, ...]) -> bytes | None:
        """A descriptor by byte offset; None: none of the expected kinds. A wrong CRC is a problem."""
        data = self.media.read(at, self.block)
        if (kind := tag(data)) is None or kind not in expected or len(data) < self.block:
            return None
        if not crc_holds(data):
            self.notes.add(
                "udf_crc", at, "a matching CRC", f"descriptor {kind}", "read all the same"
            )
        return data

    def extents(self, place: Place) -> Extents:
        """Where a place lies in the media; pieces where the metadata file is in pieces."""
        if place.kind in (1, 2):
            return ((None, place.length),)
        at = place.block * self.block
        if place.partition in self.metadata:
            return tuple(self.metadata[place.partition].cut(at, place.length))
        start = self._start(place.partition)
        return ((start + at, place.length),)

    def _start(self, partition: int) -> int:
        number = self.maps[partition].number if partition < len(self.maps) else partition
        only = next(iter(self.starts.values()), (0, 0))
        return self.starts.get(number, only)[0]


def anchors(media: Media) -> Iterator[tuple[int, int, bytes]]:
    """(block size, byte offset, bytes) of each anchor: block 256, the last one, 256 before it, 512."""
    for block in BLOCK_SIZES:
        last = media.size // block - 1
        for number in (256, last, last - 256, 512):
            data = media.read(number * block, block) if number > 0 else b""
            if tag(data) == ANCHOR and int.from_bytes(data[12:16], "little") == number:
                yield block, number * block, data


def has_nsr(media: Media) -> bool:
    """Whether the recognition sequence names UDF, without which Windows does not try it."""
    for number in range(16, 64):
        found = media.read(number * 2048, 6)[1:6]
        if found in (b"NSR02", b"NSR03"):
            return True
    return False


def open_disc(media: Media, notes: Notes) -> Disc | None:
    """The disc by the first anchor whose main or reserve sequence tells a logical volume and a partition."""
    for block, _, anchor in anchors(media):
        for at in (16, 24):
            length, start = struct.unpack_from("<II", anchor, at)
            disc = Disc(media, notes, block)
            _read_sequence(disc, start, length // block)
            if disc.logical and disc.starts:
                _read_maps(disc)
                return disc
    return None


def _read_sequence(disc: Disc, start: int, count: int) -> None:
    """Descriptors of a sequence; of two of a kind the one with the higher number prevails."""
    order: dict[int, int] = {}
    seen: set[int] = set()
    number, left = start, min(count, MAX_DESCRIPTORS)
    wanted = (PRIMARY, POINTER, 4, PARTITION, LOGICAL, 7, TERMINATOR)
    while left > 0 and number not in seen:
        seen.add(number)
        data = disc.sector(number, wanted)
        kind = tag(data) if data else None
        if data is None or kind is None:
            number, left = number + 1, left - 1
            continue
        if kind == TERMINATOR:
            return
        rank = int(struct.unpack_from("<I", data, 16)[0])
        at = number * disc.block
        number, left = number + 1, left - 1
        if kind == POINTER:
            length, number = struct.unpack_from("<II", data, 20)
            left = min(length // disc.block, MAX_DESCRIPTORS - len(seen))
        elif kind == PARTITION:
            part, first, blocks = (
                struct.unpack_from("<H", data, 22)[0],
                *struct.unpack_from("<II", data, 188),
            )
            disc.starts[part] = (first * disc.block, blocks * disc.block)
        elif kind in (PRIMARY, LOGICAL) and rank >= order.get(kind, 0):
            order[kind] = rank
            if kind == PRIMARY:
                disc.primary = (at, data)
            else:
                disc.logical = (at, data)


def _read_maps(disc: Disc) -> None:
    assert disc.logical is not None  # noqa: S101 (the caller saw it)
    at, data = disc.logical
    place, count = 440, struct.unpack_from("<I", data, 268)[0]
    for _ in range(min(count, MAX_MAPS)):
        if place + 6 > len(data) or data[place + 1] < 6:
            break
        if data[place] == 1:
            disc.maps.append(Map("plain", struct.unpack_from("<H", data, place + 4)[0]))
        elif data[place] == 2 and place + 64 <= len(data):
            disc.maps.append(_typed_map(data, place))
        else:
            disc.maps.append(Map("unknown", 0))
        place += data[place + 1]
    for number, one in enumerate(disc.maps):
        if one.kind in ("virtual", "sparable", "unknown"):
            disc.notes.add(
                "udf_partition_map",
                at,
                "a plain or metadata partition",
                one.kind,
                f"partition {number} is read as a plain one",
            )


def _typed_map(data: bytes, at: int) -> Map:
    name = data[at + 5 : at + 28]
    number = struct.unpack_from("<H", data, at + 38)[0]
    if name.startswith(b"*UDF Metadata"):
        return Map("metadata", number, struct.unpack_from("<II", data, at + 40))
    return Map("virtual" if name.startswith(b"*UDF Virtual") else "sparable", number)


def file_set(disc: Disc) -> tuple[int, bytes] | None:
    """The file set descriptor that the logical volume names."""
    assert disc.logical is not None  # noqa: S101
    for start, _ in disc.extents(long_place(disc.logical[1], 248)):
        if start is not None and (data := disc.descriptor(start, (FILE_SET,))) is not None:
            return start, data
    return None


def describe(disc: Disc, nsr: bool) -> Volume:
    """The volume as Windows shows it."""
    assert disc.logical is not None  # noqa: S101
    at, logical = disc.logical
    primary = disc.primary[1] if disc.primary else b""
    created, zone = time(primary[376:388])
    fileset = file_set(disc)
    revision = struct.unpack_from("<H", logical, 240)[0]
    return Volume(
        filesystem="UDF",
        name_form="udf",
        address=disc.media.address(at),
        size=sum(n for _, n in disc.starts.values()),
        label=dstring(logical[84:212]) or "",
        serial=_serial(disc),
        serial_basis=SERIAL_BASIS if disc.primary else None,
        revision=f"UDF {revision >> 8:x}.{revision & 255:02x}",
        created=created if zone is not None else None,
        created_local=created if zone is None else None,
        modified=_utc(fileset[1][16:28]) if fileset else None,
        application=regid(primary[344:376]),
        system=regid(primary[388:420]) or regid(logical[272:304]),
        volume_set=dstring(primary[72:200]),
        remarks=() if nsr else ("no NSR descriptor: Windows does not take it for UDF",),
    )


def _utc(raw: bytes) -> int | None:
    ns, zone = time(raw)
    return ns if zone is not None else None


def _serial(disc: Disc) -> str | None:
    """Four byte sums over 2048 bytes of the primary descriptor, lane 3 most significant."""
    if disc.primary is None:
        return None
    data = disc.media.read(disc.primary[0], 2048)
    sums = [sum(data[lane::4]) & 255 for lane in range(4)]
    return f"{sums[3]:02X}{sums[2]:02X}-{sums[1]:02X}{sums[0]:02X}"
