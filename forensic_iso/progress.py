"""Progress on stderr: rate and remaining time on a terminal, nothing where stderr is no terminal."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from forensic_iso.case.ingest import Report
from forensic_iso.text import terminal

EVERY_SECONDS = 0.2
WIDTH = 78


@contextmanager
def progress(unit: str = "MiB") -> Iterator[Report]:
    """A reporter of bytes (unit MiB) or of any other count; the line is wiped at the end.

    Where it is not known how many there are in all (0), no share and no remaining time are shown.
    """
    if not sys.stderr.isatty():
        yield lambda what, done, total: None
        return
    size = 1 << 20 if unit == "MiB" else 1
    start, last = time.monotonic(), [0.0]

    def show(what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now - last[0] < EVERY_SECONDS and (done < total or not total):
            return
        last[0] = now
        rate = done / max(now - start, 1e-6)
        line = f"{done // size} {unit}  {rate / size:.0f} {unit}/s  "
        if total:
            left = (total - done) / rate if rate else 0.0
            share = 100 * done / total
            line = f"{share:3.0f} %  {done // size} of {total // size} {unit}  {rate / size:.0f} {unit}/s  {left:.0f} s left  "
        sys.stderr.write("\r" + (line + terminal(what, limit=40))[:WIDTH].ljust(WIDTH))
        sys.stderr.flush()

    try:
        yield show
    finally:
        sys.stderr.write("\r" + " " * WIDTH + "\r")
        sys.stderr.flush()
