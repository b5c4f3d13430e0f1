"""All notes of the case, from everyone who works on it."""

from forensic_iso.browse import timeline
from forensic_iso.case.annotations import Annotation
from tui.commands import bindings
from tui.screens.page import Page, column, number
from tui.widgets.lines import Item, item


class NotesPage(Page):
    """Tags, bookmarks and comments; Enter goes to the row or finding."""

    TAB = "notes"
    PLACES = ("lists", "find", "notes")
    BINDINGS = bindings("find", "notes")

    def __init__(self) -> None:
        super().__init__()
        self._notes: list[Annotation] = []

    def on_screen_resume(self) -> None:
        """Read them again: others may have written."""
        self.frame()
        self.call_after_refresh(self.load)

    def reread(self) -> None:
        """List them anew."""
        self.load()

    def load(self) -> None:
        """List them."""
        self._notes = self.desk.notes.all()
        items = [
            Item(
                (
                    (f" {column(n.kind.value, 9)}", "label"),
                    (f"{n.value}  " if n.value else "", "mark"),
                    (n.about, ""),
                    (f"  {n.author} {n.created_utc}", "dim"),
                ),
                lambda n=n: self._open(n),
                hang=10,
            )
            for n in self._notes
        ]
        nothing = item((' none yet: m marks a row, t tags it, " comments it', "dim"))
        self.list().show(items or [nothing])
        self.list().focus()
        self.say(
            (f"{number(len(self._notes), 'note')} in annotations.sqlite, yours as ", "bar"),
            (self.desk.notes.author, "key"),
        )

    def _open(self, note: Annotation) -> None:
        kind, _, rest = note.subject.partition("/")
        if kind == "finding":
            self.desk.open_finding(rest)
            return
        rids = timeline.of_stable_ids(self.desk.case, [note.subject])
        if rids:
            self.desk.show_rows("note", sorted(rids))
        else:
            self.say(("this row is not in the case any more", "bad"))

    def action_delete_note(self) -> None:
        """Take one's own note away."""
        at = self.list().cursor
        if at >= len(self._notes):
            return
        note = self._notes[at]
        if note.author != self.desk.notes.author:
            self.say((f"only {note.author} takes this note away", "warn"))
            return
        self.desk.notes.remove(note.id)
        self.load()
