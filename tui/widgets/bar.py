"""A few fixed lines of styled text."""

from collections.abc import Sequence

from textual.strip import Strip
from textual.widget import Widget

from tui.safe import Line, strip


class Bar(Widget):
    """Shows lines; repaints only itself."""

    def __init__(self, *, id: str, role: str = "bar", height: int = 1) -> None:
        super().__init__(id=id)
        self._role = role
        self._lines: Sequence[Line] = ()
        self.styles.height = height

    def show(self, *lines: Line) -> None:
        """Put these lines in place of what is there."""
        self._lines = lines
        self.refresh()

    @property
    def shown(self) -> str:
        """What it shows, as plain text (for tests and for copying)."""
        return "\n".join("".join(str(text) for text, _ in line) for line in self._lines)

    def render_line(self, y: int) -> Strip:
        """One line."""
        palette = str(getattr(self.app, "palette_name", "dark"))
        line = self._lines[y] if y < len(self._lines) else ()
        return strip([*line, (" " * self.size.width, self._role)], self.size.width, palette)
