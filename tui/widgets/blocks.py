"""Rows of a source, read in blocks and kept: what is near the screen is read before it is asked for."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import duckdb

from forensic_iso.browse.case import fault_of
from tui.widgets.source import Source

BLOCK, KEPT = 64, 96
"""Rows read at once, and blocks kept. Where few rows pass a filter, the cost of a read grows with its rows."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """A block to be read by another thread: its number, how to read it, the state it was asked in."""

    number: int
    read: Callable[[], Sequence[object]]
    turn: int


@dataclass(frozen=True, slots=True)
class Unread:
    """Stands for a row that the source cannot give; says why."""

    why: str


class Blocks:
    """The blocks of one source. All methods are for the screen's thread; only `Ahead.read` is for another."""

    def __init__(self) -> None:
        self.source: Source | None = None
        self._kept: OrderedDict[int, Sequence[object]] = OrderedDict()
        self._asked: set[int] = set()
        self._turn = 0

    @property
    def count(self) -> int:
        """Rows there are."""
        return 0 if self.source is None else self.source.count()

    def clear(self) -> None:
        """Forget all rows: the source gives others now. What is being read ahead is not taken."""
        self._kept.clear()
        self._renew()

    def grown(self) -> None:
        """Forget the rows that more may have come after."""
        last = max(self._kept, default=-1)
        for number in [n for n, rows in self._kept.items() if len(rows) < BLOCK or n == last]:
            del self._kept[number]
        self._renew()

    def _renew(self) -> None:
        self._turn += 1
        self._asked.clear()

    def row(self, position: int) -> object | None:
        """The row at a position; None where there is none."""
        if self.source is None or not 0 <= position < self.count:
            return None
        number, at = divmod(position, BLOCK)
        block = self._kept.get(number)
        if block is None or at >= len(block):
            block = self._read(self.source, number)
            self._keep(number, block)
        self._kept.move_to_end(number)
        return block[at] if at < len(block) else None

    def _read(self, source: Source, number: int) -> Sequence[object]:
        try:
            return self._reader(source, number)()
        except duckdb.Error as e:  # a damaged case: its other rows can be read
            return [Unread(fault_of(e))] * min(BLOCK, self.count - number * BLOCK)

    def _reader(self, source: Source, number: int) -> Callable[[], Sequence[object]]:
        return source.reader(number * BLOCK, min((number + 1) * BLOCK, self.count))

    def _keep(self, number: int, block: Sequence[object]) -> None:
        self._kept[number] = block
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    def ahead(self, position: int) -> Ahead | None:
        """The block around a position, to be read; None where it is there, was asked for, or is none."""
        number = position // BLOCK
        if self.source is None or not 0 <= position < self.count:
            return None
        if number in self._kept or number in self._asked:
            return None
        self._asked.add(number)
        return Ahead(number, self._reader(self.source, number), self._turn)

    def take(self, ahead: Ahead, block: Sequence[object]) -> None:
        """Keep a block that was read ahead, unless the rows have become others meanwhile."""
        if ahead.turn != self._turn:
            return
        self._asked.discard(ahead.number)
        if ahead.number not in self._kept:
            self._keep(ahead.number, block)
