"""The current view written to a file, batch by batch: no more than one of them is held."""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from forensic_iso.browse.stop import Stop, Stopped
from tui.screens.page import NotNow, Page, Table

if TYPE_CHECKING:
    from tui.app import ForensicApp

HELP = "ends in .csv (formulas made harmless), .json or .jsonl (exact)"

TELL_S = 0.5
"""Time between two words of how far the writing is."""


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

            def say(rows: int) -> None:
                told = f"{rows:,} rows written to {path.name}; Esc stops"
                app.call_from_thread(app.exporting.tell, told)

            app.exporting.work(
                f"rows for {path.name}",
                lambda stop: write_table(table(), path, stop, say),
                lambda told: app.tell(*told),
                elsewhere=True,
            )

    app.push_screen(Ask("export to", HELP, str(proposal(folder, app.case_name, page))), done)


def write_table(
    table: Table, path: Path, stop: Stop, say: Callable[[int], None] = lambda rows: None
) -> tuple[str, str]:
    """Write a table, CSV by default, by the name's ending JSON or JSON lines; never over a file.

    Written under the name with `.part`, which goes away when the writing ends early.

    Args:
        table: what to write.
        path: the file.
        stop: ends the writing between two batches.
        say: gets the rows written so far, from time to time.

    Returns:
        What to tell of it, and the role of that: a file that cannot be written is told too.

    Raises:
        Stopped: it was stopped.
    """
    from forensic_iso.output import Format, pieces

    form = {".json": Format.JSON, ".jsonl": Format.JSONL}.get(path.suffix, Format.CSV)
    written = _Counted(table, stop, say)
    part = path.with_name(f"{path.name}.part")
    try:
        if path.exists():
            raise FileExistsError(17, "File exists")
        out = part.open("x", encoding="utf-8", newline="")
    except OSError as e:
        return f"writing {path}: {e.strerror}; give another name", "bad"
    try:
        with out:
            for piece in pieces(table.names, written.batches(), form):
                out.write(piece)
        part.rename(path)
    except OSError as e:
        return f"writing {path}: {e.strerror}; give another name", "bad"
    finally:
        part.unlink(missing_ok=True)
    told = f"{written.rows:,} rows in {path}"
    return (f"{told}: {table.remark}", "warn") if table.remark else (told, "good")


class _Counted:
    """Batches on their way, counted."""

    def __init__(self, table: Table, stop: Stop, say: Callable[[int], None]) -> None:
        self._table, self._stop, self._say = table, stop, say
        self._told = time.monotonic()
        self.rows = 0

    def batches(self) -> Iterator[Sequence[Sequence[object]]]:
        for rows in self._table.batches:
            if self._stop.is_set():
                raise Stopped
            yield rows
            self.rows += len(rows)
            if time.monotonic() - self._told > TELL_S:
                self._told = time.monotonic()
                self._say(self.rows)
