"""Writes transaction logs of ESE (format 8.4000) and marks a database as needing them; shares no code with the parser.

data = needing(database(...), first=8, last=9)
log = log_file(9, [begin(5), insert(5, tree=10, data=row(COLUMNS, {...})), commit(5)])
"""

import struct
from collections.abc import Mapping, Sequence
from datetime import datetime

from tests.builders import ese

SIGNATURE = struct.pack("<I", 0x142FFD4D).ljust(28, b"\x07")
SEGMENT = 4096


def logtime(moment: datetime) -> bytes:
    """Second, minute, hour, day, month, year - 1900, and a flag that it is UTC."""
    return bytes((
        moment.second, moment.minute, moment.hour, moment.day, moment.month, moment.year - 1900, 1, 0,
    ))  # fmt: skip


def needing(
    data: bytes,
    first: int,
    last: int,
    attached: datetime | None = None,
    signature: bytes = SIGNATURE,
) -> bytes:
    """A database in use whose changes of these generations stand only in its logs."""
    out = bytearray(data)
    for at in (0, SEGMENT):
        struct.pack_into("<I", out, at + 52, 2)
        out[at + 72 : at + 80] = logtime(attached) if attached else bytes(8)
        struct.pack_into("<I28s", out, at + 104, 1, signature)
        struct.pack_into("<II", out, at + 296, first, last)
        total = 0x89ABCDEF
        for (word,) in struct.iter_unpack("<I", out[at + 4 : at + SEGMENT]):
            total ^= word
        struct.pack_into("<I", out, at, total)
    return bytes(out)


def log_file(
    generation: int,
    records: Sequence[bytes],
    made: datetime | None = None,
    signature: bytes = SIGNATURE,
) -> bytes:
    """A log: its head, and segments filled with the records, those that do not fit cut into fragments."""
    head = bytearray(SEGMENT)
    struct.pack_into("<IHHHH", head, 4, generation, SEGMENT, 1, 16, SEGMENT)
    head[16:24] = logtime(made) if made else bytes(8)
    struct.pack_into("<III28s", head, 32, 8, 4000, 60, signature)
    head[667] = 3
    segments = [b""]
    room = SEGMENT - 40
    for record in records:
        if room - len(segments[-1]) < 8:
            segments.append(b"")
        left = room - len(segments[-1])
        if len(record) <= left:
            segments[-1] += record
            continue
        part = record[: left - 7]
        segments[-1] += struct.pack("<BIH", 76, len(record), len(part)) + part
        rest = record[len(part) :]
        while rest:
            part, rest = rest[: room - 3], rest[room - 3 :]
            segments.append(struct.pack("<BH", 77, len(part)) + part)
    out = bytes(head)
    for number, body in enumerate(segments, 1):
        out += (
            bytes(8)
            + struct.pack("<HHI", 0, number, generation)
            + bytes(24)
            + body.ljust(room, b"\0")
        )
    return out + bytes(SEGMENT)


def begin(session: int, level: int = 0) -> bytes:
    """A transaction begins at this level."""
    if level:
        return struct.pack("<BHB", 5, session, level | 0x10)
    return struct.pack("<BHBI", 8, session, 0x10, 1)


def commit(session: int, level: int = 0) -> bytes:
    """A transaction ends, down to this level; at 0 for good."""
    if level:
        return struct.pack("<BHB", 6, session, level)
    return struct.pack("<BHBI", 9, session, 0, 1)


def rollback(session: int, levels: int = 1) -> bytes:
    """So many levels are taken back."""
    return struct.pack("<BHB", 7, session, levels)


def insert(session: int, tree: int, data: bytes, level: int = 1, database: int = 1) -> bytes:
    """A row put into a tree."""
    key = b"\x7f\x80\0\0\1"
    head = struct.pack("<BHBIqqIBHB", 29, session, database, 44, 100, 99, 1, level, 0, 5)
    node = struct.pack("<IIIHHH", 1, 40, tree, 2, len(key) - 2, len(data))
    return head + node + key + data


def row(columns: ese.Columns, values: ese.Row) -> bytes:
    """A row's bytes."""
    return ese._record(columns, ese._ids(columns), values)


def catalog(names: Sequence[str]) -> tuple[ese.Columns, Sequence[ese.Row]]:
    """The catalog as a table of its own: which number each table of the database has."""
    columns: Mapping[str, str] = {"Type": "i32", "Id": "u32", "Name": "binary"}
    rows: list[ese.Row] = [
        {"Type": 1, "Id": number, "Name": name.encode()} for number, name in enumerate(names, 10)
    ]
    return columns, rows
