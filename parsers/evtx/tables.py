"""Frames of one run: each record goes to the typed table of its provider and id, or to `event_other`."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from parsers.evtx.binxml import Path, Templates
from parsers.evtx.cells import Bools, Cells, Ints, Literals, alike, column, compact, uniques
from parsers.evtx.documents import Part, json_column, token_cells
from parsers.evtx.events import EVENT_TABLES
from parsers.evtx.events.spec import EventTable, Form
from parsers.evtx.fragments import ABSENT, NULL, Fragment, Grouping, loose_fragments
from parsers.evtx.numeric import RAW, READ, read
from parsers.evtx.render import Renderer
from parsers.evtx.shape import SYSTEM_ROWS, Named, Plan, Shape, Source, indexes, plan, shape
from parsers.evtx.system import (
    Header,
    SystemFrame,
    bool_column,
    frame_of,
    number_column,
    system_frame,
)

OTHER = len(EVENT_TABLES)


def _routes_of(provider: str) -> npt.NDArray[np.int16]:
    """Table by event id; the last entry stands for events without an id (-1)."""
    out = np.full(65537, OTHER, np.int16)
    for n, table in enumerate(EVENT_TABLES):
        if table.provider == provider:
            out[list(table.event_ids)] = n
    return out


ROUTES = {provider: _routes_of(provider) for provider in {t.provider for t in EVENT_TABLES}}
Key = tuple[object, Path, frozenset[int]]


@dataclass(slots=True)
class Known:
    """What is kept from run to run: templates, constants, and how they fill tables."""

    templates: Templates = field(default_factory=Templates)
    literals: Literals = field(default_factory=Literals)
    shapes: dict[Key, Shape] = field(default_factory=dict)
    plans: dict[tuple[Key, int], Plan] = field(default_factory=dict)

    def full(self) -> bool:
        """More than real logs have: start anew, so that memory stays bounded."""
        return (
            self.templates.compiled > 20_000
            or len(self.literals.data) > 16 << 20
            or len(self.plans) > 50_000
        )


@cache
def known() -> Known:
    """What this process has learned so far, from any log: templates are verified by their bytes at each use.

    A log is read in parts, a collection holds many logs of the same providers: none has to start anew.
    """
    return Known()


@dataclass(frozen=True, slots=True)
class Piece:
    """A fragment with its shape; `made` are the first values of its mixed fields."""

    key: Key
    shape: Shape
    rows: Ints
    base: int
    made: dict[int, int]


@dataclass(frozen=True, slots=True)
class Filled:
    """Rows of one table: record numbers, value indexes (fields x rows), parts that become JSON."""

    table: int
    rows: Ints
    matrix: Ints
    parts: list[Part]


class RunTables:
    """Builds the frames of one run."""

    def __init__(self, r: Renderer, known: Known, grouping: Grouping) -> None:
        self._r = r
        self._known = known
        self._values = r.values
        self._pieces = self._shaped(grouping)

    # --- shapes

    def _shaped(self, grouping: Grouping) -> list[Piece]:
        loose = loose_fragments(grouping, self._values)
        pieces = [self._piece(f) for f in grouping.fragments]
        for paths, rows, base in loose:
            key: Key = (paths, (), frozenset())
            fields = tuple((p, (i,)) for i, p in enumerate(paths))
            pieces.append(Piece(key, self._shape(key, fields), rows, base, {}))
        self._freeze()
        if any(p.shape.mixed for p in pieces):
            for piece in pieces:
                self._mix(piece)
            self._freeze()
        return pieces

    def _piece(self, f: Fragment) -> Piece:
        key: Key = (f.form, f.outer, f.nested)
        return Piece(
            key, self._shape(key, self._known.templates.all[f.form].fields), f.rows, f.base, {}
        )

    def _shape(self, key: Key, fields: tuple[tuple[Path, tuple[str | int, ...]], ...]) -> Shape:
        found = self._known.shapes.get(key)
        if found is None:
            found = shape(fields, key[1], key[2], self._known.literals)
            self._known.shapes[key] = found
        return found

    def _freeze(self) -> None:
        self._r.mem.set_buffer(2, self._known.literals.data)
        self._r.mem.set_buffer(3, self._values.texts)
        self._values.freeze()

    def _mix(self, piece: Piece) -> None:
        """Text around or between substitutions: join the rendered parts."""
        n = len(piece.rows)
        for source in piece.shape.mixed:
            form = piece.key[0]
            if not isinstance(form, int):
                continue
            joined = [""] * n
            for part in self._known.templates.all[form].fields[source.field][1]:
                if isinstance(part, str):
                    joined = [t + part for t in joined]
                else:
                    index = piece.base + part * n + np.arange(n)
                    joined = [a + b for a, b in zip(joined, self._r.texts(index), strict=True)]
            piece.made[source.field] = self._values.add_texts(joined)

    # --- System

    def system(self, head: Header, unread: Bools) -> SystemFrame:
        """System columns of all records."""
        matrix = np.full((len(SYSTEM_ROWS), len(head.at)), ABSENT)
        for piece in self._pieces:
            if piece.shape.system:
                rows = np.array([row for row, _ in piece.shape.system])
                matrix[rows[:, None], piece.rows] = self._index(
                    piece, [s for _, s in piece.shape.system], np.arange(len(piece.rows))
                )
        return system_frame(self._r, matrix, head, unread)

    def _index(self, piece: Piece, sources: list[Source], member: Ints) -> Ints:
        return indexes(sources, piece.base, len(piece.rows), member, piece.made)

    # --- data

    def frames(self, system: SystemFrame) -> Iterator[tuple[str, Ints, pl.DataFrame]]:
        """Table, record numbers and frame of all tables that have rows in this run."""
        route = _routes(system)
        # one gather of all columns instead of one per table
        by_table, start = system.frame[np.argsort(route, kind="stable")], 0
        filled = self._fill(route)
        tokens = token_cells(self._r, [p for f in filled for p in f.parts])
        texts = self._texts(filled)
        numbers, strays = self._numbers(filled)
        tokens += token_cells(self._r, [p for ps in strays for p in ps])
        own = _split(tokens, [len(f.parts) for f in filled] + [len(ps) for ps in strays])
        for i, f in enumerate(filled):
            frame = by_table.slice(start, len(f.rows))
            start += len(f.rows)
            parts, token = f.parts + strays[i], own[i] + own[len(filled) + i]
            columns = {**texts[i], **numbers[i]}
            if parts or f.table == OTHER:
                name = "data" if f.table == OTHER else "extra"
                columns[name] = json_column(
                    self._r.mem, self._known.literals, parts, token, len(f.rows)
                )
            name = "event_other" if f.table == OTHER else EVENT_TABLES[f.table].name
            yield name, f.rows, frame.hstack(frame_of(columns)) if columns else frame

    def _fill(self, route: Ints) -> list[Filled]:
        filled: dict[int, Filled] = {}
        place = np.zeros(len(route), np.int64)
        for table in uniques(route).tolist():
            rows = np.flatnonzero(route == table)
            place[rows] = np.arange(len(rows))
            fields = 0 if table == OTHER else len(EVENT_TABLES[table].fields)
            filled[table] = Filled(table, rows, np.full((fields, len(rows)), ABSENT), [])
        has_data = np.zeros(len(route), bool)
        for piece in self._pieces:
            if not piece.shape.data:
                continue
            own = route[piece.rows]
            for table in [int(own[0])] if (own == own[0]).all() else uniques(own).tolist():
                member = np.flatnonzero(own == table)
                self._place(piece, filled[table], member, place[piece.rows[member]], has_data)
            has_data[piece.rows] = True
        return list(filled.values())

    def _place(self, piece: Piece, f: Filled, member: Ints, at: Ints, has_data: Bools) -> None:
        """Put the data of some records of a fragment into their table."""
        again = has_data[piece.rows[member]]
        if f.table == OTHER:
            self._part(piece, f, piece.shape.data, member, at)
            return
        if (
            again.any()
        ):  # a second fragment with data: its fields must not overwrite those of the first
            self._part(piece, f, piece.shape.data, member[again], at[again], True)
            member, at = member[~again], at[~again]
        key = (piece.key, f.table)
        how = self._known.plans.get(key)
        if how is None:
            how = self._known.plans[key] = plan(piece.shape, EVENT_TABLES[f.table])
        if how.columns and len(at):
            fields = np.array([i for i, _ in how.columns])
            f.matrix[fields[:, None], at] = self._index(piece, [s for _, s in how.columns], member)
        if how.rest and len(at):
            self._part(piece, f, how.rest, member, at, True)

    def _part(
        self,
        piece: Piece,
        f: Filled,
        named: tuple[Named, ...],
        member: Ints,
        at: Ints,
        only_valued: bool = False,
    ) -> None:
        """Queue fields for JSON; `only_valued`: each row without the fields that have no value in it."""
        labels = tuple(n.label for n in named)
        index = self._index(piece, [n.source for n in named], member)
        if not labels or not len(at):
            return
        if not only_valued:
            f.parts.append(Part(at, labels, index))
            return
        for rows, there in alike(self._values.type[index] != NULL):
            if there.any():
                own = tuple(x for x, keep in zip(labels, there.tolist(), strict=True) if keep)
                f.parts.append(Part(at[rows], own, index[there][:, rows]))

    def _texts(self, filled: list[Filled]) -> list[dict[str, pa.Array]]:
        """TEXT columns: all cells of the run at once, then one compact buffer per table."""
        wanted: list[tuple[int, list[int], Ints]] = []
        for i, f in enumerate(filled):
            fields = [] if f.table == OTHER else EVENT_TABLES[f.table].fields
            text = [
                j
                for j, x in enumerate(fields)
                if x.form is Form.TEXT and (f.matrix[j] != ABSENT).any()
            ]
            if text:
                wanted.append((i, text, f.matrix[text]))
        out: list[dict[str, pa.Array]] = [{} for _ in filled]
        if not wanted:
            return out
        cells = self._r.cells(np.concatenate([m.reshape(-1) for _, _, m in wanted]))
        parts = np.split(cells, np.cumsum([m.size for _, _, m in wanted])[:-1])
        for (i, text, matrix), own in zip(wanted, parts, strict=True):
            out[i] = self._text_columns(EVENT_TABLES[filled[i].table], text, matrix, own)
        return out

    def _text_columns(
        self, table: EventTable, text: list[int], matrix: Ints, cells: Cells
    ) -> dict[str, pa.Array]:
        mem, index = self._r.mem, matrix.reshape(-1)
        data, ends = mem.join(cells)
        if self._r.decode(index, cells, data, ends):
            data, ends = mem.join(cells)
        made = compact(cells, ends).reshape(matrix.shape)
        ok = self._values.type[matrix] != NULL
        return {
            table.fields[j].column.name: column(made[k], ok[k], data)
            for k, j in enumerate(text)
            if ok[k].any()
        }

    def _numbers(self, filled: list[Filled]) -> tuple[list[dict[str, pa.Array]], list[list[Part]]]:
        """All other columns, read together by form; what does not parse goes to the JSON under the field's name."""
        queue: dict[Form, list[tuple[int, int]]] = {}
        for i, f in enumerate(filled):
            for j, x in enumerate([] if f.table == OTHER else EVENT_TABLES[f.table].fields):
                if x.form is not Form.TEXT and (f.matrix[j] != ABSENT).any():
                    queue.setdefault(x.form, []).append((i, j))
        out: list[dict[str, pa.Array]] = [{} for _ in filled]
        strays: list[list[Part]] = [[] for _ in filled]
        for form, places in queue.items():
            value, state = read(
                self._r, np.concatenate([filled[i].matrix[j] for i, j in places]), form
            )
            at = 0
            for i, j in places:
                f = filled[i]
                v, s = value[at : at + len(f.rows)], state[at : at + len(f.rows)]
                at += len(f.rows)
                spec = EVENT_TABLES[f.table].fields[j]
                if (s == READ).any():
                    out[i][spec.column.name] = _form_column(v, s == READ, form)
                raw = np.flatnonzero(s == RAW)
                if len(raw):
                    strays[i].append(Part(raw, (spec.name,), f.matrix[j][raw][None, :]))
        return out, strays


def _form_column(value: Ints, ok: Bools, form: Form) -> pa.Array:
    if form is Form.BOOL:
        return bool_column(value != 0, ok)
    return number_column(
        value, ok, pa.timestamp("ns") if form in (Form.TIME, Form.SYSMON_TIME) else pa.int64()
    )


def _routes(system: SystemFrame) -> Ints:
    """Table number of each record."""
    route = np.full(len(system.event_id), OTHER, np.int64)
    for code, provider in enumerate(system.providers):
        table = ROUTES.get(provider or "")
        if table is not None:
            rows = np.flatnonzero(system.provider_code == code)
            route[rows] = table[system.event_id[rows]]
    return route


def _split(items: list[Cells], counts: list[int]) -> list[list[Cells]]:
    out, at = [], 0
    for n in counts:
        out.append(items[at : at + n])
        at += n
    return out
