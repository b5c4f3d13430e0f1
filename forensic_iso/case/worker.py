"""What runs in a worker process: hash an artifact, or parse it and send its rows as Arrow IPC.

A large artifact may come in parts; what they leave for their joining travels through the main process unread.
A worker never touches the case. Its messages go out one by one; the same code runs inside the main process when no
worker processes are wanted.
"""

import contextlib
import hashlib
import io
import pickle
import traceback
from collections import Counter
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, BinaryIO, cast

from forensic_iso.case.memory import keep_freed, loading, one_pool
from forensic_iso.case.messages import (
    Ended,
    Hashed,
    Left,
    Message,
    Plan,
    Planned,
    Progress,
    Rows,
    Task,
)
from forensic_iso.case.wire import Pack, pieces, send
from forensic_iso.evidence.earlier import earlier_state
from forensic_iso.evidence.found import Found
from forensic_iso.evidence.opening import open_found
from forensic_iso.evidence.streams import stream_problems
from forensic_iso.evidence.zips import BadArchive
from parsers.contract import (
    Artifact,
    Batch,
    Carry,
    Parser,
    Problem,
    Severity,
    Splitting,
    Window,
)

if TYPE_CHECKING:
    import polars as pl

READ_BYTES = 256 << 10
"""Little enough that what was read is still in the processor's cache when it is hashed."""
COUNTED_ROWS = 16_384
"""Rows whose hosts are counted at a time."""
PROGRESS_BYTES = 64 << 20
"""A sign of life while hashing large files."""


def messages(task: Task, pack: Pack) -> Iterator[Message]:
    """Do one task. The worker's rim: an exception becomes a problem with its traceback, never a crash."""
    try:
        hosts = yield from _hash(task) if task.parser is None else _parse(task, pack)
        yield Ended(hosts)
    except MemoryError:
        yield _failure(
            task, "out_of_memory", "enough memory", "MemoryError", "reading stopped here"
        )
        yield Ended(error="out of memory")
    except BadArchive as e:
        yield _failure(task, e.code, e.expected, e.found, "reading stopped here")
        yield Ended(error=str(e))
    except OSError as e:
        yield _failure(task, "unreadable", "a readable file", str(e), "reading stopped here")
        yield Ended(error=f"unreadable: {e}")
    except Exception as e:
        trace = traceback.format_exc(limit=-6)
        found = f"{type(e).__name__}: {e}"
        message = f"reading stopped here\n{trace}"
        yield _failure(task, "parser_failed", "no exception", found, message)
        yield Ended(error=found)


def _failure(task: Task, code: str, expected: str, found: str, message: str) -> Problem:
    return Problem(code, task.place, expected, found, message, Severity.ERROR)


Hosts = tuple[tuple[str, int], ...]


def _blocks(f: BinaryIO) -> Iterator[memoryview]:
    """The content piece by piece, all in the same memory: a piece stands until the next one is asked for."""
    view = memoryview(bytearray(READ_BYTES))
    read_into = cast(io.RawIOBase, f).readinto  # binary files have it, typing.BinaryIO does not
    while n := read_into(view):
        yield view[:n]


def _hash(task: Task) -> Generator[Message, None, Hosts]:
    digest, since = hashlib.sha256(), 0
    if task.plan:
        yield from _planned(task.found, task.plan)
    with open_found(task.found) as f:
        for block in _blocks(f):
            digest.update(block)
            since += len(block)
            if since >= PROGRESS_BYTES:
                yield Progress()
                since = 0
        yield from stream_problems(f)
    yield Hashed(digest.hexdigest())
    return ()


def _planned(found: Found, plan: Plan) -> Iterator[Planned]:
    parser = _parser(plan.parser)
    if isinstance(parser, Splitting):
        artifact = _artifact(found, Window())
        yield Planned(tuple(parser.parts(artifact, plan.least, plan.most)))


def _parser(name: str) -> Parser:
    return cast(Parser, import_module(name))  # a name out of the registry


def _artifact(found: Found, window: Window, beside: tuple[Artifact, ...] = ()) -> Artifact:
    return Artifact(
        found.name,
        lambda: open_found(found),
        found.size,
        found.windows_path,
        window,
        beside,
        earlier_state(found),
    )


def _items(task: Task) -> Iterator[Batch | Problem | Carry]:
    """What the parser says to the task."""
    beside = tuple(_artifact(f, task.window) for f in task.beside)
    artifact = _artifact(task.found, task.window, beside)
    parser = _parser(task.parser or "")
    if not isinstance(parser, Splitting):
        return parser.parse(artifact)
    if task.joined:
        parts = [part for part, _ in task.joined]
        own = [left for _, left in task.joined]  # pickled by a worker of ours, not evidence
        states = [None if left is None else pickle.loads(left) for left in own]  # noqa: S301
        return parser.join(artifact, parts, states)
    return parser.parse_part(artifact, task.part) if task.part else parser.parse(artifact)


def _parse(task: Task, pack: Pack) -> Generator[Message, None, Hosts]:
    hosts = _Hosts()
    for item in _items(task):
        if isinstance(item, Problem):
            yield item
            continue
        if isinstance(item, Carry):
            yield Left(pickle.dumps(item.state, pickle.HIGHEST_PROTOCOL))
            continue
        if not item.frame.height:
            continue
        yield Rows(item.table, pack(item), item.frame.height)
        if "host" in item.frame.columns:
            hosts.see(item.frame["host"])
    return hosts.ordered()


@dataclass(slots=True)
class _Hosts:
    """Counts rows by host; columns are counted together, as each count costs the same whether of few rows or many."""

    _counts: Counter[str] = field(default_factory=Counter)
    _waiting: "list[pl.Series]" = field(default_factory=list)
    _rows: int = 0
    _latest: str | None = None

    def see(self, names: "pl.Series") -> None:
        """Take the hosts of some rows."""
        self._latest = next((h for h in reversed(names.tail(64).to_list()) if h), self._latest)
        self._waiting.append(names)
        self._rows += len(names)
        if self._rows >= COUNTED_ROWS:
            self._count()

    def _count(self) -> None:
        import polars as pl

        if not self._waiting:
            return
        counted = pl.concat(self._waiting, rechunk=False).drop_nulls().value_counts()
        self._counts.update(dict(counted.iter_rows()))
        self._waiting, self._rows = [], 0

    def ordered(self) -> Hosts:
        """Rows by host as `Ended.hosts` gives them."""
        self._count()
        return tuple(
            sorted(self._counts.items(), key=lambda x: (x[0] != self._latest, -x[1], x[0]))
        )


def _warm_up() -> None:
    """Load what nearly every task needs, while the main process looks for the first one."""
    with loading():
        import parsers.evtx.reader  # noqa: F401
    keep_freed()
    one_pool()


def main(pipe: int) -> None:
    """Loop of a worker process: tasks in, messages out, until the pipe (file descriptor of a socket) ends."""
    with Connection(pipe) as connection, contextlib.suppress(BrokenPipeError, ConnectionResetError):
        _warm_up()
        _serve(connection)


def _serve(pipe: Connection) -> None:
    while True:
        try:
            task: Task = pipe.recv()
        except EOFError:
            return
        for message in messages(task, pieces):
            send(pipe, task.number, message)
