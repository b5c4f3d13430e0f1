"""All processes as trees, or the tree around one."""

from forensic_iso.browse import processes
from tui.commands import bindings
from tui.screens.findings import tree_line
from tui.screens.page import Page
from tui.widgets.lines import Item, Lines, item

NONE = "no process starts in the logs; runs that other artifacts tell stand in the findings (2)"


class ProcessesPage(Page):
    """Process trees; programs run from an image stand out."""

    TAB = "processes"
    PLACES = ("lists", "find", "processes")
    BINDINGS = bindings("find", "processes")

    def __init__(self, root: str | None = None, at: str | None = None) -> None:
        super().__init__()
        self._root, self._at = root, at
        self._trees: list[processes.Node] = []

    def load(self) -> None:
        """Draw the trees."""
        made = processes.forest(self.desk.case, self._root)
        self._trees = made.nodes
        items = [
            Item(
                tuple(tree_line(node)),
                lambda k=str(node.process["process_key"]): self.desk.show_rows(
                    "process", processes.timeline_rows(self.desk.case, k)
                ),
                wrap=False,
            )
            for node in made.nodes
        ]
        lines = self.list()
        cursor = next(
            (i for i, n in enumerate(made.nodes) if n.process["process_key"] == self._at),
            next((i for i, n in enumerate(made.nodes) if n.marked), 0),
        )
        lines.show(items or [item((NONE, "dim"))], cursor)
        lines.focus()
        if made.left_out:
            self.say(
                (f"the first {len(made.nodes):,}; {made.left_out:,} processes left out", "warn")
            )
        else:
            self._tell(cursor)

    def on_lines_moved(self, event: Lines.Moved) -> None:
        """Say whole what the line cuts."""
        self._tell(event.index)

    def _tell(self, index: int) -> None:
        if index < len(self._trees):
            p = self._trees[index].process
            self.say(
                (f"{index + 1} of {len(self._trees)}  ", "bar"),
                (p["host"], "bar"),
                ("  ", "bar"),
                (p["path"], "key"),
                (f"  {str(p['started_utc'])[:23]} to {str(p['ended_utc'] or '?')[:23]}", "bar"),
            )

    def action_only_process(self) -> None:
        """Filter the timeline by the process."""
        at = self.list().cursor
        if at < len(self._trees):
            self.desk.filter_by("process", str(self._trees[at].process["process_key"]))

    def action_tree_run(self) -> None:
        """The next process run from an image."""
        lines = self.list()
        marked = [i for i, n in enumerate(self._trees) if n.marked]
        if marked:
            lines.go(next((i for i in marked if i > lines.cursor), marked[0]))
        else:
            self.say(("no process was run from an image", "warn"))
