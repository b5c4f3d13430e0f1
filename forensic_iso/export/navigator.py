"""ATT&CK Navigator: a layer of format 4.5; the score of a technique is its number of findings."""

import json
from pathlib import Path

import duckdb

from forensic_iso.attack import VERSION
from forensic_iso.export.stix import TECHNIQUE
from forensic_iso.export.stream import Counter
from forensic_iso.folder import put
from forensic_iso.story import Row, rows
from forensic_iso.text import one_line

QUERY = "SELECT finding_id, host, image_path, severity, attack_ids FROM finding ORDER BY host, image_path, finding_id"


def layer(findings: list[Row]) -> dict[str, object]:
    """The layer as a dictionary."""
    seen: dict[str, list[Row]] = {}
    for f in findings:
        for technique in sorted(set(TECHNIQUE.findall(str(f["attack_ids"] or "")))):
            seen.setdefault(technique, []).append(f)
    top = max((len(v) for v in seen.values()), default=1)
    return {
        "name": "forensic-iso findings",
        "versions": {"attack": VERSION, "navigator": "5.1.0", "layer": "4.5"},
        "domain": "enterprise-attack",
        "description": "Techniques with a row of evidence behind them; score: number of findings",
        "filters": {"platforms": ["Windows"]},
        "sorting": 3,
        "layout": {
            "layout": "side",
            "showID": True,
            "showName": True,
            "expandedSubtechniques": "annotated",
        },
        "hideDisabled": False,
        "gradient": {"colors": ["#ffe7a3", "#b3401a"], "minValue": 0, "maxValue": top},
        "techniques": [
            *(_parent(t) for t in sorted({t[:5] for t in seen if "." in t} - set(seen))),
            *(_technique(t, seen[t]) for t in sorted(seen)),
        ],
        "showTacticRowBackground": False,
        "selectTechniquesAcrossTactics": True,
    }


def _parent(technique: str) -> dict[str, object]:
    """A technique that stands only for its sub-techniques: no score, but opened, else they are not seen."""
    return {"techniqueID": technique, "enabled": True, "showSubtechniques": True}


def _technique(technique: str, found: list[Row]) -> dict[str, object]:
    lines = [
        one_line(f"{f['severity']}: {f['image_path']} on {f['host']}", 200) for f in found[:20]
    ]
    more = [f"... {len(found) - 20} more"] if len(found) > 20 else []
    return {
        "techniqueID": technique,
        "score": len(found),
        "enabled": True,
        "comment": "\n".join([*lines, *more]),
        "showSubtechniques": "." not in technique,
    }


def export(con: duckdb.DuckDBPyConnection, out: Path, exact: bool, counter: Counter) -> None:
    """One layer for the case."""
    found = layer(rows(con, QUERY))
    put(out / "layer.json", (json.dumps(found, indent=1, ensure_ascii=True) + "\n").encode())
    counter.files.append({"path": "layer.json", "findings": len(rows(con, QUERY))})
