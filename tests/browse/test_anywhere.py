"""A word is found in the fields of a row's record that its summary does not tell."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from forensic_iso.browse import anywhere, scan
from forensic_iso.browse.case import Case
from forensic_iso.browse.filters import parse
from forensic_iso.browse.rowset import RowSet
from forensic_iso.browse.stop import Stop
from forensic_iso.browse.timeline import chosen

SHA256 = "28af8ed8d002fdf0b53f506d17f3098811fb7d1fabf1cc4eef4787bf2997541a"
"""Hash of the module that was loaded from the image: only Sysmon's field tells it."""


@pytest.fixture(scope="module")
def opened(bundled_case: Path) -> Iterator[Case]:
    case = Case(bundled_case)
    yield case
    case.close()


def rows_with(case: Case, word: str) -> RowSet:
    *_, (found, share) = anywhere.rows_with(case, word, Stop())
    assert share == 1
    return found


def test_a_hash_that_no_summary_tells_is_found_in_its_record(opened: Case) -> None:
    found = rows_with(opened, SHA256)

    rows = chosen(opened, found.slice(0, len(found)))
    assert [(r.source, r.event_id) for r in rows] == [("Sysmon", 7)]
    assert SHA256 not in (rows[0].summary or "").lower()


def test_rows_of_the_summary_and_of_derived_rows_are_among_them(opened: Case) -> None:
    word = "viewer"
    found = rows_with(opened, word)
    told = opened.rows("SELECT rid, source_id FROM timeline WHERE contains(summary, ?)", [word])

    assert told and all(int(str(rid)) in found for rid, _ in told)
    assert any(source is None for _, source in told)
    assert len(found) > len(told)


def test_a_word_does_not_match_over_the_border_of_two_fields(opened: Case) -> None:
    row = opened.rows("SELECT channel, provider FROM vhdmp LIMIT 1")[0]

    assert not len(rows_with(opened, f"{row[0]}{row[1]}"))


def test_typed_as_a_filter_it_stops_and_turns_round(opened: Case) -> None:
    only, without = parse(f"any={SHA256} -any={SHA256}")
    stopped = Stop()
    stopped.set()

    assert scan.fill(opened, only, stopped) is None
    found, rest = (scan.fill(opened, f, Stop()) for f in (only, without))

    assert found is not None and rest is not None
    assert (len(found), len(rest)) == (1, opened.total - 1)


@pytest.mark.parametrize("word", ["viewer", SHA256, "FIN-WS07", "no such word"])
def test_small_slices_and_early_gathering_find_the_same(
    opened: Case, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = rows_with(opened, word)
    monkeypatch.setattr(anywhere, "SLICE", 50)
    monkeypatch.setattr(anywhere, "FULL", 1)

    parts = list(anywhere.rows_with(opened, word, Stop()))

    found, last = parts[-1]
    assert found.slice(0, len(found)) == whole.slice(0, len(whole))
    assert last == 1 and all(0 < share <= 1 for _, share in parts)
    assert len(parts) > 20


def test_the_share_looked_at_is_told_before_the_end_unless_turned_round(opened: Case) -> None:
    only, without = parse(f"any={SHA256} -any={SHA256}")
    told: list[tuple[bool, int]] = []

    for f in (only, without):
        scan.fill(opened, f, Stop(), tell=lambda found, seen: told.append((found is None, seen)))

    partial = [(none, seen) for none, seen in told if seen < opened.total]
    assert {none for none, _ in partial} == {False, True}
    assert told[-1] == (False, opened.total)
