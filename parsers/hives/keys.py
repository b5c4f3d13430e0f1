"""Keys of a hive: their cells, and the lists that lead from a key to its subkeys."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from parsers.contract import Severity
from parsers.hives.cells import BINS_START, NO_CELL, Cells
from parsers.hives.values import Value, read_values

MAX_DEPTH = 512
"""Windows allows 512 levels."""
MAX_NAME_BYTES = 1024
"""Windows allows 255 characters for the name of a key."""
LEAST_KEY = 80
"""Bytes of the smallest key cell."""
SECOND_PLACE_COST = 20
"""Whole hives have no key in two lists: hives made to cost time by that use up their budget sooner."""
COMPRESSED_NAME: Final = 0x20

_NK = struct.Struct("<i2sHQIIIIIIIIIIIIIIHH")
"""Cell size, signature, flags, last written, access, parent, subkeys, volatile, list, ..., name and class lengths."""


@dataclass(slots=True, eq=False)
class Key:
    """One key; `above` is its parent, None for the root."""

    _cells: Cells
    name: str
    offset: int
    last_written_ns: int | None
    above: "Key | None" = field(repr=False)
    depth: int
    _subkey_count: int
    _subkey_list: int
    _value_count: int
    _value_list: int
    _values: list[Value] | None = field(default=None, repr=False)
    _below: "list[Key] | None" = field(default=None, repr=False)
    """Keys below where no list tells them: deleted ones name their parent only."""

    @property
    def path(self) -> str:
        """Names from below the root of the hive to this key; empty for the root."""
        names: list[str] = []
        key = self
        while key.above is not None:
            names.append(key.name)
            key = key.above
        return "\\".join(reversed(names))

    @property
    def origin(self) -> str:
        """`log` where the cell's page was replayed from a transaction log, `deleted` where it is free, else `hive`."""
        return self._cells.origin(self.offset)

    def subkeys(self) -> list["Key"]:
        """Keys directly below, in order of the list in the hive (by name in whole hives)."""
        if self._below is not None:
            return list(self._below)
        keys = (key_at(self._cells, cell, self) for cell in self._children())
        return [key for key in keys if key is not None]

    def values(self) -> list[Value]:
        """Values in order of the list in the hive."""
        if self._values is None:
            self._values = read_values(
                self._cells, self._value_list, self._value_count, self.offset
            )
        return self._values

    def value(self, name: str) -> Value | None:
        """The value of that name, case ignored; `""` is the default value."""
        wanted = name.lower()
        return next((v for v in self.values() if v.name.lower() == wanted), None)

    def find(self, relative: str) -> "Key | None":
        """The key at a path below this one, case ignored; an empty path is the key itself."""
        key: Key | None = self
        for part in filter(None, relative.split("\\")):
            if key is None:
                return None
            key = key._child(part.lower())
        return key

    def _child(self, wanted: str) -> "Key | None":
        if self._below is not None:
            return next((key for key in self._below if key.name.lower() == wanted), None)
        for cell in self._children():
            name = key_name(self._cells, cell)
            if name is not None and name.lower() == wanted:
                return key_at(self._cells, cell, self)
        return None

    def _children(self) -> list[int]:
        if not self._subkey_count or self._subkey_list == NO_CELL:
            return []
        if self.depth >= MAX_DEPTH:
            self._cells.problem(
                "hive_depth", self.offset, f"at most {MAX_DEPTH} levels", "more", "keys below were skipped"
            )  # fmt: skip
            return []
        if not self._cells.take_keys(self.offset, 0):
            return []
        most = len(self._cells.data) // LEAST_KEY + 1
        listed = islice(_list_cells(self._cells, self._subkey_list), most)
        cells = list(dict.fromkeys(listed))
        if not self._cells.take_keys(self.offset, len(cells)):
            return []
        if len(cells) != self._subkey_count:
            self._cells.problem(
                "hive_subkey_count", self.offset, f"{self._subkey_count} subkeys", str(len(cells)),
                "the key's list of subkeys does not hold what the key says",
            )  # fmt: skip
        return cells


def key_name(cells: Cells, cell: int) -> str | None:
    """The name of the key in a cell, None (with a problem) where no key is."""
    span = cells.span(cell, 76, "a key")
    if span is None:
        return None
    start, end = span
    data = cells.data
    length = data[start + 72] | data[start + 73] << 8
    if data[start : start + 2] != b"nk" or start + 76 + length > end or length > MAX_NAME_BYTES:
        cells.problem(
            "hive_key", start - 4, "a key with its name", data[start : start + 2].hex(),
            "no key where a list says one; it was skipped", Severity.ERROR,
        )  # fmt: skip
        return None
    name = data[start + 76 : start + 76 + length]
    if data[start + 2] & COMPRESSED_NAME:
        return name.decode("latin-1")
    return name.decode("utf-16-le", "replace")


def key_at(cells: Cells, cell: int, above: Key | None) -> Key | None:
    """The key of a cell, None (with a problem) where it is none or belongs to another key."""
    at = cell + BINS_START
    parent = -1 if above is None else above.offset
    if cells.owner.get(at, parent) != parent:
        cells.take_keys(at, SECOND_PLACE_COST)
        cells.problem(
            "hive_key_twice", at, "a key below one key only", f"again below offset {parent}",
            "the key stands in two lists; it is given at the first place only", Severity.ERROR,
        )  # fmt: skip
        return None
    name = key_name(cells, cell)
    if name is None:
        return None
    cells.owner[at] = parent
    fields = _NK.unpack_from(cells.data, at)
    written = cells.time(cells.data[at + 8 : at + 16], at)
    if above is not None and fields[5] + BINS_START != above.offset:
        cells.problem(
            "hive_key_parent", at, f"a key of offset {above.offset}", f"of offset {fields[5] + BINS_START}",
            "the key names another parent than the key that lists it; given below the latter",
        )  # fmt: skip
    depth = 0 if above is None else above.depth + 1
    return Key(cells, name, at, written, above, depth, fields[6], fields[8], fields[10], fields[11])


def _list_cells(cells: Cells, cell: int, nested: bool = False) -> Iterator[int]:
    """Key cells of a subkey list: `lf`, `lh` (cell and hash), `li` (cell), `ri` (lists of those)."""
    span = cells.span(cell, 4, "a list of subkeys")
    if span is None:
        return
    start, end = span
    kind, count = cells.data[start : start + 2], cells.data[start + 2] | cells.data[start + 3] << 8
    words = 2 if kind in (b"lf", b"lh") else 1
    if kind not in (b"lf", b"lh", b"li", b"ri") or (nested and kind == b"ri"):
        cells.problem(
            "hive_subkey_list", start - 4, "lf, lh, li or ri", kind.hex(), "a list of subkeys was skipped",
            Severity.ERROR,
        )  # fmt: skip
        return
    fit = min(count, (end - start - 4) // (4 * words))
    if fit < count:
        cells.problem(
            "hive_subkey_list",
            start - 4,
            f"{count} entries",
            str(fit),
            "a list of subkeys is cut off",
        )
    entries = struct.unpack_from(f"<{fit * words}I", cells.data, start + 4)[::words]
    if kind != b"ri":
        yield from entries
        return
    for entry in dict.fromkeys(entries):
        yield from _list_cells(cells, entry, nested=True)
