"""How the timeline is looked at: order, times as distances, the histogram."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from tui.timeline.stage import Stage

if TYPE_CHECKING:
    from forensic_iso.browse.rowset import RowSet

LEVELS = (4, 2)
"""Least severities that the bars tell apart, highest first: high and critical, low and medium."""


class Looks:
    """Changes the look; `severe` gives the rows of a severity or more."""

    def __init__(self, stage: Stage, severe: "Callable[[int], RowSet]") -> None:
        self._stage, self._severe = stage, severe

    def sort(self, descending: bool) -> None:
        """Earliest or latest first; the row stays."""
        self._stage.view.descending = descending
        self._stage.renew()

    def elapsed(self) -> None:
        """Times as distances from the cursor's row, or as they are."""
        source, row = self._stage.ensure(), self._stage.row
        source.elapsed_from = row.time_ns if row and source.elapsed_from is None else None
        self._stage.redraw()

    def histogram(self) -> None:
        """Show or hide it."""
        bars = self._stage.histogram()
        if bars.display:
            bars.display = False
        else:
            bars.display = True
            levels = [(least, self._severe(least)) for least in LEVELS]
            self._stage.after_refresh(bars.open, self._stage.case, self._stage.view.members, levels)
        self._stage.after_refresh(self._stage.paint_state)

    def zoom(self, by: int) -> None:
        """Zoom the histogram; shows it first where it is not."""
        bars = self._stage.histogram()
        if bars.display:
            bars.zoom(by)
        else:
            self.histogram()

    def bar(self, by: int) -> None:
        """Go to the next bar with rows."""
        rid = self._stage.histogram().step(by)
        if rid is not None:
            self._stage.go_rid(rid)
