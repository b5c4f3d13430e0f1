r"""Scheduled tasks as the service keeps them in the SOFTWARE hive (`Schedule\TaskCache`): with times of their runs.

A task stays here when its XML file is gone. `DynamicInfo` holds times, `Actions` what is run; a key below `Tree` gives
the task its name, and without its value `SD` the task is shown by no tool. Source of the layouts: published analyses.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from parsers.contract import Column, Moment, Sql, Table
from parsers.hives.keys import Key
from parsers.hives.regf import Hive
from parsers.hives.rows import PROVENANCE, Row, provenance, text
from parsers.hives.values import Value, utf16

TASK_CACHE = Table(
    "task_cache",
    "Scheduled tasks of the registry, one row per action, with the times of registration and last run",
    (
        Column("task_path", Sql.TEXT, "Path of the task"),
        Column("created_utc", Sql.TIME, "Task registered, UTC"),
        Column("last_run_utc", Sql.TIME, "Last start of the task, UTC; NULL: never"),
        Column("last_success_utc", Sql.TIME, "Last successful end, UTC (Windows 10 and later)"),
        Column("last_result", Sql.TEXT, "Result of the last run as 0x and 8 hex digits"),
        Column("action", Sql.TEXT, "Exec, ComHandler, SendEmail, ShowMessage, else the number in hex; NULL: none"),
        Column("command", Sql.TEXT, "Program of an Exec"),
        Column("arguments", Sql.TEXT, "Its arguments"),
        Column("working_directory", Sql.TEXT, "Its working directory"),
        Column("class_id", Sql.TEXT, "CLSID of a ComHandler, lower case"),
        Column("principal", Sql.TEXT, "Context the actions run in, as stored (Author, LocalSystem, ...)"),
        Column("author", Sql.TEXT, "Author as written"),
        Column("source", Sql.TEXT, "Source as written"),
        Column("date_text", Sql.TEXT, "Date as written"),
        Column("is_hidden", Sql.BOOL, "Its key below Tree has no SD: no tool lists it; NULL: it has no such key"),
        Column("task_id", Sql.TEXT, "GUID of the task, lower case"),
        Column("action_number", Sql.U32, "Number of the action, from 1; 0: none"),
        *PROVENANCE,
    ),
    address="offset",
    time="created_utc",
    moments=(
        Moment("created_utc", "task_cache_registered", "concat_ws(' ', task_path, 'runs', coalesce(command, class_id), arguments)"),
        Moment("last_run_utc", "task_cache_last_run", "concat_ws(' ', task_path, 'last run;', coalesce(command, class_id), arguments)"),
    ),
)  # fmt: skip

CACHE = r"Microsoft\Windows NT\CurrentVersion\Schedule\TaskCache"
MAX_TASKS = 20_000
MAX_ACTIONS = 100
MAX_DEPTH = 64
_EXEC, _COM, _MAIL, _MESSAGE = 0x6666, 0x7777, 0x8888, 0x9999
_MAX_TEXT = 65_536


@dataclass(frozen=True, slots=True)
class _Action:
    kind: str
    command: str | None = None
    arguments: str | None = None
    directory: str | None = None
    class_id: str | None = None


class _Cut(ValueError):
    """The data end inside a field, or say what cannot be."""


def task_cache(hive: Hive) -> Iterator[Row]:
    """One row per action; a task without one is one row."""
    top = hive.find(rf"{CACHE}\Tasks")
    hidden = _hidden(hive)
    for key in (top.subkeys() if top is not None else [])[:MAX_TASKS]:
        ident = key.name.strip("{}").lower()
        principal, actions = _actions(key.value("Actions"))
        common = {
            **provenance(key),
            **_times(key.value("DynamicInfo")),
            "task_path": text(key, "Path") or text(key, "URI"),
            "principal": principal,
            "author": text(key, "Author"),
            "source": text(key, "Source"),
            "date_text": text(key, "Date"),
            "is_hidden": hidden.get(ident),
            "task_id": ident,
        }
        for number, action in enumerate(actions, 1):
            yield (
                TASK_CACHE,
                {
                    **common,
                    "action": action.kind,
                    "command": action.command,
                    "arguments": action.arguments,
                    "working_directory": action.directory,
                    "class_id": action.class_id,
                    "action_number": number,
                },
            )
        if not actions:
            yield TASK_CACHE, {**common, "action_number": 0}


def _hidden(hive: Hive) -> dict[str, bool]:
    """By task whether its key below Tree lacks the security descriptor."""
    out: dict[str, bool] = {}
    top = hive.find(rf"{CACHE}\Tree")
    waiting: list[tuple[Key, int]] = [] if top is None else [(top, 0)]
    while waiting and len(out) < MAX_TASKS:
        key, depth = waiting.pop()
        if ident := text(key, "Id"):
            out[ident.strip("{}").lower()] = key.value("SD") is None
        if depth < MAX_DEPTH:
            waiting += ((below, depth + 1) for below in key.subkeys())
    return out


def _times(value: Value | None) -> dict[str, object]:
    """Registration, last run, last result and last success of `DynamicInfo` (28 or 36 bytes)."""
    data = b"" if value is None else value.data
    if value is None or len(data) < 28:
        return {}
    return {
        "created_utc": value.time(data[4:12]),
        "last_run_utc": value.time(data[12:20]),
        "last_result": f"0x{int.from_bytes(data[24:28], 'little'):08x}",
        "last_success_utc": value.time(data[28:36]) if len(data) >= 36 else None,
    }


def _actions(value: Value | None) -> tuple[str | None, list[_Action]]:
    if value is None:
        return None, []
    out: list[_Action] = []
    principal: str | None = None
    data = value.data
    try:
        version, at = _u16(data, 0), 2
        if not 1 <= version <= 3:
            raise _Cut(f"version {version}")
        if version > 1:
            principal, at = _text(data, at)
        while at + 2 <= len(data) and len(out) < MAX_ACTIONS:
            action, at = _action(data, at, version)
            out.append(action)
    except _Cut as cut:
        value.problem(
            "task_cache_actions", "a list of actions", str(cut), "the rest of the list was not read"
        )
    return principal, out


def _action(data: bytes, at: int, version: int) -> tuple[_Action, int]:
    kind = _u16(data, at)
    _, at = _text(data, at + 2)
    if kind == _EXEC:
        command, at = _text(data, at)
        arguments, at = _text(data, at)
        directory, at = _text(data, at)
        return _Action("Exec", command, arguments, directory), at + 2 * (version > 2)
    if kind == _COM:
        if at + 16 > len(data):
            raise _Cut(f"end at {len(data)} in a class")
        ident = str(UUID(bytes_le=data[at : at + 16]))
        given, at = _text(data, at + 16)
        return _Action("ComHandler", arguments=given, class_id=ident), at
    if kind == _MESSAGE:
        title, at = _text(data, at)
        body, at = _text(data, at)
        return _Action("ShowMessage", title, body), at
    if kind == _MAIL:
        # Its fields are many and Windows no longer runs it: what follows is not read.
        return _Action("SendEmail"), len(data)
    raise _Cut(f"action {kind:#x} at byte {at}")


def _u16(data: bytes, at: int) -> int:
    if at + 2 > len(data):
        raise _Cut(f"end at {len(data)}")
    return int.from_bytes(data[at : at + 2], "little")


def _text(data: bytes, at: int) -> tuple[str | None, int]:
    """UTF-16 text behind its size in bytes, and the place behind it."""
    if at + 4 > len(data):
        raise _Cut(f"end at {len(data)}")
    (size,) = struct.unpack_from("<I", data, at)
    end = at + 4 + size
    if size > _MAX_TEXT or end > len(data):
        raise _Cut(f"a text of {size} bytes at byte {at}")
    return utf16(data[at + 4 : end]).rstrip("\0") or None, end
