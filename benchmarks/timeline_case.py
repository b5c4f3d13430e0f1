"""Make a case with a timeline of any length, by DuckDB alone: python benchmarks/timeline_case.py CASE [ROWS].

The rows are synthetic: hosts, sources and kinds mixed in every part of the time, three rows to a moment, texts of about
80 characters. The other tables are those of a fresh case, with a few findings, sessions and processes.
"""

import argparse
import time
from pathlib import Path

import duckdb

ROWS = 10_000_000

FILL = """
INSERT INTO timeline
SELECT
    i AS rid,
    make_timestamp_ns(1704067200000000000 + (i // 3) * 4000000000 // $scale) AS time_utc,
    'WS-' || lpad((hash(i) % 40)::VARCHAR, 4, '0') AS host,
    ['$MFT', 'Sysmon', 'Security', 'System', 'VHDMP', 'Prefetch', 'PowerShell', 'Registry', 'LNK', 'Defender', 'SRUM',
     'USN'][1 + (hash(i * 7 + 1) % 20 % 12)::INTEGER] AS source,
    CASE WHEN hash(i * 7 + 1) % 20 % 12 BETWEEN 1 AND 4 THEN (1 + hash(i * 3) % 26)::UINTEGER END AS event_id,
    ['file_created', 'process_create', 'logon', 'event', 'virtual_disk', 'run', 'script_block', 'value'][1 + (hash(i * 7 + 1) % 8)::INTEGER] AS kind,
    (CASE WHEN hash(i * 11) % 1000 = 0 THEN 4 WHEN hash(i * 11) % 1000 < 20 THEN 2 ELSE 0 END)::UTINYINT AS severity,
    'C:\\Users\\user' || (hash(i * 13) % 200) || '\\AppData\\Local\\Temp\\'
        || CASE WHEN hash(i * 17) % 500 = 0 THEN 'invoice_' || (i % 97) || '.iso' ELSE 'setup_' || (hash(i * 19) % 5000) || '.tmp' END
        || ' by C:\\Windows\\System32\\svchost.exe (' || (1000 + hash(i * 23) % 9000) || ')' AS summary,
    'source' || (hash(i) % 40) AS source_id,
    'event_other' AS table_name,
    (i * 512)::VARCHAR AS row_address
FROM range($first, $last) t(i)
"""

FINDINGS = """
INSERT INTO finding BY NAME
SELECT 'finding' || n AS finding_id, 'WS-' || lpad(n::VARCHAR, 4, '0') AS host,
    'C:\\Users\\user' || n || '\\Downloads\\invoice_' || n || '.iso' AS image_path, 'executed' AS verdict,
    'high' AS severity, (90 - n)::DOUBLE AS score, 0.9 AS confidence, 'synthetic' AS reasons,
    make_timestamp_ns(1704067200000000000 + n * 1000000000) AS first_utc
FROM range(20) t(n)
"""


def make(case: Path, rows: int, step: int = 1_000_000) -> float:
    """Make the case; returns the seconds it took."""
    from forensic_iso.case.store import open_writer

    started = time.perf_counter()
    with open_writer(case) as con:
        con.execute("SET preserve_insertion_order = true")
        fill(con, rows, step)
        con.execute(FINDINGS)
        con.execute("CHECKPOINT")
    return time.perf_counter() - started


def fill(con: duckdb.DuckDBPyConnection, rows: int, step: int = 1_000_000) -> None:
    """Fill the table `timeline` of an open case."""
    scale = max(1, rows // 10_000_000)
    for first in range(0, rows, step):
        con.execute(FILL, {"first": first, "last": min(first + step, rows), "scale": scale})


def main() -> None:
    """Make the case named on the command line."""
    asked = argparse.ArgumentParser(description="Make a case with a timeline of any length.")
    asked.add_argument("case", type=Path)
    asked.add_argument("rows", type=int, nargs="?", default=ROWS)
    given = asked.parse_args()
    case, rows = Path(given.case), int(given.rows)
    seconds = make(case, rows)
    size = (case / "case.duckdb").stat().st_size
    print(f"{rows:,} rows, {size / 1e6:,.0f} MB, {seconds:.0f} s")


if __name__ == "__main__":
    main()
