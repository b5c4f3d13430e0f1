"""CSV: one file per table. Formulas are neutralised unless the exact bytes are asked for; the manifest says which."""

from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import duckdb
import polars as pl

from forensic_iso import text
from forensic_iso.export.stream import Counter, blocks, printable
from forensic_iso.export.tables import pieces, present_tables

SUSPECT = r"^[\s\u00a0]*[=+\-@|%\u{ff1d}\u{ff0b}\u{ff0d}\u{ff20}\u{2212}]|[^ -~]"
"""What may need treatment; whether it does, `text.csv_cell` decides."""
PLACEHOLDER = "-"
"""Windows' and plaso's sign for an empty value: alone it is no formula, and it is in every second cell."""


def neutralised(frame: pl.DataFrame, counter: Counter) -> pl.DataFrame:
    """Text cells safe for spreadsheets; the altered cells are counted."""
    out = []
    for name, kind in frame.schema.items():
        if kind != pl.String:
            continue
        series = frame[name]
        mask = (series.str.contains(SUSPECT) & (series != PLACEHOLDER)).fill_null(False)
        if not mask.any():
            continue
        suspects = series.filter(mask).to_list()
        safe = [text.csv_cell(v) for v in suspects]
        counter.neutralised += sum(a != b for a, b in zip(suspects, safe, strict=True))
        out.append(series.scatter(mask.arg_true(), safe))
    return frame.with_columns(out) if out else frame


def write_frame(
    sink: BinaryIO, frame: pl.DataFrame, exact: bool, counter: Counter, head: bool
) -> None:
    """Append a block. RFC 4180: CRLF line ends, quotes where needed, UTF-8 without a mark."""
    ready = printable(frame)
    ready = ready if exact else neutralised(ready, counter)
    held = BytesIO()
    ready.write_csv(held, include_header=head, line_terminator="\r\n", quote_style="necessary")
    sink.write(held.getbuffer())


def write_query(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    queries: list[tuple[str, tuple[object, ...]]],
    exact: bool,
    counter: Counter,
) -> int:
    """A CSV file of the rows of several queries with the same columns, one after the other."""
    rows = 0
    fresh = path.with_name(path.name + ".part")
    with fresh.open("wb") as sink:
        for query, parameters in queries:
            for block in blocks(con, query, parameters):
                write_frame(sink, block, exact, counter, head=rows == 0)
                rows += block.height
                counter.add(path.name, block.height)
        if not rows:
            names = [d[0] for d in con.execute(queries[0][0], list(queries[0][1])).description]
            sink.write((",".join(names) + "\r\n").encode())
    fresh.replace(path)
    return rows


def export(con: duckdb.DuckDBPyConnection, out: Path, exact: bool, counter: Counter) -> None:
    """All tables that hold rows."""
    for table in present_tables(con):
        found = pieces(con, table)
        if not found:
            continue
        before = counter.neutralised
        queries = [(p.query, p.parameters) for p in found]
        rows = write_query(con, out / f"{table.name}.csv", queries, exact, counter)
        counter.files.append(
            {
                "path": f"{table.name}.csv",
                "rows": rows,
                "csv_neutralised": not exact,
                "cells_altered": counter.neutralised - before,
            }
        )
