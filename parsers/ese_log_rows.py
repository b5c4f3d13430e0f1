"""Rows that transaction logs insert into a table of a dirty ESE database, told by the logs alone.

This is no replay: what the logs change or delete afterwards is not followed. A row whose transaction the logs do not
show as ended is one that Windows would take back when it repairs the database; one that was taken back is not given.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from parsers.contract import Artifact, Problem, Severity
from parsers.ese_log_records import (
    BEGIN,
    BEGIN_0,
    BEGIN_DURABLE,
    COMMIT,
    COMMIT_0,
    MAX_LOG_BYTES,
    ROLLBACK,
    Insert,
    Record,
    Walk,
    insert,
    records,
)
from parsers.ese_logs import Log, own_logs
from parsers.evtx.problems import Problems
from parsers.rows import read_up_to

MAX_ROWS = 500_000
MAX_BYTES = 256 << 20
"""Of all logs together: those of a live host are some megabytes."""
FORMAT = (8, 4000)
_DATABASE_NUMBER = 104


@dataclass(frozen=True, slots=True)
class LogRow:
    """A row of a log: which tree (number of the table), its bytes, where, and whether its transaction ended."""

    tree: int
    data: bytes
    place: str
    committed: bool


@dataclass(slots=True)
class _Open:
    """An inserted row of a transaction that goes on, with the level of nesting it belongs to."""

    level: int
    row: Insert
    log: str


@dataclass(slots=True)
class _Sessions:
    """Open transactions by session."""

    levels: dict[int, int] = field(default_factory=dict)
    rows: defaultdict[int, list[_Open]] = field(default_factory=lambda: defaultdict(list))

    def level(self, session: int) -> int:
        """Depth of the session's transactions; where its beginning was not seen, that of its rows."""
        deepest = max((one.level for one in self.rows[session]), default=0)
        return self.levels.get(session, deepest)


def log_rows(head: bytes, beside: Sequence[Artifact], problems: Problems) -> Iterator[LogRow]:
    """Rows inserted by the logs that a database (by its header) needs, those of open transactions last."""
    sessions = _Sessions()
    number, count = head[_DATABASE_NUMBER], 0
    left = MAX_BYTES
    for artifact, log in own_logs(head, beside):
        if log.version < FORMAT:
            problems.add(_other_format(log))
            continue
        with artifact.open() as stream:
            raw = read_up_to(stream, min(artifact.size, MAX_LOG_BYTES, left))
        left -= len(raw)
        walk = Walk([])
        for record in records(raw, log.generation, walk):
            found = insert(record)
            if found is not None:
                if found.database == number or not number:
                    count += 1
                    sessions.rows[found.session].append(_Open(record.raw[28], found, log.name))
                if count > MAX_ROWS:
                    problems.add(_too_many(log.name))
                    return
                continue
            yield from _ended(record, sessions)
        if walk.broken or artifact.size > len(raw):
            problems.add(_broken(log.name, walk.broken, len(raw)))
    for opened in sessions.rows.values():
        yield from (_row(one, committed=False) for one in opened)


def _ended(record: Record, sessions: _Sessions) -> Iterator[LogRow]:
    """Rows of a transaction that a record ends; inner ones pass to the level above, or fall."""
    session, argument = record.session, record.raw[3] if len(record.raw) > 3 else 0
    opened = sessions.rows[session] if record.kind in (COMMIT, COMMIT_0, ROLLBACK) else []
    if record.kind in (BEGIN, BEGIN_0, BEGIN_DURABLE):
        sessions.levels[session] = (argument & 15) + (argument >> 4)
    elif record.kind == COMMIT:
        sessions.levels[session] = argument
        for one in opened:
            one.level = min(one.level, argument)
    elif record.kind == COMMIT_0:
        sessions.levels[session] = 0
        yield from (_row(one, committed=True) for one in opened)
        opened.clear()
    elif record.kind == ROLLBACK:
        level = max(0, sessions.level(session) - argument)
        sessions.levels[session] = level
        opened[:] = [one for one in opened if one.level <= level]


def _row(one: _Open, committed: bool) -> LogRow:
    return LogRow(one.row.tree, one.row.data, f"{one.log} offset {one.row.offset}", committed)


def _broken(name: str, places: Sequence[int], size: int) -> Problem:
    at = ", ".join(map(str, places[:10])) or str(size)
    return Problem(
        "ese_log_unreadable",
        f"{name} offset {at}",
        "records of known lengths",
        f"{len(places)} segments with others" if places else f"more than {size} bytes",
        "The rest of these segments was passed over: rows of the log may lack, or count as not ended",
    )


def _other_format(log: Log) -> Problem:
    return Problem(
        "ese_log_unreadable",
        f"{log.name} offset 32",
        "a log of format {}.{} or later".format(*FORMAT),
        "{}.{}".format(*log.version),
        "No rows were taken from this log",
    )


def _too_many(name: str) -> Problem:
    return Problem(
        "ese_log_unreadable",
        name,
        f"at most {MAX_ROWS} rows in all logs",
        "more",
        "No further rows were taken from logs",
        Severity.ERROR,
    )
