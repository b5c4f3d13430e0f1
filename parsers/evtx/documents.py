"""JSON objects of events without a typed table, and of the fields that a typed table has no column for.

A document is an interleave of cells (labels, rendered tokens); the joined text of all cells is the JSON of all rows.
"""

import itertools
import json
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from parsers.evtx.cells import (
    BEFORE,
    BEHIND,
    EMPTY,
    LITERALS,
    Cells,
    Ints,
    Literals,
    Memory,
    column,
    constant,
)
from parsers.evtx.render import Renderer
from parsers.evtx.scalars import STRINGS, array_items, quoted


@dataclass(frozen=True, slots=True)
class Part:
    """Fields of some rows of a table: labels, and value indexes (labels x rows)."""

    rows: Ints
    labels: tuple[str, ...]
    index: Ints


def token_cells(r: Renderer, parts: list[Part]) -> list[Cells]:
    """Tokens of each part, rows x labels; all parts are rendered together."""
    if not parts:
        return []
    whole = np.concatenate([np.ascontiguousarray(p.index.T).reshape(-1) for p in parts])
    tokens = r.tokens(whole)
    lists = np.flatnonzero(r.values.type[whole] == STRINGS)
    if len(lists):
        _spread(r, parts, whole, lists, tokens)
    cut = np.cumsum([p.index.size for p in parts])[:-1]
    return [
        t.reshape(len(p.rows), len(p.labels))
        for t, p in zip(np.split(tokens, cut), parts, strict=True)
    ]


def _spread(r: Renderer, parts: list[Part], whole: Ints, lists: Ints, tokens: Cells) -> None:
    """String arrays: Windows repeats the element, so the token is `"a","Data[1]":"b"`; a name behind keeps its number."""
    ends = np.cumsum([p.index.size for p in parts])
    owner = np.searchsorted(ends, lists, "right").tolist()
    made: list[bytes] = []
    for place, own in zip(lists.tolist(), owner, strict=True):
        part = parts[own]
        label = part.labels[(place - (int(ends[own]) - part.index.size)) % len(part.labels)]
        v = int(whole[place])
        at, size = int(r.values.at[v]), int(r.values.size[v])
        items = array_items(STRINGS, r.mem.raw[at : at + size]) or [""]
        text, taken = quoted(items[0]), set(part.labels)
        free = (name for n in itertools.count(1) if (name := f"{label}[{n}]") not in taken)
        for item in items[1:]:
            text += f",{quoted(next(free))}:{quoted(item)}"
        made.append(text.encode("utf-8", "replace"))
    tokens[lists] = r.mem.of_list(made)


def label_cells(mem: Memory, literals: Literals, parts: list[Part]) -> list[Cells]:
    """Cells of `{"Name":` and `,"Name":` for each part; they are kept among the constants."""
    numbers: list[int] = []
    for part in parts:
        numbers.extend(literals.label(name, j == 0) for j, name in enumerate(part.labels))
    mem.set_buffer(LITERALS, literals.data)
    spans = np.array(literals.spans, np.int64).reshape(-1, 2)[numbers]
    cells = mem.cells(LITERALS, spans[:, 0], spans[:, 1])
    return np.split(cells, np.cumsum([len(p.labels) for p in parts])[:-1])


def json_column(
    mem: Memory, literals: Literals, parts: list[Part], tokens: list[Cells], rows: int
) -> pa.Array:
    """One JSON object per row; NULL for rows without fields."""
    if not parts:
        return pa.nulls(rows, pa.string_view())
    mixed, counts, owner = [], [], []
    for part, token, labels in zip(parts, tokens, label_cells(mem, literals, parts), strict=True):
        k = len(part.labels)
        cells = np.empty((len(part.rows), 2 * k + 1), np.complex128)
        cells[:, 0:-1:2] = labels
        cells[:, 1::2] = token
        cells[:, -1] = constant(b"}")
        mixed.append(cells.reshape(-1))
        counts.append(np.full(len(part.rows), 2 * k + 1))
        owner.append(part.rows)
    data, ends = mem.join(np.concatenate([[BEFORE], *mixed, [BEHIND]]))
    row, count = np.concatenate(owner), np.concatenate(counts)
    stop, ends = np.cumsum(count), ends[1:-1]
    lead = int(ends[0])
    start, end = (ends[at].astype(np.int64) - lead for at in (stop - count, stop))
    twice = np.flatnonzero(np.bincount(row, minlength=rows) > 1)
    if len(twice):
        text, start, end = _merge(data[lead : ends[-1]], row, start, end, twice)
        number = mem.add(text)
    else:
        number = mem.adopt(data)
    out, ok = np.full(rows, EMPTY, np.complex128), np.zeros(rows, bool)
    made = mem.cells(number, start, end - start).view("<i4").reshape(-1, 4)
    made[made[:, 0] > 12, 2] = 0
    out[row], ok[row] = made.view(np.complex128)[:, 0], True
    return column(out, ok, mem.buffers[number])


def _merge(
    data: np.ndarray, row: Ints, start: Ints, end: Ints, twice: Ints
) -> tuple[np.ndarray, Ints, Ints]:
    """Rows with two or more fragments: their objects joined, appended to the text."""
    inside: dict[int, list[int]] = {}
    for i in np.flatnonzero(np.isin(row, twice)).tolist():
        inside.setdefault(int(row[i]), []).append(i)
    start, end, extra, at = start.copy(), end.copy(), [], len(data)
    for own in inside.values():
        text = b"{" + b",".join(data[start[i] + 1 : end[i] - 1].tobytes() for i in own) + b"}"
        text = _unique_names(text)
        extra.append(text)
        start[own], end[own] = at, at + len(text)
        at += len(text)
    return np.concatenate([data, np.frombuffer(b"".join(extra), np.uint8)]), start, end


def _unique_names(text: bytes) -> bytes:
    """Names that two fragments share get `[1]`, `[2]`, ... as repeated elements do."""
    pairs: list[tuple[str, object]] = json.loads(text, object_pairs_hook=list)
    out: dict[str, object] = {}
    for name, value in pairs:
        n, spelled = 0, name
        while spelled in out:
            n += 1
            spelled = f"{name}[{n}]"
        out[spelled] = value
    return json.dumps(out, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
