"""The words of a shortcut inside an image: target, arguments, working directory (MS-SHLLINK 2)."""

import struct
from dataclasses import dataclass

HAS_IDS, HAS_INFO, UNICODE = 1, 2, 0x80
_TEXTS = ((0x4, "name"), (0x8, "relative"), (0x10, "folder"), (0x20, "arguments"), (0x40, "icon"))
_ENVIRONMENT = 0xA0000001
_HEADER = 0x4C


@dataclass(frozen=True, slots=True)
class Shortcut:
    """What it says; None: it does not."""

    target: str | None = None
    arguments: str | None = None
    folder: str | None = None


def read(data: bytes) -> Shortcut:
    """Words of a shortcut; what cannot be read stays None, nothing is raised."""
    if len(data) < _HEADER:
        return Shortcut()
    flags, at = struct.unpack_from("<I", data, 20)[0], _HEADER
    target: str | None = None
    if flags & HAS_IDS:
        at += 2 + _u16(data, at)
    if flags & HAS_INFO:
        size = _u32(data, at)
        target = _local_path(data[at : at + size])
        at += size
    said: dict[str, str] = {}
    for bit, word in _TEXTS:
        if flags & bit:
            width = 2 if flags & UNICODE else 1
            n = _u16(data, at) * width
            raw = data[at + 2 : at + 2 + n]
            said[word] = _wide(raw) if width == 2 else raw.decode("cp1252", "replace")
            at += 2 + n
    target = target or _environment(data, at) or said.get("relative")
    return Shortcut(target or None, said.get("arguments"), said.get("folder"))


def _local_path(info: bytes) -> str | None:
    """Base path and suffix of the link information, in Unicode where they are; else the share's."""
    if len(info) < 28:
        return None
    head, flags = _u32(info, 4), _u32(info, 8)
    if flags & 1:
        if head >= 0x24 and len(info) >= 0x24:
            return _wide_at(info, _u32(info, 28)) + _wide_at(info, _u32(info, 32))
        return _ansi_at(info, _u32(info, 16)) + _ansi_at(info, _u32(info, 24))
    if flags & 2:
        net = _u32(info, 20)
        share = _ansi_at(info, net + _u32(info, net + 8))
        rest = _ansi_at(info, _u32(info, 24))
        return f"{share}\\{rest}" if rest else share
    return None


def _environment(data: bytes, at: int) -> str | None:
    """Path of the first environment block."""
    for _ in range(64):
        size = _u32(data, at)
        if size < 8 or at + size > len(data):
            return None
        if _u32(data, at + 4) == _ENVIRONMENT:
            return _wide(data[at + 268 : at + size]).split("\0", 1)[0] or None
        at += size
    return None


def _u16(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "little")


def _u32(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")


def _ansi_at(data: bytes, at: int) -> str:
    return data[at:].split(b"\0", 1)[0].decode("cp1252", "replace") if at else ""


def _wide(raw: bytes) -> str:
    return raw[: len(raw) & ~1].decode("utf-16-le", "replace")


def _wide_at(data: bytes, at: int) -> str:
    return _wide(data[at:]).split("\0", 1)[0] if at else ""
