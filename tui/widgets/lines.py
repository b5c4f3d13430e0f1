"""A list of styled lines with a cursor: what every screen but the timeline is made of."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.commands import bindings
from tui.safe import Line, Piece, clean, fold, hits_in, strip

SIDE_STEP = 16
"""Cells that a line moves sideways at once."""


@dataclass(frozen=True, slots=True)
class Item:
    """One entry. `payload` is what opening it means; `hang` indents the lines it is broken into; `wrap` breaks it."""

    line: Line
    payload: object = None
    hang: int = 0
    wrap: bool = True

    @property
    def is_heading(self) -> bool:
        """Whether a section begins here."""
        return bool(self.line) and self.line[0][1] == "head"

    @property
    def plain(self) -> str:
        """Its text, made inert."""
        return "".join(clean(text) for text, _ in self.line)


def item(*pieces: Piece, payload: object = None, hang: int = 0, wrap: bool = True) -> Item:
    """An entry of pieces."""
    return Item(pieces, payload, hang, wrap)


def heading(text: object, note: object = "") -> Item:
    """A heading, with a remark behind it."""
    return Item(((text, "head"), ("  ", ""), (note, "dim")))


class Lines(ScrollView, can_focus=True, inherit_bindings=False):
    """Entries one below the other; Enter opens, the mouse works too."""

    BINDINGS = bindings("lists", "sections")

    class Opened(Message):
        """An entry was opened."""

        def __init__(self, lines: "Lines", index: int, opened: Item) -> None:
            super().__init__()
            self.lines, self.index, self.item = lines, index, opened

        @property
        def control(self) -> "Lines":
            """The list."""
            return self.lines

    class Moved(Message):
        """The cursor stands on another entry."""

        def __init__(self, lines: "Lines", index: int) -> None:
            super().__init__()
            self.lines, self.index = lines, index

        @property
        def control(self) -> "Lines":
            """The list."""
            return self.lines

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.items: list[Item] = []
        self.cursor = 0
        self._laid: list[tuple[int, list[Piece] | Line]] = []
        self._first: list[int] = []
        self._width = 0
        self._shift = 0
        self.word = ""  # what was searched for, shown as a hit wherever it stands

    @property
    def current(self) -> Item | None:
        """The entry under the cursor."""
        return self.items[self.cursor] if self.cursor < len(self.items) else None

    def show(self, items: Sequence[Item], cursor: int | None = None) -> None:
        """Put these entries in place of what is there."""
        self.items = list(items)
        wanted = self.cursor if cursor is None else cursor
        self.cursor = max(0, min(wanted, len(self.items) - 1))
        self._shift = 0
        self._lay_out()
        self._follow()

    @property
    def _room(self) -> int:
        """Cells of a line beside the scroll bar, whose place is kept free: it hides no character."""
        return max(self.scrollable_content_region.width, 1)

    def _lay_out(self) -> None:
        self._width = self._room
        self._laid, self._first = [], []
        if not self.size.width:  # not on the screen yet: `on_resize` comes
            return
        for index, entry in enumerate(self.items):
            self._first.append(len(self._laid))
            if entry.wrap:
                folded = fold(entry.line, self._width, entry.hang)
                self._laid.extend((index, line) for line in folded)
            else:
                self._laid.append((index, entry.line))
        self.virtual_size = Size(self._width, len(self._laid))
        self.refresh()

    def on_resize(self, event: events.Resize) -> None:
        """Break the lines anew."""
        if self._room != self._width:
            self._lay_out()
            self._follow()

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        palette = str(getattr(self.app, "palette_name", "dark"))
        at = y + int(self.scroll_offset.y)
        if at >= len(self._laid):
            return strip((), self.size.width, palette)
        index, line = self._laid[at]
        under = "cursor" if index == self.cursor and (self.has_focus or self.items) else ""
        shown = hits_in(line, self.word) if self.word else line
        return strip(shown, self.size.width, palette, under, self._shift)

    def _follow(self) -> None:
        """Scroll so that the entry under the cursor is seen."""
        if not self._first or self.size.height < 1:
            return
        begin, end = self._span(self.cursor)
        top, height = int(self.scroll_offset.y), self.size.height
        if end > top + height:
            top = min(begin, end - height)
        if begin < top:
            top = begin
        if top != int(self.scroll_offset.y):
            self.scroll_to(y=top, animate=False, force=True, immediate=True)
        self.refresh()

    def go(self, index: int) -> None:
        """Put the cursor on an entry."""
        index = max(0, min(index, len(self.items) - 1))
        if index != self.cursor:
            self.cursor = index
            self.post_message(self.Moved(self, index))
        self._follow()

    def action_move(self, by: int) -> None:
        """Some entries on; the hidden part of one that is taller than the screen comes first."""
        if not self._show_hidden(by):
            self.go(self.cursor + by)

    def _span(self, index: int) -> tuple[int, int]:
        """First line of an entry, and the first one behind it."""
        more = index + 1 < len(self._first)
        return self._first[index], self._first[index + 1] if more else len(self._laid)

    def _show_hidden(self, by: int) -> bool:
        """Scroll within the entry under the cursor; False where nothing of it is hidden on that side."""
        if not self._first:
            return False
        begin, end = self._span(self.cursor)
        top, height = int(self.scroll_offset.y), self.size.height
        hidden = end - (top + height) if by > 0 else top - begin
        if hidden <= 0 or end - begin <= height:
            return False
        step = min(hidden, max(1, height // 2))
        self._scroll(top + (step if by > 0 else -step))
        return True

    def action_page(self, by: int) -> None:
        """A page on: one line of it stays to go on from."""
        self._turn(by * max(self.size.height - 1, 1))

    def action_half(self, by: int) -> None:
        """Half a page on."""
        self._turn(by * max(self.size.height // 2, 1))

    def _turn(self, by: int) -> None:
        """Scroll some lines, the cursor with them; at the end the cursor alone."""
        if not self._first:
            return
        height, top = self.size.height, int(self.scroll_offset.y)
        last = max(0, len(self._laid) - height)
        wanted = max(0, min(top + by, last))
        if wanted == top:
            self.go(len(self.items) - 1 if by > 0 else 0)
            return
        line = max(wanted, min(self._first[self.cursor] + wanted - top, wanted + height - 1))
        index = self._laid[min(line, len(self._laid) - 1)][0]
        if index != self.cursor:
            self.cursor = index
            self.post_message(self.Moved(self, index))
        self._scroll(wanted)

    def _scroll(self, top: int) -> None:
        self.scroll_to(y=top, animate=False, force=True, immediate=True)
        self.refresh()

    def action_edge(self, end: int) -> None:
        """First or last entry."""
        self.go(len(self.items) - 1 if end else 0)

    def action_section(self, by: int) -> None:
        """The next heading; round the end."""
        heads = [i for i, entry in enumerate(self.items) if entry.is_heading]
        if heads:
            beyond = [i for i in heads if (i > self.cursor if by > 0 else i < self.cursor)]
            self.go((beyond or heads)[0 if by > 0 else -1])
            self.show_from(self.cursor)

    def show_from(self, index: int) -> None:
        """Scroll so that an entry stands on top, with as much as possible of what follows it."""
        if self._first:
            self._scroll(min(self._first[index], max(0, len(self._laid) - self.size.height)))

    def action_side(self, by: int) -> None:
        """Move long lines sideways."""
        self._shift = max(0, self._shift + by * SIDE_STEP)
        self.refresh()

    def action_open(self) -> None:
        """Open the entry under the cursor."""
        if self.current is not None:
            self.post_message(self.Opened(self, self.cursor, self.current))

    def on_click(self, event: events.Click) -> None:
        """The mouse: a click goes there, one on the cursor's entry opens it."""
        at = event.y + int(self.scroll_offset.y)
        if at < len(self._laid):
            index = self._laid[at][0]
            if index == self.cursor:
                self.action_open()
            self.go(index)

    def refresh_lines_of(self, index: int) -> None:
        """Repaint one entry."""
        top = int(self.scroll_offset.y)
        self.refresh(Region(0, self._first[index] - top, self.size.width, 1))

    def find(self, word: str, start: int, by: int) -> int | None:
        """The next entry that holds a word, capitals alike; None where there is none."""
        wanted = word.lower()
        count = len(self.items)
        for step in range(1, count + 1):
            index = (start + by * step) % count
            if wanted in self.items[index].plain.lower():
                return index
        return None
