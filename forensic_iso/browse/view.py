"""What is shown of the timeline: a stack of filters, an order, and places in the result."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from forensic_iso.browse.filters import Filter

if TYPE_CHECKING:
    from forensic_iso.browse.rowset import RowSet


@dataclass(slots=True)
class Entry:
    """One filter of the stack. `rows` grows while it is being scanned; `seen` rows were looked at.

    `stopped`: its scan was ended by the user; it is off, without rows, and scanned anew when switched on.
    """

    filter: Filter
    rows: "RowSet | None" = None
    seen: int = 0
    total: int = 0
    error: str | None = None
    stopped: bool = False

    @property
    def share(self) -> int:
        """Per cent of the rows looked at."""
        return 100 * self.seen // max(self.total, 1)

    @property
    def complete(self) -> bool:
        """Whether every row was looked at."""
        return self.rows is not None and self.seen >= self.total


@dataclass(slots=True)
class View:
    """Positions 0..count-1 in the order shown; unfiltered, a position is a row number."""

    total: int
    descending: bool = False
    entries: list[Entry] = field(default_factory=list)
    members: "RowSet | None" = None

    def combine(self) -> None:
        """Make the view from the filters that are on. A filter still being scanned counts as far as it is."""
        made: RowSet | None = None
        for entry in self.entries:
            if entry.filter.on and entry.rows is not None:
                made = entry.rows.copy() if made is None else made & entry.rows
        self.members = made

    @property
    def count(self) -> int:
        """Rows in view."""
        return self.total if self.members is None else len(self.members)

    @property
    def complete(self) -> bool:
        """Whether all filters that are on were scanned to the end."""
        return all(e.complete or e.error for e in self.entries if e.filter.on)

    @property
    def filtered(self) -> bool:
        """Whether any filter is on."""
        return any(e.filter.on for e in self.entries)

    def rids(self, first: int, last: int) -> list[int]:
        """Row numbers at positions first <= p < last, in the order shown."""
        last = min(last, self.count)
        if first >= last:
            return []
        if self.descending:
            first, last = self.count - last, self.count - first
        found = (
            list(range(first, last)) if self.members is None else self.members.slice(first, last)
        )
        return found[::-1] if self.descending else found

    def rid_at(self, position: int) -> int:
        """Row number at a position."""
        return self.rids(position, position + 1)[0]

    def position_of(self, rid: int) -> int:
        """Position of a row, or of the next one in view after it in time."""
        rank = rid if self.members is None else self.members.rank(rid)
        rank = min(rank, max(self.count - 1, 0))
        return max(self.count - 1 - rank, 0) if self.descending else rank

    def shows(self, rid: int) -> bool:
        """Whether a row is in view."""
        return self.members is None or rid in self.members

    def step(self, rows: "RowSet", rid: int, forward: bool) -> int | None:
        """The next row of a set that is in view, in the order shown; None where there is none."""
        inside = rows if self.members is None else rows & self.members
        return inside.after(rid) if forward != self.descending else inside.before(rid)
