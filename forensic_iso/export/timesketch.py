"""Timesketch: CSV and JSONL with message, datetime (ISO 8601 with offset, all digits) and timestamp_desc.

Further columns are kept by Timesketch as attributes: timestamp is in microseconds since 1970.
"""

from pathlib import Path

import duckdb

from forensic_iso.export import csvform, jsonl
from forensic_iso.export.stream import Counter

QUERY = """
SELECT
    t.summary AS message,
    strftime(t.time_utc::TIMESTAMP, '%Y-%m-%dT%H:%M:%S') || '.' ||
        printf('%09d', ((epoch_ns(t.time_utc) % 1000000000) + 1000000000) % 1000000000) || '+00:00' AS datetime,
    t.kind AS timestamp_desc,
    epoch_us(t.time_utc) AS timestamp,
    t.host AS computer_name,
    t.source AS data_type,
    t.event_id AS event_identifier,
    list_extract(['none', 'info', 'low', 'medium', 'high', 'critical'], t.severity + 1) AS severity,
    s.path AS display_name,
    s.sha256 AS sha256_hash,
    t.table_name,
    t.row_address
FROM timeline t LEFT JOIN source s USING (source_id)
WHERE t.rid >= ? AND t.rid < ?
ORDER BY t.rid
"""
STEP = 250_000
"""Rows joined and put in order at once."""


def windows(con: duckdb.DuckDBPyConnection, query: str) -> list[tuple[str, tuple[object, ...]]]:
    """A query over the timeline cut by row number, so that no large sort is held."""
    row = con.execute("SELECT count(*) FROM timeline").fetchone()
    total = int(row[0]) if row else 0
    return [(query, (low, low + STEP)) for low in range(0, max(total, 1), STEP)]


def export(con: duckdb.DuckDBPyConnection, out: Path, exact: bool, counter: Counter) -> None:
    """The timeline in both forms; JSONL is the faithful one."""
    queries = windows(con, QUERY)
    rows = csvform.write_query(con, out / "timesketch.csv", queries, exact, counter)
    altered = counter.neutralised
    counter.files.append(
        {
            "path": "timesketch.csv",
            "rows": rows,
            "csv_neutralised": not exact,
            "cells_altered": altered,
        }
    )
    rows = jsonl.write_query(con, out / "timesketch.jsonl", queries, counter)
    counter.files.append({"path": "timesketch.jsonl", "rows": rows})
