"""Pages of the timeline, and places in it. Row number, physical order and order of time are one."""

from collections.abc import Sequence
from typing import NamedTuple

from forensic_iso.browse.case import Case

COLUMNS = (
    "rid",
    "epoch_ns(time_utc)",
    "host",
    "source",
    "event_id",
    "kind",
    "severity",
    "summary",
    "source_id",
    "table_name",
    "row_address",
)
_SELECT = f"SELECT {', '.join(COLUMNS)} FROM timeline WHERE rid "


class Row(NamedTuple):
    """One row of the timeline; `time_ns` in ns since 1970 UTC."""

    rid: int
    time_ns: int
    host: str | None
    source: str | None
    event_id: int | None
    kind: str | None
    severity: int | None
    summary: str | None
    source_id: str | None
    table_name: str
    row_address: str | None

    @property
    def stable_id(self) -> str:
        """Name of the row that lasts when the case is correlated anew."""
        return (
            f"row/{self.source_id or '-'}/{self.table_name}/{self.kind}"
            f"/{self.time_ns}/{self.row_address}"
        )


def page(case: Case, first: int, last: int) -> list[Row]:
    """Rows `first` to `last` (inclusive) by number: the cost does not grow with the place."""
    return [
        Row(*r)  # type: ignore[arg-type]
        for r in case.rows(f"{_SELECT} BETWEEN ? AND ? ORDER BY rid", [first, last])
    ]


def chosen(case: Case, rids: Sequence[int]) -> list[Row]:
    """Rows of these numbers, in order of number.

    A join on a list is cheaper than IN (1, 2, ...), and the bounds let DuckDB pass over row groups.
    """
    if not rids:
        return []
    if rids[-1] - rids[0] == len(rids) - 1:
        return page(case, rids[0], rids[-1])
    return [
        Row(*r)  # type: ignore[arg-type]
        for r in case.rows(
            f"{_SELECT} BETWEEN ? AND ? AND rid IN (SELECT unnest(?::BIGINT[])) ORDER BY rid",
            [rids[0], rids[-1], list(rids)],
        )
    ]


def at_time(case: Case, time_ns: int) -> int:
    """Number of the first row at or after a time; the total where there is none."""
    found = case.rows(
        "SELECT rid FROM timeline WHERE time_utc >= make_timestamp_ns(?) ORDER BY time_utc, rid LIMIT 1",
        [time_ns],
    )
    return int(str(found[0][0])) if found else case.total


def bounds(case: Case) -> tuple[int, int] | None:
    """Time of the first and the last row in ns, None for an empty timeline."""
    if not case.total:
        return None
    first, last = page(case, 0, 0), page(case, case.total - 1, case.total - 1)
    return first[0].time_ns, last[0].time_ns


def of_finding(case: Case, finding_id: str) -> list[int]:
    """Numbers of the rows a finding rests on, and of the finding's own parts."""
    return _numbers(
        case,
        "SELECT t.rid FROM timeline t JOIN evidence_ref r"
        " ON r.source_id = t.source_id AND r.row_address = t.row_address WHERE r.subject_id = $1"
        " UNION SELECT rid FROM timeline WHERE source_id IS NULL AND row_address IN ("
        "SELECT $1 UNION SELECT part_id FROM finding_part WHERE finding_id = $1)"
        " ORDER BY 1",
        [finding_id],
    )


def of_subject(case: Case, subject: str) -> list[int]:
    """Numbers of the rows behind a delivery, session, execution or act, and of its own row."""
    return _numbers(
        case,
        "SELECT t.rid FROM timeline t JOIN evidence_ref r"
        " ON r.source_id = t.source_id AND r.row_address = t.row_address WHERE r.subject_id = $1"
        " UNION SELECT rid FROM timeline WHERE source_id IS NULL AND row_address = $1 ORDER BY 1",
        [subject],
    )


def of_addresses(case: Case, places: Sequence[tuple[str | None, str]]) -> list[int]:
    """Numbers of the rows at (source, address) pairs."""
    if not places:
        return []
    return _numbers(
        case,
        "SELECT DISTINCT t.rid FROM timeline t JOIN"
        " (SELECT unnest($1::VARCHAR[]) AS s, unnest($2::VARCHAR[]) AS a) p"
        " ON p.a = t.row_address AND p.s IS NOT DISTINCT FROM t.source_id ORDER BY 1",
        [[s for s, _ in places], [a for _, a in places]],
    )


def of_stable_ids(case: Case, subjects: Sequence[str]) -> dict[int, str]:
    """Row numbers of stable ids (`Row.stable_id`); those not in the case any more are left out."""
    wanted = {s for s in subjects if s.startswith("row/")}
    addresses = sorted({s.split("/", 5)[5] for s in wanted if s.count("/") >= 5})
    if not addresses:
        return {}
    rows = case.rows(
        f"SELECT {', '.join(COLUMNS)} FROM timeline"
        " WHERE row_address IN (SELECT unnest(?::VARCHAR[]))",
        [addresses],
    )
    found = [Row(*r) for r in rows]  # type: ignore[arg-type]
    return {r.rid: r.stable_id for r in found if r.stable_id in wanted}


def of_findings(case: Case) -> list[int]:
    """Numbers of the rows that are findings."""
    return _numbers(case, "SELECT rid FROM timeline WHERE table_name = 'finding' ORDER BY 1", [])


def _numbers(case: Case, query: str, parameters: Sequence[object]) -> list[int]:
    return [int(str(r[0])) for r in case.rows(query, parameters)]
