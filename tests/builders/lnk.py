"""Minimal shortcut writer ([MS-SHLLINK]): link info with volume, string data, tracker block."""

import struct
import uuid
from dataclasses import dataclass
from datetime import datetime

from tests.builders.evtx import to_ns

CLASS_ID = uuid.UUID("00021401-0000-0000-c000-000000000046")
HAS_LINK_INFO, HAS_NAME, HAS_RELATIVE_PATH, HAS_WORKING_DIR = 0x02, 0x04, 0x08, 0x10
HAS_ARGUMENTS, HAS_ICON, IS_UNICODE = 0x20, 0x40, 0x80
DRIVE_FIXED, DRIVE_CDROM = 3, 5
SW_SHOWNORMAL = 1
ZERO = b"\0"


@dataclass(frozen=True, slots=True)
class VolumeId:
    """Volume of the target: drive type (3 fixed, 5 CD-ROM), serial, label."""

    drive_type: int
    serial: int
    label: str


@dataclass(frozen=True, slots=True)
class Shortcut:
    """What a shortcut says. Empty strings and None are left out of the file."""

    target: str
    volume: VolumeId
    arguments: str = ""
    working_directory: str = ""
    icon: str = ""
    icon_index: int = 0
    name: str = ""
    relative_path: str = ""
    target_created_utc: datetime | None = None
    target_modified_utc: datetime | None = None
    target_accessed_utc: datetime | None = None
    target_size: int = 0
    attributes: int = 0x20
    show: int = SW_SHOWNORMAL
    machine: str = ""


def _filetime(when: datetime | None) -> int:
    return 0 if when is None else to_ns(when) // 100 + 116444736000000000


def _link_info(shortcut: Shortcut) -> bytes:
    """LinkInfo (2.3) with the volume (2.3.1) and the local path in both codings."""
    volume = shortcut.volume
    label = volume.label.encode("cp1252", "replace") + ZERO
    volume_id = struct.pack("<IIII", 16 + len(label), volume.drive_type, volume.serial, 16) + label
    local = shortcut.target.encode("cp1252", "replace") + ZERO
    wide = shortcut.target.encode("utf-16-le") + 2 * ZERO
    head = 0x24
    base_at = head + len(volume_id)
    suffix_at = base_at + len(local)
    wide_at = suffix_at + 1
    wide_suffix_at = wide_at + len(wide)
    size = wide_suffix_at + 2
    fixed = struct.pack("<9I", size, head, 1, head, base_at, 0, suffix_at, wide_at, wide_suffix_at)
    return fixed + volume_id + local + ZERO + wide + 2 * ZERO


def build_lnk(shortcut: Shortcut) -> bytes:
    """The file's bytes."""
    strings = (
        (HAS_NAME, shortcut.name),
        (HAS_RELATIVE_PATH, shortcut.relative_path),
        (HAS_WORKING_DIR, shortcut.working_directory),
        (HAS_ARGUMENTS, shortcut.arguments),
        (HAS_ICON, shortcut.icon),
    )
    flags = HAS_LINK_INFO | IS_UNICODE
    data = b""
    for flag, text in strings:
        if text:
            flags |= flag
            wide = text.encode("utf-16-le")
            data += struct.pack("<H", len(wide) // 2) + wide
    header = struct.pack(
        "<I16sIIQQQIiIHHII",
        0x4C,
        CLASS_ID.bytes_le,
        flags,
        shortcut.attributes,
        _filetime(shortcut.target_created_utc),
        _filetime(shortcut.target_accessed_utc),
        _filetime(shortcut.target_modified_utc),
        shortcut.target_size & 0xFFFFFFFF,
        shortcut.icon_index,
        shortcut.show,
        0,
        0,
        0,
        0,
    )
    tracker = b""
    if shortcut.machine:
        machine = shortcut.machine.lower().encode("ascii")[:15].ljust(16, ZERO)
        tracker = struct.pack("<IIII", 0x60, 0xA0000003, 0x58, 0) + machine + bytes(64)
    return header + _link_info(shortcut) + data + tracker + struct.pack("<I", 0)
