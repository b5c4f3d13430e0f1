"""From a hive to batches: what all parsers of hives share.

A parser of one kind of hive is a tuple of sections: functions that take the open hive and yield `(table, row)`. Each
row ends with the columns of `PROVENANCE`, filled by `provenance(key, value)`.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import chain

from parsers.contract import Artifact, Batch, Column, Problem, Severity, Sql, Table
from parsers.evtx.problems import Problems
from parsers.hives.deleted_tree import Form, deleted_rows
from parsers.hives.deleted_tree import Row as Row
from parsers.hives.deleted_tree import Section as Section
from parsers.hives.keys import Key
from parsers.hives.logs import base_block
from parsers.hives.regf import Hive, HiveError, open_hive
from parsers.hives.values import Value
from parsers.rows import batches

BESIDE = (r"{name}\.LOG[12]?",)
"""Transaction logs of a hive stand beside it."""

PROVENANCE = (
    Column("key_path", Sql.TEXT, "Key below the root of the hive"),
    Column(
        "key_last_write_utc",
        Sql.TIME,
        "Last write of that key, UTC: the latest change of any of its values or subkeys",
    ),
    Column(
        "origin",
        Sql.TEXT,
        "hive; log: the cell's page was replayed from a transaction log, so the file itself holds older bytes there; "
        "deleted: from a cell no longer in use, its key by the cell's own parent; deleted_loose: so, its key told by the "
        "value's form only",
    ),
    Column("offset", Sql.I64, "Byte offset of the value's cell (of the key's, where no value) in the hive after replay"),
)  # fmt: skip
"""Last columns of every table read from hives; `offset` is the address."""
PRESENT = ("host_setting", "local_time_offset")
"""Tables that say what holds now: their column `current` is false for hives of an earlier state."""


def recoverable(table: Table) -> Table:
    """A table whose rows may come from deleted cells: its lines of the timeline say so."""
    said = "CASE WHEN starts_with(origin, 'deleted') THEN '(recovered from a deleted cell)' END"
    return replace(
        table,
        moments=tuple(
            replace(m, summary=f"concat_ws(' ', {m.summary}, {said})") for m in table.moments
        ),
    )


def provenance(key: Key, value: Value | None = None) -> dict[str, object]:
    """The columns of `PROVENANCE` for a row read from a key, or from one of its values."""
    cell = key if value is None else value
    return {
        "key_path": key.path,
        "key_last_write_utc": key.last_written_ns,
        "origin": cell.origin,
        "offset": cell.offset,
    }


def _with_host(batch: Batch, host: str) -> Batch:
    import polars as pl

    return Batch(batch.table, batch.frame.with_columns(host=pl.lit(host)))


def _past(row: Row) -> Row:
    """A row of a hive of an earlier state: what holds now, another hive says."""
    table, columns = row
    return (table, {**columns, "current": False}) if table.name in PRESENT else row


def _earlier(state: str) -> Problem:
    return Problem(
        "hive_earlier_state",
        "whole file",
        "the hive that is in use",
        f"one of {state}",
        "Its settings are not taken as current (column current), and it gives no name to the host",
        Severity.INFO,
    )


def text(key: Key | None, name: str) -> str | None:
    """Text of a key's string value; None where key, value or type lack, or where it is empty."""
    value = None if key is None else key.value(name)
    return None if value is None else value.text() or None


def number(key: Key | None, name: str) -> int | None:
    """Number of a key's DWORD or QWORD value; None where key, value or type lack."""
    value = None if key is None else key.value(name)
    return None if value is None else value.number()


def is_hive(name: str, head: bytes, file_name: str, inner_name: str) -> bool:
    r"""Whether a file is the hive of that name, by its own name or by the name in its base block.

    `inner_name` is the end of the path that Windows writes at offset 48 (`\config\system`), case ignored.
    """
    block = base_block(head)
    if block is None or block.file_type != 0:
        return False
    return name.lower() == file_name.lower() or block.name.lower().endswith(inner_name.lower())


def read_hive(
    artifact: Artifact,
    sections: Sequence[Section],
    host: Callable[[Hive], str | None] | None = None,
    recovered: Sequence[Section] = (),
    forms: Sequence[Form] = (),
) -> Iterator[Batch | Problem]:
    """Rows of all sections in batches, then the problems of the hive.

    Args:
        artifact: the hive, its logs beside it.
        sections: what is read from it.
        host: names the host where the hive does.
        recovered: sections that are read from deleted keys and values too.
        forms: of values that tell their key by themselves.
    """
    with ExitStack() as stack:
        stream = stack.enter_context(artifact.open())
        logs = [stack.enter_context(log.open()) for log in artifact.beside]
        try:
            hive = open_hive(stream, logs)
        except HiveError as error:
            yield Problem(
                "hive_unreadable", "offset 0", "a registry hive", str(error), "nothing was read", Severity.ERROR
            )  # fmt: skip
            return
    named = host(hive) if host is not None and artifact.earlier is None else None
    rows: Iterator[Row] = (row for section in sections for row in section(hive))
    if artifact.earlier is not None:
        hive.problems.append(_earlier(artifact.earlier))
        rows = map(_past, rows)
    deleted = deleted_rows(hive, recovered, forms, hive.problems) if recovered else ()
    for item in batches(chain(rows, deleted), Problems()):
        yield _with_host(item, named) if isinstance(item, Batch) and named is not None else item
    yield from hive.problems
