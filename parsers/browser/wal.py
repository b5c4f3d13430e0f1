"""A SQLite write-ahead log applied to its database in memory.

Source of the format: "WAL-mode File Format" of the SQLite documentation.
"""

import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from parsers.contract import Problem, Severity

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Words = npt.NDArray[np.uint32]

MAGIC = b"SQLite format 3\0"
MAX_PAGES = 1 << 20
_LOG_MAGICS = {0x377F0682: "<u4", 0x377F0683: ">u4"}
_HEADER, _FRAME = 32, 24
_WRAP = (1 << 32) - 1


@dataclass(frozen=True, slots=True)
class Applied:
    """The database after its log, how many frames were applied, and what was odd.

    `data` is None where the log changes nothing.
    """

    data: bytes | None
    frames: int
    problems: tuple[Problem, ...] = ()


def rollback_mode(data: bytes) -> bytes:
    """The database without its WAL flag: in memory there is no log, and SQLite would refuse it."""
    return data[:18] + b"\1\1" + data[20:] if data[18:20] == b"\2\2" else data


def apply(database: bytes, log: bytes) -> Applied:
    """The pages of all committed frames whose salt and checksum hold, over the database."""
    header = _header(log)
    if header is None:
        if not log.strip(b"\0"):
            return Applied(None, 0)
        return Applied(None, 0, (_problem(0, "header of a write-ahead log", "another or damaged"),))
    page, order, salts, state = header
    step, at = _FRAME + page, _HEADER
    committed: dict[int, int] = {}
    waiting: dict[int, int] = {}
    size = frames = done = 0
    problems: list[Problem] = []
    while at + step <= len(log):
        number, count, *frame_salts = struct.unpack_from(">4I", log, at)
        if tuple(frame_salts) != salts:
            break  # frames of an earlier use of the log: their pages are in the database
        state = checksum(log[at : at + 8], order, state)
        state = checksum(log[at + _FRAME : at + step], order, state)
        if state != struct.unpack_from(">2I", log, at + 16) or not 0 < number <= MAX_PAGES:
            problems.append(_problem(at, "a frame with its checksum", "another checksum"))
            break
        waiting[number] = at + _FRAME
        done += 1
        if count:
            committed |= waiting
            waiting, size, frames = {}, min(count, MAX_PAGES), done
        at += step
    if waiting:
        problems.append(_problem(at, "a commit", f"{len(waiting)} pages without one"))
    if not committed:
        return Applied(None, 0, tuple(problems))
    out = bytearray(
        database[: size * page].ljust(min(size * page, len(database) + len(log)), b"\0")
    )
    for number, start in committed.items():
        if number * page <= len(out):
            out[(number - 1) * page : number * page] = log[start : start + page]
    return Applied(bytes(out), frames, tuple(problems))


def _header(log: bytes) -> tuple[int, str, tuple[int, int], tuple[int, int]] | None:
    if len(log) < _HEADER:
        return None
    magic, _, page, _, salt_1, salt_2, sum_1, sum_2 = struct.unpack_from(">8I", log)
    order = _LOG_MAGICS.get(magic)
    if order is None or not 512 <= page <= 65536 or page & (page - 1):
        return None
    state = checksum(log[:24], order, (0, 0))
    return (page, order, (salt_1, salt_2), state) if state == (sum_1, sum_2) else None


def checksum(data: bytes, order: str, state: tuple[int, int]) -> tuple[int, int]:
    """SQLite's checksum of an even number of words, from a state on.

    Each pair of words does s0 += x0 + s1; s1 += x1 + s0. Written out, a word's weight in s0 is the
    Fibonacci number of its distance from the end, in s1 the next one: two products of whole arrays.
    """
    import numpy as np

    words: Words = np.frombuffer(data, order).astype(np.uint32)[::-1]
    n = len(words)
    f = _fibonacci(n)
    s0 = int((words * f[1 : n + 1]).sum(dtype=np.uint64)) + int(f[n]) * state[0]
    s1 = int((words * f[2 : n + 2]).sum(dtype=np.uint64)) + int(f[n + 1]) * state[0]
    return (s0 + int(f[n + 1]) * state[1]) & _WRAP, (s1 + int(f[n + 2]) * state[1]) & _WRAP


@lru_cache(maxsize=8)
def _fibonacci(count: int) -> "Words":
    """F(-1), F(0), F(1), ...

    modulo 2**32: element i is F(i - 1).
    """
    import numpy as np

    out = [1, 0]
    for _ in range(count + 1):
        out.append((out[-1] + out[-2]) & _WRAP)
    return np.array(out, np.uint32)


def _problem(at: int, expected: str, found: str) -> Problem:
    return Problem(
        "sqlite_wal",
        f"offset {at} of the write-ahead log",
        expected,
        found,
        "The log was applied up to here; what lies behind is not read",
        Severity.WARNING,
    )
