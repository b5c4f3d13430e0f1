"""Which files belong together: collections, and the logs that tell a file's host."""

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache

from forensic_iso.evidence.found import JOIN, VOLUME, Found
from forensic_iso.evidence.names import in_user_profile, layout_start, parts_of

_Place = tuple[tuple[str, ...], str]


def collection_of(found: Found) -> str:
    """Key of the collection a file belongs to.

    The innermost archive; in folders the folder that holds the drive folders, Velociraptor's
    `uploads` or the Windows layout; in plain copies the file's own folder.
    """
    if found.container_path is not None:
        return found.container_path
    below = _below_given(found)
    shown_given = found.path[: -len(below)].rstrip("/") if below else found.path
    if not below:
        return found.path.rpartition("/")[0] or "."
    start = layout_start(below)
    parts = below.split("/")
    kept = parts[:-1] if start is None else parts[:start]
    return "/".join([shown_given, *kept]) or "/"


class LogIndex:
    """Folders and the logs below them."""

    def __init__(self, logs: Sequence[Found]) -> None:
        """Index logs; those in users' profiles are left out, since users chose them."""
        self._below: defaultdict[_Place, list[Found]] = defaultdict(list)
        for log in logs:
            if in_user_profile(_below_given(log) or log.member):
                continue
            for folder in _ancestors(_location(log)):
                self._below[log.containers, folder].append(log)
            if log.kind.startswith(VOLUME):
                self._below[log.containers[:-1], ""].append(log)

    def nearest(self, found: Found) -> list[Found]:
        """Logs below the nearest folder above `found`, in the same container, that has any.

        Does not look above what was given as evidence, except up to the root of the file's own
        volume. Where the folder holds several hosts, so does the answer: the caller decides.
        """
        top = _top(found)
        for folder in _ancestors(_location(found)):
            if len(folder) < len(top):
                break
            logs = self._below.get((found.containers, folder))
            if logs:
                return list(logs)
        if found.kind.startswith(VOLUME):  # another volume of the same image
            return list(self._below.get((found.containers[:-1], ""), ()))
        return []


def nearest_logs(found: Found, logs: Sequence[Found]) -> list[Found]:
    """`LogIndex.nearest` for a single question."""
    return _index(tuple(logs)).nearest(found)


@lru_cache(maxsize=2)
def _index(logs: tuple[Found, ...]) -> LogIndex:
    """The index of logs that many files ask for in a row."""
    return LogIndex(logs)


def _location(found: Found) -> str:
    """Path in the container, or the absolute path, with plain slashes."""
    return found.member.replace("\\", "/") if found.containers else found.member


def _ancestors(path: str) -> list[str]:
    """Folders above a path, nearest first, down to the root `""`."""
    folders: list[str] = []
    while path:
        path = path.rpartition("/")[0]
        folders.append(path)
    return folders or [""]


def _top(found: Found) -> str:
    """The highest folder to look in: what was given or the volume's root, the higher one."""
    if found.containers:
        return ""
    given = found.given if found.given != found.member else found.given.rpartition("/")[0]
    if found.windows_path is None:
        return given
    depth = len(parts_of(found.windows_path)) - 1
    root = "/".join(found.member.split("/")[:-depth])
    return min(given, root, key=len)


def _below_given(found: Found) -> str:
    """Path below what was given: of a member its whole name, of a file given by itself nothing."""
    if found.containers:
        return found.path.rpartition(JOIN)[2]
    return found.member[len(found.given) :].lstrip("/")
