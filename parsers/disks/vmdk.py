"""VMware disks (VMDK): sparse, flat, split and stream-optimised, through libvmdk over file objects."""

import re
import struct
from importlib import import_module
from typing import BinaryIO

from parsers.contract import Severity
from parsers.disks.model import Disk, DiskRefused, Siblings, sibling
from parsers.disks.streams import Doubts, placed, reader, size_of

SPARSE, DESCRIPTOR = b"KDMV", b"# Disk DescriptorFile"
_EXTENT = re.compile(
    r'^\s*(?:RW|RDONLY|NOACCESS)\s+(\d+)\s+(\w+)(?:\s+"([^"]*)"(?:\s+(\d+))?)?', re.MULTILINE
)
_PARENT = re.compile(r"^\s*parentCID\s*=\s*([0-9a-fA-F]+)", re.MULTILINE)
_HEAD = struct.Struct("<4xIIQQQQ")
MAX_DESCRIPTOR = 1 << 20
MAX_EXTENTS = 4096
_CONVERT = "qemu-img convert -O qcow2 IN OUT makes one file of the chain"


def open_vmdk(name: str, stream: BinaryIO, siblings: Siblings) -> Disk:
    """The disk of a VMDK: a sparse file with its descriptor inside, or a descriptor with extents beside it.

    Raises:
        DiskRefused: damaged, a snapshot, an extent without its descriptor, or an extent that is not there.
    """
    doubts = Doubts()
    text = _descriptor(stream)
    if text is None:
        raise DiskRefused(
            "extent_alone",
            "a descriptor",
            "an extent of a split disk",
            "give the small .vmdk text file that names it, with all extents beside it",
        )
    parent = _PARENT.search(text)
    if parent is not None and int(parent[1], 16) != 0xFFFF_FFFF:
        raise DiskRefused(
            "needs_parent_disk", "a disk complete in itself", f"parent {parent[1]}", _CONVERT
        )
    within = reader(stream)(0, 4) == SPARSE
    extents = [stream] if within else _extents(name, text, siblings)
    streams = [stream] if within else [stream, *extents]
    handle = import_module("pyvmdk").handle()
    try:
        handle.open_file_object(stream)
        handle.open_extent_data_files_as_file_objects(extents)
        size = int(handle.get_media_size())
    except OSError as error:
        raise DiskRefused("damaged_disk", "a sound VMDK", _first(error), _CONVERT) from error

    def read_at(at: int, n: int) -> bytes:
        try:
            return bytes(handle.read_buffer_at_offset(n, at))
        except OSError as error:
            doubts.add(
                "disk_range_lost",
                f"disk bytes {at} to {at + n - 1}",
                "readable grains",
                _first(error),
                "the range of the disk reads as zeros",
                Severity.ERROR,
            )
            return b""

    return Disk("VMDK", size, placed(size, read_at, streams, doubts.problems), doubts.problems)


def _descriptor(stream: BinaryIO) -> str | None:
    """Text that describes the disk, of the file itself or embedded in a sparse one."""
    read = reader(stream)
    head = read(0, 512)
    if head.startswith(SPARSE):
        *_, at, size = _HEAD.unpack(head[: _HEAD.size].ljust(_HEAD.size, b"\0"))
        if not at or not size:
            return None
        raw = read(at * 512, min(size * 512, MAX_DESCRIPTOR))
    elif size_of(stream) <= MAX_DESCRIPTOR:
        raw = read(0, MAX_DESCRIPTOR)
    else:
        return None
    return raw.partition(b"\0")[0].decode("utf-8", "replace")


def _extents(name: str, text: str, siblings: Siblings) -> list[BinaryIO]:
    """Extents in order. The names are data: only their last part counts, beside the descriptor."""
    found: list[BinaryIO] = []
    for match in list(_EXTENT.finditer(text))[:MAX_EXTENTS]:
        kind, said = match[2].upper(), match[3] or ""
        if kind not in ("SPARSE", "FLAT"):
            raise DiskRefused("unsupported_disk", "sparse or flat extents", kind, _CONVERT)
        other = sibling(siblings, re.split(r"[/\\]", said)[-1])
        if other is None or other[0] == name:
            for stream in found:
                stream.close()
            raise DiskRefused(
                "segment_missing",
                f"the extent {said!r} beside the descriptor",
                "no such file",
                "give the folder that holds all parts of the disk",
            )
        found.append(other[1]())
    if not found:
        raise DiskRefused("damaged_disk", "extents in the descriptor", "none", _CONVERT)
    return found


def _first(error: OSError) -> str:
    return str(error).partition("\n")[0][:200]
