"""Speed of the $UsnJrnl:$J parser against plain reading and a record-by-record walk in Python.

    python benchmarks/usn.py JOURNAL [ROUNDS]
    python benchmarks/usn.py --make OUT RECORDS

The second form makes a journal behind a hole of 1 GiB; a third of its records are version 3. Each measurement runs in a process of its own, rounds interleaved; CPU is user + system without
imports. Prints medians, the ratio to `readinto()` of the file, and the peak of memory. Frames are
counted and dropped, as a writer would.
"""

import json
import os
import resource
import statistics
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RECORD = 1024


def plain(path: Path) -> int:
    """Read the data of the file into one buffer; returns 0: it knows no records."""
    from parsers.usnjrnl.regions import data_regions

    buffer = bytearray(4 << 20)
    with path.open("rb") as file:
        for start, end in data_regions(file, path.stat().st_size):
            file.seek(start)
            for at in range(start, end, len(buffer)):
                file.readinto(memoryview(buffer)[: end - at])
    return 0


def walk(path: Path) -> int:
    """Follow the lengths in Python and take five fields of each of the first 100,000 records."""
    from parsers.usnjrnl.regions import data_regions

    most = 100_000
    rows: list[tuple[int, int, int, str]] = []
    with path.open("rb") as file:
        start, _ = next(data_regions(file, path.stat().st_size))
        file.seek(start)
        data = file.read(64 << 20)
    at = 0
    while at + 60 <= len(data) and len(rows) < most:
        size, major, _ = struct.unpack_from("<IHH", data, at)
        if major not in (2, 3) or not 64 <= size <= 592:
            at += 8
            continue
        c = at + (16 if major == 3 else 0)
        usn, time_, reason = struct.unpack_from("<QQI", data, c + 24)
        length, offset = struct.unpack_from("<HH", data, c + 56)
        rows.append(
            (usn, time_, reason, data[at + offset : at + offset + length].decode("utf-16-le"))
        )
        at += size
    return len(rows)


def frames(path: Path) -> int:
    """Run the parser over the file; returns its rows."""
    from parsers import usnjrnl
    from parsers.contract import Artifact, Batch

    given = Artifact(path.name, lambda: path.open("rb"), path.stat().st_size)
    return sum(x.frame.height for x in usnjrnl.parse(given) if isinstance(x, Batch))


def make(out: str, records: str) -> None:
    """Write a journal."""
    sys.path.insert(0, str(ROOT))
    from tests.builders.usn import Change, journal

    with Path(out).open("wb") as file:
        file.seek(1 << 30)
        for first in range(0, int(records), 100_000):
            count = min(100_000, int(records) - first)
            file.write(
                journal(
                    [
                        Change(
                            f"some file {n % 9973}.{'dat' * (1 + n % 7)}",
                            filetime=133_541_118_000_000_000 + n * 10_000,
                            reason=(0x100, 0x102, 0x80000102, 0x80000200, 0x2000)[n % 5],
                            file=(n % 500_000, n % 7),
                            version=2 + (n % 3 == 2),
                        )
                        for n in range(first, first + count)
                    ]
                )
            )


CASES: dict[str, Callable[[Path], int]] = {
    "readinto() alone": plain,
    "walk in Python": walk,
    "parsers.usnjrnl": frames,
}


def measure(name: str, path: Path) -> None:
    """Print one measurement as JSON."""
    import parsers.usnjrnl  # noqa: F401 (imports are not part of the figure)

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
    sys.stdout.write(
        f"{'':20}{'records':>10}{'CPU s':>8}{'us/rec':>8}{'rec/CPU s':>12}{'MiB':>7}\n"
    )
    each: dict[str, float] = {}
    for name, runs in got.items():
        cpu, records = statistics.median(x["cpu"] for x in runs), int(runs[0]["records"])
        peak = int(max(x["peak"] for x in runs))
        each[name] = cpu / records if records else 0.0
        speed = f"{each[name] * 1e6:8.2f}{records / cpu:12,.0f}"
        sys.stdout.write(f"{name:20}{records:10}{cpu:8.2f}{speed}{peak:7}\n")
    ratio = each["walk in Python"] / each["parsers.usnjrnl"]
    sys.stdout.write(f"ratio of the walk to the parser, per record: {ratio:.1f}\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        measure(sys.argv[2], Path(sys.argv[3]))
    elif sys.argv[1:2] == ["--make"]:
        make(*sys.argv[2:4])
    else:
        main(sys.argv[1], *(int(n) for n in sys.argv[2:3]))
