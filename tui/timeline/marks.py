"""Findings, marks and notes laid over the timeline: read in the background, set and taken away."""

from forensic_iso.browse import timeline as places
from forensic_iso.browse.timeline import Row
from forensic_iso.case.annotations import Kind
from forensic_iso.text import encodable
from tui.desk.notes import NotesDesk
from tui.timeline.out import about
from tui.timeline.stage import Stage

MOST = 1000
"""Rows that are marked or noted at once: each is a line of its own in the notes."""


class Marks:
    """Reads what the notes say of the rows; one's own go through the desk of notes."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def load(self, notes: NotesDesk) -> None:
        """Read them anew: others may have written."""
        self._stage.background(lambda: self._read(notes), "marks")

    def _read(self, notes: NotesDesk) -> None:
        findings = places.of_findings(self._stage.case)
        subjects: dict[str, list[str]] = {}
        marked: set[str] = set()
        for note in notes.all():
            if note.kind is Kind.BOOKMARK:
                marked.add(note.subject)
            else:
                subjects.setdefault(note.subject, []).append(notes.told(note))
        rids = places.of_stable_ids(self._stage.case, [*marked, *subjects])
        self._stage.on_screen(self._got, findings, rids, marked, subjects)

    def _got(
        self,
        findings: list[int],
        rids: dict[int, str],
        marked: set[str],
        subjects: dict[str, list[str]],
    ) -> None:
        source = self._stage.ensure()
        source.findings = findings
        source.marks = sorted(r for r, subject in rids.items() if subject in marked)
        source.notes = {r: "; ".join(subjects[s]) for r, s in rids.items() if s in subjects}
        source.version += 1
        self._stage.table().refresh()
        self._stage.paint_state()

    def toggle(self, notes: NotesDesk) -> None:
        """Bookmark the row or the selection, or not any more."""
        table, source = self._stage.table(), self._stage.ensure()
        marks, rows = set(source.marks), self._selected()
        if not rows:
            return
        others = {n.subject for n in notes.others() if n.kind is Kind.BOOKMARK}
        for row in rows:
            there = notes.toggle_bookmark(row.stable_id, about(row))
            there = there or encodable(row.stable_id) in others
            (marks.add if there else marks.discard)(row.rid)
        source.marks = sorted(marks)
        table.selecting = None
        source.version += 1
        table.refresh()
        table.action_move(1)

    def note(self, notes: NotesDesk, kind: Kind) -> None:
        """Ask for a tag or comment of the row, or of each row of the selection."""
        if rows := self._selected():
            notes.ask(kind, [(r.stable_id, about(r)) for r in rows], lambda: self._noted(notes))

    def _noted(self, notes: NotesDesk) -> None:
        self._stage.table().selecting = None
        self.load(notes)

    def _selected(self) -> list[Row]:
        """The rows of the selection, or the cursor's; none, which is told, where they are too many."""
        table = self._stage.table()
        if len(table.selected) > MOST:
            self._stage.tell(f"{len(table.selected):,} rows selected: at most {MOST:,} at once")
            return []
        rows = [table.row(position) for position in table.selected]
        return [row for row in rows if isinstance(row, Row)]
