r"""Programs in the SYSTEM hive: activity moderators (BAM, DAM) and the application compatibility cache (ShimCache).

Source of the layouts: published analyses of `bam\State\UserSettings` and of the value `AppCompatCache`.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from parsers.contract import Column, Moment, Sql, Table
from parsers.hives.control_sets import control_sets
from parsers.hives.regf import Hive
from parsers.hives.rows import PROVENANCE, Row, provenance
from parsers.hives.values import Value, utf16

BAM_ENTRY = Table(
    "bam_entry",
    "Programs the activity moderators saw running; none for removable media, shares and console programs, and "
    "entries older than a week go at boot: absence says nothing",
    (
        Column("path", Sql.TEXT, r"Program as stored (\Device\HarddiskVolume3\..., or an app's package name)"),
        Column("user_sid", Sql.TEXT, "SID of the user"),
        Column("last_run_utc", Sql.TIME, "Last time the moderator saw it, UTC"),
        Column("moderator", Sql.TEXT, "bam or dam"),
        Column("control_set", Sql.TEXT, "Control set the key stands in"),
        Column("current", Sql.BOOL, "That control set was the one in use"),
        *PROVENANCE,
    ),
    address="offset",
    time="last_run_utc",
    moments=(
        Moment("last_run_utc", "bam_run", "concat_ws(' ', path, 'last run, user', user_sid)", "current"),
    ),
)  # fmt: skip

SHIMCACHE_ENTRY = Table(
    "shimcache_entry",
    "Programs in the application compatibility cache, written at shutdown; presence is not a run",
    (
        Column("path", Sql.TEXT, "Path as stored, or the fields of a packaged app"),
        Column("file_modified_utc", Sql.TIME, "Modification time of the file when it was seen, UTC; not a time of running"),
        Column("position", Sql.U32, "Place in the cache, 0 = newest"),
        Column("last_word", Sql.U32, "Last four bytes of the entry's data; 1 is read as executed by some tools, not documented"),
        Column("insert_flags", Sql.U32, "Flags of Windows 8 and 8.1 entries; bit 1 is read as executed"),
        Column("format", Sql.TEXT, "windows8, windows8.1 or windows10"),
        Column("entry_offset", Sql.U32, "Byte offset of the entry in the data of the value"),
        Column("control_set", Sql.TEXT, "Control set the key stands in"),
        Column("current", Sql.BOOL, "That control set was the one in use"),
        *PROVENANCE,
    ),
    address="offset",
    time="file_modified_utc",
    moments=(
        Moment(
            "file_modified_utc",
            "shimcache_file_modified",
            "concat_ws(' ', path, 'modified, by the compatibility cache')",
            "current",
        ),
    ),
)  # fmt: skip

MAX_ENTRIES = 16_384
"""Windows keeps 1,024; more is damage or malice."""
CACHE = r"Control\Session Manager\AppCompatCache"
_MODERATORS = (
    ("bam", r"Services\bam\State\UserSettings"),
    ("bam", r"Services\bam\UserSettings"),
    ("dam", r"Services\dam\State\UserSettings"),
    ("dam", r"Services\dam\UserSettings"),
)
_NOT_PROGRAMS = ("version", "sequencenumber")


def bam(hive: Hive) -> Iterator[Row]:
    """One row per program and user."""
    for control_set in control_sets(hive):
        for moderator, path in _MODERATORS:
            top = control_set.key.find(path)
            for user in top.subkeys() if top is not None else ():
                for value in user.values():
                    if value.name.lower() in _NOT_PROGRAMS or len(value.data) < 8:
                        continue
                    yield (
                        BAM_ENTRY,
                        {
                            **provenance(user, value),
                            "path": value.name,
                            "user_sid": user.name,
                            "last_run_utc": value.filetime_ns(),
                            "moderator": moderator,
                            "control_set": control_set.key.name,
                            "current": control_set.current,
                        },
                    )


@dataclass(frozen=True, slots=True)
class _Entry:
    at: int
    path: str
    modified: bytes
    data: bytes
    flags: int | None


def shimcache(hive: Hive) -> Iterator[Row]:
    """One row per entry of the cache."""
    for control_set in control_sets(hive):
        key = control_set.key.find(CACHE)
        value = key.value("AppCompatCache") if key is not None else None
        if key is None or value is None:
            continue
        data = value.data
        form, start = _form(data)
        if form is None:
            value.problem(
                "shimcache_format", "a cache of Windows 8 or later", data[:4].hex(), "the cache was not read"
            )  # fmt: skip
            continue
        for position, entry in enumerate(_entries(data, start, form, value)):
            yield (
                SHIMCACHE_ENTRY,
                {
                    **provenance(key, value),
                    "path": entry.path,
                    "file_modified_utc": value.time(entry.modified),
                    "position": position,
                    "last_word": int.from_bytes(entry.data[-4:], "little") if entry.data else None,
                    "insert_flags": entry.flags,
                    "format": form,
                    "entry_offset": entry.at,
                    "control_set": control_set.key.name,
                    "current": control_set.current,
                },
            )


def _form(data: bytes) -> tuple[str | None, int]:
    """Format and offset of the first entry."""
    first = int.from_bytes(data[:4], "little")
    if first in (0x30, 0x34) and data[first : first + 4] == b"10ts":
        return "windows10", first
    if first == 128 and data[128:132] == b"00ts":
        return "windows8", 128
    if first == 128 and data[128:132] == b"10ts":
        return "windows8.1", 128
    return None, 0


def _entries(data: bytes, start: int, form: str, value: Value) -> Iterator[_Entry]:
    at = start
    for _ in range(MAX_ENTRIES):
        if at + 12 > len(data):
            return
        magic, _, size = struct.unpack_from("<4sII", data, at)
        body = data[at + 12 : at + 12 + size]
        entry = (
            _entry(at, body, form) if magic in (b"10ts", b"00ts") and len(body) == size else None
        )
        if entry is None:
            value.problem(
                "shimcache_entry", "an entry of the cache", f"{magic.hex()} at byte {at} of the data",
                "the rest of the cache was not read",
            )  # fmt: skip
            return
        yield entry
        at += 12 + size


def _entry(at: int, body: bytes, form: str) -> _Entry | None:
    """The fields behind an entry's head: path, flags (Windows 8), time, data."""
    if len(body) < 2:
        return None
    length = int.from_bytes(body[:2], "little")
    path, rest, flags = utf16(body[2 : 2 + length]), body[2 + length :], None
    if form == "windows8.1" and len(rest) >= 2:
        rest = rest[2 + int.from_bytes(rest[:2], "little") :]
    if form != "windows10" and len(rest) >= 8:
        flags, rest = int.from_bytes(rest[:4], "little"), rest[8:]
    if len(rest) < 12:
        return None
    return _Entry(at, path, rest[:8], rest[12 : 12 + int.from_bytes(rest[8:12], "little")], flags)
