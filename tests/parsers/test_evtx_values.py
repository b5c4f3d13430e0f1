"""Every value of real logs against an independent reader (the Rust crate `evtx`)."""

import importlib
import json
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import duckdb
import pytest

from parsers import evtx
from parsers.contract import Artifact, Batch
from parsers.evtx.compose import event_view_sql
from parsers.evtx.events import EVENT_TABLES
from parsers.evtx.shape import SYSTEM_PATHS, label
from tests.shared import CASES, HOSTILE, REAL, needs_shared

Theirs = dict[tuple[str, ...], list[str]]
GUID = re.compile(r"\{?([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})\}?")
TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d")
LEAST = 20_000
ALIASES = {
    a: f.name for t in EVENT_TABLES for f in t.fields if not f.alias_events for a in f.aliases
}
BIG = 40_000_000


def _flat(x: object, path: tuple[str, ...], out: list[tuple[tuple[str, ...], str]]) -> None:
    """The reader's JSON -> (path, text); '#attributes' -> '@', '#text' -> the element itself."""
    if isinstance(x, dict):
        for k, v in x.items():
            if k == "#attributes":
                for a, w in v.items():
                    _flat(w, (*path, "@" + a), out)
            else:
                _flat(v, path if k == "#text" else (*path, k), out)
        if not x:
            out.append((path, ""))
    elif isinstance(x, list):
        for v in x:
            _flat(v, path, out)
    else:
        out.append((path, "" if x is None else x if isinstance(x, str) else json.dumps(x)))


def _same(ours: str, theirs: str) -> bool:
    """Equal, or equal but for the known differences of form: braces, parts of a microsecond, hexadecimal Keywords."""
    if ours == theirs:
        return True
    a, b = GUID.fullmatch(ours), GUID.fullmatch(theirs)
    if a and b:
        return a[1] == b[1]
    if TIME.match(ours) and TIME.match(theirs):
        return ours.replace("T", " ")[:26].rstrip("Z0.") == theirs.replace("T", " ")[:26].rstrip(
            "Z0."
        )
    return theirs.startswith("0x") and ours.isdigit() and int(ours) == int(theirs, 16)


def _their_records(path: Path) -> dict[int, list[Theirs]]:
    rust: Any = importlib.import_module("evtx")

    out: dict[int, list[Theirs]] = defaultdict(list)
    records = iter(rust.PyEvtxParser(str(path)).records_json())
    while True:
        try:
            record = next(records)
        except StopIteration:
            return out
        except (OSError, RuntimeError, ValueError):
            continue
        flat: list[tuple[tuple[str, ...], str]] = []
        _flat(json.loads(record["data"]), (), flat)
        values: Theirs = defaultdict(list)
        for p, v in flat:
            values[
                tuple(re.sub(r"_\d+$", "", x) if x.startswith("Data_") else x for x in p)
            ].append(v)
        out[record["event_record_id"]].append(values)


def _our_records(path: Path) -> list[dict[str, object]]:
    con = duckdb.connect()
    for table in evtx.TABLES:
        columns = ", ".join(f'"{c.name}" {c.type}' for c in table.columns)
        con.execute(f'CREATE TABLE "{table.name}" ({columns}, source_id VARCHAR)')
    for item in evtx.parse(Artifact(path.name, lambda: path.open("rb"), path.stat().st_size)):
        if isinstance(item, Batch):
            frame = item.frame  # noqa: F841  DuckDB reads it by its name
            con.execute(f'INSERT INTO "{item.table}" BY NAME SELECT * FROM frame')
    con.execute(event_view_sql())
    cursor = con.execute(
        "SELECT * REPLACE (time_utc::VARCHAR AS time_utc) FROM event ORDER BY record_offset"
    )
    names = [d[0] for d in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _key(name: str) -> str:
    """A data field's bare name; other spellings of a typed field count as the field's own name."""
    bare = re.sub(r"\[\d+\]$", "", name).split("/")[-1].split("@")[-1]
    return ALIASES.get(bare, bare).lower()


def _blank(text: str) -> bool:
    return not text.strip("\0 \r\n\t")


def _differences(ours: dict[str, object], theirs: Theirs, count: Counter[str]) -> list[str]:
    bad: list[str] = []
    data = json.loads(str(ours["data"])) if ours["data"] else {}
    left: dict[str, list[str]] = defaultdict(list)
    for name, value in data.items():
        left[_key(name)].append(
            "" if value is None else value if isinstance(value, str) else json.dumps(value)
        )
    named = set()
    for path, texts in theirs.items():
        if path[1:2] == ("System",):
            column = SYSTEM_PATHS.get(path[2:])
            mine = [str(ours[column])] if column and ours[column] is not None else [""]
            if column is None:
                continue
        elif path == ("Event", "@xmlns") or label(path) is None:
            continue
        else:
            named.add(_key(path[-1]))
            mine = left.get(_key(path[-1]), [])
        count["values"] += len(texts)
        bad += [
            f"{path}: ours {mine!r}, theirs {text!r}"
            for text in texts
            if not any(_same(m, text) for m in mine or [""])
        ]
    invented = [n for n, v in left.items() if n not in named and not all(map(_blank, v))]
    return bad + [f"{n}: only ours {left[n]!r}" for n in invented]


@needs_shared
def test_values_equal_those_of_an_independent_reader() -> None:
    pytest.importorskip("evtx")
    count: Counter[str] = Counter()
    bad: list[str] = []

    for path in sorted(p for root in (REAL, HOSTILE, CASES) for p in root.rglob("*.evtx")):
        if path.stat().st_size > BIG:
            continue
        theirs = _their_records(path)
        for ours in _our_records(path):
            key = ours["header_record_id"]
            if ours["damaged"] or ours["origin"] == "slack" or not theirs.get(int(str(key))):
                continue
            count["records"] += 1
            found = _differences(ours, theirs[int(str(key))].pop(0), count)
            bad += [f"{path.name} {key} {ours['table_name']} {x}" for x in found]

    assert not bad, "\n".join(bad[:20])
    assert count["records"] >= LEAST, dict(count)
