"""MISP: one event with the indicators as attributes, and the techniques as tags of its galaxy."""

import json
from pathlib import Path

import duckdb

from forensic_iso.export.ids import stable
from forensic_iso.export.stix import TECHNIQUE
from forensic_iso.export.stream import Counter
from forensic_iso.indicators import Found, indicators
from forensic_iso.report.write import put
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
}
"""Type and category of MISP for each type of indicator."""
THREAT = {"critical": "1", "high": "1", "medium": "2", "low": "3", "info": "4"}
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
    body = {
        "uuid": stable("misp", *(i.finding_id + i.type + i.value for i in found)),
        "info": f"Disk images run from: {len(told)} findings, worst {worst}",
        "date": first[:10],
        "threat_level_id": THREAT[worst],
        "analysis": "1",
        "distribution": "0",
        "published": False,
        "Tag": [{"name": t} for t in tags],
        "Attribute": [_attribute(i) for i in found],
    }
    return {"Event": body}


def _attribute(i: Found) -> dict[str, object]:
    kind, category = TYPES[i.type]
    return {
        "uuid": stable("attribute", i.finding_id, i.type, i.value),
        "type": kind,
        "category": category,
        "value": encodable(i.value),
        "to_ids": i.type not in ("file-name",),
        "comment": encodable(f"{i.basis}; finding {i.finding_id} on {i.host}"),
        "distribution": "5",
    }


def export(con: duckdb.DuckDBPyConnection, out: Path, exact: bool, counter: Counter) -> None:
    """One event; values are raw, never defanged."""
    told = stories(con)
    found = indicators(con, told)
    made = event(told, found, "amber")
    put(out / "event.json", (json.dumps(made, indent=1, ensure_ascii=True) + "\n").encode())
    counter.files.append({"path": "event.json", "indicators": len(found)})
