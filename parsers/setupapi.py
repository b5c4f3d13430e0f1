r"""setupapi.dev.log: when Windows installed a device for the first time, in local time.

The log does not name its zone: rows of the timeline take it from the host's SYSTEM hive (`local_time_offset`).

Sections begin `>>>  [what - device]`, `>>>  Section start <local time>` and end `<<<  Section end`,
`<<<  [Exit status: ...]`. A mounted ISO appears as `SCSI\CdRom&Ven_Msft&Prod_Virtual_DVD-ROM`, a
virtual hard disk as `SCSI\Disk&Ven_Msft&Prod_Virtual_Disk`: at the first use of a slot only.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from parsers.contract import Artifact, Batch, Column, Moment, Problem, Severity, Sql, Table
from parsers.evtx.problems import Problems
from parsers.local_time import SAID, in_utc
from parsers.rows import Row, batches
from parsers.text_lines import Line, decode_head, read_lines, time_ns

KIND = "setupapi"
VERSION = 1
LABEL = "setupapi.dev.log"
_MAX_TEXT = 4096

IN_UTC = in_utc("setupapi_install", "offset", "start_local", "start_utc")

SETUPAPI_INSTALL = Table(
    "setupapi_install",
    "Sections of setupapi.dev.log: device installations. Times are local and the log does not name its zone",
    (
        Column("start_local", Sql.TIME, "Start of the section, LOCAL time of the host: no UTC"),
        Column(
            "end_local", Sql.TIME, "End of the section, LOCAL time; NULL: the section has no end"
        ),
        Column("start_local_text", Sql.TEXT, "Start as written"),
        Column("what", Sql.TEXT, "Kind of section: Device Install (Hardware initiated), ..."),
        Column("device_id", Sql.TEXT, "Device instance, hardware ID or INF the section speaks of"),
        Column(
            "virtual_device",
            Sql.TEXT,
            "dvd: drive of a mounted ISO or IMG; disk: of a VHD or VHDX; NULL: neither, by the device's name",
        ),
        Column(
            "attached_image",
            Sql.BOOL,
            "The virtual device has the instance form 2&1f4adffe& of attached images;"
            " false: a Hyper-V guest's own drive, by its form",
        ),
        Column("driver", Sql.TEXT, "INF and section that the device was configured with"),
        Column("command", Sql.TEXT, "Command line that asked for it (cmd:)"),
        Column("exit_status", Sql.TEXT, "Exit status; NULL: the section has no end"),
        Column("boot_local", Sql.TIME, "Boot session it lies in, LOCAL time"),
        Column("os_version", Sql.TEXT, "OS Version of the log's header"),
        Column("line_number", Sql.I64, "Line of the section's head, from 1"),
        Column("offset", Sql.I64, "Byte offset of that line"),
    ),
    address="offset",
    moments=(
        Moment(
            "start_utc",
            "device_installed",
            f"concat_ws(' ', what, device_id, {SAID})",
            joined=IN_UTC,
        ),
    ),
)

TABLES = (SETUPAPI_INSTALL,)

_NAME = re.compile(r".*setupapi\.(?:dev|upgrade|setup|offline)\S*\.log", re.IGNORECASE | re.DOTALL)
_HEAD = re.compile(r">>>  \[(.*)\]\s*")
_VIRTUAL = re.compile(
    r"SCSI\\(?:(CdRom)&Ven_Msft&Prod_Virtual_DVD|(Disk)&Ven_Msft&Prod_Virtual_Disk)[^\\]*\\?(.*)",
    re.IGNORECASE | re.DOTALL,
)
_SLOT = re.compile(r"2&1f4adffe&", re.IGNORECASE)
_DRIVER = re.compile(r"Configuring device \(([^)]*)\)")


def recognise(name: str, head: bytes) -> bool:
    """By its first words, or by name and the marks of sections."""
    text = decode_head(head)
    started = text.lstrip().startswith("[Device Install Log]")
    return started or (
        _NAME.fullmatch(name) is not None and (">>>  [" in text or "[BeginLog]" in text)
    )


def parse(artifact: Artifact) -> Iterator[Batch | Problem]:
    """One row per section."""
    problems = Problems()
    problems.add(
        Problem(
            "setupapi_local_time",
            "whole file",
            "a time zone",
            "none in the log",
            "Its times are local: they stand in columns without _utc, and in the timeline only if the host's SYSTEM hive"
            " tells the zone (table local_time_offset)",
            Severity.INFO,
        )
    )
    return batches(_rows(artifact, problems), problems)


@dataclass(slots=True)
class _Section:
    head: Line
    row: Row = field(default_factory=dict)


def _rows(artifact: Artifact, problems: Problems) -> Iterator[tuple[Table, Row]]:
    section: _Section | None = None
    context: Row = {}
    for line in read_lines(artifact, problems):
        text = line.text
        if head := _HEAD.fullmatch(text):
            if section is not None:
                yield _unclosed(section, problems)
            section = _Section(line, {**context, **_head(head[1]), **_place(line)})
        elif text.startswith("[Boot Session:"):
            context["boot_local"] = time_ns(text)
        elif section is None:
            key, _, value = text.partition("=")
            if key.strip() == "OS Version":
                context["os_version"] = value.strip()[:_MAX_TEXT]
        elif text.startswith("<<<  [Exit status:"):
            section.row["exit_status"] = text[18:].strip(" ]")[:_MAX_TEXT]
            yield SETUPAPI_INSTALL, section.row
            section = None
        else:
            _body(section, line, problems)
    if section is not None:
        yield _unclosed(section, problems)


def _place(line: Line) -> Row:
    return {"line_number": line.number, "offset": line.offset}


def _head(inside: str) -> Row:
    what, dash, device = inside[:_MAX_TEXT].partition(" - ")
    row: Row = {"what": what.strip(), "device_id": device.strip() if dash else None}
    if found := _VIRTUAL.search(device):
        row["virtual_device"] = "dvd" if found[1] else "disk"
        row["attached_image"] = _SLOT.match(found[3]) is not None if found[3] else None
    return row


def _body(section: _Section, line: Line, problems: Problems) -> None:
    text, row = line.text, section.row
    if text.startswith(">>>  Section start"):
        row["start_local_text"] = text[18:].strip()[:_MAX_TEXT]
        row["start_local"] = _time(line, text[18:], problems)
    elif text.startswith("<<<  Section end"):
        row["end_local"] = _time(line, text[16:], problems)
    elif text.lstrip().startswith("cmd:"):
        row.setdefault("command", text.partition("cmd:")[2].strip()[:_MAX_TEXT])
    elif found := _DRIVER.search(text):
        row.setdefault("driver", found[1][:_MAX_TEXT])


def _time(line: Line, text: str, problems: Problems) -> int | None:
    ns = time_ns(text)
    if ns is None:
        problems.add(
            Problem(
                "setupapi_time",
                f"line {line.number}",
                "a date and time",
                text.strip()[:80] or "nothing",
                "Left empty",
            )
        )
    return ns


def _unclosed(section: _Section, problems: Problems) -> tuple[Table, Row]:
    problems.add(
        Problem(
            "setupapi_unclosed",
            f"line {section.head.number}",
            "<<<  [Exit status: ...]",
            "another section or the end of the file",
            "The section is kept without an end",
        )
    )
    return SETUPAPI_INSTALL, section.row
