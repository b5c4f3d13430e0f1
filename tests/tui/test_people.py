"""Several people at one case: what others write is shown soon, and bears their names."""

from collections.abc import Callable
from pathlib import Path

import pytest

from forensic_iso.browse import overview, timeline
from forensic_iso.browse.case import Case
from forensic_iso.case.annotations import Annotations, Kind, finding_subject
from tests.tui.driving import running

Go = Callable[[object], None]


def worst(case: Path) -> str:
    opened = Case(case)
    try:
        return str(overview.findings(opened)[0]["finding_id"])
    finally:
        opened.close()


def test_notes_of_another_person_come_without_asking(case: Path, go: Go) -> None:
    subject = finding_subject(worst(case))

    async def walk() -> None:
        async with running(case, (150, 30), start="timeline") as d:
            row = timeline.page(d.app.case, 0, 0)[0]
            Annotations(case, "ben").add(row.stable_id, Kind.COMMENT, "seen before", "")
            Annotations(case, "ben").add(row.stable_id, Kind.BOOKMARK, "", "")
            d.app._follow_notes()
            await d.settle()
            state, marks = d.state, d.app.timeline.source.marks
            await d.press("2")
            Annotations(case, "ben").add(subject, Kind.TAG, "confirmed", "")
            d.app._follow_notes()
            await d.settle()
            listed = d.text
            await d.press("7")
            Annotations(case, "cleo").add(subject, Kind.COMMENT, "not sure", "")
            d.app._follow_notes()
            await d.settle()
            notes = d.text

        assert "seen before (ben)" in state and marks == [0]
        assert "#confirmed (ben)" in listed
        assert "not sure" in notes and "cleo" in notes

    go(walk())


def test_a_row_stays_marked_while_another_person_marks_it(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, (110, 30), start="timeline") as d:
            row = timeline.page(d.app.case, 0, 0)[0]
            Annotations(case, "ben").add(row.stable_id, Kind.BOOKMARK, "", "")
            await d.press("m", "k", "m")
            marks = d.app.timeline.source.marks

        assert marks == [0]
        assert [n.author for n in Annotations(case).all()] == ["ben"]

    go(walk())


@pytest.mark.parametrize("key", ["t", "quotation_mark"])
def test_a_finding_is_noted_in_the_list(case: Path, go: Go, key: str) -> None:
    async def walk() -> None:
        async with running(case, (150, 30), start="findings") as d:
            await d.press(key)
            await d.type("look again")
            await d.press("m")
            text = d.text

        assert "look again" in text and "*" in text
        notes = Annotations(case).all()
        assert {n.subject for n in notes} == {finding_subject(worst(case))}
        assert "Shipping Documents" in notes[0].about

    go(walk())
