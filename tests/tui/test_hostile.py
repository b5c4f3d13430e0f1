"""A case of hostile names through every screen: nothing of it acts on the terminal."""

import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from forensic_iso.browse.timeline import page
from forensic_iso.case.annotations import Annotations, Kind
from tests.tui.driving import running
from tests.tui.hostile import MEAN, NAMES, make

KEYS = (
    *("1", "down", "down", "enter", "end", "q", "2", "down", "enter", "space", "space", "end", "q"),
    *("3", "i", "z", "j", "j", "enter", "J", "X", "H", "S", "A", "q", "l", "plus", "s", "escape"),
    *("backslash", "F", "escape", "c", "escape", "minus", "T", "m", "y", "Y", "end"),
    *("4", "end", "home", "5", "end", "6", "space", "end", "7", "8", "l", "enter", "escape", "T"),
    *("escape", "question_mark", "end", "q", "ctrl+p", "escape", "ctrl+t"),
)


@pytest.fixture
def mean_case(tmp_path: Path) -> Path:
    case = tmp_path / "case"
    make(case)
    notes = Annotations(case, "a\x1b[31m")
    for n, name in enumerate(NAMES):
        notes.add(f"finding/f{n}", Kind.TAG, name[:2000], name[:2000])
    return case


def test_no_screen_shows_what_acts(mean_case: Path, go: Callable[[object], None]) -> None:
    async def walk() -> None:
        async with running(mean_case, (80, 24)) as d:
            for key in KEYS:
                await d.press(key)
                seen = d.text
                bad = [m for m in MEAN if m in seen]
                assert not bad, (key, bad)
            for row in page(d.app.case, 0, len(NAMES) - 1):
                d.app.open_row(row)
                await d.pilot.pause()
                for tab in ("fields", "json", "source", "related"):
                    d.app.screen.action_tab(tab)
                    await d.settle()
                    assert not [m for m in MEAN if m in d.text], (row.rid, tab)
                d.app.pop_screen()

    go(walk())


def test_a_hostile_filter_typed_or_pasted_is_inert(
    mean_case: Path, go: Callable[[object], None]
) -> None:
    async def walk() -> None:
        async with running(mean_case, (80, 24), start="timeline") as d:
            for text in ("\x1b]52;c;ZXZpbA==\x07\u202ex", "[@click=app.bell]X[/nope]"):
                await d.press("slash")
                await d.type(text)
                for typed in (text, f"any={text}"):
                    await d.press("f")
                    await d.type(typed)
                await d.press("7", "slash")
                await d.type(text)
                assert not [m for m in MEAN if m in d.text]
                await d.press("3")
                assert not [m for m in MEAN if m in d.text]
                await d.press("s", "escape")

    go(walk())


def start(case: Path, *options: str) -> tuple[int, int]:
    pid, fd = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execv(sys.executable, [sys.executable, "-m", "forensic_iso", "tui", str(case), *options])
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    return pid, fd


def read(fd: int, quiet: float, most: float) -> bytes:
    """What comes until it is quiet for a while."""
    out, end = b"", time.monotonic() + most
    while time.monotonic() < end and select.select([fd], [], [], quiet)[0]:
        try:
            out += os.read(fd, 65536)
        except OSError:
            break
    return out


KNOWN = re.compile(
    rb"\x1b\[[0-9;:?<>=!]*[ $]?[a-zA-Z]|\x1b\]22;[a-z-]*\x07|\x1b[()][A-Z0-9]|\x1bP\+q[0-9A-Fa-f;]*\x1b\\|\x1b[78=>]"
)


def test_bytes_to_the_terminal_hold_nothing_of_the_evidence_that_acts(mean_case: Path) -> None:
    pid, fd = start(mean_case)
    out = b""
    while b"rows in the timeline" not in out:  # a busy machine takes its time to start
        came = read(fd, 1.5, 15)
        assert came or not out
        out += came
    keys = "2 \r  G q 3jjjj\r J X H S A q G 4G5G6 G7G8".replace(" ", "")
    for key in keys:
        os.write(fd, key.encode())
        out += read(fd, 0.3, 3)
    os.write(fd, b"1q")
    out += read(fd, 1.0, 10)
    deadline = time.monotonic() + 20
    ended, status = os.waitpid(pid, os.WNOHANG)
    while not ended and time.monotonic() < deadline:
        time.sleep(0.05)
        ended, status = os.waitpid(pid, os.WNOHANG)

    assert os.waitstatus_to_exitcode(status) == 0
    assert b"\x1b[31mred" not in out
    out = KNOWN.sub(b"", out)
    text = out.decode("utf-8", "surrogateescape")
    assert "gpj.<U+202E>exe.iso" in text
    assert not [
        m
        for m in ("\x1b]52", "\x1b]0;", "\u202e", "\u2066", "\u200b", "\ufeff", "\U000e0041")
        if m in text
    ]
    assert not [c for c in text if 0x80 <= ord(c) < 0xA0 or c == "\x00" or c == "\x07"]
    assert b"\x1b" not in out
    assert b"Traceback" not in out
