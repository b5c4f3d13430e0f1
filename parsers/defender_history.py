r"""Defender's DetectionHistory files: one detection each, with its files, their download and its user.

The file is a row of values `u32 size, u32 type, data, padding to 8`; type 0x15 is UTF-16 text, 0x0A
a FILETIME, 0x1E a GUID, 0x28 a list of named values. Only values that the file names, or whose form
leaves no doubt, are given a meaning; form taken from real files.
"""

import re
import struct
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

from parsers.contract import Artifact, Batch, Column, Moment, Problem, Severity, Sql, Table
from parsers.evtx.problems import Problems
from parsers.rows import Row, batches, content, filetime_ns

KIND = "defender_history"
VERSION = 1
LABEL = "Defender history"
MAX_BYTES = 64 << 20

_LINE = "concat_ws(' ', threat_name, 'in', path, 'from ' || url)"

DEFENDER_HISTORY = Table(
    "defender_history",
    "Detections that Defender keeps, one row per resource of each",
    (
        Column(
            "tracking_start_utc", Sql.TIME, "ThreatTrackingStartTime: start of the detection, UTC"
        ),
        Column(
            "earliest_utc",
            Sql.TIME,
            "Earliest of the times that the file holds without a name, UTC",
        ),
        Column("latest_utc", Sql.TIME, "Latest of them, UTC: the state of the detection changed"),
        Column("detection_id", Sql.TEXT, "GUID of the detection"),
        Column("threat_name", Sql.TEXT, "Name of the threat"),
        Column("threat_id", Sql.I64, "Number of the threat"),
        Column("schema", Sql.TEXT, "file, containerfile, webfile, process, ..."),
        Column("path", Sql.TEXT, "Path of the resource; A->B: B inside of A"),
        Column("url", Sql.TEXT, "Where a webfile came from"),
        Column("pid", Sql.I64, "Process that fetched a webfile"),
        Column("process_start_utc", Sql.TIME, "Start of that process, UTC"),
        Column("user_name", Sql.TEXT, "User, domain\\name"),
        Column(
            "process", Sql.TEXT, "Process that touched the file; Unknown: Defender did not know"
        ),
        Column("md5", Sql.TEXT, "MD5 of the resource, upper-case hex"),
        Column("sha1", Sql.TEXT, "SHA-1 of the resource, upper-case hex"),
        Column("sha256", Sql.TEXT, "SHA-256 of the resource, upper-case hex"),
        Column("size_bytes", Sql.I64, "Size of the resource"),
        Column("offset", Sql.I64, "Byte offset of the resource's schema in the file"),
    ),
    address="offset",
    time="tracking_start_utc",
    moments=(
        Moment("tracking_start_utc", "defender_detection", _LINE),
        Moment("earliest_utc", "defender_detection_noted", _LINE, "tracking_start_utc IS NULL"),
        Moment(
            "latest_utc",
            "defender_detection_changed",
            _LINE,
            "latest_utc IS DISTINCT FROM earliest_utc",
        ),
    ),
)
TABLES = (DEFENDER_HISTORY,)

_TEXT, _TIME, _GUID, _LIST = 0x15, 0x0A, 0x1E, 0x28
_MAGIC = "Magic.Version"
_MAGIC_BYTES = _MAGIC.encode("utf-16-le")
_WEB = re.compile(
    r"(?P<path>[^|]*)\|(?P<url>[^|]*)\|pid:(?P<pid>\d{1,10})(?:,ProcessStart:(?P<start>\d{1,19}))?"
)


def recognise(name: str, head: bytes) -> bool:
    """Its first value and the word Magic.Version behind it, whatever the name."""
    return head[:8] == struct.pack("<II", 8, 8) and _MAGIC_BYTES in head[:256]


def parse(artifact: Artifact) -> Iterator[Batch | Problem]:
    """One row per resource."""
    problems = Problems()
    return batches(_rows(artifact, problems), problems)


@dataclass(frozen=True, slots=True)
class _Value:
    offset: int
    kind: int
    data: bytes

    def text(self) -> str:
        return self.data.decode("utf-16-le", "replace").rstrip("\0")


@dataclass(slots=True)
class _Resource:
    offset: int
    schema: str
    path: str
    named: dict[str, str | int] = field(default_factory=dict)


def _rows(artifact: Artifact, problems: Problems) -> Iterator[tuple[Table, Row]]:
    data = content(artifact, MAX_BYTES)
    if artifact.size > MAX_BYTES:
        problems.add(_problem(MAX_BYTES, f"at most {MAX_BYTES} bytes", f"{artifact.size} bytes"))
    values = list(_values(data, problems))
    resources, last = _resources(values, problems)
    texts = [v for v in values if v.kind == _TEXT]
    behind = [v for v in texts if v.offset > last]
    times = [ns for v in values if v.kind == _TIME and (ns := _filetime(v.data)) is not None]
    guid = next((v.data for v in values if v.kind == _GUID and len(v.data) == 16), None)
    common: Row = {
        "detection_id": None if guid is None else str(uuid.UUID(bytes_le=guid)).upper(),
        "threat_name": texts[1].text() if len(texts) > 1 else None,
        "threat_id": _number(values[0].data) if values else None,
        "earliest_utc": min(times, default=None),
        "latest_utc": max(times, default=None),
        "user_name": behind[0].text() if behind else None,
        "process": behind[1].text() if len(behind) > 1 else None,
    }
    for resource in resources:
        yield DEFENDER_HISTORY, {**common, **_resource_row(resource)}
    if not resources:
        problems.add(_problem(0, "a resource behind Magic.Version", "none"))
        if common["threat_name"]:
            yield DEFENDER_HISTORY, {**common, "offset": 0}


def _values(data: bytes, problems: Problems) -> Iterator[_Value]:
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from("<II", data, at)
        if at + 8 + size > len(data):
            problems.add(
                _problem(at, f"a value of {size} bytes", f"{len(data) - at - 8} bytes left")
            )
            return
        yield _Value(at, kind, data[at + 8 : at + 8 + size])
        at += (8 + size + 7) & ~7


def _resources(values: list[_Value], problems: Problems) -> tuple[list[_Resource], int]:
    """Resources: Magic.Version, schema, path, then a list of named values; and where the last of them lies."""
    out: list[_Resource] = []
    last = 0
    for n, value in enumerate(values):
        follow = values[n + 1 : n + 3]
        if value.kind == _TEXT and value.text().startswith(_MAGIC):
            last = max(last, value.offset)
            # The first one heads the file: numbers follow its threat name, not a path.
            if n > 2 and len(follow) == 2 and all(v.kind == _TEXT for v in follow):
                out.append(_Resource(value.offset, follow[0].text(), follow[1].text()))
                last = follow[1].offset
        elif value.kind == _LIST and out:
            out[-1].named = _named(value, problems)
            last = value.offset
    return out, last


def _named(value: _Value, problems: Problems) -> dict[str, str | int]:
    """Named values behind a head of 24 bytes: u32 bytes of the name, name, u32 type, value."""
    data, at = value.data, 24
    out: dict[str, str | int] = {}
    while at + 4 <= len(data):
        (length,) = struct.unpack_from("<I", data, at)
        name = data[at + 4 : at + 4 + length].decode("utf-16-le", "replace").rstrip("\0")
        at += 4 + length
        if at + 4 > len(data):
            return out
        (kind,) = struct.unpack_from("<I", data, at)
        at += 4
        if kind == 6 and at + 4 <= len(data):
            (length,) = struct.unpack_from("<I", data, at)
            out[name] = data[at + 4 : at + 4 + length].decode("utf-16-le", "replace").rstrip("\0")
            at += 4 + length
        elif (size := {3: 4, 4: 8, 5: 1}.get(kind)) is not None:
            out[name] = int.from_bytes(data[at : at + size], "little")
            at += size
        else:
            problems.add(
                _problem(
                    value.offset + 8 + at, "a named value of type 3, 4, 5 or 6", f"type {kind}"
                )
            )
            return out
    return out


def _resource_row(resource: _Resource) -> Row:
    named = resource.named
    row: Row = {
        "schema": resource.schema,
        "path": resource.path,
        "offset": resource.offset,
        "md5": _upper(named.get("ThreatTrackingMD5")),
        "sha1": _upper(named.get("ThreatTrackingSha1")),
        "sha256": _upper(named.get("ThreatTrackingSha256")),
    }
    start, size = named.get("ThreatTrackingStartTime"), named.get("ThreatTrackingSize")
    row["tracking_start_utc"] = filetime_ns(start) if isinstance(start, int) else None
    row["size_bytes"] = size if isinstance(size, int) and size < 1 << 63 else None
    if found := _WEB.fullmatch(resource.path):
        row |= {"path": found["path"], "url": found["url"], "pid": int(found["pid"])}
        row["process_start_utc"] = filetime_ns(int(found["start"])) if found["start"] else None
    return row


def _upper(value: str | int | None) -> str | None:
    return value.upper() if isinstance(value, str) and value else None


def _filetime(data: bytes) -> int | None:
    return filetime_ns(int.from_bytes(data, "little")) if len(data) == 8 else None


def _number(data: bytes) -> int | None:
    number = int.from_bytes(data, "little")
    return number if number < 1 << 63 else None


def _problem(at: int, expected: str, found: str) -> Problem:
    return Problem(
        "defender_history_form",
        f"offset {at}",
        expected,
        found,
        "What lies behind is not read",
        Severity.WARNING,
    )
