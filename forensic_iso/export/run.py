"""One export: opens the case, writes the folder of a format, and its manifest."""

from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol, cast

import duckdb

from forensic_iso.answers import require
from forensic_iso.case import store
from forensic_iso.case.alone import cores
from forensic_iso.export.stream import Counter, Report
from forensic_iso.folder import claim, write_manifest

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
MEMORY_LIMIT = "128MB"
"""Of the database for what is streamed: its cache of the case file grows to this and no further; a sort spills."""
MEMORY_LIMITS = {"parquet": "1GB", "bodyfile": "1GB"}
"""The writer of Parquet holds a row group for each thread, the bodyfile joins all records of a file table."""
WHOLE = ("csv", "jsonl", "parquet")
"""Formats that take all tables; for these the progress knows how much is to come."""

READ = (*WHOLE, "bodyfile")
"""Formats that tell what was read; the others rest on the correlation."""


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
    """Write one format of a case to a folder; `threads`: those that write Parquet, by default as many as cores.

    Raises:
        CaseError: the case cannot be opened.
        UsageError: the folder holds files and `force` is not set; or the format tells of findings and the case has none yet.
    """
    with TemporaryDirectory() as scratch, _open(case, form, Path(scratch)) as con:
        if form not in READ:
            require(con, case, "exporting")
        claim(con, out, force)
        counter = Counter(report, _expected(con, form), workers=threads or cores())
        module = cast(Form, import_module(f"forensic_iso.export.{MODULES[form]}"))
        module.export(con, out, exact, counter)
    about: dict[str, object] = {"what": f"export {form}", "exact": exact, "contents": counter.files}
    write_manifest(out, about, [str(f["path"]) for f in counter.files])
    return counter


def _open(case: Path, form: str, scratch: Path) -> duckdb.DuckDBPyConnection:
    """A read-only connection of bounded memory; only Parquet, which the database writes itself, may reach files.

    One thread for each query: rows come as they lie, and no second thread holds blocks of rows that wait for their turn.
    """
    store.open_reader(case).close()
    limit = MEMORY_LIMITS.get(form, MEMORY_LIMIT)
    con = duckdb.connect(
        str(store.database(case)),
        read_only=True,
        config={"memory_limit": limit, "temp_directory": str(scratch)},
    )
    con.execute(
        "SET threads = 1; SET preserve_insertion_order = false; SET TimeZone = 'UTC'; SET autoload_known_extensions = false"
    )
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
