"""plaso's l2tcsv: 17 fixed columns, times to the second (legacy; Timesketch JSONL keeps all digits)."""

from pathlib import Path

import duckdb

from forensic_iso.export import csvform
from forensic_iso.export.stream import Counter
from forensic_iso.export.timesketch import windows

QUERY = """
SELECT
    strftime(t.time_utc::TIMESTAMP, '%m/%d/%Y') AS date,
    strftime(t.time_utc::TIMESTAMP, '%H:%M:%S') AS time,
    'UTC' AS timezone,
    CASE
        WHEN t.source = '$MFT' AND starts_with(t.kind, 'file_') THEN concat(
            CASE WHEN m.stamps LIKE '%modified%' THEN 'M' ELSE '.' END, CASE WHEN m.stamps LIKE '%accessed%' THEN 'A' ELSE '.' END,
            CASE WHEN m.stamps LIKE '%mft changed%' THEN 'C' ELSE '.' END, CASE WHEN m.stamps LIKE '%created%' THEN 'B' ELSE '.' END)
        WHEN t.kind LIKE '%create%' OR t.kind LIKE '%delivered%' THEN '...B'
        ELSE '....'
    END AS MACB,
    CASE WHEN t.event_id IS NOT NULL THEN 'EVT' WHEN t.source = '$MFT' THEN 'FILE' ELSE 'LOG' END AS source,
    coalesce(t.source, '-') AS sourcetype,
    t.kind AS type,
    '-' AS user,
    coalesce(nullif(t.host, ''), '-') AS host,
    coalesce(nullif(left(replace(replace(t.summary, chr(10), ' '), chr(13), ' '), 80), ''), '-') AS short,
    coalesce(nullif(replace(replace(t.summary, chr(10), ' '), chr(13), ' '), ''), '-') AS "desc",
    2 AS version,
    coalesce(s.path, '-') AS filename,
    '-' AS inode,
    coalesce('event ' || t.event_id, '-') AS notes,
    coalesce(s.kind, '-') AS format,
    concat('table: ', t.table_name, '; address: ', t.row_address, '; severity: ', t.severity) AS extra
FROM timeline t
LEFT JOIN source s USING (source_id)
-- Times of a file that are alike are one row, which names them at its end.
CROSS JOIN LATERAL (SELECT regexp_extract(t.summary, ': ([a-z, ]+)$', 1) AS stamps) m
WHERE t.rid >= ? AND t.rid < ?
ORDER BY t.rid
"""


def export(con: duckdb.DuckDBPyConnection, out: Path, exact: bool, counter: Counter) -> None:
    """The timeline."""
    rows = csvform.write_query(con, out / "l2t.csv", windows(con, QUERY), exact, counter)
    counter.files.append(
        {
            "path": "l2t.csv",
            "rows": rows,
            "csv_neutralised": not exact,
            "cells_altered": counter.neutralised,
        }
    )
