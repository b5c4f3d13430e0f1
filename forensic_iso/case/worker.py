"""What runs in a worker process: hash an artifact, or parse it and send its rows as Arrow IPC.

A worker never touches the case. Messages go out through `emit`; the same code runs inside the main process when no
worker processes are wanted.
"""

import hashlib
import io
import signal
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

from forensic_iso.evidence.archive import open_found
from forensic_iso.evidence.found import Found
from forensic_iso.evidence.streams import stream_problems
from forensic_iso.evidence.zips import BadArchive
from parsers.contract import Artifact, Batch, Problem, Severity, Window

READ_BYTES = 4 << 20
PROGRESS_BYTES = 64 << 20
"""A sign of life while hashing large files."""


@dataclass(frozen=True, slots=True)
class Task:
    """One artifact to hash (`kind` None) or to parse."""

    number: int
    found: Found
    kind: str | None = None
    window: Window = field(default_factory=Window)
    beside: tuple[Found, ...] = ()


@dataclass(frozen=True, slots=True)
class Hashed:
    """SHA-256 of the artifact."""

    sha256: str


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one table as an Arrow IPC stream."""

    table: str
    ipc: bytes
    count: int


@dataclass(frozen=True, slots=True)
class Progress:
    """Sign of life."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The task is over. `hosts` counts rows by host, the latest host first; `error` is set where it failed."""

    hosts: tuple[tuple[str, int], ...] = ()
    error: str | None = None


Message = Hashed | Rows | Problem | Progress | Ended
Emit = Callable[[Message], None]


def execute(task: Task, emit: Emit) -> None:
    """Do one task. The worker's rim: an exception becomes a problem with its traceback, never a crash."""
    try:
        hosts = _hash(task, emit) if task.kind is None else _parse(task, emit)
        emit(Ended(hosts))
    except MemoryError:
        emit(_failure("out_of_memory", "enough memory", "MemoryError", "reading stopped here"))
        emit(Ended(error="out of memory"))
    except BadArchive as e:
        emit(_failure(e.code, e.expected, e.found, "reading stopped here"))
        emit(Ended(error=str(e)))
    except OSError as e:
        emit(_failure("unreadable", "a readable file", str(e), "reading stopped here"))
        emit(Ended(error=f"unreadable: {e}"))
    except Exception as e:
        trace = traceback.format_exc(limit=-6)
        emit(
            _failure(
                "parser_failed",
                "no exception",
                f"{type(e).__name__}: {e}",
                f"reading stopped here\n{trace}",
            )
        )
        emit(Ended(error=f"{type(e).__name__}: {e}"))


def _failure(code: str, expected: str, found: str, message: str) -> Problem:
    return Problem(code, "whole file", expected, found, message, Severity.ERROR)


def _hash(task: Task, emit: Emit) -> tuple[tuple[str, int], ...]:
    digest, since = hashlib.sha256(), 0
    with open_found(task.found) as f:
        while block := f.read(READ_BYTES):
            digest.update(block)
            since += len(block)
            if since >= PROGRESS_BYTES:
                emit(Progress())
                since = 0
        for problem in stream_problems(f):
            emit(problem)
    emit(Hashed(digest.hexdigest()))
    return ()


def _artifact(found: Found, window: Window, beside: tuple[Artifact, ...] = ()) -> Artifact:
    return Artifact(
        found.name, lambda: open_found(found), found.size, found.windows_path, window, beside
    )


def _parse(task: Task, emit: Emit) -> tuple[tuple[str, int], ...]:
    from parsers.registry import by_kind

    beside = tuple(_artifact(f, task.window) for f in task.beside)
    artifact = _artifact(task.found, task.window, beside)
    hosts: Counter[str] = Counter()
    latest: str | None = None
    for item in by_kind(task.kind or "").parse(artifact):
        if isinstance(item, Problem):
            emit(item)
            continue
        if not item.frame.height:
            continue
        emit(Rows(item.table, _ipc(item), item.frame.height))
        if "host" in item.frame.columns:
            counted = item.frame["host"].drop_nulls().value_counts()
            hosts.update(
                dict(zip(counted["host"].to_list(), counted["count"].to_list(), strict=True))
            )
            latest = next((h for h in reversed(item.frame["host"].tail(64).to_list()) if h), latest)
    ordered = sorted(hosts.items(), key=lambda x: (x[0] != latest, -x[1], x[0]))
    return tuple(ordered)


def _ipc(batch: Batch) -> bytes:
    from polars import CompatLevel

    sink = io.BytesIO()
    batch.frame.write_ipc_stream(sink, compat_level=CompatLevel.newest())
    return sink.getvalue()


def serve(pipe: Connection) -> None:
    """Loop of a worker process: tasks in, (task number, message) out, until None comes or the pipe ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process decides what Ctrl-C means
    while True:
        try:
            task: Task | None = pipe.recv()
        except EOFError:
            return
        if task is None:
            return
        number = task.number
        execute(task, lambda message, number=number: pipe.send((number, message)))  # type: ignore[misc]
