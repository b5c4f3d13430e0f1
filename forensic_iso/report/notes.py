"""Notes and tags of the analysts, where the case has any."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from forensic_iso.case.annotations import Annotations, Kind
from forensic_iso.report import fields
from forensic_iso.report.model import Fact, Listing

NOTES = 1000


@dataclass(frozen=True, slots=True)
class Note:
    """A comment or tag on a row, by the row's stable id."""

    time_utc: str | None
    author: str
    subject: str
    tags: str
    text: str
    about: str = ""


def read_notes(case: Path) -> tuple[Note, ...]:
    """Notes of the case, by time; none where no analyst wrote any."""
    notes = Annotations(case).all()
    return tuple(
        Note(
            n.created_utc,
            n.author,
            n.subject,
            n.value if n.kind in (Kind.TAG, Kind.BOOKMARK) else "",
            n.value if n.kind is Kind.COMMENT else "",
            n.about,
        )
        for n in sorted(notes, key=lambda n: (n.created_utc, n.id))
    )


def finding_notes(notes: Sequence[Note]) -> dict[str, tuple[Fact, ...]]:
    """Notes by the subject they stand on, as facts of author and text."""
    out: dict[str, tuple[Fact, ...]] = {}
    for n in notes:
        words = "; ".join(x for x in (n.text, n.tags and f"tags: {n.tags}") if x)
        out[n.subject] = (*out.get(n.subject, ()), Fact(n.author or "author not recorded", words))
    return out


def notes_listing(notes: Sequence[Note]) -> Listing:
    """All notes as a listing."""
    rows = tuple((n.time_utc, n.author, n.tags, n.text, n.about, n.subject) for n in notes)
    return Listing(
        "notes",
        "Notes of the analysts: opinions, not evidence",
        fields.NOTES,
        rows[:NOTES],
        len(rows),
    )
