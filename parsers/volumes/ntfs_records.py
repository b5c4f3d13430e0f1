"""One FILE record in plain Python: update sequence, attributes, run lists (linux-ntfs documentation).

`parsers.mft` reads all records at once as columns, but not where their content lies; here one record at a time is read
to open its content.
"""

from dataclasses import dataclass

from parsers.volumes.model import Extents, u16, u32, u64

STANDARD_INFORMATION, ATTRIBUTE_LIST, FILE_NAME = 0x10, 0x20, 0x30
VOLUME_NAME, DATA, INDEX_ROOT, INDEX_ALLOCATION, REPARSE_POINT = 0x60, 0x80, 0x90, 0xA0, 0xC0
COMPRESSED, ENCRYPTED, SPARSE = 1, 0x4000, 0x8000
SECTOR = 512
_END = 0xFFFF_FFFF
MAX_RUNS = 1 << 20

Runs = list[tuple[int, int | None]]
"""(clusters, first cluster or None for a hole)"""


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute. `value` for resident ones, else runs and sizes; `start` is its first cluster (VCN)."""

    kind: int
    name: str
    flags: int
    resident: bool
    value: bytes = b""
    start: int = 0
    runs: tuple[tuple[int, int | None], ...] = ()
    size: int = 0
    allocated: int = 0
    initialised: int = 0
    unit_bits: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """A FILE record. `base` is 0 for a base record; `torn`: sectors of different age."""

    sequence: int
    base: int
    in_use: bool
    is_directory: bool
    attributes: tuple[Attribute, ...]
    torn: bool


def parse_record(raw: bytes) -> Record | None:
    """The record in `raw`; None: no FILE or BAAD mark."""
    if len(raw) < 48 or raw[:4] not in (b"FILE", b"BAAD"):
        return None
    data, torn = _fixed(raw)
    flags = u16(data, 22)
    return Record(
        u16(data, 16),
        u64(data, 32),
        bool(flags & 1),
        bool(flags & 2),
        tuple(_attributes(data)),
        torn,
    )


def _fixed(raw: bytes) -> tuple[bytes, bool]:
    """Undo the update sequence; a sector whose end does not fit stays as it is."""
    data, torn = bytearray(raw), False
    array, count = u16(raw, 4), u16(raw, 6)
    if count != len(raw) // SECTOR + 1 or array + 2 * count > SECTOR:
        return raw, True
    mark = raw[array : array + 2]
    for k in range(1, count):
        end, saved = k * SECTOR - 2, raw[array + 2 * k : array + 2 * k + 2]
        if data[end : end + 2] == mark:
            data[end : end + 2] = saved
        elif data[end : end + 2] != saved:
            torn = True
    return bytes(data), torn


def _attributes(data: bytes) -> list[Attribute]:
    found: list[Attribute] = []
    at = u16(data, 20)
    while at + 8 <= len(data):
        kind, length = u32(data, at), u32(data, at + 4)
        if kind == _END or length < 24 or length % 8 or at + length > len(data):
            break
        attribute = _attribute(kind, data[at : at + length])
        if attribute is not None:
            found.append(attribute)
        at += length
    return found


def _attribute(kind: int, raw: bytes) -> Attribute | None:
    units, name_at, flags = raw[9], u16(raw, 10), u16(raw, 12)
    name = raw[name_at : name_at + 2 * units].decode("utf-16-le", "replace") if units else ""
    if not raw[8]:
        size, at = u32(raw, 16), u16(raw, 20)
        if at + size > len(raw):
            return None
        return Attribute(kind, name, flags, True, raw[at : at + size], size=size, initialised=size)
    if len(raw) < 64:
        return None
    runs = decode_runs(raw[u16(raw, 32) :])
    return Attribute(
        kind,
        name,
        flags,
        False,
        start=u64(raw, 16),
        runs=tuple(runs),
        size=u64(raw, 48),
        allocated=u64(raw, 40),
        initialised=u64(raw, 56),
        unit_bits=raw[34],
    )


def decode_runs(data: bytes) -> Runs:
    """A run list; it ends where the bytes make no sense."""
    runs: Runs = []
    at, cluster = 0, 0
    while at < len(data) and data[at] and len(runs) < MAX_RUNS:
        n, m = data[at] & 15, data[at] >> 4
        if not 1 <= n <= 8 or m > 8 or at + 1 + n + m > len(data):
            break
        length = int.from_bytes(data[at + 1 : at + 1 + n], "little")
        step = int.from_bytes(data[at + 1 + n : at + 1 + n + m], "little", signed=True)
        cluster += step
        if length <= 0 or cluster < 0:
            break
        runs.append((length, cluster if m else None))
        at += 1 + n + m
    return runs


def list_references(value: bytes, kind: int) -> list[int]:
    """File references of the records that hold attributes of a kind, by an $ATTRIBUTE_LIST's value."""
    found: dict[int, None] = {}
    at = 0
    while at + 26 <= len(value):
        length = u16(value, at + 4)
        if length < 26 or at + length > len(value):
            break
        if u32(value, at) == kind:
            found[u64(value, at + 16)] = None
        at += length
    return list(found)


def own(record: Record, kind: int, name: str) -> list[Attribute]:
    """Attributes of a kind and name that the record itself holds."""
    wanted = name.casefold()
    return [a for a in record.attributes if a.kind == kind and a.name.casefold() == wanted]


def extents_of(pieces: list[Attribute], cluster: int) -> Extents:
    """Extents of the pieces in order; a gap between two is a hole."""
    out: list[tuple[int | None, int]] = []
    at = 0
    for piece in sorted(pieces, key=lambda a: a.start):
        if piece.start > at:
            out.append((None, (piece.start - at) * cluster))
            at = piece.start
        elif piece.start < at:
            continue  # the same clusters again
        for length, first in piece.runs:
            out.append((None if first is None else first * cluster, length * cluster))
            at += length
    return tuple(out)
