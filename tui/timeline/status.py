"""What the timeline says of itself: the line of state and the line of filters."""

from collections.abc import Iterable, Sequence
from itertools import accumulate

from forensic_iso.browse.filters import format_ns
from forensic_iso.browse.timeline import Row
from forensic_iso.browse.view import Entry, View
from tui.rows import TimelineSource
from tui.safe import Piece, cells, clean, fit
from tui.timeline.filter_text import counted, shown

BESIDE, SHORTEST = 46, 12
"""Cells kept free beside the label of a filter for counts and what stands around; cells that it has at least."""


class Told:
    """A message that stands until the cursor moves to another row."""

    def __init__(self) -> None:
        self._piece: Piece | None = None
        self._at: int | None = None

    def tell(self, text: str, role: str, row: Row | None) -> None:
        """Say something at a row."""
        self._piece = (f"  {text}", role)
        self._at = row.rid if row else None

    def clear(self) -> None:
        """What was said is over: something else happened."""
        self._piece = None

    def at(self, row: Row | None) -> None:
        """The cursor stands on a row."""
        if row is None or row.rid != self._at:
            self._piece = None

    def state(self) -> list[Piece]:
        """The message; nothing where there is none."""
        return [] if self._piece is None else [self._piece]


def place(view: View, cursor: int, row: Row | None, short: bool = False) -> list[Piece]:
    """Which row of how many, in which order; `short`: without what a message needs the room of."""
    line: list[Piece] = [(f"{cursor + 1 if view.count else 0:,} of {view.count:,}", "key")]
    if view.filtered and not short:
        line.append((f" (of {view.total:,})", "bar"))
    if short:
        return line
    order = "latest first" if view.descending else "earliest first"
    return [*line, (f"  {order}", "bar")]


def of_row(row: Row | None, source: TimelineSource | None, view: View) -> list[Piece]:
    """A row's time and notes; where there is none, why."""
    if row is None:
        if view.total == 0:
            return [("  no row in the timeline: 1 tells what was read", "warn")]
        empty = view.filtered and view.complete and not view.count
        return (
            [("  no row meets all filters: \\ switches them off, s lists them", "warn")]
            if empty
            else []
        )
    line: list[Piece] = [
        (f"  {row.host or ''}", "bar"),
        (f"  {format_ns(row.time_ns)} UTC", "bar"),
    ]
    if source and row.rid in source.notes:
        line.append((f"  {source.notes[row.rid]}", "mark"))
    return line


def filters_line(entries: Sequence[Entry], width: int, keys: str) -> list[Piece]:
    """The filters with their counts, the latest where not all have room; what to press for the others, or for a first one.

    Args:
        entries: the filters.
        width: cells of the line.
        keys: what opens the list of all of them.
    """
    line: list[Piece] = [(" filters ", "label")]
    if not entries:
        return [*line, ("none: f to add, + and - take the value under the cursor", "dim")]
    running = any(e.filter.on and not e.complete and not e.error for e in entries)
    end: list[Piece] = [("  Esc stops", "warn")] if running else []
    most = max(SHORTEST, width - BESIDE)
    told = [_told(number, entry, most) for number, entry in enumerate(entries, 1)]
    room = width - wide(line) - wide(end)
    last = _fitting(told[::-1], room)
    if last < len(told):
        last = max(1, _fitting(told[::-1], room - wide(_more(len(told), keys))))
        line += _more(len(told) - last, keys)
    return [*line, *(piece for one in told[-last:] for piece in one), *end]


def _more(left: int, keys: str) -> list[Piece]:
    return [(f" +{left} more: {keys}", "warn")] if left else []


def _told(number: int, entry: Entry, most: int) -> list[Piece]:
    label = clean(shown(entry))
    if cells(label) > most:
        label = fit(label, most)
    role = "key" if entry.filter.on else "dim"
    return [
        (f" {number}:{'' if entry.filter.on else 'off '}", "dim"),
        (label, role),
        (f" {counted(entry)} ", "bar"),
    ]


def _fitting(parts: Sequence[Sequence[Piece]], width: int) -> int:
    """How many parts stand in a width."""
    used = list(accumulate(wide(part) for part in parts))
    return sum(1 for cells in used if cells <= width)


def wide(line: Iterable[Piece]) -> int:
    """Cells of a line."""
    return sum(cells(clean(text)) for text, _ in line)
