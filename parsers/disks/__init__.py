"""Virtual disks as one seekable read-only stream, whatever file format holds them; nothing is unpacked.

Handles are opened where they are used and belong to that process: a handle inherited over fork shares its position.
"""

from functools import partial
from typing import BinaryIO

from parsers.contract import Opener
from parsers.disks import ewf, ewf2, gzipped, qcow2, vhd, vhdx, vmdk
from parsers.disks.acquired import check_stored
from parsers.disks.model import Disk, DiskRefused, Siblings
from parsers.disks.raw import open_raw
from parsers.disks.refused import Refused, refused_format
from parsers.disks.streams import ReadAt, reader, size_of

HEAD_BYTES = 512
TAIL_BYTES = 512
MAX_CHAIN = 32
_NAMES = {".e01": "E01", ".ex01": "Ex01", ".qcow2": "QCOW2", ".vhdx": "VHDX", ".avhdx": "VHDX"}
SEGMENT_MARKS = (ewf.MAGIC, ewf2.MAGIC)
"""Each segment of an E01 or Ex01 begins with one."""


def open_disk(name: str, opener: Opener, siblings: Siblings | None = None) -> Disk:
    """The virtual disk in a file, by its first bytes (a fixed VHD by its last); raw where no mark is known.

    Args:
        name: the file's own name; segments and extents are found by it.
        opener: gives a new stream over the file.
        siblings: files of the same folder by name.

    Raises:
        DiskRefused: the format is not read, the disk is damaged, or parts or parents are missing.
        OSError: the file cannot be read.
    """
    stream = opener()
    try:
        return _open(name, stream, siblings or {}, 0)
    except BaseException:
        stream.close()
        raise


def disk_format(name: str, head: bytes, tail: bytes = b"") -> str | None:
    """Word for the disk format of a file by its marks: e01, ex01, qcow2, vhdx, vhd, vmdk; None: raw or no disk.

    Args:
        name: the file's own name.
        head: its first bytes.
        tail: its last 512 bytes, where they are at hand.
    """
    marks = (
        (ewf.MAGIC, "e01"),
        (ewf2.MAGIC, "ex01"),
        (qcow2.MAGIC, "qcow2"),
        (vhdx.MAGIC, "vhdx"),
        (vmdk.SPARSE, "vmdk"),
        (vmdk.DESCRIPTOR, "vmdk"),
    )
    known = next((word for mark, word in marks if head.startswith(mark)), None)
    if known is not None:
        return known
    named = name.lower().endswith((".vhd", ".avhd"))
    return "vhd" if vhd.is_vhd(head, tail) or (named and not tail) else None


def _open(name: str, stream: BinaryIO, siblings: Siblings, depth: int) -> Disk:
    size, read = size_of(stream), reader(stream)
    head, tail = read(0, HEAD_BYTES), read(max(0, size - TAIL_BYTES), TAIL_BYTES)
    kind = disk_format(name, head, tail)
    if kind is None:
        refused = refused_format(name, head, tail)
        if refused is not None:
            raise DiskRefused(
                "container_not_supported",
                "a disk format that is read",
                refused.name,
                refused.advice,
            )
        if head.startswith(gzipped.MAGIC):
            return _in_gzip(name, stream, read)
        _check_promise(name, head)
        return open_raw(name, stream, siblings)
    if kind == "e01":
        return ewf.open_ewf(name, stream, siblings)
    if kind == "ex01":
        return ewf2.open_ewf2(name, stream, siblings)
    if kind == "qcow2":
        return qcow2.open_qcow2(name, stream, siblings, partial(_backing, siblings, depth + 1))
    if kind == "vhdx":
        return vhdx.open_vhdx(name, stream, siblings)
    if kind == "vhd":
        return vhd.open_vhd(name, stream, siblings)
    return vmdk.open_vmdk(name, stream, siblings)


def _check_promise(name: str, head: bytes) -> None:
    """A file that bears the name of a packed format and not its mark is no raw disk."""
    promised = next((word for end, word in _NAMES.items() if name.lower().endswith(end)), None)
    if promised is not None:
        raise DiskRefused(
            "damaged_disk",
            f"the mark of {promised}",
            head[:8].hex(" ") or "nothing",
            "its head is damaged, or it is another file: copy it again",
        )


def _backing(siblings: Siblings, depth: int, name: str, opener: Opener) -> Disk:
    """A disk that another one is written over."""
    if depth > MAX_CHAIN:
        raise DiskRefused(
            "damaged_disk", f"a chain of at most {MAX_CHAIN} disks", "more", "is it a loop?"
        )
    stream = opener()
    try:
        return _open(name, stream, siblings, depth)
    except BaseException:
        stream.close()
        raise


def _in_gzip(name: str, stream: BinaryIO, read: ReadAt) -> Disk:
    """The raw disk in a gzip stream; other formats are to be unpacked first."""
    inner = gzipped.inner_name(name)
    head = gzipped.unpacked_head(read(0, 1 << 16), 1 << 16)
    refused = refused_format(inner, head)
    known = refused.name if refused else disk_format(inner, head)
    if known is not None:
        raise DiskRefused(
            "container_not_supported",
            "a raw image in gzip",
            f"{known} in gzip",
            "unpack it (gzip -dk FILE) and give what it holds",
        )
    return gzipped.open_gzipped(stream)


def unpacked(name: str, head: bytes) -> tuple[str, bytes]:
    """Name and first bytes of a file, of what it holds where gzip is around it."""
    if not head.startswith(gzipped.MAGIC):
        return name, head
    return gzipped.inner_name(name), gzipped.unpacked_head(head, 2 * len(head))


__all__ = [
    "SEGMENT_MARKS",
    "Disk",
    "DiskRefused",
    "Refused",
    "Siblings",
    "check_stored",
    "disk_format",
    "open_disk",
    "refused_format",
    "unpacked",
]
