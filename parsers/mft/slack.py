"""Zone.Identifier attributes behind the end of a record's attributes: marks that were removed.

Removing an attribute moves the end mark over its first 8 bytes (type and length); its name and
value stay until other attributes grow over them. A record that was used again may hold an earlier
file's mark as well.
"""

import numpy as np
import polars as pl

from parsers.mft.columns import Ints, binary_column, ragged_index
from parsers.mft.records import Attributes, Block, Heads

_NAME = "Zone.Identifier"
_WIDE = np.frombuffer(_NAME.encode("utf-16-le") + b"\0\0", "<u8")
_NAME_OFFSET, _VALUE_OFFSET = 24, 56
"""Name and value in a resident attribute with a name of 15 characters, bytes from its start."""


def removed_zones(block: Block, heads: Heads, a: Attributes) -> pl.DataFrame:
    """One row per find, with the columns of a stream frame that zone_identifier needs."""
    start, length = _locate(block, heads, a)
    rows = start // block.size
    flat, ends = ragged_index(start + _VALUE_OFFSET, length)
    own = pl.Series("record", (rows + block.first).astype(np.uint32))
    valid = np.ones(len(rows), np.bool_)
    return pl.DataFrame(
        [
            own,
            pl.Series("sequence", block.fields.u2[rows * block.size + 16]),
            pl.Series("size_bytes", length),
            pl.Series("resident", valid),
            binary_column("content", block.fields.u1[flat], ends, valid),
            own.alias("stored_in"),
            pl.Series("record_offset", rows * block.size + block.offset),
        ]
    )


def _locate(block: Block, heads: Heads, a: Attributes) -> tuple[Ints, Ints]:
    """(start of the attribute, length of its value) of each find.

    Names and values start at multiples of 8.
    """
    f = block.fields
    words = f.u1[: block.count * block.size].view("<u8")
    name = np.flatnonzero(words == _WIDE[0])  # one pass over the block, nearly always the only one
    name = name[name + len(_WIDE) <= len(words)]
    for k, word in enumerate(_WIDE[1:-1], 1):
        name = name[words[name + k] == word]
    name = name[words[name + 3] & 0xFFFFFFFFFFFF == _WIDE[3] & 0xFFFFFFFFFFFF] * 8
    behind = np.zeros(block.count, np.int64)
    np.maximum.at(behind, a.row, a.at + a.length)
    start = name - _NAME_OFFSET
    row = name // block.size
    start = start[(start >= behind[row]) & (start >= row * block.size + 40) & heads.readable[row]]
    sound = f.u1[start + 8] == 0
    sound &= (f.u1[start + 9] == len(_NAME)) & (f.u2[start + 10] == _NAME_OFFSET)
    sound &= f.u2[start + 20] == _VALUE_OFFSET
    start = start[sound]
    length = f.u4[start + 16].astype(np.int64)
    stop = (start // block.size + 1) * block.size
    inside = start + _VALUE_OFFSET + length <= stop
    return start[inside], length[inside]
