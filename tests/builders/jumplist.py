"""Writer of jump lists: compound files with DestList, and custom lists."""

import struct
from dataclasses import dataclass
from datetime import datetime

from tests.builders.evtx import to_ns
from tests.builders.lnk import CLASS_ID

_SECTOR = 512
_END, _FREE, _FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
_SMALLEST = 4096
FOOTER = 0xBABFFBAB


@dataclass(frozen=True, slots=True)
class MadeEntry:
    """An entry of DestList."""

    number: int
    path: str
    accessed: datetime
    pin: int = -1
    count: int = 1
    host: str = "ws-1"
    droid: bytes = bytes(16)


def destlist(entries: list[MadeEntry], version: int = 4) -> bytes:
    """The stream DestList."""
    out = struct.pack("<IIIfQQ", version, len(entries), 0, 1.0, len(entries), 0)
    for e in entries:
        filetime = to_ns(e.accessed) // 100 + 116444736000000000
        out += struct.pack("<Q", 0) + (e.droid + e.droid) * 2
        out += struct.pack("<16sIIfQi", e.host.encode(), e.number, 0, 1.5, filetime, e.pin)
        if version > 1:
            out += struct.pack("<iIQ", -1, e.count, 0)
        out += struct.pack("<H", len(e.path)) + e.path.encode("utf-16-le")
        out += bytes(4) if version > 1 else b""
    return out


def compound(streams: dict[str, bytes]) -> bytes:
    """A compound file (version 3). Streams are padded to the least size outside the mini stream."""
    fat = [_FAT]
    body = b""
    entries = [_directory_entry("Root Entry", 5, _END, 0, child=1 if streams else _FREE)]
    names = list(streams)
    for n, name in enumerate(names):
        data = streams[name].ljust(_SMALLEST, b"\0")
        sectors = -(-len(data) // _SECTOR)
        start = len(fat)
        fat += [*range(start + 1, start + sectors), _END]
        body += data.ljust(sectors * _SECTOR, b"\0")
        after = n + 2 if n + 1 < len(names) else _FREE
        entries.append(_directory_entry(name, 2, start, len(data), right=after))
    directory = b"".join(entries)
    directory = directory.ljust(-(-len(directory) // _SECTOR) * _SECTOR, b"\0")
    directory_at = len(fat)
    sectors = len(directory) // _SECTOR
    fat += [*range(directory_at + 1, directory_at + sectors), _END]
    if len(fat) > _SECTOR // 4:
        raise ValueError("one sector of the table holds 128 sectors")
    table = struct.pack("<128I", *fat, *[_FREE] * (128 - len(fat)))
    head = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16)
    head += struct.pack(
        "<HHHHH6xIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, directory_at, 0, 4096, _END, 0, _END, 0
    )
    head += struct.pack("<I", 0) + struct.pack("<I", _FREE) * 108
    return head + table + body + directory


def _directory_entry(
    name: str, kind: int, start: int, size: int, right: int = _FREE, child: int = _FREE
) -> bytes:
    wide = name.encode("utf-16-le")
    out = wide.ljust(64, b"\0") + struct.pack("<HBB", len(wide) + 2, kind, 1)
    out += struct.pack("<III", _FREE, right, child) + bytes(36)
    return out + struct.pack("<IQ", start, size)


def custom(categories: list[tuple[str | None, list[bytes]]]) -> bytes:
    """A custom list: (name, shortcuts) of each category; without a name it is the tasks."""
    out = struct.pack("<III", 2, len(categories), 0)
    for name, links in categories:
        if name is None:
            out += struct.pack("<II", 2, len(links))
        else:
            out += struct.pack("<IH", 0, len(name)) + name.encode("utf-16-le")
            out += struct.pack("<I", len(links))
        out += b"".join(CLASS_ID.bytes_le + link for link in links)
        out += struct.pack("<I", FOOTER)
    return out
