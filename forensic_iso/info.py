"""Listings of what a case holds."""

import duckdb

Listing = tuple[list[str], list[tuple[object, ...]]]

SUMMARY = """
SELECT 'hosts' AS what, (SELECT count(DISTINCT host) FROM source WHERE host IS NOT NULL)::BIGINT AS number,
       (SELECT string_agg(DISTINCT host, ', ' ORDER BY host) FROM source) AS detail
UNION ALL SELECT 'sources ' || state, count(*), string_agg(DISTINCT kind, ', ' ORDER BY kind) FROM source GROUP BY state
UNION ALL SELECT 'problems ' || severity, count(*), string_agg(DISTINCT code, ', ' ORDER BY code) FROM problem
  GROUP BY severity
UNION ALL SELECT 'copies of events', count(*), NULL FROM event_copy
UNION ALL SELECT 'events', count(*), min(time_utc)::VARCHAR || ' to ' || max(time_utc)::VARCHAR FROM event
UNION ALL SELECT '$MFT records', count(*), NULL FROM mft_entry
UNION ALL SELECT 'image deliveries', count(*), NULL FROM image_delivery
UNION ALL SELECT 'mount sessions', count(*), NULL FROM mount_session
UNION ALL SELECT 'executions', count(*), NULL FROM execution
UNION ALL SELECT 'follow-on acts', count(*), NULL FROM follow_on
UNION ALL SELECT 'findings', count(*), string_agg(verdict, ', ' ORDER BY verdict) FROM finding
"""

QUERIES = {
    "summary": SUMMARY,
    "sources": "SELECT host, state, kind, rows, problems, bytes, path, remark, sha256, source_id FROM source"
    " ORDER BY state, host, path",
    "problems": "SELECT severity, code, path, place, expected, found, message FROM problem"
    " ORDER BY severity, code, path, place",
    "coverage": "SELECT * FROM coverage ORDER BY ALL",
}


def listing(con: duckdb.DuckDBPyConnection, show: str) -> Listing:
    """Column names and rows of one listing: summary, sources, problems, coverage or tables."""
    if show == "tables":
        return _tables(con)
    cursor = con.execute(QUERIES[show])
    return [d[0] for d in cursor.description], cursor.fetchall()


def _tables(con: duckdb.DuckDBPyConnection) -> Listing:
    names = con.execute(
        "SELECT table_name, comment FROM duckdb_tables() UNION ALL "
        "SELECT view_name, comment FROM duckdb_views() WHERE NOT internal ORDER BY 1"
    ).fetchall()
    rows: list[tuple[object, ...]] = []
    for name, comment in names:
        count = con.execute(f'SELECT count(*) FROM "{name}"').fetchone()
        rows.append((name, count[0] if count else 0, comment))
    return ["table", "rows", "comment"], rows
