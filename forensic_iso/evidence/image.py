r"""Disk images as evidence: which files are one, and the disk inside, in any process.

The rule. An image is opened as evidence if it was handed in directly, or if it holds a Windows volume (a folder
`Windows\System32` on a file system that is read here) or the layout of a collection (as KAPE leaves in a VHDX), or if
it is of a format that only examiners write (E01, Ex01) and lies on no collected volume. Any other image lies there as a
file like others: an ISO that a user downloaded, a small VHD without Windows. It is an artifact for the parser of
images, and so is one that was handed in directly and holds neither. Images on the volume of an image are never opened
as evidence.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import BinaryIO

from forensic_iso.evidence.archive import walk_archive
from forensic_iso.evidence.found import TAR, VOLUME, ZIP, Found, Sighting, outer_of
from forensic_iso.evidence.opening import open_found
from forensic_iso.evidence.streams import open_readonly
from forensic_iso.evidence.tars import is_tar, walk_tar
from parsers.contract import Opener
from parsers.disks import SEGMENT_MARKS, Disk, disk_format, open_disk, refused_format, unpacked
from parsers.volumes import filesystem_of

_SEGMENT = re.compile(
    r"(.+\.)(?:(?!e01$)[e-z](?:\d\d|[a-z]{2})|e(?!x01$)([x-z])(?:\d\d|[a-z]{2}))", re.IGNORECASE
)
_NUMBERED = re.compile(r"(.+\.)(\d{3,5})")
_EXTENT = re.compile(r"(.+?)-(?:[sf]\d{3}|flat)\.vmdk", re.IGNORECASE)
_DISK_NAMES = (".raw", ".dd", ".001")
_RAW_NAMES = (".raw", ".dd", ".img", ".001", ".bin", ".image", ".disk", ".vmdk")


def is_image(item: Sighting, explicit: bool) -> bool:
    """Whether a file may be a disk image: by its marks; a bare disk, also in gzip, by its boot sector or table.

    A disc (ISO 9660, UDF) is none: it holds no system.
    """
    if VOLUME in (kind.partition(":")[0] for kind in item.found.kinds):
        return False
    if is_tar(item.found.name, item.head):
        return False
    name, head = unpacked(item.found.name, item.head)
    if disk_format(name, head) or refused_format(name, head):
        return True
    if head[0x8001:0x8006] == b"CD001" and filesystem_of(head[:512]) is None:
        return False
    bare = filesystem_of(head[:512]) is not None or _has_table(head)
    if explicit and name.lower().endswith(_DISK_NAMES):
        return True  # its start may be wiped: the end may still tell
    named = name.lower().endswith(_RAW_NAMES) or "." not in name
    return bare and (explicit or named)


def is_part(item: Sighting) -> bool:
    """Whether a file is a later part of an image whose first part lies beside it: read with that one."""
    name = item.found.name
    if item.head.startswith(SEGMENT_MARKS) and (segment := _SEGMENT.fullmatch(name)):
        first = "ex01" if segment[2] else "e01"
        return f"{segment[1]}{first}".lower() in names_beside(*_place(item.found))
    if extent := _EXTENT.fullmatch(name):
        return f"{extent[1]}.vmdk".lower() in names_beside(*_place(item.found))
    part = _NUMBERED.fullmatch(name)
    if part is None or int(part[2]) < 2:
        return False
    return f"{part[1]}{1:0{len(part[2])}}".lower() in names_beside(*_place(item.found))


def _place(found: Found) -> tuple[Found | None, str]:
    """(container, folder) of a file."""
    folder = _folder(found.member)
    return (replace(outer_of(found), unlock=()), folder) if found.containers else (None, folder)


@lru_cache(maxsize=8)
def names_beside(outer: Found | None, folder: str) -> frozenset[str]:
    """Names in a folder, or in a folder of an archive, in lower case."""
    if outer is None:
        openers: Mapping[str, Opener] = _in_folder(folder or "/")
    else:
        openers = _in_archive(outer, folder)
    return frozenset(name.lower() for name in openers)


def _has_table(head: bytes) -> bool:
    """A partition table that makes sense: GPT, or an MBR with states 00 or 80 and a length."""
    if head[512:520] == b"EFI PART" or head[4096:4104] == b"EFI PART":
        return True
    if head[510:512] != b"\x55\xaa":
        return False
    entries = [head[i : i + 16] for i in range(446, 510, 16)]
    used = [e for e in entries if e[4] and int.from_bytes(e[12:16], "little")]
    return all(e[0] in (0x00, 0x80) for e in entries) and bool(used)


def siblings_of(found: Found) -> Mapping[str, Opener]:
    """The files of the same folder, or of the same folder of the archive, by name; opened only when asked for."""
    folder = _folder(found.member)
    if not found.containers:
        return _in_folder(folder or "/")
    return _in_archive(outer_of(found), folder) if found.kind in (ZIP, TAR) else {}


def _in_folder(folder: str) -> dict[str, Opener]:
    try:
        with os.scandir(folder) as entries:
            paths = [(e.name, e.path) for e in entries if e.is_file(follow_symlinks=False)]
    except OSError:
        return {}
    return {name: partial(open_readonly, path) for name, path in sorted(paths)}


def _in_archive(outer: Found, folder: str) -> dict[str, Opener]:
    with open_found(outer) as stream:
        packed = is_tar(outer.name, stream.read(512))
    return {
        _name(item.found): partial(open_found, item.found)
        for item in (walk_tar(outer) if packed else walk_archive(outer))
        if isinstance(item, Sighting) and _folder(item.found.member) == folder
    }


def _name(found: Found) -> str:
    return found.member.replace("\\", "/").rpartition("/")[2]


def _folder(member: str) -> str:
    return member.replace("\\", "/").rpartition("/")[0]


def open_image(found: Found) -> Disk:
    """The disk in an image, held open by this process.

    Raises:
        DiskRefused: it is not read, damaged, or parts are missing.
        OSError: a file cannot be read.
        BadArchive: the archive that holds it changed.
    """
    outermost = found.containers[0] if found.containers else found.member
    status = Path(outermost).stat()
    return opened_disk(bare(found), os.getpid(), status.st_size, status.st_mtime_ns)


def bare(found: Found) -> Found:
    """The same file however it was found: what does not matter for opening is left out."""
    return Found(
        found.path,
        found.member,
        0,
        _name(found),
        None,
        found.given,
        found.containers,
        found.offsets,
        found.kinds,
    )


@lru_cache(maxsize=2)
def opened_disk(found: Found, _process: int, _size: int, _changed: int) -> Disk:
    """See `open_image`; a changed file, or another process, opens it anew."""

    def opener() -> BinaryIO:
        return open_found(found)

    return open_disk(found.name, opener, siblings_of(found))


def forget() -> None:
    """Drop the images that this process holds open."""
    opened_disk.cache_clear()
    names_beside.cache_clear()
