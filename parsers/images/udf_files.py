"""File entries of UDF: size, times, and where the content lies (ECMA-167 4/14.9-4/14.17; OSTA UDF 2.3.6)."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from parsers.contract import Severity
from parsers.images.media import Extents, Pieces
from parsers.images.model import Times
from parsers.images.udf_fields import Place, long_place, short_place, tag, time
from parsers.images.udf_volume import Disc

FILE_ENTRY, EXTENDED_ENTRY, ALLOCATION = 261, 266, 258
MAX_EXTENTS = 65_536
MAX_CHAINS = 4_096
_FILE_TIMES = 5
_STEPS = {0: 8, 1: 16}
"""Bytes of a short and a long allocation descriptor; UDF has no extended ones (2.3.10)."""


@dataclass(frozen=True, slots=True)
class File:
    """A file entry that was read; `data` are its bytes in the entry itself."""

    at: int
    kind: int
    size: int
    extents: Extents
    flags: int
    times: Times
    streams: Place | None


def metadata_file(disc: Disc, number: int) -> Pieces:
    """The metadata file, or of its mirror where the first cannot be read."""
    part = disc.maps[number].number
    plain = next(
        (i for i, m in enumerate(disc.maps) if m.number == part and m.kind != "metadata"), None
    )
    if plain is not None:
        for block in disc.maps[number].files:
            file = read_file(disc, Place(disc.block, 0, block, plain))
            if file is not None and file.extents:
                return Pieces.of(disc.media, file.extents, file.size)
    disc.notes.add(
        "udf_no_metadata_file",
        next(iter(disc.starts.values()))[0],
        "a metadata file or its mirror",
        "none",
        "nothing in the metadata partition can be read",
        Severity.ERROR,
    )
    return Pieces.of(disc.media, (), 0)


def read_file(disc: Disc, place: Place) -> File | None:
    """The file entry at a place; None: none there."""
    where = disc.extents(place)
    start = where[0][0] if where else None
    if start is None or (data := disc.descriptor(start, (FILE_ENTRY, EXTENDED_ENTRY))) is None:
        return None
    extended = tag(data) == EXTENDED_ENTRY
    head = 216 if extended else 176
    attributes, allocation = struct.unpack_from("<II", data, head - 8)
    flags, size = struct.unpack_from("<H", data, 34)[0], struct.unpack_from("<Q", data, 56)[0]
    first = head + attributes
    body = data[first : first + allocation]
    if flags & 7 == 3:
        extents: Extents = ((start + first, min(size, len(body))),) if size else ()
    else:
        extents = tuple(_allocated(disc, body, flags & 7, place.partition, start))
    created = time(data[104:116]) if extended else _creation(data[head:first])
    at = 80 if extended else 72
    later = [time(data[i : i + 12]) for i in (at, at + 12, at + 36 if extended else at + 24)]
    streams = long_place(data, 152) if extended else None
    return File(
        start,
        data[27],
        size,
        _fitting(extents, size),
        flags,
        _times(disc, start, created, later),
        streams if streams and streams.length else None,
    )


def _fitting(extents: Extents, size: int) -> Extents:
    """The extents up to the file's length: the tail is allocated only."""
    out: list[tuple[int | None, int]] = []
    for start, length in extents:
        if (take := min(length, size)) <= 0:
            break
        out.append((start, take))
        size -= take
    return tuple(out)


def _times(
    disc: Disc,
    at: int,
    created: tuple[int | None, int | None],
    later: list[tuple[int | None, int | None]],
) -> Times:
    """UTC where the entry's times name a zone; local where none does."""
    stamps = [created, *later]
    zones = {zone for ns, zone in stamps if ns is not None}
    if len(zones) > 1 and None in zones:
        disc.notes.add(
            "udf_time_without_zone", at, "a zone in all times", "in some", "the others are left out"
        )
        stamps = [s if s[1] is not None else (None, None) for s in stamps]
    made, accessed, modified, changed = (ns for ns, _ in stamps)
    local = zones == {None}
    return Times(modified, made, modified, accessed, changed, local, later[1][1])


def _creation(attributes: bytes) -> tuple[int | None, int | None]:
    """Creation time of the file times attribute (type 5) behind a file entry's header."""
    at = 24
    while at + 12 <= len(attributes):
        kind, length = struct.unpack_from("<I4xI", attributes, at)
        if kind == _FILE_TIMES and at + 32 <= len(attributes) and attributes[at + 16] & 1:
            return time(attributes[at + 20 : at + 32])
        if length < 12:
            break
        at += length
    return None, None


def _allocated(
    disc: Disc, body: bytes, form: int, partition: int, at: int
) -> Iterator[tuple[int | None, int]]:
    """Extents of allocation descriptors, over the extents that hold more of them."""
    seen: set[tuple[int, int]] = set()
    count = 0
    if form not in _STEPS:
        disc.notes.add(
            "udf_allocation_form", at, "short, long or embedded", str(form), "content not found"
        )
        return
    step = _STEPS[form]
    while body:
        more: Place | None = None
        for i in range(0, len(body) - step + 1, step):
            place = short_place(body, i, partition) if form == 0 else long_place(body, i)
            if not place.length:
                break
            if place.kind == 3:
                more = place
                break
            count += 1
            if count > MAX_EXTENTS:
                break
            yield from disc.extents(place)
        body = b""
        if more is not None and count <= MAX_EXTENTS:
            key = (more.block, more.partition)
            if key in seen or len(seen) >= MAX_CHAINS:
                disc.notes.add(
                    "udf_allocation_loop", at, "new descriptors", "known ones", "not read again"
                )
                return
            seen.add(key)
            body = _more(disc, more)


def _more(disc: Disc, place: Place) -> bytes:
    where = disc.extents(place)
    data = disc.media.read(where[0][0], place.length) if where and where[0][0] is not None else b""
    if tag(data) != ALLOCATION or len(data) < 24:
        return b""
    return data[24 : 24 + int(struct.unpack_from("<I", data, 20)[0])]
