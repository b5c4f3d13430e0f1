"""The file of a custom jump list: categories, each with shortcuts one behind the other."""

from collections.abc import Iterator
from dataclasses import dataclass

from parsers.lnk.cut import Report, u16, u32
from parsers.lnk.model import Lnk
from parsers.lnk.reader import MAGIC, parse_lnk

VERSION_WORD = b"\x02\0\0\0"
FOOTER = b"\xab\xfb\xbf\xba"
MAX_LINKS = 4096
MAX_LINK_BYTES = 1 << 20
_CLASS = MAGIC[4:]
_NAMES = {1: "known category", 2: "tasks"}
_KNOWN = {1: "frequent", 2: "recent"}
_HEAD = 12


@dataclass(frozen=True, slots=True)
class Link:
    """A shortcut, where it begins, and the category it stands in (None: not known)."""

    lnk: Lnk
    offset: int
    category: str | None


def read_links(data: bytes, report: Report) -> Iterator[Link]:
    """Shortcuts by category; behind damage those that can still be found, without one."""
    at, found = _HEAD, 0
    for _ in range(u32(data, 4)):
        head = _category(data, at)
        if head is None:
            yield from _rest(data, at, MAX_LINKS - found, report)
            return
        name, count, at = head
        for _ in range(count):
            lnk = _link(data, at + 16) if data[at : at + 16] == _CLASS else None
            if lnk is None or found >= MAX_LINKS:
                yield from _rest(data, at, MAX_LINKS - found, report)
                return
            yield Link(lnk, at + 16, name)
            found += 1
            at += 16 + lnk.end
        if data[at : at + 4] != FOOTER:
            yield from _rest(data, at, MAX_LINKS - found, report)
            return
        at += 4
    if data.find(MAGIC, at) >= 0:
        yield from _rest(data, at, MAX_LINKS - found, report)


def _category(data: bytes, at: int) -> tuple[str, int, int] | None:
    """(name, shortcuts, place of the first) of a category."""
    kind = u32(data, at)
    if at + 8 > len(data) or kind > 2:
        return None
    if kind == 0:
        end = at + 6 + 2 * u16(data, at + 4)
        name = data[at + 6 : end].decode("utf-16-le", "replace")
        return name, u32(data, end), end + 4
    if kind == 1:
        known = u32(data, at + 4)
        return _KNOWN.get(known, f"known category {known}"), 0, at + 8
    return _NAMES[kind], u32(data, at + 4), at + 8


def _rest(data: bytes, at: int, most: int, report: Report) -> Iterator[Link]:
    report(
        "jumplist_category",
        min(at, len(data)),
        "a shortcut, or a category's end",
        data[at : at + 16].hex() or "nothing",
    )
    for _ in range(most):
        at = data.find(MAGIC, at)
        lnk = _link(data, at) if at >= 0 else None
        if lnk is None:
            return
        yield Link(lnk, at, None)
        at += max(lnk.end, len(MAGIC))


def _link(data: bytes, at: int) -> Lnk | None:
    return parse_lnk(data[at : at + MAX_LINK_BYTES])
