"""Values that findings of weight support and that can be looked for elsewhere."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address

import duckdb

from forensic_iso.story import Row, Story, rows, stories

WEIGHTY = ("medium", "high", "critical")
"""Severities whose findings give indicators: less is no ground to look for a value elsewhere."""

ACT_TYPES = {
    "file_create": "file-path",
    "image_delete": "",
    "child_process": "",
}

IN_IMAGE = "in the image: "

CONTENTS = """
WITH named AS (
    SELECT finding_id, host, lower(image_path) AS image FROM finding
    UNION SELECT finding_id, host, lower(image_path) FROM finding_part
)
SELECT n.finding_id, i.path, i.md5, i.sha1, i.sha256, s.sha256 AS image_sha256
FROM named n
JOIN source s ON s.host = n.host AND lower(s.windows_path) = n.image
LEFT JOIN image_content i ON i.source_id = s.source_id AND i.sha256 IS NOT NULL
ORDER BY n.finding_id, i.path, i.record_offset, s.source_id
"""


@dataclass(frozen=True, slots=True)
class Found:
    """An indicator and the row that supports it. `value` is the raw value, not defanged."""

    type: str
    value: str
    severity: str
    finding_id: str
    host: str
    time: datetime | None
    basis: str


def indicators(
    con: duckdb.DuckDBPyConnection, told: list[Story] | None = None
) -> tuple[Found, ...]:
    """Indicators of the findings of at least medium severity, each value once per finding, in a total order."""
    contents: dict[str, list[Row]] = {}
    for row in rows(con, CONTENTS):
        contents.setdefault(str(row["finding_id"]), []).append(row)
    found: dict[tuple[str, str, str], Found] = {}
    for story in told if told is not None else stories(con):
        if story.finding["severity"] in WEIGHTY:
            for one in _of(story, contents.get(str(story.finding["finding_id"]), [])):
                found.setdefault((one.type, one.value, one.finding_id), one)
    return tuple(sorted(found.values(), key=lambda x: (x.type, x.value, x.host, x.finding_id)))


def weighs(found: Found) -> bool:
    """Whether the value alone speaks for harm elsewhere: files beside the one that was run, and names, do not."""
    beside = found.basis.startswith(IN_IMAGE) or found.type in ("file-name", "persistence-name")
    return found.severity != "medium" and not beside


def _time(value: object) -> datetime | None:
    return value if isinstance(value, datetime) else None


def _of(story: Story, contents: list[Row]) -> Iterator[Found]:
    f = story.finding
    severity, finding, host = str(f["severity"]), str(f["finding_id"]), str(f["host"])

    def one(kind: str, value: object, time: object, basis: str) -> Iterator[Found]:
        if value:
            yield Found(kind, str(value), severity, finding, host, _time(time), basis)

    name = str(f["image_path"]).rpartition("\\")[2]
    yield from one("file-name", name, f["first_utc"], "name of the image")
    for d in story.deliveries:
        if "://" in str(d["host_url"]):
            # A browser that hides the place writes about:internet or a blob: that leads nowhere.
            yield from one("url", d["host_url"], d["time_utc"], f"delivery {d['delivery_id']}")
    for row in contents:
        at = f["first_utc"]
        yield from one("sha256", _low(row["image_sha256"]), at, "the image itself")
        yield from one("sha256", _low(row["sha256"]), at, f"{IN_IMAGE}{row['path']}")
        yield from one("md5", _low(row["md5"]), at, f"{IN_IMAGE}{row['path']}")
    for act in story.follow_on:
        kind = _act_type(act)
        if kind:
            basis = f"{act['kind']} {act['follow_on_id']}"
            yield from one(kind, act["value"], act["time_utc"], basis)


def _low(value: object) -> str | None:
    return str(value).lower() if value else None


def _act_type(act: Row) -> str:
    kind = str(act["kind"])
    if kind == "dns":
        return "domain" if act["external"] else ""
    if kind == "network":
        return _address_type(str(act["value"])) if act["external"] else ""
    if kind == "persistence":
        return _permanent_type(str(act["value"]))
    return ACT_TYPES.get(kind, "")


def _permanent_type(value: str) -> str:
    """Persistence is told by a key of the registry, by a file, or by the name of a task, service or subscription."""
    if value.upper().startswith(("HK", "\\REGISTRY\\")):
        return "registry-key"
    return "file-path" if value[1:3] == ":\\" or value.startswith("\\\\") else "persistence-name"


def _address_type(value: str) -> str:
    try:
        return f"ipv{ip_address(value).version}"
    except ValueError:
        return "domain"
