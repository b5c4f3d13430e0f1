"""Records of one template as matrices of values.

A run's records are grouped by verified template; for a group the descriptors of the substitutions form a matrix, whose
sizes are cumulated to offsets. No value is rendered here: a value is its offset, size and type in the run's bytes.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import starmap

import numpy as np
import numpy.typing as npt

from parsers.evtx.binxml import BROKEN, Path, Template, Templates, without_template
from parsers.evtx.cells import Bools, Bytes, Ints, Literals, Memory, alike, uniques
from parsers.evtx.chunks import CHUNK
from parsers.evtx.records import RECORD_HEAD

NULL, STRING, BINXML = 0, 1, 0x21
LITERAL, TEXT = 0xF1, 0xF2
"""Types of our own: UTF-8 in the buffer of constants, in the buffer of this run's texts."""
UNKNOWN = 0xFF
"""Instead of these two where a record claims them: its bytes are shown as those of any unknown type."""

ABSENT = -1
MAX_VALUES = 4096
MAX_NESTING = 8
GROWTH = 8
"""Text that a run may grow to, as a multiple of its bytes (but at least LEAST_GROWTH bytes)."""
LEAST_GROWTH = 4 << 20

_FRAGMENT_HEAD = 0x0001010F
_INSTANCE = 0x010C
_REST, _REST_INSIDE = (4, 12), (1, 1)
"""Bytes behind the last value of a record (closing token, up to seven to align, the size again), of a nested part."""
_U32 = struct.Struct("<I").unpack_from
_WIDTHS = np.zeros(256, np.int64)
"""Bytes of each type of fixed size; 0: any."""
_WIDTHS[[3, 4]], _WIDTHS[[5, 6]], _WIDTHS[[7, 8, 11, 13, 20]] = 1, 2, 4
_WIDTHS[[9, 10, 12, 17, 21]], _WIDTHS[[15, 18]] = 8, 16


class Values:
    """The run's values by index. Negative indexes are the constants (-2, -3, ...) and 'absent' (-1).

    After `freeze`, `at`, `size` and `type` are laid out so that a negative index leads to its constant by itself.
    """

    def __init__(self, literals: Literals) -> None:
        self.literals = literals
        self._blocks: list[tuple[Ints, Ints, Bytes]] = []
        self._count = 0
        self.texts = bytearray()
        self.at: Ints = np.zeros(0, np.int64)
        self.size: Ints = np.zeros(0, np.int64)
        self.type: Bytes = np.zeros(0, np.uint8)

    def add(self, at: Ints, size: Ints, kind: Bytes) -> int:
        """Take a block of values (any shape, in order); the index of its first."""
        first = self._count
        self._blocks.append((at.reshape(-1), size.reshape(-1), kind.reshape(-1)))
        self._count += at.size
        return first

    def add_texts(self, texts: Sequence[str]) -> int:
        """Take texts made here; the index of the first."""
        raw = [t.encode("utf-8", "replace") for t in texts]
        size = np.fromiter(map(len, raw), np.int64, len(raw))
        at = np.cumsum(size) - size + len(self.texts)
        self.texts += b"".join(raw)
        return self.add(at, size, np.full(len(raw), TEXT, np.uint8))

    def freeze(self) -> None:
        """Make `at`, `size`, `type` of all values taken so far."""
        spans = np.array(self.literals.spans, np.int64).reshape(-1, 2)[::-1]
        zero = np.zeros(1, np.int64)
        self.at = np.concatenate([*(b[0] for b in self._blocks), spans[:, 0], zero])
        self.size = np.concatenate([*(b[1] for b in self._blocks), spans[:, 1], zero])
        self.type = np.concatenate(
            [
                *(b[2] for b in self._blocks),
                np.full(len(spans), LITERAL, np.uint8),
                zero.astype(np.uint8),
            ]
        )
        n = self._count
        self._blocks = [(self.at[:n], self.size[:n], self.type[:n])]


@dataclass(frozen=True, slots=True)
class Fragment:
    """Records (or nested parts of records) of one template.

    `rows` are the record numbers in the run; value p of row j has the index `base + p * len(rows) + j`.
    `nested` are the substitutions that hold BinXML of their own: their fields come as a fragment of their own.
    """

    form: int
    rows: Ints
    outer: Path
    base: int
    nested: frozenset[int]


@dataclass(slots=True)
class Grouping:
    """What grouping a run gave: fragments, the rows that could not be read in full, and why."""

    fragments: list[Fragment] = field(default_factory=list)
    loose: list[tuple[int, list[tuple[Path, str]]]] = field(default_factory=list)
    unread: set[int] = field(default_factory=set)
    bounded: set[int] = field(default_factory=set)
    borrowed: set[int] = field(default_factory=set)
    """Read with a template of another chunk."""
    wounded: set[int] = field(default_factory=set)
    """Read with a template some of whose names are lost."""


Lenders = dict[int, set[tuple[int, int]]]
"""Id of a template (the start of its GUID) -> template and number of values, from sound chunks."""
_Spans = tuple[Ints, Ints, Ints, Ints, Ints]
"""Instances of templates: starts, starts of the values, ends, record numbers, and the template (-1: none)."""


class Grouper:
    """Groups the records of one run by template.

    Where a template's definition is lost, the only one of the same id in sound chunks of the run stands in, if number and
    types of the values are those that it declares.
    """

    def __init__(self, mem: Memory, templates: Templates, values: Values, covered: Bools) -> None:
        """`covered`: for each record of the run, whether a checksum that matches covers it."""
        self._mem = mem
        self._templates = templates
        self._values = values
        self._covered = covered
        self._lenders: Lenders = {}
        self._orphans: list[tuple[_Spans, Path, int]] = []
        self._cut = False
        self._chunk_at = -1
        self._chunk = b""
        self._budget = max(GROWTH * len(mem.raw), LEAST_GROWTH)
        self.result = Grouping()

    def records(self, rows: Ints, at: Ints, size: Ints) -> Grouping:
        """Group the records at `at`; `rows` are their numbers."""
        self._group(at + RECORD_HEAD, at + size, rows, (), 0)
        self._adopt()
        return self.result

    def torn(self, rows: Ints, at: Ints, end: Ints) -> None:
        """Records whose bytes end too early, at `end`: the values before it."""
        self._cut = True
        self._group(at + RECORD_HEAD, end, rows, (), 0)
        self._cut = False
        self.result.unread.update(rows.tolist())

    def _chunk_of(self, at: int) -> tuple[bytes, int]:
        """Bytes and offset of the chunk that `at` lies in."""
        base = at // CHUNK * CHUNK
        if base != self._chunk_at:
            self._chunk, self._chunk_at = self._mem.raw[base : base + CHUNK], base
        return self._chunk, base

    def _template_ids(self, key: Ints) -> Ints:
        """Template of each key (run offset of a definition, -1: none); -1 where it cannot be read."""
        unique, inverse = np.unique(key, return_inverse=True)
        ids = np.array([self._template_id(place) for place in unique.tolist()], np.int64)
        return ids[inverse]

    def _template_id(self, place: int) -> int:
        if place < 0:
            return -1
        try:
            return self._templates.get(self._mem.raw, place)
        except BROKEN:
            return -1

    def _group(self, at: Ints, end: Ints, row: Ints, outer: Path, depth: int) -> None:
        if not len(at):  # a chunk that was cut before its first record ends
            return
        mem = self._mem
        last = len(mem.buf) - 8
        at = at + 4 * (mem.gather(np.minimum(at, last), "<u4") == _FRAGMENT_HEAD)
        instance = (at + 10 <= end) & (mem.gather(np.minimum(at, last), "<u2") == _INSTANCE)
        ok = instance.copy()
        ids = mem.gather(np.where(ok, at + 2, 0), "V8").view("<u4").reshape(-1, 2)
        definition = ids[:, 1].astype(np.int64)
        chunk = at // CHUNK
        ok &= definition < CHUNK - 24
        place = np.where(ok, chunk * CHUNK + definition, 0)
        ok &= mem.gather(place + 4, "<u4") == ids[:, 0]
        template = self._template_ids(np.where(ok, place, -1))
        inline = definition == at - chunk * CHUNK + 10
        body = mem.gather(place + 20, "<u4").astype(np.int64)
        sub = at + 10 + np.where(inline, 24 + body, 0)
        orphan = instance & (template < 0) & ~inline
        if self._templates.wounded:
            orphan |= np.isin(template, list(self._templates.wounded))
        self._loose((template < 0) & ~orphan, outer, row, at, end)
        if self._cut:
            orphan[:] = False
        elif orphan.any():
            spans = (at[orphan], sub[orphan], end[orphan], row[orphan], template[orphan])
            self._orphans.append((spans, outer, depth))
        short = (template >= 0) & (sub + 4 > end) & ~orphan
        self._loose(short, outer, row, at, end)
        ready = (template >= 0) & ~short & ~orphan
        count = mem.gather(np.where(ready, sub, 0), "<u4").astype(np.int64)
        group = np.where(ready, template << 32 | count, -1)
        order = np.argsort(group, kind="stable")
        keys, starts = np.unique(group[order], return_index=True)
        groups = zip(keys.tolist(), np.split(order, starts[1:]), strict=True)
        # by their first record: what is given up beyond the bound must not rest on the templates' numbers
        for key, members in sorted(groups, key=lambda g: int(g[1][0])):
            if key >= 0:
                lender = members[np.argmax(self._covered[row[members]])]
                if self._covered[row[lender]]:
                    known = self._lenders.setdefault(int(ids[lender, 0]), set())
                    known.add((key >> 32, key & 0xFFFFFFFF))
                self._one(key >> 32, key & 0xFFFFFFFF, members, (at, sub, end, row), outer, depth)

    def _adopt(self) -> None:
        """Read what has lost its template, or names of it, with another chunk's; nested parts may follow."""
        while self._orphans:
            (at, sub, end, row, own), outer, depth = self._orphans.pop(0)
            spans = zip(at.tolist(), sub.tolist(), end.tolist(), strict=True)
            lent = np.array([self._lender(*span) for span in spans], np.int64)
            form = np.where(lent >= 0, lent, own)
            ready = (form >= 0) & (sub + 4 <= end)
            self._loose(~ready, outer, row, at, end)
            self.result.borrowed.update(row[lent >= 0].tolist())
            self.result.wounded.update(row[ready & (lent < 0)].tolist())
            count = self._mem.gather(np.where(ready, sub, 0), "<u4").astype(np.int64)
            group = np.where(ready, form << 32 | count, -1)
            for key in uniques(group[ready]).tolist():
                member = np.flatnonzero(group == key)
                self._one(key >> 32, key & 0xFFFFFFFF, member, (at, sub, end, row), outer, depth)

    def _lender(self, at: int, sub: int, end: int) -> int:
        """The template that may stand in for the instance at `at`; -1 if there is none, or more than one."""
        raw = self._mem.raw
        known = self._lenders.get(_U32(raw, at + 2)[0], set())
        if len(known) != 1 or sub + 4 > end:
            return -1
        ((form, count),) = known
        values = sub + 4 + 4 * count
        if _U32(raw, sub)[0] != count or values > end:
            return -1
        pairs = struct.unpack_from(f"<{2 * count}H", raw, sub + 4)
        types = self._templates.all[form].types
        if any(kind not in (NULL, types.get(i, kind)) for i, kind in enumerate(pairs[1::2])):
            return -1
        return form if 0 <= end - values - sum(pairs[::2]) <= _REST[1] else -1

    def _one(
        self,
        form: int,
        n: int,
        member: Ints,
        spans: tuple[Ints, Ints, Ints, Ints],
        outer: Path,
        depth: int,
    ) -> None:
        """Records of one template with the same number of values."""
        at, sub, end, row = (s[member] for s in spans)
        template = self._templates.all[form]
        if n > MAX_VALUES or n < template.substitutions:
            self._loose(np.ones(len(row), bool), outer, row, at, end)
            return
        keep = sub + 4 + 4 * n <= end
        if not keep.all():
            self._loose(~keep, outer, row, at, end)
            at, sub, end, row = at[keep], sub[keep], end[keep], row[keep]
        if not len(row):
            return
        offset, size, kind = self._descriptors(sub, n)
        if self._cut:
            beyond = offset + size > end
            kind[beyond], size[beyond], offset[beyond] = NULL, 0, 0
        elif n:
            fit = offset[-1] + size[-1] <= end
            if not fit.all():
                self._loose(~fit, outer, row, at, end)
                offset, size, kind, row = offset[:, fit], size[:, fit], kind[:, fit], row[fit]
                end, sub = end[fit], sub[fit]
        if not self._cut and not self._covered[row].all():
            last = offset[-1] + size[-1] if n else sub + 4
            self._doubt(template, row, end - last, size, kind, depth)
        if len(row) and self._afford(template, row, size):
            self._keep(form, template, row, (offset, size, kind), outer, depth)

    def _doubt(
        self, template: Template, row: Ints, rest: Ints, size: Ints, kind: Bytes, depth: int
    ) -> None:
        """Values of records without a sound checksum that end elsewhere than they must: one of the sizes is wrong.

        What stands behind the first descriptor that contradicts itself is taken out; if none does, the fault lies in a
        text: what stands behind the first of them.
        """
        bare = ~self._covered[row]
        width = _WIDTHS[kind]
        contradiction = (width > 0) & (size != width) | ((kind == STRING) & (size & 1 == 1))
        declared = np.zeros((len(kind), 1), bool)
        declared[[p for p, t in template.types.items() if t == BINXML and p < len(kind)]] = True
        contradiction |= ((kind == BINXML) != declared) & (size > 0)
        low, high = _REST_INSIDE if depth else _REST
        wrong = (rest < low) | (rest > high)
        doubtful = np.flatnonzero(bare & (wrong | contradiction.any(0)))
        for j in doubtful.tolist():
            found = np.flatnonzero(contradiction[:, j])
            if not len(found):
                found = np.flatnonzero(kind[:, j] == STRING)
            kind[found[0] if len(found) else 0 :, j] = NULL
        self.result.unread.update(row[doubtful].tolist())

    def _descriptors(self, sub: Ints, n: int) -> tuple[Ints, Ints, Bytes]:
        """Offsets, sizes and types, each values x records."""
        if not n:
            empty = np.zeros((0, len(sub)), np.int64)
            return empty, empty, empty.astype(np.uint8)
        pairs = self._mem.gather(sub + 4, f"V{4 * n}").view("<u2").reshape(-1, 2 * n).T
        size = pairs[::2].astype(np.int64, order="C")
        kind = pairs[1::2].astype(np.uint8, order="C")
        if kind.size and kind.max() >= LITERAL:
            kind[(kind == LITERAL) | (kind == TEXT)] = UNKNOWN
        offset = np.empty_like(size)
        offset[0], offset[1:] = sub + 4 + 4 * n, size[:-1]
        np.cumsum(offset, 0, out=offset)
        return offset, size, kind

    def _afford(self, template: Template, row: Ints, size: Ints) -> bool:
        """Bound on what a run can grow to; beyond it, records are only marked."""
        text = len(row) * (template.static_size + 8 * len(template.fields))
        self._budget -= text + int(size.sum()) * template.repeats
        if self._budget < 0:
            self.result.unread.update(row.tolist())
            self.result.bounded.update(row.tolist())
        return self._budget >= 0

    def _keep(
        self,
        form: int,
        template: Template,
        row: Ints,
        descriptors: tuple[Ints, Ints, Bytes],
        outer: Path,
        depth: int,
    ) -> None:
        inner = descriptors[2] == BINXML
        if not inner.size:
            self._add(form, row, outer, descriptors, ())
            return
        # a nested part leaves out its field: records with another pattern keep theirs
        for member, pattern in alike(inner):
            part = row, descriptors
            if len(member) < len(row):
                offset, size, kind = descriptors
                part = row[member], (offset[:, member], size[:, member], kind[:, member])
            nested = np.flatnonzero(pattern).tolist()
            self._add(form, part[0], outer, part[1], nested)
            for p in nested:
                self._nested(template, p, part, outer, depth)

    def _add(
        self,
        form: int,
        row: Ints,
        outer: Path,
        descriptors: tuple[Ints, Ints, Bytes],
        nested: Sequence[int],
    ) -> None:
        """Records of one template and one pattern of nested parts."""
        offset, size, kind = descriptors
        if nested:
            kind = kind.copy()
            kind[nested] = NULL
        for number, member in self._named(form, descriptors):
            first = self._values.add(offset[:, member], size[:, member], kind[:, member])
            part = Fragment(number, row[member], outer, first, frozenset(nested))
            self.result.fragments.append(part)

    def _named(
        self, form: int, descriptors: tuple[Ints, Ints, Bytes]
    ) -> Iterator[tuple[int, Ints | slice]]:
        """Records by the names that they give their data; nearly all templates hold the names themselves."""
        naming = self._templates.all[form].naming
        if not naming:
            yield form, slice(None)
            return
        offset, size, kind = (d[list(naming)].T.tolist() for d in descriptors)
        groups: dict[tuple[str, ...], list[int]] = {}
        for j, spans in enumerate(zip(offset, size, kind, strict=True)):
            names = tuple(starmap(self._name, zip(*spans, strict=True)))
            groups.setdefault(names, []).append(j)
        for names, member in groups.items():
            yield self._templates.named(form, names), np.array(member)

    def _name(self, at: int, size: int, kind: int) -> str:
        """A text that can name a field; empty: it is none, and stays a value."""
        text = self._mem.raw[at : at + size].decode("utf-16-le", "replace").rstrip("\0")
        return text if kind == STRING and "\0" not in text else ""

    def _nested(
        self,
        template: Template,
        p: int,
        part: tuple[Ints, tuple[Ints, Ints, Bytes]],
        outer: Path,
        depth: int,
    ) -> None:
        """Value p of the records is BinXML of its own."""
        row, (offset, size, _) = part
        at, end = offset[p], offset[p] + size[p]
        place = _path_of(template, p)
        if depth >= MAX_NESTING:
            self._loose(np.ones(len(at), bool), outer + place, row, at, end)
        else:
            self._group(at, end, row, outer + place, depth + 1)

    def _loose(self, which: Bools, outer: Path, row: Ints, at: Ints, end: Ints) -> None:
        """Records and parts that use no readable template: read token by token."""
        if not which.any():
            return
        for r, a, e in zip(
            row[which].tolist(), at[which].tolist(), end[which].tolist(), strict=True
        ):
            chunk, base = self._chunk_of(a)
            self._budget -= e - a
            try:
                if self._budget < 0:
                    self.result.bounded.add(r)
                    self.result.unread.add(r)
                    continue
                fields = without_template(chunk, a - base, e - base)
            except BROKEN:
                self.result.unread.add(r)
                continue
            self.result.loose.append((r, [(outer + path, text) for path, text in fields]))


def _path_of(template: Template, p: int) -> Path:
    """Path of the element that substitution p stands in."""
    return next((path for path, parts in template.fields if p in parts), ())


def loose_fragments(
    grouping: Grouping, values: Values
) -> list[tuple[tuple[Path, ...], npt.NDArray[np.int64], int]]:
    """Loose records grouped by their list of paths: (paths, rows, index of the first value)."""
    forms: dict[tuple[Path, ...], list[tuple[int, list[str]]]] = {}
    for row, fields in grouping.loose:
        forms.setdefault(tuple(p for p, _ in fields), []).append((row, [t for _, t in fields]))
    out = []
    for paths, rows in forms.items():
        texts = [text[p] for p in range(len(paths)) for _, text in rows]
        out.append((paths, np.array([r for r, _ in rows], np.int64), values.add_texts(texts)))
    return out
