"""The current view written to a file."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tui.screens.page import NotNow, Page, Table

if TYPE_CHECKING:
    from tui.app import ForensicApp

MOST = 1_000_000
"""Rows that one file holds."""

HELP = "ends in .csv (formulas made harmless), .json or .jsonl (exact)"


def proposal(folder: Path, case_name: str, page: Page) -> Path:
    """A name for the file, of the case, the screen and the time now."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    return folder / f"{case_name}-{page.TAB or 'list'}-{stamp}.csv"


def ask(app: "ForensicApp", page: Page, folder: Path) -> None:
    """Ask for the file's name, and write the view of a screen to it, as it is now."""
    from tui.widgets.prompt import Ask

    if app.exporting.busy:
        app.tell("an export is running: wait for its end", "warn")
        return
    try:
        table = page.exporter()
    except NotNow as e:
        app.tell(str(e), "warn")
        return

    def done(typed: str | None) -> None:
        if typed and typed.strip():
            path = Path(typed.strip()).expanduser()
            app.exporting.ask(
                f"rows for {path.name}",
                lambda: write_table(table(), path),
                lambda told: app.tell(*told),
                elsewhere=True,
            )

    app.push_screen(Ask("export to", HELP, str(proposal(folder, app.case_name, page))), done)


def write_table(table: Table, path: Path) -> tuple[str, str]:
    """Write a table, CSV by default, by the name's ending JSON or JSON lines; never over a file.

    Returns:
        What to tell of it, and the role of that: a file that cannot be written is told too.
    """
    from forensic_iso.output import Format, render

    forms = {".json": Format.JSON, ".jsonl": Format.JSONL}
    names, rows = table
    try:
        with path.open("x", encoding="utf-8") as out:
            out.write(render(names, rows, forms.get(path.suffix, Format.CSV)))
    except OSError as e:
        return f"writing {path}: {e.strerror}; give another name", "bad"
    if len(rows) < MOST:
        return f"{len(rows):,} rows in {path}", "good"
    return f"{len(rows):,} rows, CUT after {MOST:,} in {path}", "warn"
