"""A table of any number of rows: draws the visible page only, reads it by row number."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.commands import bindings
from tui.safe import Piece, clean, fit, split_hit, strip

BLOCK, KEPT = 128, 48
"""Rows read at once, and blocks kept."""

SIDE_STEP = 16
HEADER = 1
SIGNS = 4
"""Cells before the first column: mark, hit, severity, a blank."""


@dataclass(frozen=True, slots=True)
class Col:
    """A column: its name in the source, its title, its width in cells (0: what is left)."""

    name: str
    title: str
    width: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """A row ready to draw: a text and role for each column, signs before it, a word to show as hits, a payload."""

    cells: Sequence[tuple[object, str]]
    signs: Sequence[Piece]
    payload: object
    word: str = ""


class Source(Protocol):
    """Where a table's rows come from."""

    def columns(self, width: int) -> Sequence[Col]:
        """Columns for a width of the screen."""
        ...

    def count(self) -> int:
        """Rows there are."""
        ...

    def fetch(self, first: int, last: int) -> Sequence[object]:
        """Rows at positions first <= p < last."""
        ...

    def draw(self, row: object, columns: Sequence[Col]) -> Drawn:
        """A row as it is shown now."""
        ...

    def gutter(self, height: int) -> Sequence[Piece]:
        """What the scroll bar shows beside its thumb, one sign for each line."""
        ...


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
        self._source: Source | None = None
        self._blocks: OrderedDict[int, Sequence[object]] = OrderedDict()
        self._columns: Sequence[Col] = ()
        self.cursor = 0
        self.column = 0
        self.selecting: int | None = None
        self._shift = 0

    def show(self, source: Source, cursor: int = 0, column: int | None = None) -> None:
        """Show a source from a position on."""
        self._source = source
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
        last = max(self._blocks, default=-1)
        for number in [n for n, rows in self._blocks.items() if len(rows) < BLOCK or n == last]:
            del self._blocks[number]
        self._measure()
        self.refresh()

    def _measure(self) -> None:
        if self._source is not None:
            self._columns = self._source.columns(self.size.width)
        self.column = max(0, min(self.column, len(self._columns) - 1))
        self.virtual_size = Size(self.size.width, self.count + HEADER)

    @property
    def count(self) -> int:
        """Rows there are."""
        return 0 if self._source is None else self._source.count()

    @property
    def page(self) -> int:
        """Rows on the screen."""
        return max(1, self.size.height - HEADER)

    @property
    def shown_columns(self) -> Sequence[Col]:
        """Columns on the screen."""
        return self._columns

    def row(self, position: int) -> object | None:
        """The row at a position."""
        if self._source is None or not 0 <= position < self.count:
            return None
        number = position // BLOCK
        block = self._blocks.get(number)
        if block is None or position % BLOCK >= len(block):
            block = self._source.fetch(number * BLOCK, min((number + 1) * BLOCK, self.count))
            self._blocks[number] = block
            while len(self._blocks) > KEPT:
                self._blocks.popitem(last=False)
        self._blocks.move_to_end(number)
        return block[position % BLOCK] if position % BLOCK < len(block) else None

    @property
    def current(self) -> object | None:
        """The row under the cursor."""
        return self.row(self.cursor)

    @property
    def selected(self) -> range:
        """Positions of the selection; the cursor's alone where there is none."""
        other = self.cursor if self.selecting is None else self.selecting
        return range(min(other, self.cursor), max(other, self.cursor) + 1)

    def on_resize(self, event: events.Resize) -> None:
        """Fit the columns."""
        self._measure()
        self._follow()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        palette = str(getattr(self.app, "palette_name", "dark"))
        width = self.size.width
        if self._source is None:
            return strip((), width, palette)
        widths = self._widths(width)
        if y < HEADER:
            return strip(self._header(widths), width, palette)
        position = y - HEADER + int(self.scroll_offset.y)
        gutter = self._gutter(y - HEADER)
        row = self.row(position)
        if row is None:
            return strip([(" " * (width - 1), ""), gutter], width, palette)
        drawn = self._source.draw(row, self._columns)
        under = "cursor" if position == self.cursor else ""
        if self.selecting is not None and position in self.selected and not under:
            under = "cell"
        body = strip(self._pieces(drawn, widths, position), width - 1, palette, under)
        return Strip.join([body, strip([gutter], 1, palette)])

    def _pieces(self, drawn: Drawn, widths: Sequence[int], position: int) -> list[Piece]:
        pieces: list[Piece] = list(drawn.signs)
        begin = self._begin(widths)
        for index, ((value, role), width) in enumerate(zip(drawn.cells, widths, strict=True)):
            if index < begin:
                continue
            last = index == len(widths) - 1
            text = clean(value)[self._shift :] if last and self._shift else value
            shown = fit(text, width)
            if position == self.cursor and index == self.column:
                pieces.append((shown, "cell"))
            else:
                pieces += split_hit(shown, drawn.word, role)
            pieces.append((" ", role))
        return pieces

    def _header(self, widths: Sequence[int]) -> list[Piece]:
        out: list[Piece] = [(" " * SIGNS, "column")]
        begin = self._begin(widths)
        for index, (col, width) in enumerate(zip(self._columns, widths, strict=True)):
            if index < begin:
                continue
            role = "column_on" if index == self.column and self.has_focus else "column"
            out += [(fit(col.title, width), role), (" ", "column")]
        return [*out, (" " * 8, "column")]

    def _widths(self, width: int) -> list[int]:
        fixed = sum(c.width for c in self._columns) + len(self._columns)
        rest = max(8, width - SIGNS - 1 - fixed)
        return [c.width or rest for c in self._columns]

    def _begin(self, widths: Sequence[int]) -> int:
        """First column drawn, so that the cursor's column is on the screen."""
        begin = 0
        room = self.size.width - SIGNS - 1
        while begin < self.column and sum(w + 1 for w in widths[begin : self.column + 1]) > room:
            begin += 1
        return begin

    def _gutter(self, y: int) -> Piece:
        height = self.page
        source = self._source
        signs = source.gutter(height) if source is not None else ()
        top, count = int(self.scroll_offset.y), max(self.count, 1)
        first = top * height // count
        last = max(first + 1, -(-min(top + height, count) * height // count))
        in_thumb = first <= y < last and self.count > height
        if y < len(signs) and str(signs[y][0]) != " ":
            return signs[y]
        return ("┃", "thumb") if in_thumb else ("│", "track")

    def _follow(self, center: bool = False) -> None:
        """Scroll so that the cursor is seen."""
        top = int(self.scroll_offset.y)
        want = top
        if self.cursor < top or self.cursor >= top + self.page:
            want = self.cursor if self.cursor < top else self.cursor - self.page + 1
            if center:
                want = self.cursor - self.page // 3
        want = max(0, min(want, self.count - self.page))
        if want != top:
            self.scroll_to(y=want, animate=False, force=True, immediate=True)

    def go(self, position: int, center: bool = False) -> None:
        """Put the cursor on a row."""
        position = max(0, min(position, self.count - 1))
        if position == self.cursor:
            return
        old, before = self.cursor, int(self.scroll_offset.y)
        self.cursor = position
        self._follow(center)
        top = int(self.scroll_offset.y)
        if top == before and self.selecting is None:
            for line in (old, position):
                self.refresh(Region(0, line - top + HEADER, self.size.width, 1))
        else:
            self.refresh()
        self.post_message(self.Moved(self))

    def action_move(self, by: int) -> None:
        """Some rows on."""
        self.go(self.cursor + by)

    def action_page(self, by: int) -> None:
        """A page on."""
        self.go(self.cursor + by * self.page)

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
        if (column := self._column_at(event.x)) is not None:
            self.column = column
        if event.y >= HEADER:
            position = event.y - HEADER + int(self.scroll_offset.y)
            if position == self.cursor:
                self.action_open()
            elif position < self.count:
                self.go(position)
        self.refresh()

    def _column_at(self, x: int) -> int | None:
        at = SIGNS
        widths = self._widths(self.size.width)
        begin = self._begin(widths)
        for index, width in enumerate(widths):
            if index < begin:
                continue
            if at <= x <= at + width:
                return index
            at += width + 1
        return None
