"""Rows over time as bars, in the colour of the worst severity; the scale of heights is logarithmic."""

import math
from typing import TYPE_CHECKING, cast

from textual import events
from textual.strip import Strip
from textual.widget import Widget

from forensic_iso.browse import histogram
from forensic_iso.browse.case import Case
from forensic_iso.browse.filters import format_ns
from tui.desk.faults import told
from tui.safe import Piece, strip

if TYPE_CHECKING:
    from collections.abc import Sequence

    from forensic_iso.browse.histogram import Scale
    from forensic_iso.browse.rowset import RowSet
    from tui.app import ForensicApp

BLOCKS = " ▁▂▃▄▅▆▇█"
HEIGHT = 3
ZOOM = 4
SHORTEST_NS = 1_000_000


class HistogramView(Widget):
    """Three lines of bars and one of times."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.styles.height = HEIGHT + 1
        self._case: Case | None = None
        self._scale: Scale | None = None
        self._members: RowSet | None = None
        self._levels: Sequence[tuple[int, RowSet]] = ()
        self._counts: list[int] = []
        self._worst: list[int] = []
        self._rid: int | None = None
        self._spans: list[tuple[int, int]] = []

    @property
    def span(self) -> tuple[int, int] | None:
        """Range of time shown, ns, both ends inclusive."""
        return self._spans[-1] if self._spans and self.display else None

    @property
    def counts(self) -> list[int]:
        """Rows of each bar."""
        return self._counts

    def open(
        self,
        case: Case,
        members: "RowSet | None",
        levels: "Sequence[tuple[int, RowSet]]",
    ) -> None:
        """Show the rows of a view over the time they take; zooming out shows the whole case.

        `levels`: rows at or above severities, highest first.
        """
        self._case, self._levels = case, levels
        self._members = members
        if not case.total:
            return
        with told(cast("ForensicApp", self.app)):
            self._spans = [histogram.whole_range(case)]
            if members is not None and len(members):
                self._spans.append(histogram.range_of(case, members))
            self._measure()

    def _measure(self) -> None:
        if self._case is None or not self._spans or self.size.width < 4:
            return
        begin, end = self._spans[-1]
        with told(cast("ForensicApp", self.app)):
            self._scale = histogram.scale(self._case, begin, end, self.size.width - 2)
            self.count(self._members)

    def count(self, members: "RowSet | None") -> None:
        """The view changed."""
        self._members = members
        if self._scale is None or not self.display:
            return
        self._counts = histogram.counts(self._scale, members)
        levels = [(s, rows if members is None else rows & members) for s, rows in self._levels]
        self._worst = histogram.worst(self._scale, levels)
        self.refresh()

    def point(self, rid: int | None) -> None:
        """Show where a row lies."""
        if self.display and rid != self._rid:
            self._rid = rid
            self.refresh()

    def zoom(self, by: int) -> None:
        """Nearer around the row, or back."""
        if by < 0:
            if len(self._spans) > 1:
                self._spans.pop()
        elif self._spans and self._scale is not None:
            begin, end = self._spans[-1]
            width = max(SHORTEST_NS, (end - begin) // ZOOM)
            bar = self._scale.bar_of(self._rid) if self._rid is not None else None
            middle = self._scale.time_of(self._scale.bars // 2 if bar is None else bar)
            start = max(begin, min(middle - width // 2, end - width))
            self._spans.append((start, start + width))
        self._measure()

    def step(self, by: int) -> int | None:
        """First row in view of the next bar that has any."""
        if self._scale is None or self._rid is None or not self.display:
            return None
        bar = self._scale.bar_of(self._rid)
        if bar is None:
            bar = -1 if self._rid < self._scale.edges[0] else self._scale.bars
        bar += by
        while 0 <= bar < self._scale.bars:
            if self._counts[bar]:
                first = self._scale.edges[bar]
                return first if self._members is None else self._members.after(first - 1)
            bar += by
        return None

    def on_resize(self, event: events.Resize) -> None:
        """As many bars as there is room for."""
        self._measure()

    def render_line(self, y: int) -> Strip:
        """One line."""
        palette = str(getattr(self.app, "palette_name", "dark"))
        width = self.size.width
        if self._scale is None or not self._counts:
            return strip((), width, palette)
        if y == HEIGHT:
            return strip(self._foot(width), width, palette)
        peak = math.log1p(max(self._counts)) or 1.0
        here = None if self._rid is None else self._scale.bar_of(self._rid)
        line: list[Piece] = [(" ", "")]
        for bar, count in enumerate(self._counts):
            eighths = math.ceil(math.log1p(count) / peak * HEIGHT * 8) if count else 0
            level = max(0, min(8, eighths - (HEIGHT - 1 - y) * 8))
            role = {4: "bad", 2: "warn"}.get(self._worst[bar], "art_1")
            line.append((BLOCKS[level], "cell" if bar == here else role))
        return strip(line, width, palette)

    def _foot(self, width: int) -> list[Piece]:
        begin, end = self._spans[-1]
        left, right = format_ns(begin, 0), format_ns(end, 0)
        inside, peak = sum(self._counts), max(self._counts)
        middle = f"{inside:,} rows, most {peak:,} a bar, log"
        if width < 78:
            middle = f"most {peak:,}"
        gap = max(1, (width - 2 - len(left) - len(right) - len(middle)) // 2)
        return [(f" {left}{' ' * gap}{middle}{' ' * gap}{right}", "dim")]
