"""The timeline as its parts see it: what is in view, where the cursor stands, what is said of it."""

from collections.abc import Callable
from typing import TypeVar

import duckdb
from textual.screen import ModalScreen

from forensic_iso.browse.case import Case
from forensic_iso.browse.filters import FilterError
from forensic_iso.browse.timeline import Row
from forensic_iso.browse.view import View
from tui.desk.faults import told, unread
from tui.keys import keys_of_name
from tui.rows import TimelineSource
from tui.safe import Piece
from tui.screens.page import SHORT_BELOW, Page
from tui.timeline import status
from tui.widgets.bar import Bar
from tui.widgets.histogram import HistogramView
from tui.widgets.timeline import Timeline

Answer = TypeVar("Answer")


class Stage:
    """View and source of the rows, and the drawing of what follows from them.

    `search_state` gives what the line of state says of the search.
    """

    def __init__(self, page: Page) -> None:
        self._page = page
        self._told = status.Told()
        self.view = View(0)
        self.source: TimelineSource | None = None
        self.search_state: Callable[[TimelineSource], list[Piece]] = lambda source: []

    @property
    def case(self) -> Case:
        """The case."""
        return self._page.desk.case

    @property
    def row(self) -> Row | None:
        """The row under the cursor."""
        row = self.table().current
        return row if isinstance(row, Row) else None

    @property
    def column(self) -> str:
        """Name of the column under the cursor."""
        table = self.table()
        return table.shown_columns[table.column].name

    def table(self) -> Timeline:
        """The table."""
        return self._page.table()

    def histogram(self) -> HistogramView:
        """The histogram, shown or not."""
        return self._page.query_one(HistogramView)

    def ensure(self) -> TimelineSource:
        """The rows' source; made at the first use, from wherever the screen is asked."""
        if self.source is None:
            self.view.total = self.case.total
            self.source = TimelineSource(self.case, self.view)
        return self.source

    # --- asking, and other threads

    def ask(self, question: ModalScreen[Answer], done: Callable[[Answer | None], None]) -> None:
        """Ask the user; `done` gets the answer, None where there is none."""

        def guarded(answer: Answer | None) -> None:
            with told(self._page.desk):
                done(answer)

        self._page.app.push_screen(question, guarded)

    def background(self, work: Callable[[], None], group: str) -> None:
        """Run in a thread of its own; what the case refuses is told."""

        def guarded() -> None:
            try:
                work()
            except duckdb.Error as e:
                self.on_screen(self.tell, unread(e), "bad")

        self._page.run_worker(guarded, thread=True, group=group)

    def on_screen(self, call: Callable[..., None], *arguments: object) -> None:
        """Call on the screen's thread, from another one, and wait."""
        self._page.desk.call_from_thread(call, *arguments)

    def after_refresh(self, call: Callable[..., None], *arguments: object) -> None:
        """Call when the screen is drawn anew."""
        self._page.call_after_refresh(call, *arguments)

    # --- saying and drawing

    def tell(self, text: str, role: str = "warn") -> None:
        """Say something until the cursor moves."""
        self._told.tell(text, role, self.row)
        self.paint_state()

    def hush(self) -> None:
        """What was said is over."""
        self._told.clear()
        self.paint_state()

    def moved(self) -> None:
        """The cursor stands elsewhere, or the rows are others."""
        self._told.at(self.row)
        self.paint_state()

    def paint_state(self) -> None:
        """The line of state: place, rows in view, order, search."""
        row, source = self.row, self.source
        hits = self.search_state(source) if source is not None else []
        told = self._told.state()
        said = told or status.of_row(row, source, self.view)
        narrow = self._page.size.width < SHORT_BELOW
        short = bool(told) or (narrow and bool(hits))
        place = status.place(self.view, self.table().cursor, row, short)
        self._page.say(*place, *([] if narrow and told else hits), *said)
        self.histogram().point(row.rid if row else None)

    def paint_filters(self) -> None:
        """The line of filters."""
        bar = self._page.query_one("#filters", Bar)
        keys = keys_of_name("stack", self._page.desk.remapped)
        bar.show(status.filters_line(self.view.entries, self._page.size.width, keys))

    def grown(self) -> None:
        """A running filter found more."""
        self.view.combine()
        self.table().grown()
        self.paint_filters()
        self.paint_state()

    def renew(self, rid: int | None = None) -> None:
        """The view changed: the cursor stays on its row (or goes to `rid`), or to the next one in time."""
        if rid is None and (row := self.row) is not None:
            rid = row.rid
        self._told.clear()
        self.view.combine()
        self.ensure().version += 1
        table = self.table()
        if self._page.is_attached and table.size.height:
            table.reset(0 if rid is None else self.view.position_of(rid))
        self.paint_filters()
        self.histogram().count(self.view.members)
        self.paint_state()

    def redraw(self) -> None:
        """The rows are the same, and look otherwise."""
        self._told.clear()
        self.table().reset()

    def go_rid(self, rid: int) -> None:
        """Go to a row, or the next one in view."""
        position = self.view.position_of(min(rid, self.view.total - 1))
        self.table().go(position, center=True)


def fault_of(parse: Callable[[str], object]) -> Callable[[str], str | None]:
    """What is wrong with a typed text by a parser of filters: None where it is good."""

    def check(typed: str) -> str | None:
        try:
            parse(typed)
        except FilterError as e:
            return str(e)
        return None

    return check
