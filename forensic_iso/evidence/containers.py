"""Containers that are not read: what they are, and what to do with them."""

from dataclasses import dataclass

from parsers.disks import refused_format


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A container's name and the way to get at what it holds."""

    name: str
    advice: str


_UNPACK = "unpack it to a folder ({}) and give the folder"
_PLAIN = "unpack it ({}) and give what it holds"
_GIVE = (
    "an image on a collected volume is an artifact; give it by itself to look inside it as evidence"
)

_HEADS: tuple[tuple[int, bytes, Unsupported], ...] = (
    (0, b"7z\xbc\xaf\x27\x1c", Unsupported("a 7z archive", _UNPACK.format("7z x FILE"))),
    (0, b"Rar!\x1a\x07", Unsupported("a RAR archive", _UNPACK.format("unrar x FILE"))),
    (0, b"MSCF\0\0\0\0", Unsupported("a cabinet", _UNPACK.format("cabextract FILE"))),
    (0, b"\x1f\x8b\x08", Unsupported("a gzip stream", _PLAIN.format("gzip -dk FILE"))),
    (0, b"\xfd7zXZ\0", Unsupported("an xz stream", _PLAIN.format("xz -dk FILE"))),
    (0, b"BZh", Unsupported("a bzip2 stream", _PLAIN.format("bzip2 -dk FILE"))),
    (0, b"\x28\xb5\x2f\xfd", Unsupported("a Zstandard stream", _PLAIN.format("zstd -d FILE"))),
    (3, b"NTFS    ", Unsupported("a raw image of an NTFS volume", _GIVE)),
    (3, b"-FVE-FS-", Unsupported("a raw image of a BitLocker volume", _GIVE)),
    (512, b"EFI PART", Unsupported("a raw image of a disk (GPT)", _GIVE)),
)
_DISK = Unsupported("a raw image of a disk (MBR)", _GIVE)
_BY_NAME = {
    ".7z": Unsupported("a 7z archive by name", _UNPACK.format("7z x FILE")),
    ".rar": Unsupported("a RAR archive by name", _UNPACK.format("unrar x FILE")),
}


def unsupported_container(name: str, head: bytes) -> Unsupported | None:
    """What container a file that no parser takes is, by its first bytes or else by its name."""
    lower = name.lower()
    if (refused := refused_format(name, head)) is not None:
        return Unsupported(refused.name, refused.advice)
    for offset, mark, kind in _HEADS:
        if head.startswith(mark, offset):
            return kind
    if head[510:512] == b"\x55\xaa" and _partition_table(head[446:510]):
        return _DISK
    return next((kind for suffix, kind in _BY_NAME.items() if lower.endswith(suffix)), None)


def _partition_table(table: bytes) -> bool:
    """Whether 64 bytes hold an MBR's table: states 00 or 80, a partition with a length."""
    entries = [table[i : i + 16] for i in range(0, 64, 16)]
    used = [e for e in entries if e[4] and int.from_bytes(e[12:16], "little")]
    return all(e[0] in (0x00, 0x80) for e in entries) and bool(used)
