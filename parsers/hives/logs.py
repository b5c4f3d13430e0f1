"""Replay of a hive's transaction logs in memory: the new format (`HvLE`) and the old one (`DIRT`).

Source of the layout: the public Windows registry file format specification; Marvin32 and its seed as given there.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from parsers.contract import Problem, Severity
from parsers.hives.cells import BINS_START, PAGE

OLD_TYPES, NEW_TYPE = (1, 2), 6
MAX_HIVE_BYTES = 1 << 30
"""No hive grows beyond; a log that says more is damaged."""
_SEED = 0x82EF4D887A4E55C5
_ENTRY = struct.Struct("<4sIIIIIQQ")


def checksum(block: bytes) -> int:
    """Checksum of a base block: XOR of its first 127 words, 0 and -1 avoided."""
    total = 0
    for word in struct.unpack_from("<127I", block):
        total ^= word
    return {0: 1, 0xFFFFFFFF: 0xFFFFFFFE}.get(total, total)


def marvin32(data: bytes) -> int:
    """Marvin32 hash with the seed of the registry, low word first."""
    low, high = _SEED & 0xFFFFFFFF, _SEED >> 32
    whole = len(data) // 4
    tail = data[whole * 4 :] + b"\x80"
    words = (*struct.unpack_from(f"<{whole}I", data), int.from_bytes(tail, "little"), 0)
    for word in words:
        low = (low + word) & 0xFFFFFFFF
        high ^= low
        low = (((low << 20) | (low >> 12)) + high) & 0xFFFFFFFF
        high = (((high << 9) | (high >> 23)) & 0xFFFFFFFF) ^ low
        low = (((low << 27) | (low >> 5)) + high) & 0xFFFFFFFF
        high = ((high << 19) | (high >> 13)) & 0xFFFFFFFF
    return high << 32 | low


@dataclass(frozen=True, slots=True)
class BaseBlock:
    """First 512 bytes of a hive or of a log."""

    primary: int
    secondary: int
    written: int
    major: int
    minor: int
    file_type: int
    root: int
    bins_size: int
    name: str
    valid: bool
    """Signature and checksum hold."""


def base_block(data: bytes) -> BaseBlock | None:
    """The base block, None where it is too short or bears another signature."""
    if len(data) < PAGE or data[:4] != b"regf":
        return None
    primary, secondary, written, major, minor, kind, _, root, size = struct.unpack_from(
        "<IIQIIIIII", data, 4
    )
    name = data[48:112].decode("utf-16-le", "replace").split("\0", 1)[0]
    good = struct.unpack_from("<I", data, 508)[0] == checksum(data)
    return BaseBlock(primary, secondary, written, major, minor, kind, root, size, name, good)


@dataclass(slots=True)
class Replay:
    """What the logs gave: changed bytes, pages touched, entries applied (log index, offset in the log, sequence)."""

    data: bytearray
    pages: set[int] = field(default_factory=set)
    applied: list[tuple[int, int, int]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def write(self, at: int, content: bytes) -> None:
        """Put bytes of a log at an absolute offset of the hive."""
        if at + len(content) > len(self.data):
            self.data.extend(bytes(at + len(content) - len(self.data)))
        self.data[at : at + len(content)] = content
        self.pages.update(range(at // PAGE, (at + len(content) + PAGE - 1) // PAGE))


@dataclass(frozen=True, slots=True)
class _Entry:
    log: int
    at: int
    size: int
    sequence: int
    bins_size: int
    count: int
    hash_rest: int


def replay(hive: bytes, start: int, logs: Sequence[bytes]) -> Replay:
    """Apply what the logs hold from sequence number `start` on; a log that does not fit changes nothing.

    Entries may begin later than `start`: on live hosts the file's own numbers stay behind its pages (seen in a real
    hive, where the result was whole). After the first entry each must follow its predecessor.
    """
    result = Replay(bytearray(hive))
    heads = [base_block(log) for log in logs]
    entries: dict[int, _Entry] = {}
    for number, (head, log) in enumerate(zip(heads, logs, strict=True)):
        if head is not None and head.valid and head.file_type == NEW_TYPE:
            for entry in _entries(number, log):
                entries.setdefault(entry.sequence, entry)
    if entries:
        _apply_entries(result, start, entries, logs)
        return result
    old = [
        (head.secondary, number)
        for number, head in enumerate(heads)
        if head is not None and head.valid and head.file_type in OLD_TYPES
        and head.primary == head.secondary and head.secondary >= start
    ]  # fmt: skip
    if old:
        sequence, number = max(old)
        _apply_bitmap(result, number, logs[number], sequence)
    return result


def _entries(number: int, log: bytes) -> list[_Entry]:
    """Entries of one log until the first that is none or breaks the rise of the sequence numbers."""
    found: list[_Entry] = []
    at = PAGE
    while at + _ENTRY.size <= len(log):
        magic, size, _, sequence, bins, count, rest, head_hash = _ENTRY.unpack_from(log, at)
        if magic != b"HvLE" or size < PAGE or size % PAGE or at + size > len(log):
            break
        if marvin32(log[at : at + 32]) != head_hash or 40 + 8 * count > size:
            break
        if found and sequence != (found[-1].sequence + 1) & 0xFFFFFFFF:
            break
        found.append(_Entry(number, at, size, sequence, bins, count, rest))
        at += size
    return found


def _apply_entries(
    result: Replay, start: int, entries: dict[int, _Entry], logs: Sequence[bytes]
) -> None:
    entries = {sequence: entry for sequence, entry in entries.items() if sequence >= start}
    if not entries:
        return
    sequence = min(entries)
    if sequence != start:
        result.problems.append(
            _problem(
                entries[sequence], f"sequence {start}", str(sequence),
                "the logs begin after the hive's own state; a change between may be missing",
            )
        )  # fmt: skip
    while (entry := entries.pop(sequence, None)) is not None:
        log = logs[entry.log]
        if marvin32(log[entry.at + 40 : entry.at + entry.size]) != entry.hash_rest:
            result.problems.append(
                _problem(entry, "a matching hash", "another", "replay stopped at this log entry")
            )
            return
        if not _apply_pages(result, entry, log):
            return
        result.applied.append((entry.log, entry.at, sequence))
        sequence = (sequence + 1) & 0xFFFFFFFF
    if entries:
        first = min(entries.values(), key=lambda e: e.sequence)
        result.problems.append(
            _problem(
                first, f"sequence {sequence}", str(first.sequence),
                "log entries after a gap in the sequence were not replayed",
            )
        )  # fmt: skip


def _apply_pages(result: Replay, entry: _Entry, log: bytes) -> bool:
    pages = struct.unpack_from(f"<{2 * entry.count}I", log, entry.at + 40)
    at = entry.at + 40 + 8 * entry.count
    end = entry.at + entry.size
    targets = list(zip(pages[::2], pages[1::2], strict=True))
    if at + sum(size for _, size in targets) > end or any(
        to + size > min(entry.bins_size, MAX_HIVE_BYTES) for to, size in targets
    ):
        result.problems.append(
            _problem(
                entry, "pages inside entry and hive", "outside", "replay stopped at this entry"
            )
        )
        return False
    for to, size in targets:
        result.write(BINS_START + to, log[at : at + size])
        at += size
    return True


def _problem(entry: _Entry, expected: str, found: str, message: str) -> Problem:
    place = f"log {entry.log + 1} offset {entry.at}"
    return Problem("hive_log_doubt", place, expected, found, message, Severity.WARNING)


def _apply_bitmap(result: Replay, number: int, log: bytes, sequence: int) -> None:
    """Old format: one bit per page of the hive bins, then the dirty pages in order."""
    head = base_block(log)
    if head is None or log[PAGE : PAGE + 4] != b"DIRT" or head.bins_size > MAX_HIVE_BYTES:
        return
    bits = head.bins_size // PAGE
    bitmap = log[PAGE + 4 : PAGE + 4 + (bits + 7) // 8]
    at = -(-(PAGE + 4 + len(bitmap)) // PAGE) * PAGE
    for bit in range(min(bits, 8 * len(bitmap))):
        if not bitmap[bit >> 3] >> (bit & 7) & 1:
            continue
        page = log[at : at + PAGE]
        if len(page) < PAGE:
            result.problems.append(
                Problem(
                    "hive_log_doubt", f"log {number + 1} offset {at}", "a dirty page", "the end of the log",
                    "the log is cut off; pages after it were not replayed",
                )
            )  # fmt: skip
            break
        result.write(BINS_START + bit * PAGE, page)
        at += PAGE
    result.applied.append((number, PAGE, sequence))
