"""Reading a fleet on worker processes against one process: CPU and wall time of the same hosts.

    python -m benchmarks.fleet [HOSTS] [WORKERS]

HOSTS (200) copies of the bundled collection, each under a name of its own, are read by one process and by WORKERS (2)
processes of a local Dask cluster. The bound is for a machine with that many idle cores; on a shared one, CPU tells.
"""

import json
import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

BUNDLED = Path(__file__).resolve().parents[1] / "testdata/classic-iso/evidence"
NAME = "FIN-WS07"
CHUNK, HEADER = 0x10000, 0x1000
CHILD = """
import json, resource, sys, time
from pathlib import Path
from forensic_iso import fleet
from parsers.contract import Window
def main():
    given, out, workers = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    started = time.perf_counter()
    if workers:
        parts = list(fleet.run([given], out, workers=workers))
    else:
        (out / fleet.PARTS).mkdir(parents=True)
        parts = [fleet.work(str(p), str(out), Window(), None) for p in sorted(given.iterdir())]
    wall = time.perf_counter() - started
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(u.ru_utime + u.ru_stime for u in used)
    started = time.process_time()
    fleet.merge(out)
    print(json.dumps([cpu, wall, sum(p.rows for p in parts), sum(p.error is not None for p in parts), time.process_time() - started]))
if __name__ == "__main__":
    main()
"""


def renamed(log: bytes, name: str) -> bytes:
    """An event log of another computer, whose name is as long: checksums of the chunks are made anew."""
    data = bytearray(log.replace(NAME.encode("utf-16-le"), name.encode("utf-16-le")))
    for at in range(HEADER, len(data) - CHUNK + 1, CHUNK):
        if data[at : at + 8] != b"ElfChnk\0":
            continue
        (free,) = struct.unpack_from("<I", data, at + 48)
        struct.pack_into("<I", data, at + 52, zlib.crc32(data[at + 512 : at + free]))
        head = bytes(data[at : at + 120] + data[at + 128 : at + 512])
        struct.pack_into("<I", data, at + 124, zlib.crc32(head))
    return bytes(data)


def make(folder: Path, hosts: int) -> None:
    """One collection per host."""
    for number in range(hosts):
        name = f"FIN-{number:04d}"
        for file in sorted(p for p in BUNDLED.rglob("*") if p.is_file()):
            target = folder / name / file.relative_to(BUNDLED).as_posix().replace(NAME, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            content = file.read_bytes()
            target.write_bytes(renamed(content, name) if file.suffix == ".evtx" else content)


def child(*arguments: str) -> tuple[float, float, int, int, float]:
    """CPU s and wall s of the reading, rows, failed hosts, CPU s of the merge."""
    with tempfile.NamedTemporaryFile("w", suffix=".py") as script:
        script.write(CHILD)  # worker processes import the script by its path
        script.flush()
        command = [sys.executable, script.name, *arguments]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    cpu, wall, rows, failed, merge = json.loads(done.stdout.splitlines()[-1])
    return cpu, wall, rows, failed, merge


def main(hosts: str = "200", workers: str = "2") -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as tmp:
        given = Path(tmp) / "in"
        make(given, int(hosts))
        figures = {}
        for count in ("0", workers):
            cpu, wall, rows, failed, merge = child(
                str(given), str(Path(tmp) / f"out{count}"), count
            )
            figures[count] = (cpu, wall)
            sys.stdout.write(
                f"{'one process' if count == '0' else count + ' workers'}: {cpu:.1f} s CPU, {wall:.1f} s for {hosts} hosts,"
                f" {rows:,} rows, {failed} failed; merged in {merge:.1f} s CPU\n"
            )
            sys.stdout.flush()
        (one_cpu, one_wall), (cpu, wall) = figures["0"], figures[workers]
        sys.stdout.write(
            f"wall / (one process / {workers}): {wall * int(workers) / one_wall:.2f} (at most 1.15); CPU / one process: {cpu / one_cpu:.2f}\n"
        )


if __name__ == "__main__":
    main(*sys.argv[1:3])
