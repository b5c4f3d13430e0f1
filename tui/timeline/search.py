"""Search of the timeline: rows found so far, how far it is, and walking from hit to hit."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from forensic_iso.browse import filters
from forensic_iso.browse.filters import Filter, FilterError
from forensic_iso.browse.stop import Stop
from tui.rows import TimelineSource
from tui.safe import Piece
from tui.timeline.stage import Stage, fault_of
from tui.widgets.prompt import Ask

if TYPE_CHECKING:
    from forensic_iso.browse.rowset import RowSet

HELP = "text of the summaries, capitals alike; /regex/; then n and N"
NO_HIT = "no hit in any summary; f any=word asks all fields"


def wanted(typed: str) -> Filter:
    """The filter that a typed search stands for.

    Raises:
        FilterError: no regular expression.
    """
    if len(typed) > 2 and typed[0] == typed[-1] == "/":
        return filters.parse(typed)[0]
    return Filter("text", "~", typed)


class Search:
    """One search at a time; a new one ends that before. Its hits lie on the source of the rows."""

    def __init__(self, stage: Stage, typed: list[str]) -> None:
        self._stage, self._typed = stage, typed
        self._stop = Stop()
        self._seen = 0
        self._running = False
        self._waiting: int | None = None
        stage.search_state = self.state

    def ask(self) -> None:
        """Ask for a text."""

        def done(typed: str | None) -> None:
            if typed:
                self._typed.append(typed)
                self.start(typed)

        self._stage.ask(Ask("search", HELP, check=fault_of(wanted), history=self._typed), done)

    def start(self, typed: str) -> None:
        """Search from the cursor on; the first hit is gone to as soon as it is found."""
        stop = self._begin()
        stage, source, sought = self._stage, self._stage.ensure(), wanted(typed)
        source.word = "" if sought.what == "regex" else typed
        source.hits, self._seen, self._waiting, self._running = None, 0, 1, True
        stage.paint_state()
        start, backwards = stage.row.rid if stage.row else 0, stage.view.descending

        def tell(found: "RowSet | None", seen: int) -> None:
            if found is not None and not stop.is_set():
                stage.on_screen(self._found, found.copy(), seen, stop)

        def work() -> None:
            from forensic_iso.browse import scan

            try:
                scan.fill(stage.case, sought, stop, backwards, start, tell)
            except FilterError as e:
                stage.on_screen(self._failed, str(e), stop)

        stage.background(work, "search")

    def _begin(self) -> Stop:
        """End the search before; what stops the next one."""
        self._stop.set()
        self._stop, self._running = Stop(), False
        return self._stop

    def halt(self) -> bool:
        """End the search: the hits so far stay. False: none was running."""
        was = self._running
        if was:
            self._stop.set()
            self._running, self._waiting = False, None
            self._stage.tell("search stopped: what was found so far is shown")
        return was

    def end(self) -> None:
        """The program ends."""
        self._stop.set()

    def _failed(self, message: str, stop: Stop) -> None:
        if not stop.is_set():
            self._running = False
            self._stage.tell(message, "bad")

    def _found(self, hits: "RowSet", seen: int, stop: Stop) -> None:
        if stop.is_set():
            return
        self._stage.ensure().hits, self._seen = hits, seen
        self._running = seen < self._stage.view.total
        if self._waiting is not None:
            self.step(self._waiting, from_here=True)
        self._stage.table().refresh()
        self._stage.paint_state()

    def show(self, rids: Sequence[int], what: str) -> None:
        """Take rows that something else found as hits."""
        from forensic_iso.browse import rowset

        self._begin()
        stage, source = self._stage, self._stage.ensure()
        source.hits, source.word = rowset.of(stage.case.total, rids), ""
        self._seen, self._waiting = stage.view.total, None
        if len(rids) == 1:
            stage.tell(f"{what}: 1 row; & only it, Esc back", "good")
        else:
            stage.tell(f"{what}: {len(rids)} rows; n N walk, & only them, Esc back", "good")

    def step(self, by: int, from_here: bool = False) -> None:
        """Go to the next hit in view; `from_here`: stay where the row is one."""
        stage, row, hits = self._stage, self._stage.row, self._stage.ensure().hits
        if hits is None or row is None:
            stage.tell("no search yet: / searches")
            return
        if from_here and stage.view.shows(row.rid) and row.rid in hits:
            self._waiting = None
            return
        rid = stage.view.step(hits, row.rid, by > 0)
        if rid is not None:
            self._waiting = None
            stage.go_rid(rid)
        elif self._running:
            self._waiting = by
            stage.tell("searching")
        else:
            self._waiting = None
            stage.tell("no more hits in view" if len(hits) else self._none())

    def _none(self) -> str:
        share = self._share()
        return NO_HIT if share >= 100 else f"no hit in the {share} % that were searched"

    def _share(self) -> int:
        return 100 * self._seen // max(self._stage.view.total, 1)

    def state(self, source: TimelineSource) -> list[Piece]:
        """Hits so far, and how far the search is; nothing where there is none."""
        if source.hits is None:
            return [("  searching, Esc stops", "key")] if self._running else []
        share, hint = self._share(), ", Esc stops" if self._running else ""
        done = "" if share >= 100 else f", {share} % searched{hint}"
        number = len(source.hits)
        return [(f"  {number:,} hit{'' if number == 1 else 's'}{done}", "key")]
