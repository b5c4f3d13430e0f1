r"""Files that single programs remember for a user: Adobe Reader and Acrobat, WordPad, Paint, Media Player.

Source of the layouts: published analyses. Adobe writes paths as `/E/docs/a.pdf`, in 8-bit text with a NUL, and a date
as `D:20240106053516+01'00'`.
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from parsers.contract import Column, Moment, Sql, Table
from parsers.hives.keys import Key
from parsers.hives.profiles import POSITION
from parsers.hives.regf import Hive
from parsers.hives.rows import PROVENANCE, Row, provenance
from parsers.hives.tables import USER
from parsers.hives.user_tables import VALUE_NAME
from parsers.hives.values import Value, utf16
from parsers.rows import naive_ns

PROGRAM_RECENT_FILE = Table(
    "program_recent_file",
    "Files that Adobe's readers, WordPad, Paint and Media Player remember as opened by a user",
    (
        USER,
        Column("opened_utc", Sql.TIME, "Last opening by the entry itself, UTC (Adobe's only)"),
        Column("path", Sql.TEXT, "Path of the file; of Adobe's entries turned to Windows' form"),
        Column("path_text", Sql.TEXT, "Path as stored"),
        Column("program", Sql.TEXT, "Program, by the key"),
        POSITION,
        VALUE_NAME,
        *PROVENANCE,
    ),
    address="offset",
    time="opened_utc",
    moments=(
        Moment("opened_utc", "program_file_opened", "concat_ws(' ', path, 'opened in', program, 'by', coalesce(user, 'a user'))"),
    ),
)  # fmt: skip

MAX_ENTRIES = 2_000
_ADOBE = r"Software\Adobe"
_LISTS = (
    ("WordPad", r"Software\Microsoft\Windows\CurrentVersion\Applets\Wordpad\Recent File List"),
    ("Paint", r"Software\Microsoft\Windows\CurrentVersion\Applets\Paint\Recent File List"),
    ("Media Player", r"Software\Microsoft\MediaPlayer\Player\RecentFileList"),
)
_NUMBERED = re.compile(r"File(\d{1,4})", re.IGNORECASE)
_KEY = re.compile(r"c(\d{1,4})", re.IGNORECASE)
_DATE = re.compile(r"D:(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:Z|([+-])(\d\d)'(\d\d)')", re.ASCII)
_DRIVE = re.compile(r"/([A-Za-z])(/.*)", re.DOTALL)


def program_files(hive: Hive) -> Iterator[Row]:
    """One row per entry of each list."""
    for program, path in _LISTS:
        key = hive.find(path)
        for value in (key.values() if key is not None else [])[:MAX_ENTRIES]:
            found = _NUMBERED.fullmatch(value.name)
            number = int(found[1]) if found else None
            if key is None or number is None or not value.text():
                continue
            # WordPad and Paint count from 1, Media Player from 0.
            position = number if program == "Media Player" else max(number - 1, 0)
            yield (
                PROGRAM_RECENT_FILE,
                {
                    **provenance(key, value),
                    "path": value.text(),
                    "path_text": value.text(),
                    "program": program,
                    "mru_position": position,
                    "value_name": value.name,
                },
            )
    yield from _adobe(hive)


def _adobe(hive: Hive) -> Iterator[Row]:
    top = hive.find(_ADOBE)
    for program in top.subkeys() if top is not None else ():
        for version in program.subkeys():
            entries = version.find(r"AVGeneral\cRecentFiles")
            for key in (entries.subkeys() if entries is not None else [])[:MAX_ENTRIES]:
                found = _KEY.fullmatch(key.name)
                value = key.value("tDIText")
                if found is None or value is None:
                    continue
                shown = _text(value)
                yield (
                    PROGRAM_RECENT_FILE,
                    {
                        **provenance(key, value),
                        "opened_utc": _date(key),
                        "path": _windows(shown),
                        "path_text": shown or None,
                        "program": f"{program.name} {version.name}",
                        "mru_position": max(int(found[1]) - 1, 0),
                        "value_name": value.name,
                    },
                )


def _text(value: Value) -> str:
    """8-bit text, or UTF-16 behind its mark, up to the NUL; string values as they are."""
    known = value.text()
    if known is not None:
        return known
    data = value.data
    if data[:2] == b"\xff\xfe":
        return utf16(data[2:]).split("\0", 1)[0]
    return data.split(b"\0", 1)[0].decode("utf-8", "replace")


def _windows(path: str) -> str | None:
    r"""`/E/docs/a.pdf` as `E:\docs\a.pdf`, `//server/x` as `\\server\x`."""
    found = _DRIVE.fullmatch(path)
    if found:
        path = f"{found[1].upper()}:{found[2]}"
    return path.replace("/", "\\") or None


def _date(key: Key) -> int | None:
    """`sDate` in ns since 1970 UTC; a date without its zone gives none."""
    value = key.value("sDate")
    shown = _text(value) if value is not None else ""
    found = _DATE.match(shown)
    if value is None or not shown:
        return None
    try:
        if found is None or not 1678 <= int(found[1]) < 2262:
            raise ValueError
        local = datetime(*(int(part) for part in found.groups()[:6]))  # type: ignore[arg-type]  # noqa: DTZ001
    except ValueError:
        value.problem("adobe_date", "D:YYYYMMDDhhmmss with its zone", shown[:40], "no time given")
        return None
    ahead = timedelta(hours=int(found[8] or 0), minutes=int(found[9] or 0))
    return naive_ns(local + ahead if found[7] == "-" else local - ahead)
