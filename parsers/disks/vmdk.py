"""VMware disks (VMDK): sparse, flat, split and stream-optimised, through libvmdk over file objects."""

import re
import struct
from importlib import import_module
from typing import Any, BinaryIO

from parsers.contract import Severity
from parsers.disks.model import Disk, DiskRefused, Siblings, sibling
from parsers.disks.streams import Doubts, placed, reader, size_of

SPARSE, DESCRIPTOR = b"KDMV", b"# Disk DescriptorFile"
_EXTENT = re.compile(
    r'^\s*(?:RW|RDONLY|NOACCESS)\s+(\d+)\s+(\w+)(?:\s+"([^"]*)"(?:\s+(\d+))?)?', re.MULTILINE
)
_PARENT = re.compile(r"^\s*parentCID\s*=\s*([0-9a-fA-F]+)", re.MULTILINE)
_CID = re.compile(r"^\s*CID\s*=\s*([0-9a-fA-F]+)", re.MULTILINE)
_HINT = re.compile(r'^\s*parentFileNameHint\s*=\s*"([^"]*)"', re.MULTILINE)
MAX_CHAIN = 32
_HEAD = struct.Struct("<4xIIQQQQ")
MAX_DESCRIPTOR = 1 << 20
MAX_EXTENTS = 4096
_CONVERT = "qemu-img convert -O qcow2 IN OUT makes one file of the chain"


def open_vmdk(name: str, stream: BinaryIO, siblings: Siblings) -> Disk:
    """The disk of a VMDK: a sparse file with its descriptor inside, or a descriptor with extents beside it.

    A snapshot's disk is read over its parents, which lie beside it.

    Raises:
        DiskRefused: damaged, an extent without its descriptor, or an extent or parent that is not there.
    """
    doubts = Doubts()
    streams: list[BinaryIO] = []
    chain: dict[str, Any] = {}
    try:
        _open_chain(name, stream, siblings, streams, chain)
        handle = chain[name]
        size = int(handle.get_media_size())
    except (DiskRefused, OSError) as error:
        for opened in streams[1:]:  # the first is the caller's as long as there is no disk
            opened.close()
        if isinstance(error, DiskRefused):
            raise
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

    kind = "VMDK" if len(chain) == 1 else "VMDK of a snapshot"
    return Disk(kind, size, placed(size, read_at, streams, doubts.problems), doubts.problems)


def _open_chain(
    name: str, stream: BinaryIO, siblings: Siblings, streams: list[BinaryIO], chain: dict[str, Any]
) -> None:
    """Open a disk and its parents; their handles, by name, go together."""
    if len(chain) >= MAX_CHAIN:
        raise DiskRefused("damaged_disk", f"at most {MAX_CHAIN} parents", "more", _CONVERT)
    streams.append(stream)
    text = _descriptor(stream)
    if text is None:
        raise DiskRefused(
            "extent_alone",
            "a descriptor",
            "an extent of a split disk",
            "give the small .vmdk text file that names it, with all extents beside it",
        )
    within = reader(stream)(0, 4) == SPARSE
    extents = [stream] if within else _extents(name, text, siblings)
    streams += [] if within else extents
    handle = import_module("pyvmdk").handle()
    handle.open_file_object(stream)
    handle.open_extent_data_files_as_file_objects(extents)
    chain[name] = handle
    parent = _PARENT.search(text)
    if parent is not None and int(parent[1], 16) != 0xFFFF_FFFF:
        others = {n: o for n, o in siblings.items() if n not in chain}
        below, opened = _parent(text, parent[1], others)
        _open_chain(below, opened, siblings, streams, chain)
        handle.set_parent(chain[below])


def _parent(text: str, wanted: str, siblings: Siblings) -> tuple[str, BinaryIO]:
    """The disk below, by the content identifier that the snapshot was made over; first under the name it gives."""
    hint = _HINT.search(text)
    said = re.split(r"[/\\]", hint[1])[-1].casefold() if hint else ""
    names = [n for n in siblings if n.casefold().endswith(".vmdk")]
    for name in sorted(names, key=lambda n: (n.casefold() != said, n)):
        stream = siblings[name]()
        found = _CID.search(_descriptor(stream) or "")
        if found is not None and int(found[1], 16) == int(wanted, 16):
            return name, stream
        stream.close()
    raise DiskRefused(
        "needs_parent_disk",
        f"the parent with CID {wanted} beside the disk{f' ({said})' if said else ''}",
        "none with that CID",
        f"give the folder that holds all files of the virtual machine, or {_CONVERT}",
    )


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
