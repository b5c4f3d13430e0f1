"""Rows are read in blocks; the next page's block before it is asked for, and never an outdated one."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from forensic_iso.browse.case import Case
from forensic_iso.browse.timeline import Row, chosen
from tests.tui.driving import running
from tui.safe import Piece
from tui.widgets.blocks import BLOCK, KEPT, Blocks
from tui.widgets.source import Col, Drawn


class Letters:
    """Rows `<letter><position>`; counts the readings."""

    def __init__(self, total: int) -> None:
        self.total, self.letter, self.read = total, "a", 0

    def columns(self, width: int) -> Sequence[Col]:
        return ()

    def count(self) -> int:
        return self.total

    def reader(self, first: int, last: int) -> Callable[[], Sequence[object]]:
        letter = self.letter

        def read() -> Sequence[object]:
            self.read += 1
            return [f"{letter}{n}" for n in range(first, last)]

        return read

    def draw(self, row: object, columns: Sequence[Col]) -> Drawn:
        return Drawn((), (), row)

    def gutter(self, height: int) -> Sequence[Piece]:
        return ()


def blocks(source: Letters) -> Blocks:
    made = Blocks()
    made.source = source
    return made


def test_a_block_is_read_once_and_the_oldest_is_forgotten() -> None:
    source = Letters(BLOCK * (KEPT + 1))
    kept = blocks(source)

    assert [kept.row(p) for p in (0, 5, BLOCK - 1)] == ["a0", "a5", f"a{BLOCK - 1}"]
    assert source.read == 1
    for number in range(1, KEPT + 1):
        kept.row(number * BLOCK)
    assert kept.row(0) == "a0"

    assert source.read == KEPT + 2
    assert kept.row(-1) is None and kept.row(source.total) is None


def test_a_block_read_ahead_is_not_read_again() -> None:
    source = Letters(BLOCK * 3)
    kept = blocks(source)

    ahead = kept.ahead(BLOCK + 3)
    assert ahead is not None
    assert kept.ahead(BLOCK) is None
    kept.take(ahead, ahead.read())

    assert kept.row(BLOCK + 3) == f"a{BLOCK + 3}"
    assert source.read == 1
    assert kept.ahead(BLOCK) is None
    assert kept.ahead(source.total) is None


@pytest.mark.parametrize("change", ["clear", "grown"])
def test_a_block_of_other_rows_that_comes_late_is_not_taken(change: str) -> None:
    source = Letters(BLOCK * 3)
    kept = blocks(source)
    ahead = kept.ahead(BLOCK)
    assert ahead is not None

    source.letter = "b"
    getattr(kept, change)()
    kept.take(ahead, ahead.read())

    assert kept.row(BLOCK) == f"b{BLOCK}"
    assert kept.ahead(2 * BLOCK) is not None


def test_rows_that_came_after_the_end_are_read() -> None:
    source = Letters(BLOCK + 2)
    kept = blocks(source)
    assert kept.row(0) == "a0" and kept.row(BLOCK + 1) == f"a{BLOCK + 1}"

    source.total = BLOCK + 5
    kept.grown()

    assert kept.row(BLOCK + 4) == f"a{BLOCK + 4}"
    assert kept.row(0) == "a0"
    assert source.read == 3


@pytest.mark.parametrize("order", ["left_square_bracket", "right_square_bracket"])
def test_paging_a_filtered_view_reads_ahead_in_another_thread(
    case: Path, go: Callable[[object], None], monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    read: list[tuple[bool, int]] = []

    def watched(case: Case, rids: Sequence[int]) -> list[Row]:
        read.append((threading.current_thread() is threading.main_thread(), len(rids)))
        return chosen(case, rids)

    async def walk() -> None:
        async with running(case, (110, 30), start="timeline") as d:
            await d.press("f")
            await d.type("-source=VHDMP")
            await d.press(order, "home")
            view = d.app.timeline.view
            assert view.count == view.total - 18
            read.clear()
            monkeypatch.setattr("tui.rows.chosen", watched)

            seen = []
            for _ in range(30):
                await d.press("pagedown")
                row = d.row()
                assert isinstance(row, Row)
                seen.append(row.rid)

            page = d.app.timeline.table().page
            positions = [min(page * n, view.count - 1) for n in range(1, 31)]
            assert seen == [view.rid_at(p) for p in positions]
            assert len(read) >= 6
            assert not any(on_screen for on_screen, _ in read)

    go(walk())
