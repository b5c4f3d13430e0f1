"""Ways through the screens: back from a jump, searching in lists and results, whole lines at any width."""

from collections.abc import Callable
from pathlib import Path

import pytest

from forensic_iso.browse.timeline import Row
from forensic_iso.case.annotations import Kind
from tests.tui.driving import Driver, running
from tui.screens.detail import DetailPage
from tui.screens.findings import FindingPage
from tui.screens.sql import SqlPage
from tui.timeline import marks
from tui.widgets.histogram import HistogramView
from tui.widgets.lines import Lines

Go = Callable[[object], None]


def shown(d: Driver) -> Lines:
    return d.app.screen.query_one("#lines", Lines)


def test_esc_returns_from_the_timeline_to_the_line_of_the_finding(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case) as d:
            await d.press("2", "enter")
            at = next(i for i, e in enumerate(shown(d).items) if "203.0.113.77" in e.plain)
            shown(d).go(at)
            await d.press("enter")
            assert d.app.screen is d.app.timeline

            await d.press("enter", "escape", "escape")

            assert isinstance(d.app.screen, FindingPage)
            assert shown(d).cursor == at
            await d.press("escape")
            assert d.app.screen is d.app.main("findings")
            await d.press("escape")
            assert d.app.screen is d.app.main("findings")

    go(walk())


def test_esc_returns_from_related_rows_to_the_row_they_are_of(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, start="timeline") as d:
            await d.press("colon")
            await d.type("#323")
            await d.press("enter", "A")
            shown(d).go(shown(d).cursor + 6)
            await d.press("enter")
            await d.settle()
            row = d.row()
            assert isinstance(row, Row) and row.rid != 323

            await d.press("escape")

            assert isinstance(d.app.screen, DetailPage) and d.app.screen.row.rid == 323
            await d.press("escape")
            row = d.row()
            assert isinstance(row, Row) and row.rid == 323

    go(walk())


def test_a_digit_forgets_the_way_back(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case) as d:
            await d.press("2", "enter", "enter", "6", "3", "escape")

            assert d.app.screen is d.app.timeline

    go(walk())


def test_lists_are_searched_and_hits_are_walked(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, start="images") as d:
            await d.press("slash")
            await d.type("LAYOUT.dll")
            first = shown(d).cursor
            assert "layout.dll" in shown(d).items[first].plain

            await d.press("slash")
            await d.type("sha256")
            second = shown(d).cursor
            await d.press("n", "N")
            assert shown(d).cursor == second

            await d.press("slash")
            await d.type("no such text")
            assert "no line with no such text" in d.state

    go(walk())


def test_the_fields_of_a_row_are_searched_and_n_still_goes_to_the_next_row(
    case: Path, go: Go
) -> None:
    async def walk() -> None:
        async with running(case, start="timeline") as d:
            await d.press("G", "enter", "slash")
            await d.type("channel")
            assert "channel" in shown(d).items[shown(d).cursor].plain
            page = d.app.screen
            assert isinstance(page, DetailPage)
            before = page.row.rid

            await d.press("N")

            assert page.row.rid == before - 1

    go(walk())


def test_a_result_is_sorted_searched_and_narrowed_to_a_value(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, start="sql") as d:
            await d.ask_sql("SELECT source, count(*) AS n FROM timeline GROUP BY 1 ORDER BY 1")
            page = d.app.screen
            assert isinstance(page, SqlPage) and page.result is not None

            await d.press("l", "right_square_bracket")
            numbers = [int(r[1] or 0) for r in page.result.rows]
            assert numbers == sorted(numbers, reverse=True)
            await d.press("slash")
            await d.type("vhdmp")
            assert page.table().current == ("VHDMP", "18")
            await d.press("h", "F")
            await d.type("VHDMP")
            assert page.result.rows == [("VHDMP", "18")]
            assert f"(of {len(numbers)}" in d.state

            await d.press("backslash")

            assert len(page.result.rows) == len(numbers)

    go(walk())


@pytest.mark.parametrize("width", [60, 80, 81, 120])
def test_no_character_of_a_broken_line_is_lost_beside_the_scroll_bar(
    case: Path, go: Go, width: int
) -> None:
    async def walk() -> None:
        async with running(case, (width, 24)) as d:
            await d.press("2", "enter")
            wanted = next(e for e in shown(d).items if " delivered " in e.plain).plain
            seen = ""
            for line in d.text.splitlines()[1:-2]:
                seen += line[: width - 1].replace(" ", "")

            assert wanted.replace(" ", "") in seen

    go(walk())


def test_a_word_of_no_summary_is_found_in_all_fields(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, start="timeline") as d:
            await d.press("slash")
            await d.type("28AF8ED8D002FDF0B53F506D17F30988")
            assert "no hit in any summary; f any=word asks all fields" in d.state

            await d.press("f")
            await d.type("any=28AF8ED8D002FDF0B53F506D17F30988")

            assert d.app.timeline.view.count == 1

    go(walk())


def test_the_histogram_opens_on_the_time_of_the_rows_in_view(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, start="timeline") as d:
            await d.press("f")
            await d.type("source=VHDMP")
            await d.press("i")
            await d.settle()
            bars = d.app.timeline.query_one("#histogram", HistogramView)
            assert len([n for n in bars.counts if n]) > 1

            await d.press("Z")

            assert len([n for n in bars.counts if n]) == 1

    go(walk())


def test_a_finding_is_copied_whole(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case) as d:
            await d.press("2", "enter", "Y")

            copied = d.app.clipboard
            assert "weakest" in copied and "203.0.113.77" in copied and "Evidence" in copied

    go(walk())


def test_keys_of_boxes_are_in_the_help_and_can_be_changed(
    case: Path, go: Go, tmp_path: Path
) -> None:
    mine = tmp_path / "keys.toml"
    mine.write_text('[keys]\nstack_drop = "backspace"\n')

    async def walk() -> None:
        async with running(case, start="timeline", keys=mine) as d:
            await d.press("f")
            await d.type("source=VHDMP")
            await d.press("s")
            assert "backspace away" in d.text

            await d.press("backspace")

            assert not d.app.timeline.view.entries

    go(walk())


def test_tab_goes_from_section_to_section_and_evidence_leads_to_its_rows(
    case: Path, go: Go
) -> None:
    async def walk() -> None:
        async with running(case, (150, 45)) as d:
            await d.press("home")
            seen = []
            for _ in range(4):
                await d.press("tab")
                seen.append(shown(d).items[shown(d).cursor].plain.split()[0])
            assert seen == ["Hosts", "Evidence", "Coverage", "Problems"]
            await d.press("shift+tab", "shift+tab", "j", "enter")
            assert "Security.evtx" in d.text and "sha256" in d.text
            shown(d).go(next(i for i, e in enumerate(shown(d).items) if "VHDMP" in e.plain))

            await d.press("enter")
            await d.settle()

            assert d.app.timeline.view.count == 18
            await d.press("escape")
            assert "VHDMP" in shown(d).items[shown(d).cursor].plain

    go(walk())


@pytest.mark.parametrize("theme", ["dark", "light", "no-colour"])
def test_boxes_leave_the_screen_below_in_sight(case: Path, go: Go, theme: str) -> None:
    async def walk() -> None:
        async with running(case, (80, 24), start="timeline", theme=theme) as d:
            await d.press("slash")
            assert "capitals alike" in d.text and "\\Windows\\System32" in d.text
            await d.press("escape", "s")
            assert "pass all that are on" in d.text and "earliest first" in d.text
            await d.press("escape", "c")
            assert "J later" in d.text and "earliest first" in d.text

    go(walk())


def test_every_line_of_a_story_leads_to_rows(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, (150, 60)) as d:
            await d.press("2", "enter")
            told = [e for e in shown(d).items[2:] if not e.is_heading]
            assert all(callable(e.payload) for e in told)
            shown(d).go(next(i for i, e in enumerate(shown(d).items) if " weakest " in e.plain))

            await d.press("f")
            await d.settle()

            assert d.app.screen is d.app.timeline and 20 < d.app.timeline.view.count < 60

    go(walk())


def test_half_a_page_is_gone_both_ways_in_tables_and_lists(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, start="timeline") as d:
            table = d.app.timeline.table()
            await d.press("ctrl+d")
            assert table.cursor == table.page // 2
            await d.press("ctrl+u")
            assert table.cursor == 0
            await d.press("question_mark", "ctrl+d")
            assert shown(d).cursor > 3
            await d.press("ctrl+u")
            assert shown(d).cursor == 0

    go(walk())


def test_what_was_told_goes_away_when_the_view_changes(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, start="timeline") as d:
            await d.press("plus")
            assert "no filter by time" in d.state
            await d.press("full_stop")
            assert "no filter by time" not in d.state and "(of " in d.state
            await d.press("plus", "T")
            assert "no filter by time" not in d.state

    go(walk())


def test_filters_that_do_not_fit_are_counted_and_all_listed_with_their_counts(
    case: Path, go: Go
) -> None:
    async def walk() -> None:
        async with running(case, (80, 24), start="timeline") as d:
            await d.press("f")
            await d.type('source=VHDMP severity>=low -closed iso "surfaced" time>=2024-05-14T08:00')
            line = d.text.splitlines()[1]
            await d.press("s")
            box = d.text
            total = d.app.case.total

        assert "more: s" in line and "6:time>=2024-05-14T08:00:00 (" in line
        assert f"rows of {total}" in box
        for told in ("source=VHDMP  (18)", "severity>=low  (", "-closed  (", "iso  (", "surfaced"):
            assert told in box

    go(walk())


def test_a_filter_is_changed_in_its_place(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, (110, 30), start="timeline") as d:
            await d.press("f")
            await d.type("source=VHDMP")
            await d.press("s", "e")
            asked = d.app.screen.query_one("SafeInput").value
            await d.type("source=VHDMP event=12")
            line = d.text.splitlines()[1]

        assert asked == "source=VHDMP"
        assert "event_id=12" in line and line.count("source=VHDMP") == 1

    go(walk())


def test_rows_of_an_artifact_without_times_are_shown_by_sql(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, (110, 30)) as d:
            await d.press("slash")
            await d.type("disk_image_content")
            await d.press("enter", "enter")
            await d.settle()
            page, state = d.app.screen, d.state
            query, found = d.text, page.result if isinstance(page, SqlPage) else None
            held = d.app.case.rows("SELECT count(*) FROM image_content")[0][0]
            await d.press("escape")
            back = d.text

        assert 'FROM "image_content"' in query and "rows" in state
        assert found is not None and len(found.rows) == held and "also in: image_volume" in query
        assert "sha256" in back  # the list of artifacts again

    go(walk())


def test_a_selection_is_tagged_at_once_and_too_large_a_one_is_refused(
    case: Path, go: Go, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marks, "MOST", 3)

    async def walk() -> None:
        async with running(case, (110, 30), start="timeline") as d:
            await d.press("v", "j", "j", "t")
            asked = d.text
            await d.type("odd")
            kept = [(n.value, n.kind) for n in d.app.notes.all()]
            told = d.state
            await d.press("v", "j", "j", "j", "m")
            refused = d.state

        assert "tag of 3 rows" in asked and "tag of 3 rows kept" in told
        assert kept == [("odd", Kind.TAG)] * 3
        assert "4 rows selected: at most 3 at once" in refused

    go(walk())


def test_a_field_of_a_row_leads_to_all_rows_that_hold_its_value(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, (110, 40), start="timeline") as d:
            await d.press("f")
            await d.type("source=Sysmon event=7")
            await d.press("enter", "slash")
            await d.type("hashes")
            await d.press("enter")
            await d.settle()
            entries, count = d.app.timeline.view.entries, d.app.timeline.view.count
            await d.press("escape")
            back = d.app.screen

        assert [e.filter.what for e in entries if e.filter.on] == ["any"]
        assert [e.filter.what for e in entries] == ["source", "event_id", "any"] and count >= 1
        assert isinstance(back, DetailPage)

    go(walk())


def test_a_row_is_tagged_commented_and_marked_where_it_is_read(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, (110, 40), start="timeline") as d:
            await d.press("enter", "t")
            await d.type("odd")
            await d.press("m", "quotation_mark")
            await d.type("look again")
            told = d.text
            await d.press("escape")
            await d.settle()
            state, source = d.state, d.app.timeline.source

        assert "#odd" in told and "look again" in told
        assert "odd; look again" in state
        assert source is not None and source.marks == [0]

    go(walk())
