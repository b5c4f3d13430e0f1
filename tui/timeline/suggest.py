"""Filters made from where the cursor stands, instead of typed."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from forensic_iso.browse import filters
from forensic_iso.browse.filters import Filter
from forensic_iso.browse.timeline import Row
from forensic_iso.browse.view import View
from tui.rows import TimelineSource

if TYPE_CHECKING:
    from forensic_iso.browse.rowset import RowSet

WINDOW_NS = 300 * 10**9
NO_PROCESS = "this row names no process that the case knows"


class NothingToFilter(Exception):
    """There is nothing to filter by here; the message says what would help."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Filters, and the rows they give where these are known."""

    filters: list[Filter]
    rows: "RowSet | None" = None


def by_text(value: str, include: bool) -> Suggestion:
    """Only, or no, rows with a text."""
    return Suggestion([Filter("text", "~", value, not include)])


def by_value(row: Row, column: str, include: bool) -> Suggestion:
    """Only, or no, rows with a row's value of a column.

    Raises:
        NothingToFilter: no filter goes by that column.
    """
    if column == "summary":
        return by_text(row.summary or "", include)
    if column not in filters.FIELDS:
        raise NothingToFilter(
            f"no filter by {column}: . takes 5 minutes around the row, f a time>="
        )
    value = getattr(row, column)
    return Suggestion([Filter(column, "=", "" if value is None else str(value), not include)])


def by_span(first_ns: int, last_ns: int) -> Suggestion:
    """A range of time, ns since 1970 UTC, both ends inclusive."""
    return Suggestion([Filter("time", ">=", str(first_ns)), Filter("time", "<=", str(last_ns))])


def around(row: Row) -> Suggestion:
    """Five minutes before and after a row."""
    return by_span(row.time_ns - WINDOW_NS, row.time_ns + WINDOW_NS)


def by_bars(span: tuple[int, int] | None) -> Suggestion:
    """The range of time of the histogram.

    Raises:
        NothingToFilter: it is not shown.
    """
    if span is None:
        raise NothingToFilter("no histogram: i shows it")
    return by_span(*span)


def by_hits(source: TimelineSource) -> Suggestion:
    """The hits of the search.

    Raises:
        NothingToFilter: nothing was searched.
    """
    if source.hits is None:
        raise NothingToFilter("no search yet: / searches")
    return Suggestion([Filter("hits", "=", source.word or "search")], source.hits.copy())


def by_marks(source: TimelineSource, view: View) -> Suggestion:
    """The marked rows.

    Raises:
        NothingToFilter: none is marked.
    """
    from forensic_iso.browse import rowset

    if not source.marks:
        raise NothingToFilter("no marked row: m marks")
    marked = rowset.of(view.total, source.marks)
    return Suggestion([Filter("marks", "=", str(len(source.marks)))], marked)
