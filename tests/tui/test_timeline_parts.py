"""Parts of the timeline on their own: kept filters, suggestions, lines of state, layout of columns."""

from collections.abc import Callable
from pathlib import Path

import pytest

from forensic_iso.browse.filters import Filter
from forensic_iso.browse.timeline import Row
from forensic_iso.browse.view import Entry, View
from tests.tui.driving import running
from tui.timeline import filter_text, status, suggest
from tui.widgets.grid import SIGNS, grid
from tui.widgets.source import Col, Drawn

ROW = Row(7, 10**18, "WS1", "Sysmon", None, "delete", 0, "text", "s", "event_other", "512")


def test_filters_are_kept_as_text_and_come_back_without_those_found_by_hand() -> None:
    made = [Filter("text", "~", "a b"), Filter("event_id", ">=", "4", True, False)]
    by_hand = [Filter("hits", "=", "x"), Filter("marks", "=", "2")]

    kept = filter_text.dump([Entry(f) for f in (*made, *by_hand)])

    assert filter_text.load(kept) == made


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "7",
        "[7]",
        '[{"what": "rid"}]',
        '[{"what": "severity", "value": "1 OR 1"}]',
        '[{"what": "host", "operator": "LIKE"}]',
    ],
)
def test_kept_text_that_is_no_filter_is_left_out(text: str) -> None:
    assert filter_text.load(text) == []


def test_a_value_that_is_absent_is_filtered_by_as_absent() -> None:
    assert suggest.by_value(ROW, "event_id", True).filters == [Filter("event_id", "=", "")]
    assert suggest.by_value(ROW, "kind", False).filters == [Filter("kind", "=", "delete", True)]
    with pytest.raises(suggest.NothingToFilter, match="no filter by time"):
        suggest.by_value(ROW, "time", True)


def test_what_was_told_stands_until_the_cursor_leaves_the_row() -> None:
    told = status.Told()
    told.tell("no more hits", "warn", ROW)

    told.at(ROW)
    assert told.state() == [("  no more hits", "warn")]
    told.at(ROW._replace(rid=8))

    assert told.state() == []


def test_state_counts_the_rows_in_view_and_says_the_order() -> None:
    line = status.place(View(1000, descending=True), 4, ROW)

    assert "".join(str(text) for text, _ in line) == "5 of 1,000  latest first"


def test_columns_left_of_the_cursor_make_room_for_it() -> None:
    columns = [Col("a", "a", 10), Col("b", "b", 10), Col("c", "c", 10)]

    wide, narrow = grid(columns, 60, 2), grid(columns, 25, 2)

    assert (wide.begin, narrow.begin) == (0, 2)
    assert wide.column_at(SIGNS + 11) == 1 and narrow.column_at(SIGNS) == 2
    assert wide.column_at(59) is None
    drawn = Drawn([("x", ""), ("y", ""), ("hidden", "")], [(" " * SIGNS, "")], None)
    assert [p for p in wide.line(drawn, 3, True) if p[1] == "cell"] == [("den       ", "cell")]


def test_a_value_named_delete_is_included_like_any_other(
    case: Path, go: Callable[[object], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "forensic_iso.browse.facets.facet", lambda case, name, members: [("delete", 5)]
    )

    async def walk() -> None:
        async with running(case, start="timeline") as d:
            await d.press("F", "enter")
            assert [e.filter.label for e in d.app.timeline.view.entries] == ["source=delete"]
            await d.press("backslash", "F", "delete")

            labels = [e.filter.label for e in d.app.timeline.view.entries]
            assert labels == ["source=delete", "-source=delete"]

    go(walk())


def test_filters_saved_as_delete_are_loaded_and_forgotten(
    case: Path, go: Callable[[object], None]
) -> None:
    async def walk() -> None:
        async with running(case, start="timeline") as d:
            await d.press("f")
            await d.type("source=VHDMP")
            await d.press("s", "w")
            await d.type("delete")
            await d.press("d", "L", "enter")
            assert [e.filter.label for e in d.app.timeline.view.entries] == ["source=VHDMP"]
            await d.press("L", "delete")

            assert d.app.notes.saved("filters") == []

    go(walk())
