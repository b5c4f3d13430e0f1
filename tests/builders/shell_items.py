"""Writes shell items and ID lists as registry values hold them; shares no code with the parser."""

import struct

from tests.builders.lnk_parts import MY_COMPUTER, drive_item, file_item

END = b"\0\0"
UNKNOWN = struct.pack("<HBB4s", 8, 0x52, 0, b"abcd")


def id_list(*items: bytes) -> bytes:
    """Items and the end mark, without the size that shortcuts have."""
    return b"".join(items) + END


def on_drive(letter: str, *rest: bytes) -> bytes:
    """An ID list from This PC over a drive."""
    return id_list(MY_COMPUTER, drive_item(f"{letter}:\\"), *rest)


def network_item(name: str) -> bytes:
    """A server or share of the network."""
    body = b"\xc3\x00\x81" + name.encode("cp1252") + b"\0"
    return struct.pack("<H", 2 + len(body)) + body


def uri_item(address: str) -> bytes:
    """An address, wide."""
    body = b"\x61\x80" + b"\0" * 4 + address.encode("utf-16-le") + b"\0\0"
    return struct.pack("<H", 2 + len(body)) + body


def recent(name: str, shortcut: str) -> bytes:
    """A value of RecentDocs."""
    return name.encode("utf-16-le") + b"\0\0" + id_list(file_item(shortcut))


def order(*numbers: int) -> bytes:
    """MRUListEx."""
    return struct.pack(f"<{len(numbers) + 1}I", *numbers, 0xFFFFFFFF)
