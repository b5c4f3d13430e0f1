"""Whether a disk still is what was acquired: the hashes that its file holds, against its bytes."""

import hashlib
from collections.abc import Callable

from parsers.contract import Problem, Severity
from parsers.disks.model import Disk

PIECE = 1 << 20


def check_stored(disk: Disk, report: Callable[[int, int], None] | None = None) -> list[Problem]:
    """Read the whole disk and compare it with its stored hashes; one problem for each that differs.

    Args:
        disk: any disk; one without stored hashes is not read.
        report: takes (bytes read, bytes in all).

    Raises:
        OSError: a file cannot be read.
    """
    running = {
        name: hashlib.new(name.replace("-", "").lower(), usedforsecurity=False)
        for name in disk.stored
    }
    if not running:
        return []
    disk.stream.seek(0)
    done = 0
    while piece := disk.stream.read(PIECE):
        for one in running.values():
            one.update(piece)
        done += len(piece)
        if report is not None:
            report(done, disk.size)
    return [
        Problem(
            "acquisition_hash",
            f"disk bytes 0 to {disk.size - 1}",
            f"{name} {disk.stored[name]}, as stored at the acquisition",
            one.hexdigest(),
            "the image was altered or damaged after acquisition, or a part of it is missing",
            Severity.ERROR,
        )
        for name, one in running.items()
        if one.hexdigest() != disk.stored[name]
    ]
