"""One source between the workers and the writer: whole, or in parts that several workers read at the same time.

Whatever comes first, the writer gets the parts in their order, and all of them in its one transaction. What comes too
early waits: some in memory, more of it in a file without a name in the case's folder.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import pyarrow as pa

from forensic_iso.case.messages import Ended, Left, Message, Plan, Rows, Task
from forensic_iso.case.writer import SourceWriter
from forensic_iso.evidence.found import ZIP, Found
from parsers.contract import Part, Problem, Splitting
from parsers.registry import by_kind, module_of

PART_BYTES = 24 << 20
"""Least size of a part: an artifact of twice that is cut. As much as an event log's parser takes at once: smaller parts cost more,
larger ones end less together."""
MOST_PARTS = 64
MOST_PACKED = 2
"""Parts of a packed artifact: each one unpacks all that lies before it."""
HELD_BYTES = 64 << 20
"""Rows of one source that wait in memory for their turn; more of them wait on disk."""


def plan(kind: str, found: Found, part_bytes: int) -> Plan | None:
    """How an artifact is to be cut, if it is large and its parser can; the number of workers plays no role."""
    if found.size < 2 * part_bytes or not isinstance(by_kind(kind), Splitting):
        return None
    packed = bool(found.containers) and (not found.kinds or ZIP in found.kinds)
    return Plan(module_of(kind), part_bytes, MOST_PACKED if packed else MOST_PARTS)


def most_parts(kind: str, found: Found, part_bytes: int) -> int:
    """Workers that may have something to do with an artifact at the same time."""
    how = plan(kind, found, part_bytes)
    return min(found.size // part_bytes, how.most) if how else 1


class _Held:
    """Messages of a part whose turn has not come: first in memory, and from the first that finds no room on, on disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._problems: list[Problem] = []
        self._rows: list[Rows] = []
        self._file: IO[bytes] | None = None
        self._stored: list[tuple[str, int, int]] = []
        self.in_memory = 0

    def take(self, message: Rows | Problem, room: int) -> None:
        """Keep a message; `room`: bytes that may still wait in memory."""
        if isinstance(message, Problem):
            self._problems.append(message)
            return
        data = message.data
        if not isinstance(data, bytes | pa.Buffer):
            raise TypeError("rows of this process come in their turn")
        size = len(data)
        if self._file is None and size <= room:
            self._rows.append(message)
            self.in_memory += size
            return
        if self._file is None:
            self._file = TemporaryFile(dir=self._folder)
        self._file.write(data)
        self._stored.append((message.table, size, message.count))

    def release(self) -> Iterator[Rows | Problem]:
        """All messages: problems, then rows in their order."""
        yield from self._problems
        yield from self._rows
        if self._file is None:
            return
        with self._file as file:
            file.seek(0)
            for table, size, count in self._stored:
                yield Rows(table, file.read(size), count)


@dataclass(slots=True)
class Reading:
    """Takes what the workers say of one source; `task` stands for the whole of it, `parts` are none or two and more.

    Without a writer (the source is being hashed: it has no id yet) all of it waits until one is given by `begin`.
    """

    task: Task
    parts: Sequence[Part]
    writer: SourceWriter | None
    folder: Path
    _turn: int = 0
    _held: dict[int, _Held] = field(default_factory=dict)
    _ended: dict[int, Ended] = field(default_factory=dict)
    _left: dict[int, bytes] = field(default_factory=dict)
    _ahead: bool = False

    def begin(self, writer: SourceWriter) -> None:
        """Have the writer, and give it what has come so far."""
        self.writer = writer
        self._release()
        self._go_on()

    def take(self, number: int, message: Message) -> Task | None:
        """Take a message of the task with this number; gives the task to do after it, if one follows."""
        part = number - self.task.number
        if isinstance(message, Ended):
            self._ended[part] = message
            self._go_on()
            return self._joining() if len(self._ended) == len(self.parts) else None
        if isinstance(message, Left):
            self._left[part] = message.state
        elif isinstance(message, Rows | Problem):
            if part == self._turn and self.writer:
                self._pass(self.writer, message)
            else:
                room = HELD_BYTES - sum(held.in_memory for held in self._held.values())
                self._held.setdefault(part, _Held(self.folder)).take(message, room)
        return None

    @staticmethod
    def _pass(writer: SourceWriter, message: Rows | Problem) -> None:
        if isinstance(message, Rows):
            writer.add(message.table, message.arrow())
        else:
            writer.problems.append(message)

    def _go_on(self) -> None:
        """Give the writer what waited, up to the first part that has not ended."""
        while self.writer and self._turn in self._ended:
            self._turn += 1
            self._release()

    def _release(self) -> None:
        """Give the writer what has come of the part whose turn it is."""
        held = self._held.pop(self._turn, None)
        if held and self.writer:
            for message in held.release():
                self._pass(self.writer, message)

    def write_ahead(self) -> None:
        """Insert what waits while a worker joins the parts; once, as few rows follow."""
        joining = bool(self.parts) and len(self._ended) == len(self.parts)
        if self.writer and joining and not self._ahead:
            self._ahead = True
            self.writer.flush()

    def close(self, host: str | None, basis: str | None) -> None:
        """Book the source, of which all has come, under its host's name."""
        if self.writer is None:
            raise ValueError("a source without an id has no rows")
        self.writer.finish(self.error, host, basis)
        self.writer.cursor.close()

    def _joining(self) -> Task:
        lefts = [(part, self._left.pop(i, None)) for i, part in enumerate(self.parts)]
        number = self.task.number + len(self.parts)
        return replace(self.task, number=number, joined=tuple(lefts))

    @property
    def ended(self) -> Iterator[int]:
        """Numbers of the tasks that are done."""
        return (self.task.number + part for part in self._ended)

    @property
    def over(self) -> bool:
        """Whether all of the source has come."""
        return len(self._ended) == (len(self.parts) + 1 if self.parts else 1)

    @property
    def error(self) -> str | None:
        """The first error in the order of the parts."""
        return next((e.error for _, e in sorted(self._ended.items()) if e.error), None)

    @property
    def hosts(self) -> tuple[tuple[str, int], ...]:
        """Rows by host as `Ended.hosts` counts them, for the whole source."""
        ended = [e for _, e in sorted(self._ended.items()) if e.hosts]
        counts: Counter[str] = Counter()
        for e in ended:
            counts.update(dict(e.hosts))
        latest = ended[-1].hosts[0][0] if ended else None
        return tuple(sorted(counts.items(), key=lambda x: (x[0] != latest, -x[1], x[0])))


def tasks(task: Task, parts: Sequence[Part]) -> Iterator[Task]:
    """The tasks to start with; each has the number of the whole task and its own place in the order."""
    if not parts:
        yield task
    for i, part in enumerate(parts):
        yield replace(task, number=task.number + i, part=part)


def size(task: Task) -> int:
    """Bytes that the task reads; none for the joining of parts."""
    if task.joined:
        return 0
    part = task.part or Part()
    return (task.found.size if part.stop is None else part.stop) - part.start
