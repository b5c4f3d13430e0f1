"""The notes of a case as the screens use them: what fails is told, never raised."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from forensic_iso.case.annotations import Annotation, Annotations, Kind
from forensic_iso.errors import CaseError
from forensic_iso.text import encodable

if TYPE_CHECKING:
    from tui.app import ForensicApp

SIGNS = {"tag": "#", "bookmark": "*", "comment": ""}


class NotesDesk:
    """Notes and saved filters and queries of one case."""

    def __init__(self, app: "ForensicApp", case: Path, author: str | None) -> None:
        self._app = app
        self._kept = Annotations(case, author)

    @property
    def author(self) -> str:
        """Name of the person at the keyboard."""
        return self._kept.author

    @property
    def stamp(self) -> object:
        """Changes whenever anyone writes."""
        return self._kept.stamp

    def all(self) -> list[Annotation]:
        """All notes; none where they cannot be read. From any thread."""
        try:
            return self._kept.all()
        except CaseError as e:
            self._app.call_next(self._app.tell, str(e), "bad")
            return []

    def of(self, subject: str) -> str:
        """Notes of a row or finding in one line."""
        wanted = encodable(subject)
        return "; ".join(self.told(n) for n in self.all() if n.subject == wanted)

    def others(self) -> list[Annotation]:
        """Notes of other people."""
        return [n for n in self.all() if n.author != encodable(self.author)]

    def told(self, note: Annotation) -> str:
        """A note as it is shown; who wrote it, where that was someone else."""
        other = "" if note.author == encodable(self.author) else f" ({note.author})"
        return f"{SIGNS[note.kind]}{note.value}{other}"

    def toggle_bookmark(self, subject: str, about: str) -> bool:
        """Bookmark, or not any more; whether it is one now."""
        try:
            return self._kept.toggle(subject, Kind.BOOKMARK, "", about)
        except CaseError as e:
            self._app.tell(str(e), "bad")
            return False

    def ask(
        self, kind: Kind, subjects: Sequence[tuple[str, str]], then: Callable[[], None]
    ) -> None:
        """Ask for a tag or comment and keep it of each subject; `then` is called when it is kept.

        Args:
            kind: tag or comment.
            subjects: stable id and one line about each row or finding.
            then: what shows it.
        """
        from tui.widgets.prompt import Ask

        many = f" of {len(subjects):,} rows" if len(subjects) > 1 else ""

        def done(typed: str | None) -> None:
            if not typed or not typed.strip():
                return

            def keep() -> None:
                for subject, about in subjects:
                    self._kept.add(subject, kind, typed.strip(), about)

            if self._done(keep):
                self._app.findings_changed()
                then()
                self._app.tell(f"{kind.value}{many} kept", "good")

        used = sorted({n.value for n in self.all() if n.kind is kind})
        if kind is Kind.TAG:
            question = Ask(
                f"{kind.value}{many}", "one word or more; up and down: used before", history=used
            )
        else:
            question = Ask(f"{kind.value}{many}", "what you think of it")
        self._app.push_screen(question, done)

    def remove(self, note: int) -> None:
        """Take a note away, and show so wherever notes are shown."""
        self._done(lambda: self._kept.remove(note))
        self._app.notes_changed()

    def saved(self, kind: str) -> list[tuple[str, str]]:
        """Saved filters or queries by name; none where they cannot be read."""
        try:
            return self._kept.saved(kind)
        except CaseError as e:
            self._app.call_next(self._app.tell, str(e), "bad")
            return []

    def save(self, kind: str, name: str, value: str) -> None:
        """Save filters or a query by name."""
        if self._done(lambda: self._kept.save(kind, name, value)):
            self._app.tell(f"{kind} saved as {name}", "good")

    def remember(self, query: str) -> None:
        """Keep a query that was asked; where it cannot be kept, this session knows it all the same."""
        with suppress(CaseError):
            self._kept.remember(query)

    def asked(self) -> list[str]:
        """Queries that the person at the keyboard asked before, the last one last."""
        try:
            return self._kept.asked()
        except CaseError:
            return []

    def forget(self, kind: str, name: str) -> None:
        """Drop what is saved by that name."""
        self._done(lambda: self._kept.forget(kind, name))

    def _done(self, what: Callable[[], None]) -> bool:
        """Whether something could be done."""
        try:
            what()
        except CaseError as e:
            self._app.tell(str(e), "bad")
            return False
        return True
