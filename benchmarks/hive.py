"""Whole walk of registry hives: the parser's reader against python-registry (the plain Python library) alone.

    python benchmarks/hive.py FOLDER [ROUNDS]

Every hive below the folder is walked whole, rounds interleaved: each key's name and time, each value's name and data.
Prints medians of CPU per hive and the ratio to python-registry; hives that it cannot walk are left out for both.
"""

import io
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

MAGIC = b"regf"


def registry(data: bytes) -> int:
    """Keys and values that python-registry reads."""
    from Registry import Registry  # type: ignore[import-untyped]

    count, waiting = 0, [Registry.Registry(io.BytesIO(data)).root()]
    while waiting:
        key = waiting.pop()
        key.name(), key.timestamp()
        values = [(v.name(), v.raw_data()) for v in key.values()]
        count += 1 + len(values)
        waiting += key.subkeys()
    return count


def own(data: bytes) -> int:
    """Keys and values that our reader reads."""
    from parsers.hives.regf import open_hive

    count = 0
    for key in open_hive(io.BytesIO(data)).walk():
        values = [(v.name, v.data) for v in key.values()]
        count += 1 + len(values)
    return count


CASES: dict[str, Callable[[bytes], int]] = {"python-registry": registry, "ours": own}


def readable(data: bytes) -> bool:
    """Whether python-registry walks it."""
    try:
        return registry(data) > 0
    except Exception as e:  # the library raises many kinds
        sys.stderr.write(f"left out: {type(e).__name__}\n")
        return False


def main(folder: str, rounds: int = 5) -> None:
    """Print the table."""
    paths = (p for p in sorted(Path(folder).rglob("*")) if p.is_file())
    contents = (p.read_bytes() for p in paths if p.stat().st_size < 1 << 28)
    hives = [data for data in contents if data.startswith(MAGIC) and readable(data)]
    spent: dict[str, list[float]] = {name: [] for name in CASES}
    counts: dict[str, int] = {}
    for _ in range(rounds):
        for name, case in CASES.items():
            start = time.process_time()
            counts[name] = sum(case(data) for data in hives)
            spent[name].append(time.process_time() - start)
    middle = {name: statistics.median(times) for name, times in spent.items()}
    for name, seconds in middle.items():
        each, ratio = seconds / len(hives) * 1e3, seconds / middle["python-registry"]
        sys.stdout.write(
            f"{name:16}{len(hives):4} hives{counts[name]:9} keys and values{each:9.1f} ms/hive{ratio:7.2f} of it\n"
        )


if __name__ == "__main__":
    main(sys.argv[1], *(int(n) for n in sys.argv[2:3]))
