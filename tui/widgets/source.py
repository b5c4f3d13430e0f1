"""What a table's rows come from: the contract between the table widget and its sources."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from tui.safe import Piece


@dataclass(frozen=True, slots=True)
class Col:
    """A column: its name in the source, its title, its width in cells (0: what is left)."""

    name: str
    title: str
    width: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """A row ready to draw: a text and role for each column, signs before it, a word to show as hits, a payload."""

    cells: Sequence[tuple[object, str]]
    signs: Sequence[Piece]
    payload: object
    word: str = ""


class Source(Protocol):
    """Where a table's rows come from."""

    def columns(self, width: int) -> Sequence[Col]:
        """Columns for a width of the screen."""
        ...

    def count(self) -> int:
        """Rows there are."""
        ...

    def reader(self, first: int, last: int) -> Callable[[], Sequence[object]]:
        """What reads the rows at positions first <= p < last.

        Which rows these are is settled at once; the reading may be done later, by any thread.
        """
        ...

    def draw(self, row: object, columns: Sequence[Col]) -> Drawn:
        """A row as it is shown now."""
        ...

    def gutter(self, height: int) -> Sequence[Piece]:
        """What the scroll bar shows beside its thumb, one sign for each line."""
        ...
