"""Folders of ISO 9660 where no descriptor leads to them: each begins with records for itself and its parent."""

import struct
from collections.abc import Iterator

from parsers.images.iso import Walk
from parsers.images.iso_descriptors import SECTOR, Descriptor
from parsers.images.media import READ_BYTES, Media
from parsers.images.model import Notes, Tree, Volume

MAX_SCANNED = 4 << 30
MAX_ROOTS = 16
_OWN, _PARENT = b"\1\0", b"\1\1"


def trees(media: Media, notes: Notes) -> list[Tree]:
    """Trees of the roots found, Joliet first; a root is its own parent, or its parent is not there."""
    found = dict(_folders(media))
    roots = [at for at, parent in found.items() if parent == at]
    roots = roots or [at for at, parent in found.items() if parent not in found]
    known = [_descriptor(media, at) for at in roots[:MAX_ROOTS]]
    known.sort(key=lambda d: d.name_form != "joliet")
    if known:
        notes.add(
            "iso_found_by_scan",
            16 * SECTOR,
            "a volume descriptor",
            "none",
            f"{len(known)} root folders were found by their records",
        )
    return [
        Tree(d.volume, Walk(media, notes, d).entries, mounted=False, secondary=number > 0)
        for number, d in enumerate(known)
    ]


def _folders(media: Media) -> Iterator[tuple[int, int]]:
    """(byte offset, byte offset of the parent) of sectors that begin a folder."""
    for base in range(16 * SECTOR, min(media.size, MAX_SCANNED), READ_BYTES):
        data = media.read(base, READ_BYTES)
        for at in range(0, len(data) - 69, SECTOR):
            if data[at] < 34 or data[at + 32 : at + 34] != _OWN:
                continue
            second = at + data[at]
            own = struct.unpack_from("<I", data, at + 2)[0] * SECTOR
            if own != base + at or data[second + 32 : second + 34] != _PARENT:
                continue
            yield own, struct.unpack_from("<I", data, second + 2)[0] * SECTOR


def _descriptor(media: Media, at: int) -> Descriptor:
    """What a descriptor would say of this root; Joliet by the first name's upper byte."""
    head = media.read(at, SECTOR)
    length = int(struct.unpack_from("<I", head, 10)[0])
    third = head[0] + head[head[0]] if head[0] < len(head) else 0
    name = head[third + 33 : third + 33 + head[third + 32]] if third + 33 < len(head) else b""
    form = "joliet" if len(name) > 1 and not len(name) % 2 and not name[0] else "iso9660"
    volume = Volume(
        filesystem="CDFS",
        name_form=form,
        address=media.address(at),
        size=media.size,
        remarks=("no volume descriptor: found by scan, Windows does not mount it",),
    )
    return Descriptor(form, SECTOR, (at, length), (0, 0), volume)
