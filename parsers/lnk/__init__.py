"""Shortcuts (`.lnk`): what they start, on which volume the target was, and its times (MS-SHLLINK)."""

import re
from collections.abc import Iterator

from parsers.contract import Artifact, Batch, Column, Moment, Problem, Severity, Sql, Table
from parsers.evtx.problems import Problems
from parsers.lnk.model import Lnk
from parsers.lnk.reader import MAGIC, parse_lnk
from parsers.lnk.rows import TARGET, TIMES, target_row
from parsers.rows import Row, batches, content

__all__ = ["KIND", "LABEL", "TABLES", "VERSION", "Lnk", "parse", "parse_lnk", "recognise"]

KIND = "lnk"
VERSION = 1
LABEL = "LNK"

MAX_BYTES = 16 << 20
"""Bytes that are read of one shortcut; what follows is padding or cargo and is told."""

_SUMMARY = "concat(coalesce(lnk_path, 'shortcut'), ' -> ', target_path, ' ' || arguments, {})"

LNK = Table(
    "lnk",
    "Shortcuts: target, arguments, volume and machine",
    (
        Column("lnk_path", Sql.TEXT, "Path of the shortcut on Windows, else its name"),
        *TIMES,
        *TARGET,
        Column(
            "is_recent",
            Sql.BOOL,
            "Whether it lies in a user's folder Recent; NULL: its path on Windows is not known",
        ),
        Column("trailing_bytes", Sql.I64, "Bytes behind the end of the shortcut: hidden cargo"),
        Column("offset", Sql.I64, "Byte offset of the shortcut in its source: 0"),
    ),
    address="offset",
    time="target_modified_utc",
    moments=(
        Moment("target_created_utc", "lnk_target_created", _SUMMARY.format("': target created'")),
        Moment(
            "target_modified_utc", "lnk_target_modified", _SUMMARY.format("': target modified'")
        ),
        Moment(
            "target_accessed_utc", "lnk_target_accessed", _SUMMARY.format("': target accessed'")
        ),
    ),
)
TABLES = (LNK,)

_RECENT = re.compile(
    r".*\\(?:Microsoft\\(?:Windows|Office)|Documents and Settings\\[^\\]+)\\Recent\\[^\\]+",
    re.IGNORECASE | re.DOTALL,
)
"""Explorer's folder since Vista, Office's, and that of XP and Server 2003."""


def recognise(name: str, head: bytes) -> bool:
    """The head of a shortcut, under any name."""
    return head.startswith(MAGIC)


def parse(artifact: Artifact) -> Iterator[Batch | Problem]:
    """One row."""
    problems = Problems()
    return batches(_rows(artifact, problems), problems)


def _rows(artifact: Artifact, problems: Problems) -> Iterator[tuple[Table, Row]]:
    data = content(artifact, MAX_BYTES)
    lnk = parse_lnk(data)
    if lnk is None:
        problems.add(
            Problem(
                "lnk_head",
                "offset 0",
                MAGIC.hex(),
                data[:20].hex() or "nothing",
                "No shortcut",
                Severity.ERROR,
            )
        )
        return
    report_troubles(lnk, problems, "offset {}")

    def late(column: str, filetime: int) -> None:
        report_time(column, filetime, "offset 28", problems)

    row = target_row(lnk, late)
    row["lnk_path"] = artifact.windows_path or artifact.name
    row["is_recent"] = (
        None if artifact.windows_path is None else bool(_RECENT.fullmatch(artifact.windows_path))
    )
    row["trailing_bytes"] = artifact.size - lnk.end
    row["offset"] = 0
    yield LNK, row


def report_troubles(lnk: Lnk, problems: Problems, place: str) -> None:
    """Hand a shortcut's troubles on; `place` has a hole for the offset inside the shortcut."""
    for t in lnk.troubles:
        problems.add(
            Problem(
                t.code,
                place.format(t.offset),
                t.expected,
                t.found,
                "Read as far as it can be; the rest stands",
                Severity.ERROR,
            )
        )


def report_time(column: str, filetime: int, place: str, problems: Problems) -> None:
    """Tell of a time that is out of range."""
    problems.add(
        Problem("lnk_time", place, f"{column} up to 2262", f"{filetime:#x}", "Time left empty")
    )
