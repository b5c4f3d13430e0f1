"""All processes as trees, or the tree around one."""

from collections.abc import Sequence
from functools import partial

from textual.widget import Widget

from forensic_iso.browse import processes
from forensic_iso.browse.processes import Node
from tui.commands import bindings
from tui.safe import Piece, fold
from tui.screens.findings import tree_line
from tui.screens.page import Page
from tui.widgets.bar import Bar
from tui.widgets.lines import Item, Lines, item

WHOLE_LINES = 3
"""Lines in which the process under the cursor is told: a line of the tree cuts what is long."""

LOW = 16
"""Lines of a screen below which the tree has nearly all of them."""

NONE = "no process starts in the logs; runs that other artifacts tell stand in the findings (2)"


class ProcessesPage(Page):
    """Process trees, those of each host below its name; programs run from an image stand out."""

    TAB = "processes"
    PLACES = ("lists", "find", "processes")
    BINDINGS = bindings("find", "processes")

    def __init__(self, root: str | None = None, at: str | None = None) -> None:
        super().__init__()
        self._root, self._at = root, at
        self._shown: list[Node | None] = []

    def body(self) -> Sequence[Widget]:
        """Trees, and the process under the cursor whole."""
        return [Lines(id="lines"), Bar(id="whole", height=WHOLE_LINES)]

    def frame(self) -> None:
        """A low screen has no room for more than a line of it."""
        super().frame()
        self.query_one("#whole", Bar).styles.height = WHOLE_LINES if self.size.height >= LOW else 1

    def load(self) -> None:
        """Draw the trees."""
        made = processes.forest(self.desk.case, self._root)
        items: list[Item] = []
        self._shown = []
        for host, nodes in by_host(made.nodes):
            if host is not None:
                items.append(self._heading(host, nodes))
                self._shown.append(None)
            items += [self._entry(node) for node in nodes]
            self._shown += nodes
        lines = self.list()
        cursor = next((i for i, n in self._at_processes() if _key(n) == self._at), None)
        if cursor is None:
            cursor = next((i for i, n in self._at_processes() if n.marked), 0)
        lines.show(items or [item((NONE, "dim"))], cursor)
        lines.focus()
        if made.left_out:
            self.say(
                (f"the first {len(made.nodes):,}; {made.left_out:,} processes left out", "warn")
            )
        else:
            self._tell(cursor)

    def _heading(self, host: str, nodes: Sequence[Node]) -> Item:
        run = sum(node.marked for node in nodes)
        note = f"{len(nodes):,} processes{f', {run} run from an image' if run else ''}"
        only = partial(self.desk.filter_by, "host", host)
        return item((host, "head"), ("  ", ""), (note, "bad" if run else "dim"), payload=only)

    def _entry(self, node: Node) -> Item:
        jump = partial(self._jump, _key(node))
        return Item(tuple(tree_line(node)), jump, wrap=False)

    def _jump(self, key: str) -> None:
        self.desk.ask_rows("process", lambda: processes.timeline_rows(self.desk.case, key))

    def _at_processes(self) -> list[tuple[int, Node]]:
        return [(i, node) for i, node in enumerate(self._shown) if node is not None]

    def _node(self, index: int) -> Node | None:
        return self._shown[index] if index < len(self._shown) else None

    def on_lines_moved(self, event: Lines.Moved) -> None:
        """Say whole what the line cuts."""
        self._tell(event.index)

    def _tell(self, index: int) -> None:
        if (node := self._node(index)) is None:
            self.query_one("#whole", Bar).show()
            self.say(("Tab goes from host to host, Enter filters by the host", "bar"))
            return
        p, headings = node.process, self._shown.count(None)
        place = index + 1 - self._shown[:index].count(None)
        whole: list[Piece] = [
            (" ", "bar"),
            (p["path"], "key"),
            (f"  {p['command_line']}" if p["command_line"] else "", "bar"),
            (f"  as {p['user_name']}" if p["user_name"] else "", "bar"),
            (f"  {p['integrity']}" if p["integrity"] else "", "bar"),
        ]
        lines = fold(whole, max(10, self.size.width - 2), 1)
        if len(lines) > WHOLE_LINES:
            lines[WHOLE_LINES - 1].append(("…", "warn"))
        self.query_one("#whole", Bar).show(*lines[:WHOLE_LINES])
        self.say(
            (f"{place:,} of {len(self._shown) - headings:,}  ", "bar"),
            (p["host"], "bar"),
            (f"  {str(p['started_utc'])[:23]} to {str(p['ended_utc'] or '?')[:23]}", "bar"),
        )

    def action_only_process(self) -> None:
        """Filter the timeline by the process."""
        if (node := self._node(self.list().cursor)) is not None:
            self.desk.filter_by("process", _key(node))

    def action_tree_run(self) -> None:
        """The next process run from an image."""
        lines = self.list()
        marked = [i for i, node in self._at_processes() if node.marked]
        if marked:
            lines.go(next((i for i in marked if i > lines.cursor), marked[0]))
        else:
            self.say(("no process was run from an image", "warn"))


def _key(node: Node) -> str:
    return str(node.process["process_key"])


def by_host(nodes: Sequence[Node]) -> list[tuple[str | None, list[Node]]]:
    """Trees by host, in the order of the hosts' names; one group without a name where all are of one host."""
    groups: dict[str, list[Node]] = {}
    for node in nodes:
        groups.setdefault(str(node.process["host"] or "(no host)"), []).append(node)
    if len(groups) == 1:
        return [(None, list(nodes))]
    return sorted(groups.items())
