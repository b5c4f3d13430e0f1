"""Names as collectors write them, and the Windows names behind them.

Windows itself writes the slash of a channel as `%4` in the log's file name; that stays.
Velociraptor escapes each path component: every byte but letters, digits and a few marks becomes
`%XX`, so that `%4` appears as `%254`, the drive as `C%3A` and a raw device as `%5C%5C.%5CC%3A`.
KAPE and its like name drives `C` and escape nothing: there `%20` is part of the file's own name.
Whether a path is escaped is told by the form of its drive component.
"""

import re
from typing import Final

_SPLIT: Final = re.compile(r"[/\\]+")
_ESCAPES: Final = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_ESCAPED_DRIVE: Final = re.compile(r"(?:%5C%5C(?:\.|%2E|%3F|\?)%5C)?([A-Za-z])%3A", re.IGNORECASE)
_ESCAPED_DEVICE: Final = re.compile(r"%5C%5C(?:\.|%2E|%3F|\?)%5C.+", re.IGNORECASE)
_PLAIN_DRIVE: Final = re.compile(r"([A-Za-z])[:_]?")
_BARE_DRIVE: Final = re.compile(r"[C-Z]:?|[A-Za-z]:")
_SHADOW: Final = re.compile(r"vss[_-]?\d+", re.IGNORECASE)
_EVTX_ESCAPED: Final = re.compile(r"%254(?=[^/\\]*\.evtx$)", re.IGNORECASE)
_LONE_ESCAPED: Final = re.compile(r"(?:%24|\$)[A-Za-z]+(?:%3A(?:%24|\$)?[A-Za-z]+)?", re.IGNORECASE)
_STREAM_TAIL: Final = re.compile(r"%3A(?=Zone\.Identifier$)", re.IGNORECASE)

_ROOT_NAMES: Final = frozenset(
    {
        "windows",
        "users",
        "programdata",
        "program files",
        "program files (x86)",
        "documents and settings",
        "system volume information",
        "windows.old",
        "perflogs",
        "recovery",
        "$recycle.bin",
        "$extend",
        "$mft",
        "$mftmirr",
        "$logfile",
        "$boot",
        "$bitmap",
        "$secure",
        "$secure_$sds",
        "$j",
    }
)
"""What lies directly below the root of a Windows volume, lower case."""

_VOLUME_ONLY: Final = frozenset(
    {
        "programdata",
        "program files",
        "program files (x86)",
        "system volume information",
        "$recycle.bin",
        "$extend",
    }
)
_WINDOWS_FOLDERS: Final = frozenset(
    {
        "appcompat",
        "inf",
        "logs",
        "prefetch",
        "serviceprofiles",
        "servicestate",
        "servicing",
        "system32",
        "syswow64",
        "tasks",
        "temp",
        "users",
        "windows",
        "winsxs",
    }
)
_ACCESSORS: Final = frozenset({"auto", "ntfs", "lazy_ntfs", "ntfs_vss", "file", "mft"})
"""Velociraptor's accessors, the folders below `uploads`."""


def parts_of(path: str) -> list[str]:
    """Components of a collector's path; both slashes part, some archivers store Windows' own."""
    return [part for part in _SPLIT.split(path) if part not in ("", ".")]


def is_escaped(path: str) -> bool:
    """Whether a collector escaped this path (told by its drive or device component)."""
    return any(_ESCAPED_DRIVE.fullmatch(p) or _ESCAPED_DEVICE.fullmatch(p) for p in parts_of(path))


def original_name(member: str) -> str:
    """Windows' own name of the last component of a collector's path.

    Given a lone component without its path, only what no ordinary name carries is undone (`%254` of
    a log, a drive, an NTFS metafile, a Zone.Identifier stream): `Offer%20May.iso` may be just that.
    """
    parts = parts_of(member)
    if not parts:
        return member
    return _unescape(parts[-1]) if is_escaped(member) else _unescape_lone(parts[-1])


def windows_path(path: str, given: str = "") -> str | None:
    r"""Path on the Windows volume (`C:\Windows\...`), if a drive folder tells it.

    Args:
        path: path below what was given as evidence, or the name of an archive's member.
        given: path of this machine that precedes it; a drive folder there counts only where a
        Windows layout follows.

    Returns:
        None where no drive folder tells the letter: plain copies, shadow copies, `[root]` of an
        image viewer.
    """
    above = parts_of(given)
    parts = above + parts_of(path)
    if ".." in parts:
        return None
    start = _drive_index(parts, len(above))
    if start is None:
        return None
    letter, undo = _letter(parts[start]), _unescape if is_escaped(parts[start]) else _unescape_lone
    rest = parts[start + 1 :]
    if len(rest) > 1 and _SHADOW.fullmatch(rest[0]):
        rest = rest[1:]
    return f"{letter}:\\" + "\\".join(undo(part) for part in rest)


def layout_start(path: str) -> int | None:
    """Index of the first component of a collected volume or a collector's frame, else None.

    It is the drive folder (`C`, `C%3A`), Velociraptor's `uploads`, a shadow copy's folder, or, in a
    plain copy, the first folder of a Windows volume's root.
    """
    parts = parts_of(path)
    frames = [i for i in range(len(parts) - 1) if _is_frame(parts, i)]
    drive = _drive_index(parts, 0)
    known = [*frames[:1], *([] if drive is None else [drive])]
    if known:
        return min(known)
    return next((i for i in range(len(parts)) if _is_volume_folder(parts, i)), None)


def on_windows_volume(path: str) -> bool:
    """Whether a path below the evidence lies on a collected Windows volume."""
    parts = parts_of(path)
    return windows_path(path) is not None or any(
        _is_volume_folder(parts, index) for index in range(len(parts))
    )


def in_user_profile(path: str) -> bool:
    """Whether a path leads into a user's profile, where the user chose the files."""
    return any(p.lower() in ("users", "documents and settings") for p in parts_of(path)[:-1])


def is_suspicious(member: str) -> bool:
    """Whether a member's name would leave its folder, or carries control characters."""
    climbs = ".." in _SPLIT.split(member)
    absolute = member[:1] in ("/", "\\") or re.match(r"[A-Za-z]:", member) is not None
    return climbs or absolute or any(ord(char) < 0x20 for char in member)


def _is_frame(parts: list[str], index: int) -> bool:
    """A folder that a collector or viewer puts above a volume."""
    name, following = parts[index].lower(), parts[index + 1].lower()
    uploads = name == "uploads" and following in _ACCESSORS
    return uploads or name == "[root]" or _SHADOW.fullmatch(name) is not None


def _is_volume_folder(parts: list[str], index: int) -> bool:
    """A folder of a volume's root, told by what lies below: `Windows` alone may be anything."""
    name, below = parts[index].lower(), [part.lower() for part in parts[index + 1 :]]
    if name in ("users", "documents and settings"):
        return len(below) >= 2
    if name in ("windows", "windows.old"):
        return bool(below) and below[0] in _WINDOWS_FOLDERS
    return name in _VOLUME_ONLY and bool(below)


def _is_root_folder(part: str) -> bool:
    return part.lower() in _ROOT_NAMES


def _drive_index(parts: list[str], own: int) -> int | None:
    """Index of the drive folder: escaped, else before a Windows root, else a letter from `own`."""
    folders = range(len(parts) - 1)
    for index in folders:
        if _ESCAPED_DRIVE.fullmatch(parts[index]):
            return index
    if any(_ESCAPED_DEVICE.fullmatch(part) for part in parts):
        return None
    for index in folders:
        if _PLAIN_DRIVE.fullmatch(parts[index]) and _root_follows(parts, index + 1):
            return index
    for index in folders:
        if index >= own and _BARE_DRIVE.fullmatch(parts[index]):
            return index
        if _is_root_folder(parts[index]):
            break
    return None


def _root_follows(parts: list[str], index: int) -> bool:
    if _SHADOW.fullmatch(parts[index]) and index + 1 < len(parts):
        index += 1
    return _is_root_folder(parts[index].replace("%24", "$"))


def _letter(part: str) -> str:
    match = _ESCAPED_DRIVE.fullmatch(part) or _PLAIN_DRIVE.fullmatch(part)
    return match[1].upper() if match else ""


def _unescape_lone(part: str) -> str:
    if (
        _ESCAPED_DEVICE.fullmatch(part)
        or _ESCAPED_DRIVE.fullmatch(part)
        or _LONE_ESCAPED.fullmatch(part)
    ):
        return _unescape(part)
    return _STREAM_TAIL.sub(":", _EVTX_ESCAPED.sub("%4", part))


def _unescape(part: str) -> str:
    return _ESCAPES.sub(_decode, part)


def _decode(match: re.Match[str]) -> str:
    """Decode one run of `%XX`; letters and digits are never escaped (`%4Diagnostic`)."""
    raw = bytes.fromhex(match[0].replace("%", ""))
    if any(chr(byte).isalnum() for byte in raw if byte < 0x80):
        return "".join(_decode_byte(raw[i], match[0][3 * i : 3 * i + 3]) for i in range(len(raw)))
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return match[0]


def _decode_byte(byte: int, as_written: str) -> str:
    return as_written if byte >= 0x80 or chr(byte).isalnum() else chr(byte)
