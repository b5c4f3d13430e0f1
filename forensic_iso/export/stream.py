"""Frames of a query, one bounded block after the other, with the progress line."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import duckdb
import polars as pl
import pyarrow as pa

BLOCK_ROWS = 50_000
BLOCK_BYTES = 16 << 20
"""A block ends at so many rows or bytes, whichever comes first."""
BATCH_ROWS = 4096
TIME_FORM = "%Y-%m-%dT%H:%M:%S%.9fZ"
"""ISO 8601 in UTC with all nine digits: 100 ns steps are kept."""

Report = Callable[[str, int, int], None]


@dataclass(slots=True)
class Counter:
    """Rows written so far, for the progress line and the manifest; `workers`: threads that write."""

    report: Report = lambda what, done, total: None
    total: int = 0
    done: int = 0
    neutralised: int = 0
    files: list[dict[str, object]] = field(default_factory=list)
    workers: int = 1

    def add(self, what: str, rows: int) -> None:
        """Count rows and show how far it is."""
        self.done += rows
        self.report(what, self.done, max(self.total, self.done))


def blocks(
    con: duckdb.DuckDBPyConnection, query: str, parameters: tuple[object, ...] = ()
) -> Iterator[pl.DataFrame]:
    """The result in blocks of bounded rows and bytes; nothing else is held."""
    held: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in con.cursor().sql(query, params=list(parameters)).to_arrow_reader(BATCH_ROWS):
        if held and (rows + batch.num_rows > BLOCK_ROWS or size + batch.nbytes > BLOCK_BYTES):
            yield _frame(held)
            held, rows, size = [], 0, 0
        if batch.num_rows:
            held.append(batch)
            rows += batch.num_rows
            size += batch.nbytes
    if held:
        yield _frame(held)


def _frame(batches: list[pa.RecordBatch]) -> pl.DataFrame:
    return pl.DataFrame(pl.from_arrow(pa.Table.from_batches(batches)))


def printable(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with times as ISO text and bytes as hex; other values as they are."""
    return frame.with_columns(
        *[
            pl.col(n).dt.strftime(TIME_FORM) if t.is_temporal() else pl.col(n).bin.encode("hex")
            for n, t in frame.schema.items()
            if t.is_temporal() or t == pl.Binary
        ]
    )
