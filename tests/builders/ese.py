"""Writes small ESE databases (pages of 4,096 bytes, format revision 0x6e); shares no code with the parser.

data = database({"Table": ({"Id": "i64", "Url": "longtext"}, [{"Id": 1, "Url": "https://a.example/"}])})
"""

import struct
from collections.abc import Mapping, Sequence

PAGE = 4096


class Packed(bytes):
    """Content of a tagged column that ESE has compressed."""


def seven_bits(text: str, wide: bool = True) -> Packed:
    """ESE's compression of ASCII: seven bits each, a head that says so (0x10: one byte, 0x18: two, a character)."""
    chars = text + "\0"
    bits = sum(ord(c) << 7 * n for n, c in enumerate(chars))
    count = 7 * len(chars)
    head = (0x10 if wide else 0x08) | (count - 1) % 8
    return Packed(bytes([head]) + bits.to_bytes(-(-count // 8), "little"))


_TYPES = {
    "u8": (2, "<B"), "i32": (4, "<i"), "i64": (15, "<q"), "guid": (16, "16s"), "u32": (14, "<I"),
    "binary": (9, None), "longbinary": (11, None), "longtext": (12, None),
}  # fmt: skip
_LEAF, _ROOT, _PARENT, _PRIMARY, _NEW_SUM = 0x2, 0x1, 0x4, 0x800, 0x2000
_CATALOG_AT, _COPY_AT = 4, 24

Columns = Mapping[str, str]
Row = Mapping[str, int | bytes | str]


def database(
    tables: Mapping[str, tuple[Columns, Sequence[Row]]], state: int = 3, revision: int = 110
) -> bytes:
    """A database of these tables: (type by column, rows)."""
    pages: dict[int, bytes] = {}
    free = 40
    catalog: list[bytes] = []
    for number, (name, (columns, rows)) in enumerate(tables.items(), 10):
        places = _ids(columns)
        free = _tree(pages, free, number, [_record(columns, places, row) for row in rows])
        catalog.append(_entry(number, 1, number, free - 1, name))
        for column, kind in sorted(columns.items(), key=lambda item: places[item[0]]):
            size = struct.calcsize(_TYPES[kind][1] or "") or 255
            catalog.append(_entry(number, 2, places[column], _TYPES[kind][0], column, size))
    for start, owner in ((_CATALOG_AT, 2), (_COPY_AT, 3)):
        leaves = _leaves(catalog)
        _put(pages, start, owner, leaves, start + 1)
    head = _head(state, revision)
    whole = bytearray((max(pages) + 2) * PAGE)
    whole[:PAGE] = whole[PAGE : 2 * PAGE] = head
    for number, page in pages.items():
        whole[(number + 1) * PAGE : (number + 2) * PAGE] = page
    return bytes(whole)


def _head(state: int, revision: int) -> bytes:
    head = bytearray(PAGE)
    struct.pack_into("<IIII", head, 0, 0, 0x89ABCDEF, 0x620, 0)
    struct.pack_into("<I", head, 52, state)
    struct.pack_into("<II", head, 232, revision, PAGE)
    total = 0x89ABCDEF
    for (word,) in struct.iter_unpack("<I", head[4:]):
        total ^= word
    struct.pack_into("<I", head, 0, total)
    return bytes(head)


def _ids(columns: Columns) -> dict[str, int]:
    """Fixed columns count from 1, variable ones from 128, tagged ones from 256."""
    counts = {"fixed": 0, "binary": 127, "tagged": 255}
    out = {}
    for name, kind in columns.items():
        group = "fixed" if _TYPES[kind][1] else kind if kind == "binary" else "tagged"
        counts[group] += 1
        out[name] = counts[group]
    return out


def _record(columns: Columns, places: Mapping[str, int], row: Row) -> bytes:
    fixed, nulls = b"", []
    for name, kind in columns.items():
        form = _TYPES[kind][1]
        if form:
            given = row.get(name)
            nulls.append(given is None)
            fixed += struct.pack(form, given if given is not None else type_zero(kind))
    ends, variable = b"", b""
    for name in [n for n, k in columns.items() if k == "binary"]:
        value = row.get(name)
        variable += value if isinstance(value, bytes) else b""
        ends += struct.pack("<H", len(variable) | (0x8000 if value is None else 0))
    tagged = [
        (places[n], value if isinstance(value, bytes) else str(value).encode("utf-16-le") + b"\0\0")
        for n, k in columns.items()
        if k.startswith("long") and (value := row.get(n)) is not None
    ]
    heads, data = b"", b""
    for place, value in tagged:
        packed = isinstance(value, Packed)
        heads += struct.pack("<HH", place, 4 * len(tagged) + len(data) | packed << 14)
        data += b"\x02" * packed + value
    bitmap = bytearray((len(nulls) + 7) // 8)
    for n, null in enumerate(nulls):
        bitmap[n // 8] |= null << n % 8
    start = 4 + len(fixed) + len(bitmap)
    head = struct.pack("<BBH", len(nulls), 127 + len(ends) // 2, start)
    return head + fixed + bytes(bitmap) + ends + variable + heads + data


def type_zero(kind: str) -> int | bytes:
    """What stands in the place of a NULL."""
    return bytes(16) if kind == "guid" else 0


def _entry(table: int, kind: int, number: int, where: int, name: str, size: int = 80) -> bytes:
    """A record of the catalog: table (1) with its root page, or column (2) with its type."""
    fixed = struct.pack("<IHIIIIIBH", table, kind, number, where, size, 0, 1200, 255, 0)
    raw = name.encode("ascii")
    return struct.pack("<BBH", 9, 128, 35) + fixed + b"\0\xfe" + struct.pack("<H", len(raw)) + raw


def _leaves(records: Sequence[bytes]) -> list[list[tuple[bytes, bytes]]]:
    """(key, record) by leaf page."""
    out: list[list[tuple[bytes, bytes]]] = [[]]
    room = PAGE - 40 - 40
    for number, record in enumerate(records):
        need = len(record) + 7 + 4 + 2
        if need > room:
            out.append([])
            room = PAGE - 40 - 40
        out[-1].append((b"\x7f" + struct.pack(">I", number | 0x80000000), record))
        room -= need
    return out


def _tree(pages: dict[int, bytes], free: int, owner: int, records: Sequence[bytes]) -> int:
    """Puts the leaves at the next free pages and the root behind them; the page after the root."""
    leaves = _leaves(records)
    root = free + len(leaves)
    _put(pages, root, owner, leaves, free)
    return root + 1


def _put(
    pages: dict[int, bytes],
    root: int,
    owner: int,
    leaves: Sequence[Sequence[tuple[bytes, bytes]]],
    first: int,
) -> None:
    head = struct.pack("<IIII", 20, 1, 0, 0)
    if len(leaves) == 1:
        pages[root] = _page(owner, _ROOT | _LEAF, head, [(k, r) for k, r in leaves[0]])
        return
    branches = []
    for n, leaf in enumerate(leaves):
        number = first + n
        before, after = number - 1 if n else 0, number + 1 if n + 1 < len(leaves) else 0
        pages[number] = _page(owner, _LEAF, b"", leaf, before, after)
        branches.append((leaf[-1][0] if after else b"", struct.pack("<I", number)))
    pages[root] = _page(owner, _ROOT | _PARENT, head, branches)


def _page(
    owner: int,
    flags: int,
    first: bytes,
    entries: Sequence[tuple[bytes, bytes]],
    before: int = 0,
    after: int = 0,
) -> bytes:
    body, tags = bytearray(first), [(len(first), 0)]
    for key, record in entries:
        content = struct.pack("<H", len(key)) + key + record
        tags.append((len(content), len(body)))
        body += content
    page = bytearray(PAGE)
    room = PAGE - 40 - len(body) - 4 * len(tags)
    assert room >= 0
    struct.pack_into(
        "<QQIIIHHHHI", page, 0, 0, 1, before, after, owner, room, 0, len(body), len(tags),
        flags | _PRIMARY | _NEW_SUM | 0x8000,
    )  # fmt: skip
    page[40 : 40 + len(body)] = body
    for number, (size, at) in enumerate(tags, 1):
        struct.pack_into("<HH", page, PAGE - 4 * number, size, at)
    return bytes(page)
