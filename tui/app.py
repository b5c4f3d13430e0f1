"""The application: one case, its screens, and what they ask of each other."""

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import App
from textual.screen import Screen

from forensic_iso.browse.case import Case
from forensic_iso.browse.filters import Filter
from forensic_iso.case.annotations import Annotation, Annotations, Kind
from forensic_iso.errors import CaseError
from forensic_iso.text import encodable
from tui.commands import COMMANDS, PLACES, bindings, key_file, keys_of, load_keys, sign
from tui.leave import keep_terminal_open
from tui.safe import BACKGROUNDS, clean
from tui.screens.page import MAIN, Page, column
from tui.widgets.lines import Item, heading, item

if TYPE_CHECKING:
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

THEMES = tuple(BACKGROUNDS)
START = {name for name, _ in MAIN}


class ForensicApp(App[int]):
    """Terminal user interface over one case."""

    CSS_PATH = "styles/app.tcss"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS = bindings("everywhere")
    EXPORT_MOST: ClassVar[int] = 1_000_000

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
        self.notes = Annotations(case.path, author)
        self._start = start
        self._out = out or Path.cwd()
        self.palette_name = theme or ("no-colour" if os.environ.get("NO_COLOR") else "dark")
        self.remapped, self._key_fault = load_keys(keys or key_file(os.environ))
        self._made: dict[str, Page] = {}

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
        if self._key_fault:
            self.call_after_refresh(self._tell, self._key_fault, "warn")

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

    def _tell(self, text: str, role: str = "good") -> None:
        """Put a message where the screen on top shows its state."""
        if (page := self._timeline_shown) is not None:
            page.tell(text, role)
        elif isinstance(self.screen, Page):
            self.screen.say((text, role))

    # --- going about

    def action_go(self, name: str) -> None:
        """A main screen; what lay over the last one goes away."""
        while len(self.screen_stack) > 2:
            self.pop_screen()
        if self.screen is not self.main(name):
            self.switch_screen(self.main(name))

    def action_step_back(self) -> None:
        """One step back: close what lies over a main screen, else end a selection."""
        if len(self.screen_stack) > 2:
            self.pop_screen()
            return
        if (page := self._timeline_shown) is not None and page.table().selecting is not None:
            page.action_select()

    def action_leave(self) -> None:
        """Close the screen; on a main screen the program."""
        if len(self.screen_stack) > 2:
            self.pop_screen()
        else:
            self.exit(0)

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
        if not rids:
            self._tell(f"{what}: no row of the timeline", "warn")
            return
        page = self.timeline
        self.action_go("timeline")
        wanted = rids[0] if current is None else current

        def arrive() -> None:
            page.load()
            page.set_hits(rids, what)
            hidden = not page.view.shows(wanted)
            page.go_rid(wanted)
            page.set_hits(rids, what)
            if hidden:
                page.tell(f"{what}: the filters hide its first row; \\ switches them off", "warn")
            page.table().refresh()
            page.paint_state()

        self.call_after_refresh(arrive)

    def show_places(self, what: str, at: Sequence[tuple[str | None, str]]) -> None:
        """Go to the rows at addresses of the evidence."""
        from forensic_iso.browse import timeline as places

        self.show_rows(what, places.of_addresses(self.case, at))

    def filter_hits(self) -> None:
        """Filter the timeline by the rows just gone to."""
        self.call_after_refresh(lambda: self.call_after_refresh(self.timeline.action_filter_hits))

    def filter_by(self, what: str, value: str) -> None:
        """Go to the timeline, filtered by a value."""
        self.action_go("timeline")
        self.call_after_refresh(self.timeline.add_filters, [Filter(what, "=", value)])

    def filter_text(self, word: str) -> None:
        """Go to the timeline, filtered by a text."""
        self.action_go("timeline")
        self.call_after_refresh(self.timeline.add_filters, [Filter("text", "~", word)])

    # --- lists over the overview

    def _list(self, title: str, make: Callable[[], Sequence[Item]]) -> None:
        from tui.screens.listing import ListingPage

        self.push_screen(ListingPage(title, make))

    def open_problems(self) -> None:
        """Problems one by one."""
        from forensic_iso.browse import overview as queries

        def make() -> list[Item]:
            return [
                item(
                    (f" {column(p['severity'], 8)}", "bad" if p["severity"] == "error" else "warn"),
                    (p["code"], "value"),
                    (f"  {p['path']} {p['place']}", "link"),
                    (f"  expected {p['expected']}, found {p['found']}: {p['message']}", ""),
                    hang=9,
                )
                for p in queries.problem_rows(self.case)
            ] or [item((" none", "dim"))]

        self._list("problems", make)

    def open_not_read(self) -> None:
        """Files that were not read."""
        from forensic_iso.browse import overview as queries

        def make() -> list[Item]:
            return [
                item(
                    (f" {column(s['state'], 8)}", "warn"),
                    (s["path"], "value"),
                    (f"  {s['bytes'] or 0:,} bytes  {s['remark'] or ''}", "dim"),
                    hang=9,
                )
                for s in queries.not_read(self.case)
            ] or [item((" none", "dim"))]

        self._list("not read", make)

    # --- notes

    def all_notes(self) -> list[Annotation]:
        """All notes; where they cannot be read, none, and the reason is told. From any thread."""
        try:
            return self.notes.all()
        except CaseError as e:
            self.call_next(self._tell, str(e), "bad")
            return []

    def notes_of(self, subject: str) -> str:
        """Notes of a row or finding in one line."""
        words = {"tag": "#", "bookmark": "*", "comment": ""}
        return "; ".join(
            f"{words[n.kind]}{n.value}" for n in self.all_notes() if n.subject == encodable(subject)
        )

    def notes_changed(self) -> None:
        """Read the notes again wherever they are shown."""
        if "timeline" in self._made:
            self.timeline.refresh_notes()
        self._findings_changed()

    def _findings_changed(self) -> None:
        """The list of findings shows notes: it is made anew when shown next."""
        if "findings" in self._made:
            self._made["findings"].stale()

    def toggle_bookmark(self, subject: str, about: str) -> bool:
        """Bookmark, or not any more; whether it is one now."""
        try:
            return self.notes.toggle(subject, Kind.BOOKMARK, "", about)
        except CaseError as e:
            self._tell(str(e), "bad")
            return False

    def ask_note(self, kind: Kind, subject: str, about: str, then: Callable[[], None]) -> None:
        """Ask for a tag or comment and keep it."""
        from tui.widgets.prompt import Ask

        def done(typed: str | None) -> None:
            if not typed or not typed.strip():
                return
            try:
                self.notes.add(subject, kind, typed.strip(), about)
            except CaseError as e:
                self._tell(str(e), "bad")
                return
            self._findings_changed()
            then()
            self._tell(f"{kind.value} kept", "good")

        used = sorted({n.value for n in self.all_notes() if n.kind is kind})
        help_text = (
            "one word or more; up and down: used before"
            if kind is Kind.TAG
            else "what you think of it"
        )
        self.push_screen(Ask(kind.value, help_text, history=used if kind is Kind.TAG else ()), done)

    def kept(self, kind: str) -> list[tuple[str, str]]:
        """Saved filters or queries by name; none where they cannot be read, and the reason is told."""
        try:
            return self.notes.saved(kind)
        except CaseError as e:
            self.call_next(self._tell, str(e), "bad")
            return []

    def drop(self, what: Callable[[], None]) -> None:
        """Take something away from the notes; where that fails, the reason is told."""
        try:
            what()
        except CaseError as e:
            self._tell(str(e), "bad")

    def keep(self, kind: str, name: str, value: str) -> None:
        """Save filters or a query by name."""
        try:
            self.notes.save(kind, name, value)
        except CaseError as e:
            self._tell(str(e), "bad")
        else:
            self._tell(f"{kind} saved as {name}", "good")

    # --- everywhere

    def action_help(self) -> None:
        """All keys, from the table of commands."""

        def make() -> list[Item]:
            out: list[Item] = []
            for place, title in PLACES.items():
                out.append(heading(title))
                out += [
                    item(
                        (f"  {column(sign(keys_of(c, self.remapped)), 14)} ", "mark"),
                        (c.help, ""),
                        (f"  {c.name}", "dim"),
                        hang=17,
                    )
                    for c in COMMANDS
                    if c.place == place
                ]
            out.append(heading("Your own keys", str(key_file(os.environ))))
            out.append(item(('  [keys] next_hit = "n": names stand right of each command', "dim")))
            return out

        self._list("help", make)

    def action_palette(self) -> None:
        """Choose a command by name."""
        from tui.widgets.prompt import Choose

        owner = self.screen
        items = [
            item(
                (column(c.help, 56), "value"),
                (f" {column(sign(keys_of(c, self.remapped)), 10)} ", "mark"),
                (PLACES[c.place], "dim"),
                payload=c.action,
            )
            for c in COMMANDS
            if c.name != "palette" and _works(owner, c.place)
        ]

        async def run(action: object) -> None:
            if isinstance(action, str):
                await _run(self, owner, action)

        self.push_screen(Choose("commands", items), run)

    def action_theme(self) -> None:
        """The next theme."""
        self.palette_name = THEMES[(THEMES.index(self.palette_name) + 1) % len(THEMES)]
        self._dress()
        self._tell(f"theme {self.palette_name}")

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
            self.copy_text(self.screen.copied(), "lines")

    def copy_text(self, text: str, what: str) -> None:
        """Send text to the terminal's clipboard, base64 inside OSC 52: nothing of it acts on the terminal."""
        if not text:
            self._tell("nothing to copy", "warn")
            return
        self.copy_to_clipboard(text.encode("utf-8", "replace").decode())
        self._tell(f"copied {what}: {len(text):,} characters, as they are in the evidence")

    def action_export(self) -> None:
        """Write the current view to a file: CSV by default, by the name's ending JSON or JSON lines."""
        from tui.widgets.prompt import Ask

        page = self.screen
        if not isinstance(page, Page):
            return
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        proposal = str(self._out / f"{self.case_name}-{page.TAB or 'list'}-{stamp}.csv")

        def done(typed: str | None) -> None:
            if typed and typed.strip():
                self._export(page, Path(typed.strip()).expanduser())

        self.push_screen(
            Ask(
                "export to",
                "ends in .csv (formulas made harmless), .json or .jsonl (exact)",
                proposal,
            ),
            done,
        )

    def _export(self, page: Page, path: Path) -> None:
        from forensic_iso.output import Format, render

        forms = {".json": Format.JSON, ".jsonl": Format.JSONL}
        names, rows = page.exported()
        try:
            with path.open("x", encoding="utf-8") as out:
                out.write(render(names, rows, forms.get(path.suffix, Format.CSV)))
        except OSError as e:
            self._tell(f"writing {path}: {e.strerror}; give another name", "bad")
            return
        cut = "" if len(rows) < self.EXPORT_MOST else f", CUT after {self.EXPORT_MOST:,}"
        self._tell(f"{len(rows):,} rows{cut} in {path}", "warn" if cut else "good")


def _works(screen: Screen[object], place: str) -> bool:
    if place == "everywhere":
        return True
    return isinstance(screen, Page) and place in (*screen.PLACES, "lists")


async def _run(app: ForensicApp, owner: Screen[object], action: str) -> None:
    """Run a command where it works: on what has the focus, the screen, or the application."""
    name = action.split("(")[0]
    for place in (owner.focused, owner, app):
        if place is not None and hasattr(place, f"action_{name}"):
            await app.run_action(action, default_namespace=place)
            return


def run(path: Path, start: str = "overview", theme: str | None = None) -> int:
    """Open a case and show it until the user leaves.

    Raises:
        CaseError: the case cannot be opened: damaged, of another version, being written, not correlated.
    """
    case = Case(path)
    try:
        code = ForensicApp(case, start, theme=theme).run()
    finally:
        case.close()
        keep_terminal_open()
    return code or 0
