"""The Program Compatibility Assistant's text files of Windows 11 22H2 and later, times in UTC.

PcaAppLaunchDic.txt has `path|time of the latest launch`; PcaGeneralDb0/1.txt have
`time|status|path|product|company|version|ProgramId|text`.
"""

import re
from collections.abc import Iterator

from parsers.contract import Artifact, Batch, Column, Moment, Problem, Sql, Table
from parsers.evtx.problems import Problems
from parsers.rows import Row, batches
from parsers.text_lines import Line, decode_head, read_lines, time_ns

KIND = "pca"
VERSION = 1
LABEL = "PCA"
_MAX_TEXT = 4096

_PLACE = (
    Column("line_number", Sql.I64, "Line, from 1"),
    Column("offset", Sql.I64, "Byte offset of that line"),
)
PCA_LAUNCH = Table(
    "pca_launch",
    "Programs and when they were last launched (PcaAppLaunchDic.txt)",
    (
        Column("time_utc", Sql.TIME, "Latest launch, UTC"),
        Column("path", Sql.TEXT, "Path of the program as written"),
        *_PLACE,
    ),
    address="offset",
    time="time_utc",
    moments=(Moment("time_utc", "pca_launch", "concat(path, ' launched')"),),
)
PCA_EVENT = Table(
    "pca_event",
    "What the assistant noted about programs (PcaGeneralDb0.txt, PcaGeneralDb1.txt)",
    (
        Column("time_utc", Sql.TIME, "Time of the note, UTC"),
        Column(
            "path", Sql.TEXT, "Path as written: may begin with %programfiles% or without a drive"
        ),
        Column("status", Sql.I64, "Microsoft's number of the kind of note; 2: abnormal exit"),
        Column("product", Sql.TEXT, "Product name, lower case"),
        Column("company", Sql.TEXT, "Company name, lower case"),
        Column("product_version", Sql.TEXT, "Product version"),
        Column("program_id", Sql.TEXT, "ProgramId as in Amcache"),
        Column("message", Sql.TEXT, "Text of the note, such as the exit code"),
        *_PLACE,
    ),
    address="offset",
    time="time_utc",
    moments=(Moment("time_utc", "pca_event", "concat(path, ': ' || message)"),),
)
TABLES = (PCA_LAUNCH, PCA_EVENT)

_NAME = re.compile(r".*pca(?:applaunchdic|generaldb\d?).*\.txt", re.IGNORECASE | re.DOTALL)
_TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?"
_LAUNCH = re.compile(rf"([^|]+)\|({_TIME})\s*")
_EVENT = re.compile(rf"({_TIME})\|(\d+)\|(.+)")
_FIELDS = ("path", "product", "company", "product_version", "program_id", "message")


def recognise(name: str, head: bytes) -> bool:
    """Its name, and a first line of its form."""
    if _NAME.fullmatch(name) is None:
        return False
    first = next((line for line in decode_head(head).splitlines() if line.strip()), "")
    return bool(_LAUNCH.fullmatch(first) or _EVENT.match(first))


def parse(artifact: Artifact) -> Iterator[Batch | Problem]:
    """One row per line."""
    problems = Problems()
    return batches(_rows(artifact, problems), problems)


def _rows(artifact: Artifact, problems: Problems) -> Iterator[tuple[Table, Row]]:
    for line in read_lines(artifact, problems):
        text = line.text.strip("\0 ")
        place: Row = {"line_number": line.number, "offset": line.offset}
        if found := _EVENT.fullmatch(text):
            yield PCA_EVENT, {**_event(found), **place, "time_utc": _time(found[1], line, problems)}
        elif found := _LAUNCH.fullmatch(text):
            path = found[1][:_MAX_TEXT]
            yield PCA_LAUNCH, {"path": path, **place, "time_utc": _time(found[2], line, problems)}
        elif text:
            problems.add(
                Problem(
                    "pca_line",
                    f"line {line.number}",
                    "path|time or time|status|path|...",
                    text[:80],
                    "Line skipped",
                )
            )


def _event(found: re.Match[str]) -> Row:
    values = found[3].split("|", len(_FIELDS) - 1)
    row: Row = {key: value[:_MAX_TEXT] or None for key, value in zip(_FIELDS, values, strict=False)}
    return {**row, "status": int(found[2]) if len(found[2]) < 18 else None}


def _time(text: str, line: Line, problems: Problems) -> int | None:
    ns = time_ns(text)
    if ns is None:
        problems.add(Problem("pca_time", f"line {line.number}", "a time", text[:40], "Left empty"))
    return ns
