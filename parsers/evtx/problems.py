"""A bounded list of problems: the first of each code one by one, the rest as one sum."""

from collections import Counter
from collections.abc import Iterator

from parsers.contract import Problem, Severity

LIMIT = 1000
"""Problems of one code that a file may report one by one."""


class Problems:
    """Collects problems between two batches; never more than `limit` of one code."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._seen: Counter[str] = Counter()
        self._waiting: list[Problem] = []

    def add(self, problem: Problem) -> None:
        """Take a problem; beyond the limit it is only counted."""
        self._seen[problem.code] += 1
        if self._seen[problem.code] <= self._limit:
            self._waiting.append(problem)

    def absorb(self, later: "Problems") -> None:
        """Take all that another list still holds, as if it had been added here one by one."""
        unlisted = later._seen.copy()
        for problem in later.drain():
            self.add(problem)
            unlisted[problem.code] -= 1
        self._seen.update(unlisted)

    def drain(self) -> Iterator[Problem]:
        """Hand over what came in since the last call."""
        waiting, self._waiting = self._waiting, []
        yield from waiting

    def close(self) -> Iterator[Problem]:
        """Hand over the rest and one sum for each code that went beyond the limit."""
        yield from self.drain()
        for code, n in sorted(self._seen.items()):
            if n > self._limit:
                yield Problem(
                    code,
                    "whole file",
                    f"at most {self._limit} of this kind",
                    str(n),
                    f"{n - self._limit} more problems of the kind {code} are not listed",
                    Severity.WARNING,
                )
