import duckdb
import pytest

from parsers.contract import Column, Table
from parsers.hives import amcache, software, system, user, usrclass

TABLES = {
    t.name: t for parser in (system, software, amcache, user, usrclass) for t in parser.TABLES
}


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_moments_are_expressions_over_the_table(table: Table):
    con = duckdb.connect()
    columns = ", ".join(f'"{c.name}" {c.type.value}' for c in table.columns)
    con.execute(f'CREATE TABLE "{table.name}" ({columns})')

    for moment in table.moments:
        where = f" WHERE {moment.where}" if moment.where else ""
        con.execute(f'SELECT "{moment.time}", {moment.summary} FROM "{table.name}"{where}')

    assert table.address in table.column_names()
    assert table.time is None or table.time in table.column_names()


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_columns_are_declared_once_and_said(table: Table):
    names = table.column_names()

    assert len(names) == len(set(names))
    assert all(isinstance(c, Column) and len(c.comment) >= 10 for c in table.columns)


def test_shared_tables_are_the_same_object():
    shared = [t for t in system.TABLES if t.name == "host_setting"]

    assert shared[0] in software.TABLES


def test_kinds_of_timeline_rows_differ():
    kinds = [m.kind for t in TABLES.values() for m in t.moments]

    assert len(kinds) == len(set(kinds))
