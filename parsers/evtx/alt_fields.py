"""Records of a run -> groups of equal template, each with its fields as queued columns."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from parsers.evtx.binxml import BROKEN, Malformed, Path, Templates, without_template
from parsers.evtx.cells import EMPTY, LITERALS, Bools, Cells, Ints, Literals, Memory, constant
from parsers.evtx.chunks import CHUNK
from parsers.evtx.alt_render import NULL, XML, Column, Renderer

Kinds = npt.NDArray[np.uint8]
MAX_VALUES = 4096
"""Values of one record: what fits into a chunk many times over."""
MAX_NESTING = 8
FRAGMENT_HEAD = 0x0001010F
TEMPLATE_TOKEN = 0x010C


@dataclass(frozen=True, slots=True)
class Queued:
    """Values waiting for their type's rendering: key of the type, rows of the group (None: all), place, number."""

    key: tuple[int, int]
    rows: Ints | None
    start: int
    count: int


Value = str | tuple[Queued, ...] | npt.NDArray[Any]
GroupField = tuple[Path, list[Value]]


@dataclass(frozen=True, slots=True)
class Group:
    """Records with the same fields: their rows in the run, and the fields in document order."""

    rows: Ints
    fields: list[GroupField]


@dataclass(slots=True)
class _Job:
    count: int = 0
    at: list[Ints] = field(default_factory=list)
    size: list[Ints] = field(default_factory=list)


class RunFields:
    """All fields of a run. `broken` marks rows whose BinXML could not be read."""

    def __init__(self, memory: Memory, templates: Templates, literals: Literals, rows: int) -> None:
        self.memory, self._templates, self._literals = memory, templates, literals
        self.groups: list[Group] = []
        self.broken: Bools = np.zeros(rows, bool)
        self.renderer = Renderer(memory)
        self._jobs: dict[tuple[int, int], _Job] = {}
        self._done: dict[tuple[int, int], Column] = {}
        self._slow: list[tuple[int, list[tuple[Path, str]]]] = []
        self._chunk_at, self._chunk = -1, b""

    def read(self, at: Ints, end: Ints, rows: Ints) -> None:
        """Read the BinXML between `at` and `end` of the rows, then render all values."""
        self._group(at, end, rows, (), 0)
        self._slow_groups()
        self._done = {
            key: self.renderer.render(key[0], np.concatenate(j.at), np.concatenate(j.size))
            for key, j in self._jobs.items()
        }
        self._jobs.clear()
        self.memory.set_buffer(LITERALS, self._literals.data)

    # ---- records to groups ------------------------------------------------------------------------------------
    def _chunk_of(self, at: int) -> tuple[bytes, int]:
        base = at // CHUNK * CHUNK
        if base != self._chunk_at:
            self._chunk_at, self._chunk = base, self.memory.raw[base : base + CHUNK]
        return self._chunk, base

    def _later(self, outer: Path, rows: Ints, at: Ints, end: Ints) -> None:
        """Records without a template (exported, forwarded), or broken ones."""
        for row, a, e in zip(rows.tolist(), at.tolist(), end.tolist(), strict=True):
            chunk, base = self._chunk_of(a)
            try:
                fields = without_template(chunk, a - base, e - base)
            except (*BROKEN, RecursionError):
                self.broken[row] = True
                continue
            self._slow.append((row, [((*outer, *path), text) for path, text in fields]))

    def _slow_groups(self) -> None:
        forms: dict[tuple[Path, ...], list[tuple[int, list[str]]]] = {}
        for row, fields in self._slow:
            forms.setdefault(tuple(p for p, _ in fields), []).append((row, [v for _, v in fields]))
        for paths, members in forms.items():
            values = [np.array(x, object) for x in zip(*(v for _, v in members), strict=True)]
            rows = np.array([r for r, _ in members], np.int64)
            self.groups.append(Group(rows, [(p, [v]) for p, v in zip(paths, values, strict=True)]))
        self._slow.clear()

    def _template_ids(self, key: Ints) -> Ints:
        unique, inverse = np.unique(key, return_inverse=True)
        ids = np.full(len(unique), -1, np.int64)
        for j, k in enumerate(unique.tolist()):
            if k < 0:
                continue
            chunk, base = self._chunk_of(k)
            try:
                ids[j] = self._templates.get(chunk, k - base)
            except (*BROKEN, RecursionError):
                continue
        return ids[inverse]

    def _group(self, at: Ints, end: Ints, rows: Ints, outer: Path, depth: int) -> None:
        mem = self.memory
        last = len(mem.buf) - 8
        at = at + 4 * (mem.gather(np.minimum(at, last), "<u4") == FRAGMENT_HEAD)
        ok = at + 10 <= end
        ok &= mem.gather(np.minimum(at, last), "<u2") == TEMPLATE_TOKEN
        definition = mem.gather(np.where(ok, at + 6, 0), "<u4").astype(np.int64)
        chunk = at // CHUNK
        ok &= definition < CHUNK - 24
        key = np.where(ok, chunk * CHUNK + definition, -1)
        ids = self._template_ids(key)
        none = ids < 0
        if none.any():
            self._later(outer, rows[none], at[none], end[none])
        body = mem.gather(np.where(ids >= 0, key + 20, 0), "<u4").astype(np.int64)
        values = at + 10 + np.where(definition == at - chunk * CHUNK + 10, 24 + body, 0)
        short = (ids >= 0) & (values + 4 > end)
        self.broken[rows[short]] = True
        for number in np.unique(ids).tolist():
            if number < 0:
                continue
            i = np.flatnonzero((ids == number) & ~short)
            count = mem.gather(values[i], "<u4")
            for n in np.unique(count).tolist():
                g = i[count == n]
                self._same_shape(number, n, values[g], end[g], rows[g], outer, depth)

    def _same_shape(
        self, number: int, n: int, values: Ints, end: Ints, rows: Ints, outer: Path, depth: int
    ) -> None:
        """Rows of one template with `n` values each, their descriptors at `values`."""
        mem, template = self.memory, self._templates.all[number]
        if n > MAX_VALUES or n < template.substitutions:
            self.broken[rows] = True
            return
        fits = values + 4 + 4 * n <= end
        self.broken[rows[~fits]] = True
        values, end, rows = values[fits], end[fits], rows[fits]
        if not len(rows):
            return
        size = at = np.zeros((0, len(rows)), np.int64)
        kind = np.zeros((0, len(rows)), np.uint8)
        if n:
            d = np.ascontiguousarray(mem.gather(values + 4, f"V{4 * n}").view("<u2").reshape(-1, 2 * n).T)
            size, kind = d[::2].astype(np.int64), d[1::2].astype(np.uint8)
            at = np.cumsum(size, 0)
            at += (values + 4 + 4 * n) - size
            fits = at[-1] + size[-1] <= end
            if not fits.all():
                self.broken[rows[~fits]] = True
                size, kind, at, rows = size[:, fits], kind[:, fits], at[:, fits], rows[fits]
                if not len(rows):
                    return
        fields = self._fields(template.fields, size, kind, at, rows, outer, depth)
        self.groups.append(Group(rows, fields))

    def _fields(
        self, wanted: Any, size: npt.NDArray[Any], kind: Kinds, at: npt.NDArray[Any], rows: Ints, outer: Path, depth: int
    ) -> list[GroupField]:
        out: list[GroupField] = []
        memo: dict[int, tuple[Queued, ...] | None] = {}
        for path, parts in wanted:
            value: list[Value] = []
            nested_only = False
            for p in parts:
                if isinstance(p, str):
                    value.append(p)
                    continue
                if p not in memo:
                    memo[p] = self._value(size[p], kind[p], at[p], rows, (*outer, *path), depth)
                known = memo[p]
                if known is None:
                    nested_only = True
                else:
                    value.append(known)
            if not nested_only:  # nested XML alone comes as a group of its own
                out.append(((*outer, *path), value or [""]))
        return out

    def _value(
        self, size: Ints, kind: Kinds, at: Ints, rows: Ints, path: Path, depth: int
    ) -> tuple[Queued, ...] | None:
        nested = kind == XML
        if nested.any():
            if depth >= MAX_NESTING:
                self.broken[rows[nested]] = True
            else:
                self._group(at[nested], (at + size)[nested], rows[nested], path, depth + 1)
            kind = np.where(nested, 0, kind).astype(np.uint8)
            return self._queue(at, size, kind) or None
        return self._queue(at, size, kind)

    def _queue(self, at: Ints, size: Ints, kind: Kinds) -> tuple[Queued, ...]:
        if (kind == kind[0]).all():
            return self._enqueue(int(kind[0]), at, size, None)
        out: tuple[Queued, ...] = ()
        for k in np.unique(kind).tolist():
            i = np.flatnonzero(kind == k)
            out += self._enqueue(k, at[i], size[i], i)
        return out

    def _enqueue(self, kind: int, at: Ints, size: Ints, rows: Ints | None) -> tuple[Queued, ...]:
        if kind == 0:  # absent
            return ()
        key = (kind, int(size[0]) if kind == 16 else 0)
        job = self._jobs.setdefault(key, _Job())
        start = job.count
        job.count += len(at)
        job.at.append(at)
        job.size.append(size)
        return (Queued(key, rows, start, len(at)),)

    # ---- groups to columns ------------------------------------------------------------------------------------
    def column(self, value: list[Value], rows: int) -> Column:
        """A field as one column over the rows of its group."""
        if len(value) != 1:
            return self._joined(value, rows)
        v = value[0]
        if isinstance(v, str):
            return Column(np.full(rows, self._literal(v)), None, same=True, literal=v)
        if isinstance(v, np.ndarray):
            return Column(self.memory.of_list([str(x).encode("utf-8", "replace") for x in v]), None)
        if len(v) == 1 and v[0].rows is None:
            q = v[0]
            c, s = self._done[q.key], slice(q.start, q.start + q.count)
            return Column(
                c.text[s], None if c.json is None else c.json[s], None if c.number is None else c.number[s]
            )
        return self._mixed(v, rows)

    def _mixed(self, parts: tuple[Queued, ...], rows: int) -> Column:
        """Rows with different types or without a value. JSON is made from the text where a type has none of its own."""
        text, ok = np.full(rows, EMPTY), np.zeros(rows, bool)
        out = np.full(rows, NULL)
        number: Ints | None = np.zeros(rows, np.int64)
        for q in parts:
            i = np.arange(rows) if q.rows is None else q.rows
            c, s = self._done[q.key], slice(q.start, q.start + q.count)
            text[i], ok[i] = c.text[s], True
            out[i] = self.renderer.quoted_strings(c.text[s]) if c.json is None else c.json[s]
            if c.number is None or number is None or c.number.dtype.kind == "f":
                number = None
            else:
                number[i] = c.number[s].astype(np.int64)
        return Column(text, out, number, ok)

    def _joined(self, value: list[Value], rows: int) -> Column:
        """Text around or between substitutions."""
        columns = [[v] * rows if isinstance(v, str) else self.memory.to_list(self.column([v], rows).text) for v in value]
        return Column(self.memory.of_list(["".join(x).encode("utf-8", "replace") for x in zip(*columns, strict=True)]), None)

    def _literal(self, text: str) -> complex:
        raw = text.encode("utf-8", "replace")
        if len(raw) <= 12:
            return constant(raw)
        number = -2 - self._literals.number(text)
        self.memory.set_buffer(LITERALS, self._literals.data)
        at, n = self._literals.spans[number]
        cell: complex = self.memory.cells(LITERALS, np.array([at]), np.array([n]))[0]
        return cell

    def json(self, column: Column) -> Cells:
        """The column's JSON tokens."""
        if column.json is None:
            if column.same and len(column.text):
                one = self.renderer.quoted_strings(column.text[:1])
                column.json = np.full(len(column.text), one[0])
            else:
                column.json = self.renderer.quoted_strings(column.text)
        return column.json

    def literal(self, text: str) -> complex:
        """Cell of a constant text (names and punctuation of JSON)."""
        return self._literal(text)


__all__ = ["Group", "Malformed", "RunFields"]
