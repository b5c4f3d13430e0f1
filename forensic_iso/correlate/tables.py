"""Tables that the correlation reads and fills: made anew, asked for rows, seen as one."""

from collections.abc import Sequence

import duckdb

from forensic_iso.correlate.schema import DERIVED_TABLES
from parsers.contract import Table
from parsers.evtx.schema import EVENT_OTHER
from parsers.evtx.schema import TABLES as EVTX_TABLES

_EVENT_COLUMNS = (
    "host, channel, record_id, time_utc, event_id, provider, damaged, origin, "
    "source_id, record_offset"
)

Columns = list[tuple[str, str, str | None]]
"""Name, type and comment of each column."""


def with_rows(con: duckdb.DuckDBPyConnection, names: Sequence[str]) -> set[str]:
    """Those of the tables that hold a row; all of them must be there."""
    if not names:
        return set()
    asked = " UNION ALL ".join(f"(SELECT '{name}' FROM \"{name}\" LIMIT 1)" for name in names)
    return {str(name) for (name,) in con.execute(asked).fetchall()}


def empty_derived(con: duckdb.DuckDBPyConnection) -> None:
    """Leave all derived tables there and empty; what is so already is not made again."""
    there = _columns(con)
    like = [t for t in DERIVED_TABLES if there.get(t.name) == _declared(t)]
    fresh = {t.name for t in like} - with_rows(con, [t.name for t in like])
    for table in DERIVED_TABLES:
        if table.name not in fresh:
            _create(con, table)


def event_time_sql(con: duckdb.DuckDBPyConnection) -> str:
    """A temporary view over the System columns of all events, for coverage and clocks.

    Tables without rows are left out: each of them would be planned at each use.
    """
    names = [t.name for t in EVTX_TABLES if {"record_id", "channel"} <= set(t.column_names())]
    if EVENT_OTHER.name not in names:
        raise AssertionError("the rest of the events is a table of events")
    filled = with_rows(con, names) | {EVENT_OTHER.name}
    parts = [
        f"SELECT {_EVENT_COLUMNS}, '{name}' AS table_name FROM \"{name}\""
        for name in names
        if name in filled
    ]
    return "CREATE OR REPLACE TEMP VIEW event_time AS " + " UNION ALL ".join(parts)


def _columns(con: duckdb.DuckDBPyConnection) -> dict[str, Columns]:
    found: dict[str, Columns] = {}
    rows = con.execute(
        "SELECT table_name, column_name, data_type, comment FROM duckdb_columns()"
        " WHERE database_name = current_database() AND schema_name = 'main' AND NOT internal"
        " ORDER BY table_name, column_index"
    ).fetchall()
    for table, name, kind, comment in rows:
        found.setdefault(str(table), []).append((str(name), str(kind), comment))
    return found


def _declared(table: Table) -> Columns:
    return [(c.name, c.type.value, c.comment) for c in table.columns]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _create(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    columns = ", ".join(f'"{c.name}" {c.type.value}' for c in table.columns)
    comments = [f'COMMENT ON TABLE "{table.name}" IS {_quoted(table.comment)}'] + [
        f'COMMENT ON COLUMN "{table.name}"."{c.name}" IS {_quoted(c.comment)}'
        for c in table.columns
    ]
    con.execute(f'CREATE OR REPLACE TABLE "{table.name}" ({columns});' + ";".join(comments))
