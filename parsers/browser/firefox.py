"""Firefox's places.sqlite: visits, and downloads as annotations of their URL.

Times are microseconds since 1970 UTC, in a download's JSON milliseconds. Source of the names:
`toolkit/components/places` and `DownloadHistory` of Firefox.
"""

import json
import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote

from parsers.browser.chromium import word
from parsers.browser.sqlite import Database, Keyed, is_sqlite, number, read, text
from parsers.browser.tables import BROWSER_DOWNLOAD, BROWSER_VISIT, TABLES
from parsers.contract import Artifact, Batch, Problem, Table
from parsers.evtx.problems import Problems
from parsers.rows import Row, batches, epoch_ns

KIND = "browser_firefox"
VERSION = 1
LABEL = "Firefox history"
BESIDE = (r"{name}-wal", r"{name}-journal")

STATES = {
    1: "complete",
    2: "failed",
    3: "cancelled",
    4: "paused",
    6: "blocked_parental",
    8: "blocked_reputation",
}
VISIT_TYPES = dict(
    enumerate(
        "link typed bookmark embed redirect_permanent redirect_temporary download framed_link"
        " reload".split(),
        1,
    )
)
DESTINATION, META = "downloads/destinationFileURI", "downloads/metaData"
_DOWNLOAD_VISIT = 7
_NAME = re.compile(r".*places.*", re.IGNORECASE | re.DOTALL)
_MAX_JSON = 1 << 16


def recognise(name: str, head: bytes) -> bool:
    """A SQLite database with Firefox's tables in its head, or named places."""
    return is_sqlite(head) and (b"moz_" in head or _NAME.fullmatch(name) is not None)


def parse(artifact: Artifact) -> Iterator[Batch | Problem]:
    """Downloads and visits, with the write-ahead log applied."""
    problems = Problems()
    return batches(_rows(artifact, problems), problems)


def _rows(artifact: Artifact, problems: Problems) -> Iterator[tuple[Table, Row]]:
    for table, row_id, origin, row in read(artifact, _extract, problems):
        place = {"origin": origin, "database_table": table, "row_id": row_id, "browser": "firefox"}
        if table == "moz_annos":
            yield BROWSER_DOWNLOAD, {**_download(row, problems, row_id), **place}
        else:
            yield BROWSER_VISIT, {**_visit(row), **place}


def _extract(database: Database) -> Iterator[Keyed]:
    database.require("moz_historyvisits", "moz_annos")
    places = dict(database.rows("moz_places", ("url", "title", "visit_count")))
    pages = {
        n: _id(row, "place_id") for n, row in database.rows("moz_historyvisits", ("place_id",))
    }
    columns = ("from_visit", "place_id", "visit_date", "visit_type")
    referrers: dict[int, object] = {}
    for key, row in database.rows("moz_historyvisits", columns):
        place = _id(row, "place_id")
        came_from = places.get(pages.get(_id(row, "from_visit"), 0), {}).get("url")
        yield "moz_historyvisits", key, {**row, **places.get(place, {}), "from_url": came_from}
        if row.get("visit_type") == _DOWNLOAD_VISIT:
            referrers[place] = came_from
    yield from _downloads(database, places, referrers)


def _downloads(
    database: Database, places: Mapping[int, Row], referrers: Mapping[int, object]
) -> Iterator[Keyed]:
    """Annotations that name a target, each with the JSON of the same URL."""
    names = {n: row.get("name") for n, row in database.rows("moz_anno_attributes", ("name",))}
    metas: dict[int, object] = {}
    targets: list[tuple[int, Row]] = []
    columns = ("place_id", "anno_attribute_id", "content", "dateAdded")
    for key, anno in database.rows("moz_annos", columns):
        name = names.get(_id(anno, "anno_attribute_id"))
        if name == META:
            metas[_id(anno, "place_id")] = anno.get("content")
        elif name == DESTINATION:
            targets.append((key, anno))
    for key, anno in targets:
        place = _id(anno, "place_id")
        yield (
            "moz_annos",
            key,
            {
                "target": anno.get("content"),
                "added": anno.get("dateAdded"),
                "url": places.get(place, {}).get("url"),
                "meta": metas.get(place),
                "referrer": referrers.get(place),
            },
        )


def _id(row: Row, name: str) -> int:
    """A reference to another table's row; 0: none."""
    return number(row.get(name)) or 0


def _download(row: Mapping[str, object], problems: Problems, row_id: int) -> Row:
    meta = _meta(row.get("meta"), problems, row_id)
    added, end = number(row.get("added")), number(meta.get("endTime"))
    target = text(row.get("target"))
    path = None if target is None else windows_path(target)
    return {
        "start_utc": epoch_ns(added, 1000) if added else None,
        "end_utc": epoch_ns(end, 10**6) if end else None,
        "target_path": path,
        "current_path": path,
        "url": text(row.get("url")),
        "url_chain": text(row.get("url")),
        "referrer_url": text(row.get("referrer")),
        "received_bytes": number(meta.get("fileSize")),
        "total_bytes": number(meta.get("fileSize")),
        "state": word(meta.get("state"), STATES),
        "danger": text(meta.get("reputationCheckVerdict")),
    }


def _meta(raw: object, problems: Problems, row_id: int) -> dict[str, object]:
    if not isinstance(raw, str) or len(raw) > _MAX_JSON:
        return {}
    try:
        made = json.loads(raw)
    except (ValueError, RecursionError):
        problems.add(
            Problem("browser_json", f"moz_annos row {row_id}", "JSON", raw[:80], "No state, no end")
        )
        return {}
    return made if isinstance(made, dict) else {}


def windows_path(uri: str) -> str:
    """The path of a `file:` URI; any other text as it is."""
    if not uri.lower().startswith("file://"):
        return uri
    path = unquote(uri[7:], errors="replace")
    if re.match(r"/[A-Za-z]:", path):
        return path[1:].replace("/", "\\")
    return path if path.startswith("/") else "\\\\" + path.replace("/", "\\")


def _visit(row: Mapping[str, object]) -> Row:
    visited = number(row.get("visit_date"))
    return {
        "visited_utc": epoch_ns(visited, 1000) if visited else None,
        "url": text(row.get("url")),
        "title": text(row.get("title")),
        "transition": word(row.get("visit_type"), VISIT_TYPES),
        "from_url": text(row.get("from_url")),
        "visit_count": number(row.get("visit_count")),
    }


__all__ = ["KIND", "TABLES", "VERSION", "parse", "recognise"]
