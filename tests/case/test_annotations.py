"""Notes are kept by stable id, by several writers at once."""

from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from forensic_iso.case.annotations import Annotations, Kind
from forensic_iso.errors import CaseError


def _write(path: str, author: str) -> int:
    notes = Annotations(Path(path), author)
    for n in range(25):
        notes.add(f"finding/{n}", Kind.COMMENT, f"{author} {n}", "about")
    return len(notes.all())


def test_several_people_write_at_once_and_nothing_is_lost(tmp_path: Path) -> None:
    with ProcessPoolExecutor(3) as pool:
        list(pool.map(_write, [str(tmp_path)] * 3, ["anna", "bert", "cleo"]))

    notes = Annotations(tmp_path).all()

    assert len(notes) == 75
    assert {n.author for n in notes} == {"anna", "bert", "cleo"}


def test_a_tag_of_one_person_is_kept_once_and_toggled(tmp_path: Path) -> None:
    notes = Annotations(tmp_path, "anna")
    notes.add("finding/1", Kind.TAG, "lateral", "about")
    notes.add("finding/1", Kind.TAG, "lateral", "about")
    assert len(notes.all()) == 1

    assert not notes.toggle("finding/1", Kind.TAG, "lateral", "about")
    assert notes.toggle("finding/1", Kind.BOOKMARK, "", "about")

    assert [n.kind for n in notes.of("finding/1")] == [Kind.BOOKMARK]


def test_reading_makes_no_file(tmp_path: Path) -> None:
    notes = Annotations(tmp_path)

    assert notes.all() == [] and notes.saved("filters") == []
    assert list(tmp_path.iterdir()) == []


def test_lone_surrogates_are_kept_visible(tmp_path: Path) -> None:
    notes = Annotations(tmp_path, "anna")

    notes.add("finding/\udc80", Kind.COMMENT, "x\udcff", "about")

    assert notes.of("finding/\udc80")[0].value == "x\\udcff"


def test_a_damaged_file_of_notes_is_told(tmp_path: Path) -> None:
    (tmp_path / "annotations.sqlite").write_bytes(b"no database at all" * 100)

    with pytest.raises(CaseError, match="the notes"):
        Annotations(tmp_path).all()
