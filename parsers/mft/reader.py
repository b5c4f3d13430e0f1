"""Reads a whole $MFT.

Rows of entries and streams as they come, names and marks with their paths at the end.

Until the end it keeps the names, some 25 bytes a record, the rows of extension records (their base
may come later) and the contents of Zone.Identifier streams up to a bound.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from parsers.contract import BATCH_BYTES, Artifact, Batch, Problem, Severity
from parsers.mft import paths, zones
from parsers.mft.blocks import read_blocks
from parsers.mft.columns import Bools, Ints, Numbers
from parsers.mft.frames import BlockRows, entry_frame, name_frame, stream_frame
from parsers.mft.notes import Describe, Notes
from parsers.mft.records import Block, read_heads, slack_bytes, walk_attributes
from parsers.mft.slack import removed_zones
from parsers.mft.slack_names import MAX_NAMES, slack_frame, slack_names
from parsers.mft.tables import MFT_ENTRY, MFT_NAME, MFT_SLACK_NAME, MFT_STREAM

BATCH_ROWS = 65_536
NAME_ROW_BYTES = 160
"""Bytes of a name row beside its path, roughly."""
ZONE_BUDGET = 256 << 20
"""Bytes of Zone.Identifier contents kept for the end.

A million long ones. Beyond: emitted at once, without path.
"""
PATH_BUDGET = 64 << 20
"""Bytes of paths that any $MFT may have.

A larger one more: its own size (files), an eighth of it (directories).
"""


@dataclass(slots=True)
class _Pile:
    """Frames of one table up to the size of a batch."""

    table: str
    _frames: list[pl.DataFrame] = field(default_factory=list)
    _rows: int = 0
    _bytes: int = 0

    def put(self, frame: pl.DataFrame) -> Iterator[Batch]:
        """Add a frame; yields a batch when there is enough."""
        self._frames.append(frame)
        self._rows += frame.height
        self._bytes += int(frame.estimated_size())
        if self._rows >= BATCH_ROWS or self._bytes >= BATCH_BYTES:
            yield from self.flush()

    def flush(self) -> Iterator[Batch]:
        """Yield what is there."""
        if self._rows:
            yield Batch(self.table, pl.concat(self._frames))
        self._frames, self._rows, self._bytes = [], 0, 0


@dataclass(slots=True)
class _Kept:
    """What stays until the end of the $MFT; lists hold one item a block."""

    first: int = 0
    size: int = 1024
    sequence: list[Numbers] = field(default_factory=list)
    readable: list[Bools] = field(default_factory=list)
    in_use: list[Bools] = field(default_factory=list)
    folder: list[Bools] = field(default_factory=list)
    spread: list[Bools] = field(default_factory=list)
    extensions: list[Ints] = field(default_factory=list)
    bases: list[Numbers] = field(default_factory=list)
    times: list[pl.DataFrame] = field(default_factory=list)
    names: list[pl.DataFrame] = field(default_factory=list)
    entries: list[pl.DataFrame] = field(default_factory=list)
    streams: list[pl.DataFrame] = field(default_factory=list)
    zones: list[pl.DataFrame] = field(default_factory=list)
    zone_bytes: int = 0
    slack_names: int = 0

    def slots(self) -> paths.Slots:
        """All records by position."""
        return paths.Slots(
            self.first,
            np.concatenate(self.sequence),
            np.concatenate(self.readable),
            np.concatenate(self.in_use),
            np.concatenate(self.folder),
            np.concatenate(self.spread),
            np.concatenate(self.extensions),
            np.concatenate(self.bases),
        )


def read(artifact: Artifact) -> Iterator[Batch | Problem]:
    """All rows of an $MFT."""
    notes, kept = Notes(), _Kept()
    entries, streams = _Pile(MFT_ENTRY.name), _Pile(MFT_STREAM.name)
    with artifact.open() as stream:
        for block in read_blocks(stream, artifact.size, notes):
            rows = block_rows(block, notes)
            yield from _emit(block, rows, kept, entries, streams)
            yield from _hold_zones(block, rows, kept, notes)
            yield from _slack_names(block, rows, kept, notes)
            yield from notes.drain()
    if kept.sequence:
        yield from _finish(kept, notes, entries, streams, artifact.size)
    yield from entries.flush()
    yield from streams.flush()
    yield from notes.drain()
    yield from notes.rest()


def block_rows(block: Block, notes: Notes) -> BlockRows:
    """Frames of one block."""
    heads = read_heads(block)
    attributes = walk_attributes(block, heads)
    slot = block.offset // block.size
    entry = entry_frame(block, heads, attributes, notes)
    slack = pl.Series("slack_bytes", slack_bytes(block, heads))
    at = block.starts()
    return BlockRows(
        entry.with_columns(slack),
        name_frame(block, attributes, slot, notes),
        stream_frame(block, heads, attributes, notes),
        removed_zones(block, heads, attributes),
        slack_names(block, heads, attributes),
        block.fields.u2[at + 16],
        heads.readable,
        heads.empty,
        (heads.flags & 1 != 0) & heads.readable,
        (heads.flags & 2 != 0) & heads.readable,
        np.where(heads.readable, block.fields.u8[at + 32], 0),
    )


def _emit(
    block: Block, rows: BlockRows, kept: _Kept, entries: _Pile, streams: _Pile
) -> Iterator[Batch]:
    """Hand on the rows of base records, keep those of extensions and what the end needs."""
    slot = block.offset // block.size
    if not kept.sequence:
        kept.first, kept.size = block.first, block.size
    extends = rows.base != 0
    kept.sequence.append(rows.sequence)
    kept.readable.append(rows.readable)
    kept.in_use.append(rows.in_use)
    kept.folder.append(rows.folder)
    kept.spread.append(_may_have_extensions(rows))
    kept.extensions.append(np.flatnonzero(extends) + slot)
    kept.bases.append(rows.base[extends])
    kept.times.append(rows.entry.select("si_created_utc", "si_mft_changed_utc"))
    kept.names.append(rows.name)
    filled, stream = rows.entry, rows.stream
    if extends.any():
        kept.entries.append(filled.filter(extends))
        held = extends[stream["stored_in"].to_numpy() - block.first]
        kept.streams.append(stream.filter(held))
        stream = stream.filter(~held)
    if extends.any() or rows.empty.any():
        filled = filled.filter(~extends & ~rows.empty)
    yield from entries.put(filled.with_columns(stale_extension=pl.lit(False)))
    yield from streams.put(stream)


def _may_have_extensions(rows: BlockRows) -> Bools:
    """Records with a list of their attributes, and those whose state cannot rule one out."""
    entry = rows.entry
    doubt = entry["broken"] | (entry["torn_sectors"] != 0) | ~entry["in_use"]
    return (entry["has_attribute_list"] | doubt).to_numpy()


def _slack_names(block: Block, rows: BlockRows, kept: _Kept, notes: Notes) -> Iterator[Batch]:
    room = MAX_NAMES - kept.slack_names
    kept.slack_names += len(rows.slack_names)
    if len(rows.slack_names) > room:
        notes.add(
            Problem(
                "slack_names_too_many",
                f"offset {block.offset}",
                f"at most {MAX_NAMES} names of images and links in slack",
                "more",
                "further ones are left out",
            )
        )
    if found := rows.slack_names[: max(0, room)]:
        yield Batch(MFT_SLACK_NAME.name, slack_frame(found))


def _hold_zones(block: Block, rows: BlockRows, kept: _Kept, notes: Notes) -> Iterator[Batch]:
    """Keep marks for the end, or emit them without a path when there are too many."""
    live = rows.stream.filter(zones.is_zone(rows.stream))
    live = live.drop("stream", "allocated_bytes", "stream_flags")
    if not live.height and not rows.removed.height:
        return
    origins = ((live, "attribute"), (rows.removed, "slack"))
    found = pl.concat(
        [frame.with_columns(origin=pl.lit(o)) for frame, o in origins], how="diagonal"
    )
    kept.zone_bytes += int(found.estimated_size())
    if kept.zone_bytes <= ZONE_BUDGET:
        kept.zones.append(found)
        return
    place = f"offset {block.offset}"
    notes.add(
        Problem(
            "zones_without_path",
            place,
            f"at most {ZONE_BUDGET} bytes of Zone.Identifier contents",
            "more",
            f"{found.height} marks without path, state and time; join mft_name by record",
        )
    )
    yield from zones.zone_batches(found)


def _finish(
    kept: _Kept, notes: Notes, entries: _Pile, streams: _Pile, size: int
) -> Iterator[Batch | Problem]:
    """What needs all records: extensions joined to their base, names and marks with paths."""
    slots = kept.slots()
    owner, stale = slots.owners()
    yield from _held(kept, slots, owner, stale, notes, entries, streams)
    names = pl.concat(kept.names)
    kept.names = []
    holder = owner[names["slot"].to_numpy()]
    namespace = names["namespace"].to_numpy()
    chosen = paths.chosen_names(slots, names["slot"].to_numpy(), holder, namespace)
    parent, status = paths.parents(slots, names["parent"].to_numpy(), chosen)
    budget = PATH_BUDGET + size // 8
    tree = paths.directories(slots, names["name"], chosen, parent, status, budget)
    is_root = (holder + slots.first == paths.ROOT) & (parent == len(slots.sequence))
    places = paths.place_names(tree, parent, status, names["name"], is_root, PATH_BUDGET + size)
    _note_paths(places, holder + slots.first, notes)
    yield from _names(kept, slots, names, holder, tree, places)
    if kept.zones:
        yield from _zones(kept, slots, owner, names["name"], holder, namespace, tree, places)


def _held(
    kept: _Kept,
    slots: paths.Slots,
    owner: Numbers,
    stale: Ints,
    notes: Notes,
    entries: _Pile,
    streams: _Pile,
) -> Iterator[Batch]:
    """Rows of extension records, now that their base is known."""
    lost = np.zeros(len(owner), np.bool_)
    lost[stale] = True
    for frame in kept.entries:
        mask = pl.Series("stale_extension", lost[frame["record"].to_numpy() - slots.first])
        yield from entries.put(frame.with_columns(mask))
    for frame in kept.streams:
        base = owner[frame["stored_in"].to_numpy() - slots.first]
        yield from streams.put(
            frame.with_columns(
                pl.Series("record", (base + slots.first).astype(np.uint32)),
                pl.Series("sequence", slots.sequence[base]),
            )
        )
    kept.entries, kept.streams = [], []
    notes.add_rows(
        "stale_extension",
        stale,
        lambda i: Problem(
            "stale_extension",
            f"record {i + slots.first}",
            "base record with the sequence number referred to, and a list of its extensions",
            "none",
            "Extension of a file that is gone or no longer has it: its rows stand under its own number",
            Severity.INFO,
        ),
    )


def _note_paths(places: paths.NamePlaces, record: Numbers, notes: Notes) -> None:
    """Paths that could not be made; orphans are ordinary and only have their status."""
    for status, code, expected, message in (
        (paths.CYCLE, "path_cycle", "chain of directories that ends at the root",
         "Directories above form a loop or are deeper than 255 levels"),
        (paths.TOO_LONG, "path_too_long", "path of at most 32,767 bytes, inside the budget of all",
         "Path was not made; the name and its directory stand"),
    ):  # fmt: skip
        rows = np.flatnonzero(places.status == status)
        notes.add_rows(code, rows, _path_problem(code, record, expected, message))


def _path_problem(code: str, record: Numbers, expected: str, message: str) -> Describe:
    return lambda i: Problem(code, f"record {int(record[i])}", expected, "none", message)


def _names(
    kept: _Kept,
    slots: paths.Slots,
    names: pl.DataFrame,
    holder: Numbers,
    tree: paths.Directories,
    places: paths.NamePlaces,
) -> Iterator[Batch]:
    """Rows of mft_name in batches of bounded size."""
    if not names.height:
        return
    weight = np.cumsum(places.path_bytes + NAME_ROW_BYTES)
    cuts = np.searchsorted(weight, np.arange(BATCH_BYTES, weight[-1] + BATCH_BYTES, BATCH_BYTES))
    start = 0
    for stop in (*(int(c) + 1 for c in cuts[:-1]), names.height):
        stop = min(stop, names.height)
        if stop <= start:
            continue
        part, rows = names[start:stop], np.arange(start, stop)
        slot, of = part["slot"].to_numpy(), holder[start:stop]
        reference = part["parent"].to_numpy()
        frame = part.drop("slot", "parent").with_columns(
            pl.Series("record", (of + slots.first).astype(np.uint32)),
            pl.Series("sequence", slots.sequence[of]),
            *paths.paths_of(tree, places, names["name"], rows),
            pl.Series("in_use", slots.in_use[of]),
            pl.Series("is_directory", slots.folder[of]),
            pl.Series("parent_record", reference & np.uint64((1 << 48) - 1)),
            pl.Series("parent_sequence", (reference >> np.uint64(48)).astype(np.uint16)),
            pl.Series("stored_in", (slot + slots.first).astype(np.uint32)),
            pl.Series("record_offset", slot.astype(np.int64) * kept.size),
        )
        yield Batch(MFT_NAME.name, frame)
        start = stop


def _zones(
    kept: _Kept,
    slots: paths.Slots,
    owner: Numbers,
    names: pl.Series,
    holder: Numbers,
    namespace: Numbers,
    tree: paths.Directories,
    places: paths.NamePlaces,
) -> Iterator[Batch]:
    """Rows of zone_identifier with the path, state and times of the file."""
    rows = pl.concat(kept.zones)
    kept.zones = []
    of = owner[rows["stored_in"].to_numpy() - slots.first]
    wanted = np.zeros(len(owner), np.bool_)
    wanted[of] = True
    best = zones.best_names(holder, namespace, places.status, wanted)[of]
    named = pl.Series(np.flatnonzero(best >= 0).astype(np.uint32))
    made = paths.paths_of(tree, places, names, best[best >= 0])[0]
    path = pl.Series("path", [None] * rows.height, pl.String()).scatter(named, made)
    times = pl.concat(kept.times)[of.astype(np.int64)]
    yield from zones.zone_batches(
        rows.with_columns(
            pl.Series("record", (of + slots.first).astype(np.uint32)),
            pl.Series("sequence", slots.sequence[of]),
            path,
            pl.Series("in_use", slots.in_use[of]),
            *times.get_columns(),
        )
    )
