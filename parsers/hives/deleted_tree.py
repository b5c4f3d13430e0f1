"""Deleted keys and values as a tree that the sections of a hive's parser read like the hive itself.

A deleted key stands below the key that its cell names, deleted or not, if that leads up to the root. A deleted value
stands in its key's list; a loose one, which no list names any more, only where its form tells the key it was in.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from parsers.contract import Problem, Severity, Table
from parsers.hives.cells import BINS_START, NO_CELL, Cells
from parsers.hives.deleted import Lost, LostKey, lost, values_of
from parsers.hives.keys import MAX_DEPTH, Key, key_name
from parsers.hives.regf import Hive
from parsers.hives.values import Value
from parsers.rows import FILETIME_OF_1970, filetime_ns

_DAY = 864_000_000_000
_LATEST = 0x0250_0000_0000_0000
"""FILETIME of the year 2129, where the hive does not tell when it was written."""

Row = tuple[Table, dict[str, object]]
Section = Callable[[Hive], Iterator[Row]]


UNKNOWN_KEY = "(not known)"
"""Name of the key of a loose value whose form tells only the key above."""


@dataclass(frozen=True, slots=True)
class Form:
    """Values that only one key of a hive has: its path, and whether a name and its data are of that form.

    `{current}` in the path stands for the control set in use; `below`: they stand in the keys directly below.
    """

    key: str
    fits: Callable[[str, bytes], bool]
    below: bool = False


def deleted_rows(
    hive: Hive, sections: Sequence[Section], forms: Sequence[Form], notes: list[Problem]
) -> Iterator[Row]:
    """Rows of deleted keys and values; how many goes to `notes`."""
    tree = _Tree(hive)
    tree.grow(forms)
    count = 0
    for section in sections if tree.has_any else ():
        for table, row in section(tree.hive):
            if str(row.get("origin")).startswith("deleted"):
                count += 1
                yield table, row
    if count:
        notes.append(
            Problem(
                "hive_deleted_rows", "free cells", "cells in use", f"{count} rows",
                "Rows with origin deleted or deleted_loose were recovered from cells that are no longer in use:"
                " what they say held before, and is not known to hold now", Severity.INFO,
            )
        )  # fmt: skip


class _Tree:
    """A hive of deleted keys; keys in use that lead to them stand there without their own values."""

    def __init__(self, hive: Hive) -> None:
        live = hive.root._cells
        written = hive.last_written_ns
        newest = _LATEST if written is None else written // 100 + FILETIME_OF_1970 + _DAY
        self._live: Cells = live
        self._source = hive
        self._lost: Lost = lost(live, newest)
        self._taken: set[int] = set()
        self._times: dict[int, set[tuple[str, int | None]]] = {}
        """By the offset of a key in use: names and times of the keys below it."""
        root = hive.root
        self._root = Key(
            live, root.name, root.offset, None, None, 0, 0, NO_CELL, 0, NO_CELL, [], []
        )
        self._made: dict[int, Key | None] = {root.offset: self._root}
        self.hive = replace(hive, root=self._root, problems=[])
        self.has_any = False

    def grow(self, forms: Sequence[Form]) -> None:
        """Put everything in its place."""
        for key in self._lost.keys.values():
            self._taken.update(value.offset for value in values_of(key, self._lost))
        for offset in self._lost.keys:
            self._place(offset)
        for form in forms:
            self._loose(form)
        select = self._source.find("Select")
        if select is not None:  # which control set was in use
            _put(self._root, select)

    def _place(self, offset: int) -> Key | None:
        """The key of the tree for a cell, made with all above it; None where that does not lead to the root."""
        chain: list[int] = []
        at = offset
        while at not in self._made:
            if len(chain) >= MAX_DEPTH:
                break
            self._made[at] = None  # met again: a loop
            chain.append(at)
            above = self._parent(at)
            if above is None:
                break
            at = above
        key = self._made.get(at)
        for place in reversed(chain):
            key = None if key is None else self._make(place, key)
            self._made[place] = key
        return key

    def _parent(self, at: int) -> int | None:
        """Offset of the parent of a key's cell, deleted or in use."""
        deleted = self._lost.keys.get(at)
        if deleted is not None:
            # Deleting a key writes its parent: an older one is not its parent, but took the cell over.
            return deleted.parent if deleted.written <= self._written(deleted.parent) else None
        if _live_name(self._live, at) is None:
            return None
        return int.from_bytes(self._live.data[at + 20 : at + 24], "little") + BINS_START

    def _written(self, at: int) -> int:
        """FILETIME of the last write of a key's cell; -1: no key."""
        deleted = self._lost.keys.get(at)
        if deleted is not None:
            return deleted.written
        if _live_name(self._live, at) is None:
            return -1
        return int.from_bytes(self._live.data[at + 8 : at + 16], "little")

    def _make(self, at: int, above: Key) -> Key | None:
        deleted = self._lost.keys.get(at)
        if deleted is None:
            name = _live_name(self._live, at) or ""
            key = Key(
                self._live, name, at, None, above, above.depth + 1, 0, NO_CELL, 0, NO_CELL, [], []
            )
        else:
            if self._stands(deleted, above):
                return None
            values = list(values_of(deleted, self._lost))
            key = Key(
                self._lost.cells, deleted.name, at, filetime_ns(deleted.written), above,
                above.depth + 1, 0, NO_CELL, 0, NO_CELL, values, [],
            )  # fmt: skip
            self.has_any = True
        _put(above, key)
        return key

    def _stands(self, deleted: LostKey, above: Key) -> bool:
        """Whether the same key, last written at the same time, is in use: then the cell is a copy."""
        if above.offset not in self._times:
            own = None if above.offset in self._lost.keys else self._source.find(above.path)
            self._times[above.offset] = {
                (key.name.lower(), key.last_written_ns)
                for key in (own.subkeys() if own is not None else ())
            }
        return (deleted.name.lower(), filetime_ns(deleted.written)) in self._times[above.offset]

    def _loose(self, form: Form) -> None:
        """Values in no list whose form tells their key; one for each name and data."""
        own = self._source.find(form.key.replace("{current}", _current(self._source)))
        free = self._lost.cells.free
        if own is None or free is None:
            return
        holders = own.subkeys() if form.below else [own]
        known = {(v.name.lower(), v.data) for holder in holders for v in holder.values()}
        cells = Cells(
            self._live.data, self._live.minor_version, free=replace(free, word="deleted_loose")
        )
        found: list[Value] = []
        for offset, value in self._lost.values.items():
            if offset in self._taken:
                continue
            data = value.data
            if not form.fits(value.name, data) or (value.name.lower(), data) in known:
                continue
            known.add((value.name.lower(), data))
            self._taken.add(offset)
            found.append(replace(value, _cells=cells))
        if found:
            self._hang(own, found, form.below)

    def _hang(self, own: Key, found: list[Value], below: bool) -> None:
        """Put loose values into their key of the tree."""
        key = self._place(own.offset)
        if key is None:
            return
        if below:
            above = key
            key = Key(
                self._live, UNKNOWN_KEY, own.offset, None, above, above.depth + 1, 0, NO_CELL, 0, NO_CELL, [], []
            )  # fmt: skip
            _put(above, key)
        if key._values is not None:
            key._values.extend(found)
            self.has_any = True


def _current(hive: Hive) -> str:
    """Name of the control set in use; empty where the hive does not tell."""
    select = hive.find("Select")
    value = select.value("Current") if select is not None else None
    number = value.number() if value is not None else None
    return "" if number is None else f"ControlSet{number:03}"


def _live_name(cells: Cells, at: int) -> str | None:
    """Name of the key in a cell in use; None, and no problem of the hive, where there is none."""
    if at < BINS_START or at + 4 > len(cells.data) or at % 8:
        return None
    quiet = Cells(cells.data, cells.minor_version)
    return key_name(quiet, at - BINS_START)


def _put(above: Key, key: Key) -> None:
    if above._below is not None:
        above._below.append(key)
