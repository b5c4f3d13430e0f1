"""Collects problems of one $MFT: the first of each code in full, the rest as a number."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from parsers.contract import Problem, Severity
from parsers.mft.columns import Numbers

FULL_PROBLEMS = 200
"""Problems of one code that get a row each; a hostile $MFT must not write millions."""


Describe = Callable[[int], Problem]
"""Makes the problem of one row."""


@dataclass(slots=True)
class Notes:
    """Problems not yet handed on, and how many of each code there were."""

    _pending: list[Problem] = field(default_factory=list)
    _counts: Counter[str] = field(default_factory=Counter)

    def add(self, problem: Problem) -> None:
        """Note one problem."""
        self._counts[problem.code] += 1
        if self._counts[problem.code] <= FULL_PROBLEMS:
            self._pending.append(problem)

    def add_rows(self, code: str, rows: Numbers, make: Describe) -> None:
        """Note one problem for each of the rows; `make` is only called for those shown in full."""
        room = max(0, FULL_PROBLEMS - self._counts[code])
        self._pending.extend(make(int(row)) for row in rows[:room])
        self._counts[code] += len(rows)

    def add_masked(self, code: str, mask: Numbers, make: Describe) -> None:
        """Note one problem for each row whose mask is set."""
        if mask.any():
            self.add_rows(code, np.flatnonzero(mask), make)

    def drain(self) -> Iterable[Problem]:
        """Hand on what has come up since the last call."""
        pending, self._pending = self._pending, []
        return pending

    def rest(self) -> Iterable[Problem]:
        """One row for each code that had more problems than were shown."""
        for code, count in self._counts.items():
            if count > FULL_PROBLEMS:
                yield Problem(
                    code,
                    "whole $MFT",
                    f"at most {FULL_PROBLEMS} shown one by one",
                    f"{count - FULL_PROBLEMS} more",
                    f"{count} problems of the kind {code} in all",
                    Severity.INFO,
                )
