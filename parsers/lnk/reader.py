"""Reads the bytes of a shortcut (MS-SHLLINK 2)."""

from parsers.lnk.cut import i32, u16, u32, u64
from parsers.lnk.extra import read_extra
from parsers.lnk.info import read_info
from parsers.lnk.items import read_items
from parsers.lnk.model import Info, Item, Lnk, Trouble
from parsers.lnk.strings import read_strings

MAGIC = bytes.fromhex("4c0000000114020000000000c000000000000046")
"""Size of the head and the class of shortcuts."""

_HEAD = 0x4C
_HAS_ITEMS, _HAS_INFO = 0x1, 0x2
_MAX_TROUBLES = 32


def parse_lnk(data: bytes) -> Lnk | None:
    """A shortcut out of its bytes, which may go on behind it; None: none begins here.

    Raises nothing: what is cut or wrong is in `troubles`, what was read before stays.
    """
    if len(data) < _HEAD or not data.startswith(MAGIC):
        return None
    troubles: list[Trouble] = []

    def report(code: str, offset: int, expected: str, found: str) -> None:
        if len(troubles) < _MAX_TROUBLES:
            troubles.append(Trouble(code, offset, expected, found))

    flags, at = u32(data, 20), _HEAD
    items: tuple[Item, ...] = ()
    info = Info()
    if flags & _HAS_ITEMS:
        end = at + 2 + u16(data, at)
        if end > len(data):
            report("lnk_items", at, f"within {len(data) - at} bytes", str(end - at))
        items = read_items(data, at + 2, min(end, len(data)))
        at = end
    if flags & _HAS_INFO:
        size = u32(data, at)
        if at + size > len(data):
            report("lnk_info", at, f"within {max(0, len(data) - at)} bytes", str(size))
        info = read_info(data, at, min(at + size, len(data)), report)
        at += max(size, 4)
    strings, at = read_strings(data, at, flags, report)
    extra, end = read_extra(data, at, report)
    return Lnk(
        flags,
        u32(data, 24),
        u64(data, 28),
        u64(data, 36),
        u64(data, 44),
        u32(data, 52),
        i32(data, 56),
        u32(data, 60),
        u16(data, 64),
        items,
        info,
        *strings,
        extra=extra,
        end=min(end, len(data)),
        troubles=tuple(troubles),
    )
