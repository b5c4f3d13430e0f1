"""Which files belong together: collections, the logs that tell a file's host, and the names of what holds it."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from forensic_iso.evidence.found import JOIN, VOLUME, ZIP, Found
from forensic_iso.evidence.labels import Says, host_of_label, says
from forensic_iso.evidence.names import in_user_profile, layout_start, parts_of, windows_path

_UPLOADS: Final = re.compile(r"(.*)/uploads(?:/[^/]+)?", re.IGNORECASE | re.DOTALL)
_SHADOW: Final = re.compile(r"vss[_-]?\d+", re.IGNORECASE)

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


@dataclass(frozen=True, slots=True, eq=False)
class Near:
    """Logs that stand for a file's host; `beside`: they lie outside of the file's own collection.

    One object for all files of a collection that have the same answer.
    """

    logs: tuple[Found, ...] = ()
    beside: bool = False


@dataclass(frozen=True, slots=True)
class _Frame:
    """The folder that is the collection of a file; `known`: a collector's or Windows' layout shows it."""

    folder: str
    known: bool


_NONE = Near()


class LogIndex:
    """Folders and the logs below them."""

    def __init__(self, logs: Sequence[Found], hosts: Mapping[Found, str] | None = None) -> None:
        """Index logs; those in users' profiles are left out, since users chose them.

        Args:
            logs: artifacts that name the host of those around them.
            hosts: the host that each of them names, as far as known.
        """
        self._hosts = hosts or {}
        self._below: defaultdict[_Place, list[Found]] = defaultdict(list)
        self._frames: dict[Found, _Frame] = {}
        self._answers: dict[tuple[_Place, _Frame | None], Near] = {}
        self._above_any: set[str] = set()
        for log in logs:
            self._above_any.update(_ancestors(log.containers[0] if log.containers else log.member))
            if in_user_profile(_below_given(log) or log.member):
                continue
            self._frames[log] = _frame(log)
            for folder in _ancestors(_location(log)):
                self._below[log.containers, folder].append(log)
            if log.kind.startswith(VOLUME):
                self._below[log.containers[:-1], ""].append(log)

    def nearest(self, found: Found) -> Near:
        """Logs below the nearest folder above `found`, in the same container, that has any of its collection.

        Does not look above what was given as evidence, except up to the collection's own folder. Above that folder
        only as far as the names passed on the way tell kinds of artifacts (`mft`, `kape`), for a copy without a
        layout also as far as they are bare words; never into a collection that bears a host's name.
        """
        frame = _frame(found)
        if found.kind.startswith(VOLUME) and not frame.folder:
            return self._on_volume(found)
        top = _top(found, frame)
        for folder in _ancestors(_location(found)):
            if len(folder) < len(top):
                break
            if (found.containers, folder) in self._below:
                own = len(folder) >= len(frame.folder)
                near = self._speaking(found.containers, folder, frame)
                if near.logs or not own:
                    return near
        return _NONE

    def shared(self, given: str) -> bool:
        """Whether any logs lie below a folder that was given."""
        return given in self._above_any

    def _on_volume(self, found: Found) -> Near:
        places = [(found.containers, folder) for folder in _ancestors(_location(found))]
        for place in (*places, (found.containers[:-1], "")):  # last: another volume of the image
            if place in self._below:
                return self._answers.setdefault((place, None), Near(tuple(self._below[place])))
        return _NONE

    def _speaking(self, containers: tuple[str, ...], folder: str, frame: _Frame) -> Near:
        """Of the logs below a folder those that speak for the files of a collection."""
        key = ((containers, folder), frame)
        if key not in self._answers:
            logs, own = self._below[containers, folder], len(folder) >= len(frame.folder)
            taken = self._own(logs, folder, frame) if own else self._beside(logs, folder, frame)
            self._answers[key] = Near(tuple(taken), beside=not own)
        return self._answers[key]

    def _own(self, logs: Sequence[Found], folder: str, frame: _Frame) -> list[Found]:
        """Of the logs below a folder of the file's collection those that are the collection's."""
        if len(folder) > len(frame.folder):
            return list(logs)
        taken = [log for log in logs if not self._foreign(log, folder, Says.KIND)]
        if not taken and not frame.known:
            taken = list(logs)
        return taken if self._agree(taken, folder) else []

    def _beside(self, logs: Sequence[Found], folder: str, frame: _Frame) -> list[Found]:
        """Of the logs below a folder above the file's collection those that speak for the file all the same."""
        passed = max((says(part) for part in _between(folder, frame.folder)), default=Says.KIND)
        if passed > (Says.KIND if frame.known else Says.WORD):
            return []
        strict = Says.WORD if frame.known else passed
        taken = [log for log in logs if not self._foreign(log, folder, strict)]
        if not taken and not frame.known and passed is Says.KIND:
            taken = list(logs)
        return taken if self._agree(taken, folder) else []

    def _foreign(self, log: Found, folder: str, passed: Says) -> bool:
        """Whether a log below `folder` is of a collection of its own, by the names between them.

        For a copy without a layout a bare word is one if it is the log's host, or if the file has come past a word as
        well (`passed`): folders named alike stand for things alike.
        """
        frame = self._frames[log]
        between = _between(folder, frame.folder)
        if frame.known or passed is Says.WORD:
            return any(says(part) is not Says.KIND for part in between)
        host = self._hosts.get(log)
        return any(says(part) > Says.WORD or host == host_of_label(part) for part in between)

    def _agree(self, logs: Sequence[Found], folder: str) -> bool:
        """Whether the logs below a folder are of one host; of several names in one place one machine bore them."""
        votes: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
        for log in logs:
            between = _between(folder, self._frames[log].folder)
            place = next((part for part in between if says(part) is not Says.KIND), "")
            if log in self._hosts:
                votes[place][self._hosts[log]] += 1
        return len({max(sorted(v), key=lambda h: v[h]) for v in votes.values()}) <= 1


def nearest_logs(found: Found, logs: Sequence[Found]) -> list[Found]:
    """`LogIndex.nearest` for a single question, where no log's host is known."""
    return list(LogIndex(logs).nearest(found).logs)


def collection_names(found: Found) -> tuple[list[str], str]:
    """Names of what holds a file, the innermost first, and the name of what was given.

    From the collection's folder up to what was given, without it; where that is the collection or lies in it, the
    collection's alone. In an image the names are those of the image and of what holds it: its folders are the host's.
    """
    frame = _frame(found).folder
    names: list[str] = []
    kinds = found.kinds or (ZIP,) * len(found.containers)
    if found.containers:
        names += reversed(parts_of(frame))  # on a host's own volume there is none
    for name, kind in list(zip(found.containers, kinds, strict=True))[:0:-1]:
        if not kind.startswith(VOLUME):
            names += reversed(parts_of(name))
    outer = found.containers[0] if found.containers else frame
    given = found.given if len(outer) >= len(found.given) else outer
    names += reversed(parts_of(outer[len(given) :]))
    return names, given.rpartition("/")[2]


def _frame(found: Found) -> _Frame:
    """The folder that holds the drive folders, Velociraptor's `uploads` or the Windows layout, else the file's own."""
    path = _location(found)
    if found.kind.startswith(VOLUME) and windows_path(path) is None:
        return _Frame(
            "", known=True
        )  # a host's own volume; one that a collector filled has drive folders
    below = path if found.containers else _below_given(found)
    start = layout_start(below) if below else None
    known = start is not None
    folder = _above(path, len(parts_of(below)) - start if start is not None else 1)
    if found.windows_path is not None and not found.containers and not start:
        root = _above(path, len(parts_of(found.windows_path)) - 1)
        if len(root) <= len(found.given):  # the drive folder was given, or a folder in it
            shadow = _SHADOW.fullmatch(root.rpartition("/")[2])
            folder, known = _above(root, 2 if shadow else 1), True
    uploads = _UPLOADS.fullmatch(folder) if known and not found.containers else None
    return _Frame(uploads[1] if uploads else folder, known)


def _above(path: str, count: int) -> str:
    """The folder so many components up."""
    for _ in range(count):
        path = path.rstrip("/").rpartition("/")[0]
    return path


def _between(folder: str, inner: str) -> list[str]:
    """Components from a folder down to one in it."""
    return parts_of(inner[len(folder) :])


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


def _top(found: Found, frame: _Frame) -> str:
    """The highest folder to look in: what was given or the collection's folder, the higher one."""
    if found.containers:
        return ""
    given = found.given if found.given != found.member else found.given.rpartition("/")[0]
    return min(given, frame.folder, key=len)


def _below_given(found: Found) -> str:
    """Path below what was given: of a member its whole name, of a file given by itself nothing."""
    if found.containers:
        return found.path.rpartition(JOIN)[2]
    return found.member[len(found.given) :].lstrip("/")
