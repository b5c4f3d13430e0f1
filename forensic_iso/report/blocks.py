"""The report as a flat run of blocks, its texts ready for a reader: what Markdown and PDF are written from."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from forensic_iso.report.findings import story_lines
from forensic_iso.report.layout import split
from forensic_iso.report.model import Chart, Fact, Finding, Kind, Listing, Process, Report
from forensic_iso.report.present import Presenter
from forensic_iso.report.summary import count
from forensic_iso.story import wrapped

LONG = 3000
STORY_WIDTH = 100
UNSEEN = "What this rests on, and what could not be seen"


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of level 1 to 4."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A line of prose."""

    text: str


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list; each item with its depth."""

    items: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """Named values."""

    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table with its title; `total` counts the rows that there are.

    `main`: places of the columns that stand in a row where a page is not wide enough for all of them.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    total: int
    main: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Code:
    """Lines to be shown as they are."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart; `text` says what it shows where nothing can be drawn."""

    chart: Chart
    text: str


Block = Heading | Paragraph | Bullets | Facts | Grid | Code | Drawing


def blocks(report: Report, show: Presenter) -> Iterator[Block]:
    """The whole report in the order of its sections."""
    yield from _Flow(show).report(report)


class _Flow:
    def __init__(self, show: Presenter) -> None:
        self._show = show

    def _t(self, value: str | int | float | bool | None, limit: int | None = LONG) -> str:
        return self._show.shown(value, limit).text

    def report(self, r: Report) -> Iterator[Block]:
        yield Heading(1, self._t(r.title))
        yield Paragraph(f"TLP:{self._t(r.tlp)}")
        yield self._facts(r.identification)
        yield Heading(2, "Summary")
        yield self._bullets(r.summary)
        yield Heading(3, UNSEEN)
        yield self._bullets(r.unseen)
        yield self._facts(r.figures)
        yield from self._table(r.overview)
        yield Heading(2, "Findings")
        for f in r.findings:
            yield from self._finding(f)
        if not r.findings:
            yield Paragraph("None is reported: see the summary.")
        yield Heading(2, "Hosts")
        for h in r.hosts:
            yield Heading(3, self._t(h.name))
            yield Paragraph(self._t(h.sentence))
            yield from self._drawing(h.chart)
            for one in h.listings:
                yield from self._table(one)
        yield from self._section("Timeline", (), r.timeline)
        yield Heading(2, "Indicators")
        yield self._indicators(r)
        yield from self._section("ATT&CK techniques", (), r.techniques)
        if r.sigma:
            yield Heading(2, "Sigma rules")
            yield Paragraph(self._t(r.sigma.sentence))
            yield from self._table(r.sigma.hits)
            if r.sigma.not_run.total:
                yield from self._table(r.sigma.not_run)
        yield from self._section("Notes", (), r.notes)
        yield from self._section("Coverage and limits", r.limits, r.coverage)
        yield from self._section("Evidence manifest", (), r.manifest)
        yield from self._section("Problems", (), r.problems)
        yield Heading(2, "Method")
        yield self._facts(r.method)
        yield from self._table(r.parsers)
        yield from self._table(r.rules)
        yield Heading(2, "Glossary")
        yield self._facts(r.glossary)
        yield Heading(2, "Queries")
        for q in r.queries:
            yield Heading(3, self._t(q.name))
            yield Code(tuple(q.value.splitlines()))

    def _section(self, title: str, lines: tuple[str, ...], one: Listing) -> Iterator[Block]:
        yield Heading(2, title)
        if lines:
            yield self._bullets(lines)
        yield from self._table(one)

    def _indicators(self, r: Report) -> Grid:
        head = ("Type", "Value", "Severity", "Host", "Time", "Basis", "Finding")
        rows = tuple(
            (
                self._t(i.type),
                self._show.cell(i.value, Kind.INDICATOR).text,
                self._t(i.severity),
                self._t(i.host),
                self._show.time(i.time_utc),
                self._t(i.basis),
                self._t(i.finding_id),
            )
            for i in r.indicators
        )
        return Grid("Indicators", head, rows, len(rows), (0, 1, 2, 3, 4))

    def _finding(self, f: Finding) -> Iterator[Block]:
        yield Heading(3, f"{self._t(f.severity)}: {self._t(f.image_path)}")
        yield Paragraph(
            f"On {self._t(f.host)}. {self._t(f.sentence)} Verdict {self._t(f.verdict)}, score {self._t(f.score)}, "
            f"confidence {self._t(f.confidence)}. Finding {self._t(f.finding_id)}, "
            f"{self._show.time(f.first_utc)} to {self._show.time(f.last_utc)}."
        )
        chain = (
            f"{s.name}: {self._show.time(s.time_utc)}, {count(s.rows, 'row')}, confidence up to {self._t(s.confidence)}"
            if s.seen
            else f"{s.name}: not certain, {count(s.rows, 'weak row')}, confidence up to {self._t(s.confidence)}"
            if s.rows
            else f"{s.name}: not seen"
            for s in f.chain
        )
        yield Bullets(tuple((0, line) for line in chain))
        yield self._facts(f.facts)
        if f.notes:
            yield Heading(4, "Notes of the analysts")
            yield self._facts(f.notes)
        yield from self._drawing(f.chart)
        yield Heading(4, "The story line by line")
        lines = (wrapped(self._t(line, None), STORY_WIDTH) for line in story_lines(f.story))
        yield Code(tuple(part for line in lines for part in line))
        if f.processes:
            yield Heading(4, "Process tree")
            yield Bullets(tuple(self._tree(f.processes, 0)))
        for one in f.listings:
            yield from self._table(one)

    def _tree(self, nodes: tuple[Process, ...], depth: int) -> Iterator[tuple[int, str]]:
        for p in nodes:
            line = f": {self._t(p.command_line, 400)}" if p.command_line else ""
            about = f"PID {self._t(p.pid)}, {self._t(p.role)}, {self._show.time(p.time_utc)}, {self._t(p.user_name)}"
            yield depth, f"{self._t(p.path)} ({about}){line}"
            yield from self._tree(p.children, depth + 1)

    def _drawing(self, chart: Chart | None) -> Iterator[Block]:
        if chart:
            yield Drawing(chart, f"{self._t(chart.title)}. {self._t(chart.description)}")

    def _bullets(self, lines: Iterable[str]) -> Bullets:
        return Bullets(tuple((0, self._t(s)) for s in lines))

    def _facts(self, facts: Iterable[Fact]) -> Facts:
        return Facts(tuple((self._t(f.name), self._t(f.value)) for f in facts))

    def _table(self, one: Listing) -> Iterator[Block]:
        if not one.total:
            yield Paragraph(f"{self._t(one.title)}: no rows.")
            return
        rows = tuple(
            tuple(self._show.cell(v, f.kind).text for v, f in zip(row, one.fields, strict=True))
            for row in one.rows
        )
        heads = tuple(f.title for f in one.fields)
        yield Grid(self._t(one.title), heads, rows, one.total, split(one)[0])
        if one.note:
            yield Paragraph(self._t(one.note))
        if one.query:
            yield Code(tuple(one.query.splitlines()))
