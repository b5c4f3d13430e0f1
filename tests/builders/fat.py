"""A small FAT12 or FAT16 volume with long names (Microsoft's FAT specification), and disks around volumes."""

import struct
from dataclasses import dataclass
from datetime import datetime

SECTOR = 512
HIDDEN, SYSTEM, DIRECTORY, LABEL = 2, 4, 0x10, 8


@dataclass(frozen=True, slots=True)
class FatFile:
    """A file: path with backslashes, bytes, wall-clock time, attributes. A folder is made where a path needs it."""

    path: str
    data: bytes
    modified: datetime
    attributes: int = 0x20
    deleted: bool = False


class _Volume:
    def __init__(self, clusters: int) -> None:
        self.fat = [0xFFF8, 0xFFFF]
        self.data = bytearray()
        self.room = clusters

    def store(self, content: bytes) -> int:
        """First cluster of the content, one cluster a sector; 0: empty."""
        if not content:
            return 0
        first = len(self.fat)
        count = -(-len(content) // SECTOR)
        self.fat += [*range(first + 1, first + count), 0xFFFF]
        self.data += content.ljust(count * SECTOR, b"\0")
        return first


def _short(name: str, number: int) -> bytes:
    stem, _, ending = name.upper().rpartition(".") if "." in name else (name.upper(), "", "")
    plain = all(c.isascii() and c.isalnum() for c in stem + ending)
    if name == name.upper() and plain and len(stem) <= 8 and len(ending) <= 3:
        return stem.encode().ljust(8) + ending.encode().ljust(3)
    kept = "".join(c for c in stem if c.isascii() and c.isalnum())[:5]
    ending = "".join(c for c in ending if c.isascii() and c.isalnum())[:3]
    return f"{kept}~{number}".encode().ljust(8) + ending.encode().ljust(3)


def _long(name: str, short: bytes) -> bytes:
    checksum = 0
    for byte in short:
        checksum = ((checksum & 1) << 7 | checksum >> 1) + byte & 0xFF
    units = name.encode("utf-16-le")
    padded = units + b"\0\0" + b"\xff" * 26
    parts = -(-len(units) // 26)
    out = b""
    for number in range(parts, 0, -1):
        u = padded[(number - 1) * 26 : number * 26]
        order = number | (0x40 if number == parts else 0)
        out += bytes((order,)) + u[:10] + bytes((0x0F, 0, checksum)) + u[10:22] + b"\0\0" + u[22:26]
    return out


def _entry(short: bytes, attributes: int, when: datetime, cluster: int, size: int) -> bytes:
    date = (when.year - 1980) << 9 | when.month << 5 | when.day
    time = when.hour << 11 | when.minute << 5 | when.second // 2
    return short + struct.pack(
        "<BBBHHHHHHHI", attributes, 0, 0, time, date, date, 0, time, date, cluster, size
    )


def _folder(volume: _Volume, items: list[tuple[tuple[str, ...], FatFile]]) -> bytes:
    out = b""
    for number, name in enumerate(dict.fromkeys(path[0] for path, _ in items), 1):
        inner = [(path[1:], file) for path, file in items if path[0] == name]
        short = _short(name, number)
        one = inner[0][1]
        if inner[0][0]:
            cluster, size, attributes = volume.store(_folder(volume, inner)), 0, DIRECTORY
        else:
            cluster, size, attributes = volume.store(one.data), len(one.data), one.attributes
        entries = b"" if short.strip() == name.encode("ascii", "replace") else _long(name, short)
        entries += _entry(short, attributes, one.modified, cluster, size)
        if one.deleted and not inner[0][0]:
            marked = range(0, len(entries), 32)
            entries = b"".join(b"\xe5" + entries[at + 1 : at + 32] for at in marked)
        out += entries
    return out


def build_fat(label: str, serial: int, files: list[FatFile], clusters: int = 8000) -> bytes:
    """The volume's bytes: FAT16 from 4,085 clusters on, else FAT12; clusters of one sector."""
    volume = _Volume(clusters)
    wide = clusters >= 4085
    root = _folder(volume, [(tuple(f.path.split("\\")), f) for f in files])
    root = _entry(label.encode().ljust(11), LABEL, files[0].modified, 0, 0) + root
    fat = b"".join(struct.pack("<H", e) for e in volume.fat) if wide else _packed(volume.fat)
    fat_sectors = -(-(clusters + 2) * (4 if wide else 3) // 2 // SECTOR)
    root_entries = max(512, -(-len(root) // SECTOR) * 16)
    total = 1 + 2 * fat_sectors + root_entries // 16 + clusters
    boot = b"\xeb\x3c\x90MSDOS5.0" + struct.pack(
        "<HBHBHHBHHHII", SECTOR, 1, 1, 2, root_entries, 0, 0xF8, fat_sectors, 32, 2, 0, total
    )
    boot += struct.pack("<BBBI", 0x80, 0, 0x29, serial) + label.encode().ljust(11) + b"FAT     "
    boot = boot.ljust(510, b"\0") + b"\x55\xaa"
    table = fat.ljust(fat_sectors * SECTOR, b"\0")
    body = boot + table * 2 + root.ljust(root_entries * 32, b"\0") + volume.data
    return body.ljust(total * SECTOR, b"\0")


def _packed(entries: list[int]) -> bytes:
    out = bytearray()
    for at in range(0, len(entries), 2):
        low = entries[at] & 0xFFF
        high = entries[at + 1] & 0xFFF if at + 1 < len(entries) else 0
        out += bytes((low & 255, low >> 8 | (high & 15) << 4, high >> 4))
    return bytes(out)


def with_mbr(volumes: list[tuple[int, bytes]], signature: int = 0xA1B2C3D4) -> bytes:
    """A disk with an MBR; volumes as (partition type, bytes), each from the next full MiB on."""
    entries, body, at = b"", b"", 2048
    for kind, data in volumes:
        sectors = len(data) // SECTOR
        entries += struct.pack("<B3xB3xII", 0, kind, at, sectors)
        body = body.ljust((at - 1) * SECTOR, b"\0") + data
        at = -(-(at + sectors) // 2048) * 2048
    mbr = bytes(440) + struct.pack("<IH", signature, 0) + entries.ljust(64, b"\0") + b"\x55\xaa"
    return mbr + body


def fixed_vhd(disk: bytes) -> bytes:
    """A fixed VHD: the disk and its footer (Virtual Hard Disk Image Format Specification)."""
    footer = b"conectix" + struct.pack(">IIQI4sI4sQQHBBI", 2, 0x10000, (1 << 64) - 1, 0, b"test", 1,
                                       b"Wi2k", len(disk), len(disk), 100, 4, 17, 2)  # fmt: skip
    footer = footer.ljust(512, b"\0")
    checksum = ~sum(footer) & 0xFFFFFFFF
    return disk + footer[:64] + struct.pack(">I", checksum) + footer[68:]
