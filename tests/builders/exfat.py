"""A small exFAT volume (Microsoft's exFAT specification). Shares no code with the reader it tests."""

import struct
from dataclasses import dataclass
from datetime import datetime

SECTOR = 512
CLUSTER = 4096


@dataclass(frozen=True, slots=True)
class ExfatFile:
    """A file by its path with backslashes; folders are made where a path needs them. `zone`: minutes east of UTC."""

    path: str
    data: bytes
    modified: datetime
    zone: int | None = None
    scattered: bool = False
    deleted: bool = False
    attributes: int = 0x20


class _Heap:
    def __init__(self) -> None:
        self.fat = [0xFFFF_FFF8, 0xFFFF_FFFF]
        self.data = bytearray()

    def store(self, content: bytes, scattered: bool = False) -> int:
        """First cluster; a scattered content has a foreign cluster behind each of its own."""
        count = max(1, -(-len(content) // CLUSTER))
        step = 2 if scattered else 1
        first = len(self.fat)
        for k in range(count):
            self.fat.append(first + (k + 1) * step if k + 1 < count else 0xFFFF_FFFF)
            self.data += content[k * CLUSTER : (k + 1) * CLUSTER].ljust(CLUSTER, b"\0")
            if scattered:
                self.fat.append(0xFFFF_FFFF)
                self.data += b"\xee" * CLUSTER
        return first


def _stamp(when: datetime) -> int:
    date = (when.year - 1980) << 9 | when.month << 5 | when.day
    return date << 16 | when.hour << 11 | when.minute << 5 | when.second // 2


def _entry_set(name: str, file: ExfatFile, folder: bool, first: int, size: int) -> bytes:
    units = name.encode("utf-16-le")
    pieces = -(-len(name) // 15)
    zone = 0 if file.zone is None else 0x80 | (file.zone // 15 & 0x7F)
    stamp = _stamp(file.modified)
    attributes = 0x10 if folder else file.attributes
    chained = file.scattered or folder
    head = struct.pack("<BBHHHIIIBBBBB7x", 0x85, 1 + pieces, 0, attributes, 0, stamp, stamp, stamp,
                       0, 0, zone, zone, zone)  # fmt: skip
    stream = struct.pack("<BBBBHHQIIQ", 0xC0, 1 if chained else 3, 0, len(name), 0, 0, size, 0,
                         first if size else 0, size)  # fmt: skip
    names = b"".join(
        b"\xc1\0" + units[30 * k : 30 * k + 30].ljust(30, b"\0") for k in range(pieces)
    )
    raw = bytearray(head + stream + names)
    checksum = 0
    for k, byte in enumerate(raw):
        if k not in (2, 3):
            checksum = ((checksum << 15 | checksum >> 1) + byte) & 0xFFFF
    struct.pack_into("<H", raw, 2, checksum)
    if file.deleted and not folder:
        for at in range(0, len(raw), 32):
            raw[at] &= 0x7F
    return bytes(raw)


def _folder(
    heap: _Heap, files: list[tuple[tuple[str, ...], ExfatFile]], lead: bytes = b""
) -> bytes:
    out = bytearray(lead)
    names = dict.fromkeys(parts[0] for parts, _ in files)
    for name in names:
        below = [(parts[1:], f) for parts, f in files if parts[0] == name]
        (parts, file), *_ = below
        if parts:
            content = _folder(heap, below)
            size = max(CLUSTER, -(-len(content) // CLUSTER) * CLUSTER)
            out += _entry_set(name, file, True, heap.store(content), size)
        else:
            first = heap.store(file.data, file.scattered)
            out += _entry_set(name, file, False, first, len(file.data))
    return bytes(out)


def build_exfat(label: str, serial: int, files: list[ExfatFile], clusters: int = 2000) -> bytes:
    """The volume's bytes."""
    heap = _Heap()
    bitmap = heap.store(b"\xff" * (clusters // 8))
    upcase_table = struct.pack("<128H", *(ord(chr(c).upper()) for c in range(128)))
    upcase = heap.store(upcase_table)
    checksum = 0
    for byte in upcase_table:
        checksum = ((checksum << 31 | checksum >> 1) + byte) & 0xFFFF_FFFF
    lead = struct.pack("<BB22s8x", 0x83, len(label), label.encode("utf-16-le").ljust(22, b"\0"))
    lead += struct.pack("<BB18xIQ", 0x81, 0, bitmap, clusters // 8)
    lead += struct.pack("<B3xI12xIQ", 0x82, checksum, upcase, len(upcase_table))
    root = heap.store(_folder(heap, [(tuple(f.path.split("\\")), f) for f in files], lead))
    fat_at = 128
    fat_sectors = -(-(clusters + 2) * 4 // SECTOR)
    heap_at = -(-(fat_at + fat_sectors) // 8) * 8
    total = heap_at + clusters * CLUSTER // SECTOR
    boot = bytearray(SECTOR)
    boot[:11] = b"\xeb\x76\x90EXFAT   "
    struct.pack_into("<QQIIIIIIHHBBBBB", boot, 64, 0, total, fat_at, fat_sectors, heap_at, clusters,
                     root, serial, 0x100, 0, 9, 3, 1, 0x80, 10)  # fmt: skip
    boot[510:] = b"\x55\xaa"
    region = bytearray(boot) + bytearray(11 * SECTOR)
    for k in range(1, 9):
        region[(k + 1) * SECTOR - 2 : (k + 1) * SECTOR] = b"\x55\xaa"
    check = 0
    for k, byte in enumerate(region[: 11 * SECTOR]):
        if k not in (106, 107, 112):
            check = ((check << 31 | check >> 1) + byte) & 0xFFFF_FFFF
    region[11 * SECTOR :] = struct.pack("<I", check) * (SECTOR // 4)
    disk = bytearray(total * SECTOR)
    disk[: 24 * SECTOR] = region + region
    fat = struct.pack(f"<{len(heap.fat)}I", *heap.fat)
    disk[fat_at * SECTOR : fat_at * SECTOR + len(fat)] = fat
    disk[heap_at * SECTOR : heap_at * SECTOR + len(heap.data)] = heap.data
    return bytes(disk)
