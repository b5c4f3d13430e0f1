"""The choice of the timeline's columns."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from tui.commands import bindings
from tui.rows import DEFAULT_WIDE, TITLES, TimelineSource
from tui.screens.page import Page
from tui.widgets.bar import Bar
from tui.widgets.lines import Lines, item


class Columns(ModalScreen[None]):
    """Columns on and off, and their order."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("boxes", "columns")

    def __init__(self, page: Page, source: TimelineSource) -> None:
        super().__init__()
        self._page, self._source = page, source
        self._table = table = page.table()
        self._names = [c.name for c in table.shown_columns]

    def compose(self) -> ComposeResult:
        """A box over the screen."""
        with Vertical(id="choose"):
            yield Bar(id="choose-title", role="title")
            yield Lines(id="choose-lines")
            yield Bar(id="choose-help", role="bar")

    def on_mount(self) -> None:
        """List them."""
        self.query_one("#choose-title", Bar).show([(" columns", "title")])
        keys = self._page.key_line(("columns", "boxes"), "on/off")
        self.query_one("#choose-help", Bar).show(keys)
        self._fill()
        self.query_one(Lines).focus()

    def _all(self) -> list[str]:
        return [*self._names, *(n for n in TITLES if n not in self._names)]

    def _fill(self) -> None:
        items = [
            item(
                (" on  " if n in self._names else " off ", "good" if n in self._names else "dim"),
                (TITLES[n], "value"),
            )
            for n in self._all()
        ]
        self.query_one(Lines).show(items)
        self._source.chosen_columns = tuple(self._names) or None
        self._table.reset()

    def on_lines_opened(self, event: Lines.Opened) -> None:
        """On or off."""
        event.stop()
        self.action_turn()

    def action_turn(self) -> None:
        """On or off."""
        name = self._all()[self.query_one(Lines).cursor]
        if name in self._names:
            self._names.remove(name)
        else:
            self._names.append(name)
        self._fill()

    def action_shift(self, by: int) -> None:
        """Earlier or later."""
        at = self.query_one(Lines).cursor
        to = at + by
        if at < len(self._names) and 0 <= to < len(self._names):
            self._names[at], self._names[to] = self._names[to], self._names[at]
            self.query_one(Lines).cursor = to
            self._fill()

    def action_usual(self) -> None:
        """The columns that fit the width."""
        self._names = list(DEFAULT_WIDE)
        self._source.chosen_columns = None
        self._table.reset()
        self._names = [c.name for c in self._table.shown_columns]
        self._fill()
        self._source.chosen_columns = None

    def action_cancel(self) -> None:
        """Done."""
        self.dismiss()
