"""Whether the evidence is so little that processes for its reading cost more than they save."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

ALONE_BYTES = 272 << 20
"""Event logs up to this size: two workers would take a third more CPU and save half a second."""


def workers_for(evidence: Sequence[Path]) -> int:
    """Worker processes by default: as many as there are cores for this process, none for a few event logs.

    Logs are read by no foreign code that could take the process down; everything else is kept apart from the case.
    """
    return 0 if _few_logs(evidence) else cores()


def cores() -> int:
    """Cores for this process."""
    return max(1, len(os.sched_getaffinity(0)))


def _few_logs(evidence: Sequence[Path]) -> bool:
    """Whether all files are named as event logs and are small together: by name, as nothing has been opened yet."""
    total = 0
    for file in _files(evidence):
        if file.suffix.lower() != ".evtx":
            return False
        try:
            total += file.stat().st_size
        except OSError:
            return False
        if total > ALONE_BYTES:
            return False
    return True


def _files(evidence: Sequence[Path]) -> Iterator[Path]:
    for path in evidence:
        if not path.is_dir():
            yield path
            continue
        for folder, _, names in os.walk(path):
            yield from (Path(folder, name) for name in names)
