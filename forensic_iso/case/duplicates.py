"""Events that several sources hold (live log, archive, export, shadow copy): one row stays, all places are booked."""

import duckdb

from parsers.contract import Table
from parsers.evtx.schema import EVTX_CHUNK, TABLES

PLACE = frozenset(
    {
        "source_id",
        "record_offset",
        "header_record_id",
        "written_utc",
        "origin",
        "damaged",
        "chunk_crc_ok",
    }
)
"""Columns that tell where a record stood, not what it says."""


def drop_copies(con: duckdb.DuckDBPyConnection) -> int:
    """Keep one row per event; returns the number of copies booked in `event_copy`.

    Same event: equal host, channel, record id, time, and every other column that is not about the place. Only logs
    whose record ids overlap with another source's are looked at, so that a case without copies pays one scan.
    """
    row = con.execute("SELECT count(*) FROM source WHERE kind = 'evtx' AND rows > 0").fetchone()
    if row is None or row[0] < 2:
        return 0
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE overlap AS
        WITH span AS (
          SELECT host, channel, source_id, min(record_id) AS lo, max(record_id) AS hi
          FROM event WHERE record_id IS NOT NULL GROUP BY ALL
        )
        SELECT DISTINCT a.host, a.channel
        FROM span a JOIN span b ON a.host = b.host AND a.channel = b.channel AND a.source_id <> b.source_id
        WHERE a.lo <= b.hi AND b.lo <= a.hi
        """
    )
    row = con.execute("SELECT count(*) FROM overlap").fetchone()
    if row is None or not row[0]:
        return 0
    return sum(_drop_in(con, t) for t in TABLES if t is not EVTX_CHUNK)


def _drop_in(con: duckdb.DuckDBPyConnection, table: Table) -> int:
    payload = ", ".join(f'"{n}"' for n in table.column_names() if n not in PLACE)
    con.execute("BEGIN")
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE copy AS
        SELECT source_id, record_offset, kept_source_id, kept_record_offset FROM (
          SELECT source_id, record_offset,
            first_value(source_id) OVER w AS kept_source_id, first_value(record_offset) OVER w AS kept_record_offset
          FROM "{table.name}" t SEMI JOIN overlap o ON t.host = o.host AND t.channel = o.channel
          WHERE record_id IS NOT NULL
          WINDOW w AS (PARTITION BY host, channel, record_id, time_utc, hash({payload})
            ORDER BY coalesce(damaged, false), origin = 'slack', source_id, record_offset)
        ) WHERE (source_id, record_offset) <> (kept_source_id, kept_record_offset)
        """
    )
    con.execute("INSERT INTO event_copy SELECT * FROM copy")
    con.execute(
        f'DELETE FROM "{table.name}" WHERE (source_id, record_offset) IN (SELECT (source_id, record_offset) FROM copy)'
    )
    row = con.execute("SELECT count(*) FROM copy").fetchone()
    con.execute("COMMIT")
    return int(row[0]) if row else 0
