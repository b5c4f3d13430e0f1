r"""Bounded reader of Windows registry hives (regf) over bytes, with replay of their transaction logs.

    hive = open_hive(stream, [log1_stream, log2_stream])   # HiveError (a ValueError): no hive at all
    hive.root, hive.name, hive.minor_version, hive.last_written_ns
    hive.dirty, hive.replayed, hive.problems               # problems grow while keys are read: yield them last
    key = hive.find(r"Select")                             # Key or None; case does not matter
    key.name, key.path (below the root, "" = root), key.offset (absolute, of the cell), key.last_written_ns
    key.subkeys(), key.values(), key.value("Current"), key.value("") (the default value), key.find(r"a\b")
    key.origin, value.origin                               # "hive", or "log": the cell's page came from a log
    value.name, value.type, value.data, value.offset
    value.text(), value.number(), value.strings(), value.filetime_ns()   # None / [] where the type does not fit
    for key in hive.walk(): ...                            # every key, parents first

`parsers.hives.rows` makes a parser of sections over an open hive: `read_hive(artifact, sections)`, `provenance`, `text`.
Times are ns since 1970 UTC or None. Broken cells give a problem in `hive.problems` and are skipped; the rest goes on.
Source of the layout: the public Windows registry file format specification.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO, Final

from parsers.contract import Problem, Severity
from parsers.hives.cells import BINS_START, NO_CELL, Cells
from parsers.hives.keys import Key as Key
from parsers.hives.keys import key_at, key_name
from parsers.hives.logs import MAX_HIVE_BYTES, BaseBlock, base_block, replay
from parsers.rows import filetime_ns

HIVE_ENTRY: Final = 0x04
"""Flag of a root key."""


class HiveError(ValueError):
    """The bytes are no registry hive."""


@dataclass(slots=True, eq=False)
class Hive:
    """An open hive. `replayed` names the log entries that were applied: (log index, offset in the log, sequence)."""

    root: Key
    problems: list[Problem]
    minor_version: int
    last_written_ns: int | None
    name: str
    dirty: bool
    replayed: tuple[tuple[int, int, int], ...]
    size: int

    def find(self, path: str) -> Key | None:
        """The key at a path below the root, case ignored."""
        return self.root.find(path)

    def walk(self) -> Iterator[Key]:
        """Every key, parents before children; each key cell once."""
        todo = [self.root]
        while todo:
            key = todo.pop()
            yield key
            todo.extend(reversed(key.subkeys()))


def open_hive(data: BinaryIO, logs: Sequence[BinaryIO] = ()) -> Hive:
    """Open a hive; logs are replayed in memory where the hive is dirty.

    Raises:
        HiveError: no `regf` base block in hive or logs, or no bytes behind it.
    """
    raw = data.read(MAX_HIVE_BYTES + 1)
    contents = [log.read(MAX_HIVE_BYTES) for log in logs]
    head = _head(raw, contents)
    notes = [*_size_notes(raw, head)]
    dirty = head.primary != head.secondary or not head.valid
    cells = Cells(raw, head.minor)
    applied: tuple[tuple[int, int, int], ...] = ()
    if dirty:
        cells, applied = _replayed(raw, head, contents, notes)
    cells.problems.extend(notes)
    root = _root(cells, head)
    return Hive(
        root, cells.problems, head.minor, filetime_ns(head.written), head.name, dirty, applied, len(raw)
    )  # fmt: skip


def _head(raw: bytes, logs: Sequence[bytes]) -> BaseBlock:
    """The hive's base block; where its checksum is wrong, one of its logs stands in for what leads to the cells."""
    head = base_block(raw)
    if len(raw) <= BINS_START or (head is None and raw[BINS_START : BINS_START + 4] != b"hbin"):
        raise HiveError("no regf base block, or nothing behind it")
    if head is not None and head.valid:
        return head
    others = [other for other in map(base_block, logs) if other is not None and other.valid]
    best = max(others, key=lambda other: other.secondary, default=head)
    if best is None:
        return BaseBlock(0, 0, 0, 1, 5, 0, 32, len(raw) - BINS_START, "", False)
    return replace(best, valid=False)


def _replayed(
    raw: bytes, head: BaseBlock, contents: Sequence[bytes], notes: list[Problem]
) -> tuple[Cells, tuple[tuple[int, int, int], ...]]:
    result = replay(raw, head.secondary if head.valid else 0, contents)
    notes.extend(result.problems)
    state = f"sequence numbers {head.primary} and {head.secondary}"
    if not head.valid:
        state += ", bad checksum"
    if not result.applied:
        notes.append(
            Problem(
                "hive_dirty_not_replayed",
                "offset 4",
                "a transaction log that fits",
                f"{len(contents)} logs, {state}",
                "the hive is dirty and was not replayed: its newest changes are missing",
                Severity.WARNING,
            )
        )
        return Cells(raw, head.minor), ()
    notes.append(
        Problem(
            "hive_replayed",
            "offset 4",
            "a clean hive",
            state,
            f"{len(result.applied)} log entries were replayed in memory",
            Severity.INFO,
        )
    )
    return Cells(result.data, head.minor, frozenset(result.pages)), tuple(result.applied)


def _size_notes(raw: bytes, head: BaseBlock) -> Iterator[Problem]:
    if len(raw) > MAX_HIVE_BYTES:
        yield Problem(
            "hive_too_large", f"offset {MAX_HIVE_BYTES}", f"{MAX_HIVE_BYTES} bytes", "more",
            "only the first part was read", Severity.ERROR,
        )  # fmt: skip
    if BINS_START + head.bins_size > len(raw):
        yield Problem(
            "hive_truncated", f"offset {len(raw)}", f"{BINS_START + head.bins_size} bytes", str(len(raw)),
            "the hive is cut off; keys in the missing part are lost", Severity.ERROR,
        )  # fmt: skip
    if head.major != 1 or head.minor < 3:
        yield Problem(
            "hive_version", "offset 20", "version 1.3 or later", f"{head.major}.{head.minor}",
            "a hive of an old format; cells may be read wrongly",
        )  # fmt: skip


def _root(cells: Cells, head: BaseBlock) -> Key:
    """The root key; where the base block does not lead to it, the first key flagged as root; else an empty key."""
    found = key_at(cells, head.root, None)
    if found is not None:
        return found
    cells.problem("hive_root", 36, "the root key", f"cell {head.root}", "no root key at its place")
    at = cells.data.find(b"nk", BINS_START + 36)
    while at >= 0:
        if (
            at + 4 <= len(cells.data) and cells.data[at + 2] & HIVE_ENTRY and at % 8 == 4
        ) and key_name(cells, at - 4 - BINS_START) is not None:
            found = key_at(cells, at - 4 - BINS_START, None)
            if found is not None:
                return found
        at = cells.data.find(b"nk", at + 2)
    return Key(cells, "", 0, None, None, 0, 0, NO_CELL, 0, NO_CELL)
