"""Sets of row numbers behave as Python's sets do."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from forensic_iso.browse import rowset

TOTAL = 10_007
numbers = st.sets(st.integers(0, TOTAL - 1), max_size=60)


@given(numbers, numbers)
@settings(max_examples=40)
def test_sets_combine_count_and_find_like_python_sets(a: set[int], b: set[int]) -> None:
    one, two = rowset.of(TOTAL, a), rowset.of(TOTAL, b)

    assert len(one) == len(a)
    assert (one & two).slice(0, TOTAL) == sorted(a & b)
    assert (one | two).slice(0, TOTAL) == sorted(a | b)
    assert one.inverted().slice(0, TOTAL) == sorted(set(range(TOTAL)) - a)
    for n in (0, 1, 4095, 4096, TOTAL - 1, TOTAL):
        assert one.rank(n) == sum(x < n for x in a)
    for n in b:
        assert (n in one) == (n in a)
        assert one.after(n) == min((x for x in a if x > n), default=None)
        assert one.before(n) == max((x for x in a if x < n), default=None)


@given(st.integers(-5, TOTAL + 5), st.integers(-5, TOTAL + 5))
@settings(max_examples=40)
def test_a_range_holds_what_lies_between(first: int, last: int) -> None:
    made = rowset.between(TOTAL, first, last)

    assert made.slice(0, TOTAL) == list(range(max(first, 0), min(max(last, 0), TOTAL)))


def test_a_block_put_negative_holds_all_others() -> None:
    made = rowset.nothing(TOTAL)

    made.put(8, 24, np.array([9, 23]), negative=True)
    made.recount()

    assert made.slice(0, TOTAL) == [8, *range(10, 23)]
