"""The stack of filters as a list: on and off, away, saved and loaded by name."""

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from forensic_iso.browse.view import Entry
from tui.commands import bindings
from tui.timeline.filter_text import counted, dump, load, shown
from tui.widgets.bar import Bar
from tui.widgets.lines import Lines, item
from tui.widgets.prompt import Ask, Choose

if TYPE_CHECKING:
    from tui.screens.timeline import TimelinePage


REFRESH_S = 0.3
"""Time between two looks at filters that are still running."""


class FilterStack(ModalScreen[None]):
    """The filters one below the other."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("boxes", "stack")

    def __init__(self, page: "TimelinePage") -> None:
        super().__init__()
        self._page = page
        self._told: list[str] = []

    def compose(self) -> ComposeResult:
        """A box over the screen."""
        with Vertical(id="choose"):
            yield Bar(id="choose-title", role="title")
            yield Lines(id="choose-lines")
            yield Bar(id="choose-help", role="bar")

    def on_mount(self) -> None:
        """List them."""
        self.query_one("#choose-help", Bar).show(self._page.key_line(("stack", "boxes"), "on/off"))
        self._fill()
        self.query_one(Lines).focus()
        self.set_interval(REFRESH_S, self._follow)

    def _follow(self) -> None:
        """Show how far running filters are."""
        entries = self._page.view.entries
        if self._told != [counted(e) for e in entries]:
            self._fill()

    def _fill(self) -> None:
        view = self._page.view
        self.query_one("#choose-title", Bar).show(
            [
                (
                    f" filters: {view.count:,} rows of {view.total:,} pass all that are on",
                    "title",
                )
            ]
        )
        self._told = [counted(e) for e in view.entries]
        items = [
            item(
                (" on  " if e.filter.on else " off ", "good" if e.filter.on else "dim"),
                (shown(e), "value" if e.filter.on else "dim"),
                (f"  {counted(e)}", "label"),
                (f"  {e.error}" if e.error else "", "bad"),
                hang=5,
            )
            for e in view.entries
        ]
        self.query_one(Lines).show(items or [item((" none", "dim"))])

    def on_lines_opened(self, event: Lines.Opened) -> None:
        """On or off."""
        event.stop()
        self.action_turn()

    def action_turn(self) -> None:
        """On or off."""
        entries, at = self._page.view.entries, self.query_one(Lines).cursor
        if at < len(entries):
            entries[at].filter = entries[at].filter.turned(not entries[at].filter.on)
            self._page.stack_changed()
            self._fill()

    def action_drop(self) -> None:
        """Away with it."""
        entries, at = self._page.view.entries, self.query_one(Lines).cursor
        if at < len(entries):
            del entries[at]
            self._page.stack_changed()
            self._fill()

    def action_edit(self) -> None:
        """Type another one in its place."""
        at = self.query_one(Lines).cursor
        if at < len(self._page.view.entries):
            self.dismiss()
            self._page.edit_filter(at)

    def action_add(self) -> None:
        """Add filters."""
        self.dismiss()
        self._page.action_filter()

    def action_save(self) -> None:
        """Save them by name."""
        notes = self._page.desk.notes

        def done(name: str | None) -> None:
            if name and name.strip():
                notes.save("filters", name.strip(), dump(self._page.view.entries))

        self.app.push_screen(
            Ask("save these filters as", "a name; the same name is replaced"), done
        )

    def action_load(self) -> None:
        """Load saved ones in place of these."""
        notes = self._page.desk.notes
        saved = notes.saved("filters")
        items = []
        for name, value in saved:
            labels = " ".join(shown(Entry(f)) for f in load(value))
            items.append(
                item((f" {name}  ", "value"), (labels, "dim"), payload=(name, value), hang=4)
            )

        def done(answer: object) -> None:
            if not isinstance(answer, tuple):
                return
            if isinstance(answer[1], tuple):  # (key, payload): a name may be "delete" too
                notes.forget("filters", str(answer[1][0]))
            else:
                self._page.replace_filters(load(str(answer[1])))
                self._fill()

        title = "saved filters"
        self.app.push_screen(
            Choose(title, items, "Enter load   Del forget   Esc back", ["delete"]), done
        )

    def action_cancel(self) -> None:
        """Back."""
        self.dismiss()
