"""Writes registry hives (regf) and their transaction logs from a tree of keys; shares no code with the parser.

data = hive(K("ROOT", {"a": ("SZ", "text")}, [K("Sub")]))
old, log = dirty(hive(before), hive(after))
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

TYPES = {
    "NONE": 0, "SZ": 1, "EXPAND_SZ": 2, "BINARY": 3, "DWORD": 4, "DWORD_BE": 5, "MULTI_SZ": 7, "QWORD": 11,
    "DEVPROP_FILETIME": 0xFFFF0010,
}  # fmt: skip
WRITTEN = datetime(2024, 1, 6, 5, 35, 16, tzinfo=UTC)


def filetime(moment: datetime) -> int:
    delta = moment - datetime(1601, 1, 1, tzinfo=UTC)
    return (delta.days * 86400 + delta.seconds) * 10_000_000 + delta.microseconds * 10


def filetime_bytes(moment: datetime) -> bytes:
    return struct.pack("<Q", filetime(moment))


@dataclass
class K:
    """A key: values as {name: (type, content)}; content is str, int, list of str or bytes."""

    name: str
    values: Mapping[str, tuple[str, object]] = field(default_factory=dict)
    keys: Sequence["K"] = ()
    written: datetime = WRITTEN
    list_kind: str = "lh"


def tree(paths: Mapping[str, Mapping[str, tuple[str, object]]], name: str = "ROOT") -> K:
    """A tree from full paths of keys."""
    root = K(name, {}, [])
    for path, values in paths.items():
        at = root
        for part in filter(None, path.split("\\")):
            below = next((k for k in at.keys if k.name == part), None)
            if below is None:
                below = K(part, {}, [])
                at.keys.append(below)
            at = below
        at.values = {**at.values, **values}
    return root


class _Bins:
    def __init__(self, minor: int) -> None:
        self.minor, self.data = minor, bytearray(32)

    def cell(self, content: bytes) -> int:
        at, size = len(self.data), -(-(len(content) + 4) // 8) * 8
        self.data += struct.pack("<i", -size) + content.ljust(size - 4, b"\0")
        return at

    def key(self, key: K, parent: int, flags: int) -> int:
        name, narrow = _name(key.name)
        here = self.cell(b"\0" * 76 + name)
        values = [self.value(*item) for item in key.values.items()]
        value_list = self.cell(struct.pack(f"<{len(values)}I", *values)) if values else 0xFFFFFFFF
        below = [(self.key(k, here, 0), k.name) for k in key.keys]
        key_list = self.key_list(below, key.list_kind) if below else 0xFFFFFFFF
        struct.pack_into(
            "<2sHQIIIIIIIIIIIIIIIHH", self.data, here + 4, b"nk", flags | (0x20 if narrow else 0),
            filetime(key.written), 0, parent, len(below), 0, key_list, 0xFFFFFFFF, len(values), value_list,
            0xFFFFFFFF, 0xFFFFFFFF, 0, 0, 0, 0, 0, len(name), 0,
        )  # fmt: skip
        return here

    def key_list(self, below: list[tuple[int, str]], kind: str) -> int:
        if kind == "ri":
            half = len(below) // 2 + 1
            parts = [self.key_list(p, "lf") for p in (below[:half], below[half:]) if p]
            return self.cell(struct.pack(f"<2sH{len(parts)}I", b"ri", len(parts), *parts))
        words = [w for at, name in below for w in ((at,) if kind == "li" else (at, _hint(name)))]
        return self.cell(struct.pack(f"<2sH{len(words)}I", kind.encode(), len(below), *words))

    def value(self, name: str, typed: tuple[str, object]) -> int:
        kind, content = typed
        data = _data(content, kind)
        raw, narrow = _name(name)
        size = len(data)
        if size <= 4:
            size, where = size | 0x80000000, int.from_bytes(data.ljust(4, b"\0"), "little")
        elif size > 16344 and self.minor > 3:
            parts = [self.cell(data[i : i + 16344]) for i in range(0, size, 16344)]
            listed = self.cell(struct.pack(f"<{len(parts)}I", *parts))
            where = self.cell(struct.pack("<2sHI", b"db", len(parts), listed))
        else:
            where = self.cell(data)
        head = struct.pack("<2sHIIIHH", b"vk", len(raw), size, where, TYPES[kind], int(narrow), 0)
        return self.cell(head + raw)

    def finish(self, size: int) -> bytes:
        whole = max(-(-(len(self.data) + 8) // 4096) * 4096, size)
        free = whole - len(self.data)
        self.data += struct.pack("<i", free) + b"\0" * (free - 4)
        struct.pack_into("<4sII", self.data, 0, b"hbin", 0, whole)
        return bytes(self.data)


def hive(
    root: K,
    name: str = r"\SystemRoot\System32\Config\SYSTEM",
    minor: int = 5,
    sequence: tuple[int, int] = (7, 7),
    size: int = 0,
) -> bytes:
    """A hive; `size` is the least size of its bins."""
    bins = _Bins(minor)
    at = bins.key(root, 0xFFFFFFFF, 0x0C)
    content = bins.finish(size)
    return _base(sequence, minor, 0, at, len(content), name).ljust(4096, b"\0") + content


def dirty(
    before: bytes, after: bytes, first: int = 7, corrupt_hash: bool = False
) -> tuple[bytes, bytes]:
    """The hive `before` marked dirty, and a log (new format) that leads to `after`; both of equal length."""
    assert len(before) == len(after)
    pages = [i for i in range(4096, len(after), 512) if before[i : i + 512] != after[i : i + 512]]
    refs = b"".join(struct.pack("<II", i - 4096, 512) for i in pages)
    body = refs + b"".join(after[i : i + 512] for i in pages)
    size = -(-(40 + len(body)) // 512) * 512
    body = body.ljust(size - 40, b"\0")
    head = struct.pack("<4sIIIII", b"HvLE", size, 0, first, len(after) - 4096, len(pages))
    head += struct.pack("<Q", _marvin(body) ^ int(corrupt_hash))
    entry = head + struct.pack("<Q", _marvin(head)) + body
    root = struct.unpack_from("<I", after, 36)[0]
    log = _base((first, first), 5, 6, root, len(after) - 4096, "") + entry
    return _marked(before, first), log


def old_dirty(before: bytes, after: bytes) -> tuple[bytes, bytes]:
    """As `dirty`, with a log of the old format."""
    pages = [i for i in range(4096, len(after), 512) if before[i : i + 512] != after[i : i + 512]]
    bitmap = bytearray((len(after) - 4096) // 4096)
    for i in pages:
        bit = (i - 4096) // 512
        bitmap[bit // 8] |= 1 << bit % 8
    mark = b"DIRT" + bytes(bitmap)
    mark = mark.ljust(-(-len(mark) // 512) * 512, b"\0")
    root = struct.unpack_from("<I", after, 36)[0]
    log = _base((8, 8), 3, 1, root, len(after) - 4096, "") + mark
    return _marked(before, 7), log + b"".join(after[i : i + 512] for i in pages)


def _marked(data: bytes, secondary: int) -> bytes:
    block = bytearray(data[:512])
    struct.pack_into("<II", block, 4, secondary + 1, secondary)
    struct.pack_into("<I", block, 508, _xor(block))
    return bytes(block) + data[512:]


def _base(
    sequence: tuple[int, int], minor: int, kind: int, root: int, size: int, name: str
) -> bytes:
    block = bytearray(512)
    struct.pack_into(
        "<4sIIQIIIIIII", block, 0, b"regf", *sequence, filetime(WRITTEN), 1, minor, kind, 1, root, size, 1
    )  # fmt: skip
    block[48:112] = name[-31:].encode("utf-16-le").ljust(64, b"\0")
    struct.pack_into("<I", block, 508, _xor(block))
    return bytes(block)


def _xor(block: bytearray) -> int:
    total = 0
    for at in range(0, 508, 4):
        total ^= int.from_bytes(block[at : at + 4], "little")
    return total or 1


def _marvin(data: bytes) -> int:
    mask = 0xFFFFFFFF
    low, high = 0x7A4E55C5, 0x82EF4D88
    padded = data + b"\x80"
    padded += b"\0" * (-len(padded) % 4) + b"\0\0\0\0"

    def turn(word: int, by: int) -> int:
        return (word << by | word >> (32 - by)) & mask

    for at in range(0, len(padded), 4):
        low = low + int.from_bytes(padded[at : at + 4], "little") & mask
        high ^= low
        low = turn(low, 20) + high & mask
        high = turn(high, 9) ^ low
        low = turn(low, 27) + high & mask
        high = turn(high, 19)
    return low | high << 32


def _name(name: str) -> tuple[bytes, bool]:
    try:
        return name.encode("latin-1"), True
    except UnicodeEncodeError:
        return name.encode("utf-16-le"), False


def _hint(name: str) -> int:
    total = 0
    for letter in name.upper():
        total = (total * 37 + ord(letter)) & 0xFFFFFFFF
    return total


def _data(content: object, kind: str) -> bytes:
    match content:
        case bytes():
            return content
        case int():
            length = 8 if kind == "QWORD" else 4
            return (content % (1 << 8 * length)).to_bytes(
                length, "big" if kind == "DWORD_BE" else "little"
            )
        case list():
            return "".join(f"{part}\0" for part in [*content, ""]).encode("utf-16-le")
        case _:
            return f"{content}\0".encode("utf-16-le")
