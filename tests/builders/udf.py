"""Small UDF volumes of every kind that a reader has to tell apart (ECMA-167, OSTA UDF 2.60)."""

import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone

ANCHOR_BLOCK, SEQUENCE_BLOCK, PARTITION_BLOCK = 256, 96, 264
NO_ZONE = -2047


@dataclass(frozen=True, slots=True)
class UdfFile:
    """A file: path with backslashes. `form`: embedded, short, long or chained (descriptors in two extents).

    `zone`: minutes east of UTC, or NO_ZONE: the clock is then written as it is.
    """

    path: str
    data: bytes
    modified: datetime
    hidden: bool = False
    system: bool = False
    deleted: bool = False
    form: str = "short"
    zone: int = 0
    streams: tuple[tuple[str, bytes], ...] = ()


@dataclass(slots=True)
class _Space:
    """Blocks of a partition; reserved first, filled later."""

    block: int
    blocks: list[bytes] = field(default_factory=list)

    def reserve(self, n: int = 1) -> int:
        first = len(self.blocks)
        self.blocks += [b""] * n
        return first

    def put(self, at: int, data: bytes) -> None:
        for i in range(0, max(len(data), 1), self.block):
            self.blocks[at + i // self.block] = data[i : i + self.block]

    def add(self, data: bytes) -> int:
        at = self.reserve(max(1, -(-len(data) // self.block)))
        self.put(at, data)
        return at

    def bytes(self) -> bytes:
        return b"".join(b.ljust(self.block, b"\0") for b in self.blocks)


def _crc(data: bytes) -> int:
    value = 0
    for byte in data:
        value ^= byte << 8
        for _ in range(8):
            value = value << 1 ^ (0x11021 if value & 0x8000 else 0)
    return value


def tagged(kind: int, body: bytes, location: int) -> bytes:
    """A descriptor with its tag; `body` follows the 16 bytes of the tag."""
    head = struct.pack("<HHBBHHHI", kind, 3, 0, 0, 1, _crc(body), len(body), location)
    return head[:4] + bytes((sum(head) & 255,)) + head[5:] + body


def stamp(when: datetime, zone: int = 0) -> bytes:
    """Twelve bytes of a time."""
    local = when if zone == NO_ZONE else when.astimezone(timezone(timedelta(minutes=zone)))
    micro = local.microsecond
    return struct.pack(
        "<HhBBBBBBBB",
        0x1000 | zone & 0xFFF,
        local.year,
        local.month,
        local.day,
        local.hour,
        local.minute,
        local.second,
        micro // 10_000,
        micro // 100 % 100,
        micro % 100,
    )


def _text(text: str) -> bytes:
    try:
        return b"\x08" + text.encode("latin-1")
    except UnicodeEncodeError:
        return b"\x10" + text.encode("utf-16-be")


def _dstring(text: str, size: int) -> bytes:
    raw = _text(text) if text else b""
    return raw.ljust(size - 1, b"\0") + bytes((len(raw),))


def _regid(text: bytes, suffix: bytes = b"") -> bytes:
    return b"\0" + text.ljust(23, b"\0") + suffix.ljust(8, b"\0")


def _long(length: int, block: int, partition: int) -> bytes:
    return struct.pack("<IIH6x", length, block, partition)


_CHARSET = (b"\0OSTA Compressed Unicode").ljust(64, b"\0")


@dataclass(slots=True)
class _Builder:
    block: int
    extended: bool
    meta: _Space
    data: _Space
    meta_part: int
    when: datetime

    def entry(
        self,
        at: int,
        kind: int,
        size: int,
        form: int,
        body: bytes,
        file: UdfFile | None,
        streams: bytes,
    ) -> bytes:
        flags = form | (0x400 if file and file.system else 0)
        icb = struct.pack("<IHHHBB6sH", 0, 4, 0, 1, 0, kind, bytes(6), flags)
        head = icb + struct.pack("<IIIHBBI", 0, 0, 0x7FFF, 1, 0, 0, 0)
        when, zone = (file.modified, file.zone) if file else (self.when, 0)
        times = stamp(when, zone)
        if self.extended:
            tail = struct.pack("<QQQ", size, size, 1) + times * 4
            tail += struct.pack("<II", 1, 0) + bytes(16) + (streams or bytes(16))
            code = 266
        else:
            tail = struct.pack("<QQ", size, 1) + times * 3 + struct.pack("<I", 1) + bytes(16)
            code = 261
        tail += _regid(b"*test") + struct.pack("<QII", 16, 0, len(body)) + body
        return tagged(code, head + tail, at)

    def allocation(self, form: str, data: bytes) -> tuple[int, bytes]:
        """(flag, descriptors) for content that goes to the data space."""
        if form == "embedded":
            return 3, data
        at = self.data.add(data) if data else 0
        if form == "short":
            return 0, struct.pack("<II", len(data), at) if data else b""
        if form == "long":
            return 1, _long(len(data), at, 0) if data else b""
        half = self.block
        rest = _long(len(data) - half, at + 1, 0)
        more = tagged(258, struct.pack("<II", 0, len(rest)) + rest, 0)
        there = self.data.add(more)
        return 1, _long(half, at, 0) + _long(3 << 30 | len(more), there, 0)

    def file(self, file: UdfFile) -> int:
        form, body = self.allocation(file.form, file.data)
        streams = b""
        if file.streams:
            inner = [UdfFile(n, d, file.modified, form="embedded") for n, d in file.streams]
            ids = [self.identifier(f.path, 0, self.file(f)) for f in inner]
            streams = self.placed(13, b"".join(ids))
        at = self.meta.reserve()
        self.meta.put(at, self.entry(at, 5, len(file.data), form, body, file, streams))
        return at

    def placed(self, kind: int, content: bytes) -> bytes:
        at = self.meta.reserve()
        self.meta.put(at, self.entry(at, kind, len(content), 3, content, None, b""))
        return _long(self.block, at, self.meta_part)

    def identifier(self, name: str, flags: int, at: int) -> bytes:
        raw = _text(name) if name else b""
        body = struct.pack("<HBB", 1, flags, len(raw)) + _long(self.block, at, self.meta_part)
        body += struct.pack("<H", 0) + raw
        return tagged(257, body + bytes(-(16 + len(body)) % 4), 0)

    def folder(self, at: int, above: int, items: list[tuple[tuple[str, ...], UdfFile]]) -> None:
        """Write the folder at its reserved block, its content behind it."""
        ids = [self.identifier("", 10, above)]
        names = list(dict.fromkeys(path[0] for path, _ in items))
        for name in names:
            inner = [(path[1:], file) for path, file in items if path[0] == name]
            if not inner[0][0]:
                one = inner[0][1]
                flags = one.hidden | (4 if one.deleted else 0)
                ids.append(self.identifier(name, flags, self.file(one)))
            else:
                here = self.meta.reserve()
                self.folder(here, at, inner)
                ids.append(self.identifier(name, 2, here))
        content = b"".join(ids)
        where = self.meta.add(content)
        descriptor = struct.pack("<II", len(content), where)
        self.meta.put(at, self.entry(at, 4, len(content), 0, descriptor, None, b""))


def build_udf(
    label: str,
    files: list[UdfFile],
    created: datetime,
    block: int = 2048,
    metadata: bool = False,
    extended: bool = True,
    revision: int = 0x0201,
    anchors: tuple[str, ...] = ("first", "last"),
) -> bytes:
    """The image's bytes. `metadata`: entries in a metadata partition in two pieces."""
    data = _Space(block)
    meta = _Space(block) if metadata else data
    if metadata:
        data.reserve(2)
    maker = _Builder(block, extended, meta, data, int(metadata), created.astimezone(UTC))
    set_at, root = meta.reserve(), meta.reserve()
    maker.folder(root, root, [(tuple(f.path.split("\\")), f) for f in files])
    body = stamp(created) + struct.pack("<HHIIII", 3, 3, 1, 1, 0, 0) + _CHARSET
    body += _dstring(label, 128) + _CHARSET + _dstring(label, 32) + bytes(64)
    body += _long(block, root, maker.meta_part) + _regid(b"*OSTA UDF Compliant") + bytes(48)
    meta.put(set_at, tagged(256, body, set_at))
    if metadata:
        _write_metadata_file(maker)
    partition = data.bytes()
    return _disc(label, created, block, metadata, revision, partition, anchors)


def _write_metadata_file(maker: _Builder) -> None:
    """Two pieces with other blocks between them; file entry at block 0, mirror at block 1."""
    raw = maker.meta.bytes()
    cut = 2 * maker.block
    first = maker.data.add(raw[:cut])
    maker.data.add(b"between")
    second = maker.data.add(raw[cut:])
    body = struct.pack("<IIII", cut, first, len(raw) - cut, second)
    for at, kind in ((0, 250), (1, 251)):
        maker.data.put(at, maker.entry(at, kind, len(raw), 0, body, None, b""))


def _disc(
    label: str,
    created: datetime,
    block: int,
    metadata: bool,
    revision: int,
    partition: bytes,
    anchors: tuple[str, ...],
) -> bytes:
    blocks = len(partition) // block
    primary = (
        struct.pack("<II", 1, 0) + _dstring(label, 32) + struct.pack("<HHHHII", 1, 1, 3, 3, 1, 1)
    )
    primary += _dstring(f"{label} set", 128) + _CHARSET * 2 + bytes(16) + _regid(b"*Maker")
    primary += stamp(created) + _regid(b"*Implementer") + bytes(64 + 4 + 2 + 22)
    part = struct.pack("<IHH", 2, 1, 0) + _regid(b"+NSR03") + bytes(128)
    part += (
        struct.pack("<III", 1, PARTITION_BLOCK, blocks) + _regid(b"*Implementer") + bytes(128 + 156)
    )
    maps = struct.pack("<BBHH", 1, 6, 1, 0)
    if metadata:
        maps += struct.pack("<BBH", 2, 64, 0) + _regid(b"*UDF Metadata Partition")
        maps += struct.pack("<HHIIIIHB5x", 1, 0, 0, 1, 0xFFFFFFFF, 32, 1, 0)
    logical = struct.pack("<I", 3) + _CHARSET + _dstring(label, 128) + struct.pack("<I", block)
    logical += _regid(b"*OSTA UDF Compliant", struct.pack("<H", revision))
    logical += _long(block, 0, int(metadata)) + struct.pack("<II", len(maps), 1 + metadata)
    logical += _regid(b"*Implementer") + bytes(128) + bytes(8) + maps
    sequence = (
        tagged(1, primary, SEQUENCE_BLOCK),
        tagged(6, logical, SEQUENCE_BLOCK + 1),
        tagged(5, part, SEQUENCE_BLOCK + 2),
        tagged(8, bytes(496), SEQUENCE_BLOCK + 3),
    )
    image = bytearray((PARTITION_BLOCK + blocks + 300) * block)
    for number, word in enumerate((b"BEA01", b"NSR03", b"TEA01"), 16):
        image[number * 2048 : number * 2048 + 7] = b"\0" + word + b"\1"
    for number, one in enumerate(sequence, SEQUENCE_BLOCK):
        image[number * block : number * block + len(one)] = one
    last = len(image) // block - 1
    where = {"first": ANCHOR_BLOCK, "last": last, "before_last": last - 256}
    for name in anchors:
        at = where[name]
        extent = struct.pack("<II", 4 * block, SEQUENCE_BLOCK)
        anchor = tagged(2, extent * 2 + bytes(480), at)
        image[at * block : at * block + len(anchor)] = anchor
    image[PARTITION_BLOCK * block : PARTITION_BLOCK * block + len(partition)] = partition
    return bytes(image)
