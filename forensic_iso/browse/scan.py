"""From filters to sets of rows, block by block in order of time, so that first hits show before the end."""

import threading
from collections.abc import Callable, Iterator

import duckdb

from forensic_iso.browse import anywhere, processes, rowset, timeline
from forensic_iso.browse.case import Case
from forensic_iso.browse.filters import Filter, FilterError, condition
from forensic_iso.browse.rowset import RowSet

FIRST, LARGEST = 122_880, 983_040
"""Rows of the first and of the largest step: one and eight row groups of DuckDB."""


def fill(
    case: Case,
    f: Filter,
    stop: threading.Event,
    backwards: bool = False,
    start: int = 0,
    tell: Callable[[RowSet, int], None] = lambda found, done: None,
) -> RowSet | None:
    """The rows of a filter; None if stopped.

    Args:
        case: the case.
        f: the filter; its `on` does not matter.
        stop: set it from another thread to end early.
        backwards: scan from the latest row.
        start: row to scan from, where not backwards.
        tell: called after each step with the set so far and the rows seen.

    Raises:
        FilterError: the filter cannot be used.
    """
    if f.what == "any":
        return _anywhere(case, f, stop, tell)
    quick = _without_scan(case, f)
    if quick is not None:
        found = quick.inverted() if f.negative else quick
        tell(found, case.total)
        return found
    found = rowset.nothing(case.total)
    sql, parameters = condition(f)
    seen = 0
    for first, last in steps(case.total, backwards, start):
        if stop.is_set():
            return None
        try:
            ids = (
                case.cursor()
                .execute(
                    f"SELECT rid FROM timeline WHERE rid BETWEEN ? AND ? AND ({sql})",
                    [first, last - 1, *parameters],
                )
                .fetchnumpy()["rid"]
            )
        except duckdb.Error as e:
            if stop.is_set():
                return None
            raise FilterError(f"filtering by {f.label}: {str(e).splitlines()[0]}") from e
        found.put(first, last, ids, f.negative)
        seen += last - first
        tell(found, seen)
    found.recount()
    return found


def steps(total: int, backwards: bool, start: int = 0) -> Iterator[tuple[int, int]]:
    """Ranges first <= rid < last that cover the timeline; each starts at a multiple of a row group.

    Backwards: the latest first. Forwards from `start` to the end, then what lies before it.
    """
    blocks = -(-total // FIRST)
    head = 0 if backwards else min(start // FIRST, max(blocks - 1, 0))
    size = FIRST
    for low, high in ((head, blocks), (0, head)):
        done = 0
        while done < high - low:
            count = min(size // FIRST, high - low - done)
            begin = high - done - count if backwards else low + done
            yield begin * FIRST, min((begin + count) * FIRST, total)
            done += count
            size = min(size * 2, LARGEST)


def _without_scan(case: Case, f: Filter) -> RowSet | None:
    if f.what == "time":
        return _by_time(case, f.operator, int(f.value))
    if f.what == "rows":
        first, _, last = f.value.partition("-")
        return rowset.between(case.total, int(first), int(last) + 1)
    if f.what == "finding":
        return rowset.of(case.total, timeline.of_finding(case, f.value))
    if f.what == "process":
        return rowset.of(case.total, processes.timeline_rows(case, f.value))
    return None


def _anywhere(
    case: Case, f: Filter, stop: threading.Event, tell: Callable[[RowSet, int], None]
) -> RowSet | None:
    found = rowset.nothing(case.total)
    for found, share in anywhere.rows_with(case, f.value, stop):
        if not f.negative and share < 1:
            tell(found, int(share * case.total))
    if stop.is_set():
        return None
    made = found.inverted() if f.negative else found
    tell(made, case.total)
    return made


def _by_time(case: Case, operator: str, time_ns: int) -> RowSet:
    at = timeline.at_time(case, time_ns)
    after = timeline.at_time(case, time_ns + 1) if operator in (">", "<=", "=") else at
    if operator in (">", ">="):
        return rowset.between(case.total, after if operator == ">" else at, case.total)
    if operator == "=":
        return rowset.between(case.total, at, after)
    return rowset.between(case.total, 0, after if operator == "<=" else at)
