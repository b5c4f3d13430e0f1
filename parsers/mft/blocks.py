"""Reads an $MFT block by block into one reused buffer."""

import io
from collections.abc import Iterator
from typing import BinaryIO, cast

import numpy as np
import numpy.typing as npt

from parsers.contract import Problem, Severity
from parsers.mft.columns import PADDING, Fields
from parsers.mft.head import record_size
from parsers.mft.notes import Notes
from parsers.mft.records import FILE, Block

BLOCK_BYTES = 4 << 20
_HEAD = 1 << 16
_MOST_RECORDS = (1 << 32) - 1


def read_blocks(stream: BinaryIO, size: int, notes: Notes) -> Iterator[Block]:
    """Blocks of records of a stream of `size` bytes.

    A block is valid until the next one is asked for.
    """
    stream.seek(0)
    record = record_size(stream.read(_HEAD))
    stream.seek(0)
    store = np.zeros(BLOCK_BYTES + PADDING, np.uint8)
    done, first = 0, None
    while got := _fill(stream, store):
        if got % record:
            notes.add(_cut(done + got - got % record, record, got % record))
        store[got:] = 0
        count = -(-got // record)
        fields = Fields.over(store[: count * record + PADDING])
        if first is None:
            first = _first_number(fields, record, count, notes)
        number = first + done // record
        if number + count > _MOST_RECORDS:
            notes.add(_too_many(done))
            break
        yield Block(fields, record, count, number, done)
        done += got
    if done != size:
        notes.add(_size_differs(size, done))


def _fill(stream: BinaryIO, store: npt.NDArray[np.uint8]) -> int:
    """Fill the block as far as the stream goes.

    Not every archive member gives all it is asked for at once.
    """
    body = store.data[:BLOCK_BYTES]
    read_into = cast(
        io.RawIOBase, stream
    ).readinto  # binary files have it, typing.BinaryIO does not
    got = 0
    while got < len(body) and (more := read_into(body[got:])):
        got += more
    return got


def _first_number(f: Fields, size: int, count: int, notes: Notes) -> int:
    """Number of the first record.

    0, or what most headers agree on (a part of an $MFT, a single record).
    """
    at = np.arange(count, dtype=np.int64) * size
    numbered = np.flatnonzero((f.u4[at] == FILE) & (f.u2[at + 4] >= 48))
    if not len(numbered):
        return 0
    shift = f.u4[at[numbered] + 44].astype(np.int64) - numbered
    values, counts = np.unique(shift, return_counts=True)
    best = int(counts.argmax())
    first = int(values[best])
    if first <= 0 or 2 * counts[best] <= len(numbered):
        return 0
    notes.add(
        Problem(
            "starts_inside",
            "offset 0",
            "record 0",
            f"record {first} by {counts[best]} of {len(numbered)} headers",
            "Part of an $MFT: numbered as its headers say; most parents are missing",
            Severity.INFO,
        )
    )
    return first


def _cut(offset: int, size: int, got: int) -> Problem:
    return Problem(
        "cut_last_record",
        f"offset {offset}",
        f"{size} bytes",
        f"{got} bytes",
        "The $MFT ends inside a record; what is there was read",
    )


def _too_many(offset: int) -> Problem:
    return Problem(
        "too_many_records",
        f"offset {offset}",
        f"at most {_MOST_RECORDS} records",
        "more",
        "The rest of the $MFT was not read",
        Severity.ERROR,
    )


def _size_differs(size: int, done: int) -> Problem:
    return Problem(
        "size_differs",
        "end of the $MFT",
        f"{size} bytes",
        f"{done} bytes",
        "The stream gave another number of bytes than its size",
        Severity.ERROR,
    )
