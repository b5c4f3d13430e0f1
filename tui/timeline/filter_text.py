"""Filters as text: as they are shown, with their counts, and as they are kept by name."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace

from forensic_iso.browse.filters import FIELDS, SEVERITIES, Filter, FilterError, format_ns, parse
from forensic_iso.browse.view import Entry

KINDS = ("text", "regex", "any", "time", "finding", "process", "rows", *FIELDS)
OPERATORS = ("=", ">=", "<=", ">", "<", "~")
NUMERIC = ("time", "event_id", "severity")
NOT_SAVED = ("hits", "marks")


def shown(entry: Entry) -> str:
    """A filter's label, times and severities in words."""
    f = entry.filter
    sign = "-" if f.negative else ""
    if f.what == "time":
        return f"{sign}time{f.operator}{format_ns(int(f.value), 0).replace(' ', 'T')}"
    if f.what == "severity":
        return f"{sign}severity{f.operator}{SEVERITIES[int(f.value)] if f.value else ''}"
    return f.label if len(f.label) < 60 else f.label[:59] + "…"


def typed_of(f: Filter) -> str | None:
    """A filter as it is to be typed; None where it stands for rows found by hand, or cannot be typed."""
    typed = f.label
    if f.what == "time":
        typed = f"time{f.operator}{format_ns(int(f.value), 9).replace(' ', 'T')}"
        typed = f"-{typed}" if f.negative else typed
    elif f.what == "text":
        typed = f'{"-" if f.negative else ""}"{f.value}"'
    try:
        return typed if parse(typed) == [replace(f, on=True)] else None
    except FilterError:
        return None


def counted(entry: Entry) -> str:
    """How many rows a filter has, and how far it is."""
    if entry.error:
        return "(failed)"
    if entry.stopped:
        return f"(stopped at {entry.share} %)"
    if entry.rows is not None and entry.complete:
        return f"({len(entry.rows):,})"
    return f"({entry.share} %)" if entry.seen else "(waiting)"


def dump(entries: Sequence[Entry]) -> str:
    """Filters as text to keep; those that stand for rows found by hand are left out."""
    kept = [asdict(e.filter) for e in entries if e.filter.what not in NOT_SAVED]
    return json.dumps(kept, ensure_ascii=True)


def load(text: str) -> list[Filter]:
    """Filters of kept text; what is no filter is left out."""
    try:
        made = json.loads(text)
    except ValueError:
        return []
    found = [_filter(d) for d in made if isinstance(d, dict)] if isinstance(made, list) else []
    return [f for f in found if _sound(f)]


def _filter(kept: dict[str, object]) -> Filter:
    return Filter(
        str(kept.get("what")),
        str(kept.get("operator", "=")),
        str(kept.get("value", "")),
        bool(kept.get("negative")),
        bool(kept.get("on", True)),
    )


def _sound(f: Filter) -> bool:
    number = not f.value or f.value.lstrip("-").isdecimal()
    return f.what in KINDS and f.operator in OPERATORS and (number or f.what not in NUMERIC)
