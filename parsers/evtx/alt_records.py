"""Where the records of a run start, and how each was found.

A record is `**`, its size, its id, its time (24 bytes), BinXML, and the size again; records are aligned to 8 bytes.
"""

import struct
from dataclasses import dataclass

import numpy as np

from parsers.evtx.cells import Bools, Ints, Memory
from parsers.evtx.chunks import CHUNK, FIRST_RECORD, RECORD_MARK

CHAIN, RESYNC, SLACK = 0, 1, 2
ORIGINS = ("chain", "resync", "slack")
RECORD_HEAD = 24
MIN_RECORD = 28
_MARK_WORD = 0x2A2A
_U32 = struct.Struct("<I").unpack_from
_ID = struct.Struct("<Q").unpack_from


@dataclass(frozen=True, slots=True)
class Starts:
    """Offsets in the run, ascending; origin of each; gaps: (offset, bytes) that hold no readable record."""

    at: Ints
    origin: Ints
    gaps: tuple[tuple[int, int], ...]


def _candidates(mem: Memory) -> tuple[Ints, Ints]:
    """All aligned marks whose size is repeated at the record's end."""
    words = mem.buf.view("<u4")
    at = np.flatnonzero(words[::2] == _MARK_WORD) * 8
    size = words[at // 4 + 1].astype(np.int64)
    inside = at % CHUNK
    fits = (inside >= FIRST_RECORD) & (size >= MIN_RECORD) & (size <= CHUNK - inside)
    at, size = at[fits], size[fits]
    same = mem.gather(at + size - 4, "<u4") == size
    return at[same], size[same]


def find(mem: Memory) -> Starts:
    """Sound chunks in one go: marks whose sizes chain from 512 to the free offset; the others by hand."""
    at, size = _candidates(mem)
    base = np.arange(mem.chunks) * CHUNK
    free = np.clip(mem.buf.view("<u4")[base // 4 + 12].astype(np.int64), FIRST_RECORD, CHUNK)
    behind = at % CHUNK >= free[at // CHUNK]
    bad = _unsound(at[~behind], size[~behind], base, free)
    bad[at[behind] // CHUNK] = True
    keep = ~bad[at // CHUNK]
    parts, origins, gaps = [at[keep]], [np.full(int(keep.sum()), CHAIN)], []
    for chunk in np.flatnonzero(bad).tolist():
        own = at[at // CHUNK == chunk]
        walked = _walk(mem.raw, chunk * CHUNK, int(free[chunk]), own)
        parts.append(walked.at)
        origins.append(walked.origin)
        gaps.extend(walked.gaps)
    offsets, origin = np.concatenate(parts), np.concatenate(origins)
    order = np.argsort(offsets, kind="stable")
    return Starts(offsets[order], origin[order], tuple(gaps))


def _unsound(at: Ints, size: Ints, base: Ints, free: Ints) -> Bools:
    """Chunks whose records do not chain from the first to the free offset."""
    bad = np.zeros(len(base), bool)
    low, high = np.searchsorted(at, base), np.searchsorted(at, base + CHUNK)
    if len(at):
        torn = np.flatnonzero((at[:-1] + size[:-1] != at[1:]) & (at[:-1] // CHUNK == at[1:] // CHUNK))
        bad[at[torn] // CHUNK] = True
    full = high > low
    bad[full] |= at[low[full]] != base[full] + FIRST_RECORD
    bad[full] |= at[high[full] - 1] + size[high[full] - 1] != base[full] + free[full]
    bad[~full] |= free[~full] > FIRST_RECORD
    return bad


def _size(raw: bytes, at: int, end: int, free: int) -> int:
    """Size of the record at `at`, 0 if none: the size must be repeated or lead to the next mark or to free space."""
    if at + MIN_RECORD > end or not raw.startswith(RECORD_MARK, at):
        return 0
    n: int = _U32(raw, at + 4)[0]
    if not MIN_RECORD <= n <= end - at:
        return 0
    leads = raw.startswith(RECORD_MARK, at + n) or at + n == free
    return n if leads or _U32(raw, at + n - 4)[0] == n else 0


def _walk(raw: bytes, base: int, free_offset: int, sound: Ints) -> Starts:
    """One chunk by hand: chain, search the next mark where the chain breaks, then look behind free space.

    Records that go on behind free space with the next id belong to the chain: the header is stale (dirty log).
    """
    end, free = base + CHUNK, base + free_offset
    at: list[int] = []
    origin: list[int] = []
    gaps: list[tuple[int, int]] = []
    p, how, last = base + FIRST_RECORD, CHAIN, None
    while p < end:
        n = _size(raw, p, end, free)
        if n:
            number = _ID(raw, p + 8)[0]
            if p >= free and (last is None or number != last + 1):
                break
            at.append(p)
            origin.append(how)
            last, p = number, p + n
            continue
        if p >= free:
            break
        found = raw.find(RECORD_MARK, p + 1, end)
        while found >= 0 and not _size(raw, found, end, free):
            found = raw.find(RECORD_MARK, found + 1, end)
        stop = found if 0 <= found < free else free
        if stop > p and raw.count(b"\0", p, stop) < stop - p:
            gaps.append((p, stop - p))
        how, last = RESYNC, None
        p = stop
    slack = sound[sound >= p].tolist()
    reached = p
    for offset in slack:
        if offset >= reached:
            at.append(offset)
            origin.append(SLACK)
            reached = offset + _U32(raw, offset + 4)[0]
    return Starts(np.array(at, np.int64), np.array(origin, np.int64), tuple(gaps))
