"""One export: opens the case, writes the folder of a format, and its manifest."""

from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

import duckdb

from forensic_iso.case import store
from forensic_iso.export.stream import Counter, Report
from forensic_iso.report.write import claim, write_manifest

MODULES = {
    "csv": "csvform",
    "jsonl": "jsonl",
    "parquet": "parquet",
    "timesketch": "timesketch",
    "l2tcsv": "l2tcsv",
    "bodyfile": "bodyfile",
    "stix": "stix",
    "navigator": "navigator",
    "misp": "misp",
}
FORMATS = tuple(MODULES)
MEMORY_LIMIT = "1GB"
WHOLE = ("csv", "jsonl", "parquet")
"""Formats that take all tables; for these the progress knows how much is to come."""


class Form(Protocol):
    """What a format's module offers."""

    def export(
        self, con: duckdb.DuckDBPyConnection, out: Path, exact: bool, counter: Counter
    ) -> None:
        """Write the files of the format."""
        ...


def run(
    case: Path,
    form: str,
    out: Path,
    exact: bool,
    force: bool,
    report: Report,
    threads: int | None = None,
) -> Counter:
    """Write one format of a case to a folder; `threads` bounds the database's, by default all cores.

    Raises:
        CaseError: the case cannot be opened.
        UsageError: the folder holds files and `force` is not set.
    """
    with _open(case, form, threads) as con:
        claim(out, force)
        counter = Counter(report, _expected(con, form))
        module = cast(Form, import_module(f"forensic_iso.export.{MODULES[form]}"))
        module.export(con, out, exact, counter)
    about: dict[str, object] = {"what": f"export {form}", "exact": exact, "contents": counter.files}
    write_manifest(out, about)
    return counter


def _open(case: Path, form: str, threads: int | None) -> duckdb.DuckDBPyConnection:
    """A read-only connection of bounded memory; only Parquet, which the database writes itself, may reach files."""
    store.open_reader(case).close()
    con = duckdb.connect(
        str(store.database(case)), read_only=True, config={"memory_limit": MEMORY_LIMIT}
    )
    if threads is not None:
        con.execute(f"SET threads = {int(threads)}")
    con.execute("SET TimeZone = 'UTC'; SET autoload_known_extensions = false")
    if form != "parquet":
        con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")
    return con


def _expected(con: duckdb.DuckDBPyConnection, form: str) -> int:
    if form not in WHOLE:
        row = con.execute("SELECT count(*) FROM timeline").fetchone()
        return int(row[0]) * (2 if form == "timesketch" else 1) if row else 0
    row = con.execute("SELECT sum(estimated_size)::BIGINT FROM duckdb_tables()").fetchone()
    return int(row[0] or 0) if row else 0
