"""A read-only SQL console; results browse like the timeline."""

from collections.abc import Sequence

from textual.widget import Widget

from forensic_iso.browse import console, results
from tui.commands import bindings
from tui.desk.asking import Asking
from tui.rows import ResultSource
from tui.safe import Line, Piece, fold
from tui.screens.page import FIND_HELP, Page, Table, column
from tui.timeline import facets
from tui.widgets.bar import Bar
from tui.widgets.lines import Item, item
from tui.widgets.prompt import Ask, Choose
from tui.widgets.timeline import Timeline

QUERY_LINES = 2
"""Lines of the query that are shown."""

START = "SELECT severity, image_path, verdict, score FROM finding ORDER BY score DESC"


class SqlPage(Page):
    """Query, result, history, saved queries, the tables' documentation."""

    TAB = "sql"
    PLACES = ("sql", "find", "lists")
    BINDINGS = bindings("find", "sql")

    def __init__(self) -> None:
        super().__init__()
        self.query_text = START
        self.history: list[str] = []
        self.result: console.Result | None = None
        self._whole: console.Result | None = None
        self._word = ""
        self._asking: Asking | None = None

    def body(self) -> Sequence[Widget]:
        """Query and result."""
        return [Bar(id="query", role="bar", height=QUERY_LINES), Timeline(id="rows")]

    def load(self) -> None:
        """The first query."""
        self.ask_case(self.query_text)

    def begin(self, query: str) -> None:
        """Ask this, now or when the screen is shown first."""
        self.query_text = query
        if self._loaded:
            self.ask_case(query)

    def ask_case(self, query: str) -> None:
        """Run a query in the background; a second one ends the first."""
        self.query_text = query
        if query not in self.history:
            self.history.append(query)
        self._paint()
        self.say(("running", "warn"))
        self.table().focus()

        def run() -> console.Result | str:
            try:
                return console.run(self.desk.case, query)
            except console.QueryError as e:
                return str(e)

        def done(answer: console.Result | str) -> None:
            if isinstance(answer, str):
                self._failed(answer)
            else:
                self._got(answer)

        self._own().ask("the query", run, done, elsewhere=True)

    def _own(self) -> Asking:
        """A query goes on while other screens ask the case."""
        if self._asking is None:
            self._asking = Asking(self.desk)
        return self._asking

    def halt(self) -> bool:
        """End the query, or what else the screen waits for."""
        return self._own().halt() or super().halt()

    def end(self) -> None:
        """The query does not go on."""
        self._own().end()

    def _paint(self) -> None:
        """Two lines of the query, broken at blanks; a mark where there is more of it."""
        flat: Line = [(" sql ", "label"), (" ".join(self.query_text.split()), "key")]
        lines = fold(flat, max(10, self.size.width - 2), 5)
        if len(lines) > QUERY_LINES:
            lines[QUERY_LINES - 1].append((" …", "warn"))
        self.query_one("#query", Bar).show(*lines[:QUERY_LINES])

    def _failed(self, message: str) -> None:
        self.result = self._whole = None
        self.table().show(
            ResultSource(
                console.Result(["error"], [(line,) for line in message.split("\n")], False, 0)
            )
        )
        self.say(("the query failed", "bad"))

    def _got(self, result: console.Result) -> None:
        self._whole = result
        self._show(result)

    def _show(self, result: console.Result, cursor: int = 0) -> None:
        self.result = result
        self.table().show(ResultSource(result, self._word), cursor, self.table().column)
        self._tell()

    def _tell(self) -> None:
        if self.result is None:
            return
        r = self.result
        pieces: list[Piece] = [
            (f"{self.table().cursor + 1 if r.rows else 0:,} of {len(r.rows):,} rows", "bar")
        ]
        if self._whole is not None and len(r.rows) < len(self._whole.rows):
            pieces.append((f" (of {len(self._whole.rows):,}: \\ shows all)", "bar"))
        if r.cut:
            pieces.append(
                (f"  CUT after {len(r.rows):,} rows: there are more, add LIMIT or count(*)", "bad")
            )
        if r.cells_cut:
            pieces.append(
                (f"  {r.cells_cut} long cells cut at {console.CELL:,} characters", "warn")
            )
        if console.is_rows_of_timeline(r) is not None:
            pieces.append(("  Enter shows these rows in the timeline", "key"))
        self.say(*pieces)

    def on_timeline_moved(self, event: Timeline.Moved) -> None:
        """Tell the place."""
        self._tell()

    def on_timeline_opened(self, event: Timeline.Opened) -> None:
        """Rows of the timeline go there; other rows are shown whole."""
        if self.result is None:
            return
        rids = console.is_rows_of_timeline(self.result)
        if rids:
            current = rids[self.table().cursor]
            self.desk.show_rows("query", rids, current)
            return
        values = event.payload if isinstance(event.payload, tuple) else ()
        items: list[Item] = []
        for name, value in zip(self.result.names, values, strict=True):
            text: Piece = ("NULL", "dim") if value is None else (value, "value")
            items.append(item((f"{column(name, 20)} ", "label"), text, hang=21))
        self.app.push_screen(Choose("row", items, "Esc back"))

    # --- looking at the result

    def action_order(self, descending: int) -> None:
        """Sort by the column under the cursor."""
        if self.result is not None and self.result.names:
            self._show(results.ordered(self.result, self.table().column, bool(descending)))

    def action_whole(self) -> None:
        """The result as it came."""
        if self._whole is not None:
            self._show(self._whole)

    def action_result_facets(self) -> None:
        """Values of the column under the cursor, to show only or without one."""
        result, at = self.result, self.table().column
        if result is None or not result.names:
            return

        def done(answer: object) -> None:
            if isinstance(answer, tuple):
                without = isinstance(answer[1], tuple)  # (key, payload)
                value, _ = answer[1] if without else answer
                self._show(results.only(result, at, value, not without))

        found = results.values(result, at)
        title = f"{result.names[at]}: {len(found):,} values in {len(result.rows):,} rows"
        items = facets.items(found[: facets.SHOWN], max(len(result.rows), 1))
        self.app.push_screen(Choose(title, items, facets.HELP, ["delete"]), done)

    def action_find(self) -> None:
        """Ask for a text to find in the result."""

        def done(typed: str | None) -> None:
            if typed and self.result is not None:
                self._word = typed
                self._show(self.result, self.table().cursor)
                self.action_find_hit(1)

        self.app.push_screen(Ask("search in the result", FIND_HELP, self._word), done)

    def action_find_hit(self, by: int) -> None:
        """The next row with the text."""
        found = None
        if self._word and self.result is not None:
            found = results.find(self.result, self._word, self.table().cursor, by)
        if found is None:
            self.say((f"no row with {self._word}" if self._word else "/ searches first", "warn"))
        else:
            self.table().go(found)

    # --- queries

    def action_ask(self) -> None:
        """Ask for a query."""

        def done(typed: str | None) -> None:
            if typed and typed.strip():
                self.ask_case(typed)

        help_text = "one SELECT over the case, read-only; up and down: asked before"
        value = self.query_text if len(self.history) <= 1 else ""
        self.app.push_screen(Ask("SQL", help_text, value, history=self.history), done)

    def action_sql_history(self) -> None:
        """Choose among the queries asked."""
        items = [item((q, "value"), payload=q, hang=2) for q in reversed(self.history)]
        self.app.push_screen(Choose("asked before", items), self._chosen)

    def _chosen(self, query: object) -> None:
        if isinstance(query, str):
            self.ask_case(query)

    def action_sql_tables(self) -> None:
        """Tables, then the columns of one."""
        items = [
            item((f"{column(name, 26)} ", "value"), (text, "dim"), payload=name, hang=27)
            for name, text in console.tables(self.desk.case)
        ]

        def done(name: object) -> None:
            if isinstance(name, str):
                self._columns(name)

        self.app.push_screen(Choose("tables of the case", items, "Enter columns   Esc back"), done)

    def _columns(self, table: str) -> None:
        items = [
            item(
                (f"{column(n, 26)} ", "value"),
                (f"{column(t, 13)} ", "label"),
                (text, "dim"),
                payload=n,
                hang=41,
            )
            for n, t, text in console.columns(self.desk.case, table)
        ]

        def done(name: object) -> None:
            if isinstance(name, str):
                self.ask_case(f'SELECT * FROM "{table}" LIMIT 1000')

        self.app.push_screen(
            Choose(f"columns of {table}", items, "Enter shows its rows   Esc back"), done
        )

    def action_sql_save(self) -> None:
        """Save the query."""

        def done(name: str | None) -> None:
            if name and name.strip():
                self.desk.notes.save("query", name.strip(), self.query_text)

        self.app.push_screen(Ask("save this query as", "a name; the same name is replaced"), done)

    def action_sql_load(self) -> None:
        """Load a saved query."""
        items = [
            item((f"{name}  ", "value"), (query, "dim"), payload=query, hang=4)
            for name, query in self.desk.notes.saved("query")
        ]
        self.app.push_screen(Choose("saved queries", items), self._chosen)

    def copied(self) -> str:
        """The row, tab-separated."""
        row = self.table().current
        return "\t".join("" if v is None else str(v) for v in row) if isinstance(row, tuple) else ""

    def exported(self) -> Table:
        """The result as it is kept."""
        if self.result is None:
            return [], []
        return self.result.names, list(self.result.rows)
