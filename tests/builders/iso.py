"""Minimal ISO 9660 image with a Joliet tree (ECMA-119; Joliet specification 1.0).

Every directory has at most one extent; names of the plain tree are shortened to 8.3 with a running
number where needed.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

SECTOR = 2048
FIRST_TABLE_SECTOR = 19
HIDDEN, DIRECTORY = 1, 2
JOLIET_LEVEL_3 = b"%/E"


@dataclass(frozen=True, slots=True)
class IsoFile:
    """A file of the image: path with backslashes, bytes, recording time, hidden flag."""

    path: str
    data: bytes
    recorded_utc: datetime
    hidden: bool = False


@dataclass(slots=True)
class _Node:
    """A directory of one of the two trees, or a file (`file` set)."""

    name: str
    hidden: bool = False
    file: IsoFile | None = None
    children: "list[_Node]" = field(default_factory=list)
    sector: int = 0
    size: int = 0


def _both(n: int, size: int) -> bytes:
    return n.to_bytes(size, "little") + n.to_bytes(size, "big")


def _tree(files: list[IsoFile], hidden_directories: frozenset[str]) -> _Node:
    root = _Node("")
    for file in files:
        node, walked = root, ""
        *folders, name = file.path.split("\\")
        for folder in folders:
            walked = f"{walked}\\{folder}" if walked else folder
            known = next((c for c in node.children if c.name == folder), None)
            if known is None:
                known = _Node(folder, walked in hidden_directories)
                node.children.append(known)
            node = known
        node.children.append(_Node(name, file.hidden, file))
    return root


def _directories(root: _Node) -> list[tuple[_Node, int]]:
    """Directories breadth first with the number (from 1) of their parent."""
    found, at = [(root, 1)], 0
    while at < len(found):
        found += [(child, at + 1) for child in found[at][0].children if child.file is None]
        at += 1
    return found


def _plain(name: str, number: int, is_file: bool) -> bytes:
    stem, _, ext = name.rpartition(".") if "." in name else (name, "", "")
    clean = [
        "".join(c if c.isascii() and c.isalnum() else "_" for c in part).upper()
        for part in (stem, ext)
    ]
    if len(clean[0]) > 8 or not clean[0]:
        clean[0] = f"{clean[0][:5]}_{number:02d}"
    text = f"{clean[0]}.{clean[1][:3]};1" if is_file else clean[0]
    return text.encode("ascii")


def _joliet(name: str, number: int, is_file: bool) -> bytes:
    del number
    return (name + (";1" if is_file else "")).encode("utf-16-be")


Encoder = Callable[[str, int, bool], bytes]


def _record(name: bytes, node: _Node, when: datetime) -> bytes:
    flags = (0 if node.file else DIRECTORY) | (HIDDEN if node.hidden else 0)
    stamp = bytes((when.year - 1900, when.month, when.day, when.hour, when.minute, when.second, 0))
    body = _both(node.sector, 4) + _both(node.size, 4) + stamp + bytes((flags, 0, 0)) + _both(1, 2)
    entry = body + bytes((len(name),)) + name
    length = (2 + len(entry) + 1) // 2 * 2
    return (bytes((length, 0)) + entry).ljust(length, b"\0")


def _extent(node: _Node, parent: _Node, when: datetime, encode: Encoder) -> bytes:
    records = [_record(b"\0", node, when), _record(b"\1", parent, when)]
    named = [(encode(c.name, i, c.file is not None), c) for i, c in enumerate(node.children)]
    named.sort(key=lambda pair: pair[0])
    records += [_record(name, c, c.file.recorded_utc if c.file else when) for name, c in named]
    out = bytearray()
    for record in records:
        if len(out) % SECTOR + len(record) > SECTOR:
            out += bytes(-len(out) % SECTOR)
        out += record
    return bytes(out + bytes(-len(out) % SECTOR))


def _path_table(found: list[tuple[_Node, int]], order: str, encode: Encoder) -> bytes:
    out = bytearray()
    for i, (node, parent) in enumerate(found):
        name = encode(node.name, i, False) if node.name else b"\0"
        out += (
            struct.pack(f"{order}BBIH", len(name), 0, node.sector, parent)
            + name
            + bytes(len(name) % 2)
        )
    return bytes(out)


def _stamp(when: datetime | None) -> bytes:
    return b"0" * 16 + b"\0" if when is None else when.strftime("%Y%m%d%H%M%S00").encode() + b"\0"


def _descriptor(
    kind: int,
    root: _Node,
    label: str,
    blocks: int,
    tables: tuple[int, int, int],
    when: datetime,
    escape: bytes,
) -> bytes:
    """A volume descriptor; `tables` are the path table's size and the sectors of its two forms."""
    coding = "utf-16-be" if kind == 2 else "ascii"

    def text(value: str, size: int) -> bytes:
        blank = " ".encode(coding)
        return (value.encode(coding) + blank * size)[: size // len(blank) * len(blank)].ljust(
            size, b"\0"
        )

    size, little, big = tables
    head = (
        bytes((kind,))
        + b"CD001\x01\x00"
        + text("", 32)
        + text(label, 32)
        + bytes(8)
        + _both(blocks, 4)
    )
    head += escape.ljust(32, b"\0") + _both(1, 2) + _both(1, 2) + _both(SECTOR, 2) + _both(size, 4)
    head += struct.pack("<II", little, 0) + struct.pack(">II", big, 0) + _record(b"\0", root, when)
    head += text("", 128) + text("", 128) + text("", 128) + text("", 128) + text("", 37) * 3
    head += _stamp(when) + _stamp(when) + _stamp(None) + _stamp(when) + b"\x01\0"
    return head.ljust(SECTOR, b"\0")


def build_iso(
    label: str,
    files: list[IsoFile],
    created_utc: datetime,
    hidden_directories: frozenset[str] = frozenset(),
    base: int = 0,
) -> bytes:
    """The image's bytes.

    `label`: upper case, at most 16 characters; `hidden_directories`: paths with backslashes; `base`: sector that the
    session begins at: the bytes from there on are given.
    """
    when = created_utc.astimezone(UTC)
    encoders: tuple[Encoder, Encoder] = (_plain, _joliet)
    trees = [_directories(_tree(files, hidden_directories)) for _ in encoders]
    sizes = [
        len(_path_table(found, "<", encode)) for found, encode in zip(trees, encoders, strict=True)
    ]
    at = base + FIRST_TABLE_SECTOR
    tables = []
    for size in sizes:
        span = -(-size // SECTOR)
        tables.append((size, at, at + span))
        at += 2 * span
    at = _place(trees, encoders, when, at)
    image = bytearray(at * SECTOR)
    for found, encode, table in zip(trees, encoders, tables, strict=True):
        _write_tree(image, found, encode, table, when)
    for kind, found, table in ((1, trees[0], tables[0]), (2, trees[1], tables[1])):
        escape = JOLIET_LEVEL_3 if kind == 2 else b""
        data = _descriptor(kind, found[0][0], label, at, table, when, escape)
        place = (base + 15 + kind) * SECTOR
        image[place : place + SECTOR] = data
    end = (base + 18) * SECTOR
    image[end : end + 7] = b"\xffCD001\x01"
    return bytes(image[base * SECTOR :])


def _place(
    trees: list[list[tuple[_Node, int]]], encoders: tuple[Encoder, ...], when: datetime, at: int
) -> int:
    """Give directories and files (shared by both trees) their sectors; returns the end."""
    for found, encode in zip(trees, encoders, strict=True):
        for node, _ in found:
            node.size = len(_extent(node, node, when, encode))
            node.sector, at = at, at + node.size // SECTOR
    placed: dict[str, int] = {}
    for found in trees:
        for leaf in (c for node, _ in found for c in node.children if c.file):
            assert leaf.file is not None
            leaf.size = len(leaf.file.data)
            if leaf.file.path not in placed:
                placed[leaf.file.path] = at
                at += -(-leaf.size // SECTOR)
            leaf.sector = placed[leaf.file.path]
    return at


def _write_tree(
    image: bytearray,
    found: list[tuple[_Node, int]],
    encode: Encoder,
    table: tuple[int, int, int],
    when: datetime,
) -> None:
    for order, sector in (("<", table[1]), (">", table[2])):
        data = _path_table(found, order, encode)
        image[sector * SECTOR : sector * SECTOR + len(data)] = data
    for node, parent in found:
        data = _extent(node, found[parent - 1][0], when, encode)
        image[node.sector * SECTOR : node.sector * SECTOR + len(data)] = data
        for child in node.children:
            if child.file:
                image[child.sector * SECTOR : child.sector * SECTOR + child.size] = child.file.data


def cdfs_serial(image: bytes) -> int:
    """Volume serial of an image of `build_iso`: byte sums of the Joliet descriptor, four lanes."""
    sector = image[17 * SECTOR : 18 * SECTOR]
    lanes = [sum(sector[i::4]) & 255 for i in range(4)]
    return int.from_bytes(bytes(lanes), "big")
