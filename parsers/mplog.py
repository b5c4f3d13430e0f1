r"""Microsoft Defender's MPLog-*.log: what the engine saw, with paths, processes and threats.

Lines begin with UTC times (`...Z`); blocks such as a resource scan have none, or local ones, which
stay text. A volume that has just appeared shows as `[Mini-filter] First scan on a volume` and
`OnMountDetection`. Forms of the lines: real logs, and Microsoft's text on performance entries.
"""

import re
from collections.abc import Iterator

from parsers import mplog_blocks, mplog_forms
from parsers.contract import Artifact, Batch, Column, Moment, Problem, Sql, Table
from parsers.evtx.problems import Problems
from parsers.mplog_blocks import Blocks
from parsers.mplog_forms import MAX_TEXT, rows_of
from parsers.rows import Row, batches
from parsers.text_lines import decode_head, read_lines, zoned_ns

KIND = "defender_mplog"
VERSION = 1
LABEL = "MPLog"

_LINE = (
    "concat_ws(' ', replace(kind, '_', ' '), path, 'by ' || process, command_line,"
    " '[' || threat || ']', action)"
)
_KINDS = ", ".join((*mplog_forms.KINDS, *mplog_blocks.KINDS))

MPLOG_LINE = Table(
    "mplog_line",
    "Lines and blocks of Microsoft Defender's MPLog that name a file, a process or a volume",
    (
        Column("time_utc", Sql.TIME, "Time of the line, UTC; NULL: it has none"),
        Column("kind", Sql.TEXT, f"{_KINDS}; path_mention: another line with a path"),
        Column("path", Sql.TEXT, "File or volume as written; A->B: B inside of A"),
        Column("process", Sql.TEXT, "Image of the process, path or name as written"),
        Column("command_line", Sql.TEXT, "Command line that the engine reported"),
        Column(
            "threat",
            Sql.TEXT,
            "Name of the threat; the engine's word of a verdict, match or command line;"
            " of original_file_name: that name",
        ),
        Column("action", Sql.TEXT, "What was done about the threat"),
        Column("schema", Sql.TEXT, "Kind of resource: file, containerfile, webfile, process, ..."),
        Column("pid", Sql.I64, "Process ID"),
        Column("process_start_utc", Sql.TIME, "Start of that process, UTC"),
        Column("sha1", Sql.TEXT, "SHA-1 of the file, upper-case hex"),
        Column("sha256", Sql.TEXT, "SHA-256 of the file, upper-case hex"),
        Column(
            "local_time_text", Sql.TEXT, "Time of a block as written: LOCAL, zone not in the log"
        ),
        Column(
            "text",
            Sql.TEXT,
            f"The line, or what else the block says; at most {MAX_TEXT} characters;"
            " of a line with several rows: in the first",
        ),
        Column(
            "line_number", Sql.I64, "Line, from 1 (of a block: the line that completes the row)"
        ),
        Column("offset", Sql.I64, "Byte offset of that line"),
    ),
    address="offset",
    time="time_utc",
    moments=(
        Moment("time_utc", "defender_log", _LINE, "kind <> 'path_mention'"),
        Moment(
            "process_start_utc",
            "defender_process_start",
            "concat_ws(' ', process, 'started, pid ' || pid)",
        ),
    ),
)
TABLES = (MPLOG_LINE,)

_NAME = re.compile(r".*mplog-.*\.log", re.IGNORECASE | re.DOTALL)
_STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d))\s+", re.ASCII)


def recognise(name: str, head: bytes) -> bool:
    """By name, or by the words of its head."""
    text = decode_head(head[:8192])
    return _NAME.fullmatch(name) is not None or (
        "Antivirus (77BDAF73-B396-481F-9042-AD358843EC24) Service Log" in text
    )


def parse(artifact: Artifact) -> Iterator[Batch | Problem]:
    """Rows in the log's order."""
    problems = Problems()
    return batches(_rows(artifact, problems), problems)


def _rows(artifact: Artifact, problems: Problems) -> Iterator[tuple[Table, Row]]:
    blocks = Blocks()
    for line in read_lines(artifact, problems):
        found = _STAMP.match(line.text)
        body = (line.text[found.end() :] if found else line.text).strip("\0 \t")
        place: Row = {"line_number": line.number, "offset": line.offset}
        if found is None and (row := blocks.take(body)) is not None:
            if row:
                yield MPLOG_LINE, {**row, **place}
            continue
        if found is not None:
            place["time_utc"] = zoned_ns(found[1])
            if place["time_utc"] is None:
                problems.add(
                    Problem("mplog_time", f"line {line.number}", "a date", found[1], "Left empty")
                )
        for number, row in enumerate(rows_of(body)):
            text = body[:MAX_TEXT] if number == 0 else None
            yield MPLOG_LINE, {**row, **place, "text": text}
