"""JSON lines: one file per table, one object a line, values unaltered."""

from io import BytesIO
from pathlib import Path

import duckdb

from forensic_iso.export.stream import Counter, blocks, printable
from forensic_iso.export.tables import pieces, present_tables


def write_query(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    queries: list[tuple[str, tuple[object, ...]]],
    counter: Counter,
) -> int:
    """A file of the rows of several queries, one after the other."""
    rows = 0
    fresh = path.with_name(path.name + ".part")
    with fresh.open("wb") as sink:
        for query, parameters in queries:
            for block in blocks(con, query, parameters):
                held = BytesIO()
                printable(block).write_ndjson(held)
                sink.write(held.getbuffer())
                rows += block.height
                counter.add(path.name, block.height)
    fresh.replace(path)
    return rows


def export(con: duckdb.DuckDBPyConnection, out: Path, exact: bool, counter: Counter) -> None:
    """All tables that hold rows. JSON needs no neutralising, so `exact` changes nothing."""
    for table in present_tables(con):
        found = pieces(con, table)
        if found:
            name = f"{table.name}.jsonl"
            rows = write_query(con, out / name, [(p.query, p.parameters) for p in found], counter)
            counter.files.append({"path": name, "rows": rows})
