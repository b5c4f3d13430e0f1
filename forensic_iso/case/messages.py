"""What the main process and its workers say to each other: a task, and what comes of it."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from forensic_iso.evidence.found import Found
from parsers.contract import Part, Problem, Window

if TYPE_CHECKING:
    import pyarrow as pa

    from forensic_iso.case.wire import Pieces


@dataclass(frozen=True, slots=True)
class Task:
    """One artifact to hash (`parser` None) or to parse, by the module of that name: a worker loads no other.

    `plan` asks a hashing task to say where the artifact may be cut; `part` asks for one part only; `joined` are all
    parts and what each left, None where it was lost.
    """

    number: int
    found: Found
    parser: str | None = None
    window: Window = field(default_factory=Window)
    beside: tuple[Found, ...] = ()
    plan: "Plan | None" = None
    part: Part | None = None
    joined: tuple[tuple[Part, bytes | None], ...] = ()

    @property
    def place(self) -> str:
        """What of the artifact the task reads, in words."""
        if self.part is None:
            return "whole file"
        return f"offset {self.part.start} to {self.part.stop or 'the end'}"


@dataclass(frozen=True, slots=True)
class Plan:
    """How a parser may cut an artifact: parts of `least` bytes or more, at most `most`."""

    parser: str
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Hashed:
    """SHA-256 of the artifact."""

    sha256: str


@dataclass(frozen=True, slots=True)
class Planned:
    """Where the artifact is to be cut."""

    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Left:
    """What a part leaves for the joining, pickled."""

    state: bytes


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one table: from another process as an Arrow IPC stream (in pieces until sent), inside one as an Arrow table."""

    table: str
    data: "bytes | pa.Buffer | Pieces | pa.Table"
    count: int

    def arrow(self) -> "pa.Table":
        """The rows as an Arrow table, without a copy."""
        import pyarrow as pa

        if isinstance(self.data, pa.Table):
            return self.data
        if not isinstance(self.data, bytes | pa.Buffer):
            raise TypeError("rows in pieces are sent, not read")
        return pa.ipc.open_stream(self.data).read_all()


@dataclass(frozen=True, slots=True)
class Progress:
    """Sign of life."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The task is over. `hosts` counts rows by host, the latest host first; `error` is set where it failed."""

    hosts: tuple[tuple[str, int], ...] = ()
    error: str | None = None


Message = Hashed | Planned | Rows | Left | Problem | Progress | Ended
