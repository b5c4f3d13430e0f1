"""Rows of the timeline on their way out: to the clipboard, to a file, into a note."""

from collections.abc import Iterator, Sequence

from forensic_iso.browse.filters import format_ns
from forensic_iso.browse.timeline import Row
from tui.rows import TimelineSource
from tui.widgets.timeline import Timeline

COPIED_MOST = 10_000
"""Rows that are copied at once."""
STEP = 10_000
"""Rows read at once for a file."""

NAMES = (
    *("rid", "time_utc", "host", "source", "event_id", "kind", "severity", "summary"),
    *("source_id", "table_name", "row_address"),
)


def about(row: Row) -> str:
    """A row in one line, as a note keeps it."""
    return f"{format_ns(row.time_ns)} UTC {row.host or ''} {row.source or ''} {row.summary or ''}"


def copied(table: Timeline) -> str:
    """The selected rows as tab-separated lines, in raw text."""
    rows = [table.row(p) for p in table.selected]
    return "\n".join("\t".join(_plain(r)) for r in rows if isinstance(r, Row))


def _plain(row: Row) -> list[str]:
    values = [f"{format_ns(row.time_ns)}Z", *row[2:]]
    return ["" if v is None else str(v) for v in values]


def batches(source: TimelineSource) -> Iterator[Sequence[Sequence[object]]]:
    """The rows in view, some thousand at once, by the columns of `NAMES`; times with 9 digits."""
    for first in range(0, source.count(), STEP):
        rows = source.reader(first, min(first + STEP, source.count()))()
        yield [
            [row.rid, f"{format_ns(row.time_ns, 9)}Z", *row[2:]]
            for row in rows
            if isinstance(row, Row)
        ]
