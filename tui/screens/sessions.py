"""Mount sessions as bars over time."""

from collections.abc import Sequence

from forensic_iso.browse import overview as queries
from forensic_iso.browse import timeline
from forensic_iso.browse.case import Record
from forensic_iso.browse.filters import format_ns
from tui.commands import bindings
from tui.screens.page import Page, column, number
from tui.widgets.lines import Item, Lines, item

OPEN_END_NS = 600 * 10**9
"""What is drawn of a session whose other end the evidence does not tell."""


def _span(s: Record) -> tuple[int, int] | None:
    opened, closed = s["opened_at"], s["closed_at"]
    if opened is None and closed is None:
        return None
    begin = int(str(opened)) if opened is not None else int(str(closed)) - OPEN_END_NS
    end = int(str(closed)) if closed is not None else begin + OPEN_END_NS
    for run in s["executed_at"] if isinstance(s["executed_at"], list) else []:
        end = max(end, int(run))
    return begin, max(end, begin)


def span_of(rows: Sequence[Record]) -> tuple[int, int]:
    """Begin and end of all sessions, ns."""
    spans = [x for x in map(_span, rows) if x is not None]
    if not spans:
        return 0, 1
    return min(a for a, _ in spans), max(max(b for _, b in spans), min(a for a, _ in spans) + 1)


def session_bar(s: Record, rows: Sequence[Record], width: int) -> str:
    """The session as a bar on the scale of all rows: ▒ open, ▲ a run, ◂ ▸ an end that is not known."""
    span = _span(s)
    if span is None:
        return "time not known"
    first, last = span_of(rows)
    scale = max(1, last - first)

    def place(ns: int) -> int:
        return min(width - 1, max(0, (ns - first) * (width - 1) // scale))

    begin, end = place(span[0]), place(span[1])
    cells = ["·"] * width
    cells[begin : end + 1] = "▒" * (end - begin + 1)
    if s["opened_at"] is None:
        cells[begin] = "◂"
    if s["closed_at"] is None:
        cells[end] = "▸"
    for run in s["executed_at"] if isinstance(s["executed_at"], list) else []:
        cells[place(int(run))] = "▲"
    return "".join(cells)


class SessionsPage(Page):
    """All mount sessions on one scale; system disks are dim."""

    TAB = "sessions"
    PLACES = ("lists", "find")
    BINDINGS = bindings("find")

    def load(self) -> None:
        """Draw them."""
        rows = queries.sessions(self.desk.case)
        first, last = span_of(rows)
        width = max(10, min(self.size.width - 4, 160))
        items: list[Item] = []
        if rows:
            left, right = format_ns(first, 0), format_ns(last, 0)
            gap = " " * max(1, width - len(left) - len(right))
            items.append(Item(((f" {left}{gap}{right}", "dim"),), wrap=False))
        for s in rows:
            items += self._entry(s, rows, width)
        late = queries.unfinished(self.desk.case)
        nothing = [item((f" {text}", "bad"), hang=1) for text in late] or [
            item((" no image was seen mounted", "dim"))
        ]
        lines = self.query_one("#lines", Lines)
        lines.show(items or nothing, 1)
        lines.focus()
        self.say(
            (f"{number(len(rows), 'session')}   ", "bar"),
            ("▒ open  ▲ run from the image  ◂ ▸ end not known", "bar"),
        )

    def _entry(self, s: Record, rows: Sequence[Record], width: int) -> Sequence[Item]:
        quiet = s["noise_reason"] is not None
        session = str(s["session_id"])

        def jump() -> None:
            self.desk.ask_rows("session", lambda: timeline.of_subject(self.desk.case, session))

        closed = str(s["closed_utc"])[:19] if s["closed_utc"] is not None else "no end seen"
        opened = (
            str(s["opened_utc"])[:19] if s["opened_utc"] is not None else "before the log begins"
        )
        head = item(
            (" ", ""),
            (column(s["host"], 12), "link"),
            (" ", ""),
            (column(s["volume"] or "?", 5), "label"),
            (s["image_path"], "dim" if quiet else "value"),
            (f"  {opened} to {closed} ({s['close_basis']})", "dim"),
            (f"  {s['executions']} runs" if s["executions"] else "", "bad"),
            (f"  {s['noise_reason']}" if quiet else "", "dim"),
            payload=jump,
            hang=14,
        )
        role = "dim" if quiet else ("severity_4" if s["executions"] else "art_1")
        return [head, Item(((" ", ""), (session_bar(s, rows, width), role)), jump, wrap=False)]
