r"""Entries of Defender's quarantine (`Windows Defender\Quarantine\Entries\{GUID}`): what was taken away, when and why.

A head of 60 bytes and two sections, each hidden with RC4 under one key that all installations share. Source of key and
layout: public research; a section's bytes keep their places, so offsets are those of the file.
"""

import re
import struct
from collections.abc import Iterator
from uuid import UUID

from parsers.contract import Artifact, Batch, Column, Moment, Problem, Severity, Sql, Table
from parsers.evtx.problems import Problems
from parsers.rows import Row, batches, content, filetime_ns

KIND = "defender_quarantine"
VERSION = 1
LABEL = "Defender quarantine"
MAX_BYTES = 4 << 20
MAX_RESOURCES = 10_000
MAX_FIELDS = 1_000

DEFENDER_QUARANTINE = Table(
    "defender_quarantine",
    "Files and other things that Defender put into quarantine, one row each",
    (
        Column("quarantined_utc", Sql.TIME, "Time of the entry, UTC"),
        Column("path", Sql.TEXT, "What was found, as stored: a file, A->inner in a container, a key"),
        Column("threat_name", Sql.TEXT, "Name of the threat"),
        Column("kind", Sql.TEXT, "file, containerfile, regkey, process, ..., as stored"),
        Column("file_created_utc", Sql.TIME, "Creation time of the file, UTC"),
        Column("file_accessed_utc", Sql.TIME, "Last access of the file, UTC"),
        Column("file_modified_utc", Sql.TIME, "Modification time of the file, UTC"),
        Column("physical_path", Sql.TEXT, "Path in the form of devices, where stored"),
        Column("context", Sql.TEXT, "Context of the detection, as stored"),
        Column("threat_id", Sql.U64, "Number of the threat"),
        Column("resource_id", Sql.TEXT, "Name of the hidden copy below ResourceData, upper-case hex"),
        Column("quarantine_id", Sql.TEXT, "GUID of the entry, lower case"),
        Column("scan_id", Sql.TEXT, "GUID of the scan, lower case"),
        Column("offset", Sql.I64, "Byte offset of the item in the file (0: the entry has none); its bytes are hidden there"),
    ),
    address="offset",
    time="quarantined_utc",
    moments=(
        Moment("quarantined_utc", "quarantined", "concat_ws(' ', path, 'quarantined:', threat_name)"),
        Moment("file_created_utc", "quarantined_file_created", "concat_ws(' ', path, 'created; quarantined later:', threat_name)"),
    ),
)  # fmt: skip
TABLES = (DEFENDER_QUARANTINE,)

_NAME = re.compile(r"\{?[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}\}?", re.IGNORECASE)
_HEAD = 60
_SIZES_AT, _TIME_AT, _THREAT_AT, _NAME_AT = 0x28, 0x20, 0x28, 0x34
_RECOGNISED = 34_816
_MOST = 1 << 20
_RESOURCE, _PHYSICAL, _CONTEXT, _CREATED, _ACCESSED, _MODIFIED = 2, 0x0C, 0x0D, 0x0F, 0x10, 0x11
_TIMES = {
    _CREATED: "file_created_utc",
    _ACCESSED: "file_accessed_utc",
    _MODIFIED: "file_modified_utc",
}
_TEXTS = {_PHYSICAL: "physical_path", _CONTEXT: "context"}
_KEY = bytes.fromhex(
    "1e87781b8dbaa844ce69702c0c78b786a3f623b738f5edf9af83530fb3fc54faa21eb9cf1331fd0f0da954f687cb9e18"
    "279697900e53fb317c9cbce48e23d05371ecc15951b8f3649d7ca33ed68dc9047e82c9baad9799d0d458cb847ca9ffbe"
    "3c8a775233557dde13a8b14087cc1bc8f10f6ecdd083a959cff84a9d1d50755e3e191818af23e2293558766d2c07e257"
    "12b2ca0b535ed8f6c56ce73d24bdd0291771861a54b4c285a9a3db7aca6d224aeacd621db9f2a22ed1e9e11d75bed7dc"
    "0ecb0a8e68a2ff1263408dc808dffd164b116774cd0b9b8d05411ed6262e429ba495676b8398db2f35d3c1b9ced52636"
    "f2765e1a95cb7ca4c3ddabddbff38253"
)


def recognise(name: str, head: bytes) -> bool:
    """A GUID as name, and sections whose sizes fill the file."""
    if _NAME.fullmatch(name) is None or len(head) < _HEAD:
        return False
    first: int
    second: int
    first, second = struct.unpack_from("<II", rc4(head[:_HEAD]), _SIZES_AT)
    whole = _HEAD + first + second
    return (
        _NAME_AT < first < _MOST
        and 4 <= second < _MOST
        and (whole == len(head) or len(head) == _RECOGNISED <= whole)
    )


def parse(artifact: Artifact) -> Iterator[Batch | Problem]:
    """One row per item of the entry; an entry without items is one row."""
    problems = Problems()
    return batches(_rows(artifact, problems), problems)


def rc4(data: bytes, key: bytes = _KEY) -> bytes:
    """The bytes behind the hiding, from the key's start."""
    box = list(range(256))
    j = 0
    for i in range(256):
        j = (j + box[i] + key[i % len(key)]) & 255
        box[i], box[j] = box[j], box[i]
    out = bytearray(len(data))
    i = j = 0
    for at, byte in enumerate(data):
        i = (i + 1) & 255
        j = (j + box[i]) & 255
        box[i], box[j] = box[j], box[i]
        out[at] = byte ^ box[(box[i] + box[j]) & 255]
    return bytes(out)


def _rows(artifact: Artifact, problems: Problems) -> Iterator[tuple[Table, Row]]:
    data = content(artifact, MAX_BYTES)
    if len(data) < _HEAD:
        problems.add(_problem("offset 0", f"{_HEAD} bytes", f"{len(data)} bytes"))
        return
    first, second = struct.unpack_from("<II", rc4(data[:_HEAD]), _SIZES_AT)
    entry = rc4(data[_HEAD : _HEAD + min(first, _MOST)])
    if len(entry) < _NAME_AT:
        problems.add(_problem(f"offset {_HEAD}", "a section of an entry", f"{len(entry)} bytes"))
        return
    start = _HEAD + first
    items = rc4(data[start : start + min(second, _MOST)])
    if start + second != artifact.size:
        problems.add(_problem("offset 40", f"{artifact.size} bytes", str(start + second)))
    common = _entry(entry)
    count = 0
    for at, row in _items(items, start, problems):
        count += 1
        yield DEFENDER_QUARANTINE, {**common, **row, "offset": start + at}
    if not count:
        yield DEFENDER_QUARANTINE, {**common, "offset": 0}


def _entry(section: bytes) -> Row:
    filetime, threat = struct.unpack_from("<QQ", section, _TIME_AT)
    name = section[_NAME_AT:].split(b"\0", 1)[0].decode("utf-8", "replace")
    return {
        "quarantined_utc": filetime_ns(filetime),
        "threat_name": name or None,
        "threat_id": threat,
        "quarantine_id": str(UUID(bytes_le=section[:16])),
        "scan_id": str(UUID(bytes_le=section[16:32])),
    }


def _items(section: bytes, start: int, problems: Problems) -> Iterator[tuple[int, Row]]:
    told = int.from_bytes(section[:4], "little")
    count = min(told, max(0, len(section) - 4) // 4, MAX_RESOURCES)
    if count < told:
        problems.add(_problem(f"offset {start}", f"{told} items", f"room for {count}"))
    for at in struct.unpack_from(f"<{count}I", section, 4) if count else ():
        item = _item(section, at)
        if item is None:
            problems.add(_problem(f"offset {start + at}", "an item with path and kind", "the end"))
        else:
            yield at, item


def _item(section: bytes, at: int) -> Row | None:
    """Path (UTF-16), count of fields, kind (8 bits), fields at multiples of four bytes."""
    end = at
    while end + 2 <= len(section) and section[end : end + 2] != b"\0\0":
        end += 2
    stop = section.find(b"\0", end + 4)
    if end + 4 > len(section) or stop < 0:
        return None
    path = section[at:end].decode("utf-16-le", "replace")
    row: Row = {
        "path": path or None,
        "kind": section[end + 4 : stop].decode("utf-8", "replace") or None,
    }
    fields = int.from_bytes(section[end + 2 : end + 4], "little")
    place = stop + 1
    for _ in range(min(fields, MAX_FIELDS)):
        place = at + (place - at + 3) // 4 * 4
        if place + 4 > len(section):
            break
        size, word = struct.unpack_from("<HH", section, place)
        row |= _field(word & 0xFFF, section[place + 4 : place + 4 + size])
        place += 4 + size
    return row


def _field(number: int, data: bytes) -> Row:
    if number in _TIMES and len(data) == 8:
        return {_TIMES[number]: filetime_ns(int.from_bytes(data, "little"))}
    if number in _TEXTS:
        return {_TEXTS[number]: data.decode("utf-16-le", "replace").rstrip("\0") or None}
    if number == _RESOURCE and len(data) >= 20:
        return {"resource_id": data[:20].hex().upper()}
    return {}


def _problem(place: str, expected: str, found: str) -> Problem:
    return Problem(
        "defender_quarantine", place, expected, found, "What can be read is given", Severity.ERROR
    )
