"""Rows of shadow copies that say what the volume's own row says: the volume's stays, how many went is told."""

from collections.abc import Sequence

import duckdb

from forensic_iso.case.schema import with_provenance
from forensic_iso.case.writer import insert_problems
from parsers.contract import Problem, Severity, Table
from parsers.registry import by_kind

STATE = frozenset({"current"})
"""Columns that tell the state a row is of, not what it says."""
_NEWEST = 1 << 30
_FOLDER = r"(!/|/[A-Za-z](?::|_|%3A)?/)[Vv][Ss][Ss][_-]?(\d+)/"
"""A shadow copy's folder: at the root of an archive or of an image's volume, or in the drive's folder."""
_LIVE_PATH = rf"regexp_replace(path, '{_FOLDER}', '\1')"
_SNAPSHOT = f"TRY_CAST(regexp_extract(path, '{_FOLDER}', 2) AS INTEGER)"


def drop_unchanged(con: duckdb.DuckDBPyConnection) -> None:
    """Delete rows of shadow copies that the volume, or a newer shadow copy, has as well; a problem row tells how many.

    The same row: of the same file, at the same address in it, equal in every column but `current`. What stands at one
    address (a record of the `$MFT`: its entry, names, streams) goes only as a whole. Events have their own rule
    (`duplicates`).
    """
    older = con.execute(
        f"SELECT source_id, kind, path FROM source WHERE {_SNAPSHOT} IS NOT NULL AND rows > 0 AND kind <> 'evtx'"
        f" ORDER BY {_SNAPSHOT}, path"  # the oldest first: what it is compared with is still whole
    ).fetchall()
    for source, kind, path in older:
        con.execute("BEGIN")  # a kill leaves no row that is gone and not told
        _drop_one(con, source, kind, path)
        con.execute("COMMIT")


def _drop_one(con: duckdb.DuckDBPyConnection, source: str, kind: str, path: str) -> None:
    dropped = _drop(con, by_kind(kind).TABLES, source)
    if not dropped:
        return
    problem = Problem(
        "unchanged_in_shadow_copy",
        "file",
        "rows that differ from those of the volume",
        f"{dropped} rows that are equal",
        "each is kept once: of the volume, or of the newest shadow copy that has it",
        Severity.INFO,
    )
    insert_problems(con, source, path, [problem])
    con.execute("UPDATE source SET problems = problems + 1 WHERE source_id = ?", [source])


def _drop(con: duckdb.DuckDBPyConnection, tables: Sequence[Table], source: str) -> int:
    con.execute("CREATE OR REPLACE TEMP TABLE changed (place VARCHAR)")
    given = {"id": source}
    for table in tables:
        columns = [n for n in with_provenance(table).column_names() if n != "source_id"]
        con.execute(
            f"""
            INSERT INTO changed SELECT DISTINCT a."{table.address}" FROM "{table.name}" a ANTI JOIN "{table.name}" b
            ON b.source_id IN ({newer_sources()}) AND {same_row(columns)}
            WHERE a.source_id = $id AND a."{table.address}" IS NOT NULL
            """,
            given,
        )
    dropped = 0
    for table in tables:
        row = con.execute(
            f'DELETE FROM "{table.name}" WHERE source_id = $id'
            f' AND "{table.address}"::VARCHAR NOT IN (SELECT place FROM changed)',
            given,
        ).fetchone()
        dropped += int(row[0]) if row else 0
    con.execute("DROP TABLE changed")
    return dropped


def newer_sources(schema: str = "main") -> str:
    """Query for the artifacts that are newer states of the one named $id: the volume's and newer shadow copies'."""
    return (
        f"SELECT n.source_id FROM {schema}.source n, {schema}.source o WHERE o.source_id = $id AND n.kind = o.kind"
        f" AND n.given IS NOT DISTINCT FROM o.given AND {_of('n', _LIVE_PATH)} = {_of('o', _LIVE_PATH)}"
        f" AND coalesce({_of('n', _SNAPSHOT)}, {_NEWEST}) > {_of('o', _SNAPSHOT)}"
    )


def same_row(columns: list[str]) -> str:
    """Condition that the rows `a` and `b` of a table say the same at the same address."""
    return " AND ".join(f'a."{n}" IS NOT DISTINCT FROM b."{n}"' for n in columns if n not in STATE)


def _of(alias: str, expression: str) -> str:
    return expression.replace("(path,", f"({alias}.path,")
