"""Where the records of a run start, and how each was found.

A record is `**`, its size, its id, its time (24 bytes), BinXML, and the size again; records are aligned to 8 bytes.
"""

import struct
from dataclasses import dataclass

import numpy as np

from parsers.evtx.cells import Bools, Ints, Memory
from parsers.evtx.chunks import CHUNK, FIRST_RECORD, MIN_RECORD, RECORD_MARK

CHAIN, RESYNC, SLACK = 0, 1, 2
ORIGINS = ("chain", "resync", "slack")
RECORD_HEAD = 24
_MARK_WORD = 0x2A2A
_NEVER_WRITTEN = 8
"""So many zeros are no end of a text."""
_U32 = struct.Struct("<I").unpack_from
_ID = struct.Struct("<Q").unpack_from


@dataclass(frozen=True, slots=True)
class Starts:
    """Offsets in the run, ascending; size and origin of each; gaps: (offset, bytes) that hold no readable record.

    `torn` records have a sound header in its place in the chain, but their end was never written.
    """

    at: Ints
    size: Ints
    origin: Ints
    torn: Bools
    gaps: tuple[tuple[int, int], ...]


def written_end(raw: bytes, at: int, end: int) -> int:
    """Where the bytes of a torn record end: before the zeros that were never overwritten.

    `at` where other bytes follow: nobody knows whose they are.
    """
    written = len(raw[at:end].rstrip(b"\0"))
    return at + written if end - at - written >= _NEVER_WRITTEN else at


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
    free = mem.buf.view("<u4")[base // 4 + 12].astype(np.int64)
    started = mem.buf.view("<u4")[(base + FIRST_RECORD) // 4] == _MARK_WORD
    free[(free < FIRST_RECORD + started) | (free > CHUNK)] = CHUNK
    behind = at % CHUNK >= free[at // CHUNK]
    bad = _unsound(at[~behind], size[~behind], base, free)
    bad[at[behind] // CHUNK] = True
    keep = ~bad[at // CHUNK]
    n = int(keep.sum())
    gaps: list[tuple[int, int]] = []
    parts = [Starts(at[keep], size[keep], np.full(n, CHAIN), np.zeros(n, bool), ())]
    for chunk in np.flatnonzero(bad).tolist():
        own = at[at // CHUNK == chunk]
        walked = _walk(mem.raw, chunk * CHUNK, int(free[chunk]), own)
        parts.append(walked)
        gaps.extend(walked.gaps)
    order = np.argsort(np.concatenate([p.at for p in parts]), kind="stable")
    return Starts(
        np.concatenate([p.at for p in parts])[order],
        np.concatenate([p.size for p in parts])[order],
        np.concatenate([p.origin for p in parts])[order],
        np.concatenate([p.torn for p in parts])[order],
        tuple(gaps),
    )


def _unsound(at: Ints, size: Ints, base: Ints, free: Ints) -> Bools:
    """Chunks whose records do not chain from the first to the free offset."""
    bad = np.zeros(len(base), bool)
    low, high = np.searchsorted(at, base), np.searchsorted(at, base + CHUNK)
    if len(at):
        torn = np.flatnonzero(
            (at[:-1] + size[:-1] != at[1:]) & (at[:-1] // CHUNK == at[1:] // CHUNK)
        )
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


def _next(raw: bytes, p: int, end: int, free: int) -> int:
    """The next record behind `p`; `end` if none."""
    found = raw.find(RECORD_MARK, p + 1, end)
    while found >= 0 and not _size(raw, found, end, free):
        found = raw.find(RECORD_MARK, found + 1, end)
    return found if found >= 0 else end


def _walk(raw: bytes, base: int, free_offset: int, sound: Ints) -> Starts:
    """One chunk by hand: chain, search the next mark where the chain breaks, then look behind free space.

    Records that go on behind free space with the next id belong to the chain: the header is stale (dirty log).
    """
    end, free = base + CHUNK, base + free_offset
    rows: list[tuple[int, int, int, bool]] = []
    gaps: list[tuple[int, int]] = []
    p, how, last = base + FIRST_RECORD, CHAIN, None
    while p < end:
        n = _size(raw, p, end, free)
        number = _ID(raw, p + 8)[0] if p + MIN_RECORD <= end else None
        if p >= free and (not n or last is None or number != last + 1):
            break
        if n:
            rows.append((p, n, how, False))
            last, p = number, p + n
            continue
        stop = min(_next(raw, p, end, free), free)
        n = stop - p
        headed = (
            raw.startswith(RECORD_MARK, p)
            and n >= MIN_RECORD
            and (last is None or number == last + 1)
        )
        if headed and _U32(raw, stop - 4)[0] == n:  # only the size in the header is wrong
            rows.append((p, n, RESYNC, False))
            last, p = number, stop
            continue
        if headed and last is not None:
            rows.append((p, n, how, True))
        elif raw.count(b"\0", p, stop) < n:
            gaps.append((p, n))
        how, last, p = RESYNC, None, stop
    for offset in sound[sound >= p].tolist():
        if offset >= p:
            n = _U32(raw, offset + 4)[0]
            rows.append((offset, n, SLACK, False))
            p = offset + n
    at, size, origin, torn = np.array(rows, np.int64).reshape(-1, 4).T
    return Starts(at, size, origin, torn.astype(bool), tuple(gaps))
