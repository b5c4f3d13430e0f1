"""Parts of shortcuts that `tests.builders.lnk` does not write: ID lists, blocks, properties, shares."""

import struct
from datetime import datetime

from tests.builders.lnk import CLASS_ID

MY_COMPUTER = bytes.fromhex("14001f50e04fd020ea3a6910a2d808002b30309d")
UNICODE_STRINGS = 0x80
BIT_OF_STRING = (0x4, 0x8, 0x10, 0x20, 0x40)
END = b"\0\0\0\0"


def dos(when: datetime | None) -> int:
    """DOS date (low half) and time."""
    if when is None:
        return 0
    day = (when.year - 1980) << 9 | when.month << 5 | when.day
    return day | (when.hour << 11 | when.minute << 5 | when.second // 2) << 16


def drive_item(name: str) -> bytes:
    """Volume item of 25 bytes."""
    return struct.pack("<HB22s", 25, 0x2F, name.encode("ascii"))


def file_item(
    name: str,
    short: str = "SHORT~1",
    folder: bool = False,
    created: datetime | None = None,
    reference: int = 0,
    version: int = 9,
) -> bytes:
    """File entry with the extension block of Windows 8 to 11 (version 9) or Vista to 7 (7, 8)."""
    head = struct.pack("<BBIIH", 0x31 if folder else 0x32, 0, 77, dos(created), 0x20)
    primary = short.encode("ascii") + b"\0"
    primary += b"\0" * (len(primary) % 2)
    middle = struct.pack("<HQQHI", 0, reference, 0, 0, 0) if version >= 9 else b""
    middle = middle or struct.pack("<HQQH", 0, reference, 0, 0)
    middle += b"\0" * 4 if version >= 8 else b""
    wide = name.encode("utf-16-le") + b"\0\0"
    size = 18 + len(middle) + len(wide) + 2
    block = struct.pack("<HHIIIH", size, version, 0xBEEF0004, dos(created), dos(created), 0x2E)
    block += middle + wide + struct.pack("<H", 2 + len(head) + len(primary))
    return struct.pack("<H", 2 + len(head) + len(primary) + len(block)) + head + primary + block


def item_list(*items: bytes) -> bytes:
    """ID list with its size and its end."""
    body = b"".join(items) + b"\0\0"
    return struct.pack("<H", len(body)) + body


def plain(
    flags: int = 0,
    items: bytes = b"",
    info: bytes = b"",
    strings: tuple[str | None, ...] = (None,) * 5,
    blocks: bytes = END,
    times: tuple[int, int, int] = (0, 0, 0),
    wide: bool = True,
) -> bytes:
    """A shortcut out of parts; flags of the parts given are set."""
    flags |= (1 if items else 0) | (2 if info else 0) | (UNICODE_STRINGS if wide else 0)
    data = b""
    for bit, text in zip(BIT_OF_STRING, strings, strict=True):
        if text is not None:
            flags |= bit
            raw = text.encode("utf-16-le" if wide else "cp1252")
            data += struct.pack("<H", len(text)) + raw
    head = struct.pack("<I16sII", 0x4C, CLASS_ID.bytes_le, flags, 0x20)
    head += struct.pack("<QQQIiIHHII", *times, 123, 0, 1, 0, 0, 0, 0)
    return head + items + info + data + blocks


def share_info(share: str, device: str, suffix: str) -> bytes:
    """Link information of a network share."""
    name, letter = share.encode() + b"\0", device.encode() + b"\0"
    size = 20 + len(name) + len(letter)
    part = struct.pack("<IIIII", size, 3, 20, 20 + len(name), 0x20000) + name + letter
    rest = suffix.encode() + b"\0"
    head = struct.pack("<7I", 28 + size + len(rest), 28, 2, 0, 0, 28, 28 + size)
    return head + part + rest


def ansi_info(path: bytes, drive_type: int, serial: int) -> bytes:
    """Link information with the local path in 8 bits only."""
    volume = struct.pack("<IIII", 17, drive_type, serial, 16) + b"\0"
    body = volume + path + b"\0" + b"\0"
    suffix_at = 28 + len(volume) + len(path) + 1
    return struct.pack("<7I", 28 + len(body), 28, 1, 28, 28 + len(volume), 0, suffix_at) + body


def environment_block(path: str) -> bytes:
    """Environment variables block."""
    narrow = path.encode("cp1252", "replace").ljust(260, b"\0")
    return (
        struct.pack("<II", 0x314, 0xA0000001) + narrow + path.encode("utf-16-le").ljust(520, b"\0")
    )


def tracker_block(machine: str, volume: bytes, file: bytes) -> bytes:
    """Tracker block with equal birth ids."""
    name = machine.encode("ascii").ljust(16, b"\0")
    return struct.pack("<IIII", 0x60, 0xA0000003, 0x58, 0) + name + (volume + file) * 2


def property_block(group: bytes, number: int, text: str) -> bytes:
    """Property store block with one text."""
    wide = text.encode("utf-16-le") + b"\0\0"
    value = struct.pack("<IBHHI", number, 0, 0x1F, 0, len(text) + 1) + wide
    value = struct.pack("<I", len(value) + 4) + value
    storage = b"1SPS" + group + value + END
    store = struct.pack("<I", len(storage) + 4) + storage + END
    return struct.pack("<II", len(store) + 8, 0xA0000009) + store
