r"""Reports of Windows Error Reporting (`Report.wer`): a program that crashed or hung, its path, hash and loaded libraries.

They lie in `ProgramData\Microsoft\Windows\WER\ReportArchive` and `ReportQueue` (and below `AppData\Local` of users).
Text, `key=value`. Times are FILETIMEs. `AppSessionGuid` starts with the process id and ends with the FILETIME of the
process's start, `TargetAppId` holds the file's SHA-1 after four zeros. Source: public samples; of three the
start lies within the hour before the report's time.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from parsers.contract import Artifact, Batch, Column, Moment, Problem, Severity, Sql, Table
from parsers.evtx.problems import Problems
from parsers.hives.profiles import profile_name
from parsers.rows import Row, batches, filetime_ns
from parsers.text_lines import Line, decode_head, read_lines

KIND = "wer"
VERSION = 1
LABEL = "Error report"
MAX_MODULES = 20_000
MAX_LINES = 200_000
_MAX_TEXT = 4096

_PROGRAM = (
    Column("event_utc", Sql.TIME, "EventTime: when it crashed or hung, UTC"),
    Column("process_start_utc", Sql.TIME, "Start of the process, UTC, from AppSessionGuid; NULL: that id has another form"),
    Column("app_path", Sql.TEXT, "Path of the program (AppPath), as stored"),
    Column("pid", Sql.U32, "Process id from AppSessionGuid"),
)  # fmt: skip

WER_REPORT = Table(
    "wer_report",
    "Crash and hang reports: the program ran, from where, with which hash",
    (
        *_PROGRAM,
        Column("upload_utc", Sql.TIME, "UploadTime, UTC"),
        Column("event_type", Sql.TEXT, "APPCRASH, BEX64, CLR20r3, AppHangB1, PowerShell, ..."),
        Column("app_name", Sql.TEXT, "Name of the program's file (NsAppName)"),
        Column("friendly_name", Sql.TEXT, "Name as shown (AppName)"),
        Column("original_name", Sql.TEXT, "Original name from the version resource"),
        Column("sha1", Sql.TEXT, "SHA-1 in TargetAppId, upper-case hex: as Amcache's, of the file's first 31,457,280 bytes; NULL: none"),
        Column("program_id", Sql.TEXT, "Program id in TargetAppId: joins amcache_file.program_id"),
        Column("link_date_text", Sql.TEXT, "TargetAppVer as stored: link time, checksum, name"),
        Column("signature", Sql.TEXT, "Parameters of the problem: name=value, one a line"),
        Column("report_id", Sql.TEXT, "ReportIdentifier"),
        Column("user", Sql.TEXT, "User whose profile the report lies in; NULL: elsewhere"),
        Column("module_count", Sql.U32, "Loaded modules the report lists (wer_module)"),
        Column("report_path", Sql.TEXT, "Path of the report on Windows, else its name"),
        Column("offset", Sql.I64, "Byte offset of the line of AppPath, else 0"),
    ),
    address="offset",
    time="event_utc",
    moments=(
        Moment("event_utc", "wer_event", "concat_ws(' ', coalesce(app_path, app_name), event_type, 'reported')"),
        Moment("process_start_utc", "wer_process_start", "concat_ws(' ', coalesce(app_path, app_name), 'started (pid', pid || '),', event_type, 'reported later')"),
    ),
)  # fmt: skip
WER_MODULE = Table(
    "wer_module",
    "Modules that a crashed or hung program had loaded",
    (
        *_PROGRAM,
        Column("module_path", Sql.TEXT, "Path of the module, as stored"),
        Column("module_number", Sql.U32, "Number in the report's list, from 0"),
        Column("offset", Sql.I64, "Byte offset of the line"),
    ),
    address="offset",
    time="event_utc",
)
"""No moments: a report lists dozens of modules of Windows; those of volumes are for the correlation."""
TABLES = (WER_REPORT, WER_MODULE)

_NAME = re.compile(r".*\.wer", re.IGNORECASE | re.DOTALL)
_MODULE = re.compile(r"LoadedModule\[(\d{1,9})\]")
_SIGNATURE = re.compile(r"(?:Dynamic)?Sig\[(\d{1,3})\]\.(Name|Value)")
_SESSION = re.compile(
    r"([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-([0-9a-f]{4})-([0-9a-f]{12})", re.IGNORECASE
)
_TARGET = re.compile(r"W:([0-9a-f]{44})!0000([0-9a-f]{40})!.*", re.IGNORECASE | re.DOTALL)
_OF_NOTHING = "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709"
"""SHA-1 of no bytes: the file was not hashed."""
_FIELDS = {
    "EventType": "event_type", "NsAppName": "app_name", "AppName": "friendly_name", "OriginalFilename": "original_name",
    "TargetAppVer": "link_date_text", "ReportIdentifier": "report_id", "AppPath": "app_path",
}  # fmt: skip
_TIMES = {"EventTime": "event_utc", "UploadTime": "upload_utc"}


def recognise(name: str, head: bytes) -> bool:
    """By its first words, or by name and the words of any report."""
    text = decode_head(head)
    return text.startswith("Version=1") and ("\nEventType=" in text[:200]) and (
        "ReportIdentifier=" in text or _NAME.fullmatch(name) is not None
    )  # fmt: skip


def parse(artifact: Artifact) -> Iterator[Batch | Problem]:
    """One row of `wer_report`; its loaded modules."""
    problems = Problems()
    return batches(_rows(artifact, problems), problems)


@dataclass(slots=True)
class _Report:
    row: Row = field(default_factory=dict)
    signature: dict[str, str] = field(default_factory=dict)
    modules: list[tuple[int, str, int]] = field(default_factory=list)


def _rows(artifact: Artifact, problems: Problems) -> Iterator[tuple[Table, Row]]:
    report = _Report()
    report.row["offset"] = 0
    for line in read_lines(artifact, problems):
        if line.number > MAX_LINES:
            problems.add(_problem(line, f"at most {MAX_LINES} lines", "more", "The rest is not read"))  # fmt: skip
            break
        _take(report, line, problems)
    row = report.row
    for number, path, offset in report.modules:
        yield (
            WER_MODULE,
            {
                **{column.name: row.get(column.name) for column in _PROGRAM},
                "module_path": path,
                "module_number": number,
                "offset": offset,
            },
        )
    row["signature"] = "\n".join(_signature(report.signature))[:_MAX_TEXT] or None
    row["module_count"] = len(report.modules)
    row["report_path"] = artifact.windows_path or artifact.name
    row["user"] = profile_name(artifact.windows_path)
    yield WER_REPORT, row


def _take(report: _Report, line: Line, problems: Problems) -> None:
    key, _, value = line.text.partition("=")
    value = value.strip()[:_MAX_TEXT]
    row = report.row
    if not value:
        return
    if key in _TIMES:
        row[_TIMES[key]] = _time(line, value, problems)
    elif key in _FIELDS:
        row.setdefault(_FIELDS[key], value)
        if key == "AppPath":
            row["offset"] = line.offset
    elif key == "AppSessionGuid":
        row |= _session(value)
    elif key == "TargetAppId":
        row |= _target(value)
    elif found := _MODULE.fullmatch(key):
        if len(report.modules) < MAX_MODULES:
            report.modules.append((int(found[1]), value, line.offset))
    elif _SIGNATURE.fullmatch(key):
        report.signature[key] = value


def _time(line: Line, value: str, problems: Problems) -> int | None:
    ns = filetime_ns(int(value)) if re.fullmatch(r"\d{1,19}", value) else None
    if ns is None and value != "0":
        problems.add(_problem(line, "a FILETIME", value[:80], "Left empty"))
    return ns


def _session(value: str) -> Row:
    """Process id and start; a start before 1990 or after 2100 is another form of the id."""
    found = _SESSION.fullmatch(value)
    if found is None:
        return {}
    filetime = int.from_bytes(bytes.fromhex(found[2] + found[3]), "little")
    if not 0x01B4000000000000 <= filetime < 0x0230000000000000:
        return {}
    return {"pid": int(found[1], 16), "process_start_utc": filetime_ns(filetime)}


def _target(value: str) -> Row:
    found = _TARGET.fullmatch(value)
    if found is None:
        return {}
    digest = found[2].upper()
    if digest == _OF_NOTHING:
        return {}
    return {"sha1": digest, "program_id": found[1].lower()}


def _signature(parts: dict[str, str]) -> Iterator[str]:
    for key, name in parts.items():
        if key.endswith(".Name"):
            yield f"{name}={parts.get(key.removesuffix('Name') + 'Value', '')}"


def _problem(line: Line, expected: str, found: str, effect: str) -> Problem:
    return Problem("wer_line", f"line {line.number}", expected, found, effect, Severity.WARNING)
