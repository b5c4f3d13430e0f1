"""Typed filters, times and steps; saved filters come back as they were."""

import pytest

from forensic_iso.browse.filters import (
    Filter,
    FilterError,
    condition,
    format_ns,
    parse,
    parse_step,
    parse_time,
)
from forensic_iso.browse.view import Entry
from tui.screens.filter_stack import dump, load


def test_words_columns_regex_and_negations_are_told_apart() -> None:
    made = parse('iso -host=WS1 event=1 severity>=high /a b|c/ "two words" source!=$MFT -')

    assert [(f.what, f.operator, f.value, f.negative) for f in made] == [
        ("text", "~", "iso", False),
        ("host", "=", "WS1", True),
        ("event_id", "=", "1", False),
        ("severity", ">=", "4", False),
        ("regex", "~", "a b|c", False),
        ("text", "~", "two words", False),
        ("source", "=", "$MFT", True),
        ("text", "~", "-", False),
    ]


@pytest.mark.parametrize(
    "typed", ["colour=red", "event=x", "severity>=loud", "host>=a", "time>=yesterday", "/(/"]
)
def test_what_is_no_filter_says_what_was_expected(typed: str) -> None:
    with pytest.raises(FilterError, match="expected"):
        parse(typed)


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("2024", "2024-01-01 00:00:00.000000000"),
        ("2024-05-14T08:16:25.4120001Z", "2024-05-14 08:16:25.412000100"),
        (" 2024-05-14 8 ", "2024-05-14 08:00:00.000000000"),
        ("1601-01-01", "1601-01-01 00:00:00.000000000"),
    ],
)
def test_times_keep_100_ns(typed: str, shown: str) -> None:
    assert format_ns(parse_time(typed), 9) == shown


def test_steps() -> None:
    assert parse_step("+5m") == 300 * 10**9
    assert parse_step(" - 2 h") == -7200 * 10**9
    assert parse_step("5m") is None


def test_texts_with_wildcards_are_taken_literally() -> None:
    assert condition(Filter("text", "~", "100%"))[0].startswith("contains")
    assert condition(Filter("text", "~", "iso")) == ("summary ILIKE ?", ["%iso%"])


def test_saved_filters_come_back_and_bad_ones_are_left_out() -> None:
    made = parse("source=VHDMP -iso severity>=low time>=2024")

    assert load(dump([Entry(f) for f in made])) == made
    assert load('[{"what": "severity", "value": "1; DROP"}, {"what": "x"}, 3]') == []
    assert load("{") == []
