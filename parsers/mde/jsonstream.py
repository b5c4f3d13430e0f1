"""Rows of JSON documents of any size, one at a time: no more than a window and one row is held.

Forms: an array of objects; objects one after another (JSONL); {"Schema", "Results": [...]};
{"tables": [{"columns": [{"name"}], "rows": [[...]]}]}; {"records": [...]}.
"""

import codecs
import json
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

WINDOW = 1 << 16
VALUE_LIMIT = 32 << 20
"""Longest single value (one row, or a member that is not rows) in characters."""

_SPACE = re.compile(r"\s*")
_NEXT_ROW = re.compile(r"[}\]]\s*,\s*(?=[{\[])|\r?\n\s*,?\s*(?=[{\[])")
_ROW_LISTS = {"results", "records", "value"}


@dataclass(frozen=True, slots=True)
class Row:
    """One row and the place (characters from the start) behind it."""

    row: dict[str, Any]
    end: int


@dataclass(frozen=True, slots=True)
class Bad:
    """What could not be read, and whether it stood where a row stands."""

    place: str
    expected: str
    found: str
    is_row: bool = True


class _Broken(Exception):
    """The text at the cursor is no JSON value."""


class _Cursor:
    """A position in a stream of text, with a window that grows to the size of one value."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")(errors="replace")
        self._json = json.JSONDecoder()
        self._text, self._at, self._base = "", 0, 0
        self._end = False

    @property
    def offset(self) -> int:
        """Characters from the start."""
        return self._base + self._at

    def _more(self) -> bool:
        if self._end:
            return False
        size = max(WINDOW, len(self._text) - self._at)
        raw = self._stream.read(size)
        self._end = not raw
        self._base += self._at
        self._text = self._text[self._at :] + self._decoder.decode(raw, final=self._end)
        self._at = 0
        return True

    def peek(self) -> str:
        """The next character that is no blank; '' at the end."""
        while True:
            match = _SPACE.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def take(self, mark: str) -> bool:
        """Step over `mark` if it is next."""
        hit = self.peek() == mark
        self._at += hit
        return hit

    def value(self) -> Any:
        """The next value, whole."""
        self.peek()
        while True:
            try:
                value, end = self._json.raw_decode(self._text, self._at)
                if end < len(self._text) or not self._more():
                    self._at = end
                    return value
            except (ValueError, RecursionError) as e:
                final = self._end or isinstance(e, RecursionError)
                if final or len(self._text) - self._at > VALUE_LIMIT or not self._more():
                    raise _Broken(str(e)[:100]) from e

    def skip_to_row(self) -> bool:
        """Go behind the broken row to what looks like the start of the next one."""
        self._at += 1
        while True:
            match = _NEXT_ROW.search(self._text, self._at)
            if match:
                self._at = match.end()
                return True
            self._at = max(self._at, len(self._text) - 64)
            if not self._more():
                return False


def objects(stream: BinaryIO) -> Iterator[Row | Bad]:
    """Rows of the document, in order, and what of it could not be read."""
    cursor = _Cursor(stream)
    first = cursor.peek()
    if first == "[":
        cursor.take("[")
        yield from _rows(cursor, None)
    elif first == "{":
        yield from _wrapped_or_lines(cursor)
    else:
        yield Bad("character 0", "[ or {", repr(first), is_row=False)


def _rows(cursor: _Cursor, names: list[str] | None) -> Iterator[Row | Bad]:
    """Elements of a list whose bracket was taken: objects, or values in the order of `names`."""
    while True:
        mark = cursor.peek()
        if mark in ("]", ""):
            if not cursor.take("]"):
                place = f"character {cursor.offset}"
                yield Bad(place, "the end of the list", "the end of the file", is_row=False)
            return
        if cursor.take(","):
            continue
        place = f"character {cursor.offset}"
        try:
            value = cursor.value()
        except _Broken as e:
            yield Bad(place, "a JSON object", str(e))
            if not cursor.skip_to_row():
                return
            continue
        yield _as_row(value, names, place, cursor.offset)


def _as_row(value: Any, names: list[str] | None, place: str, end: int) -> Row | Bad:
    if isinstance(value, dict):
        return Row(value, end)
    if names is None or not isinstance(value, list):
        return Bad(place, "an object", type(value).__name__)
    if len(value) != len(names):
        return Bad(place, f"{len(names)} values", f"{len(value)} values")
    return Row(dict(zip(names, value, strict=True)), end)


def _wrapped_or_lines(cursor: _Cursor) -> Iterator[Row | Bad]:
    """Objects one after another; one that holds a list of rows is opened instead of read whole."""
    while cursor.peek():
        place = f"character {cursor.offset}"
        try:
            if not cursor.take("{"):
                cursor.value()
                yield Bad(place, "an object", "another value")
                continue
            row: dict[str, Any] = {}
            inside = yield from _members(cursor, row)
            if row and not inside:
                yield Row(row, cursor.offset)
        except _Broken as e:
            yield Bad(place, "a JSON object", str(e))
            if not cursor.skip_to_row():
                return


def _members(cursor: _Cursor, row: dict[str, Any]) -> Generator[Row | Bad, None, bool]:
    """Read members into `row`; yield rows of known lists, return whether one was there."""
    held = False
    names: list[str] | None = None
    while not cursor.take("}"):
        if cursor.take(","):
            continue
        key = cursor.value()
        if not isinstance(key, str) or not cursor.take(":"):
            raise _Broken("no member of an object")
        word = key.casefold()
        if word in _ROW_LISTS | {"tables", "rows"} and cursor.take("["):
            held = True
            yield from _tables(cursor) if word == "tables" else _rows(cursor, names)
            continue
        value = cursor.value()
        if word == "columns" and isinstance(value, list):
            names = [str(c.get("name", "")) if isinstance(c, dict) else str(c) for c in value]
        row[key] = value
    return held


def _tables(cursor: _Cursor) -> Iterator[Row | Bad]:
    """Objects with columns and rows in a list whose bracket was taken."""
    while not cursor.take("]"):
        if cursor.take(","):
            continue
        if not cursor.take("{"):
            raise _Broken("no object in the list of tables")
        yield from _members(cursor, {})
