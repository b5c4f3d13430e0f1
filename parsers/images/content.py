"""Content of one file: digests in one pass, its type by its first bytes, and the shortcut's words."""

import hashlib
import struct
from collections.abc import Iterable
from dataclasses import dataclass

HEAD_BYTES = 34_816
KEPT_BYTES = 1 << 20
"""Small files (shortcuts, marks) are kept whole while they are read."""

_MACHINES = {
    0x14C: "x86",
    0x8664: "x64",
    0xAA64: "arm64",
    0x1C0: "arm",
    0x1C4: "armnt",
    0x200: "ia64",
}
_DLL = 0x2000
_LNK = bytes.fromhex("4c0000000114020000000000c000000000000046")
_MAGIC = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (b"%PDF-", "pdf"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"MSCF", "cab"),
    (b"\x1f\x8b\x08", "gzip"),
    (b"{\\rtf", "rtf"),
    (b"ITSF", "chm"),
    (b"\x7fELF", "elf"),
    (b"MSWIM\0\0\0", "wim"),
    (b"vhdxfile", "vhdx"),
    (b"conectix", "vhd"),
    (b"regf", "hive"),
    (b"ElfFile\0", "evtx"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"#!", "script"),
    (b"\xca\xfe\xba\xbe", "class"),
)
NESTED = ("iso", "udf", "vhd", "vhdx", "volume")
"""Types that are read as an image inside the image."""


@dataclass(frozen=True, slots=True)
class Content:
    """Digests in upper-case hex, the first bytes, and all of a small file."""

    md5: str
    sha1: str
    sha256: str
    size: int
    head: bytes
    whole: bytes | None


def digest(parts: Iterable[bytes]) -> Content:
    """Read the parts once."""
    md5, sha1 = hashlib.md5(usedforsecurity=False), hashlib.sha1(usedforsecurity=False)
    sha256 = hashlib.sha256()
    kept = bytearray()
    size = 0
    for part in parts:
        size += len(part)
        for one in (md5, sha1, sha256):
            one.update(part)
        if len(kept) < KEPT_BYTES:
            kept += part[: KEPT_BYTES - len(kept)]
    return Content(
        md5.hexdigest().upper(),
        sha1.hexdigest().upper(),
        sha256.hexdigest().upper(),
        size,
        bytes(kept[:HEAD_BYTES]),
        bytes(kept) if size <= KEPT_BYTES else None,
    )


def kind(head: bytes) -> str | None:
    """Type of a file by its first bytes; None: none of the known."""
    if pe(head) is not None:
        return "pe"
    if head[:2] == b"MZ":
        return "mz"
    if head[:20] == _LNK:
        return "lnk"
    if is_udf_or_iso(head):
        return "iso" if any(head[at + 1 : at + 6] == b"CD001" for at in (0x8000, 0x8800)) else "udf"
    for magic, word in _MAGIC:
        if head.startswith(magic):
            return word
    return "volume" if is_volume(head) else None


def is_udf_or_iso(head: bytes) -> bool:
    """A descriptor of ISO 9660 or of UDF's recognition sequence at sector 16 or, if the head reaches, 17."""
    words = (b"CD001", b"BEA01", b"NSR02", b"NSR03")
    return head[0x8001:0x8006] in words or head[0x8801:0x8806] in words


def is_volume(head: bytes) -> bool:
    """A boot sector of NTFS, exFAT or FAT, or a partition table whose entries make sense."""
    if len(head) < 512 or head[510:512] != b"\x55\xaa":
        return False
    if head[3:11] in (b"NTFS    ", b"EXFAT   "):
        return True
    sector, cluster, reserved, fats = struct.unpack_from("<HBHB", head, 11)
    fat = sector in (512, 1024, 2048, 4096) and cluster and not cluster & cluster - 1
    if fat and reserved and fats in (1, 2) and head[0] in (0xEB, 0xE9):
        return True
    return _partitioned(head)


def _partitioned(head: bytes) -> bool:
    if head[512:520] == b"EFI PART":
        return True
    used = 0
    for at in range(446, 510, 16):
        status, kind_, start, length = struct.unpack_from("<B3xB3xII", head, at)
        if status not in (0, 0x80):
            return False
        if not kind_ and not start and not length:
            continue
        if not kind_ or not start or not length:
            return False
        used += 1
    return bool(used)


@dataclass(frozen=True, slots=True)
class Pe:
    """Of the PE header."""

    machine: str
    is_dll: bool


def pe(head: bytes) -> Pe | None:
    """Machine and DLL flag of a PE file; None: it is none (PE format, COFF file header)."""
    if head[:2] != b"MZ" or len(head) < 64:
        return None
    at = struct.unpack_from("<I", head, 0x3C)[0]
    if at + 24 > len(head) or head[at : at + 4] != b"PE\0\0":
        return None
    machine = struct.unpack_from("<H", head, at + 4)[0]
    flags = struct.unpack_from("<H", head, at + 22)[0]
    return Pe(_MACHINES.get(machine, f"0x{machine:X}"), bool(flags & _DLL))
