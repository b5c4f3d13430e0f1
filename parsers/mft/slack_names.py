"""Names of images and links behind the end of a record's attributes: of files that are gone.

Attributes that grow, move or go leave their bytes behind; so does the index of a small folder, whose entries lie in the
folder's own record. Both hold a whole $FILE_NAME: name, folder, size and four times.
"""

import numpy as np
import polars as pl

from parsers.frames import schema_of
from parsers.i30_pages import (
    EARLIEST,
    LATEST,
    Entry,
    believed_reference,
    file_name_at,
    name_class,
)
from parsers.mft.columns import Ints
from parsers.mft.records import Attributes, Block, Heads
from parsers.mft.tables import MFT_SLACK_NAME
from parsers.rows import Row, filetime_ns
from parsers.usnjrnl.tables import ATTRIBUTES, spell

MAX_NAMES = 100_000
"""Names of one $MFT; a hostile one may be full of them."""
_LARGEST = 1 << 60
_MASK48 = (1 << 48) - 1
_TIMES = ("created_utc", "modified_utc", "mft_changed_utc", "accessed_utc")
_END = 8
"""The end mark of the attributes may lie over the first field of a $FILE_NAME: the folder."""


def slack_names(block: Block, heads: Heads, a: Attributes) -> list[Row]:
    """One row per name of an image or link."""
    behind = block.starts() + heads.first_attribute
    np.maximum.at(behind, a.row, a.at + a.length)
    rows: list[Row] = []
    stop = 0
    for at in _candidates(block, heads, behind).tolist():
        if at < stop:
            continue
        number = at // block.size
        start, end = number * block.size, (number + 1) * block.size
        entry = file_name_at(block.fields.u1[start:end].tobytes(), at - start, None, block.size)
        if entry is None or not entry.name.isprintable() or entry.size > _LARGEST:
            continue
        word = name_class(entry.name)
        if word is not None:
            overlaid = at < int(behind[number]) + _END
            rows.append(_row(block, number, at, entry, word, overlaid))
        stop = at + 66
    return rows


def slack_frame(rows: list[Row]) -> pl.DataFrame:
    """The rows as a frame of the table."""
    return pl.DataFrame(rows, schema_of(MFT_SLACK_NAME))


def _candidates(block: Block, heads: Heads, behind: Ints) -> Ints:
    """Places behind the attributes of a record where four believable times follow one word."""
    words = block.fields.u1[: block.count * block.size].view("<u8")
    sound = (words - np.uint64(EARLIEST)) <= np.uint64(LATEST - EARLIEST)
    four = sound[1:-3] & sound[2:-2] & sound[3:-1] & sound[4:]
    at = np.flatnonzero(four).astype(np.int64) * 8
    row = at // block.size
    found: Ints = at[(at >= behind[row]) & heads.readable[row]]
    return found


def _row(block: Block, number: int, at: int, entry: Entry, word: str, overlaid: bool) -> Row:
    parent = None if overlaid else believed_reference(entry.parent)
    start = number * block.size
    row: Row = {
        "name": entry.name,
        "name_class": word,
        "size_bytes": entry.size,
        "allocated_bytes": entry.allocated,
        "file_attributes": spell(entry.flags & 0xFFFFFFF, ATTRIBUTES),
        "namespace": entry.namespace,
        "parent_record": None if parent is None else parent & _MASK48,
        "parent_sequence": None if parent is None else parent >> 48,
        "stored_in": number + block.first,
        "stored_in_sequence": int(block.fields.u2[start + 16]),
        "offset": block.offset + at,
    }
    return row | dict(zip(_TIMES, map(filetime_ns, entry.times), strict=True))
