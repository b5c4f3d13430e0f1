r"""Scheduled tasks as XML (`Windows\System32\Tasks\...`): what runs, as whom, and when it was registered.

Source of the format: MS-TSCH 2.5. `Date` is local time unless it names a zone.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from parsers.contract import Artifact, Batch, Column, Moment, Problem, Severity, Sql, Table
from parsers.evtx.problems import Problems
from parsers.local_time import SAID, in_utc
from parsers.rows import Row, batches, content
from parsers.text_lines import decode, decode_head, encoding, time_ns, zoned_ns

if TYPE_CHECKING:
    from lxml.etree import _Element  # type: ignore[import-untyped]

KIND = "scheduled_task"
VERSION = 1
LABEL = "Scheduled task"
MAX_BYTES = 8 << 20
_MAX_TEXT = 32_767
_MAX_ACTIONS = 1000
_SPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"

SCHEDULED_TASK = Table(
    "scheduled_task",
    "Scheduled tasks, one row per action",
    (
        Column("registered_utc", Sql.TIME, "RegistrationInfo/Date, UTC; NULL: it names no zone"),
        Column(
            "registered_local",
            Sql.TIME,
            "The same where it names no zone: LOCAL time of its writer",
        ),
        Column("last_run_local", Sql.TIME, "Last run, LOCAL time of the host (files .job only)"),
        Column(
            "task_path", Sql.TEXT, "Path of the task: its URI, else the file's place below Tasks"
        ),
        Column(
            "author",
            Sql.TEXT,
            "Author as written; anyone may write anything (of a .job who made it)",
        ),
        Column("description", Sql.TEXT, "Description"),
        Column("user_id", Sql.TEXT, "Principal: user or group ID it runs as"),
        Column("run_level", Sql.TEXT, "RunLevel of the principal"),
        Column("action", Sql.TEXT, "Exec, ComHandler, SendEmail, ShowMessage; NULL: no action"),
        Column("command", Sql.TEXT, "Program of an Exec"),
        Column("arguments", Sql.TEXT, "Its arguments"),
        Column("working_directory", Sql.TEXT, "Its working directory"),
        Column("class_id", Sql.TEXT, "CLSID of a ComHandler"),
        Column("triggers", Sql.TEXT, "Kinds of triggers, joined by |, in order"),
        Column("enabled", Sql.BOOL, "Settings/Enabled; true where not said"),
        Column("hidden", Sql.BOOL, "Settings/Hidden; false where not said"),
        Column("action_number", Sql.I64, "Number of the action in the file, from 1; 0: none"),
        Column(
            "line_number",
            Sql.I64,
            "Line of the action (of the task, where none), from 1; 0: a .job, which has no lines",
        ),
    ),
    address="line_number",
    time="registered_utc",
    moments=(
        Moment(
            "registered_utc",
            "task_registered",
            "concat_ws(' ', task_path, 'runs', coalesce(command, class_id), arguments, 'by ' || author)",
        ),
        Moment(
            "registered_at_utc",
            "task_registered_local",
            f"concat_ws(' ', task_path, 'runs', coalesce(command, class_id), arguments, 'by ' || author, {SAID})",
            joined=in_utc("scheduled_task", "line_number", "registered_local", "registered_at_utc"),
        ),
        Moment(
            "last_run_utc",
            "task_last_run_local",
            f"concat_ws(' ', task_path, 'last run:', coalesce(command, class_id), arguments, {SAID})",
            joined=in_utc("scheduled_task", "line_number", "last_run_local", "last_run_utc"),
        ),
    ),
)
TABLES = (SCHEDULED_TASK,)

_ZONED = re.compile(r"(?:Z|[+-]\d\d:\d\d)$")
_DECLARATION = re.compile(r"<\?xml[^>]*\?>")


def recognise(name: str, head: bytes) -> bool:
    """XML whose first element is a task of its namespace."""
    text = decode_head(head)
    return "<Task" in text and _SPACE in text


def parse(artifact: Artifact) -> Iterator[Batch | Problem]:
    """One row per action; a task without one is one row."""
    problems = Problems()
    return batches(_rows(artifact, problems), problems)


def _rows(artifact: Artifact, problems: Problems) -> Iterator[tuple[Table, Row]]:
    task = _tree(artifact, problems)
    if task is None:
        return
    common = _common(task, artifact, problems)
    actions = [a for a in task.iterfind(f"{{{_SPACE}}}Actions/*") if isinstance(a.tag, str)]
    for number, action in enumerate(actions[:_MAX_ACTIONS], 1):
        yield SCHEDULED_TASK, {**common, **_action(action), "action_number": number}
    if len(actions) > _MAX_ACTIONS:
        problems.add(
            _problem(f"at most {_MAX_ACTIONS} actions", str(len(actions)), "The rest is not read")
        )
    if not actions:
        yield SCHEDULED_TASK, {**common, "action_number": 0, "line_number": task.sourceline}


def _tree(artifact: Artifact, problems: Problems) -> "_Element | None":
    """The task, repaired where the XML is broken; no entity is resolved and nothing is fetched."""
    from lxml import etree  # type: ignore[import-untyped]

    raw = content(artifact, MAX_BYTES)
    if artifact.size > MAX_BYTES:
        problems.add(
            _problem(f"at most {MAX_BYTES} bytes", f"{artifact.size} bytes", "Read up to there")
        )
    name, mark = encoding(raw)
    text = _DECLARATION.sub("", decode(raw[mark:], name), count=1)
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, recover=True, encoding="utf-8"
    )
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        problems.add(_problem("XML", str(error)[:200], "Not read", Severity.ERROR))
        return None
    if parser.error_log:
        first = parser.error_log[0]
        problems.add(
            _problem("well-formed XML", f"line {first.line}: {first.message}"[:200], "Repaired")
        )
    if root is None or root.tag != f"{{{_SPACE}}}Task":
        found = "nothing" if root is None else str(root.tag)[:200]
        problems.add(_problem("an element Task", found, "Not read", Severity.ERROR))
        return None
    return root


def _common(task: "_Element", artifact: Artifact, problems: Problems) -> Row:
    triggers = [
        _local(t) for t in task.iterfind(f"{{{_SPACE}}}Triggers/*") if isinstance(t.tag, str)
    ]
    date = _text(task, "RegistrationInfo/Date")
    utc = None if date is None else zoned_ns(date)
    local = None if date is None or _ZONED.search(date) else time_ns(date)
    if date is not None and utc is None and local is None:
        problems.add(_problem("a date and time", date[:80], "Registration left empty"))
    principal = "Principals/Principal/"
    return {
        "registered_utc": utc,
        "registered_local": local,
        "task_path": _text(task, "RegistrationInfo/URI") or _place(artifact),
        "author": _text(task, "RegistrationInfo/Author"),
        "description": _text(task, "RegistrationInfo/Description"),
        "user_id": _text(task, principal + "UserId") or _text(task, principal + "GroupId"),
        "run_level": _text(task, principal + "RunLevel"),
        "triggers": "|".join(triggers[:100]) or None,
        "enabled": _text(task, "Settings/Enabled") != "false",
        "hidden": _text(task, "Settings/Hidden") == "true",
    }


def _action(action: "_Element") -> Row:
    return {
        "action": _local(action),
        "command": _text(action, "Command"),
        "arguments": _text(action, "Arguments"),
        "working_directory": _text(action, "WorkingDirectory"),
        "class_id": _text(action, "ClassId"),
        "line_number": action.sourceline,
    }


def _text(element: "_Element", path: str) -> str | None:
    spaced = "/".join(f"{{{_SPACE}}}{part}" for part in path.split("/"))
    found = element.findtext(spaced)
    return found.strip()[:_MAX_TEXT] or None if found else None


def _local(element: "_Element") -> str:
    return str(element.tag).rpartition("}")[2]


def _place(artifact: Artifact) -> str:
    """Path below the folder Tasks; the file's name, where the layout does not tell it."""
    path = artifact.windows_path or ""
    at = path.lower().find("\\tasks\\")
    return path[at + 6 :] if at >= 0 else artifact.name


def _problem(
    expected: str, found: str, message: str, severity: Severity = Severity.WARNING
) -> Problem:
    return Problem("task_xml", "whole file", expected, found, message, severity)
