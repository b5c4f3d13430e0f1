"""Going to places of the timeline: times, steps, findings, marks, rows of a severity."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING

from forensic_iso.browse import filters
from forensic_iso.browse import timeline as places
from forensic_iso.browse.filters import Filter
from forensic_iso.browse.stop import Stop
from tui.timeline.stage import Stage, fault_of
from tui.widgets.prompt import Ask

if TYPE_CHECKING:
    from forensic_iso.browse.rowset import RowSet

HELP = "2024-05-14 08:16   +5m  -2h  +1d   #row"


def _place(typed: str) -> None:
    """Check a typed place.

    Raises:
        FilterError: neither a step, a row nor a time.
    """
    if filters.parse_step(typed) is None and not re.fullmatch(r"\s*#\d+\s*", typed):
        filters.parse_time(typed)


class Jumps:
    """Remembers the last step of time, and where the severe rows are."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._last_step = 0
        self._severe: dict[int, RowSet] = {}

    def ask(self) -> None:
        """Ask for a time, a step or a row."""

        def done(typed: str | None) -> None:
            if typed is not None:
                self._go(typed)

        row = self._stage.row
        start = filters.format_ns(row.time_ns, 0) if row else ""
        question = Ask("go to (UTC)", HELP, start, fault_of(_place), proposed=True)
        self._stage.ask(question, done)

    def _go(self, typed: str) -> None:
        step = filters.parse_step(typed)
        if step is not None:
            self.step(step)
        elif typed.strip().startswith("#"):
            self._stage.go_rid(int(typed.strip()[1:]))
        else:
            self._stage.go_rid(places.at_time(self._stage.case, filters.parse_time(typed)))

    def step(self, ns: int) -> None:
        """A step of time on or back, to be repeated."""
        self._last_step = ns
        self._step(ns)

    def repeat(self, sign: int) -> None:
        """The last step again, or back."""
        if self._last_step:
            self._step(sign * self._last_step)
        else:
            self._stage.tell("no step yet: : +5m, d, o")

    def _step(self, ns: int) -> None:
        if (row := self._stage.row) is None:
            return
        rid = places.at_time(self._stage.case, row.time_ns + ns)
        if ns < 0 and rid >= row.rid:
            rid = max(0, row.rid - 1)
        self._stage.go_rid(rid)

    def next_of(self, numbers: Sequence[int], by: int, what: str) -> None:
        """The next of some row numbers that is in view."""
        stage, row = self._stage, self._stage.row
        if row is None:
            return
        forward = (by > 0) != stage.view.descending
        at = bisect_right(numbers, row.rid) if forward else bisect_left(numbers, row.rid) - 1
        while 0 <= at < len(numbers):
            if stage.view.shows(numbers[at]):
                stage.go_rid(numbers[at])
                return
            at += 1 if forward else -1
        stage.tell(f"no more {what} in view")

    def next_severe(self, least: int, by: int) -> None:
        """The next row in view of a severity or more."""
        stage, row = self._stage, self._stage.row
        if row is None:
            return
        rid = stage.view.step(self.severe(least), row.rid, by > 0)
        if rid is None:
            stage.tell(f"no more rows of severity {filters.SEVERITIES[least]} or more in view")
        else:
            stage.go_rid(rid)

    def severe(self, least: int) -> "RowSet":
        """All rows of a severity or more; scanned for once."""
        from forensic_iso.browse import scan

        if least not in self._severe:
            f = Filter("severity", ">=", str(least))
            found = scan.fill(self._stage.case, f, Stop())
            if found is None:
                raise RuntimeError("a scan that nobody stops ends")
            self._severe[least] = found
        return self._severe[least]
