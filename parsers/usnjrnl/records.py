"""Records of one block as columns.

They are found by their look at every step of 8 bytes, not by following lengths: length, major and
minor version fill one word, and the other fields then accept or refuse it. Damage costs its own
records only. Source of the layout: MS-FSCC 2.3.62 (USN_RECORD_V2), 2.3.63 (USN_RECORD_V3).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from parsers.mft.columns import Bools, Fields, Ints, Numbers, time_column, utf16_column
from parsers.usnjrnl.regions import PAGE
from parsers.usnjrnl.tables import ATTRIBUTES, REASONS, SOURCES, spell

NAME_OFFSETS = {2: 60, 3: 76}
"""By version: where the name starts, bytes."""
WIDER = 16
"""Bytes by which the two references of version 3 are longer."""
LONGEST = 592
"""Bytes of a version 3 record with a name of 255 units."""
_LOOK = np.uint64(0xFFFFFFFF_FFFF0007)
_RECORD_BITS = np.uint64((1 << 48) - 1)


@dataclass(frozen=True, slots=True)
class Found:
    """Records of a block: where each starts, its length, the bytes of its name, and its version."""

    at: Ints
    length: Ints
    name: Ints
    version: Ints

    @property
    def end(self) -> Ints:
        """Where each ends."""
        return self.at + self.length

    def where(self, mask: Bools) -> "Found":
        """Some of them."""
        return Found(self.at[mask], self.length[mask], self.name[mask], self.version[mask])


def find(f: Fields, n: int) -> Found:
    """Records that lie whole in the first n bytes, in order.

    None lies inside another.
    """
    parts = [_candidates(f, n, version) for version in NAME_OFFSETS]
    at = np.concatenate([p.at for p in parts])
    order = np.argsort(at, kind="stable")
    found = Found(
        at[order],
        np.concatenate([p.length for p in parts])[order],
        np.concatenate([p.name for p in parts])[order],
        np.concatenate([p.version for p in parts])[order],
    )
    if not len(at):
        return found
    clear = np.ones(len(at), np.bool_)
    clear[1:] = found.at[1:] >= np.maximum.accumulate(found.end)[:-1]
    return found if clear.all() else found.where(clear)


def version_4(f: Fields, n: int) -> tuple[Ints, Ints]:
    """(start, length) of records of version 4: extents of an overwrite, without name and time."""
    words = f.u1[: n // 8 * 8].view("<u8")
    at = np.flatnonzero((words & _LOOK) == np.uint64(4 << 32)).astype(np.int64) * 8
    at = at[at + 64 <= n]
    length = f.u4[at].astype(np.int64)
    good = (length >= 64) & (at + length <= n) & (f.u2[at + 62] == 16)
    return at[good], length[good]


def _candidates(f: Fields, n: int, version: int) -> Found:
    name_at = NAME_OFFSETS[version]
    words = f.u1[: n // 8 * 8].view("<u8")
    at = np.flatnonzero((words & _LOOK) == np.uint64(version << 32)).astype(np.int64) * 8
    at = at[at + name_at + 4 <= n]
    length = f.u4[at].astype(np.int64)
    name = f.u2[at + name_at - 4].astype(np.int64)
    spare = length - name_at - name
    good = (f.u2[at + name_at - 2] == name_at) & (name & 1 == 0) & (name > 0) & (name <= 510)
    good &= (at + length <= n) & (spare >= 0) & (spare < 16)
    at = at[good]
    return Found(at, length[good], name[good], np.full(len(at), version, np.int64))


@dataclass(frozen=True, slots=True)
class Records:
    """The frame of a block, and the rows that need a word."""

    frame: pl.DataFrame
    bad_times: Ints
    wide_ids: Ints
    torn: Ints


def records(f: Fields, n: int, found: Found, place: int) -> Records:
    """Columns of the records found in the first n bytes; `place` is the block's offset in the file."""
    at = found.at
    wide = np.where(found.version == 3, WIDER, 0)
    tail = at + wide  # from here on both versions have the same fields
    names, lossy = utf16_column("name", f, tail + 60, found.name // 2)
    times, bad_times = time_column("time_utc", f.u8[tail + 32])
    own, own_upper = _reference(f, at + 8, wide)
    parent, parent_upper = _reference(f, at + 16 + wide // 2, wide)
    reason, attributes = f.u4[tail + 40], f.u4[tail + 52]
    ends_well = _ends_well(f, n, found.end, place)
    frame = pl.DataFrame(
        [
            pl.Series("usn", f.u8[tail + 24].view(np.int64)),
            times,
            names,
            *_split("", own, own_upper),
            *_split("parent_", parent, parent_upper),
            _words("reason", reason, REASONS),
            _words("source_info", f.u4[tail + 44], SOURCES),
            _words("file_attributes", attributes, ATTRIBUTES),
            pl.Series("reason_flags", reason),
            pl.Series("file_attribute_flags", attributes),
            pl.Series("security_id", f.u4[tail + 48]),
            pl.Series("major_version", found.version.astype(np.uint8)),
            pl.Series("name_lossy", lossy),
            pl.Series("ends_well", ends_well),
            pl.Series("offset", at + place),
        ]
    )
    upper = np.flatnonzero(own_upper | parent_upper)
    return Records(frame, bad_times, upper, np.flatnonzero(~ends_well))


def _reference(f: Fields, at: Ints, wide: Ints) -> tuple[Numbers, Bools]:
    """The lower 64 bits, and whether the upper ones of version 3 say that it is no NTFS reference."""
    return f.u8[at], (wide > 0) & (f.u8[at + 8] != 0)


def _split(prefix: str, reference: Numbers, upper: Bools) -> list[pl.Series]:
    record = pl.Series(f"{prefix}record", reference & _RECORD_BITS)
    sequence = pl.Series(f"{prefix}sequence", (reference >> np.uint64(48)).astype(np.uint16))
    if upper.any():
        rows = pl.Series(np.flatnonzero(upper).astype(np.uint32))
        record, sequence = record.scatter(rows, None), sequence.scatter(rows, None)
    return [record, sequence]


def _words(name: str, flags: Numbers, words: Mapping[int, str]) -> pl.Series:
    """Flags as text; the few different values of a block are spelled once each."""
    column = pl.Series(name, flags)
    values = column.unique()
    return column.replace_strict(
        values, [spell(v, words) for v in values.to_list()], return_dtype=pl.String()
    )


def _ends_well(f: Fields, n: int, end: Ints, place: int) -> Bools:
    """Whether zeros, another record's head or a page's end follow."""
    behind = np.zeros(len(end), np.uint64)
    more = end + 8 <= n
    behind[more] = f.u8[end[more]]
    well: Bools = (behind == 0) | ((behind >> np.uint64(32)) - np.uint64(2) <= 2)
    well |= (end + place) % PAGE == 0
    return well
