"""The stack of filters as a list: on and off, away, saved and loaded by name; the choice of columns."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from forensic_iso.browse.filters import SEVERITIES, Filter, format_ns
from forensic_iso.browse.view import Entry
from tui.rows import DEFAULT_WIDE, TITLES, TimelineSource
from tui.safe import Piece
from tui.widgets.bar import Bar
from tui.widgets.lines import Item, Lines, item
from tui.widgets.prompt import Ask, Choose
from tui.widgets.timeline import Timeline

if TYPE_CHECKING:
    from tui.screens.timeline import TimelinePage

KINDS: tuple[str, ...] = (
    "text",
    "regex",
    "time",
    "finding",
    "process",
    "rows",
    *("host", "source", "event_id"),
)
KINDS += ("kind", "severity", "table_name")
NOT_SAVED = ("hits", "marks")


def shown(entry: Entry) -> str:
    """A filter's label, times and severities in words."""
    f = entry.filter
    sign = "-" if f.negative else ""
    if f.what == "time":
        return f"{sign}time{f.operator}{format_ns(int(f.value), 0).replace(' ', 'T')}"
    if f.what == "severity":
        return f"{sign}severity{f.operator}{SEVERITIES[int(f.value)] if f.value else ''}"
    return f.label if len(f.label) < 60 else f.label[:59] + "…"


def counted(entry: Entry) -> str:
    """How many rows a filter has, and how far it is."""
    if entry.error:
        return "(failed)"
    if entry.rows is None:
        return "(waiting)"
    if not entry.complete:
        return f"({100 * entry.seen // max(entry.total, 1)} %)"
    return f"({len(entry.rows):,})"


def facet_items(values: Sequence[tuple[object, int]], total: int) -> list[Item]:
    """Values with count and share."""
    out = []
    for value, count in values:
        text: Piece = ("(none)", "dim") if value is None or value == "" else (value, "value")
        bar = "█" * max(1, round(20 * count / total))
        out.append(
            item(
                (f"{count:>12,} {100 * count / total:5.1f} % ", ""),
                (bar.ljust(21), "art_1"),
                text,
                payload=(value, count),
                wrap=False,
            )
        )
    return out


def dump(entries: Sequence[Entry]) -> str:
    """Filters as text to keep; those that stand for rows found by hand are left out."""
    kept = [asdict(e.filter) for e in entries if e.filter.what not in NOT_SAVED]
    return json.dumps(kept, ensure_ascii=True)


def load(text: str) -> list[Filter]:
    """Filters of kept text; what is no filter is left out."""
    try:
        made = json.loads(text)
    except ValueError:
        return []
    out = []
    for d in made if isinstance(made, list) else []:
        if isinstance(d, dict) and d.get("what") in KINDS:
            f = Filter(
                str(d["what"]),
                str(d.get("operator", "=")),
                str(d.get("value", "")),
                bool(d.get("negative")),
                bool(d.get("on", True)),
            )
            numeric = f.what in ("time", "event_id", "severity")
            if f.operator in ("=", ">=", "<=", ">", "<", "~") and (
                not numeric or not f.value or f.value.lstrip("-").isdecimal()
            ):
                out.append(f)
    return out


class FilterStack(ModalScreen[None]):
    """The filters one below the other."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "cancel", "back"),
        ("q", "cancel", "back"),
        ("delete,d", "drop", "away"),
        ("w", "save", "save by name"),
        ("L", "load", "load"),
        ("f", "add", "add"),
    ]

    def __init__(self, page: "TimelinePage") -> None:
        super().__init__()
        self._page = page

    def compose(self) -> ComposeResult:
        """A box over the screen."""
        with Vertical(id="choose"):
            yield Bar(id="choose-title", role="title")
            yield Lines(id="choose-lines")
            yield Bar(id="choose-help", role="bar")

    def on_mount(self) -> None:
        """List them."""
        self.query_one("#choose-title", Bar).show(
            [(" filters: all that are on must hold", "title")]
        )
        text = " Enter on/off   d away   w save   L load   f add   Esc back"
        self.query_one("#choose-help", Bar).show([(text, "bar")])
        self._fill()
        self.query_one(Lines).focus()

    def _fill(self) -> None:
        items = [
            item(
                (" on  " if e.filter.on else " off ", "good" if e.filter.on else "dim"),
                (shown(e), "value" if e.filter.on else "dim"),
                (f"  {counted(e)}", "label"),
                (f"  {e.error}" if e.error else "", "bad"),
                hang=5,
            )
            for e in self._page.view.entries
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

    def action_add(self) -> None:
        """Add filters."""
        self.dismiss()
        self._page.action_filter()

    def action_save(self) -> None:
        """Save them by name."""
        desk = self._page.desk

        def done(name: str | None) -> None:
            if name and name.strip():
                desk.keep("filters", name.strip(), dump(self._page.view.entries))

        self.app.push_screen(
            Ask("save these filters as", "a name; the same name is replaced"), done
        )

    def action_load(self) -> None:
        """Load saved ones in place of these."""
        desk = self._page.desk
        saved = desk.kept("filters")
        items = []
        for name, value in saved:
            labels = " ".join(shown(Entry(f)) for f in load(value))
            items.append(
                item((f" {name}  ", "value"), (labels, "dim"), payload=(name, value), hang=4)
            )

        def done(answer: object) -> None:
            if isinstance(answer, tuple) and answer[0] == "delete":
                desk.drop(lambda: desk.notes.forget("filters", str(answer[1][0])))
            elif isinstance(answer, tuple):
                self._page.replace_filters(load(str(answer[1])))
                self._fill()

        title = "saved filters"
        self.app.push_screen(
            Choose(title, items, "Enter load   Del forget   Esc back", ["delete"]), done
        )

    def action_cancel(self) -> None:
        """Back."""
        self.dismiss()


class Columns(ModalScreen[None]):
    """Columns on and off, and their order."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "cancel", "back"),
        ("q", "cancel", "back"),
        ("J", "shift(1)", "later"),
        ("K", "shift(-1)", "earlier"),
        ("r", "usual", "as usual"),
    ]

    def __init__(self, table: Timeline, source: TimelineSource) -> None:
        super().__init__()
        self._table, self._source = table, source
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
        text = " Enter on/off   J K order   r as usual   Esc done"
        self.query_one("#choose-help", Bar).show([(text, "bar")])
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
