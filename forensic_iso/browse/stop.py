"""Ending questions from another thread, also in the midst of a query."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from forensic_iso.browse.case import Case, interrupt


class Stopped(Exception):
    """The question was ended from outside: it has no answer."""


class Stop(threading.Event):
    """Set it from any thread: what runs `over` a case with it is interrupted."""

    def __init__(self) -> None:
        super().__init__()
        self._guard = threading.Lock()
        self._cursors: list[duckdb.DuckDBPyConnection] = []

    def set(self) -> None:
        """Stop, now and for what comes later."""
        with self._guard:
            super().set()
            for cursor in self._cursors:
                interrupt(cursor)

    def check(self) -> None:
        """Between two queries.

        Raises:
            Stopped: it is set.
        """
        if self.is_set():
            raise Stopped

    @contextmanager
    def over(self, case: Case) -> Iterator[None]:
        """Queries that this thread asks the case inside can be interrupted.

        Raises:
            Stopped: it was set before or meanwhile.
        """
        cursor = case.cursor()
        with self._guard:
            self._cursors.append(cursor)
        try:
            self.check()
            yield
        except duckdb.Error as e:  # interrupted, or asked at the moment of the interruption
            if self.is_set():
                raise Stopped from e
            raise
        finally:
            with self._guard:  # from here on, the thread's cursor may serve another question
                self._cursors.remove(cursor)
