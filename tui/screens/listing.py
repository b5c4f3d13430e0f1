"""A plain list over a main screen: problems, files not read, help."""

from collections.abc import Callable, Sequence

from tui.commands import bindings
from tui.screens.page import Page, number
from tui.widgets.lines import Item


class ListingPage(Page):
    """Entries made by a function when the screen is shown."""

    PLACES = ("lists", "find")
    BINDINGS = bindings("find")

    def __init__(self, title: str, make: Callable[[], Sequence[Item]]) -> None:
        super().__init__()
        self._what, self._make = title, make

    def load(self) -> None:
        """Show them."""
        items = self._make()
        self.list().show(items)
        self.list().focus()
        self.say((f"{self._what}: {number(len(items), 'line')}", "bar"))
