"""Screens as text, for a person to look at: UPDATE_SCREENS=1 writes them anew, then review the difference."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tui.driving import running

SCREENS = Path(__file__).with_name("screens")
UNSTABLE_LINES = 2
"""State and keys, the last lines: row numbers change with every artifact that is read more."""


@pytest.mark.parametrize(
    ("name", "start", "size", "typed", "keys"),
    [
        ("sessions", "sessions", (80, 24), None, ()),
        ("mounting", "timeline", (100, 24), "source=VHDMP", ()),
        ("bytes", "timeline", (80, 24), "source=VHDMP event=1", ("enter", "H")),
        ("xml", "timeline", (100, 40), "source=VHDMP event=1", ("enter", "X")),
    ],
)
def test_a_screen_looks_as_it_was_reviewed(
    case: Path,
    go: Callable[[object], None],
    name: str,
    start: str,
    size: tuple[int, int],
    typed: str | None,
    keys: tuple[str, ...],
) -> None:
    seen: list[str] = []

    async def walk() -> None:
        async with running(case, size, start) as d:
            if typed is not None:
                await d.press("f")
                await d.type(typed)
            await d.press(*keys)
            lines = d.text.splitlines()[:-UNSTABLE_LINES]
            seen.append("\n".join(line.rstrip() for line in lines) + "\n")

    go(walk())

    golden = SCREENS / f"{name}.txt"
    if os.environ.get("UPDATE_SCREENS"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(seen[0], encoding="utf-8")
    assert seen[0] == golden.read_text(encoding="utf-8")
