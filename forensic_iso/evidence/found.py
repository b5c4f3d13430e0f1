"""What evidence is made of: files found, and problems met while looking."""

from dataclasses import dataclass

from forensic_iso.evidence.names import original_name, windows_path
from forensic_iso.text import encodable
from parsers.contract import Problem, Severity

JOIN = "!/"
"""Between a container and its member in `Found.path`."""

HEAD_BYTES = 34_816
"""Bytes that parsers recognise a file by: up to the first volume descriptor of a CD image."""


@dataclass(frozen=True, slots=True)
class Found:
    """One file of the evidence. Picklable; `archive.open_found` opens it in any process.

    `path` is the path as given, containers joined by `!/`. `name` is Windows' own name,
    `windows_path` the path on the Windows volume if the layout tells it; these three are valid
    UTF-8. `given` (absolute) is what the user handed in. `containers` are the absolute path of the
    outermost archive and the names of nested ones; `member` is the name in the innermost, or the
    absolute path of a file in no container. `offsets` are the local headers of the members,
    outermost first.
    """

    path: str
    member: str
    size: int
    name: str
    windows_path: str | None
    given: str
    containers: tuple[str, ...] = ()
    offsets: tuple[int, ...] = ()

    @property
    def container_path(self) -> str | None:
        """Path as given of the innermost container, None outside of containers."""
        return self.path.rpartition(JOIN)[0] if self.containers else None


@dataclass(frozen=True, slots=True)
class Sighting:
    """A file, its first `HEAD_BYTES` bytes, its path below the evidence or container."""

    found: Found
    head: bytes
    below: str


@dataclass(frozen=True, slots=True)
class Recognised:
    """A file, the kind of the parser that takes it, and the files beside it that it is read with."""

    found: Found
    kind: str
    beside: tuple[Found, ...] = ()


@dataclass(frozen=True, slots=True)
class EvidenceProblem:
    """A problem met before any parser saw the file. `path` is the path as given."""

    path: str
    problem: Problem


def found_file(shown: str, real: str, below: str, size: int, given: str) -> Found:
    """A file in no container. `below` is its path below `given`, empty if given by itself."""
    above = given if below else given.rpartition("/")[0]
    inner = below or given.rpartition("/")[2]
    return _found(shown, real, inner, size, given, above)


def found_member(outer: Found, name: str, size: int, offset: int) -> Found:
    """A member of the archive `outer`."""
    return _found(
        f"{outer.path}{JOIN}{name}",
        name,
        name,
        size,
        outer.given,
        containers=(*outer.containers, outer.member),
        offsets=(*outer.offsets, offset),
    )


def _found(
    shown: str,
    member: str,
    inner: str,
    size: int,
    given: str,
    above: str = "",
    containers: tuple[str, ...] = (),
    offsets: tuple[int, ...] = (),
) -> Found:
    on_windows = windows_path(inner, above)
    # The name comes from the whole path: only the path tells whether the collector escaped its
    # components.
    name = original_name(f"{above}/{inner}")
    return Found(
        path=encodable(shown),
        member=member,
        size=size,
        name=encodable(name),
        windows_path=None if on_windows is None else encodable(on_windows),
        given=given,
        containers=containers,
        offsets=offsets,
    )


def evidence_problem(
    path: str,
    code: str,
    expected: str,
    found: str,
    message: str,
    severity: Severity = Severity.ERROR,
    place: str = "file",
) -> EvidenceProblem:
    """A problem of the file at `path` as given."""
    place, expected, found, message = map(encodable, (place, expected, found, message))
    return EvidenceProblem(
        encodable(path), Problem(code, place, expected, found, message, severity)
    )
