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


def test_a_fault_of_the_program_does_not_end_with_0(
    case: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program.ForensicApp, "run", lambda self: self.exit(return_code=1))

    assert program.run(case) == 1
