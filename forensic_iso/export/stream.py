"""Frames of a query, one bounded block after the other, with the progress line."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import duckdb
import polars as pl

BLOCK_ROWS = 50_000
TIME_FORM = "%Y-%m-%dT%H:%M:%S%.9fZ"
"""ISO 8601 in UTC with all nine digits: 100 ns steps are kept."""

Report = Callable[[str, int, int], None]


@dataclass(slots=True)
class Counter:
    """Rows written so far, for the progress line and the manifest."""

    report: Report = lambda what, done, total: None
    total: int = 0
    done: int = 0
    neutralised: int = 0
    files: list[dict[str, object]] = field(default_factory=list)

    def add(self, what: str, rows: int) -> None:
        """Count rows and show how far it is."""
        self.done += rows
        self.report(what, self.done, max(self.total, self.done))


def blocks(
    con: duckdb.DuckDBPyConnection, query: str, parameters: tuple[object, ...] = ()
) -> Iterator[pl.DataFrame]:
    """The result in blocks of `BLOCK_ROWS` rows; nothing else is held."""
    for batch in con.cursor().sql(query, params=list(parameters)).to_arrow_reader(BLOCK_ROWS):
        if batch.num_rows:
            frame = pl.from_arrow(batch)
            if isinstance(frame, pl.DataFrame):
                yield frame


def printable(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with times as ISO text and bytes as hex; other values as they are."""
    return frame.with_columns(
        *[
            pl.col(n).dt.strftime(TIME_FORM) if t.is_temporal() else pl.col(n).bin.encode("hex")
            for n, t in frame.schema.items()
            if t.is_temporal() or t == pl.Binary
        ]
    )
