"""Parts of the timeline on their own: kept filters, suggestions, lines of state, layout of columns."""

from collections.abc import Callable
from pathlib import Path

import pytest

from forensic_iso.browse import filters, rowset
from forensic_iso.browse.filters import Filter
from forensic_iso.browse.timeline import Row
from forensic_iso.browse.view import Entry, View
from forensic_iso.correlate.timeline import labels, shared_labels
from tests.tui.driving import running
from tui import rows
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


def entries_of(typed: str, rows: int = 7) -> list[Entry]:
    return [Entry(f, rowset.of(10, range(rows)), 10, 10) for f in filters.parse(typed)]


@pytest.mark.parametrize("width", [40, 80, 100, 150])
@pytest.mark.parametrize("number", [1, 4, 12])
def test_filters_that_a_line_cannot_show_are_counted_on_it(width: int, number: int) -> None:
    entries = entries_of(" ".join(f"word{n:02}" for n in range(number)))

    line = "".join(str(text) for text, _ in status.filters_line(entries, width, "s"))

    shown = line.count("word")
    assert len(line) <= width and shown >= 1
    assert all(f"word{n:02} (7)" in line for n in range(number - shown, number))
    assert (f"+{number - shown} more: s" in line) == (shown < number)


def test_a_long_filter_leaves_room_for_its_count_and_for_what_is_left_out() -> None:
    entries = entries_of(f'"{"invoice " * 9}" iso')

    line = "".join(str(text) for text, _ in status.filters_line(entries, 80, "s"))

    assert len(line) <= 80 and "iso (7)" in line and ("… (7)" in line or "+1 more: s" in line)


@pytest.mark.parametrize(
    "typed",
    [
        "iso",
        "-closed",
        '"two words"',
        "source=VHDMP",
        "-host=WS1",
        "severity>=high",
        "event=1",
        "time>=2024-05-14T08:16:25.123456789",
        "/a.*b/",
        "any=28AF",
        '"source=VHDMP"',
    ],
)
def test_a_filter_is_typed_again_as_it_was(typed: str) -> None:
    made = filters.parse(typed)[0]

    again = filter_text.typed_of(made)

    assert again is not None and filters.parse(again) == [made]


def test_a_filter_of_rows_found_by_hand_cannot_be_typed() -> None:
    assert filter_text.typed_of(Filter("hits", "=", "search")) is None


def test_every_artifact_of_the_timeline_has_the_colour_of_its_kind() -> None:
    known = {label for _, label in labels() if label is not None}
    known |= {word for kinds in shared_labels().values() for word in kinds.values()}

    assert not known - set(rows.FAMILY)
    assert len({rows.art_of(s) for s in ("Sysmon", "Security", "VHDMP", "$MFT", "Finding")}) == 5
    assert rows.art_of("Some-Other/Log").startswith("art_")
