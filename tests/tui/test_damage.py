"""A case that opens and is damaged further in: what cannot be read is told, the rest is shown."""

from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb
import pytest

from forensic_iso.browse import overview, timeline
from forensic_iso.browse.case import Case
from forensic_iso.browse.timeline import Row
from tests.tui.driving import running
from tui import app as program
from tui import rows

Go = Callable[[object], None]
FAULT = "Corrupt database file: checksum"


def refuse(*_: object) -> list[object]:
    raise duckdb.Error(FAULT)


def test_rows_that_cannot_be_read_say_so_and_others_are_shown(
    case: Path, go: Go, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = rows.chosen

    def half(opened: Case, rids: Sequence[int]) -> list[Row]:
        return real(opened, rids) if rids and rids[0] >= 128 else refuse()  # type: ignore[return-value]

    monkeypatch.setattr(rows, "chosen", half)

    async def walk() -> None:
        async with running(case, (110, 30), start="timeline") as d:
            damaged = d.text
            await d.press("enter", "plus", "P")
            await d.press("G")
            sound = d.row()

        assert f"row 1 cannot be read: {FAULT}" in damaged
        assert isinstance(sound, Row)

    go(walk())


def test_a_place_that_cannot_be_found_is_told_and_the_screen_goes_on(
    case: Path, go: Go, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timeline, "at_time", refuse)

    async def walk() -> None:
        async with running(case, (110, 30), start="timeline") as d:
            await d.press("colon")
            await d.type("2024-05-14")
            typed = d.state
            await d.press("j", "d")
            key = d.state
            await d.press("j")
            after = d.state

        assert FAULT in typed and FAULT in key
        assert after.strip().startswith("3 of")

    go(walk())


def test_a_screen_that_cannot_be_filled_says_why(
    case: Path, go: Go, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "sessions", refuse)

    async def walk() -> None:
        async with running(case, (110, 30), start="sessions") as d:
            told = d.state
            await d.press("2")
            other = d.state

        assert FAULT in told and "findings" in other

    go(walk())


KEYS = (
    *(
        "1",
        "enter",
        "escape",
        "2",
        "enter",
        "escape",
        "s",
        "3",
        "i",
        "z",
        "e",
        "w",
        "right_curly_bracket",
        "d",
    ),
    *(
        "F",
        "escape",
        "plus",
        "minus",
        "P",
        "p",
        "enter",
        "J",
        "X",
        "H",
        "S",
        "A",
        "n",
        "escape",
        "full_stop",
    ),
    *(
        "equals_sign",
        "greater_than_sign",
        "T",
        "G",
        "g",
        "c",
        "escape",
        "s",
        "escape",
        "m",
        "4",
        "enter",
    ),
    *(
        "3",
        "4",
        "f",
        "4",
        "5",
        "enter",
        "6",
        "7",
        "8",
        "T",
        "escape",
        "semicolon",
        "tab",
        "escape",
        "F",
    ),
    *("ctrl+t", "question_mark", "escape", "U", "P"),
)


def test_findings_that_cannot_be_laid_over_the_rows_are_told(
    case: Path, go: Go, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timeline, "of_findings", refuse)

    async def walk() -> None:
        async with running(case, (110, 30), start="timeline") as d:
            told = d.state
            await d.press("j")

            assert FAULT in told and d.app._exception is None

    go(walk())


def test_a_case_that_nothing_can_be_read_of_any_more_ends_no_screen(
    case: Path, go: Go, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def walk() -> None:
        async with running(case, (80, 24), start="timeline") as d:
            for name in ("rows", "records", "one"):
                monkeypatch.setattr(Case, name, refuse)
            d.app.timeline.table().reset()
            for key in KEYS:
                await d.press(key)
                assert d.app.is_running, key
            await d.press("3", "slash")
            await d.type("iso")
            await d.press("f")
            await d.type("any=iso source=VHDMP time>=2024 finding=x process=y")
            await d.pilot.resize_terminal(40, 10)
            await d.settle()

            assert d.app.is_running and d.app._exception is None

    go(walk())


def test_a_fault_of_the_program_does_not_end_with_0(
    case: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program.ForensicApp, "run", lambda self: self.exit(return_code=1))

    assert program.run(case) == 1
