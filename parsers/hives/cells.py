"""Cells of a regf hive: the bytes, their checks, and the problems met on the way.

Source of the layout: the public Windows registry file format specification (base block, hive bins, cells).
"""

import struct
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from parsers.contract import Problem, Severity
from parsers.rows import filetime_ns

BINS_START = 4096
"""Cells are counted from here; the base block stands before."""
PAGE = 512
"""Unit of the transaction logs."""
NO_CELL = 0xFFFFFFFF
MAX_PROBLEMS = 1000
"""Problems kept per hive; what follows is only counted."""

_SIZE = struct.Struct("<i")


@dataclass(frozen=True, slots=True)
class Free:
    """Where a hive's cells are not in use: half-open ranges, rising; `word` is the origin of what is found there."""

    starts: Sequence[int]
    ends: Sequence[int]
    word: str = "deleted"

    def end_of(self, at: int) -> int | None:
        """End of the range that an offset lies in."""
        place = bisect_right(self.starts, at) - 1
        return self.ends[place] if place >= 0 and at < self.ends[place] else None

    def begins(self, at: int) -> bool:
        """Whether a range begins at an offset."""
        place = bisect_right(self.starts, at) - 1
        return place >= 0 and self.starts[place] == at

    def span(self, data: bytes | bytearray, at: int, least: int) -> tuple[int, int] | None:
        """Start and end of the content of a cell that was in use; None: not free, or of no size a cell can have.

        A cell that took in its neighbours has their size too; those inside keep their own, of either sign.
        """
        end = self.end_of(at)
        if end is None or at % 8:
            return None
        size = abs(_SIZE.unpack_from(data, at)[0])
        if size % 8 or size < least + 4 or at + size > end:
            return None
        return at + 4, at + size


@dataclass(slots=True, repr=False, eq=False)
class Cells:
    """The hive's bytes after replay, the pages that came from logs, and one hive's problems and limits."""

    data: bytes | bytearray
    minor_version: int = 5
    log_pages: frozenset[int] = frozenset()
    free: "Free | None" = None
    """Set: these are the cells that are no longer in use; what is wrong in them is no problem of the hive."""
    problems: list[Problem] = field(default_factory=list)
    owner: dict[int, int] = field(default_factory=dict)
    """Key cell -> the key it was first found below: a second place would make loops and copies without end."""
    keys_left: int = 0
    values_left: int = 0
    bytes_left: int = 0
    _told: set[tuple[str, int]] = field(default_factory=set)
    _unreported: int = 0

    def __post_init__(self) -> None:
        self.keys_left = 2_000_000 + len(self.data) // 16
        self.values_left = 2_000_000 + len(self.data) // 16
        self.bytes_left = (64 << 20) + 16 * len(self.data)

    def problem(
        self,
        code: str,
        at: int,
        expected: str,
        found: str,
        message: str,
        severity: Severity = Severity.WARNING,
    ) -> None:
        """Note a problem once per code and place (`at` is an absolute file offset)."""
        if self.free is not None or (code, at) in self._told:
            return
        if len(self._told) >= MAX_PROBLEMS:
            if not self._unreported:
                self.problems.append(
                    Problem(
                        "hive_many_problems",
                        f"offset {at}",
                        f"at most {MAX_PROBLEMS} problems",
                        "more",
                        "further problems of this hive are not listed",
                        Severity.ERROR,
                    )
                )
            self._unreported += 1
            return
        self._told.add((code, at))
        self.problems.append(Problem(code, f"offset {at}", expected, found, message, severity))

    def span(self, cell: int, least: int, what: str) -> tuple[int, int] | None:
        """Absolute start and end of an allocated cell's content, or None with a problem.

        `cell` counts from the first hive bin, `least` is the smallest content that makes sense.
        """
        at = cell + BINS_START
        if self.free is not None:
            return self.free.span(self.data, at, least)
        if at + 4 > len(self.data):
            self.problem(
                "hive_cell_outside",
                at,
                f"{what} inside {len(self.data)} bytes",
                str(at),
                f"{what} lies behind the end of the hive and was skipped",
                Severity.ERROR,
            )
            return None
        size = -_SIZE.unpack_from(self.data, at)[0]
        if size < least + 4 or at + size > len(self.data):
            self.problem(
                "hive_cell_size",
                at,
                f"an allocated cell of {least + 4} bytes or more for {what}",
                f"size {-size}",
                f"{what} is free, too small or cut off and was skipped",
                Severity.ERROR,
            )
            return None
        return at + 4, at + size

    def origin(self, at: int) -> str:
        """`log` where the page of this absolute offset was replayed from a transaction log, else `hive`.

        Of cells no longer in use: `deleted`, or `deleted_loose`.
        """
        if self.free is not None:
            return self.free.word
        return "log" if at // PAGE in self.log_pages else "hive"

    def time(self, ticks: bytes | bytearray, at: int) -> int | None:
        """Nanoseconds since 1970 UTC of a FILETIME in 8 bytes; 0 is None, out of range is None with a problem."""
        number = int.from_bytes(ticks, "little")
        value = filetime_ns(number)
        if value is None and number:
            self.problem(
                "hive_time", at, "a FILETIME between 1677 and 2262", str(number), "no time given"
            )
        return value

    def take_bytes(self, at: int, wanted: int) -> bool:
        """Whether the hive's budget of names and data holds so many bytes more; tells once when not."""
        self.bytes_left -= wanted
        return self.bytes_left >= 0 or self._spent(at)

    def take_keys(self, at: int, wanted: int) -> bool:
        """Whether the hive's budget of listed keys holds so many more; tells once when not."""
        self.keys_left -= wanted
        return self.keys_left >= 0 or self._spent(at)

    def _spent(self, at: int) -> bool:
        self.problem(
            "hive_work_limit",
            0,
            "cells read a few times at most",
            f"offset {at}",
            "cells share lists or data far beyond the size of the hive; the rest was not read",
            Severity.ERROR,
        )
        return False
