r"""The `$I` files of `$Recycle.Bin\<SID>`: where a deleted file was, when it was deleted, its size.

Version 1 (Vista to 8.1): 544 bytes, the path in a field of 520; version 2 (10 and 11): a counted
path. Head: u64 version, u64 size, FILETIME.
"""

import re
from collections.abc import Callable, Iterator

from parsers.contract import Artifact, Batch, Column, Moment, Problem, Severity, Sql, Table
from parsers.evtx.problems import Problems
from parsers.rows import Row, batches, content, filetime_ns

KIND = "recycle_bin"
VERSION = 1
LABEL = "Recycle Bin"

RECYCLE_BIN_ITEM = Table(
    "recycle_bin_item",
    "Deleted files and folders in the Recycle Bin",
    (
        Column("deleted_utc", Sql.TIME, "Deleted, UTC"),
        Column("original_path", Sql.TEXT, "Path before"),
        Column("size", Sql.U64, "Size in bytes; of a folder the sum"),
        Column("sid", Sql.TEXT, "User who deleted it: the folder of the bin; NULL: not known"),
        Column(
            "content_name", Sql.TEXT, "Name of the file beside it that holds the content: $R..."
        ),
        Column("format_version", Sql.U8, "1 Vista to 8.1, 2 Windows 10 and 11"),
        Column("is_whole", Sql.BOOL, "False: cut or odd, read as far as it goes"),
        Column("index_path", Sql.TEXT, "Path of the $I file on Windows, else its name"),
        Column("offset", Sql.I64, "Byte offset of the record in the $I file: 0"),
    ),
    address="offset",
    time="deleted_utc",
    moments=(
        Moment(
            "deleted_utc",
            "recycle_bin_delete",
            "concat(original_path, ' moved to the Recycle Bin', ' by ' || sid)",
        ),
    ),
)
TABLES = (RECYCLE_BIN_ITEM,)

_NAME = re.compile(r"(?:.*[\\/])?\$I([^\\/]*)", re.IGNORECASE | re.DOTALL)
_SID = re.compile(r"\\\$Recycle\.Bin\\(S-1-[0-9-]+)\\", re.IGNORECASE)
_HEAD, _FIXED_PATH, _COUNT_AT, _COUNTED_PATH = 24, 520, 24, 28
_MAX_PATH_BYTES = 2 * 32_768
_MAX_BYTES = _COUNTED_PATH + _MAX_PATH_BYTES + 4096


def recognise(name: str, head: bytes) -> bool:
    """The name `$I...`, a version of the format, and the size that goes with it."""
    if _NAME.fullmatch(name) is None or len(head) < _HEAD:
        return False
    version = int.from_bytes(head[:8], "little")
    if version == 1:
        return len(head) <= _HEAD + _FIXED_PATH
    if version != 2 or len(head) < _COUNTED_PATH:
        return False
    return 0 < int.from_bytes(head[_COUNT_AT:_COUNTED_PATH], "little") <= _MAX_PATH_BYTES // 2


def parse(artifact: Artifact) -> Iterator[Batch | Problem]:
    """One row."""
    problems = Problems()
    return batches(_rows(artifact, problems), problems)


def _rows(artifact: Artifact, problems: Problems) -> Iterator[tuple[Table, Row]]:
    whole = True

    def report(code: str, place: str, expected: str, found: str) -> None:
        nonlocal whole
        whole = False
        text = "Read as far as it goes"
        problems.add(Problem(code, place, expected, found, text, Severity.ERROR))

    data = content(artifact, _MAX_BYTES)
    version = int.from_bytes(data[:8], "little")
    if len(data) < _HEAD or version not in (1, 2):
        report(
            "recycle_head",
            "offset 0",
            "version 1 or 2 and 24 bytes",
            data[:_HEAD].hex() or "nothing",
        )
        return
    filetime = int.from_bytes(data[16:24], "little")
    deleted = filetime_ns(filetime)
    if deleted is None:
        report("recycle_time", "offset 16", "a FILETIME up to 2262", f"{filetime:#x}")
    path = _path(data, version, report)
    where = artifact.windows_path or artifact.name
    sid, name = _SID.search(where), _NAME.fullmatch(artifact.name)
    yield (
        RECYCLE_BIN_ITEM,
        {
            "deleted_utc": deleted,
            "original_path": path or None,
            "size": int.from_bytes(data[8:16], "little"),
            "sid": sid[1].upper() if sid else None,
            "content_name": f"$R{name[1]}" if name else None,
            "format_version": version,
            "is_whole": whole,
            "index_path": where,
            "offset": 0,
        },
    )


def _path(data: bytes, version: int, report: Callable[[str, str, str, str], None]) -> str:
    start, size = _HEAD, _FIXED_PATH
    if version == 2:
        start, size = _COUNTED_PATH, 2 * int.from_bytes(data[_COUNT_AT:_COUNTED_PATH], "little")
        if size > _MAX_PATH_BYTES:
            report("recycle_path", f"offset {_COUNT_AT}", f"at most {_MAX_PATH_BYTES}", str(size))
            size = _MAX_PATH_BYTES
    if start + size > len(data):
        report("recycle_path", f"offset {start}", f"{size} bytes", str(max(0, len(data) - start)))
    raw = data[start : start + size]
    text = raw[: len(raw) & ~1].decode("utf-16-le", "replace")
    path, _, rest = text.partition("\0")
    if version == 2 and rest.strip("\0"):
        report(
            "recycle_path",
            f"offset {start}",
            "a path up to its NUL",
            f"{len(rest)} characters behind",
        )
    return path
