"""Worker processes: tasks out, messages back, and an end for a worker that hangs or grows."""

import queue
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from forensic_iso.case.memory import keep_freed, one_pool
from forensic_iso.case.messages import Ended, Message, Task
from forensic_iso.case.wire import arrow, receive
from forensic_iso.case.worker import messages
from forensic_iso.errors import SystemFault
from parsers.contract import Problem, Severity

QUEUE = 4
"""Messages held per worker while the writer is busy: enough to keep it working, bounded in memory."""
SILENT_SECONDS = 300.0
"""A worker that sends nothing for so long hangs: the slowest honest step (paths of a huge $MFT) takes seconds."""
MEMORY_BYTES = 3 << 30
"""A worker keeps well under 500 MB; six times that is no honest need."""
POLL_SECONDS = 0.5
START = """
import signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process decides what Ctrl-C means
sys.path[:] = sys.argv[2:]
from forensic_iso.case.memory import loading
with loading():
    from forensic_iso.case.worker import main
main(int(sys.argv[1]))
"""
"""A plain interpreter: multiprocessing's would load the command line too, and start a process of its own beside it."""
STILLBORN = 3
"""So many workers in a row that die before their first message: the machine refuses, not the evidence."""

Event = tuple[int, Message]


@dataclass(slots=True)
class _Worker:
    process: subprocess.Popen[bytes]
    pipe: Connection
    task: Task | None = None
    heard: float = 0.0
    ending: str | None = None
    spoke: bool = False


class Pool:
    """A fixed number of worker processes. Use as a context manager."""

    def __init__(
        self, count: int, silent_seconds: float = SILENT_SECONDS, memory_bytes: int = MEMORY_BYTES
    ) -> None:
        self._inbox: queue.Queue[tuple[_Worker, Event | None]] = queue.Queue(QUEUE * count)
        self._silent, self._memory = silent_seconds, memory_bytes
        self._count = count
        self._workers: list[_Worker] = []
        self._stillborn = 0

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, *_: object) -> None:
        for w in self._workers:
            w.process.kill()
        for w in self._workers:
            w.process.wait()

    @property
    def count(self) -> int:
        """Processes at most."""
        return self._count

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers."""
        return [w.process.pid for w in self._workers]

    def _start(self) -> _Worker:
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(  # noqa: S603  (our own interpreter)
                [sys.executable, "-P", "-c", START, str(theirs.fileno()), *sys.path],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        worker = _Worker(process, Connection(ours.detach()))
        self._workers.append(worker)
        threading.Thread(target=self._drain, args=(worker,), daemon=True).start()
        return worker

    def _drain(self, worker: _Worker) -> None:
        """A full pipe would stop the worker while an INSERT runs, so each pipe has a reader."""
        while True:
            try:
                event: Event | None = receive(worker.pipe)
            except (EOFError, OSError):
                event = None
            worker.heard = time.monotonic()
            self._inbox.put((worker, event))
            if event is None:
                return

    def _give(self, worker: _Worker, waiting: "deque[Task]") -> None:
        worker.task = waiting.popleft() if waiting else None
        worker.heard = time.monotonic()
        if worker.task is None:
            return
        try:
            worker.pipe.send(worker.task)
        except OSError:  # it died while it had nothing to do: another one takes the task
            waiting.appendleft(worker.task)
            worker.task = None

    def _hand_out(self, waiting: "deque[Task]") -> None:
        """Tasks to all workers that have none, and to new ones where the number allows."""
        for worker in self._workers:
            if worker.task is None:
                self._give(worker, waiting)
        while waiting and len(self._workers) < self._count:
            self._give(self._start(), waiting)

    def start(self, wanted: int) -> None:
        """Have so many workers, within the pool's number, before there are tasks: their start takes a while."""
        while len(self._workers) < min(wanted, self._count):
            self._start()

    def run(
        self, tasks: "Sequence[Task] | deque[Task]", between: Callable[[], None] | None = None
    ) -> Iterator[Event]:
        """Do the tasks; yield (task number, message). Every task yields exactly one `Ended`, whatever happens.

        Whoever gives a deque may add tasks to it whenever a message comes. Whoever leaves at an `Ended` finds the
        tasks that were at work in the next run, beside its own. `between` is called while all workers think.
        """
        keep_freed()
        one_pool()
        waiting = tasks if isinstance(tasks, deque) else deque(tasks)
        self._hand_out(waiting)
        while waiting or any(w.task for w in self._workers):
            if between and self._inbox.empty():
                between()
            try:
                worker, event = self._inbox.get(timeout=POLL_SECONDS)
            except queue.Empty:
                self._watch()
                continue
            if event is None:
                yield from self._bury(worker)
            else:
                worker.spoke, self._stillborn = True, 0
                if isinstance(event[1], Ended):
                    worker.task = None
                yield event
            if waiting:
                self._hand_out(waiting)

    def _bury(self, worker: _Worker) -> Iterator[Event]:
        self._workers.remove(worker)
        worker.process.wait()
        if worker.task is None:
            return
        self._stillborn += not worker.spoke and not worker.ending
        if self._stillborn >= STILLBORN:
            raise SystemFault(
                f"starting worker processes: {self._stillborn} in a row ended with code {worker.process.returncode} "
                "before their first word; try --workers 0"
            )
        why = worker.ending or f"the worker process ended with code {worker.process.returncode}"
        yield (
            worker.task.number,
            Problem(
                "worker_lost",
                worker.task.place,
                "the worker reads to the end",
                why,
                "reading stopped; what came before is kept",
                Severity.ERROR,
            ),
        )
        yield worker.task.number, Ended(error=why)

    def _watch(self) -> None:
        for w in self._workers:
            if w.task is None or w.ending:
                continue
            if time.monotonic() - w.heard > self._silent:
                w.ending = f"no progress for {self._silent:.0f} s"
            elif _resident(w.process.pid) > self._memory:
                w.ending = f"more than {self._memory >> 20} MiB of memory"
            if w.ending:
                w.process.kill()


class Inline:
    """The same work inside this process, one task after the other (a few event logs, tests). Stands for a pool."""

    count = 0

    def start(self, wanted: int) -> None:
        """Nothing: there is no process to start."""

    def run(
        self, tasks: "Sequence[Task] | deque[Task]", between: Callable[[], None] | None = None
    ) -> Iterator[Event]:
        """Do the tasks; as `Pool.run`, but nothing goes on between two of them."""
        keep_freed()
        one_pool()
        waiting = tasks if isinstance(tasks, deque) else deque(tasks)
        while waiting:
            task = waiting.popleft()
            yield from ((task.number, message) for message in messages(task, arrow))


@contextmanager
def pool_of(count: int) -> Iterator[Pool | Inline]:
    """So many worker processes, or none."""
    if not count:
        yield Inline()
        return
    with Pool(count) as pool:
        yield pool


def _resident(pid: int | None) -> int:
    """Resident bytes of a process; 0 where the system does not tell."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * 4096
    except (OSError, ValueError, IndexError):
        return 0
