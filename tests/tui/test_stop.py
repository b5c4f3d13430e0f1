"""Long scans tell how far they are, and Esc ends them, also in the midst of a query."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from forensic_iso.browse import anywhere, facets, processes, rowset, scan
from forensic_iso.browse.case import Case
from forensic_iso.browse.filters import Filter
from forensic_iso.browse.rowset import RowSet
from forensic_iso.browse.stop import Stop
from tests.tui.driving import running

Go = Callable[[object], None]


def test_escape_stops_a_long_filter_which_stays_off_and_can_be_asked_anew(
    case: Path, go: Go, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go = threading.Event()
    real = anywhere.rows_with

    def slow(opened: Case, word: str, stop: Stop) -> Iterator[tuple[RowSet, float]]:
        for found, share in real(opened, word, stop):
            yield found, share
            while not let_go.wait(0.01):
                stop.check()

    monkeypatch.setattr(anywhere, "rows_with", slow)

    async def walk() -> None:
        async with running(case, (110, 30), start="timeline") as d:
            total = d.app.case.total
            await d.pilot.press("f")
            d.app.screen.query_one("SafeInput").value = "any=28AF8ED8"
            await d.pilot.press("enter")
            await d.until("Esc stops")
            await d.pilot.press("x")
            await d.until("a filter is still running")
            await d.press("escape")
            stopped, count = d.text.splitlines()[1], d.app.timeline.view.count
            let_go.set()
            await d.press("s", "enter", "escape")
            again = d.text.splitlines()[1]

        assert "1:off any=28AF8ED8 (stopped at" in stopped and "%" in stopped
        assert count == total
        assert "1:any=28AF8ED8 (1)" in again

    go(walk())


def test_escape_stops_a_search_and_keeps_what_it_found(
    case: Path, go: Go, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(opened: Case, f: Filter, stop: Stop, back: bool, start: int, tell: scan.Tell) -> None:
        tell(rowset.of(opened.total, [3, 9]), -(-opened.total // 2))
        stop.wait(10)

    monkeypatch.setattr(scan, "fill", slow)

    async def walk() -> None:
        async with running(case, (110, 30), start="timeline") as d:
            await d.pilot.press("slash")
            d.app.screen.query_one("SafeInput").value = "iso"
            await d.pilot.press("enter")
            await d.until("50 % searched, Esc stops")
            await d.press("escape")
            told = d.state
            await d.press("n", "n")
            after, total = d.state, d.app.case.total

        assert "2 hits, 50 % searched" in told and "Esc stops" not in told
        assert "search stopped" in told
        assert f"10 of {total}" in after and "no more hits in view" in after

    go(walk())


ENDLESS = (
    "SELECT count(*) FROM range(10000000000) a, range(10000000) b WHERE a.range % 7 = b.range % 5"
)


def test_escape_stops_a_query_and_the_next_one_answers(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, (110, 30), start="sql") as d:
            await d.pilot.press("semicolon")
            d.app.screen.query_one("SqlEditor").put(ENDLESS)
            await d.pilot.press("ctrl+j")
            await d.until("asking the case: the query; Esc stops")
            await d.press("escape")
            stopped = d.state
            await d.ask_sql("SELECT 41 + 1 AS answer")
            answered = d.text

        assert "stopped" in stopped
        assert "answer" in answered and "42" in answered

    go(walk())


@pytest.mark.parametrize("key", ["F", "P", "p"])
def test_escape_stops_what_a_key_of_the_timeline_asks(
    case: Path, go: Go, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(opened: Case, *_: object) -> object:
        return opened.rows(ENDLESS)

    monkeypatch.setattr(facets, "facet", endless)
    monkeypatch.setattr(processes, "of_row", endless)

    async def walk() -> None:
        async with running(case, (110, 30), start="timeline") as d:
            await d.pilot.press(key)
            await d.until("Esc stops")
            await d.press("escape")
            stopped = d.state
            await d.press("j")
            moved = d.state

        assert "stopped" in stopped
        assert moved.strip().startswith("2 of")

    go(walk())


def test_a_question_that_the_case_refuses_is_told(
    case: Path, go: Go, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(opened: Case, *_: object) -> object:
        return opened.rows("SELECT error('out of memory, as it were')")

    monkeypatch.setattr(facets, "facet", refused)

    async def walk() -> None:
        async with running(case, (110, 30), start="timeline") as d:
            await d.press("F")
            await d.until("out of memory, as it were")
            await d.press("j")
            assert d.state.strip().startswith("2 of")

    go(walk())


def test_an_answer_for_a_screen_that_was_left_is_dropped(
    case: Path, go: Go, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go = threading.Event()

    def late(opened: Case, column: str, members: object) -> list[tuple[object, int]]:
        let_go.wait(10)
        return [("VHDMP", 18)]

    monkeypatch.setattr(facets, "facet", late)

    async def walk() -> None:
        async with running(case, (110, 30), start="timeline") as d:
            await d.pilot.press("F")
            await d.pilot.press("2")
            let_go.set()
            await d.settle()
            assert "values in" not in d.text and "findings" in d.state

    go(walk())


@pytest.mark.parametrize("screen", ["sql", "timeline"])
def test_the_program_ends_though_a_question_runs(
    case: Path, go: Go, screen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(opened: Case, *_: object) -> object:
        return opened.rows(ENDLESS)

    monkeypatch.setattr(facets, "facet", endless)
    monkeypatch.setattr(anywhere, "rows_with", endless)

    async def walk() -> None:
        async with running(case, (110, 30), start=screen) as d:
            if screen == "sql":
                d.app.main("sql").begin(ENDLESS)  # type: ignore[attr-defined]
            else:
                d.app.timeline.add_filters([Filter("any", "=", "word")])
                await d.pilot.press("F")
            await d.until("Esc stops")
            await d.pilot.press("q")
        assert d.app.return_code == 0

    go(walk())


def test_a_query_goes_on_while_another_screen_asks(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, (110, 30), start="sql") as d:
            d.app.main("sql").begin(ENDLESS)  # type: ignore[attr-defined]
            await d.until("Esc stops")
            await d.pilot.press("3")
            await d.until("earliest first")
            await d.pilot.press("F")
            await d.until("values in")
            await d.pilot.press("escape", "8")
            await d.press("escape")
            assert "stopped" in d.state

    go(walk())
