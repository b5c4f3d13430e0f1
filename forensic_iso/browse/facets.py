"""How often each value of a column stands in the view."""

from forensic_iso.browse.case import Case
from forensic_iso.browse.filters import FIELDS
from forensic_iso.browse.rowset import RowSet

MOST = 1000
"""Values listed; the screen says where there are more."""

SMALL = 200_000
"""Up to this many rows are handed to DuckDB by number; larger sets are counted by blocks."""


def facet(case: Case, column: str, members: RowSet | None) -> list[tuple[object, int]]:
    """Values with their counts, most frequent first, of all rows or of a set.

    Args:
        case: the case.
        column: one of the columns a filter can name, or "summary".
        members: the rows in view; None: all.
    """
    if column not in (*FIELDS, "summary"):
        raise ValueError(f"no column to count: {column}")
    if members is None:
        return _counted(case, f"SELECT {column} AS v, count(*) AS n FROM timeline GROUP BY 1", [])
    if len(members) <= SMALL:
        return _counted(
            case,
            f"SELECT {column} AS v, count(*) AS n FROM timeline"
            " WHERE rid IN (SELECT unnest(?::BIGINT[])) GROUP BY 1",
            [members.slice(0, len(members))],
        )
    return _by_blocks(case, column, members)


def _counted(case: Case, query: str, values: list[object]) -> list[tuple[object, int]]:
    rows = case.rows(f"{query} ORDER BY n DESC, v LIMIT {MOST}", values)
    return [(v, int(str(n))) for v, n in rows]


def _by_blocks(case: Case, column: str, members: RowSet) -> list[tuple[object, int]]:
    """Large sets: the flags go to DuckDB as a blob of bits, so that no list of millions is built."""
    packed = bytes(members.bits)
    return _counted(
        case,
        f"SELECT {column} AS v, count(*) AS n FROM timeline, (SELECT ?::BLOB::BIT AS flags)"
        " WHERE get_bit(flags, (rid // 8 * 8 + 7 - rid % 8)::INTEGER) = 1 GROUP BY 1",
        [packed],
    )
