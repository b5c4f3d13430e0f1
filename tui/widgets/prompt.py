"""Asking for a line of text, and choosing from a list: both in the way until answered."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from tui.safe import Piece, clean, fold
from tui.widgets.bar import Bar
from tui.widgets.lines import Item, Lines, item


class SafeInput(Input):
    """An input that shows what was typed or pasted with its controls made visible."""

    def validate_value(self, value: str) -> str:
        """Make pasted text inert."""
        return clean(value, 4000)


class Ask(ModalScreen[str | None]):
    """Asks for one line. `check` returns what is wrong with it, or None; Esc gives None.

    `proposed`: the value is a proposal, selected, so that what is typed takes its place.
    """

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "cancel", "cancel")]

    def __init__(
        self,
        title: str,
        help_text: str,
        value: str = "",
        check: Callable[[str], str | None] = lambda typed: None,
        history: Sequence[str] = (),
        *,
        proposed: bool = False,
    ) -> None:
        super().__init__()
        self._title, self._help, self._value, self._check = title, help_text, value, check
        self._proposed = proposed
        self._history, self._at = list(history), len(history)

    def compose(self) -> ComposeResult:
        """A box at the bottom."""
        with Vertical(id="ask"):
            yield Bar(id="ask-title", role="title")
            yield SafeInput(value=clean(self._value), id="ask-input", select_on_focus=False)
            yield Bar(id="ask-help", role="bar", height=2)

    def on_mount(self) -> None:
        """Show the question."""
        self.query_one("#ask-title", Bar).show([(f" {self._title}", "title")])
        self._explain(self._help, "bar")
        box = self.query_one(SafeInput)
        box.cursor_position = len(box.value)
        if self._proposed:
            box.select_all()
        box.focus()

    def _explain(self, text: str, role: str) -> None:
        width = max(10, self.app.size.width - 2)
        self.query_one("#ask-help", Bar).show(*fold([(" ", "bar"), (text, role)], width, 1))

    def key_up(self) -> None:
        """An earlier answer."""
        self._step(-1)

    def key_down(self) -> None:
        """A later answer."""
        self._step(1)

    def _step(self, by: int) -> None:
        self._at = max(0, min(len(self._history), self._at + by))
        value = self._history[self._at] if self._at < len(self._history) else ""
        box = self.query_one(SafeInput)
        box.value = value
        box.cursor_position = len(box.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Check the answer and give it back."""
        wrong = self._check(event.value)
        if wrong is None:
            self.dismiss(event.value)
        else:
            self._explain(wrong, "bad")

    def action_cancel(self) -> None:
        """No answer."""
        self.dismiss(None)


class Choose(ModalScreen[object]):
    """Choosing one entry of a list by typing part of it; Esc gives None.

    `keys` are further keys that end the choice with (key, payload).
    """

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "cancel", "cancel")]

    def __init__(
        self, title: str, items: Sequence[Item], help_text: str = "", keys: Sequence[str] = ()
    ) -> None:
        super().__init__()
        self._title, self._items, self._help, self._keys = title, list(items), help_text, keys

    def compose(self) -> ComposeResult:
        """A box over the screen."""
        with Vertical(id="choose"):
            yield Bar(id="choose-title", role="title")
            yield SafeInput(id="choose-input", placeholder="type to narrow down")
            yield Lines(id="choose-lines")
            yield Bar(id="choose-help", role="bar")

    def on_mount(self) -> None:
        """Show all."""
        self.query_one("#choose-title", Bar).show([(f" {self._title}", "title")])
        text = self._help or "Enter choose   Esc back"
        self.query_one("#choose-help", Bar).show([(f" {text}", "bar")])
        self._narrow("")
        self.query_one(SafeInput).focus()

    def _narrow(self, typed: str) -> None:
        words = typed.lower().split()
        found = [i for i in self._items if all(w in i.plain.lower() for w in words)]
        nothing: list[Piece] = [("nothing here", "dim")]
        self.query_one("#choose-lines", Lines).show(found or [item(*nothing)], 0)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow down."""
        self._narrow(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the entry under the cursor."""
        self._take()

    def on_lines_opened(self, event: Lines.Opened) -> None:
        """Take the entry that was clicked."""
        event.stop()
        self._take()

    def _take(self) -> None:
        current = self.query_one("#choose-lines", Lines).current
        if current is not None and current.payload is not None:
            self.dismiss(current.payload)

    def on_key(self, event: object) -> None:
        """Moving while typing; the further keys."""
        key = str(getattr(event, "key", ""))
        lines = self.query_one("#choose-lines", Lines)
        moves: dict[str, Callable[[], None]] = {
            "up": lambda: lines.action_move(-1),
            "down": lambda: lines.action_move(1),
            "pageup": lambda: lines.action_page(-1),
            "pagedown": lambda: lines.action_page(1),
        }
        if key in moves:
            moves[key]()
        elif key in self._keys and lines.current is not None and lines.current.payload is not None:
            self.dismiss((key, lines.current.payload))

    def action_cancel(self) -> None:
        """Nothing chosen."""
        self.dismiss(None)
