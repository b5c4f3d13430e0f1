"""The timeline over all tables: what its keys do, each handed to the part that owns it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType
from textual.widget import Widget

from forensic_iso.browse import processes
from forensic_iso.browse.filters import Filter
from forensic_iso.browse.timeline import Row
from forensic_iso.browse.view import View
from forensic_iso.case.annotations import Kind
from tui.commands import bindings
from tui.rows import TimelineSource
from tui.screens.columns import Columns
from tui.screens.filter_stack import FilterStack
from tui.screens.page import NotNow, Page, Table
from tui.timeline import facets, out, suggest
from tui.timeline.filtering import Filtering
from tui.timeline.jumps import Jumps
from tui.timeline.looks import Looks
from tui.timeline.marks import Marks
from tui.timeline.search import Search
from tui.timeline.stage import Stage
from tui.widgets.bar import Bar
from tui.widgets.histogram import HistogramView
from tui.widgets.timeline import Timeline

if TYPE_CHECKING:
    from forensic_iso.browse.rowset import RowSet


WARM_S = 0.3
"""After this long, what the first filter needs is loaded: the first rows are on the screen by then."""


def _warm() -> None:
    import forensic_iso.browse.scan  # noqa: F401


class TimelinePage(Page):
    """All rows in order of time."""

    TAB = "timeline"
    PLACES = ("timeline", "filters")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("timeline"), *bindings("filters")]

    def __init__(self) -> None:
        super().__init__()
        self._stage = stage = Stage(self)
        typed: list[str] = []
        self._search = Search(stage, typed)
        self._filtering = Filtering(stage, typed)
        self._jumps = Jumps(stage)
        self._looks = Looks(stage, self._jumps.severe)
        self._marks = Marks(stage)

    def body(self) -> Sequence[Widget]:
        """Filters, histogram, rows."""
        return [
            Bar(id="filters", role="bar"),
            HistogramView(id="histogram"),
            Timeline(id="rows"),
        ]

    def frame(self) -> None:
        """Draw tabs, filters and keys."""
        super().frame()
        self._stage.paint_filters()

    def load(self) -> None:
        """Show the first rows; what takes a scan comes after them."""
        source, table = self._stage.ensure(), self.table()
        if table.blank:
            table.show(source)
        table.focus()
        self._stage.paint_filters()
        self._marks.load(self.desk.notes)
        self.set_timer(WARM_S, lambda: self._stage.background(_warm, "warm"))

    def refresh_notes(self) -> None:
        """Read the notes again: others may have written."""
        if self.source is not None:
            self._marks.load(self.desk.notes)

    def on_timeline_moved(self, event: Timeline.Moved) -> None:
        """Tell the place."""
        self._stage.moved()

    def on_timeline_opened(self, event: Timeline.Opened) -> None:
        """Detail of the row."""
        if isinstance(event.payload, Row):
            self.desk.open_row(event.payload, self)

    # --- what other screens ask for

    @property
    def view(self) -> View:
        """What is in view."""
        return self._stage.view

    @property
    def source(self) -> TimelineSource | None:
        """The rows' source, once it was needed."""
        return self._stage.source

    @property
    def row(self) -> Row | None:
        """The row under the cursor."""
        return self._stage.row

    def tell(self, text: str, role: str = "warn") -> None:
        """Say something until the cursor moves."""
        self._stage.tell(text, role)

    def wait(self, text: str) -> None:
        """Say what is waited for."""
        self._stage.tell(text)

    def waited(self) -> None:
        """The message is over."""
        self._stage.hush()

    def add_filters(self, added: Sequence[Filter], rows: "RowSet | None" = None) -> None:
        """Put filters on the stack and scan for them; `rows`: what they give, where known."""
        self._stage.ensure()
        self._filtering.add(added, rows)

    def only_filter(self, wanted: Filter) -> None:
        """Switch the other filters off, and this one on."""
        self._stage.ensure()
        self._filtering.only(wanted)

    def replace_filters(self, wanted: Sequence[Filter]) -> None:
        """Drop all filters and take these."""
        self._filtering.replace(wanted)

    def edit_filter(self, at: int) -> None:
        """Type another filter in place of one."""
        self._filtering.edit(at)

    def halt(self) -> bool:
        """End what is asked, searched or filtered; False where nothing is."""
        if super().halt():
            return True
        searched, filtered = self._search.halt(), self._filtering.halt()
        if filtered:
            self.tell("stopped; the filter is off: s and Enter there scan for it anew")
        return searched or filtered

    def end(self) -> None:
        """Search and filters do not go on."""
        self._search.end()
        self._filtering.end()

    def stack_changed(self) -> None:
        """Filters were switched or taken away by the list of filters."""
        self._filtering.changed()

    def arrive(self, what: str, rids: Sequence[int], wanted: int, only: bool = False) -> None:
        """Show rows that something else found as hits, and stand on one of them; `only`: hide the others."""
        self.load()
        self._search.show(rids, what)
        hidden = not self.view.shows(wanted)
        self._stage.go_rid(wanted)
        self._search.show(rids, what)
        if hidden:
            self.tell(f"{what}: the filters hide its first row; \\ switches them off")
        self.table().refresh()
        self._stage.paint_state()
        if only:
            self.action_filter_hits()

    def go_row(self, rid: int) -> None:
        """Stand on a row, or the next one in view."""
        self._stage.go_rid(rid)

    # --- filters

    def action_filter(self) -> None:
        """Ask for filters."""
        self._filtering.ask()

    def _filter_by(self, suggested: Callable[[], suggest.Suggestion]) -> None:
        try:
            made = suggested()
        except suggest.NothingToFilter as e:
            self.tell(str(e))
        else:
            self.add_filters(made.filters, made.rows)

    def action_value(self, include: int) -> None:
        """Only, or no, rows with the value under the cursor."""
        if (row := self.row) is not None:
            self._filter_by(lambda: suggest.by_value(row, self._stage.column, bool(include)))

    def action_window(self) -> None:
        """Five minutes around the row."""
        if (row := self.row) is not None:
            self._filter_by(lambda: suggest.around(row))

    def action_range_of_bars(self) -> None:
        """The histogram's range of time."""
        self._filter_by(lambda: suggest.by_bars(self._stage.histogram().span))

    def action_filter_hits(self) -> None:
        """Only the hits."""
        self._filter_by(lambda: suggest.by_hits(self._stage.ensure()))

    def action_filter_process(self) -> None:
        """Only the row's process and its descendants."""
        self._with_process(lambda key: self.add_filters([Filter("process", "=", key)]))

    def _with_process(self, use: Callable[[str], None]) -> None:
        """Use the key of the row's process."""
        row, case = self.row, self._stage.case
        if row is None:
            return

        def done(key: str | None) -> None:
            if key is None:
                self.tell(suggest.NO_PROCESS)
            else:
                use(key)

        self.desk.asking.ask("process of the row", lambda: processes.of_row(case, row), done)

    def action_filter_marks(self) -> None:
        """Only marked rows."""
        self._filter_by(lambda: suggest.by_marks(self._stage.ensure(), self.view))

    def action_stack(self) -> None:
        """The list of filters."""
        self.app.push_screen(FilterStack(self))

    def action_clear(self) -> None:
        """All off, or all on again; the row stays."""
        self._filtering.turn_all()

    # --- places

    def action_goto(self) -> None:
        """Ask for a time, a step or a row."""
        self._jumps.ask()

    def action_jump(self, seconds: int) -> None:
        """Some seconds on or back."""
        self._jumps.step(seconds * 10**9)

    def action_repeat_step(self, sign: int) -> None:
        """The last step again."""
        self._jumps.repeat(sign)

    def action_finding(self, by: int) -> None:
        """Next finding."""
        self._jumps.next_of(self._stage.ensure().findings, by, "findings")

    def action_marked(self, by: int) -> None:
        """Next mark."""
        self._jumps.next_of(self._stage.ensure().marks, by, "marks")

    def action_severe(self, least: int, by: int) -> None:
        """Next row of a severity."""
        self._jumps.next_severe(least, by)

    def action_search(self) -> None:
        """Ask for a text."""
        self._search.ask()

    def action_hit(self, by: int) -> None:
        """Next hit in view."""
        self._search.step(by)

    # --- looks

    def action_sort(self, descending: int) -> None:
        """Earliest or latest first; the row stays."""
        self._looks.sort(bool(descending))

    def action_columns(self) -> None:
        """Choose columns."""
        self.app.push_screen(Columns(self, self._stage.ensure()))

    def _histogram(self) -> HistogramView:
        return self._stage.histogram()

    def action_histogram(self) -> None:
        """Show or hide it."""
        self._looks.histogram()

    def action_zoom(self, by: int) -> None:
        """Zoom the histogram."""
        self._looks.zoom(by)

    def action_bar(self, by: int) -> None:
        """Next bar with rows."""
        self._looks.bar(by)

    def action_elapsed(self) -> None:
        """Times as distances from the cursor's row."""
        self._looks.elapsed()

    def action_facets(self) -> None:
        """Values of the column with counts."""
        facets.ask(self._stage, self.desk.asking, self._filtering.add)

    # --- notes

    def action_mark(self) -> None:
        """Bookmark the row or the selection, or not any more."""
        self._marks.toggle(self.desk.notes)

    def action_tag(self) -> None:
        """Ask for a tag."""
        self._marks.note(self.desk.notes, Kind.TAG)

    def action_comment(self) -> None:
        """Ask for a comment."""
        self._marks.note(self.desk.notes, Kind.COMMENT)

    # --- out

    def action_select(self) -> None:
        """Begin or end a selection."""
        table = self.table()
        begun = table.selecting is None
        table.selecting = table.cursor if begun else None
        table.refresh()
        self.tell(
            "selecting: move, then y copies, m marks, t tags; v ends it"
            if begun
            else "selection ended"
        )

    def copied(self) -> str:
        """The selected rows as tab-separated lines, in raw text.

        Raises:
            NotNow: they are too many.
        """
        rows = len(self.table().selected)
        if rows > out.COPIED_MOST:
            most = f"at most {out.COPIED_MOST:,} go to the clipboard; x writes the view to a file"
            raise NotNow(f"{rows:,} rows selected: {most}")
        return out.copied(self.table())

    def action_copy_cell(self) -> None:
        """Copy the cell under the cursor."""
        if (row := self.row) is not None:
            value = self._stage.ensure().text(row, self._stage.column)
            self.desk.copy_text("" if value is None else str(value), "cell")

    def exporter(self) -> Callable[[], Table]:
        """All rows in view now."""
        if not self.view.complete:
            raise NotNow("a filter is still running: export when it has ended, or Esc stops it")
        as_now = TimelineSource(self._stage.case, replace(self.view, entries=[]))
        return lambda: Table(out.NAMES, out.batches(as_now))

    def action_process_of_row(self) -> None:
        """Tree around the row's process."""
        self._with_process(self.desk.open_process)
