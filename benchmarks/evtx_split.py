"""One large event log into a case by one worker and by two, in the same run.

    python -m benchmarks.evtx_split SAMPLES [MEGABYTES] [ROUNDS]

SAMPLES: a folder of .evtx files; their sound chunks are repeated to a log of MEGABYTES (512). Both take turns for ROUNDS
(5); prints wall, CPU of the main process and of the workers, the ratio of the shortest walls (other work on the machine
only ever adds), and what cutting costs: the workers' CPU in parts / as a whole. Last, what the machine itself adds when
both its cores work: the log read twice side by side, by processes that share nothing, / read once (1.0: nothing).
"""

import json
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.evtx_case import build

WHOLE = 1 << 50
CHILD = """
import json, resource, sys, time
from pathlib import Path
from forensic_iso.case.ingest import ingest
t = time.perf_counter()
ingest(Path(sys.argv[2]), [Path(sys.argv[1])], workers=int(sys.argv[3]), part_bytes=int(sys.argv[4]))
wall = time.perf_counter() - t
me, kids = (resource.getrusage(x) for x in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
print(json.dumps([wall, me.ru_utime + me.ru_stime, kids.ru_utime + kids.ru_stime]))
"""


def child(log: Path, case: Path, workers: int, part_bytes: int) -> list[float]:
    """Wall s, CPU s of the main process, CPU s of the workers."""
    command = [sys.executable, "-c", CHILD, str(log), str(case), str(workers), str(part_bytes)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [float(x) for x in json.loads(done.stdout.splitlines()[-1])]


def side_by_side(log: Path, folder: Path) -> tuple[float, float]:
    """Wall s of one process that reads the log alone, and of the slower of two that read it at the same time."""
    alone = child(log, folder / "alone", 0, WHOLE)[0]
    with ThreadPoolExecutor(2) as both:
        walls = both.map(lambda n: child(log, folder / f"beside-{n}", 0, WHOLE)[0], range(2))
    return alone, max(walls)


def main(samples: str, megabytes: int = 512, rounds: int = 5) -> None:
    """Print the figures."""
    from forensic_iso.case.reading import PART_BYTES

    ways = {"1, whole": (1, WHOLE), "1, parts": (1, PART_BYTES), "2, parts": (2, PART_BYTES)}
    got: dict[str, list[list[float]]] = {name: [] for name in ways}
    machine: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as tmp:
        log = Path(tmp) / "log/Security.evtx"
        log.parent.mkdir()
        build(log, Path(samples), megabytes)
        for r in range(rounds):
            for name, (workers, part_bytes) in ways.items():
                got[name].append(
                    child(log, Path(tmp) / f"{r}-{workers}-{part_bytes}", workers, part_bytes)
                )
            machine.append(side_by_side(log, Path(tmp) / f"{r}"))
    best = {name: [min(column) for column in zip(*runs, strict=True)] for name, runs in got.items()}
    for name, (wall, own, kids) in best.items():
        walls = " ".join(f"{run[0]:.1f}" for run in got[name])
        sys.stdout.write(
            f"workers {name}: wall {wall:.2f} s ({walls}), CPU {own:.2f} + {kids:.2f} s\n"
        )
    alone, beside = (min(column) for column in zip(*machine, strict=True))
    sys.stdout.write(
        f"wall of 2 workers / 1: {best['2, parts'][0] / min(best['1, whole'][0], best['1, parts'][0]):.2f}\n"
        f"CPU of workers in parts / whole: {best['2, parts'][2] / best['1, whole'][2]:.2f}\n"
        f"the machine: wall of one of two side by side / alone: {beside / alone:.2f}\n"
    )


if __name__ == "__main__":
    main(sys.argv[1], *(int(x) for x in sys.argv[2:4]))
