"""Transaction logs of an ESE database that was not closed: which generations its answer lacks.

A dirty database's header names the first and last generation of the log whose changes it does not hold yet. They are
not replayed; what lies beside is told by number and time, so that a reader knows from when on rows may lack.
Source of the layouts: the published sources of the Extensible Storage Engine (headers of database and log).
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from parsers.contract import Artifact, Problem, Severity
from parsers.rows import read_up_to

BESIDE = (r"(?:SRU|V\d\d|edb)(?:[0-9A-F]{5}|[0-9A-F]{8}|tmp)?\.(?:log|jtx)",)
"""Names of logs: a base name of three characters, closed ones with their generation in hex."""
HEAD_BYTES = 672
MAX_LOGS = 2_000
_TOLD = 12
"""Generations of a kind that one problem lists."""
_SIGNATURE_BYTES = 28
_DB_LOG_SIGNATURE, _DB_ATTACHED, _DB_REQUIRED = 108, 72, 296
_LOG_SIGNATURE, _LOG_MADE = 44, 16
_FILE_TYPE, _LOG_TYPE = 667, 3


@dataclass(frozen=True, slots=True)
class Log:
    """One log: its generation and when that began; None: it has no time, or one that is no date."""

    name: str
    generation: int
    made: datetime | None
    signature: bytes
    version: tuple[int, int]


def read_log(name: str, head: bytes) -> Log | None:
    """A log by its first bytes; None where they are no log's head."""
    if len(head) < HEAD_BYTES or head[_FILE_TYPE] != _LOG_TYPE:
        return None
    generation = int.from_bytes(head[4:8], "little")
    signature = head[_LOG_SIGNATURE : _LOG_SIGNATURE + _SIGNATURE_BYTES]
    if not 0 < generation < 1 << 31 or not any(signature):
        return None
    version = (int.from_bytes(head[32:36], "little"), int.from_bytes(head[36:40], "little"))
    return Log(name, generation, log_time(head[_LOG_MADE : _LOG_MADE + 8]), signature, version)


def log_time(raw: bytes) -> datetime | None:
    """Eight bytes: second, minute, hour, day, month, year - 1900; bit 0 of the seventh says UTC, else None: a local time."""
    if len(raw) < 8 or not raw[6] & 1:
        return None
    second, minute, hour, day, month, year = raw[:6]
    try:
        return datetime(1900 + year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


def own_logs(head: bytes, beside: Sequence[Artifact]) -> list[tuple[Artifact, Log]]:
    """The logs of a database's series from the first generation it needs on, in order."""
    first = _required(head)[0]
    return [
        (a, log)
        for a, log in _logs(beside)
        if _is_own(head, log) and log.generation >= max(first, 1)
    ]


def not_replayed(head: bytes, beside: Sequence[Artifact], rows_taken: bool) -> Problem:
    """What a dirty database's rows lack, by its header and the logs beside it.

    Args:
        head: the first bytes of the database.
        beside: files beside it.
        rows_taken: the parser takes inserted rows out of the logs.
    """
    first, last = _required(head)
    own = [log for _, log in own_logs(head, beside)]
    foreign = [log for _, log in _logs(beside) if not _is_own(head, log)]
    found = "; ".join(filter(None, (_present(own), _absent(first, last, own), _foreign(foreign))))
    since = _since(first, own, head)
    taken = " (only rows added are taken from the logs)" if rows_taken and own else ""
    return Problem(
        "ese_logs_not_replayed",
        f"offset {_DB_REQUIRED}",
        _expected(first, last),
        found,
        f"The rows are those of the database file{taken}. What was written, changed or deleted {since} may stand only"
        " in its logs, which are not replayed: rows may lack, be old, or be deleted since",
        Severity.WARNING,
    )


def _required(head: bytes) -> tuple[int, int]:
    """First and last generation that the database needs; 0: none told."""
    first, last = struct.unpack_from("<II", head.ljust(HEAD_BYTES, b"\0"), _DB_REQUIRED)
    return first, last


def _is_own(head: bytes, log: Log) -> bool:
    return log.signature == head[_DB_LOG_SIGNATURE : _DB_LOG_SIGNATURE + _SIGNATURE_BYTES]


def _logs(beside: Sequence[Artifact]) -> list[tuple[Artifact, Log]]:
    found = []
    for artifact in beside[:MAX_LOGS]:
        with artifact.open() as stream:
            log = read_log(artifact.name, read_up_to(stream, HEAD_BYTES))
        if log is not None:
            found.append((artifact, log))
    return sorted(found, key=lambda pair: (pair[1].generation, pair[1].name.lower()))


def _since(first: int, own: Sequence[Log], head: bytes) -> str:
    """From when on changes may lack: the start of the first generation needed, else the last opening of the database."""
    made = next((log.made for log in own if log.generation == first), None)
    if made is not None:
        return f"since {_text(made)} (start of generation {first})"
    attached = log_time(head[_DB_ATTACHED : _DB_ATTACHED + 8])
    if attached is not None:
        return f"since the database was opened, {_text(attached)}, or later"
    return "since a time that the database does not tell"


def _expected(first: int, last: int) -> str:
    if not first:
        return "the first generation of the log that is needed, in the header"
    return (
        f"log generations {first} to {last} replayed"
        if last > first
        else f"log generation {first} replayed"
    )


def _present(own: Sequence[Log]) -> str:
    if not own:
        return "none of them beside it"
    told = ", ".join(
        f"{log.generation} ({log.name}{', begun ' + _text(log.made) if log.made else ''})"
        for log in own[:_TOLD]
    )
    return f"beside it, not replayed: {told}{_more(len(own))}"


def _absent(first: int, last: int, own: Sequence[Log]) -> str:
    """Generations that lack between the first needed and the last needed or present."""
    if not first:
        return ""
    there = {log.generation for log in own}
    end = max(last, *there) if there else last
    missing: list[int] = []
    count = max(end - first + 1, 0) - sum(first <= number <= end for number in there)
    for number in range(first, end + 1):
        if number not in there:
            missing.append(number)
        if len(missing) == min(count, _TOLD):
            break
    if not missing:
        return ""
    return f"not in the evidence: {', '.join(map(str, missing))}{_more(count)}"


def _foreign(foreign: Sequence[Log]) -> str:
    if not foreign:
        return ""
    names = ", ".join(log.name for log in foreign[:_TOLD])
    return f"of another series of logs: {names}{_more(len(foreign))}"


def _more(count: int) -> str:
    return f" and {count - _TOLD} more" if count > _TOLD else ""


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
