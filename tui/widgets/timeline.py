"""A table of any number of rows: draws the visible page only, reads it by row number."""

from collections.abc import Sequence

from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.commands import bindings
from tui.pause import collect_if_due
from tui.safe import strip
from tui.widgets.blocks import BLOCK, Blocks, Unread
from tui.widgets.grid import Grid, grid, gutter
from tui.widgets.source import Col, Source

SIDE_STEP = 16
HEADER = 1


class Timeline(ScrollView, can_focus=True, inherit_bindings=False):
    """Header, rows, and a scroll bar of its own that shows hits, marks and findings."""

    BINDINGS = bindings("lists")

    class Moved(Message):
        """The cursor stands elsewhere."""

        def __init__(self, table: "Timeline") -> None:
            super().__init__()
            self.table = table

        @property
        def control(self) -> "Timeline":
            """The table."""
            return self.table

    class Opened(Message):
        """The row under the cursor was opened."""

        def __init__(self, table: "Timeline", payload: object) -> None:
            super().__init__()
            self.table, self.payload = table, payload

        @property
        def control(self) -> "Timeline":
            """The table."""
            return self.table

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._blocks = Blocks()
        self._columns: Sequence[Col] = ()
        self._laid_out: Grid | None = None
        self.cursor = 0
        self.column = 0
        self.selecting: int | None = None
        self._shift = 0

    # --- rows

    @property
    def blank(self) -> bool:
        """Whether it was given no source yet."""
        return self._blocks.source is None

    def show(self, source: Source, cursor: int = 0, column: int | None = None) -> None:
        """Show a source from a position on."""
        self._blocks.source = source
        self._shift = 0
        self.reset(cursor)
        if column is not None:
            self.column = max(0, min(column, len(self._columns) - 1))

    def reset(self, cursor: int | None = None) -> None:
        """Read anew: another filter, order or set of columns."""
        self._blocks.clear()
        self._measure()
        if cursor is not None:
            self.selecting = None
            self.cursor = max(0, min(cursor, self.count - 1))
        self.cursor = max(0, min(self.cursor, self.count - 1))
        self._follow(center=cursor is not None)
        self.refresh()
        self.post_message(self.Moved(self))

    def grown(self) -> None:
        """More rows came at the end: what is on the screen stays."""
        self._blocks.grown()
        self._measure()
        self.refresh()

    @property
    def count(self) -> int:
        """Rows there are."""
        return self._blocks.count

    def row(self, position: int) -> object | None:
        """The row at a position."""
        return self._blocks.row(position)

    @property
    def current(self) -> object | None:
        """The row under the cursor."""
        return self.row(self.cursor)

    @property
    def selected(self) -> range:
        """Positions of the selection; the cursor's alone where there is none."""
        other = self.cursor if self.selecting is None else self.selecting
        return range(min(other, self.cursor), max(other, self.cursor) + 1)

    def _page_shown(self, by: int) -> None:
        """Do what the next page would wait for, while this one is looked at."""
        self._read_ahead(by)
        collect_if_due()

    def _read_ahead(self, by: int) -> None:
        """Read the rows of the next page in the same direction."""
        first = max(0, self._top + (self.page if by > 0 else -self.page))
        last = first + self.page - 1
        asked = [self._blocks.ahead(position) for position in (*range(first, last, BLOCK), last)]
        wanted = [ahead for ahead in asked if ahead is not None]
        if not wanted:
            return

        def work() -> None:
            for ahead in wanted:
                self.call_later(self._blocks.take, ahead, ahead.read())

        # A failure is not told here: the page that shows these rows reads them again, and tells.
        self.run_worker(work, thread=True, group="ahead", exit_on_error=False)

    # --- drawing

    def _measure(self) -> None:
        if self._blocks.source is not None:
            self._columns = self._blocks.source.columns(self.size.width)
        self.column = max(0, min(self.column, len(self._columns) - 1))
        self.virtual_size = Size(self.size.width, self.count + HEADER)
        self._laid_out = None

    def _grid(self) -> Grid:
        made, width = self._laid_out, self.size.width
        if made is None or (made.width, made.column) != (width, self.column):
            made = self._laid_out = grid(self._columns, width, self.column)
        return made

    @property
    def _top(self) -> int:
        return int(self.scroll_offset.y)

    @property
    def page(self) -> int:
        """Rows on the screen."""
        return max(1, self.size.height - HEADER)

    @property
    def shown_columns(self) -> Sequence[Col]:
        """Columns on the screen."""
        return self._columns

    def on_resize(self, event: events.Resize) -> None:
        """Fit the columns."""
        self._measure()
        self._follow()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        palette = str(getattr(self.app, "palette_name", "dark"))
        width, source = self.size.width, self._blocks.source
        if source is None:
            return strip((), width, palette)
        if y < HEADER:
            return strip(self._grid().header(self.has_focus), width, palette)
        y -= HEADER
        position = y + self._top
        beside = gutter(source.gutter(self.page), y, self._top, self.page, self.count)
        row = self.row(position)
        if row is None:
            return strip([(" " * (width - 1), ""), beside], width, palette)
        if isinstance(row, Unread):
            unread = [(f"    row {position + 1:,} cannot be read: {row.why}", "bad")]
            body = strip(unread, width - 1, palette, self._under(position))
            return Strip.join([body, strip([beside], 1, palette)])
        line = self._grid().line(
            source.draw(row, self._columns), self._shift, position == self.cursor
        )
        body = strip(line, width - 1, palette, self._under(position))
        return Strip.join([body, strip([beside], 1, palette)])

    def _under(self, position: int) -> str:
        """What lies under a row: the cursor, the selection, nothing."""
        if position == self.cursor:
            return "cursor"
        return "cell" if self.selecting is not None and position in self.selected else ""

    # --- moving

    def _follow(self, center: bool = False, wanted: int | None = None) -> None:
        """Scroll so that the cursor is seen; `wanted`: the first row then, if that shows it."""
        top = want = self._top
        if wanted is not None and wanted <= self.cursor < wanted + self.page:
            want = wanted
        elif self.cursor < top or self.cursor >= top + self.page:
            want = self.cursor if self.cursor < top else self.cursor - self.page + 1
            if center:
                want = self.cursor - self.page // 3
        want = max(0, min(want, self.count - self.page))
        if want != top:
            self.scroll_to(y=want, animate=False, force=True, immediate=True)

    def go(self, position: int, center: bool = False, top: int | None = None) -> None:
        """Put the cursor on a row; `top`: the first row on the screen then."""
        wanted = top
        position = max(0, min(position, self.count - 1))
        if position == self.cursor:
            return
        old, before = self.cursor, self._top
        self.cursor = position
        self._follow(center, wanted)
        top = self._top
        if top == before and self.selecting is None:
            for line in (old, position):
                self.refresh(Region(0, line - top + HEADER, self.size.width, 1))
        else:
            self.refresh()
        if top != before:
            self.call_after_refresh(self._page_shown, top - before)
        self.post_message(self.Moved(self))

    def action_move(self, by: int) -> None:
        """Some rows on."""
        self.go(self.cursor + by)

    def action_page(self, by: int) -> None:
        """A page on: all rows of the screen are others, the cursor keeps its line."""
        self._turn(by * self.page)

    def action_half(self, by: int) -> None:
        """Half a page on."""
        self._turn(by * max(1, self.page // 2))

    def _turn(self, by: int) -> None:
        """Rows and cursor together."""
        last = max(0, self.count - self.page)
        self.go(self.cursor + by, top=max(0, min(self._top + by, last)))

    def action_edge(self, end: int) -> None:
        """First or last row."""
        self.go(self.count - 1 if end else 0)

    def action_side(self, by: int) -> None:
        """Next column; in the last one its text moves."""
        last = len(self._columns) - 1
        if self.column == last and (by > 0 or self._shift > 0):
            self._shift = max(0, self._shift + by * SIDE_STEP)
        else:
            self.column = max(0, min(last, self.column + by))
        self.refresh()
        self.post_message(self.Moved(self))

    def action_open(self) -> None:
        """Open the row under the cursor."""
        row = self.current
        if row is not None:
            self.post_message(self.Opened(self, row))

    def on_click(self, event: events.Click) -> None:
        """The mouse: a row, the header's column, or a place of the scroll bar."""
        if event.x >= self.size.width - 1 and event.y >= HEADER:
            self.go((event.y - HEADER) * self.count // self.page)
            return
        if (column := self._grid().column_at(event.x)) is not None:
            self.column = column
        if event.y >= HEADER:
            position = event.y - HEADER + self._top
            if position == self.cursor:
                self.action_open()
            elif position < self.count:
                self.go(position)
        self.refresh()
