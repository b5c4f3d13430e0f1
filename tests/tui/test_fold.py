"""Lines broken to a width: nothing is lost, and a long path stays readable."""

from hypothesis import given
from hypothesis import strategies as st

from tui.safe import cells, fold

PATH = r"C:\Users\anna\AppData\Local\Packages\CanonicalGroupLimited.Ubuntu\LocalState\ext4.vhdx"


def texts(folded: list[list[tuple[object, str]]]) -> list[str]:
    return ["".join(str(text) for text, _ in line) for line in folded]


def test_a_path_begins_where_it_stands_and_is_broken_behind_a_separator() -> None:
    lines = texts(fold([("INFO", "head"), ("     ", ""), (PATH, "value")], 60, 9))

    assert lines[0] == r"INFO     C:\Users\anna\AppData\Local\Packages" + "\\"
    assert lines[1] == " " * 9 + r"CanonicalGroupLimited.Ubuntu\LocalState\ext4.vhdx"


def test_a_word_that_fits_on_a_line_is_not_broken() -> None:
    lines = texts(fold([("mounted by ", ""), (r"NORDLICHT\h.brandt-longer", "value")], 30, 2))

    assert lines == ["mounted by ", r"  NORDLICHT\h.brandt-longer"]


@given(
    st.lists(st.text("ab\\/ é漢", max_size=60), min_size=1, max_size=4),
    st.integers(8, 90),
    st.integers(0, 12),
)
def test_nothing_is_lost_and_no_line_is_too_wide(words: list[str], width: int, hang: int) -> None:
    folded = fold([(w, "") for w in words], width, hang)

    indent = " " * min(hang, width // 2)
    lines = texts(folded)
    joined = lines[0] + "".join(line.removeprefix(indent) for line in lines[1:])
    assert joined.replace(" ", "") == "".join(words).replace(" ", "")
    assert all(cells(line.rstrip()) <= width for line in lines)
