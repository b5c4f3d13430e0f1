"""Commands chosen by name."""

from collections.abc import Mapping

from textual.app import App
from textual.screen import Screen

from tui.commands import COMMANDS, PLACES
from tui.keys import keys_of, sign
from tui.screens.page import Page, column
from tui.widgets.lines import Item, Lines, item


def commands(owner: Screen[object], remapped: Mapping[str, str]) -> list[Item]:
    """The commands that work on a screen; `remapped`: the user's own keys."""
    return [
        item(
            (f" {column(sign(keys_of(c, remapped)), 11)} ", "mark"),
            (c.help, "value"),
            (f"  {PLACES[c.place]}", "dim"),
            payload=c.action,
            wrap=False,
        )
        for c in COMMANDS
        if c.name != "palette" and _works(owner, c.place)
    ]


def _works(screen: Screen[object], place: str) -> bool:
    if place == "everywhere":
        return True
    if place == "sections":
        return bool(screen.query(Lines))
    return isinstance(screen, Page) and place in (*screen.PLACES, "lists")


async def run(app: App[int], owner: Screen[object], action: str) -> None:
    """Run a command where it works: on what has the focus, the screen, or the application."""
    name = action.split("(")[0]
    for place in (owner.focused, owner, app):
        if place is not None and hasattr(place, f"action_{name}"):
            await app.run_action(action, default_namespace=place)
            return
