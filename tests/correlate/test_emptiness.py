"""What must hold rows for a query to give one, and statements that are left out for it."""

import duckdb
import pytest

from forensic_iso.correlate.emptiness import ALWAYS, functions_per_row, may_give_rows, needs
from forensic_iso.correlate.statements import Learned, Runner


def read(select: str) -> set[frozenset[str]]:
    """The needs of a query, with two macros at hand."""
    con = duckdb.connect()
    con.execute("CREATE MACRO plain(x) AS upper(x); CREATE MACRO summed(x) AS sum(x)")
    return set(needs(con, select, functions_per_row(con)))


@pytest.mark.parametrize(
    ("select", "wanted"),
    [
        ("SELECT x FROM a", [{"a"}]),
        ("SELECT plain(x) FROM A", [{"a"}]),
        ("FROM timed('a')", [{"a"}]),
        ("SELECT 1 FROM a JOIN b USING (x)", [{"a", "b"}]),
        ("SELECT 1 FROM a, b", [{"a", "b"}]),
        ("SELECT 1 FROM a SEMI JOIN b USING (x)", [{"a", "b"}]),
        ("SELECT 1 FROM a LEFT JOIN b USING (x)", [{"a"}]),
        ("SELECT 1 FROM a ASOF LEFT JOIN b ON a.x >= b.x", [{"a"}]),
        ("SELECT 1 FROM a ANTI JOIN b USING (x)", [{"a"}]),
        ("FROM a UNION ALL FROM b", [{"a"}, {"b"}]),
        ("FROM a EXCEPT FROM b", [{"a"}]),
        ("WITH c AS (FROM a UNION ALL FROM b) SELECT 1 FROM c JOIN d USING (x)", [{"a", "d"}, {"b", "d"}]),
        ("WITH a AS (FROM b) FROM a", [{"b"}]),
        ("WITH RECURSIVE r AS (SELECT x FROM a UNION ALL SELECT x FROM r JOIN b USING (x)) FROM r", [{"a"}]),
        ("SELECT x, max(y) FROM a GROUP BY x", [{"a"}]),
        ("SELECT x, max(y) FROM a GROUP BY ALL", [{"a"}]),
        ("SELECT row_number() OVER (), (SELECT max(x) FROM b) FROM a", [{"a"}]),
        ("SELECT unnest(x) FROM a", [{"a"}]),
        ("FROM a UNION ALL SELECT x FROM a JOIN b USING (x)", [{"a"}]),
    ],
)  # fmt: skip
def test_needs_of_a_query(select: str, wanted: list[set[str]]) -> None:
    assert read(select) == {frozenset(w) for w in wanted}


@pytest.mark.parametrize(
    "select",
    [
        "SELECT 1",
        "SELECT max(x) FROM a",
        "SELECT 1 + count(*) FROM a GROUP BY ALL",
        "SELECT summed(x) FROM a",
        "SELECT unknown_function(x) FROM a",
        "SELECT x, sum(y) FROM a GROUP BY GROUPING SETS ((x), ())",
        "SELECT 1 FROM a HAVING TRUE",
        "FROM range(3)",
        "FROM (VALUES (1))",
        "SELECT 1 FROM a FULL JOIN b USING (x)",
        "SELECT 1 FROM a RIGHT JOIN b USING (x)",
        "SELECT 1 FROM a POSITIONAL JOIN b",
        "FROM a UNION ALL SELECT 1",
        "no query at all",
    ],
)
def test_queries_that_may_give_rows_out_of_nothing(select: str) -> None:
    assert read(select) == set(ALWAYS)


def test_rows_come_if_all_tables_of_one_set_are_filled() -> None:
    wanted = frozenset({frozenset({"a", "b"}), frozenset({"c"})})

    assert may_give_rows(wanted, {"c"}.__contains__)
    assert may_give_rows(wanted, {"a", "b"}.__contains__)
    assert not may_give_rows(wanted, {"a"}.__contains__)
    assert may_give_rows(ALWAYS, lambda _: False)


SQL = """
CREATE OR REPLACE TEMP TABLE first AS SELECT x, x * 1.5 AS y FROM given WHERE x > 1;
CREATE OR REPLACE TEMP TABLE second AS SELECT y, 'a' AS z FROM first;
INSERT INTO taken BY NAME SELECT z FROM second;
INSERT INTO taken SELECT 'always' FROM range(1);
"""


def outcome(con: duckdb.DuckDBPyConnection, memory: Learned, rows: list[int]) -> list[object]:
    """Rows and columns that the statements leave for these rows."""
    con.execute(
        "CREATE OR REPLACE TABLE given (x INTEGER); CREATE OR REPLACE TABLE taken (z VARCHAR)"
    )
    for row in rows:
        con.execute("INSERT INTO given VALUES (?)", [row])
    Runner(con, {"given": bool(rows), "taken": False}, memory).execute(SQL)
    memory.runs += 1
    return [
        con.execute(query).fetchall()
        for query in (
            "FROM taken",
            "FROM first",
            "FROM second",
            "DESCRIBE first",
            "DESCRIBE second",
        )
    ]


def test_statements_left_out_come_to_the_same_as_those_that_ran() -> None:
    inputs: list[list[int]] = [[], [1, 2], [], [1], [], [3]]
    con, memory = duckdb.connect(), Learned()

    learnt = [outcome(con, memory, rows) for rows in inputs]

    assert learnt == [outcome(duckdb.connect(), Learned(), rows) for rows in inputs]
    assert len(memory.columns) == 2


def test_rows_inserted_in_a_form_that_is_not_followed_are_seen_by_what_comes_after() -> None:
    con, memory = duckdb.connect(), Learned(runs=1)
    con.execute("CREATE TABLE taken (z VARCHAR, n INTEGER)")
    sql = (
        "INSERT INTO main.taken BY NAME SELECT 7 AS n;"
        "CREATE OR REPLACE TEMP TABLE after AS SELECT n FROM taken"
    )

    for _ in range(2):  # the columns of a table without rows are learnt first
        con.execute("DELETE FROM taken")
        Runner(con, {"taken": False}, memory).execute(sql)

    assert con.execute("FROM after").fetchall() == [(7,)]
