"""Questions to the case that may take long: asked in another thread, so that the screen lives, and stopped by Esc."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import duckdb
from textual.screen import Screen

from forensic_iso.browse.case import fault_of
from forensic_iso.browse.stop import Stop, Stopped

if TYPE_CHECKING:
    from tui.app import ForensicApp

Answer = TypeVar("Answer")

SLOW_S = 0.25
"""After this long without an answer the screen says what it waits for."""


class Asking:
    """One question at a time; a new one ends that before. All methods are for the screen's thread."""

    def __init__(self, app: "ForensicApp") -> None:
        self._app = app
        self._stop: Stop | None = None
        self._screen: Screen[object] | None = None
        self._told = False

    def ask(
        self,
        what: str,
        question: Callable[[], Answer],
        done: Callable[[Answer], None],
        *,
        elsewhere: bool = False,
    ) -> None:
        """Ask, and use the answer.

        Args:
            what: names the question to the user.
            question: asks the case; runs in another thread.
            done: gets the answer on the screen's thread.
            elsewhere: the answer is used also where the user has left the screen meanwhile.
        """
        self.work(what, lambda stop: question(), done, elsewhere=elsewhere)

    def work(
        self,
        what: str,
        question: Callable[[Stop], Answer],
        done: Callable[[Answer], None],
        *,
        elsewhere: bool = False,
    ) -> None:
        """As `ask`, for what does more than one query: it looks at the stop between them."""
        self.end()
        app = self._app
        stop, screen = Stop(), app.screen
        self._stop, self._screen, self._told = stop, screen, False

        def answered(answer: Answer) -> None:
            if self._stop is stop and app.screen_stack:  # none is left when the program ends
                self._stop = None
                self._hush()
                if elsewhere or app.screen is screen:
                    done(answer)

        def work() -> None:
            try:
                with stop.over(app.case):
                    answer = question(stop)
            except Stopped:
                return
            except duckdb.Error as e:
                app.call_from_thread(self._failed, stop, f"{what}: {fault_of(e)}")
            else:
                app.call_from_thread(answered, answer)

        app.run_worker(work, thread=True, group="asking")
        app.set_timer(SLOW_S, lambda: self._slow(stop, what))

    def halt(self) -> bool:
        """End the question of the screen on top; False where it waits for none."""
        if self._stop is None or self._screen is not self._app.screen:
            return False
        self.end()
        self._app.tell("stopped", "warn")
        return True

    @property
    def busy(self) -> bool:
        """Whether a question waits for its answer."""
        return self._stop is not None

    def end(self) -> None:
        """End the question, if there is one."""
        if self._stop is not None:
            self._stop.set()
            self._stop = None

    def _slow(self, stop: Stop, what: str) -> None:
        if self._stop is stop:
            self.tell(f"asking the case: {what}; Esc stops")

    def tell(self, text: str) -> None:
        """Say what is waited for; what stood there comes back with the answer."""
        if self._screen is self._app.screen:
            self._told = True
            self._app.wait(text)

    def _hush(self) -> None:
        if self._told and self._screen is self._app.screen:
            self._app.waited()
        self._told = False

    def _failed(self, stop: Stop, message: str) -> None:
        if self._stop is stop and self._app.screen_stack:
            self._stop, self._told = None, False
            self._app.tell(message, "bad")
