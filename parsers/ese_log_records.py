"""Records of an ESE transaction log (format 8.4000: Windows 8.1 and later), and of these the rows that were inserted.

A log is a row of segments, each with its own head; a record that does not fit into one goes on in the next. A record
of unknown length costs the rest of its segment. Source of the layout: the published sources of the Extensible Storage
Engine.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

SEGMENT_HEAD = 40
MAX_LOG_BYTES = 64 << 20
MAX_RECORD_BYTES = 1 << 20
BEGIN, COMMIT, ROLLBACK, BEGIN_0, COMMIT_0, INSERT, BEGIN_DURABLE = 5, 6, 7, 8, 9, 29, 53
_FRAGMENT_BEGIN, _FRAGMENT = 76, 77
_TERMINATION, _START = 26, 576

_FIXED = {
    0: 1, 5: 4, 6: 4, 7: 4, 8: 8, 9: 8, 11: 11, 12: 11, 13: 11, 17: 1, 21: 4, 23: 1, 24: 56, 25: 48, 26: 60,
    32: 44, 35: 44, 49: _START, 50: _TERMINATION, 51: 9, 52: _TERMINATION, 53: 8, 57: 3, 58: 68, 66: 46, 78: 10,
    79: 4, 80: _TERMINATION, 81: 10, 92: 14, 94: 10, 95: 20, 96: 16, 97: 2, 98: 27, 99: 18,
}  # fmt: skip
"""Bytes of a record by its type."""
_SUMS: dict[int, tuple[int, tuple[tuple[int, int], ...]]] = {
    15: (75, ((72, 2),)), 16: (7, ((4, 2),)), 22: (5, ((3, 2),)), 27: (102, ((96, 2), (98, 2), (100, 2))),
    28: (88, ((86, 2),)), 29: (50, ((44, 2), (46, 2), (48, 2))), 30: (48, ((44, 2), (46, 2))),
    31: (52, ((44, 2), (46, 2))), 36: (56, ((44, 2), (46, 2), (54, 2))), 37: (54, ((44, 2), (46, 2))),
    38: (46, ((44, 2),)), 39: (51, ((44, 2), (46, 2))), 45: (3, ((1, 2),)), 48: (46, ((44, 2),)),
    59: (3, ((1, 2),)), 61: (5, ((3, 2),)), 62: (110, ((96, 2), (98, 2), (100, 2), (106, 4))),
    63: (96, ((86, 2), (92, 4))), 64: (54, ((52, 2),)), 65: (96, ((88, 4), (92, 4))), 93: (58, ((44, 2), (46, 2))),
    **dict.fromkeys((*range(67, 76), *range(82, 92)), (5, ((1, 4),))),
}  # fmt: skip
"""Bytes of the fixed part, and where (offset, bytes) the lengths of what follows stand."""
_REPLACE = (33, 34)
_INSERT = struct.Struct("<BHBIqqIBHBIIIHHH")


@dataclass(frozen=True, slots=True)
class Record:
    """One record: its type, its bytes, and the offset in the log where it begins."""

    kind: int
    raw: bytes
    offset: int

    @property
    def session(self) -> int:
        """Number of the session that did it; what has none gives what stands there."""
        return int.from_bytes(self.raw[1:3], "little")


@dataclass(frozen=True, slots=True)
class Insert:
    """A row (or an entry of an index) as it was inserted."""

    session: int
    database: int
    tree: int
    data: bytes
    offset: int


@dataclass(slots=True)
class Walk:
    """What a walk met besides records: segments with a record of unknown length."""

    broken: list[int]


def length(raw: bytes, at: int) -> int | None:
    """Bytes of the record at an offset; None: its type is unknown, or the bytes are too few to tell."""
    kind = raw[at]
    if kind in _FIXED:
        return _FIXED[kind]
    if kind in _REPLACE:
        return 50 + (int.from_bytes(raw[at + 44 : at + 46], "little") & 0x7FFF)
    if kind not in _SUMS:
        return None
    fixed, parts = _SUMS[kind]
    if at + fixed > len(raw):
        return None
    return fixed + sum(int.from_bytes(raw[at + p : at + p + size], "little") for p, size in parts)


def records(raw: bytes, generation: int, walk: Walk) -> Iterator[Record]:
    """Records of a log in order."""
    pending, wanted, start = b"", 0, 0
    for base, segment in _segments(raw, generation):
        at = SEGMENT_HEAD
        while at < len(segment):
            kind = segment[at]
            if kind in (_FRAGMENT_BEGIN, _FRAGMENT):
                head = 7 if kind == _FRAGMENT_BEGIN else 3
                size = int.from_bytes(segment[at + head - 2 : at + head], "little")
                if kind == _FRAGMENT_BEGIN:
                    wanted, start = int.from_bytes(segment[at + 1 : at + 5], "little"), base + at
                    pending = b""
                pending += segment[at + head : at + head + size]
                at += head + size
                if pending and len(pending) == wanted and length(pending, 0) == wanted:
                    yield Record(pending[0], pending, start)
                if len(pending) >= min(wanted, MAX_RECORD_BYTES):
                    pending, wanted = b"", 0
                continue
            size = length(segment, at) or 0
            if not size or at + size > len(segment):
                if any(segment[at:]):
                    walk.broken.append(base + at)
                break
            if kind:
                yield Record(kind, segment[at : at + size], base + at)
            at += size


def _segments(raw: bytes, generation: int) -> Iterator[tuple[int, bytes]]:
    """Segments whose head bears the log's generation and their own number, with their offset."""
    size, first = struct.unpack_from("<HH", raw, 8)
    if size < 512 or not first:
        return
    for number in range(first, len(raw) // size):
        segment = raw[number * size : (number + 1) * size]
        _, place, own = struct.unpack_from("<HHI", segment, 8)
        if own == generation and place == number:
            yield number * size, segment


def insert(record: Record) -> Insert | None:
    """The row of an insertion; None for other records."""
    if record.kind != INSERT:
        return None
    fields = _INSERT.unpack_from(record.raw)
    session, database, tree = fields[1], fields[2], fields[12]
    suffix, prefix, size = fields[13:]
    start = _INSERT.size + suffix + prefix
    return Insert(session, database, tree, record.raw[start : start + size], record.offset)
