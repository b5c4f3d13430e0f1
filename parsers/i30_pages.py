"""Pages of an NTFS index of file names, their entries, and entries in the slack behind them."""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

from parsers.contract import Problem
from parsers.evtx.problems import Problems
from parsers.rows import read_up_to

PAGE = 4096
SECTOR = 512
_LARGEST = 65536
_HEADER = 24
_ENTRY = 16
_FILE_NAME = 66
_LAST = 2
EARLIEST, LATEST = 119_600_064_000_000_000, 157_469_184_000_000_000
"""FILETIME of 1980 and 2100: what a time in slack must lie between to be believed."""
_CLASSES = (
    ("image", re.compile(r"\.(?:iso|img|vhdx?|vhds|avhdx?|udf|daa|wim|vmdk|dmg)$", re.IGNORECASE)),
    ("link", re.compile(r"\.(?:lnk|url)$", re.IGNORECASE)),
)


@dataclass(frozen=True, slots=True)
class Page:
    """One page with its fixups undone: `used` is where its entries end, 0 without a sound header."""

    data: bytes
    offset: int
    vcn: int | None
    first: int
    used: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry; `at` is its offset in the page, a reference is None where slack has lost it."""

    at: int
    reference: int | None
    parent: int | None
    times: tuple[int, int, int, int]
    allocated: int
    size: int
    flags: int
    namespace: int
    name: str


def name_class(name: str) -> str | None:
    """Image or link by a name's extension; None: neither."""
    return next((word for word, form in _CLASSES if form.search(name)), None)


def read_pages(stream: BinaryIO, size: int, problems: Problems) -> Iterator[Page]:
    """All pages of a stream. Blank ones are passed over; one without its mark is slack as a whole."""
    page = _page_size(read_up_to(stream, _HEADER + 16))
    for offset in range(0, size, page):
        stream.seek(offset)
        data = read_up_to(stream, min(page, size - offset))
        if data.strip(b"\0"):
            yield _page(data, offset, page, problems)


def _page_size(head: bytes) -> int:
    if len(head) < _HEADER + 16 or head[:4] != b"INDX":
        return PAGE
    size = struct.unpack_from("<I", head, 32)[0] + _HEADER
    return int(size) if size in (1024, 2048, 4096, 8192, 16384, 32768, _LARGEST) else PAGE


def _page(data: bytes, offset: int, size: int, problems: Problems) -> Page:
    def whole_slack(expected: str, found: str) -> Page:
        problems.add(
            Problem(
                "i30_page",
                f"offset {offset}",
                expected,
                found,
                "The page has no sound header: all of it is searched as slack",
            )
        )
        return Page(data, offset, None, 0, 0)

    if len(data) < size:
        return whole_slack(f"{size} bytes", f"{len(data)} bytes")
    if data[:4] != b"INDX":
        return whole_slack("INDX", data[:4].hex())
    usa_at, usa_count, _, vcn, first, used = struct.unpack_from("<4xHHQQII", data)
    first, used = first + _HEADER, used + _HEADER
    if not _HEADER + 16 <= first <= used <= size:
        return whole_slack("entries inside the page", f"entries from {first} to {used}")
    return Page(_fixed(data, offset, usa_at, usa_count, problems), offset, vcn, first, used)


def _fixed(data: bytes, offset: int, at: int, count: int, problems: Problems) -> bytes:
    """The page with the last two bytes of each sector put back; a sector of another write stays as it is."""
    if count != len(data) // SECTOR + 1 or at + 2 * count > SECTOR - 2:
        problems.add(
            Problem(
                "i30_fixups",
                f"offset {offset}",
                f"{len(data) // SECTOR + 1} fixups",
                f"{count} at {at}",
                "The page was read without them: two bytes of each sector may be wrong",
            )
        )
        return data
    out = bytearray(data)
    mark = data[at : at + 2]
    for n in range(1, count):
        end = n * SECTOR
        if data[end - 2 : end] == mark:
            out[end - 2 : end] = data[at + 2 * n : at + 2 * n + 2]
        else:
            problems.add(
                Problem(
                    "i30_torn",
                    f"offset {offset + end - SECTOR}",
                    mark.hex(),
                    data[end - 2 : end].hex(),
                    "The sector is from another write of the page",
                )
            )
    return bytes(out)


def live_entries(page: Page, problems: Problems) -> Iterator[Entry]:
    """Entries by their lengths, up to the last one."""
    at = page.first
    while page.used and at + _ENTRY <= page.used:
        reference, length, content, flags = struct.unpack_from("<QHHH", page.data, at)
        if flags & _LAST:
            return
        entry = file_name_at(page.data, at + _ENTRY, reference, page.used)
        if length < _ENTRY or length % 8 or at + length > page.used or entry is None:
            problems.add(
                Problem(
                    "i30_entry",
                    f"offset {page.offset + at}",
                    "an index entry with a file name",
                    f"length {length}, content {content}",
                    "The page's entries are read up to here",
                )
            )
            return
        yield entry
        at += length


def slack_entries(page: Page) -> Iterator[Entry]:
    """Entries that left their whole $FILE_NAME (or all but its first field) behind the last live one."""
    import numpy as np

    words = np.frombuffer(page.data[: len(page.data) & ~7], "<u8")
    believed = (words >= EARLIEST) & (words <= LATEST)
    if len(believed) < 5:
        return
    four = believed[1:-3] & believed[2:-2] & believed[3:-1] & believed[4:]
    stop = max(page.used - 8, 0)  # the end entry may have overwritten the parent's reference
    for at in (np.flatnonzero(four) * 8).tolist():
        if at < stop:
            continue
        entry = file_name_at(page.data, at, None, len(page.data))
        if entry is None or not entry.name.isprintable() or entry.size > 1 << 60:
            continue
        yield _with_reference(page, entry, at)
        stop = at + _FILE_NAME


def _with_reference(page: Page, entry: Entry, at: int) -> Entry:
    """The entry with what the slack still holds before its times."""
    parent = believed_reference(entry.parent) if at >= page.used else None
    head = at - _ENTRY
    if head < max(page.used - 8, 0):
        return replace(entry, at=at, parent=parent)
    reference, length, content = struct.unpack_from("<QHH", page.data, head)
    units = page.data[at + _FILE_NAME - 2]
    sound = content == _FILE_NAME + 2 * units and length % 8 == 0
    sound = sound and _ENTRY + content <= length <= _ENTRY + content + 16
    if not sound:
        return replace(entry, at=at, parent=parent)
    known = believed_reference(reference) if head >= page.used else None
    return replace(entry, at=head, reference=known, parent=parent)


def believed_reference(reference: int | None) -> int | None:
    """A file reference, unless a later end entry lies over it: that gives sequence 0."""
    if reference is None or reference >> 48 == 0 or reference & 0xFFFF_FFFF_FFFF > 0xFFFF_FFFF:
        return None
    return reference


def file_name_at(data: bytes, at: int, reference: int | None, end: int) -> Entry | None:
    """The $FILE_NAME at a place, if there is one that ends in time."""
    if at + _FILE_NAME > end:
        return None
    parent, *rest = struct.unpack_from("<QQQQQQQI4xBB", data, at)
    created, modified, changed, accessed, allocated, size, flags, units, namespace = rest
    stop = at + _FILE_NAME + 2 * units
    if not units or namespace > 3 or stop > end:
        return None
    name = data[at + _FILE_NAME : stop].decode("utf-16-le", "replace")
    times = (created, modified, changed, accessed)
    return Entry(at - _ENTRY, reference, parent, times, allocated, size, flags, namespace, name)
