"""Rows on stdout: table, json, jsonl, csv. The only place where a command writes its answer."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from forensic_iso import text

CELL = 60
"""Width at which a cell of the table form is cut (with a mark); the other forms never cut."""


class Format(StrEnum):
    """Forms of output."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"


def plain(value: object) -> object:
    """A value that JSON can hold: times as ISO text in UTC with Z, bytes as hex."""
    if value is None or isinstance(value, str | int | float):  # nearly all are: asked first
        return value
    if isinstance(value, datetime):
        return value.isoformat() + "Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return str(value)


def render(names: Sequence[str], rows: Iterable[Sequence[object]], form: Format) -> str:
    """Rows as text in one of the forms; ends in a line break unless empty."""
    values = [[plain(v) for v in row] for row in rows]
    if form is Format.JSON:
        return (
            json.dumps(
                [dict(zip(names, r, strict=True)) for r in values], indent=1, ensure_ascii=True
            )
            + "\n"
        )
    if form is Format.JSONL:
        return "".join(
            json.dumps(dict(zip(names, r, strict=True)), ensure_ascii=True) + "\n" for r in values
        )
    if form is Format.CSV:
        return _csv(names, values)
    return _table(names, values)


def _csv(names: Sequence[str], rows: list[list[object]]) -> str:
    sink = io.StringIO()
    csv.writer(sink, lineterminator="\n").writerow(names)
    return sink.getvalue() + _csv_lines(rows)


def _csv_lines(rows: list[list[object]]) -> str:
    sink = io.StringIO()
    out = csv.writer(sink, lineterminator="\n")
    for row in rows:
        out.writerow(["" if v is None else text.csv_cell(_flat(v)) for v in row])
    return sink.getvalue()


def pieces(
    names: Sequence[str], batches: Iterable[Sequence[Sequence[object]]], form: Format
) -> Iterator[str]:
    """What `render` gives, piece by piece as the batches come: no more than one of them is held.

    Raises:
        ValueError: a table; its columns are as wide as their longest value, so it needs all rows.
    """
    if form is Format.TABLE:
        raise ValueError("a table cannot be written piece by piece")
    if form is Format.JSON:
        yield from _json_pieces(names, batches)
        return
    if form is Format.CSV:
        yield _csv(names, [])
    for rows in batches:
        if form is Format.JSONL:
            yield render(names, rows, form)
        else:
            yield _csv_lines([[plain(v) for v in row] for row in rows])


def _json_pieces(
    names: Sequence[str], batches: Iterable[Sequence[Sequence[object]]]
) -> Iterator[str]:
    begun = False
    for rows in batches:
        if rows:
            listed = render(names, rows, Format.JSON)
            yield ("," if begun else "[") + listed[1:-3]  # without its brackets
            begun = True
    yield "\n]\n" if begun else "[]\n"


def _flat(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=True) if isinstance(value, dict | list) else str(value)


def _table(names: Sequence[str], rows: list[list[object]]) -> str:
    cells = [
        ["" if v is None else text.terminal(_flat(v), limit=CELL) for v in row] for row in rows
    ]
    head = [text.terminal(n, limit=CELL) for n in names]
    widths = [
        max(len(head[i]), *(len(r[i]) for r in cells), 0) if cells else len(head[i])
        for i in range(len(head))
    ]
    lines = ["  ".join(h.ljust(w) for h, w in zip(head, widths, strict=True)).rstrip()]
    lines.append("  ".join("-" * w for w in widths))
    lines.extend(
        "  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in cells
    )
    return "\n".join(lines) + "\n"
