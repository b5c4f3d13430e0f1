"""A query's result is sorted, searched, counted and narrowed as it is kept."""

from forensic_iso.browse import results
from forensic_iso.browse.console import Result

MADE = Result(["n", "who"], [("10", "b"), ("9", None), (None, "B"), ("9.5", "a")], False, 0)


def test_numbers_are_sorted_as_numbers_and_null_comes_last() -> None:
    assert [r[0] for r in results.ordered(MADE, 0, False).rows] == ["9", "9.5", "10", None]
    assert [r[0] for r in results.ordered(MADE, 0, True).rows] == ["10", "9.5", "9", None]
    assert [r[1] for r in results.ordered(MADE, 1, False).rows] == ["B", "a", "b", None]


def test_a_value_is_kept_or_left_out_and_null_is_a_value() -> None:
    assert results.only(MADE, 1, None).rows == [("9", None)]
    assert len(results.only(MADE, 1, None, include=False).rows) == 3


def test_values_are_counted_most_frequent_first() -> None:
    twice = Result(["v"], [("x",), (None,), ("y",), ("y",)], True, 0)

    assert results.values(twice, 0) == [("y", 2), ("x", 1), (None, 1)]


def test_a_word_is_found_in_any_cell_both_ways_and_round_the_end() -> None:
    assert results.find(MADE, "b", 0, 1) == 2
    assert results.find(MADE, "b", 2, 1) == 0
    assert results.find(MADE, "b", 2, -1) == 0
    assert results.find(MADE, "no such", 0, 1) is None
