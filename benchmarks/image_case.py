"""A sparse NTFS image against the same artifacts in a folder, in the same run.

    python -m benchmarks.image_case SAMPLES [FILES] [MEGABYTES] [GIGABYTES] [ROUNDS]

SAMPLES: a folder of .evtx files; their sound chunks are repeated to a log of MEGABYTES (200). The volume has FILES
(300,000) files and a nominal size of GIGABYTES (20). Prints CPU of `analyze` of image / of folder, and peak memory.
"""

import os
import statistics
import struct
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

from benchmarks.evtx_case import build as build_log
from tests.builders.mft import Times
from tests.builders.ntfs_volume import CLUSTER, MFT_AT, NtfsVolume
from tests.builders.volume_tree import system_volume

WHEN = datetime(2024, 5, 1, 9, tzinfo=UTC)
FOLDER_FILES = 500
LOG = "Windows\\System32\\winevt\\Logs\\Security.evtx"


def make(place: Path, samples: Path, files: int, megabytes: int, gigabytes: int) -> None:
    """`image.dd` and `folder/` with the same $MFT and log below `place`."""
    log = place / "folder" / "C" / LOG.replace("\\", "/")
    log.parent.mkdir(parents=True)
    build_log(log, samples, megabytes)
    volume = NtfsVolume(system_volume(WHEN, "ann"))
    for n in range(files):
        path = f"Program Files\\App{n // FOLDER_FILES:04}\\file{n:07}.dll"
        volume.mft.add_file(path, Times.all(WHEN), size=100, content=b"x" * 100)
    data = log.read_bytes()
    volume.put(LOG, data, WHEN)
    used = (len(data) + (files + files // FOLDER_FILES + 4096) * 1024) // CLUSTER + 20_000
    built = bytearray(volume.build(used))
    sectors = gigabytes * (1 << 30) // 512
    struct.pack_into("<Q", built, 40, sectors - 1)
    with (place / "image.dd").open("wb") as f:
        f.write(built)
        f.seek(sectors * 512 - 512)
        f.write(built[:512])
    (place / "folder" / "C" / "$MFT").write_bytes(_mft(built, volume))


def _mft(built: bytearray, volume: NtfsVolume) -> bytes:
    records = volume.mft.record_count() + 8
    clusters = -(-records * 1024 // CLUSTER)
    return bytes(built[MFT_AT * CLUSTER : (MFT_AT + clusters) * CLUSTER])


def analyze(evidence: Path, case: Path) -> tuple[float, float]:
    """CPU seconds of `analyze` with its workers, and the largest peak of one of these processes in MB."""
    command = [sys.executable, "-m", "forensic_iso", "analyze", str(evidence), "--case", str(case)]
    with tempfile.TemporaryFile() as told:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=told)
        _, status, usage = os.wait4(
            process.pid, 0
        )  # of this one and its workers, of no other child
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in (0, 3):
            told.seek(0)
            words = told.read().decode(errors="replace")[-2000:]
            raise SystemExit(f"analyze of {evidence.name} ended with {process.returncode}: {words}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main(
    samples: str,
    files: str = "300000",
    megabytes: str = "200",
    gigabytes: str = "20",
    rounds: str = "3",
) -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as tmp:
        place = Path(tmp)
        # In a process of its own: a child's peak counts what its parent held when it was started.
        maker = get_context("spawn").Process(
            target=make, args=(place, Path(samples), int(files), int(megabytes), int(gigabytes))
        )
        maker.start()
        maker.join()
        if maker.exitcode:
            raise SystemExit("the image could not be made")
        ratios = []
        for n in range(int(rounds)):
            folder, _ = analyze(place / "folder", place / f"folder-case-{n}")
            image, peak = analyze(place / "image.dd", place / f"image-case-{n}")
            ratios.append(image / folder)
            sys.stdout.write(
                f"folder {folder:.1f} s CPU, image {image:.1f} s, peak {peak:.0f} MB\n"
            )
        sys.stdout.write(f"image / folder: {statistics.median(ratios):.2f} (asked: 1.30)\n")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("expected a folder of .evtx files as the first argument")
    main(*sys.argv[1:6])
