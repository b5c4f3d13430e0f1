import duckdb
import pytest

from parsers import (
    activities,
    bits,
    defender_history,
    defender_quarantine,
    i30,
    job,
    mplog,
    pca,
    psreadline,
    recent_file_cache,
    setupapi,
    srum,
    task,
    usnjrnl,
    wer,
)
from parsers.browser import chromium, firefox, webcache
from parsers.contract import HOST, SOURCE_ID, Table
from parsers.hives.time_zone import LOCAL_TIME_OFFSET

PARSERS = (
    usnjrnl,
    chromium,
    firefox,
    setupapi,
    mplog,
    defender_history,
    pca,
    i30,
    srum,
    task,
    psreadline,
    activities,
    bits,
    webcache,
    wer,
    recent_file_cache,
    defender_quarantine,
    job,
)
TABLES = {t.name: t for parser in PARSERS for t in parser.TABLES}


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_moments_are_expressions_over_the_table(table: Table) -> None:
    con = duckdb.connect()
    for made in (table, LOCAL_TIME_OFFSET):
        columns = ", ".join(f'"{c.name}" {c.type.value}' for c in (*made.columns, HOST, SOURCE_ID))
        con.execute(f'CREATE TABLE "{made.name}" ({columns})')

    for moment in table.moments:
        where = f" WHERE {moment.where}" if moment.where else ""
        relation = moment.joined or f'"{table.name}"'
        con.execute(f'SELECT "{moment.time}", {moment.summary} FROM {relation} AS t{where}')

    assert table.address in table.column_names()
    assert table.time is None or table.time in table.column_names()


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_columns_are_declared_once_and_said(table: Table) -> None:
    names = table.column_names()

    assert len(names) == len(set(names))
    assert [c.name for c in table.columns if len(c.comment) < 10] == []


def test_kinds_of_timeline_rows_and_of_parsers_differ() -> None:
    moments = [m.kind for t in TABLES.values() for m in t.moments]
    kinds = [parser.KIND for parser in PARSERS]

    assert len(moments) == len(set(moments))
    assert len(kinds) == len(set(kinds))


def test_no_local_time_gives_a_row_of_the_timeline() -> None:
    assert [m.time for t in TABLES.values() for m in t.moments if not m.time.endswith("_utc")] == []
