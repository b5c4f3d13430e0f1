"""The timeline over all tables: filters, search, histogram, marks, jumps."""

import re
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType
from textual.widget import Widget

from forensic_iso.browse import filters, processes
from forensic_iso.browse import timeline as places
from forensic_iso.browse.filters import Filter, FilterError
from forensic_iso.browse.timeline import Row
from forensic_iso.browse.view import Entry, View
from forensic_iso.case.annotations import Kind
from tui.commands import bindings
from tui.rows import TimelineSource
from tui.safe import Piece
from tui.screens import filter_stack
from tui.screens.page import Page, Table
from tui.widgets.bar import Bar
from tui.widgets.histogram import HistogramView
from tui.widgets.prompt import Ask, Choose
from tui.widgets.timeline import Timeline

if TYPE_CHECKING:
    from forensic_iso.browse.rowset import RowSet

WINDOW_NS = 300 * 10**9
REPAINT_S = 0.05
"""Shortest time between two paints of a filter that is still running."""


class TimelinePage(Page):
    """All rows in order of time."""

    TAB = "timeline"
    PLACES = ("timeline", "filters")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("timeline"), *bindings("filters")]

    def __init__(self) -> None:
        super().__init__()
        self.view = View(0)
        self.source: TimelineSource | None = None
        self._stop = threading.Event()
        self._search_stop = threading.Event()
        self._searched = 0
        self._last_step = 0
        self._typed: list[str] = []
        self._waiting: int | None = None
        self._severe: dict[int, RowSet] = {}
        self._told: tuple[str, str] | None = None
        self._told_at: int | None = None
        self._pending: list[Entry] = []

    def body(self) -> Sequence[Widget]:
        """Filters, histogram, rows."""
        return [
            Bar(id="filters", role="bar"),
            HistogramView(id="histogram"),
            Timeline(id="rows"),
        ]

    def ensure(self) -> TimelineSource:
        """The rows' source; made at the first use, from wherever the screen is asked."""
        if self.source is None:
            case = self.desk.case
            self.view.total = case.total
            self.source = TimelineSource(case, self.view)
        return self.source

    def load(self) -> None:
        """Show the first rows; what takes a scan comes after them."""
        source = self.ensure()
        table = self.table()
        if table._source is None:
            table.show(source)
        table.focus()
        self._paint_filters()
        self.run_worker(self._load_marks, thread=True, group="marks")

    def _load_marks(self) -> None:
        findings = places.of_findings(self.desk.case)
        subjects: dict[str, list[str]] = {}
        marked: set[str] = set()
        for note in self.desk.all_notes():
            if note.kind is Kind.BOOKMARK:
                marked.add(note.subject)
            else:
                subjects.setdefault(note.subject, []).append(note.value)
        rids = places.of_stable_ids(self.desk.case, [*marked, *subjects])
        self.app.call_from_thread(self._got_marks, findings, rids, marked, subjects)

    def _got_marks(
        self,
        findings: list[int],
        rids: dict[int, str],
        marked: set[str],
        subjects: dict[str, list[str]],
    ) -> None:
        source = self.ensure()
        source.findings = findings
        source.marks = sorted(r for r, subject in rids.items() if subject in marked)
        source.notes = {r: "; ".join(subjects[s]) for r, s in rids.items() if s in subjects}
        source.version += 1
        self.table().refresh()

    def refresh_notes(self) -> None:
        """Read the notes again: others may have written."""
        if self.source is None:
            return
        self.run_worker(self._load_marks, thread=True, group="marks")

    # --- state

    @property
    def row(self) -> Row | None:
        """The row under the cursor."""
        row = self.table().current
        return row if isinstance(row, Row) else None

    def on_timeline_moved(self, event: Timeline.Moved) -> None:
        """Tell the place."""
        if self.row is None or self.row.rid != self._told_at:
            self._told = None
        self.paint_state()

    def tell(self, text: str, role: str = "warn") -> None:
        """Say something until the cursor moves."""
        self._told = (text, role)
        self._told_at = self.row.rid if self.row else None
        self.paint_state()

    def paint_state(self) -> None:
        """The line of state: place, rows in view, order, search."""
        table, row = self.table(), self.row
        order = "latest first" if self.view.descending else "earliest first"
        line: list[Piece] = [(f"{table.cursor + 1 if row else 0:,} of {self.view.count:,}", "key")]
        if self.view.filtered:
            line.append((f" (of {self.view.total:,})", "bar"))
        line.append((f"  {order}", "bar"))
        if self.source is not None and self.source.hits is not None:
            share = 100 * self._searched // max(self.view.total, 1)
            done = "" if share >= 100 else f", {share} % searched"
            line.append((f"  {len(self.source.hits):,} hits{done}", "key"))
        if self._told is not None:
            line.append((f"  {self._told[0]}", self._told[1]))
        elif row is not None:
            line.append((f"  {filters.format_ns(row.time_ns)} UTC", "bar"))
            line.append(
                (f"  {self.source.notes[row.rid]}", "mark")
                if self.source and row.rid in self.source.notes
                else ("", "")
            )
        self.say(*line)
        self._histogram().point(row.rid if row else None)

    def _paint_filters(self) -> None:
        line: list[Piece] = [(" filters ", "label")]
        if not self.view.entries:
            line.append(("none: f to add, + and - take the value under the cursor", "dim"))
        for number, entry in enumerate(self.view.entries, 1):
            role = "key" if entry.filter.on else "dim"
            line.append((f" {number}:{'' if entry.filter.on else 'off '}", "dim"))
            line.append((filter_stack.shown(entry), role))
            line.append((f" {filter_stack.counted(entry)} ", "bar"))
        self.query_one("#filters", Bar).show(line)

    # --- filters

    def add_filters(self, added: Sequence[Filter], rows: "RowSet | None" = None) -> None:
        """Put filters on the stack and scan for them, one after the other."""
        self.ensure()
        known = {
            (e.filter.what, e.filter.operator, e.filter.value, e.filter.negative)
            for e in self.view.entries
        }
        for f in added:
            if (f.what, f.operator, f.value, f.negative) in known:
                continue
            entry = Entry(f, rows, self.view.total if rows is not None else 0, self.view.total)
            self.view.entries.append(entry)
            if rows is None:
                self._pending.append(entry)
        self._renew()
        if self._pending:
            self.run_worker(self._work, thread=True, group="filters", exclusive=False)

    def replace_filters(self, wanted: Sequence[Filter]) -> None:
        """Drop all filters and take these."""
        self._stop.set()
        self._stop = threading.Event()
        self._pending.clear()
        self.view.entries.clear()
        self.add_filters(wanted)

    def _work(self) -> None:
        import time

        from forensic_iso.browse import scan

        stop = self._stop
        while self._pending and not stop.is_set():
            entry = self._pending.pop(0)
            last = 0.0

            def tell(found: "RowSet", seen: int, entry: Entry = entry) -> None:
                nonlocal last
                entry.rows, entry.seen = found, seen
                now = time.monotonic()
                if (last == 0.0 or now - last > REPAINT_S) and seen < entry.total:
                    last = now
                    self.app.call_from_thread(self._grow)

            try:
                scan.fill(self.desk.case, entry.filter, stop, self.view.descending, tell=tell)
            except FilterError as e:
                entry.error = str(e)
                entry.rows, entry.seen = None, entry.total
                self.app.call_from_thread(self.tell, str(e), "bad")
            self.app.call_from_thread(self._renew)

    def _grow(self) -> None:
        """A running filter found more."""
        self.view.combine()
        self.table().grown()
        self._paint_filters()
        self.paint_state()

    def _renew(self) -> None:
        """The view changed: the cursor stays on its row, or goes to the next one in time."""
        row = self.row
        self.view.combine()
        self.ensure().version += 1
        table = self.table()
        if self.is_attached and table.size.height:
            table.reset(self.view.position_of(row.rid) if row else 0)
        self._paint_filters()
        self._histogram().count(self.view.members)
        self.paint_state()

    def stack_changed(self) -> None:
        """Filters were switched or taken away by the list of filters."""
        if not self.view.entries:
            self._stop.set()
            self._stop = threading.Event()
        self._renew()

    def action_filter(self) -> None:
        """Ask for filters."""

        def check(typed: str) -> str | None:
            try:
                filters.parse(typed)
            except FilterError as e:
                return str(e)
            return None

        def done(typed: str | None) -> None:
            if typed and typed.strip():
                self._typed.append(typed)
                self.add_filters(filters.parse(typed))

        self.app.push_screen(
            Ask("add filters", filters.HELP, check=check, history=self._typed), done
        )

    def action_value(self, include: int) -> None:
        """Only, or no, rows with the value under the cursor."""
        row, table = self.row, self.table()
        if row is None:
            return
        name = table.shown_columns[table.column].name
        if name == "summary":
            added = Filter("text", "~", row.summary or "", not include)
        elif name in filters.FIELDS:
            value = getattr(row, name)
            added = Filter(name, "=", "" if value is None else str(value), not include)
        else:
            self.tell(f"no filter by {name}: . takes 5 minutes around the row, f a time>=")
            return
        self.add_filters([added])

    def action_window(self) -> None:
        """Five minutes around the row."""
        if (row := self.row) is not None:
            self.add_filters(
                [
                    Filter("time", ">=", str(row.time_ns - WINDOW_NS)),
                    Filter("time", "<=", str(row.time_ns + WINDOW_NS)),
                ]
            )

    def action_range_of_bars(self) -> None:
        """The histogram's range of time."""
        span = self._histogram().span
        if span is None:
            self.tell("no histogram: i shows it")
            return
        self.add_filters([Filter("time", ">=", str(span[0])), Filter("time", "<=", str(span[1]))])

    def action_filter_hits(self) -> None:
        """Only the hits."""
        source = self.ensure()
        if source.hits is None:
            self.tell("no search yet: / searches")
            return
        self.add_filters([Filter("hits", "=", source.word or "search")], source.hits.copy())

    def action_filter_process(self) -> None:
        """Only the row's process and its descendants."""
        row = self.row
        key = processes.of_row(self.desk.case, row) if row else None
        if key is None:
            self.tell("this row names no process that the case knows")
            return
        self.add_filters([Filter("process", "=", key)])

    def action_filter_marks(self) -> None:
        """Only marked rows."""
        from forensic_iso.browse import rowset

        marks = self.ensure().marks
        if not marks:
            self.tell("no marked row: m marks")
            return
        self.add_filters([Filter("marks", "=", str(len(marks)))], rowset.of(self.view.total, marks))

    def action_stack(self) -> None:
        """The list of filters."""
        self.app.push_screen(filter_stack.FilterStack(self))

    def action_clear(self) -> None:
        """All off, or all on again; the row stays."""
        on = not self.view.filtered
        for entry in self.view.entries:
            entry.filter = entry.filter.turned(on)
        self._renew()

    # --- places

    def go_rid(self, rid: int) -> None:
        """Go to a row, or the next one in view."""
        table = self.table()
        table.go(self.view.position_of(min(rid, self.view.total - 1)), center=True)

    def action_goto(self) -> None:
        """Ask for a time, a step or a row."""

        def check(typed: str) -> str | None:
            if filters.parse_step(typed) is not None or re.fullmatch(r"\s*#\d+\s*", typed):
                return None
            try:
                filters.parse_time(typed)
            except FilterError as e:
                return str(e)
            return None

        def done(typed: str | None) -> None:
            if typed is not None:
                self._go_typed(typed)

        start = filters.format_ns(self.row.time_ns, 0) if self.row else ""
        title = "go to (UTC)"
        self.app.push_screen(
            Ask(title, "2024-05-14 08:16   +5m  -2h  +1d   #row", start, check), done
        )

    def _go_typed(self, typed: str) -> None:
        step = filters.parse_step(typed)
        if step is not None:
            self._last_step = step
            self._step(step)
        elif typed.strip().startswith("#"):
            self.go_rid(int(typed.strip()[1:]))
        else:
            self.go_rid(places.at_time(self.desk.case, filters.parse_time(typed)))

    def _step(self, ns: int) -> None:
        if (row := self.row) is None:
            return
        rid = places.at_time(self.desk.case, row.time_ns + ns)
        if ns < 0 and rid >= row.rid:
            rid = max(0, row.rid - 1)
        self.go_rid(rid)

    def action_jump(self, seconds: int) -> None:
        """Some seconds on or back."""
        self._last_step = seconds * 10**9
        self._step(self._last_step)

    def action_repeat_step(self, sign: int) -> None:
        """The last step again."""
        if self._last_step:
            self._step(sign * self._last_step)
        else:
            self.tell("no step yet: : +5m, d, o")

    def _next_of(self, numbers: Sequence[int], by: int, what: str) -> None:
        """Next of some row numbers that is in view."""
        row = self.row
        if row is None:
            return
        forward = (by > 0) != self.view.descending
        at = bisect_right(numbers, row.rid) if forward else bisect_left(numbers, row.rid) - 1
        while 0 <= at < len(numbers):
            if self.view.shows(numbers[at]):
                self.go_rid(numbers[at])
                return
            at += 1 if forward else -1
        self.tell(f"no more {what} in view")

    def action_finding(self, by: int) -> None:
        """Next finding."""
        self._next_of(self.ensure().findings, by, "findings")

    def action_marked(self, by: int) -> None:
        """Next mark."""
        self._next_of(self.ensure().marks, by, "marks")

    def action_severe(self, least: int, by: int) -> None:
        """Next row of a severity."""
        row = self.row
        if row is None:
            return
        found = self._severe_rows(least)
        rid = self.view.step(found, row.rid, by > 0)
        if rid is None:
            self.tell(f"no more rows of severity {filters.SEVERITIES[least]} or more in view")
        else:
            self.go_rid(rid)

    def _severe_rows(self, least: int) -> "RowSet":
        from forensic_iso.browse import scan

        if least not in self._severe:
            f = Filter("severity", ">=", str(least))
            found = scan.fill(self.desk.case, f, threading.Event())
            if found is None:
                raise RuntimeError("a scan that nobody stops ends")
            self._severe[least] = found
        return self._severe[least]

    # --- search

    def action_search(self) -> None:
        """Ask for a text."""

        def check(typed: str) -> str | None:
            try:
                self._as_search(typed)
            except FilterError as e:
                return str(e)
            return None

        def done(typed: str | None) -> None:
            if typed:
                self._typed.append(typed)
                self.search(typed)

        help_text = "text, capitals alike; /regex/; then n and N"
        self.app.push_screen(Ask("search", help_text, check=check, history=self._typed), done)

    def _as_search(self, typed: str) -> Filter:
        if len(typed) > 2 and typed[0] == typed[-1] == "/":
            return filters.parse(typed)[0]
        return Filter("text", "~", typed)

    def search(self, typed: str) -> None:
        """Search from the cursor on; the first hit is gone to as soon as it is found."""
        self._search_stop.set()
        self._search_stop = stop = threading.Event()
        source = self.ensure()
        wanted = self._as_search(typed)
        source.word = "" if wanted.what == "regex" else typed
        source.hits, self._searched, self._waiting = None, 0, 1
        start = self.row.rid if self.row else 0
        backwards = self.view.descending

        def tell(found: "RowSet", seen: int) -> None:
            if not stop.is_set():
                self.app.call_from_thread(self._found, found.copy(), seen, stop)

        def work() -> None:
            from forensic_iso.browse import scan

            try:
                scan.fill(self.desk.case, wanted, stop, backwards, start, tell)
            except FilterError as e:
                self.app.call_from_thread(self.tell, str(e), "bad")

        self.run_worker(work, thread=True, group="search")

    def _found(self, hits: "RowSet", seen: int, stop: threading.Event) -> None:
        if stop.is_set():
            return
        source = self.ensure()
        source.hits, self._searched = hits, seen
        if self._waiting is not None:
            self.action_hit(self._waiting, from_here=True)
        self.table().refresh()
        self.paint_state()

    def set_hits(self, rids: Sequence[int], word: str) -> None:
        """Rows that something else found: shown and walked like hits of a search."""
        from forensic_iso.browse import rowset

        self._search_stop.set()
        source = self.ensure()
        source.hits, source.word = rowset.of(self.desk.case.total, rids), ""
        self._searched, self._waiting = self.view.total, None
        many = "1 row" if len(rids) == 1 else f"{len(rids)} rows, n and N walk them"
        self._told = (f"{word}: {many}, & shows only {'it' if len(rids) == 1 else 'them'}", "good")
        self._told_at = self.row.rid if self.row else None

    def action_hit(self, by: int, from_here: bool = False) -> None:
        """Next hit in view."""
        row, source = self.row, self.ensure()
        if source.hits is None or row is None:
            self.tell("no search yet: / searches")
            return
        if from_here and self.view.shows(row.rid) and row.rid in source.hits:
            self._waiting = None
            return
        rid = self.view.step(source.hits, row.rid, by > 0)
        if rid is not None:
            self._waiting = None
            self.go_rid(rid)
        elif self._searched < self.view.total:
            self._waiting = by
            self.tell("searching")
        else:
            self._waiting = None
            self.tell("no more hits in view" if len(source.hits) else "no hit in the case")

    # --- looks

    def action_sort(self, descending: int) -> None:
        """Earliest or latest first; the row stays."""
        self.view.descending = bool(descending)
        self._renew()

    def action_columns(self) -> None:
        """Choose columns."""
        self.app.push_screen(filter_stack.Columns(self.table(), self.ensure()))

    def _histogram(self) -> HistogramView:
        return self.query_one(HistogramView)

    def action_histogram(self) -> None:
        """Show or hide it."""
        view = self._histogram()
        if view.display:
            view.display = False
        else:
            view.display = True
            self.call_after_refresh(
                view.open,
                self.desk.case,
                self.view.members,
                [(4, self._severe_rows(4)), (2, self._severe_rows(2))],
            )
        self.call_after_refresh(self.paint_state)

    def action_zoom(self, by: int) -> None:
        """Zoom the histogram."""
        if not self._histogram().display:
            self.action_histogram()
            return
        self._histogram().zoom(by)

    def action_bar(self, by: int) -> None:
        """Next bar with rows."""
        rid = self._histogram().step(by)
        if rid is not None:
            self.go_rid(rid)

    def action_elapsed(self) -> None:
        """Times as distances from the cursor's row."""
        source, row = self.ensure(), self.row
        source.elapsed_from = row.time_ns if row and source.elapsed_from is None else None
        self.table().reset()

    def action_facets(self) -> None:
        """Values of the column with counts."""
        table = self.table()
        name = table.shown_columns[table.column].name
        if name not in (*filters.FIELDS, "summary"):
            name = "source"
        from forensic_iso.browse.facets import MOST, facet

        values = facet(self.desk.case, name, self.view.members)
        items = filter_stack.facet_items(values, max(self.view.count, 1))
        cut = f", the first {MOST:,}" if len(values) == MOST else ""

        def done(answer: object) -> None:
            if isinstance(answer, tuple):
                key, value = answer if answer[0] == "delete" else ("", answer)
                text = "" if value[0] is None else str(value[0])
                if name == "summary":
                    self.add_filters([Filter("text", "~", text, key == "delete")])
                else:
                    self.add_filters([Filter(name, "=", text, key == "delete")])

        title = f"{name}: {len(values)} values in {self.view.count:,} rows{cut}"
        self.app.push_screen(
            Choose(title, items, "Enter only this   Del without this   Esc back", ["delete"]), done
        )

    # --- notes

    def action_mark(self) -> None:
        """Bookmark the row or the selection, or not any more."""
        table = self.table()
        for position in table.selected:
            row = table.row(position)
            if isinstance(row, Row):
                there = self.desk.toggle_bookmark(row.stable_id, _about(row))
                marks = set(self.ensure().marks)
                self.ensure().marks = sorted(marks | {row.rid} if there else marks - {row.rid})
        table.selecting = None
        self.ensure().version += 1
        table.refresh()
        table.action_move(1)

    def action_tag(self) -> None:
        """Ask for a tag."""
        if (row := self.row) is not None:
            self.desk.ask_note(Kind.TAG, row.stable_id, _about(row), self.refresh_notes)

    def action_comment(self) -> None:
        """Ask for a comment."""
        if (row := self.row) is not None:
            self.desk.ask_note(Kind.COMMENT, row.stable_id, _about(row), self.refresh_notes)

    # --- out

    def action_select(self) -> None:
        """Begin or end a selection."""
        table = self.table()
        table.selecting = table.cursor if table.selecting is None else None
        table.refresh()
        self.tell(
            "selecting: move, then y copies, m marks; v ends it"
            if table.selecting is not None
            else "selection ended"
        )

    def copied(self) -> str:
        """The selected rows as tab-separated lines, in raw text."""
        table = self.table()
        rows = [table.row(p) for p in table.selected[:10_000]]
        return "\n".join("\t".join(_plain(r)) for r in rows if isinstance(r, Row))

    def action_copy_cell(self) -> None:
        """Copy the cell under the cursor."""
        row, table = self.row, self.table()
        if row is not None:
            value = self.ensure().text(row, table.shown_columns[table.column].name)
            self.desk.copy_text("" if value is None else str(value), "cell")

    def exported(self) -> Table:
        """All rows in view, at most what one file should hold."""
        names = ["rid", "time_utc", "host", "source", "event_id", "kind", "severity", "summary"]
        names += ["source_id", "table_name", "row_address"]
        rows: list[Sequence[object]] = []
        source = self.ensure()
        for first in range(0, min(self.view.count, self.desk.EXPORT_MOST), 10_000):
            for row in source.fetch(
                first, min(first + 10_000, self.view.count, self.desk.EXPORT_MOST)
            ):
                if isinstance(row, Row):
                    rows.append([row.rid, f"{filters.format_ns(row.time_ns, 9)}Z", *row[2:]])
        return names, rows

    def on_timeline_opened(self, event: Timeline.Opened) -> None:
        """Detail of the row."""
        if isinstance(event.payload, Row):
            self.desk.open_row(event.payload, self)

    def action_process_of_row(self) -> None:
        """Tree around the row's process."""
        row = self.row
        key = processes.of_row(self.desk.case, row) if row else None
        if key is None:
            self.tell("this row names no process that the case knows")
        else:
            self.desk.open_process(key)


def _about(row: Row) -> str:
    return f"{filters.format_ns(row.time_ns)} UTC {row.host or ''} {row.source or ''} {row.summary or ''}"


def _plain(row: Row) -> list[str]:
    values = [f"{filters.format_ns(row.time_ns)}Z", *row[2:]]
    return ["" if v is None else str(v) for v in values]
