"""The list of findings, and one finding with everything it rests on."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from forensic_iso.browse import overview as queries
from forensic_iso.browse import processes, timeline
from forensic_iso.browse.case import Record
from forensic_iso.case.annotations import Kind, finding_subject
from forensic_iso.story import SIGMA, Story, evidence_of, parts, stories, supported_by
from tui.commands import bindings
from tui.safe import Piece
from tui.screens.overview import finding_line, severity_role
from tui.screens.page import Page, column, number
from tui.screens.sessions import session_bar
from tui.widgets.lines import Item, Lines, heading, item

if TYPE_CHECKING:
    from forensic_iso.browse.processes import Node


HITS_SHOWN = 200
"""Lines of rows that met a Sigma rule on the page of one finding."""

ORDERS: tuple[tuple[str, Callable[[Record], Any]], ...] = (
    ("worst first", lambda f: 0),
    ("earliest first", lambda f: (f["first_utc"] is None, str(f["first_utc"]))),
    ("by host", lambda f: str(f["host"] or "")),
)
"""Orders of the list; equal ones stand worst first."""

Place = tuple[str | None, str]
"""Artifact and address of a row."""

Hit = tuple[Place, tuple[object, ...]]
"""A row that met a Sigma rule: its place and what is told of it."""


class FindingsPage(Page):
    """All findings; what is noted of them stands behind, and is noted here too."""

    TAB = "findings"
    PLACES = ("lists", "find", "finding_list", "findings")
    BINDINGS = bindings("find", "finding_list", "findings")

    def __init__(self) -> None:
        super().__init__()
        self._found: list[Record] = []
        self._order = 0

    def load(self) -> None:
        """List them."""
        told, key = ORDERS[self._order]
        self._found = sorted(queries.findings(self.desk.case), key=key)
        items: list[Item] = []
        for f in self._found:
            noted = self.desk.notes.of(finding_subject(str(f["finding_id"])))
            line: list[Piece] = [*finding_line(f)]
            line.append((f"  {noted}" if noted else "", "mark"))
            items.append(
                Item(tuple(line), lambda i=str(f["finding_id"]): self.desk.open_finding(i), hang=10)
            )
        late = queries.unfinished(self.desk.case)
        nothing = [item((f" {text}", "bad"), hang=1) for text in late] or [
            item((" no finding: no image was seen delivered or mounted", "dim"))
        ]
        lines = self.query_one("#lines", Lines)
        lines.show(items or nothing)
        lines.focus()
        self.say((f"{number(len(items), 'finding')}, {told}", "bar"))

    def reread(self) -> None:
        """List them with what is noted now."""
        self.load()

    def action_order(self) -> None:
        """The next order; the finding stays under the cursor."""
        here = self._here()
        self._order = (self._order + 1) % len(ORDERS)
        self.load()
        ids = [f["finding_id"] for f in self._found]
        if here is not None:
            self.list().go(ids.index(here["finding_id"]))

    def _here(self) -> Record | None:
        at = self.list().cursor
        return self._found[at] if at < len(self._found) else None

    def action_rows_of_line(self) -> None:
        """Filter the timeline by the rows of the finding."""
        if (f := self._here()) is not None:
            self.desk.filter_by("finding", str(f["finding_id"]))

    def action_tag_finding(self) -> None:
        """Ask for a tag."""
        self._note(Kind.TAG)

    def action_comment_finding(self) -> None:
        """Ask for a comment."""
        self._note(Kind.COMMENT)

    def _note(self, kind: Kind) -> None:
        if (f := self._here()) is not None:
            subject = finding_subject(str(f["finding_id"]))
            self.desk.notes.ask(kind, [(subject, self._about())], self.load)

    def action_mark_finding(self) -> None:
        """Bookmark it, or not any more."""
        if (f := self._here()) is not None:
            self.desk.notes.toggle_bookmark(finding_subject(str(f["finding_id"])), self._about())
            self.load()

    def action_copy_finding(self) -> None:
        """Copy the finding's line."""
        self.desk.copy_text(self._about(), "finding")

    def _about(self) -> str:
        f = self._here()
        return "" if f is None else f"{str(f['severity']).upper()} {f['image_path']} on {f['host']}"


class FindingPage(Page):
    """One finding: story, mount sessions, process tree, follow-on, delivery, reasons, weakest link, evidence."""

    TAB = "findings"
    PLACES = ("lists", "find", "findings")
    BINDINGS = bindings("find", "findings")

    def __init__(self, finding_id: str) -> None:
        super().__init__()
        self.finding_id = finding_id
        self._subjects: dict[int, str] = {}

    def load(self) -> None:
        """Tell the story."""
        con = self.desk.case.cursor()
        told = stories(con, self.finding_id)
        if not told:
            self.say(("this finding is not in the case any more", "bad"))
            return
        story = told[0]
        hits = self._hits(story)
        items = [
            *self._head(story),
            *self._story(story, [place for place, _ in hits]),
            *self._mounts(story),
            *self._tree(story),
            *self._rules(hits),
            *self._evidence(story),
        ]
        lines = self.query_one("#lines", Lines)
        lines.show(items)
        lines.focus()
        self.say(("Enter goes to the line's rows in the timeline, Esc there comes back", "bar"))

    def _head(self, story: Story) -> Sequence[Item]:
        f = story.finding
        noted = self.desk.notes.of(finding_subject(self.finding_id))
        out = [
            item(
                (f" {str(f['severity']).upper()} ", severity_role(f["severity"])),
                (" ", ""),
                (f["image_path"], "value"),
                ("  on ", "dim"),
                (f["host"], "link"),
                payload=self._jump("finding", self.finding_id, self._of_finding),
                hang=2,
            )
        ]
        if noted:
            out.append(item((" notes     ", "label"), (noted, "mark"), hang=11))
        return out

    def _of_finding(self, finding_id: str) -> list[int]:
        return timeline.of_finding(self.desk.case, finding_id)

    def _of_subject(self, subject: str) -> list[int]:
        return timeline.of_subject(self.desk.case, subject)

    def _jump(
        self, label: str, subject: str, ask: Callable[[str], list[int]]
    ) -> Callable[[], None]:
        return lambda: self.desk.ask_rows(label, lambda: ask(subject))

    def _story(self, story: Story, hits: Sequence[Place]) -> Sequence[Item]:
        out = [heading("Story")]
        for part in parts(story):
            line: list[Piece] = [(f" {part.label:<9} ", "label"), (part.text, "")]
            if part.label in ("weakest", "unseen"):
                line[1] = (part.text, "warn")
            payload = self._jump(part.label, self.finding_id, self._of_finding)
            if part.label == SIGMA:
                payload = self._places(SIGMA, hits)
            elif part.subject_id not in (None, self.finding_id):
                payload = self._jump(part.label, str(part.subject_id), self._of_subject)
            out.append(Item(tuple(line), payload, hang=11))
        return out

    def _mounts(self, story: Story) -> Sequence[Item]:
        wanted = {str(s["session_id"]) for s in story.sessions}
        if not wanted:
            return []
        rows = [s for s in queries.sessions(self.desk.case) if str(s["session_id"]) in wanted]
        width = max(20, self.size.width - 40)
        out = [heading("Mount sessions", "▒ open, ▲ run from the image")]
        for s in rows:
            bar = session_bar(s, rows, width)
            out.append(
                Item(
                    (
                        (f" {s['volume'] or '?'!s:<4}", "label"),
                        (str(s["opened_utc"])[:19], ""),
                        ("  ", ""),
                        (bar, "art_1"),
                    ),
                    self._jump("mounted", str(s["session_id"]), self._of_subject),
                    wrap=False,
                )
            )
            out += self._claims(str(s["session_id"]))
        return out

    def _claims(self, session: str) -> Sequence[Item]:
        """What speaks for a volume of the session, also what was refused."""
        return [
            item(
                ("      volume ", "label"),
                (c["volume"], "value"),
                (f" ({c['form']}) ", "dim"),
                (c["verdict"], "good" if c["verdict"] == "taken" else "warn"),
                (f" [{c['confidence'] or 0:.2f}]  {c['basis']}", "dim"),
                payload=self._jump("mounted", session, self._of_subject),
                hang=13,
            )
            for c in queries.volume_claims(self.desk.case, session)
        ]

    def _tree(self, story: Story) -> Sequence[Item]:
        keys = [str(e["process_key"]) for e in story.executions if e["process_key"] is not None]
        nodes: list[Node] = []
        seen: set[str] = set()
        for key in keys:
            if key in seen:
                continue
            for node in processes.forest(self.desk.case, key).nodes:
                if (own := str(node.process["process_key"])) not in seen:
                    seen.add(own)
                    nodes.append(node)
        if not nodes:
            return []
        out = [heading("Process tree", "! run from the image")]
        for node in nodes:
            ask = self._of_process
            payload = self._jump("process", str(node.process["process_key"]), ask)
            out.append(Item(tuple(tree_line(node)), payload, wrap=False))
        return out

    def _of_process(self, key: str) -> list[int]:
        return processes.timeline_rows(self.desk.case, key)

    def _hits(self, story: Story) -> list[Hit]:
        """Rows that met a Sigma rule and support the finding, each with its place."""
        hits = supported_by(self.desk.case.cursor(), story, HITS_SHOWN)
        return [((None if h[6] is None else str(h[6]), str(h[3])), h) for h in hits]

    def _places(self, label: str, places: Sequence[Place]) -> Callable[[], None]:
        return lambda: self.desk.show_places(label, places)

    def _rules(self, hits: Sequence[Hit]) -> Sequence[Item]:
        if not hits:
            return []
        out = [
            heading("Sigma rules", "rows that met a rule; they support the finding, never make it")
        ]
        for place, (_, rule, table, address, path, *_rest) in hits:
            out.append(
                item(
                    (" ", ""),
                    (rule, "value"),
                    ("  ", ""),
                    (table, "art_1"),
                    (f" at {address}", "dim"),
                    (f" of {path}" if path else "", "link"),
                    payload=self._places("rule", [place]),
                    hang=11,
                )
            )
        if len(hits) == HITS_SHOWN:
            out.append(item((" more: forensic-iso sigma hits CASE --finding ID", "dim")))
        return out

    def _evidence(self, story: Story) -> Sequence[Item]:
        _, rows = evidence_of(self.desk.case.cursor(), story)
        out = [
            heading("Evidence", f"{len(rows)} rows of evidence, with the address of their bytes")
        ]
        seen: set[tuple[object, ...]] = set()
        for step, role, table, address, path, _, source_id in rows:
            if (step, role, source_id, address) in seen:
                continue
            seen.add((step, role, source_id, address))
            place = [(None if source_id is None else str(source_id), str(address))]
            out.append(
                item(
                    (" ", ""),
                    (column(step, 10), "label"),
                    (column(role, 24), ""),
                    (" ", ""),
                    (column(table, 24), "art_1"),
                    (f" at {address} of ", "dim"),
                    (path, "link"),
                    payload=lambda p=place, r=role: self.desk.show_places(str(r), p),
                    hang=11,
                )
            )
        return out

    def action_rows_of_line(self) -> None:
        """Filter the timeline by what the line would jump to."""
        current = self.list().current
        if current is not None and callable(current.payload):
            self.desk.only_rows(current.payload)

    def action_tag_finding(self) -> None:
        """Ask for a tag."""
        self._note(Kind.TAG)

    def action_comment_finding(self) -> None:
        """Ask for a comment."""
        self._note(Kind.COMMENT)

    def _note(self, kind: Kind) -> None:
        self.desk.notes.ask(kind, [(finding_subject(self.finding_id), self._about())], self.load)

    def action_mark_finding(self) -> None:
        """Bookmark it, or not any more."""
        self.desk.notes.toggle_bookmark(finding_subject(self.finding_id), self._about())
        self.load()

    def action_copy_finding(self) -> None:
        """Copy the finding as it is told here."""
        self.desk.copy_text("\n".join(entry.plain for entry in self.list().items), "finding")

    def _about(self) -> str:
        return self.list().items[0].plain.strip() if self.list().items else self.finding_id


def tree_line(node: "Node") -> list[Piece]:
    """One process of a tree."""
    p = node.process
    return [
        (" ! " if node.marked else "   ", "bad" if node.marked else ""),
        (str(p["started_utc"])[5:23].ljust(19), "dim"),
        ("│ " * (node.depth - 1) + "└─" if node.depth else "", "track"),
        (
            str(p["path"] or "").replace("/", "\\").rpartition("\\")[2],
            "severity_4" if node.marked else "value",
        ),
        (f" ({p['pid']})", "dim"),
        (f"  {p['command_line']}" if p["command_line"] else "", ""),
        (f"  {p['user_name']}" if p["user_name"] else "", "art_3"),
        (f"  {p['integrity']}" if p["integrity"] else "", "dim"),
    ]
