"""The report as Markdown: the same content, for wikis and tickets."""

import re
from collections.abc import Iterator

from forensic_iso.report.blocks import Block, Bullets, Code, Facts, Grid, Heading, blocks
from forensic_iso.report.model import Report
from forensic_iso.report.present import Presenter

_ACTIVE = re.compile(r"([\\`*_{}\[\]<>()#+!|~$&@:=^\"'-])")


def escaped(value: str) -> str:
    """Text that Markdown leaves as it is: every sign with a meaning gets a backslash."""
    return _ACTIVE.sub(r"\\\1", value)


def render(report: Report, show: Presenter) -> str:
    """The whole report."""
    return "\n".join(line for block in blocks(report, show) for line in _lines(block)) + "\n"


def _lines(block: Block) -> Iterator[str]:
    yield ""
    if isinstance(block, Heading):
        yield f"{'#' * block.level} {escaped(block.text)}"
    elif isinstance(block, Bullets):
        yield from (f"{'  ' * depth}- {escaped(text)}" for depth, text in block.items)
    elif isinstance(block, Facts):
        yield from (f"- **{escaped(name)}**: {escaped(value)}" for name, value in block.facts)
    elif isinstance(block, Code):
        # An indented block: nothing inside it is markup, and no line of it can end it.
        yield from (f"    {line}" for line in block.lines)
    elif isinstance(block, Grid):
        yield from _table(block)
    else:
        yield escaped(block.text)


def _table(grid: Grid) -> Iterator[str]:
    yield f"**{escaped(grid.title)}** ({len(grid.rows)} of {grid.total})"
    yield ""
    yield "| " + " | ".join(escaped(t) for t in grid.head) + " |"
    yield "|" + " --- |" * len(grid.head)
    for row in grid.rows:
        yield "| " + " | ".join(escaped(c) for c in row) + " |"
    if grid.total > len(grid.rows):
        yield ""
        yield f"{grid.total - len(grid.rows)} more rows are not shown here."
