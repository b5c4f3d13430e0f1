"""What the timeline says of itself: the line of state and the line of filters."""

from collections.abc import Sequence

from forensic_iso.browse.filters import format_ns
from forensic_iso.browse.timeline import Row
from forensic_iso.browse.view import Entry, View
from tui.rows import TimelineSource
from tui.safe import Piece
from tui.timeline.filter_text import counted, shown


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
    line: list[Piece] = [(f"{cursor + 1 if row else 0:,} of {view.count:,}", "key")]
    if view.filtered and not short:
        line.append((f" (of {view.total:,})", "bar"))
    if short:
        return line
    order = "latest first" if view.descending else "earliest first"
    return [*line, (f"  {order}", "bar")]


def of_row(row: Row | None, source: TimelineSource | None) -> list[Piece]:
    """A row's time and notes."""
    if row is None:
        return []
    line: list[Piece] = [(f"  {format_ns(row.time_ns)} UTC", "bar")]
    if source and row.rid in source.notes:
        line.append((f"  {source.notes[row.rid]}", "mark"))
    return line


def filters_line(entries: Sequence[Entry]) -> list[Piece]:
    """The filters with their counts; what to press where there are none."""
    line: list[Piece] = [(" filters ", "label")]
    if not entries:
        line.append(("none: f to add, + and - take the value under the cursor", "dim"))
    for number, entry in enumerate(entries, 1):
        role = "key" if entry.filter.on else "dim"
        line.append((f" {number}:{'' if entry.filter.on else 'off '}", "dim"))
        line.append((shown(entry), role))
        line.append((f" {counted(entry)} ", "bar"))
    return line
