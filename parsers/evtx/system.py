"""System columns of all records of a run."""

from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa

from parsers.evtx.cells import Bools, Cells, Ints, column, compact, validity
from parsers.evtx.events.spec import Form
from parsers.evtx.numeric import RAW, READ, filetimes, integers, times
from parsers.evtx.records import ORIGINS, SLACK
from parsers.evtx.render import Renderer
from parsers.evtx.shape import SYSTEM_ROWS

FEW = ("provider", "channel", "computer", "provider_guid", "user_sid")
MANY = ("activity_id", "related_activity_id")
WHOLE = {
    "event_id": "u2", "record_id": "u8", "execution_process_id": "u4", "execution_thread_id": "u4", "version": "u1",
    "level": "u1", "task": "u2", "opcode": "u1", "keywords": "u8", "qualifiers": "u2",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Header:
    """What the records' headers say, and how each record was found; one entry per record of the run."""

    at: Ints
    ids: np.ndarray
    written: np.ndarray
    size: Ints
    origin: Ints
    offset: Ints
    crc_ok: Bools
    crc_known: Bools


@dataclass(frozen=True, slots=True)
class SystemFrame:
    """System columns, the routing key parts, and rows whose time is out of range with the raw text.

    `named` rows have a provider and an event id; `complete` ones are also read in full.
    """

    frame: pl.DataFrame
    provider_code: Ints
    providers: list[str | None]
    event_id: Ints
    named: Bools
    complete: Bools
    bad_times: list[tuple[int, str]]


def host_of(computer: str | None) -> str | None:
    """First label of the computer's name, upper case."""
    name = (computer or "").strip().split(".", 1)[0].upper()
    return name or None


def few_column(codes: Ints, texts: list[str | None]) -> pa.Array:
    """A string_view array of few distinct texts."""
    raw = [(t or "").encode("utf-8", "replace") for t in texts]
    one = pa.array([x.decode() for x in raw], pa.string_view())
    buffers = one.buffers()
    cells = (
        np.frombuffer(buffers[1], np.complex128, len(raw)) if raw else np.zeros(0, np.complex128)
    )
    ok = np.array([t is not None for t in texts], bool)[codes]
    taken = np.ascontiguousarray(cells[codes])
    return pa.Array.from_buffers(
        pa.string_view(), len(codes), [validity(ok), pa.py_buffer(taken), *buffers[2:]]
    )


def text_column(r: Renderer, index: Ints, cells: Cells, ok: Bools) -> pa.Array:
    """A column of texts that owns its memory."""
    data, ends = r.mem.join(cells)
    if r.decode(index, cells, data, ends):
        data, ends = r.mem.join(cells)
    return column(compact(cells, ends), ok, data)


def frame_of(columns: dict[str, pa.Array]) -> pl.DataFrame:
    """A frame over the arrays; one by one they would cost more, and load all of PyArrow's functions."""
    return pl.DataFrame(pa.RecordBatch.from_arrays(list(columns.values()), list(columns)))


def number_column(value: np.ndarray, ok: Bools | None, kind: pa.DataType) -> pa.Array:
    """An array over the given numbers."""
    value = np.ascontiguousarray(value)
    return pa.Array.from_buffers(kind, len(value), [validity(ok), pa.py_buffer(value)])


def bool_column(value: Bools, ok: Bools | None = None) -> pa.Array:
    """An array of booleans."""
    bits = pa.py_buffer(np.packbits(value, bitorder="little"))
    return pa.Array.from_buffers(pa.bool_(), len(value), [validity(ok), bits])


def system_frame(r: Renderer, matrix: Ints, head: Header, unread: Bools) -> SystemFrame:
    """Build the System columns; `matrix` holds value indexes, SYSTEM_ROWS x records."""
    columns: dict[str, pa.Array] = {}
    codes: dict[str, tuple[Ints, list[str | None]]] = {}
    for name in FEW:
        codes[name] = r.distinct(matrix[SYSTEM_ROWS[name]])
        columns[name] = few_column(*codes[name])
    computer, names = codes["computer"]
    columns["host"] = few_column(computer, [host_of(n) for n in names])
    for name in MANY:
        index = matrix[SYSTEM_ROWS[name]]
        ok = r.values.type[index] != 0
        if ok.any():
            columns[name] = text_column(r, index, r.cells(index), ok)
    whole = _whole_numbers(r, matrix)
    for name, (value, ok) in whole.items():
        kind = np.dtype(WHOLE[name])
        columns[name] = number_column(value.astype(kind), ok, pa.from_numpy_dtype(kind))
    bad_times = _times(r, matrix[SYSTEM_ROWS["time_utc"]], head, columns)
    event_id, has_id = whole["event_id"]
    provider_code, providers = codes["provider"]
    named = has_id & np.array([bool(p) for p in providers], bool)[provider_code]
    complete = named & ~unread
    columns["header_record_id"] = number_column(head.ids, None, pa.uint64())
    columns["origin"] = few_column(head.origin, list(ORIGINS))
    columns["damaged"] = bool_column(~complete)
    columns["chunk_crc_ok"] = bool_column(head.crc_ok, head.crc_known & (head.origin != SLACK))
    columns["record_offset"] = number_column(head.offset, None, pa.int64())
    frame = frame_of(columns)
    routed = np.where(has_id, event_id, -1)
    return SystemFrame(frame, provider_code, providers, routed, named, complete, bad_times)


def _whole_numbers(r: Renderer, matrix: Ints) -> dict[str, tuple[Ints, Bools]]:
    """All numbers of System, read together; out of the column's range is absent."""
    rows = [SYSTEM_ROWS[name] for name in WHOLE]
    value, state = integers(r, matrix[rows].reshape(-1), Form.HEX)
    n, out = matrix.shape[1], {}
    for i, (name, kind) in enumerate(WHOLE.items()):
        part, ok = value[i * n : (i + 1) * n], state[i * n : (i + 1) * n] == READ
        if kind != "u8":
            ok = ok & (part >= 0) & (part <= np.iinfo(kind).max)
        out[name] = (part, ok)
    return out


def _times(
    r: Renderer, index: Ints, head: Header, columns: dict[str, pa.Array]
) -> list[tuple[int, str]]:
    written, w_state = filetimes(head.written, np.full(len(index), READ, np.uint8))
    value, state = times(r, index)
    use = (state != READ) & (state != RAW)
    value[use], state[use] = written[use], w_state[use]
    columns["time_utc"] = number_column(value, state == READ, pa.timestamp("ns"))
    columns["written_utc"] = number_column(written, w_state == READ, pa.timestamp("ns"))
    bad = np.flatnonzero(state == RAW)
    texts = r.texts(index[bad]) if len(bad) else []
    return list(zip(bad.tolist(), texts, strict=True))
