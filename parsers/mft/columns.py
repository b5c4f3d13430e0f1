"""Whole columns out of one buffer: unaligned gathers, ragged slices, UTF-16 text and FILETIME."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Numbers = npt.NDArray[Any]

PADDING = 4096
"""Zero bytes a buffer needs behind its records, so that no gather of a fixed field can leave it."""

FILETIME_OF_1970 = 116_444_736_000_000_000
_NS_LIMIT = 92_233_720_368_547_758  # int64 nanoseconds, in units of 100 ns
_LOWEST = np.uint64(FILETIME_OF_1970 - _NS_LIMIT)
_RANGE = np.uint64(2 * _NS_LIMIT)


@dataclass(frozen=True, slots=True)
class Fields:
    """Little-endian integers at any byte offset of one buffer.

    The views overlap (stride of 1 byte): one fancy index reads a field of many records at once, at
    any alignment, and numpy checks the bounds. `np.take` would copy the whole view first and is 50
    times slower.
    """

    u1: npt.NDArray[np.uint8]
    u2: npt.NDArray[np.uint16]
    u4: npt.NDArray[np.uint32]
    u8: npt.NDArray[np.uint64]

    @classmethod
    def over(cls, buffer: npt.NDArray[np.uint8]) -> "Fields":
        """Views over a contiguous array of bytes of at least 8."""
        n = len(buffer)
        return cls(
            buffer,
            np.ndarray((n - 1,), "<u2", buffer, strides=(1,)),
            np.ndarray((n - 3,), "<u4", buffer, strides=(1,)),
            np.ndarray((n - 7,), "<u8", buffer, strides=(1,)),
        )


def ragged_index(start: Ints, count: Ints, step: int = 1) -> tuple[Ints, Ints]:
    """Flat index of start[i], start[i] + step, ...

    (count[i] of them), and the boundaries of the rows.
    """
    ends = np.zeros(len(count) + 1, np.int64)
    np.cumsum(count, out=ends[1:])
    flat = np.arange(ends[-1], dtype=np.int64)
    if step != 1:
        flat *= step
    flat += np.repeat(start - ends[:-1] * step, count)
    return flat, ends


def _arrow(kind: pa.DataType, data: Numbers, ends: Ints, valid: Bools | None) -> pl.Series:
    """Polars column over Arrow buffers: ten times faster than slicing in an expression."""
    bits = None if valid is None else pa.py_buffer(np.packbits(valid, bitorder="little"))
    parts = [
        bits,
        pa.py_buffer(np.ascontiguousarray(ends)),
        pa.py_buffer(np.ascontiguousarray(data)),
    ]
    column = pl.from_arrow(pa.Array.from_buffers(kind, len(ends) - 1, parts))
    if not isinstance(column, pl.Series):
        raise TypeError("an Arrow array must become a Series")
    return column


def binary_column(name: str, data: Numbers, ends: Ints, valid: Bools) -> pl.Series:
    """Binary column: row i is data[ends[i]:ends[i + 1]], NULL where not valid."""
    return _arrow(pa.large_binary(), data, ends, valid).alias(name)


def utf16_column(name: str, f: Fields, start: Ints, units: Ints) -> tuple[pl.Series, Bools]:
    """Strings of `units` UTF-16LE code units from byte `start`.

    And the rows that held a lone surrogate.

    Lone surrogates are legal in NTFS names but not in UTF-8: they become U+FFFD. An all-ASCII block
    (the common case) only drops every second byte; else the whole block is decoded at once.
    """
    flat, ends = ragged_index(start, units, 2)
    text = f.u2[flat]
    lossy = np.zeros(len(units), np.bool_)
    if not len(text) or text.max() < 0x80:
        return _arrow(pa.large_string(), text.astype(np.uint8), ends, None).alias(name), lossy
    width = np.where(text < 0x80, 1, np.where(text < 0x800, 2, 3))
    high, low = (text & 0xFC00) == 0xD800, (text & 0xFC00) == 0xDC00
    if high.any() or low.any():
        last = np.zeros(len(text), np.bool_)
        last[ends[1:][units > 0] - 1] = True  # a pair must not reach into the next string
        paired = np.zeros(len(text), np.bool_)
        paired[:-1] = high[:-1] & ~last[:-1] & low[1:]
        paired[1:] |= paired[:-1]
        lone = (high | low) & ~paired
        text[lone] = 0xFFFD
        width[paired] = 2  # a pair takes 4 bytes
        lossy[np.searchsorted(ends, np.flatnonzero(lone), "right") - 1] = True
    data = np.frombuffer(text.tobytes().decode("utf-16-le").encode(), np.uint8)
    before = np.zeros(len(text) + 1, np.int64)
    np.cumsum(width, out=before[1:])
    return _arrow(pa.large_string(), data, before[ends], None).alias(name), lossy


def time_column(name: str, filetime: npt.NDArray[np.uint64]) -> tuple[pl.Series, Ints]:
    """Datetime[ns] from FILETIME (100 ns since 1601 UTC), and the rows whose value is no time.

    0 is NULL and no error; what int64 nanoseconds cannot hold (before 1677, after 2262) is NULL and
    listed.
    """
    odd = filetime - _LOWEST > _RANGE  # wraps: one comparison finds zero, too early and too late
    ns = filetime.view(np.int64) - FILETIME_OF_1970
    ns *= 100
    column = pl.Series(name, ns).cast(pl.Datetime("ns"))
    if not odd.any():
        return column, np.zeros(0, np.int64)
    rows = np.flatnonzero(odd)
    column = column.scatter(pl.Series(rows.astype(np.uint32)), None)
    return column, rows[filetime[rows] != 0]
