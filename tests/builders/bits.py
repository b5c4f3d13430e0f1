"""Writes queue files of BITS; shares no code with the parser."""

import struct
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from tests.builders.hive import filetime

XFER = bytes.fromhex("36DA56776F515A43ACAC44A248FFF34D")
QUEUE = bytes.fromhex("47445F00A9BDBA449851C47BB6C07ACE")
FILE_HEAD = bytes.fromhex("13F72BC84099124A9F1A3AAEBD894EEA")
SEVEN = bytes.fromhex("8C93EA64030F6840B46FF97FE51D4DCD")
TEN_JOB = bytes.fromhex("A15609E143AFC94292E66F9856EBA7F6")
TEN_FILE = bytes.fromhex("E4CF9E5146D99743B73E268513051AB2")
VOLUME = "\\\\?\\Volume{11111111-2222-3333-4444-555555555555}\\"


def _text(text: str) -> bytes:
    return struct.pack("<I", len(text) + 1) + (text + "\0").encode("utf-16-le")


def file(
    local: str, remote: str, received: int, total: int, stamp: datetime | None = None
) -> bytes:
    """One file of a job; with a stamp as `qmgr.db` has it."""
    body = _text(local) + _text(remote) + _text(local.rpartition("\\")[0] + "\\BIT1.tmp")
    body += struct.pack("<QQB", received, total, 1) + _text(local[:3]) + _text(VOLUME)
    return body + bytes(29) + struct.pack("<Q", filetime(stamp) if stamp else 0) + bytes(20)


def job(
    ident: UUID, created: datetime, modified: datetime, files: Sequence[bytes], state: int = 3, name: str = "job",
    command: str = "", arguments: str = "", refers: bool = False, errors: int = 0,
) -> bytes:  # fmt: skip
    """One job; `refers`: `files` are GUIDs of records elsewhere."""
    head = struct.pack("<4I", 0, 0, state, 0) + ident.bytes_le
    head += b"".join(map(_text, (name, "", command, arguments, "S-1-5-21-1-2-3-1001")))
    head += struct.pack("<I", 3) + b"token" * 9
    listed = b"".join(files) if refers else b"\3\0\0\0".join(files)
    tail = struct.pack("<I", errors) + bytes(25 * errors) + struct.pack("<III", 0, 600, 86400)
    tail += struct.pack("<QQQ", filetime(created), filetime(modified), 0) + bytes(14 + 16)
    return head + XFER + struct.pack("<I", len(files)) + listed + XFER + tail


def queue(jobs: Sequence[bytes], remnants: Sequence[bytes] = (), told: int | None = None) -> bytes:
    """A `qmgr0.dat` of Windows 7."""
    body = b"".join(SEVEN + one + SEVEN for one in jobs)
    left = b"".join(SEVEN + one + SEVEN for one in remnants)
    count = struct.pack("<I", len(jobs) if told is None else told)
    return (
        bytes(16)
        + FILE_HEAD
        + QUEUE
        + count
        + body
        + QUEUE
        + bytes(8)
        + FILE_HEAD
        + bytes(64)
        + left
    )
