"""Rows of small artifacts on their way into batches, and the times their bytes hold."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, BinaryIO

from parsers.contract import BATCH_BYTES, Artifact, Batch, Problem, Table
from parsers.evtx.problems import Problems

if TYPE_CHECKING:
    import polars as pl

BATCH_ROWS = 20_000
FILETIME_OF_1970 = 116_444_736_000_000_000
_NS_LIMIT = (1 << 63) - 1

Row = dict[str, object]
"""One row by column name; times are ns since 1970 UTC, what lacks is NULL."""


def batches(
    rows: Iterable[tuple[Table, Row]], problems: Problems, size: int = BATCH_ROWS
) -> Iterator[Batch | Problem]:
    """Batches of at most `size` rows and about `BATCH_BYTES`, a table's rows in order, with the problems noted meanwhile."""
    waiting: dict[str, tuple[Table, list[Row]]] = {}
    held: Counter[str] = Counter()
    for table, row in rows:
        kept = waiting.setdefault(table.name, (table, []))[1]
        kept.append(row)
        held[table.name] += sum(len(value) for value in row.values() if isinstance(value, str))
        if len(kept) >= size or held[table.name] >= BATCH_BYTES:
            yield Batch(table.name, frame(table, kept))
            kept.clear()
            held[table.name] = 0
            yield from problems.drain()
    for table, kept in waiting.values():
        if kept:
            yield Batch(table.name, frame(table, kept))
    yield from problems.close()


def frame(table: Table, rows: list[Row]) -> "pl.DataFrame":
    """Frame of all columns of the table.

    Row by row against the schema: for the one row that most small artifacts give, ten times as fast as a Series for
    each column.
    """
    import polars as pl

    from parsers.frames import schema_of

    declared = schema_of(table)
    return pl.from_dicts(rows, schema=declared) if rows else pl.DataFrame(schema=declared)


def content(artifact: Artifact, limit: int) -> bytes:
    """The artifact's bytes, at most `limit`."""
    with artifact.open() as stream:
        return read_up_to(stream, min(artifact.size, limit))


def read_up_to(stream: BinaryIO, size: int) -> bytes:
    """The next `size` bytes, fewer only at the end: a stream may give them in pieces."""
    parts = []
    while size > 0 and (part := stream.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def epoch_ns(count: int, unit_ns: int, epoch_units: int = 0) -> int | None:
    """Ns since 1970 of a count of units since another epoch (in units before 1970).

    None: out of range.
    """
    ns = (count - epoch_units) * unit_ns
    return ns if -_NS_LIMIT <= ns <= _NS_LIMIT else None


def filetime_ns(filetime: int) -> int | None:
    """Ns since 1970 of a FILETIME; None: zero (no time) or out of range."""
    return epoch_ns(filetime, 100, FILETIME_OF_1970) if filetime else None


_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 (naive means UTC here)


def naive_ns(moment: datetime, fraction_ns: int = 0) -> int:
    """Ns since 1970 of a naive time (whatever its zone) and a part of a second finer than it holds.

    Whole range of `datetime` but what int64 ns cannot hold: clipped to years 1678 to 2261 by the
    caller.
    """
    passed = moment - _EPOCH
    return passed // timedelta(microseconds=1) * 1000 + fraction_ns
