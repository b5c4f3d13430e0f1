"""Notes are kept by stable id, by several writers at once."""

import sqlite3
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from forensic_iso.case.annotations import FILE, SCHEMA, Annotations, Kind
from forensic_iso.errors import CaseError

AUTHORS = ("anna", "bert", "cleo", "dora", "emil", "finn")


def _write(path: str, author: str) -> int:
    notes = Annotations(Path(path), author)
    for n in range(20):
        notes.add(f"finding/{n}", Kind.COMMENT, f"{author} {n}", "about")
    return len(notes.all())


def test_several_people_write_at_once_and_nothing_is_lost(tmp_path: Path) -> None:
    """Ten files made anew: the first writers meet while the file comes into being."""
    cases = [tmp_path / str(n) for n in range(10)]
    with ProcessPoolExecutor(len(AUTHORS)) as pool:
        for case in cases:
            case.mkdir()
            list(pool.map(_write, [str(case)] * len(AUTHORS), AUTHORS))

    for case in cases:
        notes = Annotations(case).all()
        assert len(notes) == 20 * len(AUTHORS)
        assert {n.author for n in notes} == set(AUTHORS)


def test_notes_of_an_earlier_version_are_read_and_added_to(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / FILE)) as con:
        con.execute("PRAGMA journal_mode = WAL")
        con.executescript(SCHEMA)
        con.execute(
            "INSERT INTO annotation (subject, kind, value, author, created_utc, about)"
            " VALUES ('finding/1', 'comment', 'old', 'anna', '2024-05-01T10:00:00Z', '')"
        )
        con.commit()

    notes = Annotations(tmp_path, "bert")
    notes.add("finding/1", Kind.COMMENT, "new", "")

    assert [n.value for n in notes.of("finding/1")] == ["old", "new"]


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
