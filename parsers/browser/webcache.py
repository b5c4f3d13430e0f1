r"""WebCacheV01.dat: history, downloads and cached files of Internet Explorer, old Edge and all that uses WinINet.

An ESE database (`AppData\Local\Microsoft\Windows\WebCache`). Its table Containers says what each table Container_n
holds. Opened local files stand in the history too, with `file:` addresses. Source of the layout: published analyses.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from parsers import ese
from parsers.browser.tables import BROWSER_DOWNLOAD, BROWSER_VISIT, TABLES
from parsers.contract import Artifact, Batch, Problem, Table
from parsers.ese import MAGIC, Database, integer, text
from parsers.ese_logs import BESIDE
from parsers.evtx.problems import Problems
from parsers.rows import FILETIME_OF_1970, Row, batches, epoch_ns

__all__ = ["BESIDE", "KIND", "LABEL", "TABLES", "VERSION", "parse", "recognise"]

KIND = "browser_webcache"
VERSION = 2
LABEL = "WebCache"
MAX_CONTAINERS = 2_000
_NAME = re.compile(r".*WebCacheV\d+\.dat", re.IGNORECASE | re.DOTALL)
_COLUMNS = (
    "EntryId", "AccessedTime", "CreationTime", "ModifiedTime", "AccessCount", "FileSize", "Url", "Filename",
    "ResponseHeaders",
)  # fmt: skip
_HISTORY = re.compile(r"(?:Visited|:\d{16}): (?:(?P<user>[^@]*)@)?(?P<url>.+)", re.DOTALL)
"""`Visited: user@address` and, of a day or week, `:2024010120240102: user@address`."""
_DOWNLOAD_TEXTS = 5
"""Referrer, type, temporary path, address, path: the last texts of a download's headers."""


@dataclass(frozen=True, slots=True)
class _Container:
    table: str
    name: str


def recognise(name: str, head: bytes) -> bool:
    """An ESE database by the name WebCacheV01.dat: other ESE databases look alike."""
    return head[4:8] == MAGIC and _NAME.fullmatch(name) is not None


def parse(artifact: Artifact) -> Iterator[Batch | Problem]:
    """Downloads, visits and cached addresses."""
    problems = Problems()
    return batches(_rows(artifact, problems), problems)


def _rows(artifact: Artifact, problems: Problems) -> Iterator[tuple[Table, Row]]:
    with ese.opened(artifact, problems, rows_taken=True) as database:
        if database is None:
            return
        containers = list(_containers(database))
        if not containers:
            problems.add(ese.unread("containers of history, downloads or content", "none"))
        logged = database.log_rows({container.table: _COLUMNS for container in containers})
        for container in containers:
            entries: set[int | None] = set()
            for number, values in database.rows(container.table, _COLUMNS):
                entries.add(integer(values.get("EntryId")))
                made = _entry(container, values, f"{container.table} record {number}", problems)
                if made is not None:
                    table, row = made
                    yield table, {**row, **_place(container, values, number)}
            for one in logged[container.table]:
                entry = integer(one.values.get("EntryId"))
                made = (
                    None if entry in entries else _entry(container, one.values, one.place, problems)
                )
                entries.add(entry)
                if made is not None and entry is not None:
                    table, row = made
                    yield table, {**row, **_log_place(container, one, entry)}


def _containers(database: Database) -> Iterator[_Container]:
    """Containers of downloads, history and content; others (cookies, storage) hold no addresses of files."""
    there = set(database.tables())
    for count, (_, values) in enumerate(database.rows("Containers", ("ContainerId", "Name"))):
        number, name = integer(values.get("ContainerId")), text(values.get("Name")) or ""
        table = f"Container_{number}"
        if count >= MAX_CONTAINERS:
            return
        if table in there and name.lower().startswith(
            ("iedownload", "history", "mshist", "content")
        ):
            yield _Container(table, name)


def _place(container: _Container, values: dict[str, bytes], number: int) -> Row:
    entry = integer(values.get("EntryId"))
    return {
        "browser": "webcache",
        "origin": "database",
        "database_table": f"{container.table} ({container.name})",
        "row_id": number if entry is None else entry,
    }


def _log_place(container: _Container, one: ese.FromLog, entry: int) -> Row:
    return {
        "browser": "webcache",
        "origin": one.origin,
        "database_table": f"{container.table} ({container.name}), {one.place}",
        "row_id": entry,
    }


def _entry(
    container: _Container, values: dict[str, bytes], place: str, problems: Problems
) -> tuple[Table, Row] | None:
    times = {
        name: _time(values, name, place, problems) for name in ("AccessedTime", "CreationTime")
    }
    url = text(values.get("Url"))
    if container.name.lower().startswith("iedownload"):
        return BROWSER_DOWNLOAD, _download(values, times["AccessedTime"], place, problems)
    if url is None:
        return None
    if container.name.lower().startswith("content"):
        return BROWSER_VISIT, {
            "visited_utc": times["AccessedTime"],
            "url": url,
            "title": text(values.get("Filename")),
            "transition": "cached",
            "visit_count": integer(values.get("AccessCount")),
        }
    found = _HISTORY.fullmatch(url)
    return BROWSER_VISIT, {
        "visited_utc": times["AccessedTime"],
        "url": found["url"] if found else url,
        "user_name": (found["user"] or None) if found else None,
        "visit_count": integer(values.get("AccessCount")),
    }


def _download(values: dict[str, bytes], at: int | None, place: str, problems: Problems) -> Row:
    raw = values.get("ResponseHeaders", b"")
    texts = raw[: len(raw) & ~1].decode("utf-16-le", "replace").rstrip("\0").split("\0")
    row: Row = {"start_utc": at}
    if len(texts) < _DOWNLOAD_TEXTS:
        problems.add(
            Problem(
                "webcache_download",
                place,
                f"{_DOWNLOAD_TEXTS} texts in its headers",
                f"{len(texts)} in {len(raw)} bytes",
                "The row is kept with its time only",
            )
        )
        return row
    referrer, kind, temporary, url, path = texts[-_DOWNLOAD_TEXTS:]
    return {
        **row,
        "referrer_url": referrer if "://" in referrer else None,
        "mime_type": kind or None,
        "current_path": temporary or None,
        "url": url or None,
        "target_path": path or None,
    }


def _time(values: dict[str, bytes], name: str, place: str, problems: Problems) -> int | None:
    """Ns since 1970 of a FILETIME; 0 is none."""
    filetime = integer(values.get(name))
    if not filetime:
        return None
    ns = epoch_ns(filetime, 100, FILETIME_OF_1970)
    if ns is None:
        problems.add(
            Problem(
                "browser_time", place, f"{name} between 1677 and 2262", str(filetime), "Left empty"
            )
        )
    return ns
