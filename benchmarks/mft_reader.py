"""Speed of the $MFT parser against plain reading of the same file.

    python benchmarks/mft_reader.py MFT [ROUNDS]

Each measurement runs in a process of its own, rounds interleaved; CPU is user + system without
imports. Prints medians, the ratio to `readinto()` of the file, and the peak of memory. Frames are
counted and dropped, as a writer would.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RECORD = 1024


def plain(path: Path) -> int:
    """Read the file into one buffer; returns its records."""
    buffer, got = bytearray(4 << 20), 0
    with path.open("rb") as file:
        while n := file.readinto(buffer):
            got += n
    return got // RECORD


def frames(path: Path) -> int:
    """Run the parser over the file; returns the records of the file."""
    from parsers import mft
    from parsers.contract import Artifact, Batch

    size, rows = path.stat().st_size, 0
    for item in mft.parse(Artifact(path.name, lambda: path.open("rb"), size)):
        rows += item.frame.height if isinstance(item, Batch) else 0
    return size // RECORD


CASES: dict[str, Callable[[Path], int]] = {"readinto() alone": plain, "parsers.mft, frames": frames}


def measure(name: str, path: Path) -> None:
    """Print one measurement as JSON."""
    import parsers.mft  # noqa: F401 (imports are not part of the figure)

    start = time.process_time()
    records = CASES[name](path)
    cpu = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    sys.stdout.write(json.dumps({"records": records, "cpu": cpu, "peak": peak}))


def main(path: str, rounds: int = 5) -> None:
    """Print the table."""
    got: dict[str, list[dict[str, float]]] = {name: [] for name in CASES}
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    for _ in range(rounds):
        for name in CASES:
            command = [sys.executable, __file__, "--one", name, path]
            out = subprocess.run(command, capture_output=True, check=True, env=env)
            got[name].append(json.loads(out.stdout))
    base = statistics.median(x["cpu"] for x in got["readinto() alone"])
    sys.stdout.write(f"{'':24}{'records':>10}{'CPU s':>8}{'rec/CPU s':>12}{'ratio':>8}{'MiB':>7}\n")
    for name, runs in got.items():
        cpu, records = statistics.median(x["cpu"] for x in runs), int(runs[0]["records"])
        peak = int(max(x["peak"] for x in runs))
        speed = f"{records / cpu:12,.0f}"
        sys.stdout.write(f"{name:24}{records:10}{cpu:8.2f}{speed}{cpu / base:8.2f}{peak:7}\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        measure(sys.argv[2], Path(sys.argv[3]))
    else:
        main(sys.argv[1], *(int(n) for n in sys.argv[2:3]))
