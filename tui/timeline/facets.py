"""The values of a column with their counts, to filter by."""

from collections.abc import Callable, Iterable, Sequence

from forensic_iso.browse import filters
from tui.desk.asking import Asking
from tui.safe import Piece
from tui.screens.page import number
from tui.timeline.stage import Stage
from tui.widgets.lines import Item, item
from tui.widgets.prompt import Choose

BAR = 20
"""Cells of the bar that stands for all rows."""

SHOWN = 1000
"""Values listed of a query's result."""

HELP = "Enter only this   Del without this   Esc back"


def ask(stage: Stage, asking: Asking, add: Callable[[Sequence[filters.Filter]], None]) -> None:
    """Show the values of the cursor's column of the rows in view; add one as filter, or rows without it."""
    from forensic_iso.browse.facets import facet

    column = stage.column
    name = column if column in (*filters.FIELDS, "summary") else "source"
    members, count = stage.view.members, stage.view.count

    def counted(values: list[tuple[object, int]]) -> None:
        _choose(stage, name, values, count, add)

    asking.ask(f"values of {name}", lambda: facet(stage.case, name, members), counted)


def _choose(
    stage: Stage,
    name: str,
    values: list[tuple[object, int]],
    count: int,
    add: Callable[[Sequence[filters.Filter]], None],
) -> None:
    from forensic_iso.browse.facets import MOST

    many = number(len(values), "value")
    if len(values) == MOST:
        many = f"the {MOST:,} most frequent values"

    def done(answer: object) -> None:
        if isinstance(answer, tuple):
            without = isinstance(answer[1], tuple)  # (key, payload): a value may be "delete" too
            value, _ = answer[1] if without else answer
            add([_filter(name, value, not without)])

    title = f"{name}: {many} in {number(count, 'row')}"
    stage.ask(
        Choose(
            title,
            items(values, max(count, 1)),
            HELP,
            ["delete"],
        ),
        done,
    )


def _filter(name: str, value: object, include: bool) -> filters.Filter:
    text = "" if value is None else str(value)
    if name == "summary":
        return filters.Filter("text", "~", text, not include)
    return filters.Filter(name, "=", text, not include)


def items(values: Iterable[tuple[object, int]], total: int) -> list[Item]:
    """Values with count and share."""
    out = []
    for value, count in values:
        text: Piece = ("(none)", "dim") if value is None or value == "" else (value, "value")
        bar = "█" * max(1, round(BAR * count / total))
        out.append(
            item(
                (f"{count:>12,} {100 * count / total:5.1f} % ", ""),
                (bar.ljust(BAR + 1), "art_1"),
                text,
                payload=(value, count),
                wrap=False,
            )
        )
    return out
