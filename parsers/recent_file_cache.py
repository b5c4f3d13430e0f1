r"""RecentFileCache.bcf of Windows 7: programs that were new to the host, until a daily task moved them on.

Head of 20 bytes; then for each the count of characters and the path in UTF-16LE with its NUL. It holds no times.
Source: published analyses.
"""

import re
import struct
from collections.abc import Iterator

from parsers.contract import Artifact, Batch, Column, Problem, Severity, Sql, Table
from parsers.evtx.problems import Problems
from parsers.rows import Row, batches, content

KIND = "recent_file_cache"
VERSION = 1
LABEL = "RecentFileCache"
MAX_BYTES = 16 << 20
MAX_CHARACTERS = 32_767

RECENT_FILE = Table(
    "recent_file",
    "Programs of Windows 7's RecentFileCache.bcf: new to the host within about the last day; presence is not a run",
    (
        Column("path", Sql.TEXT, "Path of the program, as stored"),
        Column("position", Sql.U32, "Place in the file, from 0"),
        Column("offset", Sql.I64, "Byte offset of the entry"),
    ),
    address="offset",
)
"""No moments: the file keeps no time."""
TABLES = (RECENT_FILE,)

_NAME = re.compile(r".*RecentFileCache\.bcf", re.IGNORECASE | re.DOTALL)
_MAGIC = bytes.fromhex("feffeeff112200000300000001000000")
_HEAD = 20


def recognise(name: str, head: bytes) -> bool:
    """The first eight bytes, or the name with its first four."""
    return head.startswith(_MAGIC[:8]) or (
        _NAME.fullmatch(name) is not None and head.startswith(_MAGIC[:4])
    )


def parse(artifact: Artifact) -> Iterator[Batch | Problem]:
    """One row per program."""
    problems = Problems()
    return batches(_rows(artifact, problems), problems)


def _rows(artifact: Artifact, problems: Problems) -> Iterator[tuple[Table, Row]]:
    data = content(artifact, MAX_BYTES)
    if artifact.size > MAX_BYTES:
        problems.add(_problem("whole file", f"at most {MAX_BYTES} bytes", str(artifact.size)))
    at = _HEAD
    position = 0
    while at + 4 <= len(data):
        (length,) = struct.unpack_from("<I", data, at)
        end = at + 4 + 2 * length
        if not 0 < length <= MAX_CHARACTERS or end > len(data):
            problems.add(_problem(f"offset {at}", "a path with its length", f"{length} characters"))
            return
        path = data[at + 4 : end].decode("utf-16-le", "replace").rstrip("\0")
        yield RECENT_FILE, {"path": path or None, "position": position, "offset": at}
        # The NUL is not counted.
        at = end + 2 * (data[end : end + 2] == b"\0\0")
        position += 1
    if at < len(data):
        problems.add(_problem(f"offset {at}", "a path with its length", f"{len(data) - at} bytes"))


def _problem(place: str, expected: str, found: str) -> Problem:
    return Problem(
        "recent_file_cache", place, expected, found, "The rest is not read", Severity.ERROR
    )
