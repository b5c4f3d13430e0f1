"""Parts of a large log that are read while it is hashed: with one log, all workers but one would wait for its hash."""

from collections import deque
from itertools import islice
from pathlib import Path

from forensic_iso.case.messages import Message, Task
from forensic_iso.case.reading import Reading, tasks
from parsers.contract import Part


class Ahead:
    """Readings that began before the id of their source was known."""

    def __init__(self, spare: int, folder: Path) -> None:
        """`spare`: workers that have nothing to do while one of them hashes."""
        self._spare, self._folder = max(0, spare), folder
        self._waiting: deque[Task] = deque()
        self._given: set[int] = set()
        self.readings: dict[int, Reading] = {}

    def begin(self, key: int, task: Task, parts: tuple[Part, ...], waiting: deque[Task]) -> None:
        """Let spare workers read the first parts of a source; the tasks go behind those that wait."""
        # never all of them: their joining follows the last one, and is not begun before there is an id
        first = list(islice(tasks(task, parts), min(self._spare, len(parts) - 1)))
        if not first:
            return
        self.readings[key] = Reading(task, parts, None, self._folder)
        self._waiting = waiting
        self._given.update(t.number for t in first)
        waiting.extend(first)

    def take(self, key: int, number: int, message: Message) -> None:
        """Take what a worker says of one of them."""
        self.readings[key].take(number, message)

    def given(self) -> set[int]:
        """Numbers of the tasks that workers have or had."""
        return self._given - {t.number for t in self._waiting}
