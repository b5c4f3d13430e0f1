"""Views written to files: whole, batch by batch, and nothing is left of what is stopped."""

import csv
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from forensic_iso.browse.stop import Stop, Stopped
from forensic_iso.output import Format, pieces, render
from tests.tui.driving import running
from tui.desk.export import write_table
from tui.screens.page import Table
from tui.timeline import out

Go = Callable[[object], None]

ROWS: list[list[object]] = [[1, "=x"], [None, "a\nb"], [{"k": [1]}, "u\u202e"], [b"\x00", True]]


@pytest.mark.parametrize("form", [Format.CSV, Format.JSON, Format.JSONL])
@pytest.mark.parametrize("cuts", [[], [2], [0, 1, 1, 4]])
def test_pieces_are_the_whole(form: Format, cuts: list[int]) -> None:
    edges = [0, *cuts, len(ROWS)]
    batches = [ROWS[a:b] for a, b in itertools.pairwise(edges)]

    made = "".join(pieces(["a", 'b"'], batches, form))

    assert made == render(["a", 'b"'], ROWS, form)
    assert "".join(pieces(["a"], [], form)) == render(["a"], [], form)


def test_no_more_than_a_batch_is_held(tmp_path: Path) -> None:
    alive: list[int] = []

    class Batch(list[Sequence[object]]):
        def __del__(self) -> None:
            alive.pop()

    def batches() -> Iterator[Sequence[Sequence[object]]]:
        for n in range(50):
            alive.append(n)
            assert len(alive) <= 3
            yield Batch([[n]])

    told = write_table(Table(["n"], batches()), tmp_path / "out.jsonl", Stop())

    assert told == (f"50 rows in {tmp_path / 'out.jsonl'}", "good")
    lines = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["n"] for line in lines] == list(range(50))


@pytest.mark.parametrize("fault", [Stopped, RuntimeError])
def test_what_is_stopped_leaves_no_file(tmp_path: Path, fault: type[Exception]) -> None:
    stop = Stop()

    def batches() -> Iterator[Sequence[Sequence[object]]]:
        yield [[1]]
        if fault is Stopped:
            stop.set()
        else:
            raise fault
        yield [[2]]

    with pytest.raises(fault):
        write_table(Table(["n"], batches()), tmp_path / "out.csv", stop)

    assert list(tmp_path.iterdir()) == []


def test_a_view_of_many_batches_is_written_in_its_order(
    case: Path, go: Go, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(out, "STEP", 7)
    path = tmp_path / "view.csv"

    async def walk() -> None:
        async with running(case, (110, 30), start="timeline") as d:
            await d.press("f")
            await d.type("source=Sysmon")
            await d.press("right_square_bracket", "x")
            await d.type(str(path))
            told, count = d.state, d.app.timeline.view.count

        assert f"{count:,} rows in" in told and count > 100
        with path.open(encoding="utf-8", newline="") as f:
            rows = list(csv.DictReader(f))
        assert len(rows) == count
        assert [int(r["rid"]) for r in rows] == sorted((int(r["rid"]) for r in rows), reverse=True)

    go(walk())


def test_a_row_is_written_with_its_whole_values(case: Path, go: Go, tmp_path: Path) -> None:
    path = tmp_path / "row.jsonl"

    async def walk() -> None:
        async with running(case, (110, 30), start="timeline") as d:
            await d.press("f")
            await d.type("source=VHDMP event=1")
            await d.press("enter", "x")
            await d.type(str(path))

    go(walk())
    fields = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert {"field", "value", "meaning"} == set(fields[0])
    assert any("Shipping Documents" in f["value"] for f in fields)


def test_too_large_a_selection_is_not_copied_in_part(
    case: Path, go: Go, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(out, "COPIED_MOST", 3)
    copied: list[str] = []

    async def walk() -> None:
        async with running(case, (110, 30), start="timeline") as d:
            d.app.copy_to_clipboard = copied.append  # type: ignore[method-assign]
            await d.press("v", "j", "j", "j", "y")
            refused = d.state
            await d.press("k", "y")

        assert "4 rows selected: at most 3" in refused
        assert len(copied) == 1 and copied[0].count("\n") == 2

    go(walk())
