"""Rows of one block: entries, names and streams, and the problems seen on the way.

Frames hold what the block alone can tell. Rows of extension records still carry their own number as
`record`.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from parsers.contract import Problem, Severity
from parsers.mft.columns import (
    Bools,
    Fields,
    Ints,
    Numbers,
    binary_column,
    ragged_index,
    time_column,
    utf16_column,
)
from parsers.mft.notes import Describe, Notes
from parsers.mft.records import (
    ATTRIBUTE_LIST,
    BAAD,
    DATA,
    FILE,
    FILE_NAME,
    NO_ARRAY,
    REPARSE_POINT,
    STANDARD_INFORMATION,
    Attributes,
    Block,
    Heads,
)
from parsers.mft.tables import FN_TIMES, SI_TIMES
from parsers.rows import Row

MASK48 = np.uint64((1 << 48) - 1)
MAX_CONTENT = 4096
_STATES = pl.Series("state", ["file", "baad", "unknown"])
_ARRAY_OF_31 = 48
"""An update sequence array from here on leaves room for the header's record number (NTFS 3.1)."""


@dataclass(frozen=True, slots=True)
class BlockRows:
    """Frames of one block, and what the end of the $MFT needs of each of its slots.

    `entry` lacks stale_extension; `name` has `slot` (index of the record that holds the name) and
    `parent` (reference) in place of record, path and what belongs to them.
    """

    entry: pl.DataFrame
    name: pl.DataFrame
    stream: pl.DataFrame
    removed: pl.DataFrame
    slack_names: list[Row]
    sequence: npt.NDArray[np.uint16]
    readable: Bools
    empty: Bools
    in_use: Bools
    folder: Bools
    base: npt.NDArray[np.uint64]


def times(
    names: tuple[str, ...], block: Block, at: Ints, rows: Numbers, notes: Notes
) -> list[pl.Series]:
    """Four FILETIME columns from byte `at`.

    `rows` are the records they belong to, for the problems.
    """
    columns = []
    for k, name in enumerate(names):
        raw = block.fields.u8[at + 8 * k]
        column, odd = time_column(name, raw)
        columns.append(column)
        if len(odd):
            notes.add_rows("time_out_of_range", odd, _forged(name, block.first, rows, raw))
    return columns


def _forged(name: str, first: int, rows: Numbers, raw: Numbers) -> Describe:
    return lambda i: Problem(
        "time_out_of_range",
        f"record {first + int(rows[i])}",
        "FILETIME between 1677 and 2262",
        f"{name} = {int(raw[i]):#018x}",
        "Time is forged or damaged; the column is NULL",
    )


def entry_frame(block: Block, heads: Heads, attributes: Attributes, notes: Notes) -> pl.DataFrame:
    """One row per slot of the block, empty ones included (the caller drops them)."""
    f, at, a = block.fields, block.starts(), attributes
    rows = np.arange(block.count)
    information = np.flatnonzero((a.kind == STANDARD_INFORMATION) & a.fits & (a.value_length >= 48))
    information = information[::-1]  # written last: the first one wins
    nowhere = block.count * block.size  # the zero padding
    si = np.full(block.count, nowhere, np.int64)
    si[a.row[information]] = a.value[information]
    long = information[a.value_length[information] >= 72]
    si_long = np.full(block.count, nowhere, np.int64)
    si_long[a.row[long]] = a.value[long]
    base = np.where(heads.readable, f.u8[at + 32], 0)
    state = np.select([heads.mark == FILE, heads.mark == BAAD], [0, 1], 2).astype(np.uint32)
    readable, extends = heads.readable, base != 0
    numbered = readable & (f.u2[at + 4] >= _ARRAY_OF_31)
    header = f.u4[at + 44]
    own = rows + block.first
    used_too_far = readable & (heads.used > block.size)
    listed = _having(a, ATTRIBUTE_LIST, block.count)
    broken = a.broken | used_too_far | (readable & ~heads.walkable(block.size))
    broken |= _continuing(block, a) & ~extends & ~listed
    frame = pl.DataFrame(
        [
            pl.Series("record", own.astype(np.uint32)),
            nullable("sequence", f.u2[at + 16], readable),
            *times(SI_TIMES, block, si, rows, notes),
            _STATES.gather(pl.Series(state)),
            pl.Series("in_use", (heads.flags & 1 != 0) & readable),
            pl.Series("is_directory", (heads.flags & 2 != 0) & readable),
            nullable("link_count", f.u2[at + 18], readable),
            nullable("base_record", base & MASK48, extends),
            nullable("base_sequence", (base >> np.uint64(48)).astype(np.uint16), extends),
            nullable("header_record", header, numbered),
            nullable("lsn", f.u8[at + 8], readable),
            nullable("si_flags", f.u4[si + 32], si != nowhere),
            nullable("si_usn", f.u8[si_long + 64].view(np.int64), f.u8[si_long + 64] != 0),
            pl.Series("has_attribute_list", listed),
            pl.Series("is_reparse_point", _having(a, REPARSE_POINT, block.count)),
            pl.Series("torn_sectors", heads.torn),
            pl.Series("broken", broken),
            pl.Series("record_offset", at + block.offset),
        ]
    )
    _note_records(block, heads, broken, numbered & (header != own), header, notes)
    return frame


def nullable(name: str, values: Numbers, valid: Bools) -> pl.Series:
    """Column of numbers, NULL where not valid."""
    column = pl.Series(name, values)
    if valid.all():
        return column
    return column.scatter(pl.Series(np.flatnonzero(~valid).astype(np.uint32)), None)


def _having(a: Attributes, kind: int, count: int) -> Bools:
    has = np.zeros(count, np.bool_)
    has[a.row[a.kind == kind]] = True
    return has


def _continuing(block: Block, a: Attributes) -> Bools:
    """Records with a piece that continues a stream: its start, or a list of pieces, is elsewhere."""
    later = block.fields.u8[a.at + 16] != 0
    has = np.zeros(block.count, np.bool_)
    has[a.row[(a.kind == DATA) & ~a.resident & later]] = True
    return has


def _note_records(
    block: Block, heads: Heads, broken: Bools, renumbered: Bools, header: Numbers, notes: Notes
) -> None:
    def problem(code: str, expected: str, found: str, message: str, info: bool) -> Describe:
        severity = Severity.INFO if info else Severity.WARNING
        return lambda i: Problem(
            code,
            f"record {block.first + i}",
            expected,
            found.format(mark=heads.mark[i], torn=heads.torn[i], number=header[i]),
            message,
            severity,
        )

    def note(
        code: str, mask: Bools, expected: str, found: str, message: str, info: bool = False
    ) -> None:
        notes.add_masked(code, mask, problem(code, expected, found, message, info))

    note(
        "unknown_record",
        ~heads.readable & ~heads.empty,
        "FILE or BAAD",
        "mark {mark:#010x}",
        "Slot is not empty and no record; nothing of it was read",
    )
    note(
        "torn_record",
        heads.torn & (NO_ARRAY - 1) != 0,
        "update sequence number at the end of each sector",
        "torn sectors, as bits: {torn:#x}",
        "Sectors of the record are of different age; its values may mix two states",
    )
    note(
        "no_update_sequence",
        heads.torn & NO_ARRAY != 0,
        "usable update sequence array",
        "none",
        "Last two bytes of each sector could not be restored",
    )
    note(
        "broken_record",
        broken,
        "whole attributes that end where the used size does",
        "attributes that end elsewhere, are out of bounds or order, not whole or of no kind",
        "What could be read stands",
    )
    note(
        "record_number_differs",
        renumbered,
        "record number by position",
        "{number} in the record's header",
        "Record lies at another place than it says",
        info=True,
    )


def name_frame(block: Block, a: Attributes, slot: int, notes: Notes) -> pl.DataFrame:
    """One row per whole $FILE_NAME; `slot` is the index of the block's first record in the file."""
    f = block.fields
    k = np.flatnonzero((a.kind == FILE_NAME) & a.fits & (a.value_length >= 66))
    at = a.value[k]
    units = f.u1[at + 64].astype(np.int64)
    whole = 66 + 2 * units <= a.value_length[k]
    if not whole.all():
        past = np.flatnonzero(~whole)
        read = _readable_past_value(f, at[past], units[past], (a.at + a.length)[k[past]])
        whole[past[read]] = True
        taken, cut = a.row[k[past[read]]], a.row[k[past[~read]]]
        notes.add_rows("name_past_value", np.arange(len(taken)), _long_name(block.first, taken))
        notes.add_rows("name_past_attribute", np.arange(len(cut)), _cut_name(block.first, cut))
        k, at, units = k[whole], at[whole], units[whole]
    rows = a.row[k]
    text, lossy = utf16_column("name", f, at + 66, units)
    return pl.DataFrame(
        [
            pl.Series("slot", (rows + slot).astype(np.uint32)),
            pl.Series("parent", f.u8[at]),
            text,
            *times(FN_TIMES, block, at + 8, rows, notes),
            pl.Series("namespace", f.u1[at + 65]),
            pl.Series("name_lossy", lossy),
            pl.Series("fn_allocated_bytes", f.u8[at + 40]),
            pl.Series("fn_size_bytes", f.u8[at + 48]),
            pl.Series("fn_flags", f.u4[at + 56]),
        ]
    )


def _readable_past_value(f: Fields, at: Ints, units: Ints, stop: Ints) -> Bools:
    """Names past the end of their value that lie inside the attribute and hold no NUL, as no name does."""
    inside = at + 66 + 2 * units <= stop
    flat, ends = ragged_index(at + 66, np.where(inside, units, 0), 2)
    blanks = np.concatenate([[0], np.cumsum(f.u2[flat] == 0)])
    none: Bools = inside & (blanks[ends[1:]] == blanks[ends[:-1]])
    return none


def _long_name(first: int, rows: Ints) -> Describe:
    return lambda i: Problem(
        "name_past_value",
        f"record {first + int(rows[i])}",
        "name inside the value of its $FILE_NAME",
        "name ends behind the value, inside the attribute",
        "The name was taken; the stated length of the value is damaged",
    )


def _cut_name(first: int, rows: Ints) -> Describe:
    return lambda i: Problem(
        "name_past_attribute",
        f"record {first + int(rows[i])}",
        "name inside its $FILE_NAME attribute",
        "name length reaches past the end",
        "The name was not taken",
    )


def stream_frame(block: Block, heads: Heads, a: Attributes, notes: Notes) -> pl.DataFrame:
    """One row per $DATA attribute.

    Pieces that continue a stream (start VCN above 0) carry no sizes: left out.
    """
    f = block.fields
    outside = ~a.resident & (a.length >= 64)
    k = np.flatnonzero((a.kind == DATA) & (a.fits | outside))
    k = k[a.resident[k] | (f.u8[a.at[k] + 16] == 0)]
    here, resident, rows = a.at[k], a.resident[k], a.row[k]
    text, _ = utf16_column("stream", f, a.name_at[k], a.name_units[k])
    take = resident & (a.name_units[k] > 0) & (a.value_length[k] <= MAX_CONTENT)
    flat, ends = ragged_index(a.value[k], np.where(take, a.value_length[k], 0))
    inside = a.value_length[k]
    size = np.where(resident, inside, f.u8[here + 48].view(np.int64))
    allocated = np.where(resident, inside + 7 & ~7, f.u8[here + 40].view(np.int64))
    bad = (size < 0) | (allocated < 0)
    if bad.any():
        notes.add_rows(
            "stream_size_out_of_range", np.flatnonzero(bad), _bad_size(block, rows, size)
        )
    return pl.DataFrame(
        [
            pl.Series("record", (rows + block.first).astype(np.uint32)),
            pl.Series("sequence", f.u2[rows * block.size + 16]),
            text,
            nullable("size_bytes", size, size >= 0),
            nullable("allocated_bytes", allocated, allocated >= 0),
            pl.Series("resident", resident),
            pl.Series("stream_flags", a.flags[k]),
            binary_column("content", f.u1[flat], ends, take),
            pl.Series("stored_in", (rows + block.first).astype(np.uint32)),
            pl.Series("record_offset", rows * block.size + block.offset),
        ]
    )


def _bad_size(block: Block, rows: Ints, size: Ints) -> Describe:
    return lambda i: Problem(
        "stream_size_out_of_range",
        f"record {block.first + int(rows[i])}",
        "size below 2^63",
        f"{int(size[i])} as a signed number",
        "Stated size of a stream is no size; the column is NULL",
    )
