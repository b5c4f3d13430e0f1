"""Trees of ISO 9660 images: plain, Joliet, enhanced; Rock Ridge as additional columns.

Windows enumerates a folder by its records but finds a folder's extent through the path table, so
folders that only one of the two knows are said. Source of the layout: ECMA-119 9.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace

from parsers.contract import Severity
from parsers.images import rock_ridge
from parsers.images.iso_descriptors import (
    FIRST_DESCRIPTOR,
    SECTOR,
    Descriptor,
    both,
    descriptors,
    short_time,
)
from parsers.images.iso_sessions import other_sessions
from parsers.images.media import Media
from parsers.images.model import (
    MAX_DEPTH,
    MAX_DIRECTORY_BYTES,
    MAX_ENTRIES,
    MAX_PATH,
    Entry,
    Folder,
    Notes,
    Times,
    Tree,
    directory_budget,
)

HIDDEN, DIRECTORY, ASSOCIATED, MULTI_EXTENT = 1, 2, 4, 0x80
MAX_PATH_TABLE = 8 << 20
_SELF, _PARENT = b"\0", b"\1"


def trees(media: Media, notes: Notes) -> list[Tree]:
    """One tree per namespace; the one that CDFS takes is marked as mounted and comes first."""
    found = descriptors(media, notes)
    joliet = next((d for d in found if d.name_form == "joliet"), None)
    active = joliet or next((d for d in found if d.name_form == "iso9660"), None)
    ordered = sorted(found, key=lambda d: d is not active)
    ordered += _of_other_sessions(media, notes, found)
    return [
        Tree(d.volume, Walk(media, notes, d).entries, d is active, d is not active) for d in ordered
    ]


def _of_other_sessions(media: Media, notes: Notes, taken: list[Descriptor]) -> list[Descriptor]:
    """Descriptors of sessions that Windows does not show, as far as they lead to other roots."""
    roots = {d.root for d in taken}
    more: list[Descriptor] = []
    for first in other_sessions(media, taken) if taken else ():
        remark = (
            f"another session, from sector {first - FIRST_DESCRIPTOR} on: Windows does not show it"
        )
        for d in sorted(descriptors(media, notes, first), key=lambda d: d.name_form != "joliet"):
            if d.root not in roots and _is_root(media, d):
                roots.add(d.root)
                more.append(
                    replace(d, volume=replace(d.volume, remarks=(*d.volume.remarks, remark)))
                )
    return more


def _is_root(media: Media, descriptor: Descriptor) -> bool:
    """Whether a folder lies where the descriptor says: in an image inside the image it counts from elsewhere."""
    start = descriptor.root[0]
    record = media.read(start, 34)
    own = len(record) == 34 and record[0] >= 34 and record[32:34] == b"\1\0"
    return own and both(record, 2, media, descriptor.block) * descriptor.block == start


@dataclass(frozen=True, slots=True)
class _Record:
    raw: bytes
    flags: int
    start: int
    size: int
    when: bytes
    area: bytes
    interleaved: bool


class Walk:
    """One pass over one namespace."""

    def __init__(self, media: Media, notes: Notes, descriptor: Descriptor) -> None:
        self._media, self._notes, self._of = media, notes, descriptor
        self._skip: int | None = None
        self._seen: set[int] = set()
        self._left = directory_budget(media.size)

    def entries(self) -> Iterator[Entry]:
        """Entries by folder, breadth first; then folders that only the path table knows."""
        start, length = self._of.root
        left = MAX_ENTRIES
        table = self._path_table()
        todo = [(Folder(), start, length, True)]
        for shown in (True, False):
            if not shown:
                todo = [
                    (folder, at, self._own_length(at), False)
                    for at, folder in table.items()
                    if at not in self._seen
                ]
            while todo:
                above = todo
                todo = []
                for folder, at, size, visible in above:
                    for entry in self._folder(folder, at, size):
                        left -= 1
                        if left < 0:
                            self._too_many(at)
                            return
                        yield entry if visible else _unseen(entry)
                        if entry.is_directory and self._below(folder, entry, at):
                            here = entry.extents[0][0] or 0
                            if visible and table and here not in table:
                                self._not_in_table(entry)
                            todo.append((folder.below(entry.name), here, entry.size, visible))

    def _own_length(self, start: int) -> int:
        """Length of a folder by its own record; 0 where there is none: it is not read."""
        record = self._media.read(start, 34)
        own = len(record) == 34 and record[0] >= 34 and record[32:34] == b"\1\0"
        return both(record, 10, self._media) if own else 0

    def _below(self, folder: Folder, entry: Entry, at: int) -> bool:
        if folder.depth < MAX_DEPTH and folder.length + len(entry.name) < MAX_PATH:
            return True
        self._notes.add(
            "iso_too_deep",
            at,
            f"at most {MAX_DEPTH} folders and {MAX_PATH} characters",
            "more",
            f"not read below {entry.path}",
        )
        return False

    def _too_many(self, at: int) -> None:
        self._notes.add(
            "iso_too_many_entries",
            at,
            f"at most {MAX_ENTRIES}",
            "more",
            "the rest is left out",
            Severity.ERROR,
        )

    def _not_in_table(self, entry: Entry) -> None:
        self._notes.add(
            "iso_not_in_path_table",
            entry.address,
            "the folder's extent in the path table",
            "none",
            f"Windows may not open {entry.path}",
        )

    def _folder(self, folder: Folder, start: int, length: int) -> Iterator[Entry]:
        if start in self._seen:
            self._notes.add(
                "iso_directory_loop",
                start,
                "a folder not read before",
                folder.path or "root",
                "not read again",
            )
            return
        self._seen.add(start)
        parts: list[tuple[int | None, int]] = []
        for at, record in self._records(start, length, not folder.depth):
            parts.append((record.start, record.size))
            if not record.flags & MULTI_EXTENT:
                yield self._entry(folder, at, record, tuple(parts))
                parts = []
        if parts:
            self._notes.add(
                "iso_parts_missing",
                start,
                "the last extent of a file",
                "the folder's end",
                "a file of several extents is left out",
            )

    def _records(self, start: int, length: int, root: bool) -> Iterator[tuple[int, _Record]]:
        """Records with their byte offset. A bad one costs the rest of its sector."""
        room = max(0, min(length, MAX_DIRECTORY_BYTES, self._media.size - start))
        if room < length:
            self._notes.add(
                "iso_directory_cut",
                start,
                f"{length} bytes",
                f"{room} bytes",
                "read as far as it goes",
            )
        self._left -= room
        if self._left < 0:
            self._notes.add(
                "iso_folders_too_large",
                start,
                "folders that fit in the image",
                "more bytes of folders than that",
                "this one is not read",
                Severity.ERROR,
            )
            return
        for base in range(start, start + room, SECTOR):
            data = self._media.read(base, min(SECTOR, start + room - base))
            if base > start and data[32:34] == b"\1\0" and data[:1] >= b"\x22":
                self._notes.add(
                    "iso_directory_size",
                    base,
                    "records of the same folder",
                    "another folder's own record",
                    "the folder ends before its length does",
                )
                return
            yield from self._sector(base, data, root)

    def _sector(self, base: int, data: bytes, root: bool) -> Iterator[tuple[int, _Record]]:
        at = 0
        while at < len(data) and (n := data[at]):
            record = data[at : at + n]
            if n < 34 or len(record) < n or 33 + record[32] > n:
                self._notes.add(
                    "iso_record_broken",
                    base + at,
                    "a directory record",
                    f"{n} bytes",
                    "rest of the sector skipped",
                )
                return
            raw = record[33 : 33 + record[32]]
            area = record[33 + len(raw) + (1 - len(raw) % 2) :]
            if raw == _SELF and root:
                self._skip = rock_ridge.skip_length(area)
            if raw not in (_SELF, _PARENT):
                block = self._of.block
                start = both(record, 2, self._media, block) + record[1]
                yield (
                    base + at,
                    _Record(
                        raw,
                        record[25],
                        start * block,
                        both(record, 10, self._media),
                        record[18:25],
                        area,
                        bool(record[26] or record[27]),
                    ),
                )
            at += n

    def _entry(
        self, folder: Folder, at: int, record: _Record, extents: tuple[tuple[int | None, int], ...]
    ) -> Entry:
        name = _name(record.raw, self._of)
        unix = rock_ridge.RockRidge()
        if self._skip is not None:
            unix = rock_ridge.read(self._media, record.area[self._skip :], self._of.block)
        recorded, zone = short_time(record.when)
        remarks = list(unix.remarks)
        if record.flags & ASSOCIATED:
            remarks.append("associated file: Windows does not list it")
        if record.interleaved:
            remarks.append("content is interleaved: read as if it were not")
        above = folder.path
        return Entry(
            path=f"{above}\\{name}" if above else name,
            name=name,
            address=at,
            is_directory=bool(record.flags & DIRECTORY),
            size=sum(n for _, n in extents),
            extents=extents,
            times=Times(
                recorded=recorded,
                created=unix.times.get("created"),
                modified=unix.times.get("modified"),
                accessed=unix.times.get("accessed"),
                changed=unix.times.get("changed"),
                zone_minutes=zone,
            ),
            hidden=bool(record.flags & HIDDEN),
            shown=not record.flags & ASSOCIATED,
            unix_name=unix.name,
            unix_mode=unix.mode,
            remarks=tuple(remarks),
        )

    def _path_table(self) -> dict[int, Folder]:
        """Folder by byte offset of its extent; empty where there is no readable table."""
        start, length = self._of.path_table
        data = self._media.read(start, min(length, MAX_PATH_TABLE)) if start else b""
        found: dict[int, Folder] = {}
        numbered: list[Folder] = []
        at = 0
        while at + 8 < len(data) and data[at] and len(numbered) < MAX_ENTRIES:
            n = data[at]
            extent, above = struct.unpack_from("<IH", data, at + 2)
            name = _name(data[at + 8 : at + 8 + n], self._of)
            if not numbered:
                folder = Folder()
            elif 0 < above <= len(numbered) and numbered[above - 1].depth < MAX_DEPTH:
                folder = numbered[above - 1].below(name)
            else:
                break
            numbered.append(folder)
            if (place := (extent + data[at + 1]) * self._of.block) < self._media.size:
                found.setdefault(place, folder)
            at += 8 + n + n % 2
        if len(numbered) <= 1 and length > 10:
            return {}
        return found


def _unseen(entry: Entry) -> Entry:
    return replace(entry.remarked("its folder is only in the path table"), shown=False)


def _name(raw: bytes, of: Descriptor) -> str:
    """Name without version (`;1`) and, in plain ISO 9660, without the point of an empty extension."""
    name = raw.decode(of.encoding, "replace").split(";", 1)[0]
    return name if of.name_form == "joliet" else name.rstrip(".") or name
