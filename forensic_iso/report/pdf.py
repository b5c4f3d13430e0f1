"""The report as PDF, by typst (extra `[pdf]`): all evidence goes in as data, never as source text."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import resources
from typing import Final

from forensic_iso.errors import UsageError
from forensic_iso.report.blocks import Block, Bullets, Code, Drawing, Facts, Grid, Heading, blocks
from forensic_iso.report.html import drawer
from forensic_iso.report.model import Report
from forensic_iso.report.present import NOTHING, Presenter
from forensic_iso.text import encodable, one_line

TEMPLATE = "report.typ"
ROWS = 2000
"""Most table rows: memory grows with them."""
NARROW = 15
"""Characters of a column that is never broken."""
STANDARD: Final = "ua-1"


def render(report: Report, show: Presenter, issued: str) -> tuple[bytes, list[str]]:
    """The PDF and remarks for the user. Tagged for assistive technology (PDF/UA-1) where all signs have glyphs.

    Raises:
        UsageError: typst is not installed, or refuses the document.
    """
    try:
        import typst
    except ImportError as e:
        raise UsageError(
            "writing a PDF: the extra is not installed; pip install 'forensic-iso[pdf]'"
        ) from e
    data, left_out = _data(report, show)
    source = (resources.files(__package__) / TEMPLATE).read_bytes()
    remarks = (
        [f"the PDF holds the first {ROWS} table rows; {left_out} are left out, the page has them"]
        if left_out
        else []
    )
    inputs = {"data": data}
    stamp = _stamp(issued)
    try:
        return typst.compile(
            source, format="pdf", sys_inputs=inputs, timestamp=stamp, pdf_standards=STANDARD
        ), remarks
    except typst.TypstError as e:
        remarks.append(f"the PDF is not tagged as {STANDARD}: {one_line(str(e), 200)}")
    try:
        return typst.compile(source, format="pdf", sys_inputs=inputs, timestamp=stamp), remarks
    except typst.TypstError as e:
        raise UsageError(
            f"writing a PDF: {one_line(str(e), 300)}; the HTML page prints as well"
        ) from e


def _stamp(issued: str) -> datetime:
    """Date of the document: the date of issue, else 1970, so that two runs give the same bytes."""
    try:
        return datetime.fromisoformat(issued)
    except ValueError:
        return datetime(1970, 1, 1, tzinfo=UTC)


def _data(report: Report, show: Presenter) -> tuple[str, int]:
    out: list[dict[str, object]] = []
    left, cut = ROWS, 0
    svg = drawer(show)
    for block in blocks(report, show):
        if isinstance(block, Grid):
            taken = block.rows[: max(left, 0)]
            left -= len(taken)
            cut += len(block.rows) - len(taken)
            out.append(_table(block, taken))
        elif isinstance(block, Drawing):
            out.append({"kind": "drawing", "svg": svg(block.chart), "text": block.text})
        else:
            out.append(_plain(block))
    document = {"title": report.title, "tlp": show.shown(f"TLP:{report.tlp}").text, "blocks": out}
    return encodable(json.dumps(document, ensure_ascii=False)), cut


def _table(grid: Grid, rows: Sequence[Sequence[str]]) -> dict[str, object]:
    """A table whose further columns stand, with their titles, in a line below each row."""
    below = [i for i in range(len(grid.head)) if i not in grid.main]
    return {
        "kind": "table",
        "title": f"{grid.title} ({len(rows)} of {grid.total})",
        "head": [grid.head[i] for i in grid.main],
        "widths": _widths(grid),
        "rows": [
            {
                "cells": [r[i] for i in grid.main],
                "below": [[grid.head[i], r[i]] for i in below if r[i] != NOTHING],
            }
            for r in rows
        ],
    }


def _widths(grid: Grid) -> list[int]:
    """Shares of the columns by their longest text; 0: as wide as its text."""
    columns = ([grid.head[i], *(r[i] for r in grid.rows)] for i in grid.main)
    longest = [max(map(len, c)) for c in columns]
    return [0 if n <= NARROW else min(n, 60) for n in longest]


def _plain(block: Block) -> dict[str, object]:
    if isinstance(block, Heading):
        return {"kind": "heading", "level": block.level, "text": block.text}
    if isinstance(block, Bullets):
        return {"kind": "bullets", "items": block.items}
    if isinstance(block, Facts):
        return {"kind": "facts", "facts": block.facts}
    if isinstance(block, Code):
        return {"kind": "code", "text": "\n".join(block.lines)}
    return {"kind": "paragraph", "text": getattr(block, "text", "")}
