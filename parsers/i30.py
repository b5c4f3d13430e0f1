"""$I30 streams: the names a folder's index holds, and those that deleted entries left in its slack.

An index page keeps the bytes behind its last entry; entries of deleted or moved files stay there
until others grow over them. Source of the layout: linux-ntfs documentation (index record, index
entry), MS-FSCC 2.4 for the attribute flags.
"""

import re
import struct
from collections.abc import Iterator

from parsers.contract import Artifact, Batch, Column, Moment, Problem, Sql, Table
from parsers.evtx.problems import Problems
from parsers.i30_pages import (
    Entry,
    Page,
    live_entries,
    name_class,
    read_pages,
    slack_entries,
)
from parsers.rows import BATCH_ROWS, Row, batches, filetime_ns
from parsers.usnjrnl.tables import ATTRIBUTES, spell

KIND = "i30"
VERSION = 1
LABEL = "$I30"
DIRECTORY = 0x1000_0000

_TIMES = ("created_utc", "modified_utc", "mft_changed_utc", "accessed_utc")
_DELETED = "concat(name, ': {} (entry left in the slack of its folder''s index)')"

I30_ENTRY = Table(
    "i30_entry",
    "Entries of folders' indexes ($I30) and of their slack; in each batch images and links come first",
    (
        *(
            Column(
                time,
                Sql.TIME,
                f"$FILE_NAME of the entry, {time[:-4].replace('_', ' ')}, UTC, 100 ns",
            )
            for time in _TIMES
        ),
        Column("name", Sql.TEXT, "Name of the file or folder"),
        Column("name_class", Sql.TEXT, "image or link by the name's extension; NULL: neither"),
        Column("is_directory", Sql.BOOL, "It is a folder"),
        Column(
            "in_slack",
            Sql.BOOL,
            "Found behind the last entry of its page: deleted, moved or a stale copy",
        ),
        Column("size_bytes", Sql.U64, "Size of the file when the entry was written"),
        Column("allocated_bytes", Sql.U64, "Allocated size then"),
        Column(
            "file_attributes", Sql.TEXT, "FILE_ATTRIBUTE_* flags without the prefix, joined by |"
        ),
        Column("namespace", Sql.U8, "0 POSIX, 1 Win32, 2 DOS (8.3), 3 Win32 and DOS"),
        Column("record", Sql.U64, "Record number of the file; NULL: overwritten in slack"),
        Column("sequence", Sql.U16, "Sequence number of that record"),
        Column("parent_record", Sql.U64, "Record number of the folder; NULL: overwritten in slack"),
        Column("parent_sequence", Sql.U16, "Sequence number of that record"),
        Column("page_vcn", Sql.U64, "Number of the index page by its own header"),
        Column(
            "offset",
            Sql.I64,
            "Byte offset of the entry in the stream; of its $FILE_NAME, where slack has lost the entry's head",
        ),
    ),
    address="offset",
    moments=(
        Moment(
            "created_utc",
            "i30_slack_created",
            _DELETED.format("created"),
            "in_slack AND namespace <> 2",
        ),
        Moment(
            "modified_utc",
            "i30_slack_modified",
            _DELETED.format("modified"),
            "in_slack AND namespace <> 2 AND modified_utc IS DISTINCT FROM created_utc",
        ),
    ),
)
"""Entries outside the slack repeat the $MFT: they give no rows of the timeline."""

TABLES = (I30_ENTRY,)

_NAME = re.compile(r"(?:.*[^a-z0-9])?i30(?:[^a-z0-9].*)?", re.IGNORECASE | re.DOTALL)
_MARK = b"INDX"


def recognise(name: str, head: bytes) -> bool:
    """An index page with file names: by its first entry, or by the stream's name and a page's mark."""
    if _NAME.fullmatch(name) is not None and any(
        head[at : at + 4] == _MARK for at in range(0, len(head), 4096)
    ):
        return True
    if head[:4] != _MARK or len(head) < 4096:
        return False
    first = 24 + struct.unpack_from("<I", head, 24)[0]
    if first + 82 > 4096:
        return False
    content, name_units = struct.unpack_from("<H", head, first + 10)[0], head[first + 80]
    return bool(content == 66 + 2 * name_units and head[first + 81] <= 3)


def parse(artifact: Artifact) -> Iterator[Batch | Problem]:
    """Entries of each page in order, then those of its slack."""
    problems = Problems()
    return batches(_rows(artifact, problems), problems)


def _rows(artifact: Artifact, problems: Problems) -> Iterator[tuple[Table, Row]]:
    waiting: list[Row] = []
    with artifact.open() as stream:
        for page in read_pages(stream, artifact.size, problems):
            waiting += _of_page(page, problems)
            if len(waiting) >= BATCH_ROWS:
                yield from _in_order(waiting)
                waiting = []
    yield from _in_order(waiting)


def _in_order(rows: list[Row]) -> Iterator[tuple[Table, Row]]:
    """Images and links first, else as found."""
    for row in sorted(rows, key=lambda row: row["name_class"] is None):
        yield I30_ENTRY, row


def _of_page(page: Page, problems: Problems) -> Iterator[Row]:
    for entry in live_entries(page, problems):
        yield _row(entry, page, False, problems)
    for entry in slack_entries(page):
        yield _row(entry, page, True, problems)


def _row(entry: Entry, page: Page, in_slack: bool, problems: Problems) -> Row:
    row: Row = {
        "name": entry.name,
        "name_class": name_class(entry.name),
        "is_directory": bool(entry.flags & DIRECTORY),
        "in_slack": in_slack,
        "size_bytes": entry.size,
        "allocated_bytes": entry.allocated,
        "file_attributes": spell(entry.flags & 0xFFFFFFF, ATTRIBUTES),
        "namespace": entry.namespace,
        "record": None if entry.reference is None else entry.reference & 0xFFFF_FFFF_FFFF,
        "sequence": None if entry.reference is None else entry.reference >> 48,
        "parent_record": None if entry.parent is None else entry.parent & 0xFFFF_FFFF_FFFF,
        "parent_sequence": None if entry.parent is None else entry.parent >> 48,
        "page_vcn": page.vcn,
        "offset": page.offset + entry.at,
    }
    for name, raw in zip(_TIMES, entry.times, strict=True):
        row[name] = filetime_ns(raw)
        if raw and row[name] is None:
            problems.add(
                Problem(
                    "i30_time",
                    f"offset {page.offset + entry.at}",
                    "a FILETIME between 1677 and 2262",
                    str(raw),
                    f"{name} left empty",
                )
            )
    return row
