"""One large event log into a case by one worker and by two, in the same run.

    python -m benchmarks.evtx_split SAMPLES [MEGABYTES] [ROUNDS]

SAMPLES: a folder of .evtx files; their sound chunks are repeated to a log of MEGABYTES (512). The whole command is
timed, as its user runs it; all take turns for ROUNDS (5). Prints wall and CPU, and two ratios: of the shortest walls (other
work on the machine only ever adds) and of the medians. Last, what the machine itself adds when both its cores work: the
log read twice side by side, by processes that share nothing, / read once (1.0: nothing).
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.evtx_case import build

Cost = tuple[float, float]
"""Wall s, CPU s of the process and its workers."""


def read(log: Path, cases: Sequence[Path], workers: int) -> Cost:
    """Read the log into each case at the same time: wall until the last is done, CPU of all."""
    command = [sys.executable, "-m", "forensic_iso", "ingest", str(log), "--workers", str(workers)]
    started = time.perf_counter()
    running = [
        subprocess.Popen([*command, "--case", str(c)], stderr=subprocess.DEVNULL) for c in cases
    ]
    cpu = 0.0
    for process in running:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"ingest ended with {process.returncode}")
        cpu += used.ru_utime + used.ru_stime
    return time.perf_counter() - started, cpu


def main(samples: str, megabytes: int = 512, rounds: int = 5) -> None:
    """Print the figures."""
    ways = {"one worker": (1, 1), "two workers": (2, 1), "alone": (0, 1), "side by side": (0, 2)}
    got: dict[str, list[Cost]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory() as tmp:
        log = Path(tmp) / "log/Security.evtx"
        log.parent.mkdir()
        build(log, Path(samples), megabytes)
        for r in range(rounds):
            for name, (workers, processes) in ways.items():
                cases = [Path(tmp) / f"{r}-{name}-{n}" for n in range(processes)]
                got[name].append(read(log, cases, workers))
    walls = {name: [wall for wall, _ in runs] for name, runs in got.items()}
    for name, runs in got.items():
        each = " ".join(f"{wall:.1f}" for wall in walls[name])
        sys.stdout.write(
            f"{name}: wall {min(walls[name]):.2f} s ({each}), CPU {min(cpu for _, cpu in runs):.2f} s\n"
        )
    for what, pairs in (
        ("two workers / one", ("two workers", "one worker")),
        ("the machine: side by side / alone", ("side by side", "alone")),
    ):
        up, down = (walls[name] for name in pairs)
        middle = statistics.median(up) / statistics.median(down)
        sys.stdout.write(f"{what}: wall {min(up) / min(down):.2f}, of the medians {middle:.2f}\n")


if __name__ == "__main__":
    main(sys.argv[1], *(int(x) for x in sys.argv[2:4]))
