"""Jump lists: what was opened with an application, when and from where."""

import io
import re
import struct
from collections.abc import Iterator

from parsers.contract import Artifact, Batch, Column, Moment, Problem, Severity, Sql, Table
from parsers.evtx.problems import Problems
from parsers.jumplist import custom, destlist
from parsers.jumplist.app_ids import app_name
from parsers.jumplist.destlist import Entry
from parsers.lnk import report_time, report_troubles
from parsers.lnk.cut import Report
from parsers.lnk.model import Lnk
from parsers.lnk.reader import MAGIC, parse_lnk
from parsers.lnk.rows import TARGET, TIMES, droid_row, target_row
from parsers.rows import Row, batches, content, filetime_ns

__all__ = ["KIND", "LABEL", "TABLES", "VERSION", "parse", "recognise"]

KIND = "jumplist"
VERSION = 1
LABEL = "Jump list"

MAX_BYTES = 16 << 20
MAX_STREAMS = 65_536
MAX_STREAM_BYTES = 4 << 20

JUMPLIST_ENTRY = Table(
    "jumplist_entry",
    "Entries of jump lists: what was opened with an application",
    (
        Column("app_id", Sql.TEXT, "Application id: the first part of the file's name"),
        Column("app_name", Sql.TEXT, "Its well-known name; NULL: not in the list"),
        Column("path", Sql.TEXT, "Path as DestList has it; of custom lists the shortcut's target"),
        Column("last_accessed_utc", Sql.TIME, "Last opened, UTC; NULL: custom lists keep no time"),
        *TIMES,
        Column("list_kind", Sql.TEXT, "automatic (kept by Windows) or custom (by the application)"),
        Column("category", Sql.TEXT, "Category of a custom list"),
        Column("entry_number", Sql.U32, "Number of the entry and name of its stream, from 1"),
        Column("is_pinned", Sql.BOOL, "Whether it is pinned; NULL: custom"),
        Column("pin_index", Sql.U32, "Place among the pinned, from 0"),
        Column("access_count", Sql.U32, "Times opened; NULL: Windows 7, 8 and custom lists"),
        Column("score", Sql.FLOAT, "Windows' measure of how much it is used"),
        *TARGET,
        Column(
            "has_destlist",
            Sql.BOOL,
            "True: machine and object ids are DestList's; False: a shortcut that DestList no longer names",
        ),
        Column("has_shortcut", Sql.BOOL, "False: DestList names it, its shortcut is missing"),
        Column("jumplist_path", Sql.TEXT, "Path of the file on Windows, else its name"),
        Column("stream", Sql.TEXT, "Stream of the compound file; NULL: custom, the file itself"),
        Column(
            "offset",
            Sql.I64,
            "Byte offset in that stream: of the DestList entry, else the shortcut",
        ),
    ),
    address="offset",
    time="last_accessed_utc",
    moments=(
        Moment(
            "last_accessed_utc",
            "jumplist_access",
            "concat(coalesce(path, target_path), ' opened with ', coalesce(app_name, app_id))",
        ),
    ),
)
TABLES = (JUMPLIST_ENTRY,)

_NAME = re.compile(
    r".*?([0-9a-f]{1,16})\.(automatic|custom)Destinations-ms", re.IGNORECASE | re.DOTALL
)
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_DESTLIST = "DestList"
_LIBRARY_ERRORS = (
    OSError,
    ValueError,
    IndexError,
    KeyError,
    TypeError,
    AttributeError,
    struct.error,
    RecursionError,
    OverflowError,
    MemoryError,
)


def recognise(name: str, head: bytes) -> bool:
    """The names of jump lists, and a compound file or the head of a custom list."""
    found = _NAME.fullmatch(name)
    if found is None:
        return False
    if found[2].lower() == "automatic":
        return head.startswith(_OLE)
    return head.startswith(custom.VERSION_WORD)


def parse(artifact: Artifact) -> Iterator[Batch | Problem]:
    """One row per entry."""
    problems = Problems()
    return batches(_rows(artifact, problems), problems)


def _rows(artifact: Artifact, problems: Problems) -> Iterator[tuple[Table, Row]]:
    data = content(artifact, MAX_BYTES)
    if artifact.size > MAX_BYTES:
        _report(problems, "")("jumplist_size", 0, f"at most {MAX_BYTES} bytes", str(artifact.size))
    found = _NAME.fullmatch(artifact.name)
    number = found[1].lower() if found else None
    common: Row = {
        "app_id": number,
        "app_name": None if number is None else app_name(number),
        "jumplist_path": artifact.windows_path or artifact.name,
    }
    rows = _automatic(data, problems) if data.startswith(_OLE) else _custom(data, problems)
    for row in rows:
        yield JUMPLIST_ENTRY, {**row, **common}


def _custom(data: bytes, problems: Problems) -> Iterator[Row]:
    for link in custom.read_links(data, _report(problems, "")):
        row = _shortcut(link.lnk, problems, f"offset {link.offset} + {{}}")
        yield {
            **row,
            "path": row["target_path"],
            "list_kind": "custom",
            "category": link.category,
            "has_shortcut": True,
            "offset": link.offset,
        }


def _automatic(data: bytes, problems: Problems) -> Iterator[Row]:
    streams = dict(_streams(data, problems))
    entries = destlist.read_entries(
        streams.pop(_DESTLIST, b""), _report(problems, f"stream {_DESTLIST} ")
    )
    for entry in entries:
        name = f"{entry.number:x}"
        raw = streams.pop(name, None)
        lnk = None if raw is None else parse_lnk(raw)
        row: Row = {} if lnk is None else _shortcut(lnk, problems, f"stream {name} offset {{}}")
        tracking = droid_row(entry.tracker)
        yield {
            **row,
            **{key: value for key, value in tracking.items() if value is not None},
            **_entry(entry, problems),
            "has_shortcut": lnk is not None,
        }
    for name, raw in streams.items():
        lnk = parse_lnk(raw)
        if lnk is not None:
            row = _shortcut(lnk, problems, f"stream {name} offset {{}}")
            yield {
                **row,
                "path": row["target_path"],
                "entry_number": _number(name),
                "list_kind": "automatic",
                "has_destlist": False,
                "has_shortcut": True,
                "stream": name,
                "offset": 0,
            }
        elif raw.startswith(MAGIC[:4]):
            _report(problems, f"stream {name} ")(
                "jumplist_shortcut", 0, "a shortcut", raw[:20].hex()
            )


def _entry(entry: Entry, problems: Problems) -> Row:
    accessed = filetime_ns(entry.accessed)
    if entry.accessed and accessed is None:
        report_time(
            "last_accessed_utc", entry.accessed, f"DestList offset {entry.offset}", problems
        )
    return {
        "path": entry.path,
        "last_accessed_utc": accessed,
        "list_kind": "automatic",
        "entry_number": entry.number,
        "is_pinned": entry.pin is not None,
        "pin_index": entry.pin,
        "access_count": entry.count,
        "score": entry.score,
        "has_destlist": True,
        "stream": _DESTLIST,
        "offset": entry.offset,
    }


def _shortcut(lnk: Lnk, problems: Problems, place: str) -> Row:
    report_troubles(lnk, problems, place)

    def late(column: str, filetime: int) -> None:
        report_time(column, filetime, place.format(28), problems)

    return target_row(lnk, late)


def _streams(data: bytes, problems: Problems) -> Iterator[tuple[str, bytes]]:
    """Streams of the root by name; a broken one is told and left out."""
    import olefile  # type: ignore[import-untyped, unused-ignore]

    tell = _report(problems, "")
    try:
        file = olefile.OleFileIO(io.BytesIO(data))
        names = [parts[0] for parts in file.listdir() if len(parts) == 1]
    except _LIBRARY_ERRORS as error:
        tell("jumplist_container", 0, "a compound file", f"{type(error).__name__}: {error}"[:200])
        return
    left = len(data)
    for name in names[:MAX_STREAMS]:
        try:
            raw = file.openstream(name).read(MAX_STREAM_BYTES)
        except _LIBRARY_ERRORS as error:
            tell(
                "jumplist_stream",
                0,
                f"stream {name[:40]}",
                f"{type(error).__name__}: {error}"[:200],
            )
            continue
        left -= len(raw)
        if left < 0:
            tell("jumplist_stream", 0, "streams no longer than the file", f"stream {name[:40]}")
            return
        yield name, raw
    if len(names) > MAX_STREAMS:
        tell("jumplist_stream", 0, f"at most {MAX_STREAMS} streams", str(len(names)))


def _number(name: str) -> int | None:
    return int(name, 16) if re.fullmatch(r"[0-9a-fA-F]{1,8}", name) else None


def _report(problems: Problems, where: str) -> Report:
    def report(code: str, offset: int, expected: str, found: str) -> None:
        problems.add(
            Problem(code, f"{where}offset {offset}", expected, found, "Left out", Severity.ERROR)
        )

    return report
