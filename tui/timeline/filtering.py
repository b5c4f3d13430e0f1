"""The stack of filters at work: what waits, the thread that scans for it, how far it is."""

import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from forensic_iso.browse import filters
from forensic_iso.browse.filters import Filter, FilterError
from forensic_iso.browse.view import Entry
from tui.timeline.stage import Stage, fault_of
from tui.widgets.prompt import Ask

if TYPE_CHECKING:
    from forensic_iso.browse.rowset import RowSet

REPAINT_S = 0.05
"""Shortest time between two paints of a filter that is still running."""


def _condition(f: Filter) -> tuple[str, str, str, bool]:
    return f.what, f.operator, f.value, f.negative


class Filtering:
    """Fills the filters of the view, one after the other, in the order they were added."""

    def __init__(self, stage: Stage, typed: list[str]) -> None:
        self._stage, self._typed = stage, typed
        self._stop = threading.Event()
        self._pending: list[Entry] = []

    def ask(self) -> None:
        """Ask for filters."""

        def done(typed: str | None) -> None:
            if typed and typed.strip():
                self._typed.append(typed)
                self.add(filters.parse(typed))

        check = fault_of(filters.parse)
        self._stage.ask(Ask("add filters", filters.HELP, check=check, history=self._typed), done)

    def add(self, added: Sequence[Filter], rows: "RowSet | None" = None) -> None:
        """Put filters on the stack; those that are there already are left out."""
        view = self._stage.view
        known = {_condition(e.filter) for e in view.entries}
        for f in added:
            if _condition(f) in known:
                continue
            entry = Entry(f, rows, view.total if rows is not None else 0, view.total)
            view.entries.append(entry)
            if rows is None:
                self._pending.append(entry)
        self._stage.renew()
        if self._pending:
            self._stage.background(self._work, "filters")

    def replace(self, wanted: Sequence[Filter]) -> None:
        """Drop all filters and take these."""
        self._halt()
        self._pending.clear()
        self._stage.view.entries.clear()
        self.add(wanted)

    def changed(self) -> None:
        """Filters were switched or taken away from outside."""
        if not self._stage.view.entries:
            self._halt()
        self._stage.renew()

    def turn_all(self) -> None:
        """All off, or all on again."""
        on = not self._stage.view.filtered
        for entry in self._stage.view.entries:
            entry.filter = entry.filter.turned(on)
        self._stage.renew()

    def _halt(self) -> None:
        self._stop.set()
        self._stop = threading.Event()

    def _work(self) -> None:
        stop = self._stop
        while not stop.is_set():
            try:
                entry = self._pending.pop(0)
            except IndexError:  # another thread took the last one
                return
            self._fill(entry, stop)

    def _fill(self, entry: Entry, stop: threading.Event) -> None:
        from forensic_iso.browse import scan

        stage, painted = self._stage, 0.0

        def tell(found: "RowSet", seen: int) -> None:
            nonlocal painted
            entry.rows, entry.seen = found, seen
            now = time.monotonic()
            if (painted == 0.0 or now - painted > REPAINT_S) and seen < entry.total:
                painted = now
                stage.on_screen(stage.grown)

        try:
            scan.fill(stage.case, entry.filter, stop, stage.view.descending, tell=tell)
        except FilterError as e:
            entry.error = str(e)
            entry.rows, entry.seen = None, entry.total
            stage.on_screen(stage.renew)
            stage.on_screen(stage.tell, str(e), "bad")
            return
        stage.on_screen(stage.renew)
