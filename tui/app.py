"""The application: one case, its screens, and what they ask of each other."""

import os
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.app import App
from textual.dom import DOMNode
from textual.filter import LineFilter, NoColor

from forensic_iso.browse.case import Case
from forensic_iso.browse.filters import Filter
from tui.commands import bindings
from tui.desk.asking import Asking
from tui.desk.faults import told
from tui.desk.notes import NotesDesk
from tui.desk.trail import Trail
from tui.keys import key_file, load_keys
from tui.leave import keep_terminal_open
from tui.pause import keep_what_is_loaded
from tui.safe import BACKGROUNDS, clean
from tui.screens.page import MAIN, NotNow, Page
from tui.widgets.lines import Item

if TYPE_CHECKING:
    from textual.actions import ActionParseResult

    from forensic_iso.browse.timeline import Row
    from tui.screens.timeline import TimelinePage

CLASSES = {
    "overview": "OverviewPage",
    "findings": "FindingsPage",
    "timeline": "TimelinePage",
    "processes": "ProcessesPage",
    "sessions": "SessionsPage",
    "images": "ImagesPage",
    "notes": "NotesPage",
    "sql": "SqlPage",
}
"""Classes of the main screens, each in the module of its name: loaded when first shown, so that the start is quick."""

FOLLOW_S = 5.0
"""Time between two looks at whether others have written notes."""

COPIED_MOST = 1_000_000
"""Characters that are sent to a clipboard: terminals drop or choke on more."""

NOTED = ("notes", "findings")
"""Screens that list notes, or what they are of."""

THEMES = tuple(BACKGROUNDS)
START = {name for name, _ in MAIN}


class ForensicApp(App[int]):
    """Terminal user interface over one case."""

    CSS_PATH = "styles/app.tcss"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS = bindings("everywhere")

    def __init__(
        self,
        case: Case,
        start: str = "overview",
        author: str | None = None,
        theme: str | None = None,
        keys: Path | None = None,
        out: Path | None = None,
    ) -> None:
        super().__init__()
        self.case = case
        self.case_name = clean(case.path.name or str(case.path), 40)
        self.notes = NotesDesk(self, case.path, author)
        self._start = start
        self._out = out or Path.cwd()
        self.palette_name = theme or ("no-colour" if os.environ.get("NO_COLOR") else "dark")
        self.remapped, self._key_fault = load_keys(keys or key_file(os.environ))
        self._made: dict[str, Page] = {}
        self._trail = Trail(self)
        self.asking = Asking(self)
        self.exporting = Asking(self)
        self._only_hits = False
        self._notes_stamp: object = None

    def main(self, name: str) -> Page:
        """A main screen."""
        if name not in self._made:
            made = getattr(import_module(f"tui.screens.{name}"), CLASSES[name])()
            if not isinstance(made, Page):
                raise TypeError("a screen is wanted")
            self._made[name] = made
            self.install_screen(made, name)  # or Textual drops it when another one is shown
        return self._made[name]

    def on_mount(self) -> None:
        """Show the first screen."""
        if self.remapped:
            self.set_keymap(self.remapped)
        self._dress()
        self.push_screen(self.main(self._start))
        self._notes_stamp = self.notes.stamp
        self.set_interval(FOLLOW_S, self._follow_notes)
        if self._key_fault:
            self.call_after_refresh(self.tell, self._key_fault, "warn")

    @property
    def timeline(self) -> "TimelinePage":
        """The timeline."""
        from tui.screens.timeline import TimelinePage

        page = self.main("timeline")
        if not isinstance(page, TimelinePage):
            raise TypeError("the timeline's screen is wanted")
        return page

    @property
    def _timeline_shown(self) -> "TimelinePage | None":
        return self.timeline if self.screen is self._made.get("timeline") else None

    def tell(self, text: str, role: str = "good") -> None:
        """Put a message where the screen on top shows its state."""
        if (page := self._timeline_shown) is not None:
            page.tell(text, role)
        elif isinstance(self.screen, Page):
            self.screen.say((text, role))

    def wait(self, text: str) -> None:
        """Say what is waited for, until `waited`."""
        if isinstance(self.screen, Page):
            self.screen.wait(text)

    def waited(self) -> None:
        """Show again what the message hid."""
        if isinstance(self.screen, Page):
            self.screen.waited()

    async def run_action(
        self,
        action: "str | ActionParseResult",
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Do what a key asks for; what the case refuses is told."""
        with told(self):
            return await super().run_action(action, default_namespace, namespaces)
        return True

    # --- going about

    def action_go(self, name: str) -> None:
        """A main screen; what lay over the last one goes away, and so does the way back."""
        self.show_main(name)
        self._trail.clear()

    def show_main(self, name: str) -> None:
        """A main screen, with nothing over it."""
        while len(self.screen_stack) > 2:
            self.pop_screen()
        if self.screen is not self.main(name):
            self.switch_screen(self.main(name))

    def action_step_back(self) -> None:
        """One step back: close what lies over a main screen, end a question, a scan or a selection, or return from a jump."""
        if isinstance(self.screen, Page) and self.screen.halt():
            self._only_hits = False
            return
        if len(self.screen_stack) > 2:
            self.pop_screen()
            return
        page = self._timeline_shown
        if page is not None and page.table().selecting is not None:
            page.action_select()
            return
        self._trail.back()

    def _jump(self) -> None:
        self._trail.keep()
        self.show_main("timeline")

    def action_leave(self) -> None:
        """Close the screen; on a main screen the program."""
        if len(self.screen_stack) > 2:
            self.pop_screen()
        else:
            self.exit(0)

    def exit(self, *arguments: Any, **named: Any) -> None:
        """End the program, and the questions that it would else wait for."""
        for asking in (self.asking, self.exporting):
            asking.end()
        for page in self._made.values():
            page.end()
        super().exit(*arguments, **named)

    def open_finding(self, finding_id: str) -> None:
        """One finding."""
        from tui.screens.findings import FindingPage

        self.push_screen(FindingPage(finding_id))

    def open_row(self, row: "Row", page: "TimelinePage | None" = None) -> None:
        """One row."""
        from tui.screens.detail import DetailPage

        self.push_screen(DetailPage(row, page))

    def open_process(self, key: str) -> None:
        """The trees, at one process."""
        from tui.screens.processes import ProcessesPage

        self.push_screen(ProcessesPage(at=key))

    def show_rows(self, what: str, rids: Sequence[int], current: int | None = None) -> None:
        """Go to rows of the timeline: the first one, all of them shown as hits."""
        only, self._only_hits = self._only_hits, False
        if not rids:
            self.tell(f"{what}: no row of the timeline", "warn")
            return
        page = self.timeline
        self._jump()
        wanted = rids[0] if current is None else current

        self.call_after_refresh(page.arrive, what, rids, wanted, only)

    def ask_rows(self, what: str, question: Callable[[], Sequence[int]]) -> None:
        """Go to the rows that a question to the case gives."""
        self.asking.ask(f"rows of {what}", question, lambda rids: self.show_rows(what, rids))

    def show_places(self, what: str, at: Sequence[tuple[str | None, str]]) -> None:
        """Go to the rows at addresses of the evidence."""
        from forensic_iso.browse import timeline as places

        self.ask_rows(what, lambda: places.of_addresses(self.case, at))

    def only_rows(self, jump: Callable[[], None]) -> None:
        """Jump to rows of the timeline, and filter it by them."""
        self._only_hits = True
        jump()

    def filter_by(self, what: str, value: str, operator: str = "=") -> None:
        """Go to the timeline, filtered by a value."""
        self._only_hits = False
        self._jump()
        self.call_after_refresh(self.timeline.add_filters, [Filter(what, operator, value)])

    def show_holding(self, value: str) -> None:
        """Go to all rows that hold a value in any field: other filters are switched off."""
        self._only_hits = False
        self._jump()
        self.call_after_refresh(self.timeline.only_filter, Filter("any", "=", value))

    # --- lists, and what the notes make of them

    def _list(self, title: str, make: Callable[[], Sequence[Item]]) -> None:
        from tui.screens.listing import ListingPage

        self.push_screen(ListingPage(title, make))

    def open_problems(self) -> None:
        """Problems one by one."""
        from tui.desk import lists

        self._list("problems", lambda: lists.problems(self.case))

    def open_not_read(self) -> None:
        """Files that were not read."""
        from tui.desk import lists

        self._list("not read", lambda: lists.not_read(self.case))

    def open_artifacts(self, kind: object, state: object) -> None:
        """Artifacts of one kind, each leading to its rows."""
        from tui.desk import lists

        self._list("artifacts", lambda: lists.artifacts(self.case, kind, state, self.open_artifact))

    def open_artifact(self, source_id: str) -> None:
        """Rows of an artifact: in the timeline, or by SQL where they have no time."""
        from forensic_iso.browse.overview import tables_of

        def done(tables: list[str]) -> None:
            if not tables:
                self.tell("no row was read from this artifact", "warn")
            elif tables[0] == "timeline":
                self.filter_by("source_id", source_id)
            else:
                also = f" -- also in: {', '.join(tables[1:])}" if tables[1:] else ""
                quoted = source_id.replace("'", "''")
                where = f"WHERE source_id = '{quoted}' LIMIT 1000"
                self._sql(f'SELECT * FROM "{tables[0]}" {where}{also}')

        self.asking.ask("rows of the artifact", lambda: tables_of(self.case, source_id), done)

    def _sql(self, query: str) -> None:
        """Go to the console with a query of ours."""
        from tui.screens.sql import SqlPage

        page = self.main("sql")
        if isinstance(page, SqlPage):
            self._trail.keep()
            page.begin(query)
            self.show_main("sql")

    def notes_changed(self) -> None:
        """Read the notes again wherever they are shown."""
        self._notes_stamp = self.notes.stamp
        if "timeline" in self._made:
            self.timeline.refresh_notes()
        self.findings_changed()
        if isinstance(self.screen, Page) and self.screen.TAB in NOTED:
            self.screen.reread()

    def _follow_notes(self) -> None:
        """Show what others have written meanwhile."""
        if self.notes.stamp != self._notes_stamp:
            self.notes_changed()

    def findings_changed(self) -> None:
        """The list of findings shows notes: it is made anew when shown next."""
        if "findings" in self._made:
            self._made["findings"].stale()

    # --- everywhere

    def action_help(self) -> None:
        """All keys, from the table of commands, those of the screen first."""
        from tui.desk import lists

        first = self.screen.PLACES if isinstance(self.screen, Page) else ()
        self._list("help", lambda: lists.keys(self.remapped, first))

    def action_palette(self) -> None:
        """Choose a command by name."""
        from tui.desk import palette
        from tui.widgets.prompt import Choose

        owner = self.screen

        async def run(action: object) -> None:
            if isinstance(action, str):
                await palette.run(self, owner, action)

        self.push_screen(Choose("commands", palette.commands(owner, self.remapped)), run)

    def action_theme(self) -> None:
        """The next theme."""
        self.palette_name = THEMES[(THEMES.index(self.palette_name) + 1) % len(THEMES)]
        self._dress()
        self.tell(f"theme {self.palette_name}")

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Take all colours away, also those of Textual's own widgets, where none are wanted."""
        return [NoColor()] if self.palette_name == "no-colour" else super().get_line_filters()

    def _dress(self) -> None:
        self.theme = "textual-light" if self.palette_name == "light" else "textual-dark"
        for name in THEMES:
            self.set_class(name == self.palette_name, f"theme-{name}")
        for screen in self.screen_stack:
            screen.refresh(layout=True)
            for widget in screen.walk_children():
                widget.refresh()

    def action_copy(self) -> None:
        """Copy what the screen gives."""
        if isinstance(self.screen, Page):
            try:
                self.copy_text(self.screen.copied(), "lines")
            except NotNow as e:
                self.tell(str(e), "warn")

    def copy_text(self, text: str, what: str) -> None:
        """Send text to the terminal's clipboard, base64 inside OSC 52: nothing of it acts on the terminal."""
        if not text:
            self.tell("nothing to copy", "warn")
            return
        if len(text) > COPIED_MOST:
            self.tell(
                f"{len(text):,} characters: more than a clipboard takes; x writes a file", "warn"
            )
            return
        self.copy_to_clipboard(text.encode("utf-8", "replace").decode())
        self.tell(f"copied {what}: {len(text):,} characters, as in the evidence")

    def action_export(self) -> None:
        """Write the current view to a file: CSV by default, by the name's ending JSON or JSON lines."""
        from tui.desk import export

        if isinstance(self.screen, Page):
            export.ask(self, self.screen, self._out)


def run(path: Path, start: str = "overview", theme: str | None = None) -> int:
    """Open a case and show it until the user leaves.

    Raises:
        CaseError: the case cannot be opened: damaged, of another version, being written, not correlated.
    """
    case = Case(path)
    try:
        app = ForensicApp(case, start, theme=theme)
        keep_what_is_loaded()
        app.run()
    finally:
        case.close()
        keep_terminal_open()
    return app.return_code or 0
