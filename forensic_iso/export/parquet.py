"""Parquet by DuckDB's own writer, partitioned as `TABLE/host=HOST/NNNN.parquet`, with the schema beside it.

Each file is written by one thread, so that its rows keep their order and its bytes are the same at each run; several
files are written at once.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb

from forensic_iso.export.stream import Counter
from forensic_iso.export.tables import Part, Piece, cut, parts, present_tables
from forensic_iso.folder import put, safe_name

ROW_GROUP = 122_880
ROW_GROUP_BYTES = 128 << 20
FILE_ROWS = 8 * ROW_GROUP
SCHEMA = "schema.json"
NO_HOST = "__HIVE_DEFAULT_PARTITION__"
"""The name that readers of such folders take as NULL."""


def export(con: duckdb.DuckDBPyConnection, out: Path, exact: bool, counter: Counter) -> None:
    """All tables that hold rows. Values are the case's own, so `exact` changes nothing."""
    files = [f for part in parts(con) for f in _files(con, part, out)]

    def write(file: tuple[Path, Piece]) -> None:
        with con.cursor() as own:
            _write(own, *file)

    with ThreadPoolExecutor(counter.workers) as pool:
        for (path, piece), _ in zip(files, pool.map(write, files), strict=True):
            counter.files.append({"path": path.relative_to(out).as_posix(), "rows": piece.rows})
            counter.add(piece.table, piece.rows)
    _drop_others(con, out, {path for path, _ in files})
    put(out / SCHEMA, (json.dumps(schema(con), indent=1) + "\n").encode())
    counter.files.append({"path": SCHEMA})


def _files(con: duckdb.DuckDBPyConnection, part: Part, out: Path) -> Iterator[tuple[Path, Piece]]:
    has_host = "host" in part.table.column_names()
    host = f"host={safe_name(part.host) if part.host is not None else NO_HOST}"
    folder = out / part.table.name / host if has_host else out / part.table.name
    folder.mkdir(parents=True, exist_ok=True)
    runs = (run for piece in part.pieces for run in cut(con, piece, FILE_ROWS))
    for number, run in enumerate(runs):
        yield folder / f"{number:04d}.parquet", run


def _write(con: duckdb.DuckDBPyConnection, path: Path, piece: Piece) -> None:
    fresh = path.with_name(path.name + ".part")
    target = str(fresh).replace("'", "''")
    con.execute(
        f"COPY ({piece.query}) TO '{target}' (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE {ROW_GROUP},"
        f" ROW_GROUP_SIZE_BYTES {ROW_GROUP_BYTES})",
        list(piece.parameters),
    )
    fresh.replace(path)


def _drop_others(con: duckdb.DuckDBPyConnection, out: Path, written: set[Path]) -> None:
    """Files of an earlier export to the same folder: who reads all files of a table must not meet them."""
    for table in present_tables(con):
        for path in (out / table.name).rglob("*.parquet"):
            if path not in written:
                path.unlink()


def schema(con: duckdb.DuckDBPyConnection) -> dict[str, object]:
    """Tables and columns with their types and meanings."""
    return {
        t.name: {
            "comment": t.comment,
            "address": t.address,
            "time": t.time,
            "columns": [
                {"name": c.name, "type": c.type.value, "comment": c.comment} for c in t.columns
            ],
        }
        for t in present_tables(con)
    }
