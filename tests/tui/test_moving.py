"""Moving: a page shows other lines, what is taller than the screen can be read whole, places are seen from their top."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tui.driving import Driver, running
from tui.widgets.lines import Lines, heading, item

Go = Callable[[object], None]


def lines_of(d: Driver) -> Lines:
    return d.app.screen.query_one("#lines", Lines)


def body(d: Driver) -> list[str]:
    """The lines of the list on the screen."""
    return [line.rstrip(" ▁▂▃▄▅▆▇█") for line in d.text.splitlines()[1:-2]]


def test_a_page_of_the_timeline_shows_other_rows_at_once(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, (110, 30), start="timeline") as d:
            table = d.app.timeline.table()
            await d.press("j", "j", "space")
            first, cursor = table._top, table.cursor
            await d.press("b")
            back, home = table._top, table.cursor
            await d.press("ctrl+d")
            half = table._top
            await d.press("G", "space", "b")
            last, page = table.cursor, table.page

        assert (first, cursor) == (page, page + 2)
        assert (back, home) == (0, 2) and half == page // 2
        assert last == table.count - 1 - page

    go(walk())


def test_a_page_of_a_list_begins_where_the_last_one_ended(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, (80, 24)) as d:
            before = body(d)
            await d.press("space")
            after = body(d)
            await d.press("G")
            end = body(d)
            await d.press("space")

            assert body(d) == end
            assert lines_of(d).cursor == len(lines_of(d).items) - 1
        assert after[0] == before[-1] and after[1:4] != before[1:4]

    go(walk())


@pytest.mark.parametrize("key", ["j", "space"])
def test_an_entry_taller_than_the_screen_is_read_whole(case: Path, go: Go, key: str) -> None:
    seen: set[str] = set()
    words = [f"word{n:03}" for n in range(400)]

    async def walk() -> None:
        async with running(case, (80, 24)) as d:
            lines_of(d).show(
                [item(("a", "")), item((" ".join(words), ""), hang=4), item(("end", ""))], 0
            )
            for _ in range(12):
                seen.update(" ".join(body(d)).split())
                await d.press(key)
            assert lines_of(d).cursor == 2

    go(walk())
    assert not set(words[:200]) - seen


def test_a_section_is_shown_from_its_heading_on(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, (80, 24)) as d:
            many = [item((f"line {n}", "")) for n in range(60)]
            lines_of(d).show([heading("One"), *many, heading("Two"), *many], 0)
            await d.press("tab")

            assert body(d)[0].strip() == "Two" and "line 10" in body(d)[11]

    go(walk())
