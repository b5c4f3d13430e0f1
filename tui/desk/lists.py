"""Plain lists that lie over a main screen: problems, files not read, help."""

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from forensic_iso.browse import overview as queries
from forensic_iso.browse.case import Case
from tui.commands import COMMANDS, PLACES
from tui.keys import key_file, keys_of, sign
from tui.screens.page import column
from tui.widgets.lines import Item, heading, item


def problems(case: Case) -> list[Item]:
    """Problems one by one."""
    return [
        item(
            (f" {column(p['severity'], 8)}", "bad" if p["severity"] == "error" else "warn"),
            (p["code"], "value"),
            (f"  {p['path']} {p['place']}", "link"),
            (f"  expected {p['expected']}, found {p['found']}: {p['message']}", ""),
            hang=9,
        )
        for p in queries.problem_rows(case)
    ] or [_none()]


def not_read(case: Case) -> list[Item]:
    """Files that were not read."""
    return [
        item(
            (f" {column(s['state'], 8)}", "warn"),
            (s["path"], "value"),
            (f"  {s['bytes'] or 0:,} bytes  {s['remark'] or ''}", "dim"),
            hang=9,
        )
        for s in queries.not_read(case)
    ] or [_none()]


def artifacts(case: Case, kind: object, state: object, go: Callable[[str], None]) -> list[Item]:
    """Artifacts of one kind; `go`: shows the rows of one."""
    return [
        item(
            (f" {column(a['host'], 12)} ", "link"),
            (a["path"], "value"),
            (f"  {a['bytes'] or 0:,} bytes", "dim"),
            (f", {a['rows']:,} rows" if a["rows"] is not None else "", "dim"),
            (f", {a['problems']:,} problems" if a["problems"] else "", "warn"),
            (f"  {a['remark']}" if a["remark"] else "", "warn"),
            (f"  sha256 {a['sha256']}" if a["sha256"] else "", "dim"),
            payload=partial(go, str(a["source_id"])),
            hang=14,
        )
        for a in queries.artifacts(case, kind, state)
    ] or [_none()]


def _none() -> Item:
    return item((" none", "dim"))


def keys(remapped: Mapping[str, str], first: Sequence[str] = ()) -> list[Item]:
    """All keys, from the table of commands.

    Args:
        remapped: the user's own.
        first: places whose keys stand on top, those of the screen that asks.
    """
    out: list[Item] = []
    for place in (*first, *(p for p in PLACES if p not in first)):
        out.append(heading(PLACES[place]))
        out += [
            item(
                (f"  {column(sign(keys_of(c, remapped)), 14)} ", "mark"),
                (c.help, ""),
                (f"  {c.name}", "dim"),
                hang=17,
            )
            for c in COMMANDS
            if c.place == place
        ]
    out.append(heading("Your own keys", str(key_file(os.environ))))
    out.append(item(('  [keys] next_hit = "n": names stand right of each command', "dim")))
    return out
