"""The timeline of a case and the result of a query as sources of the table widget."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import duckdb

from forensic_iso.browse.case import Case
from forensic_iso.browse.filters import SEVERITIES, format_ns
from forensic_iso.browse.timeline import Row, bounds, chosen
from forensic_iso.browse.view import View
from tui.safe import SEVERITY_SIGNS, Piece
from tui.widgets.source import Col, Drawn

if TYPE_CHECKING:
    from forensic_iso.browse.console import Result
    from forensic_iso.browse.rowset import RowSet

TITLES = {
    "time": "time (UTC)",
    "rid": "row",
    "host": "host",
    "source": "source",
    "event_id": "id",
    "kind": "kind",
    "severity": "severity",
    "summary": "summary",
    "table_name": "table",
    "source_id": "artifact",
    "row_address": "address",
    "notes": "notes",
}
WIDE = {"time": 27, "rid": 10, "host": 13, "source": 12, "event_id": 5, "kind": 16, "severity": 8}
WIDE |= {"table_name": 22, "source_id": 16, "row_address": 12, "notes": 16, "summary": 0}
NARROW = {**WIDE, "time": 18, "host": 10, "source": 9, "kind": 12, "notes": 10}
TINY = {**NARROW, "time": 14, "source": 8}
NARROW_BELOW, TINY_BELOW = 110, 60
DEFAULT_TINY = ("time", "summary")
DEFAULT_WIDE = ("time", "host", "source", "event_id", "kind", "summary")
DEFAULT_NARROW = ("time", "source", "event_id", "summary")
ARTIFACTS = 8
"""Colours of artifacts; a source of no family has one by its name."""

FAMILIES = (
    ("$MFT", "$UsnJrnl", "$I30", "Recycle Bin"),
    ("Sysmon", "Defender XDR"),
    ("VHDMP", "Partition/Diagnostic", "Ntfs", "Kernel-PnP/Configuration", "setupapi.dev.log"),
    ("Security", "System", "Start of system", "PowerShell", "Application", "TaskScheduler"),
    ("Windows Defender", "MPLog", "Defender quarantine", "Defender history"),
    ("Prefetch", "Amcache", "PCA", "SRUM", "Error report", "Scheduled task", "Scheduled job"),
    ("Registry", "LNK", "Jump list", "Windows timeline"),
    ("Chromium history", "Firefox history", "WebCache", "BITS queue"),
)
"""Sources of one colour: the volume's own files, processes, mounting, Windows' logs, Defender, traces of programs,
traces of users, downloads. Findings have a colour of their own."""
FAMILY = {source: f"art_{n}" for n, family in enumerate(FAMILIES) for source in family}
FAMILY["Finding"] = "mark"


ALL_OF_TIME = (0, WIDE["time"])
"""Characters of a time that wide screens show."""


@dataclass(slots=True)
class TimelineSource:
    """Rows of the timeline through a view, with what is laid over them."""

    case: Case
    view: View
    chosen_columns: tuple[str, ...] | None = None
    hits: "RowSet | None" = None
    word: str = ""
    marks: list[int] = field(default_factory=list)
    findings: list[int] = field(default_factory=list)
    notes: dict[int, str] = field(default_factory=dict)
    elapsed_from: int | None = None
    version: int = 0
    _signs: tuple[object, list[Piece]] | None = None
    _time: tuple[int, int] = ALL_OF_TIME
    _years: bool | None = None

    def columns(self, width: int) -> Sequence[Col]:
        """The chosen columns, or those that fit."""
        names, widths = self.chosen_columns or DEFAULT_WIDE, WIDE
        self._time = ALL_OF_TIME
        if width < NARROW_BELOW:
            tiny = width < TINY_BELOW
            names = self.chosen_columns or (DEFAULT_TINY if tiny else DEFAULT_NARROW)
            self._time = self._narrow_time(tiny)
            widths = {**(TINY if tiny else NARROW), "time": self._time[1] - self._time[0]}
        cols = []
        for name in names:
            title = TITLES[name]
            if name == "time":
                title = "elapsed" if self.elapsed_from is not None else self._time_title()
            cols.append(Col(name, title, widths[name]))
        if cols and all(c.width for c in cols):
            cols[-1] = Col(cols[-1].name, cols[-1].title, 0)
        return cols

    def _time_title(self) -> str:
        return TITLES["time"] if self._time[0] == 0 else "MM-DD time (UTC)"[: self._time[1] - 5]

    def _narrow_time(self, tiny: bool) -> tuple[int, int]:
        """What narrow screens show of a time: the year only where the rows are of several."""
        if self._years is None:
            self._years = _of_several_years(self.case)
        begin = 0 if self._years else len("YYYY-")
        if tiny:
            return (begin, len("YYYY-MM-DD HH:MM") if self._years else len("YYYY-MM-DD HH:MM:SS"))
        return (begin, len("YYYY-MM-DD HH:MM:SS.mmm"))

    def count(self) -> int:
        """Rows in view."""
        return self.view.count

    def reader(self, first: int, last: int) -> Callable[[], Sequence[object]]:
        """What reads the rows at positions of the view as it is now."""
        rids, descending, case = self.view.rids(first, last), self.view.descending, self.case

        def read() -> Sequence[object]:
            rows = chosen(case, rids[::-1] if descending else rids)
            return rows[::-1] if descending else rows

        return read

    def draw(self, row: object, columns: Sequence[Col]) -> Drawn:
        """A row in its artifact's and severity's colours."""
        if not isinstance(row, Row):
            raise TypeError("a row of the timeline is wanted")
        severity = row.severity or 0
        role = f"severity_{min(severity, 5)}"
        art = art_of(row.source)
        body = role if severity else art
        cells = [(self.text(row, c.name), self._role(c.name, role, art, body)) for c in columns]
        hit = self.hits is not None and row.rid in self.hits
        signs: list[Piece] = [
            ("*" if _has(self.marks, row.rid) else ("+" if row.rid in self.notes else " "), "mark"),
            (">" if hit else " ", "hit" if hit else ""),
            (SEVERITY_SIGNS[min(severity, 5)], role),
            (" ", ""),
        ]
        return Drawn(cells, signs, row, self.word if hit else "")

    @staticmethod
    def _role(column: str, role: str, art: str, body: str) -> str:
        """The source has its artifact's colour, and so has the row where its severity has none of its own."""
        if column == "source":
            return art
        return role if column == "time" else body

    def text(self, row: Row, column: str) -> object:
        """A cell's text."""
        if column == "time":
            if self.elapsed_from is not None:
                return _elapsed(row.time_ns - self.elapsed_from)
            return format_ns(row.time_ns)[self._time[0] : self._time[1]]
        if column == "severity":
            return SEVERITIES[min(row.severity or 0, 5)]
        if column == "notes":
            return self.notes.get(row.rid, "")
        return getattr(row, column)

    def gutter(self, height: int) -> Sequence[Piece]:
        """Findings, hits and marks in the places of the scroll bar."""
        key = (height, self.version, self.count(), None if self.hits is None else len(self.hits))
        if self._signs is None or self._signs[0] != key:
            self._signs = (key, self._make_signs(height))
        return self._signs[1]

    def _make_signs(self, height: int) -> list[Piece]:
        count = self.count()
        out: list[Piece] = []
        for y in range(height):
            first, last = (
                y * count // height,
                max((y + 1) * count // height, y * count // height + 1),
            )
            out.append((" ", "") if first >= count else self._sign(first, min(last, count)))
        return out

    def _sign(self, first: int, last: int) -> Piece:
        a, b = self.view.rid_at(first), self.view.rid_at(last - 1)
        low, high = min(a, b), max(a, b) + 1
        if _any(self.findings, low, high):
            return ("◆", "bad")
        if self.hits is not None and self.hits.rank(high) > self.hits.rank(low):
            return ("•", "warn")
        if _any(self.marks, low, high):
            return ("*", "mark")
        return (" ", "")


def _of_several_years(case: Case) -> bool:
    try:
        ends = bounds(case) or ()
    except duckdb.Error:  # a damaged case: the rows that cannot be read say so
        return True
    return len({format_ns(ns, 0)[:4] for ns in ends}) > 1


def art_of(source: str | None) -> str:
    """The role of an artifact's name."""
    name = source or ""
    return FAMILY.get(name, f"art_{sum(map(ord, name)) % ARTIFACTS}")


def _has(numbers: Sequence[int], number: int) -> bool:
    at = bisect_left(numbers, number)
    return at < len(numbers) and numbers[at] == number


def _any(numbers: Sequence[int], low: int, high: int) -> bool:
    at = bisect_left(numbers, low)
    return at < len(numbers) and numbers[at] < high


def _elapsed(ns: int) -> str:
    sign, ns = ("-", -ns) if ns < 0 else ("+", ns)
    seconds, rest = divmod(ns, 10**9)
    days, seconds = divmod(seconds, 86_400)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest // 10**6:03}"
    return f"{sign}{f'{days}d ' if days else ''}{clock}"


@dataclass(slots=True)
class ResultSource:
    """The result of a query; columns as wide as their longest value, within bounds."""

    result: "Result"
    word: str = ""
    narrowest: int = 4
    widest: int = 40

    def columns(self, width: int) -> Sequence[Col]:
        """All columns; room that is left goes to those that are cut, the first ones first."""
        wanted = [self._longest(index) for index in range(len(self.result.names))]
        sizes = [min(self.widest, w) for w in wanted]
        spare = max(0, width - sum(size + 1 for size in sizes) - 5)
        for index, want in enumerate(wanted):
            more = min(want - sizes[index], spare)
            sizes[index], spare = sizes[index] + more, spare - more
        names = self.result.names
        out = [Col(name, name, size) for name, size in zip(names, sizes, strict=True)]
        total = sum(c.width + 1 for c in out) + 5
        if out and total < width:
            out[-1] = Col(out[-1].name, out[-1].title, 0)
        return out

    def _longest(self, index: int) -> int:
        name = self.result.names[index]
        longest = max((len(r[index] or "") for r in self.result.rows[:200]), default=0)
        return max(self.narrowest, longest, len(name))

    def count(self) -> int:
        """Rows kept."""
        return len(self.result.rows)

    def reader(self, first: int, last: int) -> Callable[[], Sequence[object]]:
        """What gives rows of the result."""
        return lambda: self.result.rows[first:last]

    def draw(self, row: object, columns: Sequence[Col]) -> Drawn:
        """A row; what is NULL is told from empty text."""
        values = row if isinstance(row, tuple) else ()
        cells: list[tuple[object, str]] = [
            ("NULL", "dim") if v is None else (v, "") for v in values
        ]
        return Drawn(cells, [("    ", "")], row, self.word)

    def gutter(self, height: int) -> Sequence[Piece]:
        """Nothing beside the thumb."""
        return ()
