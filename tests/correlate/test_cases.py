"""Runs the cases of the TOML files beside this module: evidence in, derived rows out (tests/toml_cases.py).

The cases of a file are correlated together, each on hosts of its own: planning the SQL is nearly all that a small case
costs, and as no join crosses hosts, none may see another. What a case says is then asked of the rows of its hosts.
"""

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable
from functools import cache, partial
from pathlib import Path

import duckdb
import pytest

from forensic_iso.case.schema import CASE_INFO, PROBLEM, SOURCE, create_sql, evidence_tables
from forensic_iso.correlate.run import run
from tests.toml_cases import HOST, Row, check, completed, full_time, insert, rows_of

FOLDER = Path(__file__).parent
MARK = re.compile(r"~\d{3}")
"""Behind the names of a case's hosts and of their artifacts while it is correlated with others."""
Rows = dict[str, list[Row]]


@cache
def empty() -> duckdb.DuckDBPyConnection:
    """A database with the tables of the evidence; made once, as its three thousand comments take half a second."""
    con = duckdb.connect()
    con.execute("SET threads = 1")
    con.execute(create_sql((SOURCE, PROBLEM, CASE_INFO, *evidence_tables())))
    return con


def hosts_of(case: Row) -> set[str]:
    """Hosts that the case's evidence speaks of."""
    return {r.get("host", HOST) for table in case.get("rows", {}).values() for r in table} | {HOST}


def evidence(case: Row) -> Rows:
    """The case's rows in full, and an $MFT that was read for each host that has more than exports."""
    serial: dict[str, int] = {}
    rows = {
        table: [completed(table, row, serial) for row in given]
        for table, given in case.get("rows", {}).items()
    }
    read = [
        {"source_id": "mft", "host": host, "kind": "mft", "state": "done"}
        for host in sorted(hosts_of(case) - set(case.get("exported", [])))
    ]
    return {**rows, SOURCE.name: [*read, *rows.get(SOURCE.name, [])]}


def marked(case: Row, mark: str) -> Rows:
    """The case's evidence with the mark behind each name of its hosts and artifacts."""
    names = "|".join(re.escape(host) for host in sorted(hosts_of(case) - {None}, key=len))
    host = re.compile(rf"(?<![A-Za-z0-9_])(?:{names})(?![A-Za-z0-9_])", re.IGNORECASE)

    def told(column: str, value: object) -> object:
        if column == "source_id":
            return f"{value}{mark}"
        return host.sub(rf"\g<0>{mark}", value) if isinstance(value, str) else value

    return {
        table: [{column: told(column, value) for column, value in row.items()} for row in rows]
        for table, rows in evidence(case).items()
    }


def correlated(rows: Iterable[Rows], window: Row) -> duckdb.DuckDBPyConnection:
    """The database of such evidence, correlated; that of the one before is emptied for it."""
    con = empty()
    for declared in (SOURCE, PROBLEM, CASE_INFO, *evidence_tables()):
        con.execute(f'DELETE FROM "{declared.name}"')
    for key, moment in window.items():
        con.execute(
            "INSERT INTO case_info SELECT ?, epoch_ns(CAST(? AS TIMESTAMP_NS))::VARCHAR",
            [key, full_time(moment)],
        )
    for tables in rows:
        for table, entries in tables.items():
            for row in entries:
                insert(con, table, row)
    run(con)
    return con


def built(case: Row) -> duckdb.DuckDBPyConnection:
    """The case's database, correlated alone."""
    return correlated([evidence(case)], case.get("window", {}))


@cache
def listed(file: Path) -> tuple[Row, ...]:
    """The cases of a file."""
    return tuple(tomllib.loads(file.read_text(encoding="utf-8"))["case"])


def stands_alone(case: Row) -> bool:
    """Whether it cannot be read together with others: a window holds for all, and ids are made of names of hosts."""
    return "window" in case or "subject_id" in str(case)


@cache
def together(file: Path) -> dict[str, Rows]:
    """By mark and table: the rows of the hosts of each case of a file."""
    cases = {f"~{n:03d}": case for n, case in enumerate(listed(file)) if not stands_alone(case)}
    con = correlated([marked(case, mark) for mark, case in cases.items()], {})
    asked = {
        t for c in cases.values() for what in ("expect", "none", "count") for t in c.get(what, {})
    }
    out: dict[str, Rows] = defaultdict(lambda: defaultdict(list))
    for table in asked:
        for row in rows_of(con, table):
            said = next(filter(None, map(MARK.search, filter(_is_text, row.values()))))
            plain = {k: MARK.sub("", v) if _is_text(v) else v for k, v in row.items()}
            out[said[0]][table].append(plain)
    return out


def _is_text(value: object) -> bool:
    return isinstance(value, str)


@pytest.mark.parametrize(
    ("file", "number"),
    [
        pytest.param(file, n, id=f"{file.stem}-{case['name']}")
        for file in sorted(FOLDER.glob("*.toml"))
        for n, case in enumerate(listed(file))
    ],
)
def test_correlation(file: Path, number: int) -> None:
    case = listed(file)[number]
    if stands_alone(case):
        check(partial(rows_of, built(case)), case)
        return
    try:
        check(together(file)[f"~{number:03d}"].__getitem__, case)
    except AssertionError:
        check(partial(rows_of, built(case)), case)
        raise  # it holds alone: another host of the run has changed it
