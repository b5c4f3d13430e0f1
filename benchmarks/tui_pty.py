"""The terminal interface through a real pty: python benchmarks/tui_pty.py CASE [--rounds N].

CASE: made by benchmarks/timeline_case.py. Prints, with the aims in brackets: CPU until the first rows [0.6 s], paint of a
page at the median and at worst [50, 100 ms], CPU of a structured filter [0.5 s at 10 million rows], first hits of a text
search [1 s], memory [500 MB], idle CPU [1 %]. A page counts as painted when the number of the new row stands in the
output. Times are of the wall clock, which other work on the machine lengthens; CPU is of all threads of the application.
"""

import argparse
import fcntl
import os
import pty
import re
import select
import statistics
import struct
import sys
import termios
import time
from dataclasses import dataclass

LINES, COLUMNS = 40, 150
TICKS = os.sysconf("SC_CLK_TCK")
DOWN, UP = b"\x1b[6~", b"\x1b[5~"


@dataclass(slots=True)
class Terminal:
    """The application in a pty."""

    pid: int
    fd: int

    def cpu(self) -> float:
        """CPU seconds so far, all threads."""
        with open(f"/proc/{self.pid}/stat", encoding="utf-8") as f:  # noqa: PTH123
            parts = f.read().rpartition(")")[2].split()
        return (int(parts[11]) + int(parts[12])) / TICKS

    def memory(self) -> float:
        """Largest resident size, MB."""
        with open(f"/proc/{self.pid}/status", encoding="utf-8") as f:  # noqa: PTH123
            return int(re.search(r"VmHWM:\s+(\d+)", f.read())[1]) / 1024  # type: ignore[index]

    def send(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self.fd, keys)

    def until(self, marker: bytes, most: float = 30.0) -> float:
        """Seconds until a text is in the output; escape sequences do not part it."""
        started, out = time.perf_counter(), b""
        while time.perf_counter() - started < most:
            if select.select([self.fd], [], [], 0.05)[0]:
                out += os.read(self.fd, 1 << 16)
                if marker in re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", out):
                    return time.perf_counter() - started
        raise TimeoutError(f"{marker!r} never came")

    def drain(self, quiet: float = 0.3) -> int:
        """Read until nothing comes for a while; the bytes that came."""
        count = 0
        while select.select([self.fd], [], [], quiet)[0]:
            count += len(os.read(self.fd, 1 << 16))
        return count


def start(case: str) -> Terminal:
    """Run the application on the timeline."""
    pid, fd = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm-256color"
        command = [sys.executable, "-m", "forensic_iso", "tui", case, "--screen", "timeline"]
        os.execv(sys.executable, command)  # noqa: S606
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    return Terminal(pid, fd)


def pages(t: Terminal, keys: bytes, count: int) -> list[float]:
    """Milliseconds of each page."""
    out = []
    for _ in range(count):
        t.drain(0.05)
        t.send(keys)
        out.append(1000 * t.until(b" of "))
    return out


def paged(t: Terminal, name: str, keys: bytes, count: int) -> None:
    """Pages, and the CPU that one takes with what is read ahead for the next."""
    t.drain()
    before = t.cpu()
    figures = pages(t, keys, count)
    t.drain()
    told(name, figures, f"ms   CPU {1000 * (t.cpu() - before) / count:.0f} ms")


def prompt(t: Terminal, key: bytes, text: bytes, marker: bytes) -> tuple[float, float]:
    """Type into a prompt; ms until a marker, CPU s until it is quiet."""
    t.drain()
    t.send(key)
    t.drain(0.3)
    t.send(b"\x15")
    t.drain(0.3)
    t.send(text)
    t.drain(0.3)
    before = t.cpu()
    t.send(b"\r")
    first = 1000 * t.until(marker)
    t.drain(1.0)
    return first, t.cpu() - before


def told(name: str, figures: list[float], unit: str = "ms") -> None:
    """One line of a report."""
    middle, worst = statistics.median(figures), max(figures)
    print(f"{name:34} median {middle:8.2f}   max {worst:8.2f} {unit}   n {len(figures)}")


def main() -> None:
    """Measure."""
    asked = argparse.ArgumentParser(description="Measure the terminal interface through a pty.")
    asked.add_argument("case")
    asked.add_argument("--rounds", type=int, default=3, help="starts to measure")
    given = asked.parse_args()
    case, rounds = str(given.case), int(given.rounds)
    first: list[float] = []
    for _ in range(rounds):
        t = start(case)
        t.until(b"Temp")
        first.append(t.cpu())
        t.drain(1.0)
        if len(first) < rounds:
            t.send(b"q")
            os.waitpid(t.pid, 0)
            os.close(t.fd)
    told("CPU to first rows", first, "s ")
    paged(t, "page down", DOWN, 40)
    told("End, Home", [x for _ in range(4) for k in (b"G", b"g") for x in pages(t, k, 1)])
    pages(t, b"G", 1)
    paged(t, "page up from the end", UP, 20)
    paged(t, "line down", b"j", 20)
    jumps = [
        prompt(t, b":", f"#{n}".encode(), b" of ")[0] for n in range(10**6, 9 * 10**6, 2 * 10**6)
    ]
    told("jump to a row, prompt closed", jumps)
    for words in (
        b"source=VHDMP",
        b"severity>=high",
        b"host=WS-0003",
        b"-source=$MFT",
        b"kind=logon",
    ):
        shown, cpu = prompt(t, b"f", words, b"(of ")
        print(f"filter {words.decode():27} first rows {shown:8.1f} ms   whole {cpu:6.2f} s CPU")
        t.send(b"g")  # the cursor kept its row, which may be the last one
        paged(t, "  page down in it", DOWN, 20)
        t.send(b"sd")
        t.drain(0.3)
        t.send(b"\x1b")
        t.drain(0.5)
    for text in (b"invoice_1", b".iso", b"no such text"):
        t.send(b"g")
        marker = b"no hit" if text.startswith(b"no") else b" hits"
        shown, cpu = prompt(t, b"/", text, marker)
        print(f"search {text.decode():27} first hit  {shown:8.1f} ms   whole {cpu:6.2f} s CPU")
    before = t.cpu()
    t.send(b"i")
    t.drain(1.0)
    print(f"histogram opened {t.cpu() - before:37.2f} s CPU")
    t.drain(1.0)
    before = t.cpu()
    sent = t.drain(10.0)
    print(f"idle 10 s: {10 * (t.cpu() - before):.2f} % CPU, {sent} bytes written")
    print(f"memory {t.memory():.0f} MB")
    t.send(b"q")
    os.waitpid(t.pid, 0)


if __name__ == "__main__":
    main()
