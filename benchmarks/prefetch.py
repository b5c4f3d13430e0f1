"""Speed of the prefetch parser against the library libscca over the same files.

    python benchmarks/prefetch.py FOLDER [ROUNDS]

Every .pf below the folder is read whole, from memory. The library gives the same columns: name, hash, counts, run times, file names, metrics and volumes. Rounds are interleaved; prints medians of
CPU per file and the ratio. "structures" is unpacking and reading, "parser" also makes the frames.
"""

import io
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))


def library(name: str, data: bytes) -> int:
    """Read one file with libscca; returns its file names."""
    import pyscca  # type: ignore[import-not-found, import-untyped, unused-ignore]

    file = pyscca.file()
    file.open_file_object(io.BytesIO(data))
    kept: list[object] = [file.executable_filename, file.prefetch_hash, file.run_count]
    kept += [
        file.get_last_run_time_as_integer(n) for n in range(8 if file.format_version > 23 else 1)
    ]
    names = [file.get_filename(n) for n in range(file.number_of_filenames)]
    for n in range(file.number_of_file_metrics_entries):
        entry = file.get_file_metrics_entry(n)
        kept += [entry.filename, entry.file_reference]
    kept += [
        (v.device_path, v.serial_number, v.get_creation_time_as_integer()) for v in file.volumes
    ]
    file.close()
    return len(names)


def structures(name: str, data: bytes) -> int:
    """Unpack and read one file; returns its file names."""
    from parsers.prefetch import mam, own_path, scca

    plain = mam.unpack(data).data if data[:3] == mam.MAGIC else data
    found = scca.read(plain, lambda *_: None)
    if found is None:
        return 0
    own_path.find(found)
    return len(found.files)


def parser(name: str, data: bytes) -> int:
    """Run the parser; returns the rows of prefetch_file."""
    from parsers import prefetch
    from parsers.contract import Artifact, Batch

    given = Artifact(name, lambda: io.BytesIO(data), len(data))
    batches = (x for x in prefetch.parse(given) if isinstance(x, Batch))
    return sum(b.frame.height for b in batches if b.table == "prefetch_file")


CASES: dict[str, Callable[[str, bytes], int]] = {
    "libscca": library,
    "structures": structures,
    "parser": parser,
}


def main(folder: str, rounds: int = 7) -> None:
    """Print the table."""
    from parsers import prefetch

    files = [(p.name, p.read_bytes()) for p in sorted(Path(folder).rglob("*.pf"))]
    files = [(name, data) for name, data in files if prefetch.recognise(name, data)]
    spent: dict[str, list[float]] = {name: [] for name in CASES}
    counts: dict[str, int] = {}
    for _ in range(rounds):
        for name, case in CASES.items():
            start = time.process_time()
            counts[name] = sum(case(*file) for file in files)
            spent[name].append(time.process_time() - start)
    middle = {name: statistics.median(times) for name, times in spent.items()}
    for name, seconds in middle.items():
        each = seconds / len(files) * 1e6
        ratio = seconds / middle["libscca"]
        sys.stdout.write(f"{name:12}{counts[name]:8} names{each:9.0f} us/file{ratio:7.2f} of it\n")


if __name__ == "__main__":
    main(sys.argv[1], *(int(n) for n in sys.argv[2:3]))
