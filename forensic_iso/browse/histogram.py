"""Rows over time. As numbers of rows are in order of time, the bars' edges are row numbers, and any set counts fast."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from forensic_iso.browse.case import Case
from forensic_iso.browse.timeline import page

if TYPE_CHECKING:
    from forensic_iso.browse.rowset import RowSet

TRIMMED = 0.0005
"""Share of rows at each end that the first histogram leaves out: a clock gone wrong must not squeeze the rest."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Bars from `begin_ns`, each `width_ns` long; `edges[k]` is the first row of bar k, one more closes the last."""

    begin_ns: int
    width_ns: int
    edges: tuple[int, ...]

    @property
    def bars(self) -> int:
        """Number of bars."""
        return len(self.edges) - 1

    def time_of(self, bar: int) -> int:
        """Start of a bar, ns."""
        return self.begin_ns + bar * self.width_ns

    def bar_of(self, rid: int) -> int | None:
        """The bar that holds a row, None where it lies outside."""
        if not self.edges or not self.edges[0] <= rid < self.edges[-1]:
            return None
        return min(bisect_right(self.edges, rid) - 1, self.bars - 1)


def whole_range(case: Case) -> tuple[int, int]:
    """Begin and end (ns) of nearly all rows; both ends are inclusive."""
    low, high = _trimmed(case.total)
    return _time(case, low), _time(case, high)


def range_of(case: Case, members: "RowSet") -> tuple[int, int]:
    """Begin and end (ns) of nearly all rows of a set that is not empty; both ends are inclusive."""
    low, high = _trimmed(len(members))
    return _time(case, members.select(low)), _time(case, members.select(high))


def _trimmed(rows: int) -> tuple[int, int]:
    last = rows - 1
    return int(last * TRIMMED), int(last * (1 - TRIMMED))


def _time(case: Case, rid: int) -> int:
    return page(case, rid, rid)[0].time_ns


def scale(case: Case, begin_ns: int, end_ns: int, bars: int) -> Scale:
    """Bars over a range of time (both ends inclusive); one scan of the range."""
    width = max(1, -(-(end_ns - begin_ns + 1) // max(bars, 1)))
    rows = case.rows(
        "SELECT (epoch_ns(time_utc) - $1) // $3 AS bar, count(*) FROM timeline"
        " WHERE time_utc BETWEEN make_timestamp_ns($1) AND make_timestamp_ns($2) GROUP BY 1",
        [begin_ns, end_ns, width],
    )
    first = case.rows(
        "SELECT rid FROM timeline WHERE time_utc >= make_timestamp_ns(?) ORDER BY time_utc, rid LIMIT 1",
        [begin_ns],
    )
    counts = [0] * bars
    for bar, count in rows:
        counts[min(int(str(bar)), bars - 1)] += int(str(count))
    edges = [int(str(first[0][0])) if first else case.total]
    for count in counts:
        edges.append(edges[-1] + count)
    return Scale(begin_ns, width, tuple(edges))


def counts(s: Scale, members: "RowSet | None") -> list[int]:
    """Rows of each bar, of all rows or of a set."""
    if members is None:
        return [b - a for a, b in pairwise(s.edges)]
    ranks = [members.rank(e) for e in s.edges]
    return [b - a for a, b in pairwise(ranks)]


def worst(s: Scale, levels: Sequence[tuple[int, "RowSet"]]) -> list[int]:
    """The highest severity in each bar, of sets given highest first; 0 where none of them reaches it."""
    out = [0] * s.bars
    for severity, members in levels:
        for bar, count in enumerate(counts(s, members)):
            if count and not out[bar]:
                out[bar] = severity
    return out
