"""What cannot be opened ends with a message and its exit code, in a real terminal."""

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from forensic_iso.case.store import open_writer


def ran(case: Path) -> tuple[int, str]:
    """Exit code and output of the command in a pty."""
    pid, fd = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execv(sys.executable, [sys.executable, "-m", "forensic_iso", "tui", str(case)])
    out, end = b"", time.monotonic() + 30
    while time.monotonic() < end:
        if select.select([fd], [], [], 0.2)[0]:
            try:
                out += os.read(fd, 65536)
            except OSError:
                break
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), " ".join(out.decode(errors="replace").split())


WRITER = """
import sys, time
from pathlib import Path
from forensic_iso.case.store import open_writer
with open_writer(Path(sys.argv[1])):
    print("open", flush=True)
    time.sleep(60)
"""


def test_a_case_that_is_being_written_is_refused_with_the_writers_process(case: Path) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(case)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert writer.stdout is not None and writer.stdout.readline() == "open\n"

        code, told = ran(case)
    finally:
        writer.kill()
        writer.wait()

    assert code == 5
    assert f"held by process {writer.pid}" in told


@pytest.mark.parametrize("what", ["damaged", "blocks damaged", "no timeline", "nothing"])
def test_a_case_that_cannot_be_shown_is_refused_with_a_message(tmp_path: Path, what: str) -> None:
    case = tmp_path / "case"
    if what == "nothing":
        case.mkdir()
    else:
        with open_writer(case) as con:
            con.execute("DROP TABLE timeline")
    if what == "damaged":
        (case / "case.duckdb").write_bytes(b"\0" * 50_000)

    if what == "blocks damaged":
        database = case / "case.duckdb"
        whole = bytearray(database.read_bytes())
        whole[12_288 + 64 :] = bytes(len(whole) - 12_288 - 64)
        database.write_bytes(whole)

    code, told = ran(case)

    assert code == 5
    assert "opening the case" in told
    assert "held by" not in told
    assert what != "no timeline" or "run forensic-iso correlate" in told
    assert "Traceback" not in told


def test_without_a_terminal_it_says_what_to_use_instead(case: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "forensic_iso", "tui", str(case)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )

    assert done.returncode == 2
    assert "expected a terminal" in done.stderr
