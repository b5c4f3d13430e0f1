"""Text of an export as UTF-8, whatever wrote it.

Browsers and APIs save UTF-8. Windows PowerShell 5.1 saves what is redirected or piped to Out-File as UTF-16LE with a
byte order mark (about_Character_Encoding); `-Encoding BigEndianUnicode` gives UTF-16BE.
"""

import codecs
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, cast

from parsers.contract import Artifact, Problem

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_MARKS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_SURROGATE = re.compile("[\ud800-\udfff]")
_BLOCK = 1 << 16


def text_of_head(head: bytes) -> str:
    """The first bytes of a file as text, without a byte order mark; what is no text is replaced."""
    codec = _codec(head)
    if codec is None:
        return head.removeprefix(codecs.BOM_UTF8).decode("utf-8", "replace")
    return head[2 : len(head) & ~1].decode(codec, "replace")


@contextmanager
def open_text(artifact: Artifact) -> Iterator["Text"]:
    """The artifact's text from its start: UTF-16 with its mark becomes UTF-8, all else passes as it is."""
    with artifact.open() as stream:
        codec = _codec(stream.read(4))
    with artifact.open() as stream:
        if codec is None:
            yield Text(stream)
            return
        stream.read(2)
        raw = _Utf16(stream, codec)
        yield Text(cast(BinaryIO, io.BufferedReader(raw, _BLOCK)), raw)


@dataclass(frozen=True, slots=True)
class Text:
    """A stream of UTF-8 bytes, and what the bytes it was made of were."""

    stream: BinaryIO
    _raw: "_Utf16 | None" = None

    def problems(self) -> list[Problem]:
        """What could not be read as text so far; of UTF-8 the readers tell it themselves."""
        if self._raw is None or not self._raw.broken:
            return []
        found = f"{self._raw.broken} broken code units"
        message = "Unreadable characters are replaced by U+FFFD"
        return [Problem("mde_text_not_utf16", "file", "UTF-16", found, message)]


class _Utf16(io.RawIOBase):
    """UTF-8 bytes of a UTF-16 stream, its mark taken already; `broken` counts what is no text."""

    def __init__(self, stream: BinaryIO, codec: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(codec)("surrogatepass")
        self._ready = b""
        self._end = False
        self.broken = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer).cast("B")
        while not self._ready and not self._end:
            self._fill()
        count = min(len(view), len(self._ready))
        view[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _fill(self) -> None:
        raw = self._stream.read(_BLOCK)
        self._end = not raw
        text = self._decoder.decode(raw)
        if self._end and self._decoder.getstate()[0]:  # half a character is left
            text += "\ufffd"
            self.broken += 1
        text, lone = _SURROGATE.subn("\ufffd", text)
        self.broken += lone
        self._ready = text.encode()


def _codec(head: bytes) -> str | None:
    """The codec that a byte order mark tells; four bytes of UTF-32's mark are none of UTF-16."""
    return None if head.startswith(codecs.BOM_UTF32_LE) else _MARKS.get(head[:2])
