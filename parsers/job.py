r"""Scheduled jobs (`Windows\Tasks\*.job`) of Windows XP to 7 and of old programs: what runs, as whom, and its last run.

Source of the format: MS-TSCH 2.4. The last run is local time.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from parsers.contract import Artifact, Batch, Problem, Severity, Table
from parsers.evtx.problems import Problems
from parsers.rows import Row, batches, content, naive_ns
from parsers.task import SCHEDULED_TASK

KIND = "scheduled_job"
VERSION = 1
LABEL = "Scheduled job"
TABLES = (SCHEDULED_TASK,)
MAX_BYTES = 1 << 20

_NAME = re.compile(r".+\.job", re.IGNORECASE | re.DOTALL)
_FIXED = struct.Struct("<HH16sHHHHHHIIIII8H")
_PRODUCTS = range(0x0400, 0x0B00)
_DISABLED, _HIDDEN = 0x4, 0x200
_TRIGGERS = ("once", "daily", "weekly", "monthly", "monthly by day", "idle", "start", "logon")
_TRIGGER_BYTES, _TRIGGER_KIND_AT = 48, 32
_MAX_TRIGGERS = 48


def recognise(name: str, head: bytes) -> bool:
    """By name, version of Windows, file version 1 and the place of the program's name."""
    if _NAME.fullmatch(name) is None or len(head) < _FIXED.size:
        return False
    product, version, _, app_at = _FIXED.unpack_from(head)[:4]
    return product in _PRODUCTS and version == 1 and app_at >= _FIXED.size


def parse(artifact: Artifact) -> Iterator[Batch | Problem]:
    """One row."""
    problems = Problems()
    return batches(_rows(artifact, problems), problems)


@dataclass(slots=True)
class _Reader:
    data: bytes
    at: int
    cut: bool = False

    def number(self) -> int:
        if self.at + 2 > len(self.data):
            self.cut = True
            return 0
        self.at += 2
        return int.from_bytes(self.data[self.at - 2 : self.at], "little")

    def text(self) -> str | None:
        """UTF-16 behind its count of characters, NUL included."""
        size = 2 * self.number()
        self.cut |= self.at + size > len(self.data)
        raw = self.data[self.at : self.at + size]
        self.at += size
        return raw.decode("utf-16-le", "replace").rstrip("\0") or None


def _rows(artifact: Artifact, problems: Problems) -> Iterator[tuple[Table, Row]]:
    data = content(artifact, MAX_BYTES)
    if len(data) < _FIXED.size:
        problems.add(_problem("offset 0", f"{_FIXED.size} bytes", str(len(data))))
        return
    fields = _FIXED.unpack_from(data)
    reader = _Reader(data, _FIXED.size)
    reader.number()
    row: Row = {
        "task_path": artifact.name,
        "action": "Exec",
        "command": reader.text(),
        "arguments": reader.text(),
        "working_directory": reader.text(),
        "author": reader.text(),
        "description": reader.text(),
        "last_run_local": _local(fields[14:22], problems),
        "enabled": not fields[13] & _DISABLED,
        "hidden": bool(fields[13] & _HIDDEN),
        "action_number": 1,
        "line_number": 0,
    }
    for _ in ("user data", "reserved data"):
        size = reader.number()
        reader.at += size
    row["triggers"] = "|".join(_triggers(reader)) or None
    if reader.cut:
        problems.add(
            _problem(f"offset {len(data)}", "the job's texts and triggers", "the end of the file")
        )
    yield SCHEDULED_TASK, row


def _triggers(reader: _Reader) -> Iterator[str]:
    for _ in range(min(reader.number(), _MAX_TRIGGERS)):
        place = reader.at + _TRIGGER_KIND_AT
        if reader.at + _TRIGGER_BYTES > len(reader.data):
            reader.cut = True
            return
        kind = int.from_bytes(reader.data[place : place + 4], "little")
        yield _TRIGGERS[kind] if kind < len(_TRIGGERS) else str(kind)
        reader.at += _TRIGGER_BYTES


def _local(parts: tuple[int, ...], problems: Problems) -> int | None:
    """Ns of a SYSTEMTIME as if it were UTC; all zeros: never run."""
    year, month, _, day, hour, minute, second, milli = parts
    if not any(parts):
        return None
    try:
        if not 1678 <= year < 2262:
            raise ValueError
        moment = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 (local time)
    except ValueError:
        problems.add(_problem("offset 52", "a time", str(parts)))
        return None
    return naive_ns(moment, min(milli, 999) * 1_000_000)


def _problem(place: str, expected: str, found: str) -> Problem:
    return Problem("job", place, expected, found, "What can be read is given", Severity.ERROR)
