"""The stack of filters at work: what waits, the thread that scans for it, how far it is."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from forensic_iso.browse import filters
from forensic_iso.browse.filters import Filter, FilterError
from forensic_iso.browse.stop import Stop
from forensic_iso.browse.view import Entry
from tui.timeline.filter_text import typed_of
from tui.timeline.stage import Stage, fault_of
from tui.widgets.prompt import Ask

if TYPE_CHECKING:
    from forensic_iso.browse.rowset import RowSet

REPAINT_S = 0.05
"""Shortest time between two paints of a filter that is still running."""


def _condition(f: Filter) -> tuple[str, str, str, bool]:
    return f.what, f.operator, f.value, f.negative


@dataclass(eq=False, slots=True)
class _Job:
    """One filter to scan for: what stops it, and where the cursor stood when it was asked for."""

    entry: Entry
    row: int | None
    cursor: int
    stop: Stop = field(default_factory=Stop)
    begun: bool = False


class Filtering:
    """Fills the filters of the view, one after the other, in the order they were added."""

    def __init__(self, stage: Stage, typed: list[str]) -> None:
        self._stage, self._typed = stage, typed
        self._jobs: list[_Job] = []

    def ask(self) -> None:
        """Ask for filters."""
        self._ask("add filters", "", self.add)

    def edit(self, at: int) -> None:
        """Ask for what should stand in place of a filter."""
        view = self._stage.view
        entry = view.entries[at]
        typed = typed_of(entry.filter)
        if typed is None:
            self._stage.tell("this filter stands for rows found by hand: it cannot be typed")
            return

        def done(made: Sequence[Filter]) -> None:
            if entry in view.entries:
                view.entries.remove(entry)
            self.add(made)
            self.changed()

        self._ask("change the filter", typed, done)

    def _ask(self, title: str, value: str, use: Callable[[Sequence[Filter]], None]) -> None:
        def done(typed: str | None) -> None:
            if typed and typed.strip():
                self._typed.append(typed)
                use(filters.parse(typed))

        check = fault_of(filters.parse)
        self._stage.ask(Ask(title, filters.HELP, value, check, self._typed), done)

    def add(self, added: Sequence[Filter], rows: "RowSet | None" = None) -> None:
        """Put filters on the stack; those that are there already are left out."""
        view = self._stage.view
        known = {_condition(e.filter) for e in view.entries}
        for f in added:
            if _condition(f) in known:
                continue
            known.add(_condition(f))
            entry = Entry(f, rows, view.total if rows is not None else 0, view.total)
            view.entries.append(entry)
            if rows is None:
                self._queue(entry)
        self._begin()

    def only(self, f: Filter) -> None:
        """Switch the other filters off, and this one on."""
        known = False
        for entry in self._stage.view.entries:
            same = _condition(entry.filter) == _condition(f)
            entry.filter = entry.filter.turned(same)
            known = known or same
        if known:
            self.changed()
        else:
            self.add([f])

    def replace(self, wanted: Sequence[Filter]) -> None:
        """Drop all filters and take these."""
        self._stage.view.entries.clear()
        self._drop()
        self.add(wanted)

    def changed(self) -> None:
        """Filters were switched or taken away from outside: what was stopped and is on is scanned for anew."""
        self._drop()
        for entry in self._stage.view.entries:
            if entry.stopped and entry.filter.on:
                entry.stopped, entry.seen = False, 0
                self._queue(entry)
        self._begin()

    def turn_all(self) -> None:
        """All off, or all on again."""
        on = not self._stage.view.filtered
        for entry in self._stage.view.entries:
            entry.filter = entry.filter.turned(on)
        self.changed()

    def halt(self) -> bool:
        """End all scans: their filters go off, as a part of their rows would mislead. False: none was running."""
        jobs, self._jobs = self._jobs, []
        for job in jobs:
            job.stop.set()
            job.entry.filter = job.entry.filter.turned(False)
            job.entry.rows, job.entry.stopped = None, True
        if jobs:
            self._stage.renew(jobs[0].row)
        return bool(jobs)

    def end(self) -> None:
        """The program ends."""
        for job in self._jobs:
            job.stop.set()
        self._jobs.clear()

    # --- at work

    def _queue(self, entry: Entry) -> None:
        row = self._stage.row
        self._jobs.append(_Job(entry, row.rid if row else None, self._stage.table().cursor))

    def _drop(self) -> None:
        """End the scans of filters that are not on the stack any more."""
        there = {id(e) for e in self._stage.view.entries}
        for job in [j for j in self._jobs if id(j.entry) not in there]:
            job.stop.set()
            self._jobs.remove(job)

    def _begin(self) -> None:
        self._stage.renew()
        if any(not job.begun for job in self._jobs):
            self._stage.background(self._work, "filters")

    def _work(self) -> None:
        while (job := next((j for j in list(self._jobs) if not j.begun), None)) is not None:
            job.begun = True
            self._fill(job)

    def _fill(self, job: _Job) -> None:
        from forensic_iso.browse import scan

        stage, entry, painted = self._stage, job.entry, 0.0

        def tell(found: "RowSet | None", seen: int) -> None:
            nonlocal painted
            if job.stop.is_set():
                return
            entry.rows, entry.seen = found, seen
            now = time.monotonic()
            if (painted == 0.0 or now - painted > REPAINT_S) and seen < entry.total:
                painted = now
                stage.on_screen(stage.grown)

        try:
            scan.fill(stage.case, entry.filter, job.stop, stage.view.descending, tell=tell)
        except FilterError as e:
            entry.error = str(e)
            entry.rows, entry.seen = None, entry.total
        stage.on_screen(self._done, job)

    def _done(self, job: _Job) -> None:
        if job not in self._jobs:  # stopped, or its filter taken away
            return
        self._jobs.remove(job)
        stayed = self._stage.table().cursor == job.cursor
        self._stage.renew(job.row if stayed else None)
        if job.entry.error is not None:
            self._stage.tell(job.entry.error, "bad")
