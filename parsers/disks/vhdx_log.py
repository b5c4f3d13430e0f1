"""The log of a VHDX that was not closed, applied in memory (MS-VHDX 2.3).

A disk taken from a running system keeps its last writes of tables and metadata in the log only. Nothing is written:
sectors that the log holds are laid over those of the file.
"""

import struct
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from parsers.contract import Severity
from parsers.disks.streams import Doubts, ReadAt

SECTOR = 4096
MAX_LOG = 32 << 20
"""Bytes of a log that are looked at; Windows makes logs of 1 MiB, for disks of some TiB of more."""
CHECKED = 2
"""So many times the log's length is checksummed at most: entries of a hostile log may overlap."""
MAX_ZEROS = 4096
"""Ranges of zeros in a log; Windows writes few."""
_ENTRY = struct.Struct("<4sIIIQII16sQQ")
_ZERO = struct.Struct("<4s4xQQQ")
_DATA = struct.Struct("<4s4s8sQQ")

Checksum = Callable[[bytes], int]


@dataclass(frozen=True, slots=True)
class _Entry:
    """One sound entry; `place` and `tail` are byte offsets in the log."""

    place: int
    size: int
    tail: int
    sequence: int
    descriptors: int
    flushed: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a log held: sectors by their place in the file, and ranges that it zeroed before them."""

    sectors: dict[int, bytes]
    zeros: list[tuple[int, int]]
    entries: int
    first: int
    last: int
    flushed: int


def over_log(read: ReadAt, size: int, header: bytes, checksum: Checksum, doubts: Doubts) -> ReadAt:
    """A reader of the file as it is with its log applied; tells what was applied, or why nothing could be.

    Args:
        read: reads the file.
        size: length of the file.
        header: the sound header of the file; it names the log.
        checksum: CRC-32C.
        doubts: takes the problems.
    """
    guid = header[48:64]
    version, length, start = struct.unpack_from("<H2xIQ", header, 64)
    name = uuid.UUID(bytes_le=guid)
    place = f"log at {start}"
    if not any(guid):
        return read
    found = "another size or version"
    if version == 0 and not length % SECTOR and 0 < length <= MAX_LOG:
        log = read(start, length)
        replayed = replay(log, guid, checksum) if len(log) == length else None
        if replayed is not None:
            _tell(place, name, replayed, size, doubts)
            return _overlay(read, replayed)
        found = "no sequence of entries that is whole"
    doubts.add(
        "log_not_replayed",
        place,
        f"an empty log, or the entries of log {name} in at most {MAX_LOG} bytes of version 0",
        f"{found} ({length} bytes, version {version})",
        "the disk was not closed and its last writes of tables were not applied: what is listed may be wrong; "
        "attach it read-only on Windows and export it to get them",
        Severity.ERROR,
    )
    return read


def _tell(place: str, name: uuid.UUID, done: Replayed, size: int, doubts: Doubts) -> None:
    doubts.add(
        "log_replayed",
        place,
        "an empty log",
        f"{done.entries} entries of log {name}, numbers {done.first} to {done.last}: "
        f"{len(done.sectors)} sectors, {len(done.zeros)} ranges of zeros",
        "the disk was not closed; the log was applied in memory, as Windows does when it attaches the disk",
        Severity.INFO,
    )
    if size < done.flushed:
        doubts.add(
            "disk_range_lost",
            f"file bytes {size} to {done.flushed - 1}",
            f"a file of at least {done.flushed} bytes, by its log",
            f"{size} bytes",
            "the file is cut: what lay there reads as zeros",
            Severity.ERROR,
        )


def replay(log: bytes, guid: bytes, checksum: Checksum) -> Replayed | None:
    """Apply the active sequence of a log: the one that ends with the highest number; None: there is none."""
    sequence = _active(log, guid, checksum)
    if not sequence:
        return None
    sectors: dict[int, bytes] = {}
    zeros: list[tuple[int, int]] = []
    for entry in sequence:
        _apply(entry, sectors, zeros)
        if len(zeros) > MAX_ZEROS:
            return None
    first, last = sequence[0], sequence[-1]
    return Replayed(sectors, zeros, len(sequence), first.sequence, last.sequence, last.flushed)


def _active(log: bytes, guid: bytes, checksum: Checksum) -> list[_Entry]:
    best: list[_Entry] = []
    budget = [CHECKED * len(log)]
    at = 0
    while at < len(log):
        run = list(_sequence(log, at, guid, checksum, budget))
        if not run:
            at += SECTOR
            continue
        tails = {entry.place: k for k, entry in enumerate(run)}
        # a sequence counts from the entry that its last one names as the tail
        if run[-1].tail in tails and (not best or run[-1].sequence > best[-1].sequence):
            best = run[tails[run[-1].tail] :]
        end = run[-1].place + run[-1].size
        if end <= at or end > len(log):  # it went on at the ring's start, where the search began
            break
        at = end
    return best


def _sequence(
    log: bytes, at: int, guid: bytes, checksum: Checksum, budget: list[int]
) -> Iterator[_Entry]:
    """Entries from a place on, numbers rising by one; the log is a ring."""
    used, number = 0, None
    while used < len(log):
        entry = _entry(log, at, guid, checksum, budget)
        if entry is None or (number is not None and entry.sequence != number + 1):
            return
        used += entry.size
        if used > len(log):
            return
        yield entry
        number, at = entry.sequence, (at + entry.size) % len(log)


def _entry(
    log: bytes, at: int, guid: bytes, checksum: Checksum, budget: list[int]
) -> _Entry | None:
    mark, crc, size, tail, sequence, count, _, owner, flushed, _ = _ENTRY.unpack_from(log, at)
    if mark != b"loge" or owner != guid or not sequence or not SECTOR <= size <= len(log):
        return None
    if size % SECTOR or tail % SECTOR or _area(count) > size or budget[0] < size:
        return None
    raw = log[at : at + size]
    raw += log[: size - len(raw)]
    budget[0] -= size
    if checksum(raw[:4] + bytes(4) + raw[8:]) != crc:
        return None
    entry = _Entry(at, size, tail, sequence, count, flushed, raw)
    return entry if _whole(entry) else None


def _area(count: int) -> int:
    """Bytes of an entry's head and descriptors, in whole sectors."""
    return -(-(_ENTRY.size + 32 * count) // SECTOR) * SECTOR


def _whole(entry: _Entry) -> bool:
    """Whether each descriptor and each data sector is of this entry."""
    data = _area(entry.descriptors)
    for at in range(_ENTRY.size, _ENTRY.size + 32 * entry.descriptors, 32):
        mark, number = entry.raw[at : at + 4], entry.raw[at + 24 : at + 32]
        if mark not in (b"zero", b"desc") or int.from_bytes(number, "little") != entry.sequence:
            return False
        if mark == b"desc":
            place = int.from_bytes(entry.raw[at + 16 : at + 24], "little")
            if place % SECTOR or data + SECTOR > entry.size or not _of_entry(entry, data):
                return False
            data += SECTOR
    return True


def _of_entry(entry: _Entry, data: int) -> bool:
    sector = entry.raw[data : data + SECTOR]
    number = int.from_bytes(sector[4:8], "little") << 32 | int.from_bytes(sector[-4:], "little")
    return sector[:4] == b"data" and number == entry.sequence


def _apply(entry: _Entry, sectors: dict[int, bytes], zeros: list[tuple[int, int]]) -> None:
    data = _area(entry.descriptors)
    for at in range(_ENTRY.size, _ENTRY.size + 32 * entry.descriptors, 32):
        if entry.raw[at : at + 4] == b"zero":
            _, length, place, _ = _ZERO.unpack_from(entry.raw, at)
            for known in _touched(sectors, place, place + length):
                del sectors[known]
            zeros.append((place, place + length))
            if len(zeros) > MAX_ZEROS:
                return
            continue
        _, trailing, leading, place, _ = _DATA.unpack_from(entry.raw, at)
        sectors[place] = leading + entry.raw[data + 8 : data + SECTOR - 4] + trailing
        data += SECTOR


def _overlay(read: ReadAt, done: Replayed) -> ReadAt:
    """Sectors of the log before its zeros, these before the file."""
    merged = _merged(done.zeros)

    def read_at(at: int, n: int) -> bytes:
        data = bytearray(read(at, n))
        if n <= 0 or at < 0:
            return bytes(data)
        end = at + n
        for start, stop in merged:
            if start < end and at < stop:
                low, high = max(start, at) - at, min(stop, end) - at
                data[low : min(high, len(data))] = bytes(max(0, min(high, len(data)) - low))
        for place in _touched(done.sectors, at, end):
            low, high = max(place, at), min(place + SECTOR, end)
            if len(data) < high - at:  # the log may make the file grow
                data += bytes(high - at - len(data))
            data[low - at : high - at] = done.sectors[place][low - place : high - place]
        return bytes(data)

    return read_at


def _touched(sectors: dict[int, bytes], at: int, end: int) -> list[int]:
    first = at // SECTOR * SECTOR
    if (end - first) // SECTOR < len(sectors):
        return [place for place in range(first, end, SECTOR) if place in sectors]
    return [place for place in sectors if first <= place < end]


def _merged(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return out
