"""Groups of a run -> frames of the typed tables, `event_other` and their System columns."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from parsers.contract import Batch
from parsers.evtx.cells import EMPTY, Bools, Cells, Ints, constant, validity
from parsers.evtx.events import EVENT_TABLES
from parsers.evtx.events.spec import EventTable, Field, Form
from parsers.evtx.alt_fields import GroupField, RunFields
from parsers.evtx.alt_render import Column
from parsers.evtx.schema import EVENT_OTHER

SYSTEM_TEXT = {
    ("Provider", "@Name"): "provider", ("Provider", "@Guid"): "provider_guid", ("Channel",): "channel",
    ("Computer",): "computer", ("Security", "@UserID"): "user_sid", ("Correlation", "@ActivityID"): "activity_id",
    ("Correlation", "@RelatedActivityID"): "related_activity_id",
}  # fmt: skip
SYSTEM_NUMBER = {
    ("EventID",): "event_id", ("EventID", "@Qualifiers"): "qualifiers", ("Version",): "version", ("Level",): "level",
    ("Task",): "task", ("Opcode",): "opcode", ("Keywords",): "keywords", ("EventRecordID",): "record_id",
    ("Execution", "@ProcessID"): "execution_process_id", ("Execution", "@ThreadID"): "execution_thread_id",
    ("TimeCreated", "@SystemTime"): "time_utc",
}  # fmt: skip
NUMBER_TYPES = {
    "event_id": "u2", "qualifiers": "u2", "version": "u1", "level": "u1", "task": "u2", "opcode": "u1",
    "keywords": "u8", "record_id": "u8", "execution_process_id": "u4", "execution_thread_id": "u4",
}  # fmt: skip
FEW = ("provider", "provider_guid", "channel", "computer", "user_sid")
"""Columns with few distinct values: made once per value."""
SANE_TICKS = 92_233_720_368_547_758
BY_EVENT: dict[tuple[str, int], EventTable] = {(t.provider, i): t for t in EVENT_TABLES for i in t.event_ids}

Data = list[tuple[str, Column]]


@dataclass(frozen=True, slots=True)
class RunRows:
    """What is known of each record beside its BinXML."""

    offset: Ints
    header_id: npt.NDArray[Any]
    written: Ints
    origin: Ints
    damaged: Bools
    crc_ok: Bools


def number_column(a: npt.NDArray[Any], ok: Bools | None, kind: str) -> pa.Array:
    """Arrow column of native numbers."""
    a = np.ascontiguousarray(a.astype(kind))
    return pa.Array.from_buffers(pa.from_numpy_dtype(a.dtype), len(a), [validity(ok), pa.py_buffer(a)])


def time_column(ticks: Ints, ok: Bools) -> pa.Array:
    """Timestamps in ns from ticks of 100 ns since 1970; what ns cannot hold is NULL."""
    sane = ok & (np.abs(ticks) < SANE_TICKS)
    ns = np.where(sane, ticks, 0) * 100
    return pa.Array.from_buffers(pa.timestamp("ns"), len(ns), [validity(sane), pa.py_buffer(np.ascontiguousarray(ns))])


def _parse_int(s: str) -> int | None:
    try:
        v = int(s, 0)
    except ValueError:
        try:
            v = int(s, 10)
        except ValueError:
            return None
    return (v + 2**63) % 2**64 - 2**63 if -(2**63) <= v < 2**64 else None


def _parse_time(s: str) -> int | None:
    if "-" not in s or ":" not in s:
        return None
    try:
        v = int(np.datetime64(s.strip().rstrip("Z"), "ns").astype(np.int64))
    except (ValueError, OverflowError):
        return None
    return v // 100


class RunTables:
    """Makes the frames of one run."""

    def __init__(self, fields: RunFields, rows: RunRows) -> None:
        self._f, self._rows, self._n = fields, rows, len(rows.offset)
        self._mem = fields.memory
        self._text = {c: np.full(self._n, EMPTY) for c in SYSTEM_TEXT.values()}
        self._number = {c: np.zeros(self._n, np.int64) for c in SYSTEM_NUMBER.values()}
        self._has = {c: np.zeros(self._n, bool) for c in (*self._text, *self._number)}
        self._data: list[tuple[Ints, list[GroupField]]] = []

    def batches(self, since: int | None, until: int | None) -> list[Batch]:
        """One batch per table; rows outside [since, until) in ns are left out."""
        self._read_system()
        keep = self._window(since, until)
        tables = self._choose(keep)
        out = []
        for name, groups in sorted(tables.items()):
            spec = next((t for t in EVENT_TABLES if t.name == name), None)
            arrays = self._typed(spec, groups) if spec else self._other(groups, keep)
            frame = pl.from_arrow(pa.table(arrays))
            out.append(Batch(name, frame))  # type: ignore[arg-type]
        return out

    # ---- System -----------------------------------------------------------------------------------------------
    def _read_system(self) -> None:
        for group in self._f.groups:
            data: list[GroupField] = []
            for path, value in group.fields:
                if path[1:2] == ("System",):
                    self._system(path[2:], value, group.rows)
                elif len(path) > 2 or (len(path) == 2 and not path[1].startswith("@") and value not in ([""], [()])):
                    if not (path[-1].startswith("@xmlns")):
                        data.append((path, value))
            if data:
                self._data.append((group.rows, data))
        missing = ~self._has["time_utc"]
        self._number["time_utc"][missing] = self._rows.written[missing]
        self._damaged = self._rows.damaged | self._f.broken | ~self._has["event_id"] | ~self._has["provider"]
        self._has["time_utc"][:] = True

    def _system(self, path: tuple[str, ...], value: Any, rows: Ints) -> None:
        name = SYSTEM_TEXT.get(path)
        if name is None:
            name = SYSTEM_NUMBER.get(path)
            if name is None or value == [()]:
                return
            column = self._f.column(value, len(rows))
            self._number[name][rows], ok = self.numbers(column, len(rows), name == "time_utc")
            self._has[name][rows] = ok
            return
        if value == [()]:
            return
        column = self._f.column(value, len(rows))
        self._text[name][rows] = column.text
        self._has[name][rows] = True if column.ok is None else column.ok

    def numbers(self, c: Column, n: int, time: bool) -> tuple[Ints, Bools]:
        """Native values of a column; text (constants of a template, exported logs) is parsed."""
        if c.number is not None:
            return c.number.astype(np.int64), np.ones(n, bool) if c.ok is None else c.ok
        texts = self._mem.to_list(c.text[:1] if c.same else c.text)
        parsed = [_parse_time(s) if time else _parse_int(s) for s in texts]
        v = np.array([p or 0 for p in parsed], np.int64)
        ok = np.array([p is not None for p in parsed], bool)
        return (np.full(n, v[0]), np.full(n, ok[0])) if c.same and n else (v, ok)

    def _window(self, since: int | None, until: int | None) -> Bools:
        t = self._number["time_utc"]
        keep = np.ones(self._n, bool)
        if since is not None:
            keep &= t >= -(-since // 100)
        if until is not None:
            keep &= t < -(-until // 100)
        return keep

    # ---- rows to tables ---------------------------------------------------------------------------------------
    def _choose(self, keep: Bools) -> dict[str, list[tuple[Ints, Ints, dict[str, Any]]]]:
        """Table name -> (rows in the run, rows in the group, fields by name)."""
        text, inverse = self._distinct("provider")
        event = self._number["event_id"]
        code = inverse * 65536 + np.clip(event, 0, 65535)
        wanted: dict[int, str] = {}
        for k in np.unique(code[keep]).tolist():
            spec = BY_EVENT.get((text[k // 65536], k % 65536))
            wanted[k] = spec.name if spec else EVENT_OTHER.name
        self._table_of = np.full(self._n, "", object)
        out: dict[str, list[tuple[Ints, Ints, dict[str, Any]]]] = {}
        seen = np.zeros(self._n, bool)
        for rows, data in self._data:
            by_name: dict[str, Any] = {}
            for path, value in data:
                label = "/".join(path[2:]) if len(path) > 2 and path[1] == "EventData" else "/".join(path[1:])
                if path[1] == "UserData" and len(path) > 3:
                    label = "/".join(path[3:])
                elif path[1] == "UserData":
                    continue
                by_name[label] = value
            live = keep[rows]
            for k in np.unique(code[rows][live]).tolist():
                i = np.flatnonzero(live & (code[rows] == k))
                out.setdefault(wanted[k], []).append((rows[i], i, {"data": by_name, "n": len(rows)}))
                seen[rows[i]] = True
        rest = np.flatnonzero(keep & ~seen)
        for k in np.unique(code[rest]).tolist():
            i = rest[code[rest] == k]
            out.setdefault(wanted[k], []).append((i, np.arange(len(i)), {"data": {}, "n": len(i)}))
        return out

    def _distinct(self, name: str) -> tuple[list[str], Ints]:
        array = self._mem.view(self._text[name]).cast(pa.string()).dictionary_encode()
        return array.dictionary.to_pylist(), np.asarray(array.indices.to_numpy(zero_copy_only=False)).astype(np.int64)

    def _system_arrays(self, rows: Ints) -> dict[str, pa.Array]:
        take = pa.array(rows)
        out: dict[str, pa.Array] = {"time_utc": time_column(self._number["time_utc"][rows], self._has["time_utc"][rows])}
        for name, cells in self._text.items():
            out[name] = self._texts(cells[rows], self._has[name][rows])
        texts, index = self._distinct("computer")
        hosts = pa.array([t.split(".")[0].upper() or None for t in texts], pa.string())
        out["host"] = hosts.take(pa.array(index[rows]))
        for name, kind in NUMBER_TYPES.items():
            out[name] = number_column(self._number[name][rows], self._has[name][rows], kind)
        r = self._rows
        out["written_utc"] = time_column(r.written[rows], np.ones(len(rows), bool))
        out["header_record_id"] = pa.array(r.header_id[rows])
        out["origin"] = pa.array(["chain", "resync", "slack"]).take(pa.array(r.origin[rows]))
        out["damaged"] = pa.array(self._damaged).take(take)
        out["chunk_crc_ok"] = pa.array(r.crc_ok).take(take)
        out["record_offset"] = pa.array(r.offset[rows])
        return out

    def _texts(self, cells: Cells, ok: Bools | None) -> pa.Array:
        array = self._mem.view(cells)
        if ok is not None and not ok.all():
            array = pa.Array.from_buffers(pa.string_view(), len(array), [validity(ok), *array.buffers()[1:]])
        return array.cast(pa.string())

    def _typed(self, spec: EventTable, groups: list[tuple[Ints, Ints, dict[str, Any]]]) -> dict[str, pa.Array]:
        rows = np.concatenate([g[0] for g in groups])
        arrays = self._system_arrays(rows)
        extra: list[tuple[Ints, list[tuple[str, Cells]]]] = []
        known = {name: f for f in spec.fields for name in (f.name, *f.aliases)}
        values: dict[str, list[tuple[Column, Ints, int] | None]] = {f.name: [] for f in spec.fields}
        at = 0
        for _, i, g in groups:
            taken: set[str] = set()
            left: list[tuple[str, Cells]] = []
            for label, value in g["data"].items():
                f = known.get(label)
                if f is None or f.name in taken:
                    if value not in ([()], [""]):
                        column = self._f.column(value, g["n"])
                        left.append((label, self._f.json(column)[i]))
                    continue
                taken.add(f.name)
                values[f.name].append((self._f.column(value, g["n"]), i, at) if value != [()] else None)
            if left:
                extra.append((np.arange(at, at + len(i)), left))
            at += len(i)
        n = len(rows)
        raw: dict[int, dict[str, str]] = {}
        for f in spec.fields:
            arrays[f.column.name] = self._field(f, [v for v in values[f.name] if v], n, raw)
        arrays["extra"] = self._extra(extra, raw, n)
        return arrays

    def _field(self, f: Field, parts: list[tuple[Column, Ints, int]], n: int, raw: dict[int, dict[str, str]]) -> pa.Array:
        if f.form is Form.TEXT:
            cells, ok = np.full(n, EMPTY), np.zeros(n, bool)
            for c, i, at in parts:
                cells[at : at + len(i)] = c.text[i]
                ok[at : at + len(i)] = True if c.ok is None else c.ok[i]
            return self._texts(cells, ok)
        if f.form is Form.SYSMON_TIME:
            return self._sysmon_time(f, parts, n, raw)
        v, ok = np.zeros(n, np.int64), np.zeros(n, bool)
        for c, i, at in parts:
            here = slice(at, at + len(i))
            if f.form is Form.BOOL and c.number is None:
                texts = [s.lower() for s in self._mem.to_list(c.text[i])]
                v[here], ok[here] = [s == "true" for s in texts], [s in ("true", "false") for s in texts]
            else:
                x, o = self.numbers(c, len(c.text), f.form is Form.TIME)
                v[here], ok[here] = x[i], o[i]
            lost = ~ok[here] if c.ok is None else ~ok[here] & c.ok[i]
            self._keep_raw(f.name, c.text[i], lost, at, raw)
        if f.form is Form.TIME:
            return time_column(v, ok)
        if f.form is Form.BOOL:
            return pa.array(v != 0, mask=~ok)
        return number_column(v, ok, "i8")

    def _keep_raw(self, name: str, cells: Cells, lost: Bools, at: int, raw: dict[int, dict[str, str]]) -> None:
        """Texts that are no value of the field's form go to `extra` (empty ones and '-' say nothing)."""
        j = np.flatnonzero(lost)
        for row, s in zip(j.tolist(), self._mem.to_list(cells[j]), strict=True):
            if s not in ("", "-"):
                raw.setdefault(at + row, {})[name] = s

    def _sysmon_time(
        self, f: Field, parts: list[tuple[Column, Ints, int]], n: int, raw: dict[int, dict[str, str]]
    ) -> pa.Array:
        cells, ok = np.full(n, EMPTY), np.zeros(n, bool)
        for c, i, at in parts:
            cells[at : at + len(i)] = c.text[i]
            ok[at : at + len(i)] = True
        text = pl.Series(pl.from_arrow(self._texts(cells, ok)))
        times = text.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="ns", strict=False)
        lost = times.is_null().to_numpy() & ok
        self._keep_raw(f.name, cells, lost, 0, raw)
        return times.to_arrow()

    # ---- JSON -------------------------------------------------------------------------------------------------
    def _documents(self, parts: list[tuple[Ints, list[tuple[str, Cells]]]]) -> list[tuple[Ints, Cells]]:
        """One JSON document per row of each part. The joined text of all cells is the JSON; only offsets are needed."""
        blocks, widths = [], []
        for rows, named in parts:
            m = np.empty((len(rows), 2 * len(named) + 1), np.complex128)
            for j, (name, cells) in enumerate(named):
                m[:, 2 * j] = self._f.literal(("," if j else "{") + json.dumps(name, ensure_ascii=False) + ":")
                m[:, 2 * j + 1] = cells
            m[:, -1] = constant(b"}")
            blocks.append(m.reshape(-1))
            widths.append(np.full(len(rows), m.shape[1]))
        data, ends = self._mem.join(np.concatenate(blocks))
        edge = np.concatenate([[0], np.cumsum(np.concatenate(widths))])
        start = ends[edge[:-1]].astype(np.int64)
        cells = self._mem.cells(self._mem.add(data), start, ends[edge[1:]].astype(np.int64) - start)
        out, at = [], 0
        for rows, _ in parts:
            out.append((rows, cells[at : at + len(rows)]))
            at += len(rows)
        return out

    def _merged(self, parts: list[tuple[Ints, list[tuple[str, Cells]]]], n: int) -> tuple[Cells, Bools]:
        cells, ok = np.full(n, EMPTY), np.zeros(n, bool)
        if not parts:
            return cells, ok
        for rows, documents in self._documents(parts):
            again = ok[rows]
            if again.any():  # a record with several fragments: rare, joined by hand
                first, second = self._mem.to_list(cells[rows[again]]), self._mem.to_list(documents[again])
                both = [(a[:-1] + "," + b[1:]).encode() for a, b in zip(first, second, strict=True)]
                documents = documents.copy()
                documents[again] = self._mem.of_list(both)
            cells[rows], ok[rows] = documents, True
        return cells, ok

    def _extra(
        self, parts: list[tuple[Ints, list[tuple[str, Cells]]]], raw: dict[int, dict[str, str]], n: int
    ) -> pa.Array:
        cells, ok = self._merged(parts, n)
        if raw:
            rows = np.array(sorted(raw), np.int64)
            have = self._mem.to_list(cells[rows])
            texts = []
            for row, old in zip(rows.tolist(), have, strict=True):
                new = json.dumps(raw[row], ensure_ascii=False)
                texts.append((old[:-1] + "," + new[1:] if old else new).encode("utf-8", "replace"))
            cells[rows], ok[rows] = self._mem.of_list(texts), True
        return self._texts(cells, ok)

    def _other(self, groups: list[tuple[Ints, Ints, dict[str, Any]]], keep: Bools) -> dict[str, pa.Array]:
        rows = np.unique(np.concatenate([g[0] for g in groups]))
        place = np.full(self._n, -1, np.int64)
        place[rows] = np.arange(len(rows))
        parts: list[tuple[Ints, list[tuple[str, Cells]]]] = []
        for r, i, g in groups:
            if not g["data"]:
                continue
            named = []
            for label, value in g["data"].items():
                column = self._f.column(value, g["n"]) if value != [()] else None
                null = np.full(len(i), constant(b"null"))
                named.append((label, null if column is None else self._f.json(column)[i]))
            parts.append((place[r], named))
        arrays = self._system_arrays(rows)
        cells, ok = self._merged(parts, len(rows))
        arrays["data"] = self._texts(cells, ok)
        return arrays
