"""From rows of the case to values of the report."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import duckdb

from forensic_iso.output import plain
from forensic_iso.report.model import Field, Listing, Value

TIMES = "TIMESTAMP_NS"


def value(raw: object) -> Value:
    """A value of the case as the report holds it: times as ISO text with Z, bytes as hex."""
    got = plain(raw)
    return got if got is None or isinstance(got, str | int | float | bool) else str(got)


def when(raw: object) -> str | None:
    """A time of the case as ISO text; None stays None."""
    return raw.isoformat() + "Z" if isinstance(raw, datetime) else None


def text_of(raw: object) -> str:
    """A text column; NULL as empty."""
    return "" if raw is None else str(raw)


def number_of(raw: object) -> float | None:
    """A number column; NULL stays None."""
    return float(raw) if isinstance(raw, int | float) else None


def listing(
    con: duckdb.DuckDBPyConnection,
    name: str,
    title: str,
    fields: Sequence[Field],
    query: str,
    parameters: dict[str, object] | None = None,
    cap: int = 1000,
    note: str = "",
) -> Listing:
    """The first `cap` rows of a query and how many there are. The query's columns are those of `fields`."""
    given = parameters or {}
    counted = con.execute(f"SELECT count(*) FROM ({query})", given).fetchone()
    total = int(counted[0]) if counted else 0
    rows = con.execute(query, given).fetchmany(cap) if total else []
    shown = asked(query, given)
    return Listing(
        name,
        title,
        tuple(fields),
        tuple(tuple(value(v) for v in r) for r in rows),
        total,
        shown.strip(),
        note,
    )


def first(one: Listing, cap: int) -> Listing:
    """The listing with its first rows only; `total` still counts all."""
    return replace(one, rows=one.rows[:cap])


def picked(
    name: str,
    title: str,
    fields: Sequence[Field],
    rows: Sequence[dict[str, object]],
    cap: int,
    note: str = "",
) -> Listing:
    """A listing of rows already read."""
    shown = tuple(tuple(value(r[f.name]) for f in fields) for r in rows[:cap])
    return Listing(name, title, tuple(fields), shown, len(rows), note=note)


_FILTER = re.compile(r"\(\$(\w+) IS NULL OR ([^()]*)\)")
"""A condition that only holds where its parameter is given."""


def asked(query: str, given: dict[str, object]) -> str:
    """A query as it was asked: parameters in their places, conditions that ask for nothing left out."""

    def condition(match: re.Match[str]) -> str:
        if match[1] in given and given[match[1]] is None:
            return "TRUE"
        return f"({match[2]})" if " OR " in match[2] else match[2]

    out = re.sub(r"\(TRUE OR [^()]*\)", "TRUE", _FILTER.sub(condition, query))
    out = re.sub(r"\s+AND TRUE\b", "", re.sub(r"\bTRUE\s+AND\s+", "", out))
    out = re.sub(r"\s+WHERE TRUE(?=\s*(?:\)|ORDER|GROUP|$))", "", out)
    for key, val in given.items():
        out = out.replace(f"${key}", _literal(val))
    return out


def _literal(val: object) -> str:
    if val is None:
        return "NULL"
    if isinstance(val, bool | int | float):
        return str(val)
    if isinstance(val, list):
        return "[" + ", ".join(_literal(v) for v in val) + "]"
    return "'" + str(val).replace("'", "''") + "'"
