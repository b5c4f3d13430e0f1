"""Speed of the shortcut parser against the libraries liblnk (C) and LnkParse3 (Python).

    python benchmarks/lnk.py FOLDER [ROUNDS]

Every shortcut below the folder is read from memory, rounds interleaved; prints medians of CPU per
file and the ratio to LnkParse3. "parse_lnk" reads all structures, "parser" also makes the frame.
"""

import io
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))


def liblnk(data: bytes) -> int:
    """Read one shortcut with liblnk."""
    import pylnk  # type: ignore[import-not-found, import-untyped, unused-ignore]

    file = pylnk.file()
    try:
        file.open_file_object(io.BytesIO(data))
    except OSError:
        return 0
    kept = [file.local_path, file.network_path, file.command_line_arguments, file.description]
    kept += [file.working_directory, file.relative_path, file.icon_location, file.volume_label]
    kept += [file.machine_identifier, file.droid_file_identifier, file.link_target_identifier_data]
    kept.append(file.get_file_creation_time_as_integer())
    return 1


def lnkparse3(data: bytes) -> int:
    """Read one shortcut with LnkParse3."""
    import LnkParse3  # type: ignore[import-not-found, import-untyped, unused-ignore]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        LnkParse3.lnk_file(io.BytesIO(data)).get_json()
    return 1


def own(data: bytes) -> int:
    """Read one shortcut with `parse_lnk`."""
    from parsers.lnk import parse_lnk

    return int(parse_lnk(data) is not None)


def parser(data: bytes) -> int:
    """Run the parser; returns its rows."""
    from parsers import lnk
    from parsers.contract import Artifact, Batch

    given = Artifact("x.lnk", lambda: io.BytesIO(data), len(data))
    return sum(x.frame.height for x in lnk.parse(given) if isinstance(x, Batch))


CASES: dict[str, Callable[[bytes], int]] = {
    "liblnk": liblnk,
    "LnkParse3": lnkparse3,
    "parse_lnk": own,
    "parser": parser,
}


def main(folder: str, rounds: int = 5) -> None:
    """Print the table."""
    from parsers.lnk.reader import MAGIC

    paths = (p for p in sorted(Path(folder).rglob("*")) if p.is_file())
    small = (p.read_bytes() for p in paths if p.stat().st_size < 1 << 20)
    files = [data for data in small if data.startswith(MAGIC)]
    spent: dict[str, list[float]] = {name: [] for name in CASES}
    counts: dict[str, int] = {}
    for _ in range(rounds):
        for name, case in CASES.items():
            start = time.process_time()
            counts[name] = sum(case(data) for data in files)
            spent[name].append(time.process_time() - start)
    middle = {name: statistics.median(times) for name, times in spent.items()}
    for name, seconds in middle.items():
        each = seconds / len(files) * 1e6
        ratio = seconds / middle["LnkParse3"]
        sys.stdout.write(f"{name:12}{counts[name]:6} read{each:9.0f} us/file{ratio:7.2f} of it\n")


if __name__ == "__main__":
    main(sys.argv[1], *(int(n) for n in sys.argv[2:3]))
