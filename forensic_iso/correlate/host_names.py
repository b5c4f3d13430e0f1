"""One name for a host that bore several: temporary views give the steps of the correlation the last one."""

import duckdb

from forensic_iso.correlate.schema import DERIVED_TABLES
from parsers.contract import HOST, SOURCE_ID

AFTER = "00_host_name.sql"
"""The step that finds former names, and after which the views stand."""


def unite(con: duckdb.DuckDBPyConnection) -> bool:
    """Hide each table of rows of artifacts behind a view with the last names, if a host was renamed.

    The tables keep the names of their time. Returns whether a host was renamed.
    """
    if not con.execute("SELECT 1 FROM renamed LIMIT 1").fetchone():
        return False
    for name in _tables(con):
        con.execute(
            f'CREATE OR REPLACE TEMP VIEW "{name}" AS'
            f' SELECT t.* REPLACE (coalesce(n.host, t.host) AS host) FROM {_place(con)}."{name}" t'
            " LEFT JOIN renamed n ON n.source_id = t.source_id AND n.alias = t.host"
        )
    return True


def part(con: duckdb.DuckDBPyConnection) -> None:
    """Take the views away again."""
    rows = con.execute("SELECT view_name FROM duckdb_views() WHERE temporary").fetchall()
    hidden = set(_tables(con)) & {str(r[0]) for r in rows}
    for name in sorted(hidden):
        con.execute(f'DROP VIEW temp."{name}"')


def _place(con: duckdb.DuckDBPyConnection) -> str:
    row = con.execute("SELECT current_database()").fetchone()
    return '"' + str(row[0] if row else "").replace('"', '""') + '".main'


def _tables(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Tables of the case with a host and an artifact."""
    found = con.execute(
        "SELECT table_name FROM duckdb_columns() WHERE database_name = current_database()"
        " AND schema_name = 'main' AND NOT internal AND column_name IN (?, ?)"
        " AND table_name IN (SELECT table_name FROM duckdb_tables() WHERE NOT temporary)"
        " GROUP BY table_name HAVING count(*) = 2 ORDER BY table_name",
        [HOST.name, SOURCE_ID.name],
    ).fetchall()
    derived = {t.name for t in DERIVED_TABLES}
    return [str(r[0]) for r in found if r[0] not in derived]
