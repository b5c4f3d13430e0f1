"""PSReadLine's ConsoleHost_history.txt: commands typed at PowerShell's prompt, oldest first, without times.

A command of several lines has a backtick at the end of each line but its last.
"""

import re
from collections.abc import Iterator

from parsers.contract import Artifact, Batch, Column, Problem, Sql, Table
from parsers.evtx.problems import Problems
from parsers.rows import Row, batches
from parsers.text_lines import Line, read_lines

KIND = "psreadline"
VERSION = 1
LABEL = "PowerShell history"
_MAX_LINES = 1000

POWERSHELL_HISTORY = Table(
    "powershell_history",
    "Commands typed at PowerShell's prompt; the file holds no times",
    (
        Column(
            "line_number", Sql.I64, "Line where the command starts, from 1: the order of typing"
        ),
        Column("command", Sql.TEXT, "The command; its lines are joined by line feeds"),
        Column("profile_user", Sql.TEXT, "Folder below Users that the file lies in; NULL: unknown"),
        Column("offset", Sql.I64, "Byte offset of that line"),
    ),
    address="offset",
)
TABLES = (POWERSHELL_HISTORY,)

_NAME = re.compile(r".*host_history\.txt", re.IGNORECASE | re.DOTALL)
_USER = re.compile(r"(?:[A-Za-z]:)?\\Users\\([^\\]+)\\", re.IGNORECASE)


def recognise(name: str, head: bytes) -> bool:
    """By name only (`<host>_history.txt`): commands are any text."""
    return _NAME.fullmatch(name) is not None and bool(head)


def parse(artifact: Artifact) -> Iterator[Batch | Problem]:
    """One row per command."""
    problems = Problems()
    return batches(_rows(artifact, problems), problems)


def _rows(artifact: Artifact, problems: Problems) -> Iterator[tuple[Table, Row]]:
    found = _USER.match(artifact.windows_path or "")
    user = found[1] if found else None
    lines: list[Line] = []
    for line in read_lines(artifact, problems):
        if not lines and not line.text.strip("\0 "):
            continue
        lines.append(line)
        if not line.text.endswith("`") or len(lines) >= _MAX_LINES:
            yield POWERSHELL_HISTORY, _row(lines, user)
            lines = []
    if lines:
        yield POWERSHELL_HISTORY, _row(lines, user)


def _row(lines: list[Line], user: str | None) -> Row:
    *first, last = [line.text for line in lines]
    return {
        "line_number": lines[0].number,
        "command": "\n".join((*(text.removesuffix("`") for text in first), last)),
        "profile_user": user,
        "offset": lines[0].offset,
    }
