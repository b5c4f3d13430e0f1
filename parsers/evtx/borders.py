"""Where a large log may be cut, so that each part reads the chunks it would give as a piece of the whole."""

from collections.abc import Sequence
from typing import BinaryIO

from parsers.contract import Artifact, Part
from parsers.evtx.chunks import CHUNK, CHUNK_MARK, HEADER_BLOCK, READ_ERRORS, RUN_CHUNKS, chunk_head

SEARCH = 16
"""Chunks behind the wished place among which a sound border is looked for."""


def parts(artifact: Artifact, least: int, most: int) -> Sequence[Part]:
    """Parts of about equal size; fewer where no sound border lies near a wished one. Large ones end where runs end."""
    n = min(artifact.size // max(least, 1), most)
    step = RUN_CHUNKS if artifact.size // max(n, 1) >= RUN_CHUNKS * CHUNK else 1
    cuts: list[int] = []
    try:
        with artifact.open() as stream:
            for i in range(1, n):
                chunk = artifact.size * i // n // CHUNK // step * step
                found = _border(stream, HEADER_BLOCK + chunk * CHUNK)
                if found and (not cuts or found > cuts[-1]):
                    cuts.append(found)
    except READ_ERRORS:
        pass  # reading tells what is wrong with the stream
    ends = [*cuts, None]
    return [Part(start, stop) for start, stop in zip([0, *cuts], ends, strict=True)]


def _border(stream: BinaryIO, near: int) -> int:
    """Where a sound chunk starts behind two that lead to it; 0 if there is none near.

    No other mark may lie between these three: a chunk that starts elsewhere could run over the border.
    """
    base = near - 2 * CHUNK
    if base < 0:
        return 0
    stream.seek(base)
    raw = stream.read((SEARCH + 3) * CHUNK)
    at = raw.find(CHUNK_MARK, 2 * CHUNK)
    while 0 <= at <= len(raw) - CHUNK:
        first, second = at - 2 * CHUNK, at - CHUNK
        marks = [first, second, at]
        if _marks(raw, first, at + 1) == marks and all(
            chunk_head(raw, m, base + m, CHUNK).header_ok for m in marks
        ):
            return base + at
        at = raw.find(CHUNK_MARK, at + 1)
    return 0


def _marks(raw: bytes, start: int, stop: int) -> list[int]:
    """Places from `start` to before `stop` where a chunk mark begins."""
    found: list[int] = []
    at = raw.find(CHUNK_MARK, start, stop + len(CHUNK_MARK) - 1)
    while at >= 0:
        found.append(at)
        at = raw.find(CHUNK_MARK, at + 1, stop + len(CHUNK_MARK) - 1)
    return found
