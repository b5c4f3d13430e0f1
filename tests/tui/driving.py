"""Driving the application without a terminal: keys in, text of the screen out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot

from forensic_iso.browse.case import Case
from tui.app import ForensicApp


class Driver:
    """An application under test."""

    def __init__(self, app: ForensicApp, pilot: "Pilot[int]") -> None:
        self.app, self.pilot = app, pilot

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
            await self.settle()

    async def type(self, text: str) -> None:
        """Type into the prompt on top and send it."""
        box = self.app.screen.query_one("SafeInput")
        box.value = text
        await self.press("enter")

    async def ask_sql(self, query: str) -> None:
        """Write a query in place of what stands there, and run it."""
        await self.press("semicolon")
        self.app.screen.query_one("SqlEditor").put(query)
        await self.press("ctrl+j")

    async def settle(self) -> None:
        await self.pilot.pause()
        await self.app.workers.wait_for_complete()
        await self.pilot.pause()

    async def until(self, words: str) -> None:
        """Wait for words that a worker of another thread will show: a busy machine takes its time."""
        for _ in range(100):
            if words in self.text:
                return
            await self.pilot.pause(0.05)
        raise AssertionError(f"{words!r} did not come; there is:\n{self.text}")

    @property
    def text(self) -> str:
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(s.text for s in line) for line in strips)

    @property
    def state(self) -> str:
        return self.app.screen.query_one("#status").shown

    def row(self) -> object:
        return self.app.timeline.row


@asynccontextmanager
async def running(
    case: Path,
    size: tuple[int, int] = (110, 30),
    start: str = "overview",
    author: str = "anna",
    keys: Path | None = None,
    out: Path | None = None,
    theme: str | None = None,
) -> AsyncIterator[Driver]:
    opened = Case(case)
    app = ForensicApp(
        opened, start, author, theme, keys=keys or Path("/nonexistent"), out=out or Path("/tmp")
    )
    try:
        async with app.run_test(size=size) as pilot:
            driver = Driver(app, pilot)
            await driver.settle()
            yield driver
    finally:
        opened.close()
