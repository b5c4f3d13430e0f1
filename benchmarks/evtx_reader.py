"""CPU of reading an event log into frames, against the Rust reader `evtx` on the same file in the same run.

usage: python benchmarks/evtx_reader.py LOG.evtx [ROUNDS]

Each figure is taken in a fresh process; the Rust reader is measured before and after, because other work on the machine
changes CPU figures too. Prints CPU seconds (user + system, with the start of Python), peak memory and the ratio.
"""

import resource
import statistics
import subprocess
import sys
from pathlib import Path


def _rust(log: Path) -> int:
    import importlib

    return sum(
        1
        for _ in importlib.import_module("evtx")
        .PyEvtxParser(str(log), number_of_threads=1)
        .records_json()
    )


def _ours(log: Path) -> int:
    from parsers import evtx
    from parsers.contract import Artifact, Batch

    rows = 0
    for item in evtx.parse(Artifact(log.name, lambda: log.open("rb"), log.stat().st_size)):
        if isinstance(item, Batch) and item.table != "evtx_chunk":
            rows += item.frame.height
    return rows


def _one(way: str, log: Path) -> None:
    rows = _rust(log) if way == "rust" else _ours(log)
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, rows)


def _call(way: str, log: Path) -> list[float]:
    command = [sys.executable, __file__, "--one", way, str(log)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [float(x) for x in done.stdout.split()]


def main(log: Path, rounds: int) -> None:
    """Measure and print."""
    ratios, last = [], _call("rust", log)
    for _ in range(rounds):
        ours, after = _call("ours", log), _call("rust", log)
        base = (last[0] + after[0]) / 2
        ratios.append(ours[0] / base)
        print(
            f"ours {ours[0]:.2f} s, {ours[1]:.0f} MB, {ours[2]:.0f} rows; rust {base:.2f} s, {after[2]:.0f} rows"
        )
        last = after
    print(f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    if sys.argv[1] == "--one":
        _one(sys.argv[2], Path(sys.argv[3]))
    else:
        main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 3)
