"""One case for each host of a case, with a page and a CSV that sum them up.

Nothing is read or correlated again: each step of the correlation keeps to one host, so a host's rows are its case. Files
that tell no host, and problems of no file, stand in each of the cases. The cases are made anew at each call; notes that were
written in one of them stay.
"""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb

from forensic_iso.batch import CASES, Collected, summary_of
from forensic_iso.case import annotations, store
from forensic_iso.case.schema import SOURCE, case_tables, quote
from forensic_iso.correlate import timeline
from forensic_iso.correlate.schema import TIMELINE
from forensic_iso.folder import safe_name
from parsers.contract import HOST, SOURCE_ID, Table

HOSTS = "hosts"
"""Folder below the whole case."""
LARGE = "large"
"""Name under which the whole case is attached."""


def split(case: Path, out: Path) -> Iterator[Collected]:
    """Write `cases/HOST` below `out` for each host of the case, and give what is in it, by name.

    Raises:
        CaseError: the case cannot be opened.
    """
    with store.open_reader(case) as con:
        filled = [t for t in case_tables() if t is not TIMELINE and _has_rows(con, t)]
        former = con.execute("SELECT host, alias FROM host_alias ORDER BY ALL").fetchall()
        ended = {alias for _, alias in former}
        hosts = [str(h) for (h,) in con.execute(_hosts(filled)).fetchall() if h not in ended]
    folders = _folders(hosts)
    for host in hosts:
        target = out / CASES / folders[host]
        fresh = target.with_name(f".{target.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        with store.open_writer(fresh) as con:
            _fill(con, case, [host, *(a for h, a in former if h == host)], filled)
            done = replace(summary_of(con, host, folders[host]), unit="host")
        if (target / annotations.FILE).is_file():
            shutil.copy2(target / annotations.FILE, fresh / annotations.FILE)
        shutil.rmtree(target, ignore_errors=True)
        fresh.rename(target)
        yield done


def _folders(hosts: list[str]) -> dict[str, str]:
    """A folder for each host; names that become alike are told apart by a number."""
    out: dict[str, str] = {}
    for host in hosts:
        name, number = safe_name(host), 2
        while name in out.values():
            name, number = f"{safe_name(host)}-{number}", number + 1
        out[host] = name
    return out


def _has_rows(con: duckdb.DuckDBPyConnection, table: Table) -> bool:
    return con.execute(f'SELECT 1 FROM "{table.name}" LIMIT 1').fetchone() is not None


def _hosts(tables: list[Table]) -> str:
    parts = [f'SELECT host FROM "{t.name}"' for t in tables if HOST.name in t.column_names()]
    return f"SELECT DISTINCT host FROM ({' UNION ALL '.join(parts)}) WHERE host <> '' ORDER BY host"


def _fill(
    con: duckdb.DuckDBPyConnection, case: Path, names: list[str], filled: list[Table]
) -> None:
    """What the case holds of a host under any of its names: evidence keeps the name of its time."""
    con.execute(f"ATTACH {quote(str(store.database(case)))} AS {LARGE} (READ_ONLY)")
    con.execute("BEGIN")
    con.execute("DELETE FROM case_info")
    con.execute(f"CREATE TEMP TABLE kept AS {_sources(filled)}", {"names": names})
    own = f"host IN ({', '.join(quote(name) for name in names)})"
    for table in filled:
        columns = table.column_names()
        if table is SOURCE:
            where = "source_id IN (FROM kept) OR host IS NULL"
        elif {HOST.name, SOURCE_ID.name} <= set(columns):
            silent = "coalesce(host, '') = '' AND source_id IN (FROM kept)"
            where = f"{own} OR ({silent})"
        elif HOST.name in columns:
            where = own
        elif SOURCE_ID.name in columns:
            silent = f"SELECT source_id FROM {LARGE}.source WHERE host IS NULL"
            where = f"source_id IN (FROM kept) OR source_id IS NULL OR source_id IN ({silent})"
        else:
            where = "TRUE"
        con.execute(
            f'INSERT INTO "{table.name}" BY NAME SELECT * FROM {LARGE}."{table.name}" WHERE {where}'
        )
    timeline.build(con)
    con.execute("COMMIT")
    con.execute(f"DETACH {LARGE}")
    con.execute("CHECKPOINT")


def _sources(tables: list[Table]) -> str:
    """Artifacts that hold rows of the host: a log of forwarded events belongs to many."""
    parts = [
        f'SELECT source_id FROM {LARGE}."{t.name}" WHERE list_contains($names, host)'
        for t in tables
        if {HOST.name, SOURCE_ID.name} <= set(t.column_names())
    ]
    return " UNION ".join(parts)
