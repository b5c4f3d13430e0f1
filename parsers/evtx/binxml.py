"""BinXML: templates -> flat field lists, compiled once and verified for every chunk that uses them again.

A template's body is walked once. The result is a list of fields (path, parts); a part is a text or a number (index
into the record's substitutions). The same template sits at another offset and names its elements by other offsets in
every chunk, so a known template is accepted only if all its static bytes are equal and every name offset leads to the
expected name. Source of the token layout: MS-EVEN6 2.2.12 and libevtx's format description.
"""

import struct
from collections import Counter
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from itertools import compress, repeat

from parsers.evtx.chunks import CHUNK

Part = str | int
Path = tuple[str, ...]
Field = tuple[Path, tuple[Part, ...]]

MAX_DEPTH = 64
MAX_REPEATS = 8
"""Times one substitution may stand in a template: bounds what a record can grow to."""
MAX_FIELDS = 2048
MAX_VARIANTS = 64
"""Bodies kept of one template GUID and size."""
TEMPLATE_HEAD = 24

_U16 = struct.Struct("<H").unpack_from
_U32 = struct.Struct("<I").unpack_from
_ENTITIES = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}

END, OPEN, CLOSE_START, CLOSE_EMPTY, CLOSE, TEXT, ATTRIBUTE = 0, 1, 2, 3, 4, 5, 6
CDATA, CHARACTER, ENTITY, NORMAL_SUB, OPTIONAL_SUB, FRAGMENT = 7, 8, 9, 0x0D, 0x0E, 0x0F
PI_TARGET, PI_DATA = 0x0A, 0x0B
WOUNDED = "\0"
"""Stands for a name that is not what its hash says; no name of XML holds this character."""
MORE = 0x40
"""Flag of a token: attributes follow, or more of the same."""


class Malformed(Exception):
    """Bytes that are no BinXML."""


BROKEN = (Malformed, struct.error, IndexError)
"""What walking over damaged bytes can raise."""


@dataclass(frozen=True, slots=True)
class Element:
    """An element: its attributes, and its children and text parts in document order."""

    name: str
    attributes: list[tuple[str, list[Part]]]
    children: "list[Element | list[Part]]"


def sound_name(raw: bytes) -> bool:
    """Whether a name (16-bit hash, length, UTF-16) has the hash that it is stored with: h = 65599 * h + unit."""
    value = 0
    for unit in struct.unpack_from(f"<{len(raw) // 2 - 2}H", raw, 4):
        value = (value * 65599 + unit) & 0xFFFFFFFF
    stored: int = _U16(raw, 0)[0]
    return value & 0xFFFF == stored


class Walk:
    """Walks BinXML tokens in one chunk; notes the name offsets for later verification, and the types of substitutions.

    `dependency` is the size of the dependency id, which exists only inside template definitions.
    """

    def __init__(self, chunk: bytes, pos: int, end: int, dependency: int = 2) -> None:
        self.chunk = chunk
        self.pos = pos
        self.end = min(end, len(chunk))
        self.dependency = dependency
        self.names: list[tuple[int, bool, bytes]] = []
        self.types: dict[int, int] = {}

    def u8(self) -> int:
        """Next byte."""
        if self.pos >= self.end:
            raise Malformed("overrun")
        self.pos += 1
        return self.chunk[self.pos - 1]

    def u16(self) -> int:
        """Next two bytes as a number."""
        self.pos += 2
        value: int = _U16(self.chunk, self.pos - 2)[0]
        return value

    def u32(self) -> int:
        """Next four bytes as a number."""
        self.pos += 4
        value: int = _U32(self.chunk, self.pos - 4)[0]
        return value

    def utf16(self) -> str:
        """A counted UTF-16 text."""
        n = 2 * self.u16()
        if self.pos + n > self.end:
            raise Malformed("text beyond the end")
        text = self.chunk[self.pos : self.pos + n].decode("utf-16-le", "replace")
        self.pos += n
        return text

    def name(self) -> str:
        """A name by its offset in the chunk; it may be stored right here."""
        at = self.pos
        offset = self.u32()
        n = _U16(self.chunk, offset + 6)[0]
        raw = self.chunk[offset + 4 : offset + 8 + 2 * n]
        if len(raw) != 4 + 2 * n:
            raise Malformed("name length")
        if offset == self.pos:
            self.pos += 10 + 2 * n
        self.names.append((at, offset == at + 4, raw))
        return raw[4:].decode("utf-16-le", "replace") if n and sound_name(raw) else WOUNDED

    def parts(self, stop: tuple[int, ...]) -> list[Part]:
        """Value parts up to a token of `stop`, which is left."""
        out: list[Part] = []
        while self.pos < self.end and self.chunk[self.pos] & 0xBF not in stop:
            part = self._part(self.u8() & 0xBF)
            if part is not None:
                out.append(part)
        return out

    def _part(self, token: int) -> Part | None:
        if token == TEXT:
            if self.u8() != 1:
                raise Malformed("value type")
            return self.utf16()
        if token in (NORMAL_SUB, OPTIONAL_SUB):
            index = self.u16()
            self.types[index] = self.u8()
            return index
        if token == CHARACTER:
            return chr(self.u16())
        if token == ENTITY:
            name = self.name()
            return _ENTITIES.get(name, f"&{name};")
        if token == CDATA:
            return self.utf16()
        if token in (PI_TARGET, PI_DATA):  # a processing instruction is no text
            _ = self.name() if token == PI_TARGET else self.utf16()
            return None
        raise Malformed(f"token {token:02x}")

    def element(self, depth: int = 0) -> Element:
        """An element with all it holds."""
        if depth > MAX_DEPTH:
            raise Malformed("depth")
        token = self.u8()
        if token & 0xBF != OPEN:
            raise Malformed("element expected")
        self.pos += 4 + self.dependency
        element = Element(self.name(), [], [])
        if token & MORE:
            self.pos += 4
            while self.chunk[self.pos] & 0xBF == ATTRIBUTE:
                self.pos += 1
                name = self.name()
                stop = (OPEN, CLOSE_START, CLOSE_EMPTY, CLOSE, ATTRIBUTE)
                element.attributes.append((name, self.parts(stop)))
        token = self.u8()
        if token == CLOSE_EMPTY:
            return element
        if token != CLOSE_START:
            raise Malformed("close expected")
        while True:
            if self.pos >= self.end:
                raise Malformed("overrun")
            token = self.chunk[self.pos] & 0xBF
            if token == CLOSE:
                self.pos += 1
                return element
            if token == OPEN:
                element.children.append(self.element(depth + 1))
            else:
                element.children.append(self.parts((OPEN, CLOSE)))


def flatten(
    element: Element, out: list[Field], path: Path = (), seen: Counter[Path] | None = None
) -> list[Field]:
    """Fields in document order.

    `<Data Name='X'>` takes X as its name; the second of the same path gets `[1]`, the third `[2]`.
    """
    seen = Counter() if seen is None else seen
    name, attributes = element.name, element.attributes
    if name == "Data":
        for key, value in attributes:
            if key == "Name" and len(value) == 1 and isinstance(value[0], str):
                name = value[0]
                attributes = [a for a in attributes if a[0] != "Name"]
                break
    here = (*path, name)
    n = seen[here]
    seen[here] += 1
    if n:
        here = (*path, f"{name}[{n}]")
    out.extend(((*here, "@" + key), tuple(value)) for key, value in attributes)
    text = [p for child in element.children if isinstance(child, list) for p in child]
    inner = [child for child in element.children if isinstance(child, Element)]
    if text or not (inner or attributes):
        out.append((here, tuple(text)))
    for child in inner:
        flatten(child, out, here, seen)
    if len(out) > MAX_FIELDS:
        raise Malformed("too many fields")
    return out


def naming(fields: Sequence[Field]) -> tuple[int, ...]:
    """Substitutions that name a `<Data Name="%1">`: what it is called stands in each record."""
    return tuple(
        parts[0]
        for path, parts in fields
        if len(parts) == 1 and isinstance(parts[0], int) and _names_data(path[-2:])
    )


def _names_data(end: Path) -> bool:
    return len(end) == 2 and end[1] == "@Name" and end[0].split("[")[0] == "Data"


def renamed(fields: Sequence[Field], names: dict[int, str]) -> tuple[Field, ...]:
    """The fields as if the template itself held these names."""
    new: dict[Path, Path] = {}
    bare = {path[:-1] for path, _ in fields} | {path for path, _ in fields}
    for path, parts in fields:
        if _names_data(path[-2:]) and len(parts) == 1 and isinstance(parts[0], int):
            name = names.get(parts[0])
            if name:
                new[path[:-1]] = _free((*path[:-2], name), bare)
                bare.add(new[path[:-1]])
    out: list[Field] = []
    filled = {path for path, _ in fields}
    for path, parts in fields:
        base = next((path[:n] for n in range(len(path), 0, -1) if path[:n] in new), None)
        if base is None:
            out.append((path, parts))
        elif path != (*base, "@Name"):
            out.append(((*new[base], *path[len(base) :]), parts))
        elif base not in filled:
            out.append((new[base], ()))
    return tuple(out)


def _free(path: Path, taken: set[Path]) -> Path:
    spelled, n = path, 0
    while spelled in taken:
        n += 1
        spelled = (*path[:-1], f"{path[-1]}[{n}]")
    return spelled


def without_template(chunk: bytes, pos: int, end: int) -> list[tuple[Path, str]]:
    """Fields of a record or fragment that uses no template: all its values are text."""
    walk = Walk(chunk, pos, end, 0)
    if chunk[pos] == FRAGMENT:
        walk.pos += 4
    out: list[tuple[Path, str]] = []
    for path, parts in flatten(walk.element(), []):
        if any(WOUNDED in name for name in path):
            raise Malformed("a name that is not what its hash says")
        if any(isinstance(p, int) for p in parts):
            raise Malformed("substitution outside a template")
        out.append((path, "".join(str(p) for p in parts)))
    return out


class Template:
    """A compiled template body.

    `fields` in document order, without those of a `wounded` template whose own name is lost; `substitutions` is the number of values a record must bring; `static_size` bounds the
    text it adds to each record, `repeats` how often it uses one value.
    """

    def __init__(self, chunk: bytes, pos: int, size: int) -> None:
        walk = Walk(chunk, pos, pos + size)
        if walk.u8() != FRAGMENT:
            raise Malformed("no fragment header")
        walk.pos += 3
        fields = flatten(walk.element(), [])
        self.fields = tuple(f for f in fields if WOUNDED not in f[0][-1])
        self.wounded = any(WOUNDED in name for path, _ in fields for name in path)
        self.naming = naming(self.fields)
        used = Counter(p for _, parts in self.fields for p in parts if isinstance(p, int))
        self.repeats = max(used.values(), default=1)
        if self.repeats > MAX_REPEATS:
            raise Malformed("a substitution is used too often")
        self.substitutions = 1 + max(used, default=-1)
        self.types = walk.types
        self.static_size = sum(
            len(path[-1]) + sum(len(p) for p in parts if isinstance(p, str))
            for path, parts in self.fields
        )
        self._compile(chunk, pos, size, walk.names)

    def _compile(
        self, chunk: bytes, pos: int, size: int, names: list[tuple[int, bool, bytes]]
    ) -> None:
        """Layout for verification: static bytes, name offsets; the 'next' links of names stored here are ignored."""
        layout, at = ["<"], pos
        inside = [inline for _, inline, _ in names]
        self._inline = [place + 4 - pos for place, inline, _ in names if inline]
        self._names = [raw for _, inline, raw in names if not inline]
        for place, inline, _ in names:
            layout.append(f"{place - at}sI")
            at = place + 4
            if inline:
                layout.append("4x")
                at += 4
        layout.append(f"{pos + size - at}s")
        self._layout = struct.Struct("".join(layout))
        self._own = inside
        self._elsewhere = [not own for own in inside]
        self._static = self._layout.unpack_from(chunk, pos)[::2]

    def fits(self, raw: bytes, base: int, pos: int) -> bool:
        """Whether the body at `pos` of the chunk at `base` says the same."""
        now = self._layout.unpack_from(raw, base + pos)
        if now[::2] != self._static:
            return False
        offsets = now[1::2]
        if self._inline and [n - pos for n in compress(offsets, self._own)] != self._inline:
            return False
        there = [base + 4 + n for n in compress(offsets, self._elsewhere)]
        return all(map(raw.startswith, self._names, there, repeat(base + CHUNK)))


class Templates:
    """Known templates. Variants with equal fields share one id, so that their records form one group."""

    def __init__(self) -> None:
        self._known: dict[bytes, list[tuple[Template, int]]] = {}
        self._ids: dict[tuple[tuple[Field, ...], bool], int] = {}
        self.all: list[Template] = []
        self.wounded: set[int] = set()
        self.compiled = 0
        self._named: dict[int, dict[tuple[str, ...], int]] = {}

    def named(self, number: int, names: tuple[str, ...]) -> int:
        """Id of the template whose naming substitutions hold these names; its own where there are too many of them."""
        known = self._named.setdefault(number, {})
        if names not in known and len(known) < MAX_VARIANTS:
            template = copy(self.all[number])
            template.fields = renamed(
                template.fields, dict(zip(template.naming, names, strict=True))
            )
            known[names] = len(self.all)
            self.all.append(template)
            self.compiled += 1
        return known.get(names, number)

    def get(self, raw: bytes, place: int) -> int:
        """Id of the template defined at `place` of a run of chunks; raises one of BROKEN."""
        size: int = _U32(raw, place + 20)[0]
        base = place // CHUNK * CHUNK
        body = place - base + TEMPLATE_HEAD
        if body + size > CHUNK:
            raise Malformed("template size")
        key = raw[place + 4 : base + body]
        variants = self._known.setdefault(key, [])
        for template, number in variants:
            if template.fits(raw, base, body):
                return number
        template = Template(raw[base : base + CHUNK], body, size)
        self.compiled += 1
        number = self._ids.setdefault((template.fields, template.wounded), len(self.all))
        if number == len(self.all):
            self.all.append(template)
            if template.wounded:
                self.wounded.add(number)
        del variants[: -MAX_VARIANTS + 1]
        variants.append((template, number))
        return number
