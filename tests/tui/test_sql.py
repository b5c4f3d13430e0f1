"""The console: a query on several lines, its history, names completed, results copied and written whole."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from forensic_iso.browse import console
from forensic_iso.case.annotations import Annotations
from tests.tui.driving import Driver, running
from tui.screens.sql import START
from tui.widgets.editor import SqlEditor

Go = Callable[[object], None]


def editor(d: Driver) -> SqlEditor:
    return d.app.screen.query_one(SqlEditor)


async def typed(d: Driver, text: str) -> None:
    """Key by key, as a person does."""
    names = {" ": "space", "\n": "enter", "(": "left_parenthesis", ")": "right_parenthesis"}
    names |= {"*": "asterisk", ",": "comma", ";": "semicolon", "_": "underscore", "'": "apostrophe"}
    await d.pilot.press(*(names.get(c, c) for c in text))
    await d.settle()


def test_a_query_is_typed_on_several_lines_and_run_by_a_semicolon(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, (80, 24), start="sql") as d:
            await d.press("semicolon")
            await typed(d, "select host,\ncount(*) as number_of\nfrom timeline group by 1")
            written = editor(d).text
            before = d.state
            await typed(d, ";\n")
            text, state = d.text, d.state

        assert written == "select host,\ncount(*) as number_of\nfrom timeline group by 1"
        assert "1 of 1 rows" not in before
        assert "FIN-WS07" in text and "number_of" in text and "1 of 1 rows" in state
        assert not written.endswith("\n")

    go(walk())


def test_keys_of_the_screens_are_letters_while_a_query_is_written(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, (80, 24), start="sql") as d:
            page = d.app.screen
            await d.press("semicolon")
            await typed(d, "123 qxT")
            assert editor(d).text == "123 qxT" and d.app.screen is page
            assert "Esc result" in d.text.splitlines()[-1]
            await d.press("escape", "2")

            assert d.app.screen is not page

    go(walk())


def test_history_is_walked_and_lasts_for_its_author(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, (80, 24), start="sql") as d:
            await d.ask_sql("SELECT 1 AS a")
            await d.ask_sql("SELECT 2 AS b\nFROM range(1)")
        async with running(case, (80, 24), start="sql", author="ben") as d:
            others = d.app.screen.history
        async with running(case, (80, 24), start="sql") as d:
            await d.press("semicolon")
            editor(d).put("draft")
            await d.press("up")
            last = editor(d).text
            await d.press("ctrl+up")
            first = editor(d).text
            await d.press("ctrl+down", "ctrl+down")
            draft = editor(d).text
            await d.press("escape", "H")
            listed = d.text
            await d.press("enter")
            shown = d.text

        assert (last, first, draft) == ("SELECT 2 AS b\nFROM range(1)", "SELECT 1 AS a", "draft")
        assert others == [START]
        assert "SELECT 2 AS b FROM range(1)" in listed
        assert "1 of 1 rows" in shown

    go(walk())


def test_a_name_is_completed_at_once_or_by_choice(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, (110, 30), start="sql") as d:
            await d.press("semicolon")
            editor(d).put("SELECT weakest")
            await d.press("tab")
            none = d.state
            editor(d).put("SELECT x FROM finding WHERE weakest")
            await d.press("tab")
            column = editor(d).text
            editor(d).put("SELECT * FROM mount_ses")
            await d.press("tab")
            table = editor(d).text
            editor(d).put("SELECT * FROM timeline WHERE s")
            await d.press("tab")
            choice = d.text
            await d.type("summary")
            chosen = editor(d).text

        assert "begins with weakest" in none
        assert column == "SELECT x FROM finding WHERE weakest_link"
        assert table == "SELECT * FROM mount_session"
        assert "timeline: " in choice and "severity" in choice
        assert chosen == "SELECT * FROM timeline WHERE summary"

    go(walk())


def test_what_is_pasted_is_inert_and_keeps_its_lines(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, (80, 24), start="sql") as d:
            await d.press("semicolon")
            editor(d).insert(
                "SELECT '\x1b]52;c;ZXZpbA==\x07\u202e'\r\n\tAS [@click=app.bell]x[/nope]"
            )
            await d.settle()
            held, seen = editor(d).text, d.text
            await d.press("ctrl+j")

        assert held.count("\n") == 1 and "    AS" in held
        assert not [c for c in ("\x1b", "\x07", "\u202e", "\t", "\r") if c in held or c in seen]
        assert "[@click=app.bell]x[/nope]" in seen

    go(walk())


def test_keywords_strings_and_comments_have_their_colour(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, (80, 24), start="sql") as d:
            editor(d).put("SELECT 'ä' -- it's\nFROM \"a\" /* two\nlines */ LIMIT 5")
            await d.settle()
            marks = {row: sorted(found) for row, found in editor(d)._highlights.items() if found}

        assert marks[0] == [(0, 6, "keyword"), (7, 11, "string"), (12, 19, "comment")]
        assert marks[1] == [(0, 4, "keyword"), (5, 8, "name"), (9, 15, "comment")]
        assert marks[2] == [(0, 8, "comment"), (9, 14, "keyword"), (15, 16, "number")]

    go(walk())


def test_a_cut_result_is_written_whole(case: Path, go: Go, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()

    async def walk() -> None:
        async with running(case, (110, 30), start="sql", out=out) as d:
            await d.ask_sql("SELECT range AS n, '=x' AS f FROM range(25000)")
            cut = d.state
            await d.press("x")
            await d.type(str(out / "all.csv"))
            told = d.state
            await d.press("right_square_bracket", "x")
            await d.type(str(out / "sorted.jsonl"))
            warned = d.state

        assert "CUT after 10,000 rows" in cut
        assert "25,000 rows in " in told
        assert "10,000 rows in " in warned and "CUT" in warned

    go(walk())
    with (out / "all.csv").open(encoding="utf-8", newline="") as f:
        rows = list(csv.reader(f))
    assert rows[0] == ["n", "f"] and rows[1] == ["0", "'=x"] and len(rows) == 25_001
    lines = (out / "sorted.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[0]) == {"n": "9999", "f": "=x"}


def test_a_selection_and_a_cell_of_a_result_are_copied(case: Path, go: Go) -> None:
    copied: list[str] = []

    async def walk() -> None:
        async with running(case, (110, 30), start="sql") as d:
            d.app.copy_to_clipboard = copied.append  # type: ignore[method-assign]
            await d.ask_sql("SELECT range AS n, range * 2 AS m FROM range(5)")
            await d.press("j", "v", "j", "y", "v", "l", "Y")

    go(walk())
    assert copied == ["1\t2\n2\t4", "4"]


def test_queries_of_earlier_notes_that_cannot_be_written_do_no_harm(case: Path, go: Go) -> None:
    notes = Annotations(case, "anna")
    notes.save("query", "mine", "SELECT 7 AS seven")
    import sqlite3

    with sqlite3.connect(case / "annotations.sqlite") as con:
        con.execute("DROP TABLE asked")
    con.close()
    (case / "annotations.sqlite").chmod(0o444)

    assert notes.saved("query") == [("mine", "SELECT 7 AS seven")]


@pytest.mark.parametrize("most", [3, 10_000])
def test_all_rows_of_a_query_come_uncut(
    case: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    from forensic_iso.browse.case import Case

    monkeypatch.setattr(console, "MOST", most)
    opened = Case(case)
    try:
        names, batches = console.whole(opened, "SELECT repeat('x', 20000) AS t FROM range(7)")
        rows = [row for batch in batches for row in batch]
    finally:
        opened.close()

    assert names == ["t"] and [len(r[0] or "") for r in rows] == [20_000] * 7


def test_a_wide_screen_shows_long_values_whole(case: Path, go: Go) -> None:
    long = "a" * 55

    async def shown(size: tuple[int, int]) -> str:
        async with running(case, size, start="sql") as d:
            await d.press("semicolon")
            await typed(d, "select repeat('a', 55) as x, repeat('a', 55) as y, 'end' as z;\n")
            return next(line for line in d.text.splitlines() if "aaa" in line)

    async def walk() -> None:
        assert (await shown((150, 45))).split()[:3] == [long, long, "end"]
        assert "…" in await shown((80, 24))

    go(walk())
