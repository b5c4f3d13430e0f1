"""From filters to sets of rows, block by block in order of time, so that first hits show before the end."""

from collections.abc import Callable, Iterable

import duckdb

from forensic_iso.browse import anywhere, processes, rowset, timeline
from forensic_iso.browse.case import Case, fault_of
from forensic_iso.browse.filters import Filter, FilterError, condition
from forensic_iso.browse.rowset import RowSet
from forensic_iso.browse.steps import steps
from forensic_iso.browse.stop import Stop, Stopped

Tell = Callable[[RowSet | None, int], None]
"""Gets the set so far, None where a part of it would tell nothing, and the rows seen."""


def fill(
    case: Case,
    f: Filter,
    stop: Stop,
    backwards: bool = False,
    start: int = 0,
    tell: Tell = lambda found, done: None,
) -> RowSet | None:
    """The rows of a filter; None if stopped.

    Args:
        case: the case.
        f: the filter; its `on` does not matter.
        stop: set it from another thread to end early, also in the midst of a query.
        backwards: scan from the latest row.
        start: row to scan from, where not backwards.
        tell: called after each step.

    Raises:
        FilterError: the filter cannot be used.
    """
    try:
        with stop.over(case):
            if f.what == "any":
                return _anywhere(case, f, stop, tell)
            quick = _without_scan(case, f)
            if quick is None:
                return _by_steps(case, f, stop, steps(case.total, backwards, start), tell)
    except Stopped:
        return None
    except duckdb.Error as e:
        raise FilterError(f"filtering by {f.label}: {fault_of(e)}") from e
    found = quick.inverted() if f.negative else quick
    tell(found, case.total)
    return found


def _by_steps(
    case: Case, f: Filter, stop: Stop, ranges: Iterable[tuple[int, int]], tell: Tell
) -> RowSet:
    found = rowset.nothing(case.total)
    sql, parameters = condition(f)
    query = f"SELECT rid FROM timeline WHERE rid BETWEEN ? AND ? AND ({sql})"
    seen = 0
    for first, last in ranges:
        stop.check()
        values = [first, last - 1, *parameters]
        ids = case.cursor().execute(query, values).fetchnumpy()["rid"]
        found.put(first, last, ids, f.negative)
        seen += last - first
        tell(found, seen)
    found.recount()
    return found


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


def _anywhere(case: Case, f: Filter, stop: Stop, tell: Tell) -> RowSet:
    """A set that is turned round shows nothing before its end: what was not looked at is no row without the word."""
    found = rowset.nothing(case.total)
    for found, share in anywhere.rows_with(case, f.value, stop):
        if share < 1:
            tell(None if f.negative else found, int(share * case.total))
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
