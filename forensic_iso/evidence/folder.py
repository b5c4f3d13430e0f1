"""Files of a folder, in a total order, links not followed, nothing written."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from forensic_iso.evidence.found import (
    HEAD_BYTES,
    EvidenceProblem,
    Sighting,
    evidence_problem,
    found_file,
)
from forensic_iso.evidence.streams import open_readonly
from parsers.contract import Severity


def walk_folder(shown: str, real: str) -> Iterator[Sighting | EvidenceProblem]:
    """Every regular file below a folder, sorted by its path's bytes; a problem for all else.

    Args:
        shown: the folder as the user gave it.
        real: its absolute path.
    """
    pending = [""]
    while pending:
        below = pending.pop()
        if below.endswith("/") or not below:
            folder = below.rstrip("/")
            names, problem = _list(_join(shown, folder), _join(real, folder))
            if problem is not None:
                yield problem
            pending.extend(_join(folder, name) for name in reversed(names))
        else:
            yield sight(_join(shown, below), _join(real, below), below, real)


def sight(shown: str, real: str, below: str, given: str) -> Sighting | EvidenceProblem:
    """One file with its head, or why there is none."""
    try:
        status = os.lstat(real)
        if not stat.S_ISREG(status.st_mode):
            return _not_regular(shown, real, status.st_mode)
        with open_readonly(real) as stream:
            head = stream.read(HEAD_BYTES)
    except OSError as error:
        return _unreadable(shown, error)
    found = found_file(shown, real, below, status.st_size, given)
    return Sighting(found, head, below or found.name)


def _list(shown: str, real: str) -> tuple[list[str], EvidenceProblem | None]:
    """Names in a folder, subfolders with a trailing slash."""
    names: list[str] = []
    try:
        with os.scandir(real) as entries:
            for entry in entries:
                folder = entry.is_dir(follow_symlinks=False)
                names.append(f"{entry.name}/" if folder else entry.name)
    except OSError as error:
        return sorted(names, key=os.fsencode), _unreadable(shown, error)
    return sorted(names, key=os.fsencode), None


def _join(folder: str, name: str) -> str:
    return f"{folder.rstrip('/')}/{name}" if folder and name else folder or name


def _unreadable(shown: str, error: OSError) -> EvidenceProblem:
    return evidence_problem(
        shown,
        "unreadable",
        "a file or folder that this user may read",
        error.strerror or type(error).__name__,
        "looking for evidence: skipped; check its permissions and the medium",
    )


_KINDS = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISBLK, "a block device"),
    (stat.S_ISCHR, "a character device"),
)


def _not_regular(shown: str, real: str, mode: int) -> EvidenceProblem:
    if stat.S_ISLNK(mode):
        return evidence_problem(
            shown,
            "symbolic_link",
            "a file or folder",
            f"a symbolic link to {Path(real).readlink()}",
            "links in evidence are not followed; give the target itself if it is evidence",
            Severity.WARNING,
        )
    kind = next((name for test, name in _KINDS if test(mode)), "a special file")
    return evidence_problem(
        shown,
        "special_file",
        "a regular file",
        kind,
        "not read: only regular files are evidence",
        Severity.WARNING,
    )
