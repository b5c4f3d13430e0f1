"""The History database of Chrome, Edge and other browsers made from Chromium.

Times are microseconds since 1601 UTC; only the oldest schema (full_path, url) has Unix seconds.
Source of names and numbers: `history/core/browser` and `download_danger_type` of Chromium.
"""

import re
from collections.abc import Iterator, Mapping

from parsers.browser.sqlite import Database, Keyed, is_sqlite, number, read, text
from parsers.browser.tables import BROWSER_DOWNLOAD, BROWSER_VISIT, TABLES
from parsers.contract import Artifact, Batch, Problem, Table
from parsers.evtx.problems import Problems
from parsers.rows import FILETIME_OF_1970, Row, batches, epoch_ns

KIND = "browser_chromium"
VERSION = 1
LABEL = "Chromium history"
BESIDE = (r"{name}-wal", r"{name}-journal")

STATES = {0: "in_progress", 1: "complete", 2: "cancelled", 3: "interrupted", 4: "interrupted"}
DANGERS = dict(
    enumerate(
        "not_dangerous dangerous_file dangerous_url dangerous_content maybe_dangerous_content"
        " uncommon_content user_validated dangerous_host potentially_unwanted allowlisted_by_policy"
        " async_scanning blocked_password_protected blocked_too_large sensitive_content_warning"
        " sensitive_content_block deep_scanned_safe deep_scanned_opened_dangerous"
        " prompt_for_scanning blocked_unsupported_filetype".split()
    )
)
TRANSITIONS = dict(
    enumerate(
        "link typed auto_bookmark auto_subframe manual_subframe generated auto_toplevel form_submit"
        " reload keyword keyword_generated".split()
    )
)
_DOWNLOAD = (
    "id current_path target_path full_path url start_time end_time received_bytes total_bytes state"
    " danger_type interrupt_reason hash opened last_access_time referrer tab_url tab_referrer_url"
    " by_ext_id by_ext_name mime_type original_mime_type"
).split()
_NAME = re.compile(r".*history.*", re.IGNORECASE | re.DOTALL)
_OTHERS = (b"moz_", b"history_items")


def recognise(name: str, head: bytes) -> bool:
    """A SQLite database with Chromium's tables in its head, or named History."""
    if not is_sqlite(head):
        return False
    inside = b"downloads_url_chains" in head or b"keyword_search_terms" in head
    named = _NAME.fullmatch(name) is not None and not any(word in head for word in _OTHERS)
    return inside or named


def parse(artifact: Artifact) -> Iterator[Batch | Problem]:
    """Downloads and visits, with the write-ahead log applied."""
    problems = Problems()
    return batches(_rows(artifact, problems), problems)


def _rows(artifact: Artifact, problems: Problems) -> Iterator[tuple[Table, Row]]:
    tables = {"downloads": BROWSER_DOWNLOAD, "visits": BROWSER_VISIT}
    bad = _BadTimes(problems)
    for table, row_id, origin, row in read(artifact, _extract, problems):
        place = {"origin": origin, "database_table": table, "row_id": row_id, "browser": "chromium"}
        made = _download(row, bad, row_id) if table == "downloads" else _visit(row, bad, row_id)
        yield tables[table], {**made, **place}


def _extract(database: Database) -> Iterator[Keyed]:
    database.require("visits", "downloads")
    chains: dict[object, list[tuple[int, str]]] = {}
    for _, row in database.rows("downloads_url_chains", ("id", "chain_index", "url")):
        place, url = number(row.get("chain_index")), text(row.get("url"))
        if url is not None:
            chains.setdefault(row.get("id"), []).append((place or 0, url))
    for key, row in database.rows("downloads", _DOWNLOAD):
        yield "downloads", key, {**row, "chain": [url for _, url in sorted(chains.get(key, []))]}
    urls = dict(database.rows("urls", ("url", "title", "visit_count")))
    pages = {n: number(row.get("url")) for n, row in database.rows("visits", ("url",))}
    for key, row in database.rows("visits", ("url", "visit_time", "from_visit", "transition")):
        page = urls.get(number(row.get("url")) or 0, {})
        came_from = urls.get(pages.get(number(row.get("from_visit")) or 0) or 0, {})
        yield (
            "visits",
            key,
            {"url": None, **_without_url(row), **page, "from_url": came_from.get("url")},
        )


def _without_url(row: Row) -> Row:
    """A visit's own columns: its `url` is the number of a row of urls."""
    return {name: value for name, value in row.items() if name != "url"}


class _BadTimes:
    """Turns a browser's times into ns, and notes those that are none."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems

    def micros(self, value: object, place: str) -> int | None:
        """Microseconds since 1601; 0 is no time."""
        raw = number(value)
        if not raw:
            return None
        ns = epoch_ns(raw, 1000, FILETIME_OF_1970 // 10)
        if ns is None:
            self._problems.add(
                Problem(
                    "browser_time", place, "a time between 1677 and 2262", str(raw), "Left empty"
                )
            )
        return ns


def _download(row: Mapping[str, object], bad: _BadTimes, row_id: int) -> Row:
    place = f"downloads row {row_id}"
    chain = row.get("chain")
    urls = [str(u) for u in chain] if isinstance(chain, list) and chain else []
    if not urls and text(row.get("url")):
        urls = [str(row["url"])]
    ancient = "full_path" in row
    start = number(row.get("start_time"))
    digest = row.get("hash")
    opened = number(row.get("opened"))
    return {
        "start_utc": epoch_ns(start, 10**9) if ancient and start else bad.micros(start, place),
        "end_utc": bad.micros(row.get("end_time"), place),
        "target_path": text(row.get("target_path")) or text(row.get("full_path")),
        "current_path": text(row.get("current_path")) or text(row.get("full_path")),
        "url": urls[-1] if urls else None,
        "url_chain": "\n".join(urls) or None,
        "referrer_url": text(row.get("referrer")),
        "tab_url": text(row.get("tab_url")),
        "tab_referrer_url": text(row.get("tab_referrer_url")),
        "mime_type": text(row.get("mime_type")) or text(row.get("original_mime_type")),
        "received_bytes": number(row.get("received_bytes")),
        "total_bytes": number(row.get("total_bytes")),
        "state": word(row.get("state"), STATES),
        "danger": word(row.get("danger_type"), DANGERS),
        "interrupt_reason": number(row.get("interrupt_reason")),
        "opened": None if opened is None else opened != 0,
        "last_access_utc": bad.micros(row.get("last_access_time"), place),
        "extension": text(row.get("by_ext_name")) or text(row.get("by_ext_id")),
        "sha256": digest.hex().upper() if isinstance(digest, bytes) and len(digest) == 32 else None,
    }


def _visit(row: Mapping[str, object], bad: _BadTimes, row_id: int) -> Row:
    transition = number(row.get("transition"))
    return {
        "visited_utc": bad.micros(row.get("visit_time"), f"visits row {row_id}"),
        "url": text(row.get("url")),
        "title": text(row.get("title")),
        "transition": None if transition is None else word(transition & 0xFF, TRANSITIONS),
        "from_url": text(row.get("from_url")),
        "visit_count": number(row.get("visit_count")),
    }


def word(value: object, words: Mapping[int, str]) -> str | None:
    """The word of a number; the number itself as text where it has none."""
    known = number(value)
    return None if known is None else words.get(known, str(known))


__all__ = ["KIND", "TABLES", "VERSION", "parse", "recognise", "word"]
