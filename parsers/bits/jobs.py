"""Jobs and files as BITS writes them, in `qmgr.dat` and in the blobs of `qmgr.db` alike.

A job: numbers, its GUID, texts with their length before them, an access token, files between two marks, errors, times.
A file: three paths, sizes, its volume. What stands between files is not documented: they are looked for by the form of
their paths. Source of the layouts: published analyses of the queue files.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

XFER = bytes.fromhex("36da56776f515a43acac44a248fff34d")
"""Stands before and behind the files of a job."""
MAX_TEXT = 32_767
MAX_FILES = 10_000
MAX_ERRORS = 1_000
_ERROR_BYTES = 25
_UNKNOWN_SIZE = (1 << 64) - 1
_PATH = re.compile(rb"(?s)(?=..\0\0(?:[A-Za-z]\0:\0|\\\0\\\0))")
"""A text's length and the first characters of a local path."""
_FILE_TIME_AT = 29
_STAMPS = range(125_911_584_000_000_000, 157_469_184_000_000_000)
"""FILETIMEs of the years 2000 to 2099: other bytes in that place are no time."""
_TYPES = ("download", "upload", "upload_reply")
_PRIORITIES = ("foreground", "high", "normal", "low")
_STATES = (
    "queued", "connecting", "transferring", "suspended", "error", "transient_error", "transferred", "acknowledged",
    "cancelled",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class File:
    """One file of a job at a byte of the data; `stamp` is what may be a FILETIME, 0: none of our time."""

    at: int
    local: str
    remote: str
    temporary: str
    received: int
    total: int | None
    drive: str
    volume: str
    stamp: int


@dataclass(frozen=True, slots=True)
class Job:
    """One job at a byte of the data; times are FILETIMEs, 0: none. `refers` are GUIDs of files kept elsewhere."""

    at: int
    kind: str
    priority: str
    state: str
    id: UUID
    name: str
    description: str
    command: str
    arguments: str
    sid: str
    created: int = 0
    modified: int = 0
    files: tuple[File, ...] = ()
    refers: tuple[bytes, ...] = ()
    told: int = 0


class Cut(ValueError):
    """The data end inside a field, or a length cannot be."""


class _Reader:
    def __init__(self, data: bytes, at: int, stop: int) -> None:
        self.data, self.at, self.stop = data, at, min(stop, len(data))

    def take(self, form: str) -> tuple[int, ...]:
        size = struct.calcsize(form)
        if self.at + size > self.stop:
            raise Cut(f"end at {self.stop}")
        values = struct.unpack_from(form, self.data, self.at)
        self.at += size
        return values

    def text(self) -> str:
        (length,) = self.take("<I")
        if length > MAX_TEXT or self.at + 2 * length > self.stop:
            raise Cut(f"a text of {length} characters at {self.at - 4}")
        raw = self.data[self.at : self.at + 2 * length]
        self.at += 2 * length
        return raw.decode("utf-16-le", "replace").rstrip("\0")


def read_job(data: bytes, start: int, stop: int) -> Job:
    """The job that begins at `start`.

    Raises:
        Cut: its head cannot be read.
    """
    reader = _Reader(data, start, stop)
    kind, priority, state, _ = reader.take("<4I")
    if kind > 16 or priority > 16 or state > 32:
        raise Cut(f"type {kind}, priority {priority}, state {state}")
    ident = UUID(bytes_le=data[reader.at : reader.at + 16].ljust(16, b"\0"))
    reader.at += 16
    name, description, command, arguments, sid = (reader.text() for _ in range(5))
    head = Job(
        start, _word(kind, _TYPES), _word(priority, _PRIORITIES), _word(state, _STATES), ident,
        name, description, command, arguments, sid,
    )  # fmt: skip
    return _with_files(head, data, reader.at, stop)


def _with_files(job: Job, data: bytes, at: int, stop: int) -> Job:
    """The job with what lies behind its head, as far as it is there."""
    begin = data.find(XFER, at, stop)
    if begin < 0:
        return job
    begin += len(XFER)
    end = data.find(XFER, begin, stop)
    told = int.from_bytes(data[begin : begin + 4], "little")
    until = stop if end < 0 else end
    files = tuple(read_files(data, begin + 4, until))
    refers: tuple[bytes, ...] = ()
    if not files and begin + 4 + 16 * told <= until:
        refers = tuple(
            data[p : p + 16]
            for p in range(begin + 4, begin + 4 + 16 * min(told, MAX_FILES), 16)
        )  # fmt: skip
    created, modified = _times(data, end + len(XFER), stop) if end >= 0 else (0, 0)
    return Job(
        job.at, job.kind, job.priority, job.state, job.id, job.name, job.description, job.command, job.arguments,
        job.sid, created, modified, files, refers, told,
    )  # fmt: skip


def _times(data: bytes, at: int, stop: int) -> tuple[int, int]:
    """Creation and last change, behind the list of errors; 0, 0 where it is cut."""
    reader = _Reader(data, at, stop)
    try:
        (errors,) = reader.take("<I")
        if errors > MAX_ERRORS:
            return 0, 0
        reader.at += errors * _ERROR_BYTES
        created, modified = reader.take("<12xQQ")
    except Cut:
        return 0, 0
    return created, modified


def read_files(data: bytes, start: int, stop: int) -> Iterator[File]:
    """Files between two places, in order."""
    at = start
    for _ in range(MAX_FILES):
        found = _PATH.search(data, at, stop)
        if found is None:
            return
        try:
            file = _file(data, found.start(), stop)
            at = file[1]
            yield file[0]
        except Cut:
            at = found.start() + 1


def _file(data: bytes, start: int, stop: int) -> tuple[File, int]:
    reader = _Reader(data, start, stop)
    local, remote, temporary = reader.text(), reader.text(), reader.text()
    if not _is_remote(remote):
        raise Cut("no source")
    received, total, _ = reader.take("<QQB")
    drive, volume = reader.text(), reader.text()
    tail = data[reader.at + _FILE_TIME_AT : min(reader.at + _FILE_TIME_AT + 8, reader.stop)]
    stamp = int.from_bytes(tail, "little")
    file = File(
        start,
        local,
        remote,
        temporary,
        received,
        None if total == _UNKNOWN_SIZE else total,
        drive,
        volume,
        stamp if stamp in _STAMPS else 0,
    )
    return file, reader.at


def _is_remote(text: str) -> bool:
    return "://" in text[:16] or text.startswith("\\\\") or text[1:3] == ":\\"


def _word(number: int, words: tuple[str, ...]) -> str:
    return words[number] if number < len(words) else str(number)
