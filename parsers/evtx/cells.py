"""Text as cells: 16-byte Arrow string_view entries, so that text never becomes a Python object.

A cell holds length, first four bytes, buffer number and offset; up to 12 bytes stand inside the cell. Cells are carried
in complex128 arrays: NumPy moves those natively, so scatter, gather and interleave cost the same for every column.
Source: Arrow columnar format, "variable-size binary view layout".
"""

import json
import struct
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from parsers.evtx.chunks import CHUNK

Cells = npt.NDArray[np.complex128]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]

PLANES = (0, 1)
LITERALS, TEXTS = 2, 3
"""Numbers of the buffers: the run's bytes narrowed at even and odd offsets, constants, texts of this run."""

_LEAD, _SPARE = 4, 12
"""Bytes kept free before and behind a buffer: a cell is filled by one read of 16 bytes from four before its text."""
_MASKS = np.array([[0] * 4 + [255] * i + [0] * (12 - i) for i in range(13)], np.uint8).view("<c16")[
    :, 0
]
"""Masks of cells by length: what stays of the 16 bytes."""
_BYTE_END = np.uint16(255)
_BLOCK = 1 << 15
"""Units narrowed at a time: what one pass writes, the next one finds in the processor's cache."""


def constant(text: bytes) -> complex:
    """The cell of a text of at most 12 bytes."""
    cell: complex = np.frombuffer(struct.pack("<I12s", len(text), text), np.complex128)[0]
    return cell


EMPTY = constant(b"")
BEFORE, BEHIND = constant(b" " * _LEAD), constant(b" " * _SPARE)
"""Cells that make the free bytes of a joined text."""


def narrowed(buf: Bytes) -> list[Bytes]:
    """UTF-16 units at even and at odd offsets as bytes; 255 where a unit is above 255: not ASCII, to be decoded later.

    Both with the free bytes before and behind.
    """
    units = [buf[parity : len(buf) - parity].view("<u2") for parity in PLANES]
    planes = [_room(len(own)) for own in units]
    wide = np.empty(_BLOCK, np.uint8)
    for at in range(0, len(units[0]), _BLOCK):
        for own, plane in zip(units, planes, strict=True):
            block = own[at : at + _BLOCK]
            to, above = plane[_LEAD + at : _LEAD + at + len(block)], wide[: len(block)]
            to[:] = block
            np.greater(block, _BYTE_END, out=above.view(bool))
            np.negative(above, out=above)
            np.bitwise_or(to, above, out=to)
    return planes


def _room(size: int) -> Bytes:
    out = np.empty(_LEAD + size + _SPARE, np.uint8)
    out[:_LEAD], out[-_SPARE:] = 0, 0
    return out


def _padded(flat: Bytes) -> Bytes:
    out = _room(len(flat))
    out[_LEAD:-_SPARE] = flat
    return out


class Literals:
    """Constants of templates, numbered; they keep their number for a whole file."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._labels: dict[tuple[str, bool], int] = {}
        self.texts: list[str] = []
        self.spans: list[tuple[int, int]] = []
        self.data = bytearray()

    def number(self, text: str) -> int:
        """Value index of a constant: -2, -3, ... (see Values)."""
        n = self._numbers.get(text)
        if n is None:
            n = self._numbers[text] = len(self.texts)
            raw = text.encode("utf-8", "replace")
            self.texts.append(text)
            self.spans.append((len(self.data), len(raw)))
            self.data += raw
        return -2 - n

    def label(self, name: str, first: bool) -> int:
        """Number of the constant that stands before a value in JSON: `{"name":` or `,"name":`."""
        n = self._labels.get((name, first))
        if n is None:
            text = f"{'{' if first else ','}{json.dumps(name, ensure_ascii=False)}:"
            n = self._labels[name, first] = -2 - self.number(text)
        return n


class Memory:
    """The bytes of a run and the text buffers that cells point into."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.buf: Bytes = np.frombuffer(raw, np.uint8)
        self.chunks = len(raw) // CHUNK
        nothing = _padded(np.zeros(0, np.uint8))
        self._padded = [*narrowed(self.buf), nothing, nothing]
        self.buffers: list[Bytes] = [padded[_LEAD:] for padded in self._padded]

    def gather(self, at: Ints, dtype: str, source: Bytes | None = None) -> npt.NDArray[Any]:
        """Elements of any width at any byte offset: one strided fancy index, cheaper than an index matrix."""
        source = self.buf if source is None else source
        kind = np.dtype(dtype)
        return np.ndarray((len(source) - kind.itemsize + 1,), kind, source, strides=(1,))[at]

    def set_buffer(self, number: int, data: bytes | bytearray) -> None:
        """Replace a buffer (constants and texts grow while a run is read)."""
        self._padded[number] = _padded(np.frombuffer(bytes(data), np.uint8))
        self.buffers[number] = self._padded[number][_LEAD:]

    def add(self, data: bytes | npt.NDArray[Any]) -> int:
        """Add a text buffer."""
        flat = (
            np.frombuffer(data, np.uint8)
            if isinstance(data, bytes)
            else data.reshape(-1).view(np.uint8)
        )
        self._padded.append(_padded(flat))
        self.buffers.append(self._padded[-1][_LEAD:])
        return len(self.buffers) - 1

    def cells(self, number: int, at: Ints, length: Ints) -> Cells:
        """Cells of the spans at/length of one buffer."""
        source = self._padded[number]
        out: Cells = self.gather(np.minimum(at, len(source) - _LEAD - _SPARE), "<c16", source)
        words = out.view("<u8")
        np.bitwise_and(words, _MASKS[np.minimum(length, 12)].view("<u8"), out=words)
        out.view("<i4")[::4] = length
        np.copyto(words[1::2], (at << 32 | number).view("<u8"), where=length > 12)
        return out

    def of_list(self, texts: list[bytes]) -> Cells:
        """Cells of a list of texts."""
        length = np.fromiter(map(len, texts), np.int64, len(texts))
        return self.cells(self.add(b"".join(texts)), np.cumsum(length) - length, length)

    def view(self, cells: Cells) -> pa.Array:
        """A string_view array over the run's buffers: for use at once, not to be kept."""
        cells = np.ascontiguousarray(cells)
        buffers = [None, pa.py_buffer(cells), *map(pa.py_buffer, self.buffers)]
        return pa.Array.from_buffers(pa.string_view(), len(cells), buffers)

    def adopt(self, data: Bytes) -> int:
        """Add a text buffer that has its free bytes (`BEFORE`, `BEHIND`), without a copy."""
        self._padded.append(data)
        self.buffers.append(data[_LEAD:])
        return len(self.buffers) - 1

    def join(self, cells: Cells) -> tuple[Bytes, npt.NDArray[np.int32]]:
        """All texts one behind the other, and the n + 1 offsets between them."""
        if not len(cells):
            return np.zeros(0, np.uint8), np.zeros(1, np.int32)
        _, offsets, data = self.view(cells).cast(pa.string()).buffers()
        text = np.zeros(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)
        ends = np.frombuffer(offsets, np.int32)[: len(cells) + 1]
        return text[: ends[-1]], ends

    def to_list(self, cells: Cells) -> list[str]:
        """The texts as Python strings."""
        texts: list[str] = self.view(cells).to_pylist() if len(cells) else []
        return texts


def uniques(a: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Distinct numbers in ascending order; cheaper than np.unique for arrays that are nearly sorted."""
    a = np.sort(a, kind="stable")
    keep = np.ones(len(a), bool)
    np.not_equal(a[1:], a[:-1], out=keep[1:])
    return a[keep]


def alike(flags: Bools) -> list[tuple[Ints, Bools]]:
    """Columns of a matrix with the same flags, together: their numbers, and the flags."""
    if (flags == flags[:, :1]).all():
        return [(np.arange(flags.shape[1]), flags[:, 0])]
    packed = np.ascontiguousarray(np.packbits(flags, axis=0).T)
    _, first, inverse = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    return [
        (np.flatnonzero(inverse.reshape(-1) == n), flags[:, at])
        for n, at in enumerate(first.tolist())
    ]


def validity(ok: Bools | None) -> pa.Buffer | None:
    """Arrow's validity bitmap; None: all valid."""
    return None if ok is None or ok.all() else pa.py_buffer(np.packbits(ok, bitorder="little"))


def compact(cells: Cells, offsets: npt.NDArray[np.int32]) -> Cells:
    """Cells that point into their own joined text instead of the run's buffers."""
    out = np.array(cells)
    words = out.view("<u8")
    np.copyto(
        words[1::2], offsets[:-1].astype("<u8") << np.uint64(32), where=out.view("<i4")[::4] > 12
    )
    return out


def column(cells: Cells, ok: Bools | None, data: Bytes) -> pa.Array:
    """A string_view array whose only buffer is `data`."""
    cells = np.ascontiguousarray(cells)
    return pa.Array.from_buffers(
        pa.string_view(), len(cells), [validity(ok), pa.py_buffer(cells), pa.py_buffer(data)]
    )
