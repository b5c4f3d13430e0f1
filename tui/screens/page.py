"""What all screens share: the tabs above, one line of state, one line of keys below."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple, cast

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widget import Widget

from tui.desk.faults import told
from tui.keys import hints
from tui.safe import Piece, cells, clean
from tui.widgets.bar import Bar
from tui.widgets.lines import Lines
from tui.widgets.timeline import Timeline

if TYPE_CHECKING:
    from tui.app import ForensicApp

MAIN = (
    ("overview", "1 Overview"),
    ("findings", "2 Findings"),
    ("timeline", "3 Timeline"),
    ("processes", "4 Processes"),
    ("sessions", "5 Sessions"),
    ("images", "6 Images"),
    ("notes", "7 Notes"),
    ("sql", "8 SQL"),
)
SHORT = ("1 Over", "2 Find", "3 Time", "4 Proc", "5 Mount", "6 Image", "7 Note", "8 SQL")
SHORT_BELOW, TINY_BELOW = 100, 64
"""Widths below which tabs are named in short, and only the one shown is named at all."""

FIND_HELP = "text, capitals alike; then n and N"


class Table(NamedTuple):
    """What is written to a file: names of columns, rows in batches, and what to say where these are not all."""

    names: Sequence[str]
    batches: Iterable[Sequence[Sequence[object]]]
    remark: str = ""


class NotNow(Exception):
    """What is asked for cannot be given as it stands; the message says what to do."""


class Page(Screen[None]):
    """A screen of the case. Subclasses say their `TAB` and `PLACES`, make their body and fill it in `load`."""

    TAB: ClassVar[str] = ""
    PLACES: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        super().__init__()
        self._loaded = False
        self._said: Sequence[Piece] = ()
        self._desk: ForensicApp | None = None

    @property
    def desk(self) -> "ForensicApp":
        """The application; other threads may ask for it also when the screen is closed."""
        if self._desk is None:
            self._desk = cast("ForensicApp", self.app)
        return self._desk

    def compose(self) -> ComposeResult:
        """Tabs, body, state, keys."""
        yield Bar(id="title", role="tab")
        yield from self.body()
        yield Bar(id="status", role="bar")
        yield Bar(id="keys", role="bar")

    def body(self) -> Sequence[Widget]:
        """What stands between."""
        return [Lines(id="lines")]

    def load(self) -> None:
        """Fill the body; called once the screen has its size."""

    def stale(self) -> None:
        """Fill the body anew when the screen is shown next."""
        self._loaded = False

    def reread(self) -> None:
        """Fill the body anew, now: the notes it shows are others."""

    def on_screen_resume(self) -> None:
        """The screen comes to the front."""
        self.frame()
        if not self._loaded:
            self._loaded = True
            self.call_after_refresh(self.fill)

    def fill(self) -> None:
        """Fill the body; what the case refuses is told."""
        with told(self.desk):
            self.load()

    def on_resize(self) -> None:
        """Lay the tabs out anew."""
        self.frame()

    def frame(self) -> None:
        """Draw tabs and keys."""
        narrow = self.size.width < SHORT_BELOW
        line: list[Piece] = []
        for index, (name, title) in enumerate(MAIN):
            text = SHORT[index] if narrow else title
            if self.size.width < TINY_BELOW and name != self.TAB:
                text = text[:1]
            line.append((f" {text} ", "tab_on" if name == self.TAB else "tab"))
        self.query_one("#title", Bar).show([*line, ("  ", "tab"), (self.desk.case_name, "tab")])
        keys = self.key_line((*self.PLACES, "everywhere"), width=self.size.width)
        self.query_one("#keys", Bar).show(keys)

    def key_line(
        self, places: Sequence[str], enter: str = "", width: int | None = None
    ) -> list[Piece]:
        """Key and word of the commands of some places, one after the other.

        Args:
            places: where the commands work.
            enter: what Enter does, where that is not told.
            width: cells there are; what does not fit is left out whole, the help at the end last of all.
        """
        told = [("Enter", enter)] if enter else []
        pairs = [*told, *hints(places, self.desk.remapped)]
        if width is not None:
            pairs = _fitting(pairs, width)
        line: list[Piece] = [(" ", "bar")]
        for key, word in pairs:
            line += [(key, "key"), (f" {word}  ", "bar")]
        return line

    def halt(self) -> bool:
        """End what this screen waits for; False where that is nothing."""
        return self.desk.asking.halt() or self.desk.exporting.halt()

    def end(self) -> None:
        """The program ends: nothing of the screen's own may go on."""

    def say(self, *pieces: Piece) -> None:
        """Put a line of state."""
        self._said = pieces
        self._state(pieces)

    def _state(self, pieces: Sequence[Piece]) -> None:
        self.query_one("#status", Bar).show([(" ", "bar"), *pieces])

    def wait(self, text: str) -> None:
        """Say what is waited for in the place of the state."""
        self._state([(text, "warn")])

    def waited(self) -> None:
        """Show the state again."""
        self._state(self._said)

    @property
    def state(self) -> str:
        """The line of state as text."""
        return self.query_one("#status", Bar).shown

    def on_lines_opened(self, event: Lines.Opened) -> None:
        """Opening an entry calls its payload."""
        if callable(event.item.payload):
            event.stop()
            with told(self.desk):
                cast(Callable[[], None], event.item.payload)()

    def action_find(self) -> None:
        """Ask for a text to find in the list; the last one stands there already."""
        from tui.widgets.prompt import Ask

        def done(typed: str | None) -> None:
            if typed:
                self.list().word = typed
                self.action_find_hit(1)

        question = Ask("search here", FIND_HELP, self.list().word, proposed=True)
        self.app.push_screen(question, done)

    def action_find_hit(self, by: int) -> None:
        """The next entry with the text."""
        lines = self.list()
        found = lines.find(lines.word, lines.cursor, by) if lines.word else None
        if found is None:
            self.say((f"no line with {lines.word}" if lines.word else "/ searches first", "warn"))
        else:
            lines.go(found)
        lines.refresh()

    def copied(self) -> str:
        """What `copy` takes: the line under the cursor."""
        focused = self.focused
        if isinstance(focused, Lines) and focused.current is not None:
            return focused.current.plain
        return ""

    def exporter(self) -> Callable[[], Table]:
        """What gives, in any thread, what `export` writes: the screen as it is now.

        Raises:
            NotNow: it is not complete yet.
        """
        table = self.exported()
        return lambda: table

    def exported(self) -> Table:
        """What `export` writes: the lines of the list."""
        rows: list[Sequence[object]] = []
        for lines in self.query(Lines):
            rows += [[entry.plain] for entry in lines.items]
        return Table(["line"], [rows])

    def table(self) -> Timeline:
        """The screen's table."""
        return self.query_one(Timeline)

    def list(self) -> Lines:
        """The screen's list."""
        return self.query_one("#lines", Lines)


def number(count: int, noun: str) -> str:
    """A number of things: 1 row, 1,200 rows."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _fitting(pairs: Sequence[tuple[str, str]], width: int) -> list[tuple[str, str]]:
    """Hints that stand whole in a width: `quit`, known to all, goes first, then the last ones before `help`."""
    kept = list(pairs)
    drop = [p for p in kept if p[1] == "quit"] + [
        p for p in reversed(kept) if p[1] not in ("quit", "help")
    ]
    while drop and 1 + sum(cells(k) + cells(w) + 3 for k, w in kept) - 2 > width:
        kept.remove(drop.pop(0))
    return kept


def bar_of(share: float, width: int) -> str:
    """A bar of blocks for a share of 0..1."""
    return "█" * max(1 if share > 0 else 0, round(share * width))


def column(value: object, width: int) -> str:
    """A text padded to a width in cells; longer ones stay whole."""
    text = clean(value)
    return text + " " * max(0, width - cells(text))
