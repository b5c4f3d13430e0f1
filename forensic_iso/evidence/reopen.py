"""From the path that the case keeps of an artifact back to the file: through archives and images, without a search."""

import os
import re
from collections.abc import Iterator
from dataclasses import replace

from forensic_iso.evidence.archive import walk_archive
from forensic_iso.evidence.found import (
    IMAGE,
    JOIN,
    EvidenceProblem,
    Found,
    Sighting,
    found_file,
    found_member,
)
from forensic_iso.evidence.image import bare, open_image
from forensic_iso.evidence.opening import open_found
from forensic_iso.evidence.tars import is_tar, walk_tar
from forensic_iso.evidence.volume import INDEX, JOURNAL, open_node, opened_volume, volume_kind
from forensic_iso.text import encodable
from parsers.disks import DiskRefused
from parsers.volumes import Node, NtfsVolume, Volume, VolumeRefused, list_volumes

_SNAPSHOT = re.compile(r"vss(\d+)/(.+)", re.DOTALL)


def found_at(given: str, path: str, unlock: tuple[str, ...] = ()) -> Found | None:
    """The file of a path of the case (`source.path`) below what was handed in; None: it is not there any more.

    Args:
        given: what was handed in, absolute (`source.given`).
        path: begins with the name of what was handed in; containers are joined by `!/`.
        unlock: keys of encrypted volumes.

    Raises:
        OSError: a file cannot be read.
        BadArchive: an archive cannot be read.
    """
    outer, *inner = path.split(JOIN)
    real = given + outer[len(given.rpartition("/")[2]) :]
    if not os.path.lexists(real):
        return None
    below = real[len(given) :].lstrip("/")
    size = os.lstat(real).st_size
    at: Found | None = replace(found_file(real, real, below, size, given), unlock=unlock)
    rest = list(inner)
    while rest and at is not None:
        if len(rest) > 1 and (place := _volume(at, rest[0])) is not None:
            at = _on_volume(place, at, rest[1])
            del rest[:2]
        else:
            at = next((f for f in _members(at) if encodable(f.member) == rest[0]), None)
            del rest[0]
    return at


def in_shadow_copy(path: str) -> bool:
    """Whether a path of the case (`source.path`) leads into a shadow copy of a volume."""
    return any(_SNAPSHOT.fullmatch(part) for part in path.split(JOIN)[1:])


def _members(outer: Found) -> Iterator[Found]:
    with open_found(outer) as stream:
        head = stream.read(512)
    items: Iterator[Sighting | EvidenceProblem]
    items = walk_tar(outer) if is_tar(outer.name, head) else walk_archive(outer)
    yield from (item.found for item in items if isinstance(item, Sighting))


def _volume(image: Found, name: str) -> Found | None:
    """The volume of that name, if the file is an image that has one."""
    try:
        disk = open_image(image)
    except DiskRefused:
        return None
    for listed in list_volumes(disk.stream, disk.size):
        if listed.name == name and listed.filesystem is not None:
            return found_member(image, name, listed.size, listed.start, IMAGE)
    return None


def _on_volume(place: Found, image: Found, inner: str) -> Found | None:
    match = _SNAPSHOT.fullmatch(inner)
    snapshot, below = (int(match[1]), match[2]) if match else (0, inner)
    try:
        volume = opened_volume(bare(image), os.getpid(), place.offsets[-1], snapshot, place.unlock)
        found = _node(volume, below)
        if found is None:
            return None
        node, stream = found
        with open_node(volume, node, stream) as content:
            size = content.seek(0, os.SEEK_END)
    except VolumeRefused:
        return None
    found_there = found_member(place, inner, size, node.file_id, volume_kind(snapshot))
    return replace(found_there, name=encodable(stream if stream in (JOURNAL, INDEX) else node.name))


def _node(volume: Volume, below: str) -> tuple[Node, str | None] | None:
    """A file and perhaps one of its streams; the name of a file goes before that of a stream."""
    node = volume.stat(below)
    if node is not None:
        return node, None
    name, colon, stream = below.rpartition(":")
    node = volume.stat(name) if colon else None
    if node is None or not isinstance(volume, NtfsVolume):
        return None
    known = (*node.streams, INDEX)
    return (node, stream) if stream in known else None
