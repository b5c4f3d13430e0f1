"""Lines of text logs with their byte offsets, whatever the encoding: UTF-16 or 8-bit text, with or without a mark."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from parsers.contract import Artifact, Problem
from parsers.evtx.problems import Problems
from parsers.rows import naive_ns

READ_BYTES = 1 << 20
MAX_LINE_BYTES = 1 << 20
_HEAD = 4096
_MARKS = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (b"\xef\xbb\xbf", "utf-8"))
_NUL_SHARE = 0.3
_TIME = re.compile(
    r"(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9})\d*)?", re.ASCII
)
_ZONE = re.compile(r"(?:Z|([+-])(\d\d):(\d\d))\s*$", re.ASCII)
_FIRST_YEAR, _LAST_YEAR = 1678, 2261


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its end: its number from 1, the byte offset of its start, its text."""

    number: int
    offset: int
    text: str


def encoding(head: bytes) -> tuple[str, int]:
    """(encoding, bytes of the mark) by the mark, else by where NULs stand."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name, len(mark)
    even, odd = head[:_HEAD:2], head[1:_HEAD:2]
    if odd and odd.count(0) >= _NUL_SHARE * len(odd) and odd.count(0) > 2 * even.count(0):
        return "utf-16-le", 0
    if odd and even.count(0) >= _NUL_SHARE * len(even) and even.count(0) > 2 * odd.count(0):
        return "utf-16-be", 0
    return "utf-8", 0


def decode_head(head: bytes) -> str:
    """Text of a file's start, for recognising it."""
    name, mark = encoding(head)
    return decode(head[mark:], name)


def decode(raw: bytes, name: str) -> str:
    """Text of bytes; 8-bit text that is no UTF-8 is taken as cp1252."""
    if name != "utf-8":
        return raw.decode(name, "replace")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def read_lines(artifact: Artifact, problems: Problems) -> Iterator[Line]:
    """All lines of an artifact, blank ones too; a longer line than `MAX_LINE_BYTES` comes in pieces."""
    with artifact.open() as stream:
        name, mark = encoding(stream.read(_HEAD))
        stream.seek(mark)
        for number, (offset, raw) in enumerate(_split(stream, name, mark, problems), 1):
            yield Line(number, offset, decode(raw, name).rstrip("\r\n"))


def _split(
    stream: BinaryIO, name: str, start: int, problems: Problems
) -> Iterator[tuple[int, bytes]]:
    end = "\n".encode(name)
    rest, at = b"", start
    while block := stream.read(READ_BYTES):
        rest += block
        done = 0
        while (stop := _find(rest, end, done)) >= 0:
            yield at + done, rest[done : stop + len(end)]
            done = stop + len(end)
        rest, at = rest[done:], at + done
        while len(rest) >= MAX_LINE_BYTES:
            problems.add(
                Problem(
                    "long_line",
                    f"offset {at}",
                    f"a line of at most {MAX_LINE_BYTES} bytes",
                    "a longer one",
                    "Read in pieces",
                )
            )
            yield at, rest[:MAX_LINE_BYTES]
            rest, at = rest[MAX_LINE_BYTES:], at + MAX_LINE_BYTES
    if rest:
        yield at, rest


def _find(data: bytes, end: bytes, start: int) -> int:
    """Where the next line end stands: in 16-bit text only at a whole unit's start."""
    at = data.find(end, start)
    while at >= 0 and (at - start) % len(end):
        at = data.find(end, at + 1)
    return at


def time_ns(text: str) -> int | None:
    """Ns since 1970 of the date and time in a text (`2024-03-05T11:30:00.123Z` and the like), zone ignored.

    None: there is none, or it is no date.
    """
    found = _TIME.search(text)
    if found is None or not _FIRST_YEAR <= int(found[1]) <= _LAST_YEAR:
        return None
    try:
        moment = datetime(*(int(part) for part in found.groups()[:6]))  # type: ignore[arg-type]  # noqa: DTZ001
    except ValueError:
        return None
    return naive_ns(moment, int((found[7] or "0").ljust(9, "0")))


def zoned_ns(text: str) -> int | None:
    """Ns since 1970 UTC of a date and time that names its zone (`Z`, `+01:00`) at its end.

    None: it names none, or is no date.
    """
    zone, local = _ZONE.search(text), time_ns(text)
    if zone is None or local is None:
        return None
    hours, minutes = int(zone[2] or 0), int(zone[3] or 0)
    offset = (hours * 60 + minutes) * 60 * 1_000_000_000
    return local + offset if zone[1] == "-" else local - offset
