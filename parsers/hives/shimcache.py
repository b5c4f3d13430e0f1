r"""The application compatibility cache (ShimCache) of the SYSTEM hive, Windows XP to 11.

Source of the layouts: published analyses of the value `AppCompatCache`; the formats before Windows 8 are in
`shimcache_old`.
"""

import struct
from collections.abc import Iterator

from parsers.contract import Column, Moment, Sql, Table
from parsers.hives.control_sets import control_sets
from parsers.hives.regf import Hive
from parsers.hives.rows import PROVENANCE, Row, provenance
from parsers.hives.shimcache_old import Entry, Misfit, old_entries, old_format
from parsers.hives.values import Value, utf16

SHIMCACHE_ENTRY = Table(
    "shimcache_entry",
    "Programs in the application compatibility cache, written at shutdown; presence is not a run",
    (
        Column("path", Sql.TEXT, "Path as stored, or the fields of a packaged app"),
        Column("file_modified_utc", Sql.TIME, "Modification time of the file when it was seen, UTC; not a time of running"),
        Column("last_update_utc", Sql.TIME, "Time the entry was last updated, UTC: Windows XP only, read there as the last run"),
        Column("position", Sql.U32, "Place in the cache, 0 = newest (Windows XP: as stored)"),
        Column("last_word", Sql.U32, "Last four bytes of the entry's data; 1 is read as executed by some tools, not documented"),
        Column("insert_flags", Sql.U32, "Flags of Windows 7, 8 and 8.1 entries; bit 1 is read as executed"),
        Column("file_size", Sql.U64, "Size of the file (Windows XP only)"),
        Column("format", Sql.TEXT, "windowsxp, windows2003/vista (two forms that bytes do not tell apart), windows7, windows8, windows8.1 or windows10; with 32 or 64 where the bits of Windows show"),
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
        Moment(
            "last_update_utc",
            "shimcache_updated",
            "concat_ws(' ', path, 'last update of its entry in the compatibility cache of Windows XP')",
            "current",
        ),
    ),
)  # fmt: skip

MAX_ENTRIES = 16_384
"""Windows keeps 1,024; more is damage or malice."""
_KEYS = (
    r"Control\Session Manager\AppCompatCache",
    r"Control\Session Manager\AppCompatibility",
)
"""Since Vista, and before."""


def shimcache(hive: Hive) -> Iterator[Row]:
    """One row per entry of the cache."""
    for control_set in control_sets(hive):
        for path in _KEYS:
            key = control_set.key.find(path)
            value = key.value("AppCompatCache") if key is not None else None
            if key is None or value is None:
                continue
            common = {
                **provenance(key, value),
                "control_set": control_set.key.name,
                "current": control_set.current,
            }
            for row in _rows(value):
                yield SHIMCACHE_ENTRY, {**common, **row}


def _rows(value: Value) -> Iterator[dict[str, object]]:
    data = value.data
    old = old_format(data)
    form, start = (old, 0) if old is not None else _form(data)
    if form is None:
        value.problem(
            "shimcache_format", "a cache of a known Windows", data[:4].hex(), "the cache was not read"
        )  # fmt: skip
        return
    found = old_entries(data, form, MAX_ENTRIES) if old else _entries(data, start, form)
    for position, entry in enumerate(found):
        if isinstance(entry, Misfit):
            value.problem("shimcache_entry", "an entry of the cache", entry.found, entry.effect)
            continue
        yield {
            "path": entry.path,
            "file_modified_utc": value.time(entry.modified),
            "last_update_utc": value.time(entry.updated) if entry.updated else None,
            "position": position,
            "last_word": int.from_bytes(entry.data[-4:], "little") if entry.data else None,
            "insert_flags": entry.flags,
            "file_size": entry.size,
            "format": form,
            "entry_offset": entry.at,
        }


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


def _entries(data: bytes, start: int, form: str) -> Iterator[Entry | Misfit]:
    at = start
    for _ in range(MAX_ENTRIES):
        if at + 12 > len(data):
            return
        magic, _, size = struct.unpack_from("<4sII", data, at)
        body = data[at + 12 : at + 12 + size]
        entry = (
            _entry(at, body, form) if magic in (b"10ts", b"00ts") and len(body) == size else None
        )
        if entry is None and any(data[at:]):  # zeros fill the value's room
            yield Misfit(
                f"{magic.hex()} at byte {at} of the data", "the rest of the cache was not read"
            )
        if entry is None:
            return
        yield entry
        at += 12 + size


def _entry(at: int, body: bytes, form: str) -> Entry | None:
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
    return Entry(
        at, path, rest[:8], data=rest[12 : 12 + int.from_bytes(rest[8:12], "little")], flags=flags
    )
