"""Runs the cases of the TOML files beside this module: evidence in, derived rows out (tests/toml_cases.py)."""

from functools import cache
from pathlib import Path

import duckdb
import pytest

from forensic_iso.case.schema import CASE_INFO, PROBLEM, SOURCE, create_sql, evidence_tables
from forensic_iso.correlate.run import run
from tests.toml_cases import HOST, Row, cases, check, completed, full_time, insert


@cache
def empty() -> duckdb.DuckDBPyConnection:
    """A database with the tables of the evidence; made once, as its three thousand comments take half a second."""
    con = duckdb.connect()
    con.execute("SET threads = 1")
    con.execute(create_sql((SOURCE, PROBLEM, CASE_INFO, *evidence_tables())))
    return con


def built(case: Row) -> duckdb.DuckDBPyConnection:
    """The case's database, correlated; that of the case before is emptied for it."""
    con = empty()
    for table in (SOURCE, PROBLEM, CASE_INFO, *evidence_tables()):
        con.execute(f'DELETE FROM "{table.name}"')
    rows = case.get("rows", {})
    hosts = {r.get("host", HOST) for table in rows.values() for r in table}
    for host in sorted((hosts | {HOST}) - set(case.get("exported", []))):
        con.execute(
            "INSERT INTO source (source_id, host, kind, state) VALUES (?, ?, 'mft', 'done')",
            ["mft", host],
        )
    for key, moment in case.get("window", {}).items():
        con.execute(
            "INSERT INTO case_info SELECT ?, epoch_ns(CAST(? AS TIMESTAMP_NS))::VARCHAR",
            [key, full_time(moment)],
        )
    serial: dict[str, int] = {}
    for table, entries in rows.items():
        for row in entries:
            insert(con, table, completed(table, row, serial))
    run(con)
    return con


@pytest.mark.parametrize("case", list(cases(Path(__file__).parent)))
def test_correlation(case: Row) -> None:
    check(built(case), case)
