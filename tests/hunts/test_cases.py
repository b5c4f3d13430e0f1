"""Runs the cases of the TOML files beside this module: evidence in, hits of the hunts out (tests/toml_cases.py).

Derived tables (mount_session, execution, ...) are given as rows, not correlated: a case holds what the hunt reads.
"""

import tomllib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import duckdb
import pytest

from forensic_iso.case.schema import create_sql, evidence_tables
from forensic_iso.correlate.run import load_rules
from forensic_iso.correlate.schema import DERIVED_TABLES
from forensic_iso.hunts import all_hunts, views_sql
from tests.toml_cases import HOST, Row, cases, check, completed, full_time, insert, rows_of

FOLDER = Path(__file__).parent
OF_ONE_EXPORT = {"hunt_kql_inner", "hunt_kql_default", "hunt_nearest", "hunt_image_load"}
"""Hunts over Defender's export alone: their cases are in tests/test_hunts.py."""
PLAIN = {"hunt_parameter": ("as_of", "days")} | {t.name: t.column_names() for t in DERIVED_TABLES}
"""Tables without provenance of their own."""


def _row(table: str, row: Row, serial: dict[str, int]) -> Row:
    if table in PLAIN:
        host = {"host": HOST} if "host" in PLAIN[table] else {}
        return host | {k: full_time(v) for k, v in row.items()}
    if table.startswith("mde_"):
        serial[table] = serial.get(table, 0) + 1
        row = {
            "report_id": serial[table],
            "row_address": serial[table],
            "device_name": "pc1.x",
        } | row
    return completed(table, row, serial)


@pytest.fixture(scope="module")
def base() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database with all tables, the rules and the views."""
    con = duckdb.connect()
    con.execute(create_sql((*evidence_tables(), *DERIVED_TABLES)))
    words = [[name, value] for name, values in load_rules().lists.items() for value in values]
    con.executemany("INSERT INTO rule_list VALUES (?, ?)", words)
    con.execute(views_sql())
    yield con
    con.close()


@pytest.mark.parametrize("case", list(cases(FOLDER)))
def test_hunt(base: duckdb.DuckDBPyConnection, case: Row) -> None:
    base.execute("BEGIN")
    try:
        serial: dict[str, int] = {}
        for table, entries in case["rows"].items():
            for row in entries:
                insert(base, table, _row(table, row, serial))

        check(partial(rows_of, base), case)
    finally:
        base.execute("ROLLBACK")


@pytest.mark.parametrize("hunt", sorted({h.name for h in all_hunts()} - OF_ONE_EXPORT))
def test_every_hunt_has_rows_that_it_finds_and_rows_that_it_leaves(hunt: str) -> None:
    every = [
        case
        for file in FOLDER.glob("*.toml")
        for case in tomllib.loads(file.read_text(encoding="utf-8"))["case"]
    ]

    assert any(c.get("expect", {}).get(hunt) for c in every)
    assert any(c.get("none", {}).get(hunt) or c.get("count", {}).get(hunt) == 0 for c in every)
