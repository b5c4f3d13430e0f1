"""MISP: one event with the indicators as attributes, and the techniques as tags of a name space of our own.

An event holds a value of one type and category once (MISP refuses the second), so findings that share one share an attribute.
"""

import json
from pathlib import Path

import duckdb

from forensic_iso.export.ids import stable
from forensic_iso.export.stix import TECHNIQUE
from forensic_iso.export.stream import Counter
from forensic_iso.folder import put
from forensic_iso.indicators import Found, indicators, weighs
from forensic_iso.story import Story, stories
from forensic_iso.text import encodable

TYPES = {
    "sha256": ("sha256", "Payload delivery"),
    "md5": ("md5", "Payload delivery"),
    "file-name": ("filename", "Payload delivery"),
    "file-path": ("filename", "Artifacts dropped"),
    "url": ("url", "Payload delivery"),
    "domain": ("domain", "Network activity"),
    "ipv4": ("ip-dst", "Network activity"),
    "ipv6": ("ip-dst", "Network activity"),
    "registry-key": ("regkey", "Persistence mechanism"),
    "persistence-name": ("text", "Persistence mechanism"),
}
"""Type and category of MISP for each type of indicator."""
THREAT = {"critical": "1", "high": "1", "medium": "2", "low": "3", "info": "4"}
SHOWN = 20
"""Findings that a comment names."""
ORDER = ("critical", "high", "medium", "low", "info")


def event(told: list[Story], found: tuple[Found, ...], tlp: str) -> dict[str, object]:
    """The event as a dictionary. Distribution 0: own organisation only, until the user decides otherwise."""
    worst = min((str(s.finding["severity"]) for s in told), key=ORDER.index, default="info")
    first = min(
        (str(s.finding["first_utc"]) for s in told if s.finding["first_utc"]), default="1970-01-01"
    )
    techniques = sorted(
        {t for s in told for t in TECHNIQUE.findall(str(s.finding["attack_ids"] or ""))}
    )
    tags = [f"tlp:{tlp.lower()}", *(f'forensic-iso:attack="{t}"' for t in techniques)]
    key = stable("misp", *(i.finding_id + i.type + i.value for i in found))
    body = {
        "uuid": key,
        "info": f"Disk images delivered, mounted or run from: {len(told)} "
        f"{'finding' if len(told) == 1 else 'findings'}, worst {worst}",
        "date": first[:10],
        "threat_level_id": THREAT[worst],
        "analysis": "1",
        "distribution": "0",
        "published": False,
        "Tag": [{"name": t} for t in tags],
        "Attribute": [_attribute(key, alike) for alike in _alike(found)],
    }
    return {"Event": body}


def _alike(found: tuple[Found, ...]) -> list[list[Found]]:
    """Indicators by what MISP takes for the same attribute, in their order."""
    out: dict[tuple[str, str, str], list[Found]] = {}
    for i in found:
        out.setdefault((*TYPES[i.type], i.value.lower()), []).append(i)
    return list(out.values())


def _attribute(event: str, alike: list[Found]) -> dict[str, object]:
    first = alike[0]
    kind, category = TYPES[first.type]
    times = sorted(i.time for i in alike if i.time is not None)
    seen = {"first_seen": times[0].isoformat(timespec="microseconds") + "+00:00"} if times else {}
    said = "; ".join(f"{i.basis}, finding {i.finding_id} on {i.host}" for i in alike[:SHOWN])
    more = f"; {len(alike) - SHOWN} more" if len(alike) > SHOWN else ""
    return {
        "uuid": stable("attribute", event, kind, category, first.value),
        "type": kind,
        "category": category,
        "value": encodable(first.value),
        "to_ids": kind != "text" and any(weighs(i) for i in alike),
        "comment": encodable(said + more),
        "distribution": "5",
        **seen,
    }


def export(con: duckdb.DuckDBPyConnection, out: Path, exact: bool, counter: Counter) -> None:
    """One event; values are raw, never defanged."""
    told = stories(con)
    found = indicators(con, told)
    made = event(told, found, "amber")
    put(out / "event.json", (json.dumps(made, indent=1, ensure_ascii=True) + "\n").encode())
    counter.files.append({"path": "event.json", "indicators": len(_alike(found))})
