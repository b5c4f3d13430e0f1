"""One block of FILE records as columns: update sequences, the walk over attributes, record slack.

Every step works on all records of the block at once. Layout: FILE record header and attribute
header as in the linux-ntfs documentation; the stride of the update sequence is 512 bytes on disks
of any sector size.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from parsers.mft.columns import Bools, Fields, Ints
from parsers.mft.head import SECTOR

FILE, BAAD = 0x454C4946, 0x44414142
NO_ARRAY = 1 << 15
"""Bit of `torn` for a record whose update sequence array is not usable."""

STANDARD_INFORMATION, ATTRIBUTE_LIST, FILE_NAME, DATA, REPARSE_POINT = 0x10, 0x20, 0x30, 0x80, 0xC0
_LAST_KIND = 0x100
"""$AttrDef of all versions of Windows ends with it; a record holds its attributes in ascending order."""
_LEAST = {STANDARD_INFORMATION: 48, FILE_NAME: 66}
"""Bytes that the value of a resident attribute has at least."""
_LEAST_OUTSIDE = 64
"""Bytes of a non-resident attribute up to behind its sizes."""
_END, _END_BYTES = 0xFFFFFFFF, 8


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive records in one buffer with zero padding behind them.

    `first` is the number of the first record, `offset` its byte offset in the $MFT.
    """

    fields: Fields
    size: int
    count: int
    first: int
    offset: int

    def starts(self) -> Ints:
        """Byte offset of each record in the buffer."""
        return np.arange(self.count, dtype=np.int64) * self.size

    def offsets(self) -> Ints:
        """Byte offset of each record in the $MFT."""
        return self.starts() + self.offset


@dataclass(frozen=True, slots=True)
class Heads:
    """Header fields by record; `readable`: has a FILE or BAAD mark."""

    mark: npt.NDArray[np.uint32]
    readable: Bools
    empty: Bools
    torn: npt.NDArray[np.uint16]
    flags: npt.NDArray[np.uint16]
    used: Ints
    first_attribute: Ints

    def walkable(self, size: int) -> Bools:
        """Records whose first attribute lies inside them."""
        return self.readable & (self.first_attribute >= 40) & (self.first_attribute + 8 <= size)


@dataclass(frozen=True, slots=True)
class Attributes:
    """All attributes of a block in order of position; `broken` is by record, all else by attribute.

    `fits`: resident, and the value lies inside the attribute; `value` is then its byte offset in
    the buffer.
    """

    row: Ints
    at: Ints
    kind: Ints
    length: Ints
    resident: Bools
    fits: Bools
    name_units: Ints
    name_at: Ints
    flags: npt.NDArray[np.uint16]
    value: Ints
    value_length: Ints
    broken: Bools


def read_heads(block: Block) -> Heads:
    """Check and undo the update sequences in place, and take the header's fields."""
    f, at = block.fields, block.starts()
    mark = f.u4[at]
    readable = (mark == FILE) | (mark == BAAD)
    empty = mark == 0
    if empty.any():  # a wiped mark over content is not an empty slot
        words = f.u1[: block.count * block.size].view("<u8").reshape(block.count, -1)
        empty[empty] = ~words[empty].any(axis=1)
    torn = _apply_fixups(f, block.size, at, readable)
    return Heads(
        mark,
        readable,
        empty,
        torn,
        f.u2[at + 22],
        f.u4[at + 24].astype(np.int64),
        f.u2[at + 20].astype(np.int64),
    )


def _apply_fixups(f: Fields, size: int, at: Ints, readable: Bools) -> npt.NDArray[np.uint16]:
    """Restore the last two bytes of each sector; returns the torn sectors as bits.

    A sector whose end is neither the sequence number nor already the saved value was not written
    with this record: it stays as it is.
    """
    sectors = size // SECTOR
    offset, count = f.u2[at + 4].astype(np.int64), f.u2[at + 6].astype(np.int64)
    usable = readable & (count == sectors + 1) & (offset >= 40)
    usable &= offset + 2 * count <= SECTOR - 2
    array = at + np.where(usable, offset, 40)
    sequence = f.u2[array]
    torn = np.where(readable & ~usable, NO_ARRAY, 0).astype(np.uint16)
    ends = f.u1[: len(at) * size].view("<u2").reshape(len(at), size // 2)
    for k in range(1, sectors + 1):
        end, saved = ends[:, k * SECTOR // 2 - 1], f.u2[array + 2 * k]
        match = usable & (end == sequence)
        torn |= (usable & ~match & (end != saved)).astype(np.uint16) << np.uint16(k - 1)
        np.copyto(end, saved, where=match)
    return torn


def walk_attributes(block: Block, heads: Heads) -> Attributes:
    """The attributes of all records: the k-th of each in one step, at most size / 24 steps.

    A length below 24, not a multiple of 8, or past the record ends that record's walk. The header's
    used size does not: freed records keep attributes behind it. Those are taken, and the record is
    marked as broken; so is one whose attributes end before the used size does.
    """
    f, size = block.fields, block.size
    rows = np.flatnonzero(heads.walkable(size))
    broken = np.zeros(block.count, np.bool_)
    found: list[tuple[Ints, Ints, npt.NDArray[np.uint64]]] = []
    at, stop = rows * size + heads.first_attribute[rows], rows * size + size
    used = rows * size + np.minimum(heads.used[rows], size)
    while len(rows):
        head = f.u8[at]
        length = (head >> 32).astype(np.int64)
        more = head & _END != _END
        good = more & (length >= 24) & (length & 7 == 0) & (at + length <= stop)
        broken[rows[more & ~good]] = True
        broken[rows[~more & (at + _END_BYTES < used)]] = True
        rows, at, stop, used, head = rows[good], at[good], stop[good], used[good], head[good]
        found.append((rows, at, head))
        at = at + length[good]
        room = at + 4 <= stop
        broken[rows[(at > used) | ~room]] = True
        if not room.all():
            rows, at, stop, used = rows[room], at[room], stop[room], used[room]
    return _attributes(f, found, broken)


def _attributes(
    f: Fields, found: list[tuple[Ints, Ints, npt.NDArray[np.uint64]]], broken: Bools
) -> Attributes:
    """Sort by position and take the second half of the attribute header."""
    none = np.zeros(0, np.int64)
    row, at = (np.concatenate([none, *(x[k] for x in found)]) for k in (0, 1))
    head = np.concatenate([none.view(np.uint64), *(x[2] for x in found)])
    order = np.argsort(at)
    row, at, head = row[order], at[order], head[order]
    kind, length = (head & _END).astype(np.int64), (head >> 32).astype(np.int64)
    more, value = f.u8[at + 8], f.u8[at + 16]
    resident = more & 0xFF == 0
    value_length = (value & _END).astype(np.int64)
    value_offset = (value >> 32 & 0xFFFF).astype(np.int64)
    fits = resident & (value_offset + value_length <= length)
    broken[row[resident & (value_offset + value_length + 7 & ~7 != length)]] = True
    units, name_offset = (more >> 8 & 0xFF).astype(np.int64), (more >> 16 & 0xFFFF).astype(np.int64)
    bad_name = name_offset + 2 * units > length
    broken[row[bad_name]] = True
    broken[row[(kind & 0xF != 0) | (kind < STANDARD_INFORMATION) | (kind > _LAST_KIND)]] = True
    broken[row[1:][(row[1:] == row[:-1]) & (kind[1:] < kind[:-1])]] = True
    for wanted, least in _LEAST.items():
        broken[row[(kind == wanted) & ~(fits & (value_length >= least))]] = True
    broken[row[(kind == DATA) & ~resident & (length < _LEAST_OUTSIDE)]] = True
    units[bad_name] = 0
    return Attributes(
        row,
        at,
        kind,
        length,
        resident,
        fits,
        units,
        at + name_offset,
        (more >> 32 & 0xFFFF).astype(np.uint16),
        at + value_offset,
        value_length,
        broken,
    )


def slack_bytes(block: Block, heads: Heads) -> npt.NDArray[np.uint16]:
    """Bytes from the used size to the last 8-byte word of the record that is not zero."""
    words = block.fields.u1[: block.count * block.size].view("<u8").reshape(block.count, -1)
    bits = np.packbits(words != 0, axis=1, bitorder="little").view("<u8")
    bits = bits & ~(bits >> np.uint64(1))  # keeps the top bit, so that the float cannot round up
    top = np.frexp(bits.astype(np.float64))[1]  # bit length, 0 for 0; one column per 512 bytes
    last = np.where(top > 0, top + 64 * np.arange(top.shape[1]), 0).max(axis=1) * 8
    used = np.minimum(heads.used, block.size)
    return np.where(heads.readable & (last > used), last - used, 0).astype(np.uint16)
