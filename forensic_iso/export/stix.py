"""STIX 2.1: a bundle of the indicators, the techniques behind them, and a report that holds them together."""

import json
import re
from pathlib import Path

import duckdb

from forensic_iso import __version__
from forensic_iso.attack import name_of
from forensic_iso.export.ids import EPOCH, SPACE, stable, stamp
from forensic_iso.export.stream import Counter
from forensic_iso.folder import put
from forensic_iso.indicators import Found, indicators, weighs
from forensic_iso.story import Story, stories
from forensic_iso.text import encodable

PATTERNS = {
    "sha256": "file:hashes.'SHA-256' = {}",
    "md5": "file:hashes.MD5 = {}",
    "file-name": "file:name = {}",
    "url": "url:value = {}",
    "domain": "domain-name:value = {}",
    "ipv4": "ipv4-addr:value = {}",
    "ipv6": "ipv6-addr:value = {}",
}
HIVES = {"HKLM": "HKEY_LOCAL_MACHINE", "HKU": "HKEY_USERS", "HKCU": "HKEY_CURRENT_USER", "HKCR": "HKEY_CLASSES_ROOT",
         "HKCC": "HKEY_CURRENT_CONFIG"}  # fmt: skip
"""STIX 2.1, 6.17: the hive of a key is written in full."""
AMBER: dict[str, object] = {
    "type": "marking-definition",
    "spec_version": "2.1",
    "id": "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82",
    "created": "2017-01-20T00:00:00.000Z",
    "definition_type": "tlp",
    "name": "TLP:AMBER",
    "definition": {"tlp": "amber"},
}
"""STIX 2.1, 7.2.1.4: the one object that stands for this marking everywhere."""
KINDS = frozenset({*PATTERNS, "file-path", "registry-key"})
"""Types that STIX has patterns for; the name of a task or service is none."""
TECHNIQUE = re.compile(r"T\d{4}(?:\.\d{3})?")


def literal(value: str) -> str:
    """A string constant of a STIX pattern."""
    return "'" + encodable(value).replace("\\", "\\\\").replace("'", "\\'") + "'"


def pattern(found: Found) -> str:
    """The pattern of an indicator; a path is its folder and name, a key of the registry itself or a value's name in its key."""
    if found.type == "registry-key":
        return _registry(found.value)
    if found.type == "file-path":
        folder, _, name = found.value.rpartition("\\")
        parent = f" AND file:parent_directory_ref.path = {literal(folder)}" if folder else ""
        return f"[file:name = {literal(name)}{parent}]"
    return "[" + PATTERNS[found.type].format(literal(found.value)) + "]"


def _registry(value: str) -> str:
    hive, _, rest = value.partition("\\")
    key = f"{HIVES.get(hive.upper(), hive)}\\{rest}"
    parent, _, name = key.rpartition("\\")
    whole = f"[windows-registry-key:key = {literal(key)}]"
    return f"{whole} OR [windows-registry-key:key = {literal(parent)} AND windows-registry-key:values[*].name = {literal(name)}]"


def _base(kind: str, created: str, *name: object) -> dict[str, object]:
    return {
        "type": kind,
        "spec_version": "2.1",
        "id": f"{kind}--{stable(kind, *name)}",
        "object_marking_refs": [AMBER["id"]],
        "created": created,
        "modified": created,
    }


def bundle(told: list[Story], found: tuple[Found, ...]) -> dict[str, object]:
    """The bundle as a dictionary; objects in a fixed order."""
    maker = {
        **_base("identity", EPOCH, "forensic-iso"),
        "name": f"forensic-iso {__version__}",
        "identity_class": "system",
    }
    techniques = {t for s in told for t in TECHNIQUE.findall(str(s.finding["attack_ids"] or ""))}
    attack = {t: _technique(t) for t in sorted(techniques)}
    objects: list[dict[str, object]] = [AMBER, maker, *attack.values()]
    for story in told:
        mine = [i for i in found if i.finding_id == story.finding["finding_id"] and i.type in KINDS]
        if mine:
            objects += _finding(story, mine, attack, str(maker["id"]))
    body = [o["id"] for o in objects]
    return {"type": "bundle", "id": f"bundle--{stable('bundle', *body)}", "objects": objects}


def _technique(technique: str) -> dict[str, object]:
    reference = {
        "source_name": "mitre-attack",
        "external_id": technique,
        "url": f"https://attack.mitre.org/techniques/{technique.replace('.', '/')}",
    }
    return {
        **_base("attack-pattern", EPOCH, technique),
        "name": name_of(technique).rpartition(": ")[2] or technique,
        "external_references": [reference],
    }


def _finding(
    story: Story, mine: list[Found], attack: dict[str, dict[str, object]], maker: str
) -> list[dict[str, object]]:
    f = story.finding
    at = stamp(mine[0].time)
    out: list[dict[str, object]] = []
    for i in mine:
        seen = stamp(i.time)
        out.append(
            {
                **_base("indicator", seen, i.finding_id, i.type, i.value),
                "created_by_ref": maker,
                "name": encodable(f"{i.type}: {i.value}"[:250]),
                "description": encodable(i.basis),
                "indicator_types": ["malicious-activity" if weighs(i) else "anomalous-activity"],
                "pattern": pattern(i),
                "pattern_type": "stix",
                "valid_from": seen,
                "confidence": round(100 * float(str(f["confidence"] or 0))),
            }
        )
    used = [attack[t] for t in TECHNIQUE.findall(str(f["attack_ids"] or ""))]
    refs = [str(o["id"]) for o in (*out, *used)]
    title = encodable(f"{f['image_path']} on {f['host']}: {f['verdict']}")
    report = {
        **_base("report", at, f["finding_id"]),
        "created_by_ref": maker,
        "name": title,
        "description": encodable(str(f["reasons"] or "")),
        "report_types": ["threat-report"],
        "published": at,
        "object_refs": refs,
    }
    return [*out, report]


def export(con: duckdb.DuckDBPyConnection, out: Path, exact: bool, counter: Counter) -> None:
    """One bundle; values are raw, never defanged."""
    told = stories(con)
    found = indicators(con, told)
    made = bundle(told, found)
    put(out / "bundle.json", (json.dumps(made, indent=1, ensure_ascii=True) + "\n").encode())
    written = sum(i.type in KINDS for i in found)
    counter.files.append({"path": "bundle.json", "indicators": written})


__all__ = ["SPACE", "bundle", "export", "literal", "pattern"]
