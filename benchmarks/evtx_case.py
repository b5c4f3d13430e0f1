"""EVTX into a case against the Rust reader alone, in the same run.

    python benchmarks/evtx_case.py SAMPLES [MEGABYTES] [ROUNDS]

SAMPLES: a folder of .evtx files; their sound chunks are repeated to a log of MEGABYTES (512). Prints CPU ratio
(ingest / records_json of `evtx`), wall of two workers / wall of none, case size / log size, and memory.
"""

import random
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

CHUNK = 65536
CHILD = """
import json, resource, sys, time
from pathlib import Path
t = time.perf_counter()
if sys.argv[1] == "rust":
    import evtx
    for _ in evtx.PyEvtxParser(sys.argv[2], number_of_threads=1).records_json():
        pass
else:
    from forensic_iso.case.ingest import ingest
    ingest(Path(sys.argv[3]), [Path(sys.argv[2])], workers=int(sys.argv[1]))
wall = time.perf_counter() - t
me, kids = (resource.getrusage(x) for x in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
print(json.dumps([me.ru_utime + me.ru_stime + kids.ru_utime + kids.ru_stime, wall, me.ru_maxrss / 1024,
                  kids.ru_maxrss / 1024]))
"""


def sound(chunk: bytes) -> bool:
    """At least half full, both checksums right."""
    if len(chunk) != CHUNK or chunk[:8] != b"ElfChnk\0":
        return False
    free, records = struct.unpack_from("<II", chunk, 48)
    (header,) = struct.unpack_from("<I", chunk, 124)
    return bool(
        33280 <= free <= CHUNK
        and zlib.crc32(chunk[512:free]) == records
        and zlib.crc32(chunk[128:512], zlib.crc32(chunk[:120])) == header
    )


def renumber(chunk: bytes, first: int) -> tuple[bytes, int]:
    """The chunk with new record ids from `first` and new checksums; also the next id."""
    c = bytearray(chunk)
    (free,) = struct.unpack_from("<I", c, 48)
    at, rid = 512, first
    while at + 28 <= free and c[at : at + 4] == b"**\0\0":
        struct.pack_into("<Q", c, at + 8, rid)
        rid += 1
        at += struct.unpack_from("<I", c, at + 4)[0]
    struct.pack_into("<QQQQ", c, 8, first, rid - 1, first, rid - 1)
    struct.pack_into("<I", c, 52, zlib.crc32(c[512:free]))
    struct.pack_into("<I", c, 124, zlib.crc32(c[128:512], zlib.crc32(c[:120])))
    return bytes(c), rid


def build(out: Path, samples: Path, megabytes: int, seed: int = 7) -> int:
    """A valid log of repeated chunks; 45 % Security, 30 % Sysmon, the rest mixed. Returns its records."""
    pools: dict[str, list[bytes]] = {"Security-Auditing": [], "Windows-Sysmon": [], "": []}
    for path in sorted(samples.rglob("*.evtx")):
        data = path.read_bytes()
        for at in range(4096, len(data), CHUNK):
            chunk = data[at : at + CHUNK]
            if sound(chunk):
                pools[next(k for k in pools if k.encode("utf-16-le") in chunk)].append(chunk)
    draw, rid, count = random.Random(seed), 1, megabytes * 16
    with out.open("wb") as f:
        f.write(bytes(4096))
        for _ in range(count):
            name = draw.choices(list(pools), [45, 30, 25])[0]
            chunk, rid = renumber(draw.choice(pools[name] or pools[""]), rid)
            f.write(chunk)
        head = bytearray(4096)
        struct.pack_into(
            "<8sQQQIHHHH",
            head,
            0,
            b"ElfFile\0",
            0,
            count - 1,
            rid,
            128,
            1,
            3,
            4096,
            min(count, 65535),
        )
        struct.pack_into("<I", head, 124, zlib.crc32(head[:120]))
        f.seek(0)
        f.write(head)
    return rid - 1


def child(*args: str) -> list[float]:
    """CPU s, wall s, own peak MB, children's peak MB of one fresh process."""
    import json

    done = subprocess.run(
        [sys.executable, "-c", CHILD, *args], capture_output=True, text=True, check=True
    )
    return [float(x) for x in json.loads(done.stdout.splitlines()[-1])]


def main(samples: str, megabytes: int = 512, rounds: int = 3) -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as tmp:
        log = Path(tmp) / "log/Security.evtx"
        log.parent.mkdir()
        records = build(log, Path(samples), megabytes)
        got: dict[str, list[list[float]]] = {"rust": [], "0": [], "1": [], "2": []}
        size = 0
        for r in range(rounds):
            for way in got:
                case = Path(tmp) / f"case-{way}-{r}"
                got[way].append(child(way, str(log), str(case)))
                if (case / "case.duckdb").exists():
                    size = (case / "case.duckdb").stat().st_size
        med = {w: [statistics.median(x) for x in zip(*v, strict=True)] for w, v in got.items()}
        time.sleep(0)
        sys.stdout.write(
            f"{records} records, {log.stat().st_size >> 20} MB; records_json {med['rust'][0]:.2f} s CPU\n"
        )
        for way in ("0", "1", "2"):
            cpu, wall, main_mb, child_mb = med[way]
            sys.stdout.write(
                f"workers {way}: CPU ratio {cpu / med['rust'][0]:.2f}, wall {wall:.1f} s, "
                f"main {main_mb:.0f} MB, worker {child_mb:.0f} MB\n"
            )
        sys.stdout.write(f"wall of 2 workers / 1: {med['2'][1] / med['1'][1]:.2f}\n")
        sys.stdout.write(f"case / log: {size / log.stat().st_size:.2f}\n")


if __name__ == "__main__":
    main(sys.argv[1], *(int(x) for x in sys.argv[2:4]))
