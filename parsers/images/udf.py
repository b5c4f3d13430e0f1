"""The tree of a UDF volume: file identifiers, folders, named streams (ECMA-167 4/14.4)."""

import struct
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from parsers.contract import Severity
from parsers.images.media import Media, Pieces
from parsers.images.model import (
    MAX_DEPTH,
    MAX_DIRECTORY_BYTES,
    MAX_ENTRIES,
    MAX_PATH,
    Entry,
    Folder,
    Notes,
    Tree,
    directory_budget,
)
from parsers.images.udf_fields import Place, long_place, tag, text
from parsers.images.udf_files import File, metadata_file, read_file
from parsers.images.udf_volume import Disc, describe, file_set, has_nsr, open_disc

FILE_ID = 257
HIDDEN, DIRECTORY, DELETED, PARENT = 1, 2, 4, 8
SYSTEM_FLAG = 0x400
MAX_STREAMS = 64
MAX_SKIPS = 1 << 20
MAX_MARK_BYTES = 65_536
_DIRECTORY_TYPES = (4, 13)
_MARK = "zone.identifier"


def trees(media: Media, notes: Notes) -> list[Tree]:
    """The tree, if there is one; it counts as mounted where the recognition sequence names it."""
    disc = open_disc(media, notes)
    if disc is None:
        return []
    for number, one in enumerate(disc.maps):
        if one.kind == "metadata":
            disc.metadata[number] = metadata_file(disc, number)
    nsr = has_nsr(media)
    root = file_set(disc)
    if root is None:
        assert disc.logical is not None  # noqa: S101
        notes.add(
            "udf_no_file_set",
            disc.logical[0],
            "a file set descriptor",
            "none",
            "no UDF file can be listed",
            Severity.ERROR,
        )
    mounted = nsr and root is not None
    return [Tree(describe(disc, nsr), _Walk(disc, notes, root).entries, mounted)]


class _Walk:
    """One pass over the tree."""

    def __init__(self, disc: Disc, notes: Notes, root: tuple[int, bytes] | None) -> None:
        self._disc, self._notes, self._root = disc, notes, root
        self._seen: set[tuple[int, int]] = set()
        self._left = directory_budget(disc.media.size)

    def entries(self) -> Iterator[Entry]:
        """Entries by folder, breadth first."""
        if self._root is None:
            return
        left = MAX_ENTRIES
        todo = [(Folder(), long_place(self._root[1], 400))]
        while todo:
            above, todo = todo, []
            for folder, place in above:
                for entry, inner in self._folder(folder, place):
                    left -= 1
                    if left < 0:
                        self._notes.add(
                            "udf_too_many_entries",
                            entry.address,
                            f"at most {MAX_ENTRIES}",
                            "more",
                            "the rest is left out",
                            Severity.ERROR,
                        )
                        return
                    yield entry
                    if inner is not None and self._below(folder, entry):
                        todo.append((folder.below(entry.name), inner))

    def _below(self, folder: Folder, entry: Entry) -> bool:
        if folder.depth < MAX_DEPTH and folder.length + len(entry.name) < MAX_PATH:
            return True
        self._notes.add(
            "udf_too_deep",
            entry.address,
            f"at most {MAX_DEPTH} folders and {MAX_PATH} characters",
            "more",
            f"not read below {entry.path}",
        )
        return False

    def _folder(
        self, folder: Folder, place: Place, streams: bool = False
    ) -> Iterator[tuple[Entry, Place | None]]:
        file = self._opened(folder, place)
        if file is None:
            return
        content = Pieces.of(self._disc.media, file.extents, min(file.size, MAX_DIRECTORY_BYTES))
        if content.size < file.size:
            self._notes.add(
                "udf_directory_cut",
                file.at,
                f"{file.size} bytes",
                f"{content.size} bytes",
                "read as far as it goes",
            )
        self._left -= content.size
        if self._left < 0:
            self._notes.add(
                "udf_folders_too_large",
                file.at,
                "folders that fit in the image",
                "more bytes of folders than that",
                f"{folder.path or 'root'} is not read",
                Severity.ERROR,
            )
            return
        data = content.read(0, content.size)
        path = folder.path
        for at, flags, raw, inner in _identifiers(data):
            if flags & PARENT:
                continue
            name = text(raw)
            whole = f"{path}\\{name}" if path else name
            if streams:
                whole = f"{path}:{name}"
            entry, found = self._entry(whole, name, flags, inner, content.address(at))
            if streams:
                yield replace(entry, stream=True), None
                continue
            inner_streams = self._streams(folder, name, found)
            mark = next((s for s in inner_streams if s.name.casefold() == _MARK), None)
            if mark is not None:
                raw = Pieces.of(self._disc.media, mark.extents, mark.size).read(0, MAX_MARK_BYTES)
                entry = replace(entry, zone_identifier=raw)
            yield entry, inner if entry.is_directory and not entry.deleted else None
            yield from ((one, None) for one in inner_streams)

    def _streams(self, folder: Folder, name: str, file: File | None) -> list[Entry]:
        """Named streams of a file (UDF 2.00 and later)."""
        if file is None or file.streams is None:
            return []
        found = self._folder(folder.below(name), file.streams, True)
        return [entry for entry, _ in islice(found, MAX_STREAMS)]

    def _opened(self, folder: Folder, place: Place) -> File | None:
        key = (place.block, place.partition)
        at = place.block * self._disc.block
        if key in self._seen:
            self._notes.add(
                "udf_directory_loop",
                at,
                "a folder not read before",
                folder.path or "root",
                "not read again",
            )
            return None
        self._seen.add(key)
        file = read_file(self._disc, place)
        if file is None or file.kind not in _DIRECTORY_TYPES:
            self._notes.add(
                "udf_no_folder",
                at,
                "a folder's file entry",
                "none" if file is None else f"file type {file.kind}",
                f"{folder.path or 'root'} cannot be read",
            )
            return None
        return file

    def _entry(
        self, path: str, name: str, flags: int, place: Place, at: int
    ) -> tuple[Entry, File | None]:
        file = read_file(self._disc, place) if place.length else None
        deleted = bool(flags & DELETED)
        entry = Entry(
            path=path,
            name=name,
            address=at,
            is_directory=bool(flags & DIRECTORY),
            size=0,
            hidden=bool(flags & HIDDEN),
            deleted=deleted,
            shown=not deleted,
        )
        if file is None:
            if not deleted:
                self._notes.add(
                    "udf_no_file_entry", at, "a file entry", "none", f"only the name of {path}"
                )
            return entry.remarked("file entry not readable: content unknown"), None
        remarks = ("symbolic link",) if file.kind == 12 else ()
        known = replace(
            entry,
            size=0 if entry.is_directory else file.size,
            extents=file.extents,
            times=file.times,
            system=bool(file.flags & SYSTEM_FLAG),
            remarks=remarks,
        )
        return known, file


def _identifiers(data: bytes) -> Iterator[tuple[int, int, bytes, Place]]:
    """(offset, flags, name's bytes, place of the file entry) of a folder; resumes at the next tag."""
    at = skipped = 0
    while at + 38 <= len(data) and skipped < MAX_SKIPS:
        if tag(data[at : at + 16]) != FILE_ID:
            at, skipped = at + 4, skipped + 1
            continue
        flags, length = data[at + 18], data[at + 19]
        use = struct.unpack_from("<H", data, at + 36)[0]
        name = data[at + 38 + use : at + 38 + use + length]
        yield at, flags, name, long_place(data, at + 20)
        at += (38 + use + length + 3) & ~3
