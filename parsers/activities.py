r"""ActivitiesCache.db, the Windows timeline (Windows 10 1803 and later): programs and files a user worked with, and when.

A SQLite database (`AppData\Local\ConnectedDevicesPlatform\<account>`); times are Unix seconds, UTC. Source of the
schema: published analyses. `contentUri` may carry the GUID of the file's volume.
"""

import json
import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote
from uuid import UUID

from parsers.browser.sqlite import Database, Keyed, is_sqlite, number, read, text
from parsers.contract import Artifact, Batch, Column, Moment, Problem, Sql, Table
from parsers.evtx.problems import Problems
from parsers.hives.profiles import profile_name
from parsers.rows import Row, batches, epoch_ns

KIND = "windows_timeline"
VERSION = 1
LABEL = "Windows timeline"
BESIDE = (r"{name}-wal", r"{name}-journal")
MAX_JSON = 1 << 20
_WHAT = "concat_ws(' ', coalesce(content_path, content_uri, app), CASE WHEN content_uri IS NOT NULL THEN 'in ' || app END, {said})"

TIMELINE_ACTIVITY = Table(
    "timeline_activity",
    "Activities of the Windows timeline: files opened and programs in use",
    (
        Column("user", Sql.TEXT, "User whose profile the file lies in; NULL: its path is not known"),
        Column("start_utc", Sql.TIME, "StartTime, UTC, to the second"),
        Column("end_utc", Sql.TIME, "EndTime, UTC; NULL: none noted"),
        Column("last_modified_utc", Sql.TIME, "LastModifiedTime of the record, UTC"),
        Column("expiration_utc", Sql.TIME, "ExpirationTime: when Windows drops the record, UTC"),
        Column("app", Sql.TEXT, "Program: its path where one is given (a folder may stand as GUID), else its id"),
        Column("app_platform", Sql.TEXT, "Platform that this name is of (windows_win32, x_exe_path, packageId, ...)"),
        Column("activity", Sql.TEXT, "opened (5), in_use (6), notification (2), clipboard (10), copy_paste (16), system (11, 12, 15), else the number"),
        Column("content_uri", Sql.TEXT, "Address of the content (file:, https:), as stored"),
        Column("content_path", Sql.TEXT, "Path of a file that the description names, else the one of a file: address, %XX decoded"),
        Column("content_volume_guid", Sql.TEXT, "VolumeId of the address, lower case, without braces"),
        Column("display_text", Sql.TEXT, "Text shown: mostly the file's name"),
        Column("app_display_name", Sql.TEXT, "Name of the program as shown"),
        Column("description", Sql.TEXT, "Description: mostly the file's path"),
        Column("active_seconds", Sql.I64, "activeDurationSeconds of the record"),
        Column("activity_id", Sql.TEXT, "Id of the activity, lower case; its bytes in the order they are stored"),
        Column("device_id", Sql.TEXT, "PlatformDeviceId: the device it happened on, which may be another one of the account"),
        Column("local_only", Sql.BOOL, "IsLocalOnly: not shared with other devices"),
        Column("payload", Sql.TEXT, "Payload (JSON), at most 32,767 characters"),
        Column("origin", Sql.TEXT, "database; wal: from the write-ahead log; database_before_wal: the log replaced or removed it"),
        Column("database_table", Sql.TEXT, "Activity, or ActivityOperation: changes on their way to the account, deleted ones among them"),
        Column("row_id", Sql.I64, "Row number in that table"),
    ),
    address="row_id",
    time="start_utc",
    moments=(
        Moment(
            "start_utc",
            "timeline_activity",
            _WHAT.format(said="replace(activity, '_', ' ')"),
            "origin <> 'database_before_wal'",
        ),
    ),
)  # fmt: skip
TABLES = (TIMELINE_ACTIVITY,)

_NAME = re.compile(r".*ActivitiesCache\.db", re.IGNORECASE | re.DOTALL)
_ACTIVITIES = {
    2: "notification", 5: "opened", 6: "in_use", 10: "clipboard", 11: "system", 12: "system", 15: "system",
    16: "copy_paste",
}  # fmt: skip
_PLATFORMS = ("windows_win32", "x_exe_path", "windows_universal", "packageid", "")
"""Names of a program, the most telling first."""
_WANTED = (
    "Id", "AppId", "ActivityType", "LastModifiedTime", "ExpirationTime", "StartTime", "EndTime", "Payload",
    "PlatformDeviceId", "IsLocalOnly",
)  # fmt: skip
_TABLES = ("Activity", "ActivityOperation")
_MAX_TEXT = 32_767
_LOCAL = re.compile(r"(?:[A-Za-z]:\\|\\\\).+", re.DOTALL)
_VOLUME = re.compile(r"[?&]VolumeId=(?:\{|%7B)?([0-9a-f-]{36})", re.IGNORECASE)


def recognise(name: str, head: bytes) -> bool:
    """A SQLite database by that name, or with the timeline's tables in its head."""
    if not is_sqlite(head):
        return False
    return _NAME.fullmatch(name) is not None or b"ActivityOperation" in head


def parse(artifact: Artifact) -> Iterator[Batch | Problem]:
    """One row per activity, with the write-ahead log applied."""
    problems = Problems()
    return batches(_rows(artifact, problems), problems)


def _rows(artifact: Artifact, problems: Problems) -> Iterator[tuple[Table, Row]]:
    user = profile_name(artifact.windows_path)
    for table, row_id, origin, row in read(artifact, _extract, problems):
        place: Row = {"origin": origin, "database_table": table, "row_id": row_id, "user": user}
        yield TIMELINE_ACTIVITY, {**_activity(row, f"{table} row {row_id}", problems), **place}


def _extract(database: Database) -> Iterator[Keyed]:
    database.require("Activity")
    for table in _TABLES:
        for key, row in database.rows(table, _WANTED):
            yield table, key, row


def _activity(row: Mapping[str, object], place: str, problems: Problems) -> Row:
    app, platform = _app(row.get("AppId"))
    raw = _plain(row.get("Payload"))
    payload = _object(raw)
    kind = number(row.get("ActivityType"))
    uri = text(payload.get("contentUri"))
    volume = _VOLUME.search(uri or "")
    local = number(row.get("IsLocalOnly"))
    described = text(payload.get("description"))
    out: Row = {
        "app": app,
        "app_platform": platform,
        "activity": None if kind is None else _ACTIVITIES.get(kind, str(kind)),
        "content_uri": uri,
        "content_path": _path(described, uri),
        "content_volume_guid": volume[1].lower() if volume else None,
        "display_text": text(payload.get("displayText")),
        "app_display_name": text(payload.get("appDisplayName")),
        "description": described,
        "active_seconds": number(payload.get("activeDurationSeconds")),
        "activity_id": _guid(row.get("Id")),
        "device_id": text(row.get("PlatformDeviceId")),
        "local_only": None if local is None else local != 0,
        "payload": raw[:_MAX_TEXT] or None,
    }
    for ours, theirs in (
        ("start_utc", "StartTime"),
        ("end_utc", "EndTime"),
        ("last_modified_utc", "LastModifiedTime"),
        ("expiration_utc", "ExpirationTime"),
    ):
        out[ours] = _time(row.get(theirs), theirs, place, problems)
    return out


def _app(value: object) -> tuple[str | None, str | None]:
    """The program's name that tells most, and the platform it is of."""
    try:
        listed = json.loads(_plain(value)) if value else []
    except (ValueError, RecursionError):
        return text(value), None
    named = [
        (text(one.get("application")), text(one.get("platform")) or "")
        for one in (listed if isinstance(listed, list) else [])
        if isinstance(one, dict) and text(one.get("application"))
    ]
    named.sort(key=lambda pair: _rank(pair[1]))
    return named[0] if named else (None, None)


def _rank(platform: str) -> int:
    low = platform.lower()
    return _PLATFORMS.index(low) if low in _PLATFORMS else len(_PLATFORMS)


def _plain(value: object) -> str:
    """Text of a column that may be text or bytes."""
    if isinstance(value, bytes):
        return value[:MAX_JSON].decode("utf-8", "replace").rstrip("\0")
    return value[:MAX_JSON] if isinstance(value, str) else ""


def _object(raw: str) -> dict[str, object]:
    """A JSON object; empty where it is none (payloads of the clipboard are)."""
    try:
        found = json.loads(raw) if raw.lstrip().startswith("{") else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _path(described: str | None, uri: str | None) -> str | None:
    if described and _LOCAL.fullmatch(described):
        return described
    if uri and uri.lower().startswith("file:"):
        return unquote(uri[5:].split("?", 1)[0]).lstrip("/").replace("/", "\\") or None
    return None


def _guid(value: object) -> str | None:
    if isinstance(value, bytes) and len(value) == 16:
        return str(UUID(bytes=value))
    shown = text(value)
    return shown.strip("{}").lower() if shown else None


def _time(value: object, name: str, place: str, problems: Problems) -> int | None:
    seconds = number(value)
    if not seconds:
        return None
    ns = epoch_ns(seconds, 10**9)
    if ns is None:
        problems.add(
            Problem(
                "timeline_time", place, f"{name} between 1677 and 2262", str(seconds), "Left empty"
            )
        )
    return ns
