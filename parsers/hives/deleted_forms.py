r"""Forms of values that tell the key they were in: letters and volumes, recent files, programs that ran.

A value's cell does not name its key. These have names and data that no other key of their hive holds.
"""

import codecs
import re
import struct

from parsers.hives.deleted_tree import Form
from parsers.hives.user_lists import EXPLORER, named_list
from parsers.hives.values import utf16
from parsers.shell_items import parse_id_list

_MOUNTED = re.compile(
    r"\\DosDevices\\[A-Z]:|(?:\\\?\?\\Volume|#)\{[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}",
    re.IGNORECASE,
)
_DEVICE = re.compile(r"(?:\\\?\?\\|_\?\?_|\\\\\?\\)[\x20-\x7e]{8,400}")
_STARTED = struct.Struct("<4xIII44xQI")
_STARTED_PATH = re.compile(
    r"(?:[A-Za-z]:|\{[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\})\\[^\x00-\x1f]+"
)
_LNK = codecs.encode(".lnk", "rot13")
_MOST, _MOST_MS = 1_000_000, 1 << 31
_FIRST_RUN, _LAST_RUN = 0x01C0_0000_0000_0000, 0x0250_0000_0000_0000
"""FILETIMEs of the years 2000 and 2129."""
_MODERATED = re.compile(r"\\Device\\[A-Za-z]+\d*\\[^\x00-\x1f]+")
_FIRST_MODERATED = 0x01D2_6000_0000_0000
"""FILETIME of December 2016."""
_NUMBER = re.compile(r"\d{1,4}")


def is_mounted_device(name: str, data: bytes) -> bool:
    """A value of MountedDevices: its name, and data of one of the three documented forms."""
    if _MOUNTED.fullmatch(name) is None:
        return False
    if len(data) == 12:
        return any(data[:4])
    if len(data) == 24 and data.startswith(b"DMIO:ID:"):
        return True
    return len(data) % 2 == 0 and _DEVICE.fullmatch(utf16(data).rstrip("\0")) is not None


def is_recent_document(name: str, data: bytes) -> bool:
    """A value of RecentDocs: a number, and a file's name with the shell item of its shortcut behind it."""
    if _NUMBER.fullmatch(name) is None or len(data) < 20:
        return False
    shown, rest = named_list(data)
    shortcut = parse_id_list(rest).last
    return (
        0 < len(shown) <= 255
        and shown.isprintable()
        and shortcut is not None
        and shortcut.kind == "file"
        and (shortcut.text or "").lower().endswith(".lnk")
    )


def is_started_program(name: str, data: bytes) -> bool:
    """A value of UserAssist since Windows 7: a path in ROT13, 72 bytes with counts and the time of the last run."""
    if len(data) != _STARTED.size or _STARTED_PATH.fullmatch(codecs.decode(name, "rot13")) is None:
        return False
    numbers: tuple[int, ...] = _STARTED.unpack(data)
    runs, focus, focus_ms, last, end = numbers
    plausible = max(runs, focus) <= _MOST and focus_ms <= _MOST_MS and not end
    return plausible and (last == 0 or _FIRST_RUN <= last < _LAST_RUN)


def is_started_shortcut(name: str, data: bytes) -> bool:
    """The same of the list of shortcuts."""
    return is_started_program(name, data) and name.lower().endswith(_LNK)


def is_moderated_program(name: str, data: bytes) -> bool:
    """A value of BAM: the device path of a program, 24 bytes that begin with a time since the first Windows that has it."""
    if len(data) != 24 or _MODERATED.fullmatch(name) is None or any(data[8:16]):
        return False
    return _FIRST_MODERATED <= int.from_bytes(data[:8], "little") < _LAST_RUN


SYSTEM_FORMS = (
    Form("MountedDevices", is_mounted_device),
    Form(r"{current}\Services\bam\State\UserSettings", is_moderated_program, below=True),
    Form(r"{current}\Services\bam\UserSettings", is_moderated_program, below=True),
)
USER_FORMS = (
    Form(rf"{EXPLORER}\RecentDocs", is_recent_document),
    # Shortcuts first: what one form takes, the next is not asked about.
    Form(
        rf"{EXPLORER}\UserAssist\{{F4E57C4B-2036-45F0-A9AB-443BCFE33D9F}}\Count",
        is_started_shortcut,
    ),
    Form(
        rf"{EXPLORER}\UserAssist\{{CEBFF5CD-ACE2-4F4F-9178-9926F41749EA}}\Count", is_started_program
    ),
)
