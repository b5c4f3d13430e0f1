"""Writing SQL on several lines: what is typed or pasted is inert, keywords and strings have their colour."""

import re
from dataclasses import replace

from textual import events
from textual.message import Message
from textual.widgets import TextArea
from textual.widgets.text_area import Edit, EditResult, TextAreaTheme

from tui.commands import bindings
from tui.safe import PALETTES, clean, style

LINE_CHARS = 4000
"""Characters of one line that are kept."""

TAB = "    "

WORDS = (
    "all and any as asc between by case cast count cross desc distinct else end except exclude exists false filter"
    " from full group having ilike in inner intersect interval is join lateral left like limit natural not null"
    " nulls offset on or order outer over partition qualify right sample select semi similar summarize table then"
    " timestamp true union unnest using values when where window with anti describe show"
).split()
TOKENS = re.compile(
    r"(?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z))"
    r"|(?P<string>'(?:''|[^'])*(?:'|\Z))"
    r'|(?P<name>"(?:""|[^"])*(?:"|\Z))'
    r"|(?P<number>\b\d+(?:\.\d+)?\b)"
    rf"|(?P<keyword>\b(?:{'|'.join(WORDS)})\b)"
    r"|(?P<function>\b\w+(?=\())",
    re.DOTALL | re.IGNORECASE,
)
ROLES = {
    "comment": "dim",
    "string": "good",
    "name": "link",
    "number": "art_6",
    "keyword": "head",
    "function": "art_5",
}


def inert(text: str) -> str:
    """Lines of a text, each made inert."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", TAB)
    return "\n".join(clean(line, LINE_CHARS) for line in plain.split("\n"))


class SqlEditor(TextArea):
    """A query. Enter behind a `;` at its end runs it, as in other consoles; the arrows leave it for earlier ones."""

    BINDINGS = bindings("editor")

    class Run(Message):
        """The query is to be run."""

    class Left(Message):
        """The user goes back to the result."""

    class Earlier(Message):
        """An earlier query is wanted in its place, or (`by` > 0) a later one."""

        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    class Complete(Message):
        """The name that was begun before the cursor is to be completed."""

        def __init__(self, begun: str) -> None:
            super().__init__()
            self.begun = begun

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, soft_wrap=True, compact=True, highlight_cursor_line=False)
        self.cursor_blink = False  # an idle screen writes nothing
        for palette in PALETTES:
            self.register_theme(_theme(palette))

    def on_mount(self) -> None:
        """Take the colours of the program."""
        self._dress()

    def notify_style_update(self) -> None:
        """The program's colours changed."""
        super().notify_style_update()
        self._dress()

    def _dress(self) -> None:
        wanted = str(getattr(self.app, "palette_name", "dark"))
        if (
            self.theme != wanted and wanted in self.available_themes
        ):  # Textual calls before all is there
            self.theme = wanted

    def put(self, query: str) -> None:
        """Put a query in place of what is there, the cursor at its end."""
        self.text = inert(query)
        self.move_cursor(self.document.end)

    def edit(self, edit: Edit) -> EditResult:
        """Make inert what is typed or pasted."""
        return super().edit(replace(edit, text=inert(edit.text)))

    def _build_highlight_map(self) -> None:
        """Say what each part of the text is; Textual's own way needs a parser that is not among what we install."""
        super()._build_highlight_map()
        text = self.document.text
        for token in TOKENS.finditer(text):
            self._mark(text, token)

    def _mark(self, text: str, token: re.Match[str]) -> None:
        row = text.count("\n", 0, token.start())
        at = text.rfind("\n", 0, token.start()) + 1
        begin = len(text[at : token.start()].encode())
        for part in token[0].split("\n"):
            end = begin + len(part.encode())
            self._highlights[row].append((begin, end, str(token.lastgroup)))
            row, begin = row + 1, 0

    def action_run(self) -> None:
        """Run the query."""
        self.post_message(self.Run())

    def action_leave_editor(self) -> None:
        """Back to the result."""
        self.post_message(self.Left())

    def action_history(self, by: int) -> None:
        """An earlier or later query."""
        self.post_message(self.Earlier(by))

    def action_complete(self) -> None:
        """Complete the name before the cursor."""
        row, at = self.cursor_location
        begun = re.search(r"\w*$", self.document.get_line(row)[:at])
        self.post_message(self.Complete(begun[0] if begun else ""))

    def action_cursor_up(self, select: bool = False) -> None:
        """A line up; from the first one an earlier query."""
        if self.cursor_at_first_line and not select:
            self.action_history(-1)
        else:
            super().action_cursor_up(select)

    def action_cursor_down(self, select: bool = False) -> None:
        """A line down; from the last one a later query."""
        if self.cursor_at_last_line and not select:
            self.action_history(1)
        else:
            super().action_cursor_down(select)

    def on_key(self, event: events.Key) -> None:
        """Enter behind a semicolon that ends the text: the query is done."""
        ends = self.cursor_location == self.document.end and self.text.rstrip().endswith(";")
        if event.key == "enter" and ends:
            event.stop()
            event.prevent_default()
            self.action_run()


def _theme(palette: str) -> TextAreaTheme:
    """The program's colours as Textual's widget wants them."""
    return TextAreaTheme(
        palette,
        base_style=style("", palette),
        cursor_style=style("cell", palette),
        selection_style=style("cell", palette),
        bracket_matching_style=style("hit", palette),
        syntax_styles={name: style(role, palette) for name, role in ROLES.items()},
    )
