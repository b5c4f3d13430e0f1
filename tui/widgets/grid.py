"""Where the columns of a table stand, and its lines as pieces."""

from collections.abc import Sequence
from dataclasses import dataclass

from tui.safe import Piece, clean, fit, split_hit
from tui.widgets.source import Col, Drawn

SIGNS = 4
"""Cells before the first column: mark, hit, severity, a blank."""

NARROWEST = 8
"""Cells that the column of what is left has at least."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Columns with their widths in cells; `begin` is the first one drawn, `column` the cursor's."""

    width: int
    columns: Sequence[Col]
    widths: Sequence[int]
    begin: int
    column: int

    def header(self, focused: bool) -> list[Piece]:
        """The line of titles."""
        out: list[Piece] = [(" " * SIGNS, "column")]
        shown = zip(self.columns, self.widths, strict=True)
        for index, (col, width) in list(enumerate(shown))[self.begin :]:
            role = "column_on" if index == self.column and focused else "column"
            out += [(fit(col.title, width), role), (" ", "column")]
        return [*out, (" " * 8, "column")]

    def line(self, drawn: Drawn, shift: int, under_cursor: bool) -> list[Piece]:
        """A row; the text of the last column begins `shift` characters later."""
        pieces: list[Piece] = list(drawn.signs)
        last = len(self.widths) - 1
        shown = zip(drawn.cells, self.widths, strict=True)
        for index, ((value, role), width) in list(enumerate(shown))[self.begin :]:
            text = fit(clean(value)[shift:] if shift and index == last else value, width)
            if under_cursor and index == self.column:
                pieces.append((text, "cell"))
            else:
                pieces += split_hit(text, drawn.word, role)
            pieces.append((" ", role))
        return pieces

    def column_at(self, x: int) -> int | None:
        """The column drawn at a cell; None beside them."""
        at = SIGNS
        for index in range(self.begin, len(self.widths)):
            if at <= x <= at + self.widths[index]:
                return index
            at += self.widths[index] + 1
        return None


def grid(columns: Sequence[Col], width: int, column: int) -> Grid:
    """Columns laid out on a width of the screen, so that the cursor's column is on it."""
    fixed = sum(c.width for c in columns) + len(columns)
    rest = max(NARROWEST, width - SIGNS - 1 - fixed)
    widths = [c.width or rest for c in columns]
    begin, room = 0, width - SIGNS - 1
    while begin < column and sum(w + 1 for w in widths[begin : column + 1]) > room:
        begin += 1
    return Grid(width, columns, widths, begin, column)


def gutter(signs: Sequence[Piece], y: int, top: int, height: int, count: int) -> Piece:
    """The scroll bar at a line: the source's sign, else thumb or track.

    Args:
        signs: the source's signs, one a line.
        y: the line.
        top: position of the first row on the screen.
        height: rows on the screen.
        count: rows there are.
    """
    if y < len(signs) and str(signs[y][0]) != " ":
        return signs[y]
    rows = max(count, 1)
    first = top * height // rows
    last = max(first + 1, -(-min(top + height, rows) * height // rows))
    in_thumb = first <= y < last and count > height
    return ("┃", "thumb") if in_thumb else ("│", "track")
