"""The way back: from where each jump to the timeline was made, so that Esc returns to that line."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from tui.screens.page import Page

if TYPE_CHECKING:
    from tui.app import ForensicApp

MOST = 16
"""Jumps remembered."""


@dataclass(frozen=True, slots=True)
class Step:
    """Where a jump began: the main screen, the screens over it, the row where it was the timeline."""

    main: str
    over: Sequence[Page]
    rid: int | None


class Trail:
    """Keeps the screens that a jump leaves, as they stood."""

    def __init__(self, app: "ForensicApp") -> None:
        self._app = app
        self._steps: list[Step] = []
        self._numbers = count()

    def keep(self) -> None:
        """Remember where the user is, before a jump."""
        stack = self._app.screen_stack
        main, over = stack[1], [s for s in stack[2:] if isinstance(s, Page)]
        if not isinstance(main, Page):
            return
        for page in over:  # or Textual drops it when it is closed
            self._app.install_screen(page, f"trail{next(self._numbers)}")
        row = self._app.timeline.row if main.TAB == "timeline" and main.is_attached else None
        self._steps.append(Step(main.TAB, over, row.rid if row else None))
        if len(self._steps) > MOST:
            self._drop(self._steps.pop(0))

    def back(self) -> bool:
        """Return to where the last jump was made; False where there was none."""
        if not self._steps:
            return False
        step = self._steps.pop()
        self._app.show_main(step.main)
        if step.rid is not None:
            self._app.timeline.go_row(step.rid)
        for page in step.over:
            self._app.uninstall_screen(page)
            self._app.push_screen(page)
        return True

    def clear(self) -> None:
        """Forget the way: the user went elsewhere."""
        while self._steps:
            self._drop(self._steps.pop())

    def _drop(self, step: Step) -> None:
        for page in step.over:
            self._app.uninstall_screen(page)
            page.remove()
