"""Opening a case folder: for the one writer, and for readers."""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from forensic_iso.errors import CaseError, SystemFault

DATABASE = "case.duckdb"
LOCK = "case.lock"
LOG = "log.jsonl"
HELD = "Could not set lock on file"
"""What DuckDB says of a file that another process has open; of a damaged one it names blocks."""
MEMORY_LIMIT = "700MB"
"""DuckDB's own bound while writing; the frames that wait for an INSERT come on top."""


def database(case: Path) -> Path:
    """The DuckDB file of a case folder."""
    return case / DATABASE


def _describe_lock(case: Path) -> str:
    try:
        held = json.loads((case / LOCK).read_text(encoding="utf-8"))
        return f"process {held['pid']} since {held['since']}"
    except (OSError, ValueError, KeyError):
        return "another process"


@contextlib.contextmanager
def _lock(case: Path) -> Iterator[None]:
    """Hold the case's lock; the lock file names the holder.

    Raises:
        CaseError: another process holds it.
    """
    with (case / LOCK).open("a+", encoding="utf-8") as f:
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as e:
            raise CaseError(
                f"opening the case {case} for writing: it is held by {_describe_lock(case)}; wait for it to end"
            ) from e
        f.seek(0)
        f.truncate()
        json.dump({"pid": os.getpid(), "since": datetime.now(UTC).isoformat(timespec="seconds")}, f)
        f.flush()
        try:
            yield
        finally:
            f.seek(0)
            f.truncate()


def _make(case: Path) -> None:
    """A new database appears whole or not at all: it is made under another name and renamed."""
    from forensic_iso.case import empty

    fresh = case / (DATABASE + ".new")
    for leftover in (fresh, fresh.with_name(fresh.name + ".wal")):
        leftover.unlink(missing_ok=True)
    empty.place(fresh)
    fresh.rename(database(case))


def _folder_is_usable(case: Path) -> bool:
    ours = {DATABASE, DATABASE + ".wal", DATABASE + ".new", DATABASE + ".new.wal", LOCK, LOG}
    return database(case).exists() or all(p.name in ours for p in case.iterdir())


@contextlib.contextmanager
def open_writer(case: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open or create a case for writing; one writer at a time.

    Raises:
        CaseError: the folder is not a case, is of another schema, cannot be opened, or is locked.
        SystemFault: the folder cannot be made.
    """
    try:
        case.mkdir(parents=True, exist_ok=True)
    except FileExistsError as e:
        raise CaseError(
            f"opening the case {case}: expected a folder, found a file; give another --case"
        ) from e
    except OSError as e:
        raise SystemFault(
            f"making the case folder {case}: {e.strerror}; give another --case"
        ) from e
    if not _folder_is_usable(case):
        raise CaseError(
            f"opening the case {case}: expected {DATABASE} or an empty folder, found other files; give another --case"
        )
    with _lock(case):
        if not database(case).exists():
            _make(case)
        con = _connect(case, read_only=False)
        try:
            con.execute(
                f"SET memory_limit = '{MEMORY_LIMIT}'; SET threads = 1; SET preserve_insertion_order = false"
            )
            yield con
        finally:
            con.close()


def open_reader(case: Path, memory_limit: str | None = None) -> duckdb.DuckDBPyConnection:
    """Open a case read-only, sealed: no access to other files, configuration locked.

    Args:
        case: the folder.
        memory_limit: bound of DuckDB's own memory ("200MB"); None: DuckDB's default.

    Raises:
        CaseError: there is no case, or it cannot be opened.
    """
    if not database(case).is_file():
        raise CaseError(
            f"opening the case {case}: expected {DATABASE} in it, found none; give the folder of --case"
        )
    con = _connect(case, read_only=True)
    con.execute("SET TimeZone = 'UTC'")
    if memory_limit is not None:
        con.execute("SET memory_limit = ?", [memory_limit])
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")
    return con


def _connect(case: Path, read_only: bool) -> duckdb.DuckDBPyConnection:
    from forensic_iso.case.version import SCHEMA_VERSION

    try:
        con = duckdb.connect(str(database(case)), read_only=read_only)
    except duckdb.Error as e:
        first = str(e).splitlines()[0]
        if HELD in str(e):
            raise CaseError(
                f"opening the case {case}: it is held by {_describe_lock(case)}; wait for it to end"
            ) from e
        hint = f"is {DATABASE} a case of forensic-iso?"
        if "Corrupt" in first or "enough bytes" in first:
            hint = f"{DATABASE} is damaged: analyse the evidence anew into another folder"
        raise CaseError(f"opening the case {case}: {first}; {hint}") from e
    try:
        row = con.execute("SELECT value FROM case_info WHERE key = 'schema_version'").fetchone()
    except duckdb.Error as e:
        con.close()
        raise CaseError(
            f"opening the case {case}: expected the table case_info, found none; not a case"
        ) from e
    if row is None or row[0] != str(SCHEMA_VERSION):
        con.close()
        found = row[0] if row else "none"
        raise CaseError(
            f"opening the case {case}: expected schema {SCHEMA_VERSION}, found {found}; analyse the evidence anew"
        )
    return con


def log(case: Path, what: str, **fields: object) -> None:
    """Append one structured line to the case's log."""
    entry = {
        "time_utc": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "what": what,
        **fields,
    }
    with (case / LOG).open("a", encoding="utf-8") as f:
        f.write(json.dumps(entry, ensure_ascii=True, default=str) + "\n")
