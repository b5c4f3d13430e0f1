"""Screens of any size, rows of any year, values of any length."""

from collections.abc import Callable
from pathlib import Path

import pytest

from forensic_iso.case.store import open_writer
from tests.tui.driving import running

Go = Callable[[object], None]


def header(text: str) -> str:
    return next(line for line in text.splitlines() if "summary" in line)


def test_the_year_stands_in_each_row_where_there_are_several(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, (80, 24), start="timeline") as d:
            assert "2023-09-04 08:12:30.000" in d.text

        with open_writer(case) as con:
            con.execute("DELETE FROM timeline WHERE year(time_utc) < 2024")
            con.execute("UPDATE timeline SET rid = rid - (SELECT min(rid) FROM timeline)")
        async with running(case, (80, 24), start="timeline") as d:
            assert "MM-DD time (UTC)" in header(d.text)
            assert all(line[4:7] in ("05-", "04-", "03-") for line in d.text.splitlines()[3:-2])

    go(walk())


def test_a_tiny_screen_shows_times_and_summaries_and_names_its_tab(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, (40, 10), start="timeline") as d:
            rows = d.text
            for key, name in (("6", "6 Image"), ("7", "7 Note"), ("8", "8 SQL"), ("1", "1 Over")):
                await d.press(key)
                assert name in d.text.splitlines()[0]

        assert header(rows).split() == ["time", "(UTC)", "summary"]
        assert "2023-09-04 08:12 \\$MFT: create" in rows

    go(walk())


@pytest.mark.parametrize("key", ["1", "2", "3", "4", "5", "6", "7", "8", "question_mark"])
def test_a_terminal_made_small_and_large_again_shows_what_it_showed(
    case: Path, go: Go, key: str
) -> None:
    async def walk() -> None:
        async with running(case, (80, 24)) as d:
            await d.press(key, "g")
            before = d.text
            for size in ((40, 10), (1, 1), (20, 6), (200, 60), (80, 24)):
                await d.pilot.resize_terminal(*size)
                await d.settle()

            assert d.text == before

    go(walk())


def test_a_value_of_millions_of_characters_is_shown_in_part_and_says_so(
    case: Path, go: Go, tmp_path: Path
) -> None:
    copied: list[str] = []
    out = tmp_path / "row.csv"
    with open_writer(case) as con:
        con.execute(
            "UPDATE sysmon_process_create SET command_line = 'begin ' || repeat('QUJD', 2000000) || ' end'"
            " WHERE process_id = 9128"
        )

    async def walk() -> None:
        async with running(case, (80, 24), start="timeline") as d:
            d.app.copy_to_clipboard = copied.append  # type: ignore[method-assign]
            await d.press("f")
            await d.type("source=Sysmon event=1 layout.dll kind=process_create")
            await d.press("j", "enter")
            fields = [entry.plain for entry in d.app.screen.list().items]
            for tab in ("J", "X", "H", "S", "A", "f"):
                await d.press(tab)
            await d.press("y")
            refused = d.state
            await d.press("x")
            await d.type(str(out))

        whole = "".join(fields)
        assert 50_000 < whole.count("QUJD") * 4 < 70_000
        assert "more characters: x writes all of them to a file" in whole
        assert "more than a clipboard takes; x writes a file" in refused and not copied

    go(walk())
    assert out.read_text(encoding="utf-8").count("QUJD") == 2_000_000


def test_what_is_waited_for_is_not_told_any_more_when_it_is_there(
    case: Path, go: Go, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tui.desk import asking

    monkeypatch.setattr(asking, "SLOW_S", 0.001)

    async def walk() -> None:
        async with running(case, (110, 30), start="timeline") as d:
            await d.press("enter", "A")
            await d.until("row 0")
            for _ in range(3):
                await d.pilot.pause(0.05)
            related = d.state
            await d.press("escape", "P")
            for _ in range(3):
                await d.pilot.pause(0.05)
            process = d.state

        assert "asking" not in related and "row 0" in related
        assert "asking" not in process

    go(walk())


def test_a_proposal_is_typed_over(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, (80, 24), start="timeline") as d:
            await d.pilot.press("colon", "number_sign", "9", "enter")
            await d.settle()
            row = d.row()
            await d.pilot.press("colon", "end", "backspace", "enter")
            await d.settle()
            kept = d.row()
            await d.press("1", "slash")
            await d.type("Evidence")
            await d.pilot.press("slash", "H", "o", "s", "t", "s", "enter")
            await d.settle()
            word = d.app.screen.list().word

        assert row.rid == 9  # type: ignore[attr-defined]
        assert kept.rid <= 9  # type: ignore[attr-defined]
        assert word == "Hosts"

    go(walk())


def test_a_process_is_told_whole_below_its_tree(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, (80, 24), start="processes") as d:
            assert "viewer\\layout.dll,Render  as NORDLICHT\\h.brandt  medium" in d.text

    go(walk())
