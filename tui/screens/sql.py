"""A read-only SQL console; results browse like the timeline."""

from collections.abc import Callable, Sequence

from textual import events
from textual.widget import Widget

from forensic_iso.browse import console, results
from tui.commands import bindings
from tui.desk.asking import Asking
from tui.desk.faults import told
from tui.rows import ResultSource
from tui.safe import Piece, clean, in_parts
from tui.screens.page import FIND_HELP, NotNow, Page, Table, column, number
from tui.timeline import facets
from tui.timeline.out import COPIED_MOST
from tui.widgets.bar import Bar
from tui.widgets.editor import SqlEditor
from tui.widgets.lines import Item, item
from tui.widgets.prompt import Ask, Choose
from tui.widgets.timeline import Timeline

SHORTEST, LONGEST = 2, 10
"""Lines of the query that are shown, if the screen has room: a third of it is the query's at most."""
WRITING = 5
"""Lines that it has at least while it is being written."""

START = "SELECT severity, image_path, verdict, score FROM finding ORDER BY score DESC"


class SqlPage(Page):
    """Query, result, history, saved queries, the tables' documentation."""

    TAB = "sql"
    PLACES = ("sql", "find", "lists")
    BINDINGS = bindings("find", "sql")

    def __init__(self) -> None:
        super().__init__()
        self._query = START
        self._ran = START
        self.history: list[str] = []
        self._at = 0
        self._draft = ""
        self.result: console.Result | None = None
        self._whole: console.Result | None = None
        self._word = ""
        self._asking: Asking | None = None

    def body(self) -> Sequence[Widget]:
        """Query and result."""
        return [SqlEditor(id="query"), Timeline(id="rows")]

    def editor(self) -> SqlEditor:
        """Where the query is written."""
        return self.query_one(SqlEditor)

    @property
    def query_text(self) -> str:
        """The query as it stands on the screen."""
        return self.editor().text if self.is_attached else self._query

    def load(self) -> None:
        """The first query."""
        self.history = self.desk.notes.asked() or [START]
        self.ask_case(self._query)

    def begin(self, query: str) -> None:
        """Ask this, now or when the screen is shown first."""
        self._query = query
        if self._loaded:
            self.ask_case(query)

    def ask_case(self, query: str) -> None:
        """Run a query in the background; a second one ends the first."""
        self._ran = query
        if self.editor().text != query:
            self.editor().put(query)
        self._at = len(self.history)
        self._fit()
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

    def _remember(self, query: str) -> None:
        """A query that the user asked is the last one of the history."""
        if query in self.history:
            self.history.remove(query)
        self.history.append(query)
        self.desk.notes.remember(query)

    def _fit(self) -> None:
        """As many lines as the query has, more while it is being written, within a third of the screen."""
        editor = self.editor()
        wanted = max(SHORTEST, min(editor.wrapped_document.height, LONGEST))
        if editor.has_focus:
            wanted = max(wanted + 1, WRITING)
        editor.styles.height = max(1, min(wanted, self.size.height // 3))

    def on_resize(self) -> None:
        """The query has more or less room."""
        super().on_resize()
        self._fit()

    def on_text_area_changed(self) -> None:
        """The query has more or fewer lines."""
        self._fit()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Keys and room follow what has the focus."""
        self.frame()
        self._fit()

    def frame(self) -> None:
        """Draw tabs, and the keys of what has the focus."""
        super().frame()
        if self.is_attached and self.editor().has_focus:
            keys = self.key_line(("editor",), width=self.size.width)
            self.query_one("#keys", Bar).show(keys)

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
            items += self._cell(name, value)
        self.app.push_screen(Choose("row", items, "Esc back"))

    def _cell(self, name: str, value: object) -> list[Item]:
        """A value whole, long ones on several lines."""
        label = (f"{column(name, 20)} ", "label")
        if value is None:
            return [item(label, ("NULL", "dim"), hang=21)]
        (head, *parts), _ = in_parts(str(value), console.CELL)
        rest = [item((" " * 21, ""), (part, "value"), hang=21) for part in parts]
        return [item(label, (head, "value"), hang=21), *rest]

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
        title = f"{result.names[at]}: {number(len(found), 'value')} in {number(len(result.rows), 'row')}"
        items = facets.items(found[: facets.SHOWN], max(len(result.rows), 1))
        self.app.push_screen(Choose(title, items, facets.HELP, ["delete"]), done)

    def action_find(self) -> None:
        """Ask for a text to find in the result."""

        def done(typed: str | None) -> None:
            if typed and self.result is not None:
                self._word = typed
                self._show(self.result, self.table().cursor)
                self.action_find_hit(1)

        question = Ask("search in the result", FIND_HELP, self._word, proposed=True)
        self.app.push_screen(question, done)

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
        """Write a query: the one that stands there is selected, so that typing takes its place."""
        self.editor().select_all()
        self.editor().focus()
        self.say(
            ("one SELECT over the case, read-only; ", "bar"),
            ("Enter behind a ; or Ctrl-j runs it", "key"),
        )

    def on_sql_editor_run(self, event: SqlEditor.Run) -> None:
        """Run what is written."""
        query = self.editor().text
        if query.strip():
            self._remember(query)
            self.ask_case(query)

    def on_sql_editor_left(self, event: SqlEditor.Left) -> None:
        """Back to the result; a running query goes on."""
        self.table().focus()
        self._tell()

    def on_sql_editor_earlier(self, event: SqlEditor.Earlier) -> None:
        """Another query of the history; behind the last one stands what was being written."""
        if self._at >= len(self.history):
            self._draft = self.editor().text
        self._at = max(0, min(len(self.history), self._at + event.by))
        last = self._at >= len(self.history)
        self.editor().put(self._draft if last else self.history[self._at])
        self.say((f"query {self._at + 1} of {len(self.history)}" if not last else "", "bar"))

    def on_sql_editor_complete(self, event: SqlEditor.Complete) -> None:
        """Complete a name: at once where one alone begins so, else by choice."""
        begun = event.begun.lower()
        known: list[tuple[str, str]] = []
        with told(self.desk):
            known = console.names_of(self.desk.case, self.editor().text)
        found = [(name, told) for name, told in known if name.lower().startswith(begun)]
        if len(found) == 1:
            self._insert(event.begun, found[0][0])
        elif found:
            items = [
                item((f"{column(n, 26)} ", "value"), (told, "dim"), payload=n, hang=27)
                for n, told in found
            ]

            def done(name: object) -> None:
                if isinstance(name, str):
                    self._insert(event.begun, name)

            title = f"names that begin with {clean(event.begun)}" if begun else "names"
            self.app.push_screen(Choose(title, items), done)
        else:
            self.say(
                (f"no table and no column of the tables named begins with {event.begun}", "warn")
            )

    def _insert(self, begun: str, name: str) -> None:
        editor = self.editor()
        row, at = editor.cursor_location
        editor.replace(name, (row, at - len(begun)), (row, at))
        editor.focus()

    def action_sql_history(self) -> None:
        """Choose among the queries asked."""
        items = [
            item((" ".join(q.split()), "value"), payload=q, hang=2) for q in reversed(self.history)
        ]
        self.app.push_screen(Choose("asked before", items), self._chosen)

    def _chosen(self, query: object) -> None:
        if isinstance(query, str):
            self._remember(query)
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
            item((f"{name}  ", "value"), (" ".join(query.split()), "dim"), payload=query, hang=4)
            for name, query in self.desk.notes.saved("query")
        ]
        self.app.push_screen(Choose("saved queries", items), self._chosen)

    def action_sql_select(self) -> None:
        """Begin or end a selection."""
        table = self.table()
        begun = table.selecting is None
        table.selecting = table.cursor if begun else None
        table.refresh()
        told = "selecting: move, then y copies; v ends it" if begun else "selection ended"
        self.say((told, "warn"))

    def action_copy_value(self) -> None:
        """Copy the cell under the cursor."""
        row = self.table().current
        if isinstance(row, tuple) and row:
            self.desk.copy_text(str(row[self.table().column] or ""), "cell")

    def copied(self) -> str:
        """The selected rows, tab-separated.

        Raises:
            NotNow: they are too many.
        """
        table = self.table()
        if len(table.selected) > COPIED_MOST:
            raise NotNow(f"at most {COPIED_MOST:,} rows go to the clipboard; x writes a file")
        rows = [table.row(position) for position in table.selected]
        return "\n".join(
            "\t".join("" if v is None else str(v) for v in row)
            for row in rows
            if isinstance(row, tuple)
        )

    def exporter(self) -> Callable[[], Table]:
        """The result as it is seen; where it was cut and nothing else was done to it, all of it by asking again."""
        result, case, query = self.result, self.desk.case, self._ran
        if result is None:
            raise NotNow("no result to export")
        if result is self._whole and (result.cut or result.cells_cut):
            return lambda: Table(*console.whole(case, query))
        remark = f"the result was CUT after {console.MOST:,} rows" if result.cut else ""
        return lambda: Table(result.names, [result.rows], remark)
