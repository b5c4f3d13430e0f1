"""What evidence is made of: files found, and problems met while looking."""

from dataclasses import dataclass, field

from forensic_iso.evidence.names import original_name, windows_path
from forensic_iso.text import encodable
from parsers.contract import Problem, Severity

JOIN = "!/"
"""Between a container and its member in `Found.path`."""

ZIP, TAR, IMAGE, VOLUME = "zip", "tar", "image", "volume"
"""What a container is; the volume of a shadow copy is `VOLUME` with `:vss` and its number."""

HEAD_BYTES = 34_816
"""Bytes that parsers recognise a file by: up to the first volume descriptor of a CD image."""


@dataclass(frozen=True, slots=True)
class Found:
    """One file of the evidence. Picklable; `opening.open_found` opens it in any process.

    `path` is the path as given, containers joined by `!/`. `name` is Windows' own name,
    `windows_path` the path on the Windows volume if the layout tells it; these three are valid
    UTF-8. `given` (absolute) is what the user handed in. `containers` are the absolute path of the
    outermost archive and the names of nested ones; `member` is the name in the innermost, or the
    absolute path of a file in no container. `offsets` are the places of the members in them,
    outermost first: a local header, a partition's start, an NTFS file reference. `kinds` say what
    each container is (`ZIP`, `TAR`, `IMAGE`, `VOLUME`); what lacks is a ZIP. `unlock` are keys of
    encrypted volumes: never shown, never written.
    """

    path: str
    member: str
    size: int
    name: str
    windows_path: str | None
    given: str
    containers: tuple[str, ...] = ()
    offsets: tuple[int, ...] = ()
    kinds: tuple[str, ...] = ()
    unlock: tuple[str, ...] = field(default=(), repr=False)

    @property
    def kind(self) -> str:
        """What the innermost container is."""
        return self.kinds[-1] if self.kinds else ZIP

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


def placed(path: str, given: str, windows_path: str | None) -> Found:
    """An artifact of the case (`source`) as far as its names go: no file is opened, so it may be gone."""
    outer, *inner = path.split(JOIN)
    real = given + outer[len(given.rpartition("/")[2]) :]
    *nested, member = (real, *inner)
    shown = JOIN.join((real, *inner))
    return Found(
        shown, member, 0, original_name(member), windows_path, given, containers=tuple(nested)
    )


def outer_of(found: Found) -> Found:
    """The innermost container of a file, as far as opening it needs."""
    name = found.containers[-1]
    return Found(
        found.container_path or name,
        name,
        0,
        name.rpartition("/")[2],
        None,
        found.given,
        found.containers[:-1],
        found.offsets[:-1],
        found.kinds[:-1],
        found.unlock,
    )


def found_member(outer: Found, name: str, size: int, offset: int, kind: str = ZIP) -> Found:
    """A member of the container `outer`."""
    inherited = outer.kinds or (ZIP,) * len(outer.containers)
    return _found(
        f"{outer.path}{JOIN}{name}",
        name,
        name,
        size,
        outer.given,
        containers=(*outer.containers, outer.member),
        offsets=(*outer.offsets, offset),
        kinds=(*inherited, kind),
        unlock=outer.unlock,
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
    kinds: tuple[str, ...] = (),
    unlock: tuple[str, ...] = (),
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
        kinds=kinds,
        unlock=unlock,
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
