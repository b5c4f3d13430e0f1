"""Parquet by DuckDB's own writer, partitioned as `TABLE/host=HOST/NNNN.parquet`, with the schema beside it."""

import json
from pathlib import Path

import duckdb

from forensic_iso.export.stream import Counter
from forensic_iso.export.tables import parts, present_tables
from forensic_iso.report.write import put, safe_name

ROW_GROUP = 122_880
NO_HOST = "__HIVE_DEFAULT_PARTITION__"
"""The name that readers of such folders take as NULL."""


def export(con: duckdb.DuckDBPyConnection, out: Path, exact: bool, counter: Counter) -> None:
    """All tables that hold rows. Values are the case's own, so `exact` changes nothing."""
    for part in parts(con):
        has_host = "host" in part.table.column_names()
        host = f"host={safe_name(part.host) if part.host is not None else NO_HOST}"
        folder = out / part.table.name / host if has_host else out / part.table.name
        folder.mkdir(parents=True, exist_ok=True)
        for number, piece in enumerate(part.pieces):
            path = folder / f"{number:04d}.parquet"
            fresh = path.with_name(path.name + ".part")
            target = str(fresh).replace("'", "''")
            con.execute(
                f"COPY ({piece.query}) TO '{target}' (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE {ROW_GROUP})",
                list(piece.parameters),
            )
            fresh.replace(path)
            counter.files.append({"path": path.relative_to(out).as_posix(), "rows": piece.rows})
            counter.add(part.table.name, piece.rows)
    put(out / "schema.json", (json.dumps(schema(con), indent=1) + "\n").encode())


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
