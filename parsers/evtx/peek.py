"""The computer's name in a log, without reading the log: for naming the host of a collection."""

import io
from typing import BinaryIO

from parsers.contract import Artifact, Batch
from parsers.evtx.chunks import CHUNK, CHUNK_MARK, HEADER_BLOCK, READ_ERRORS, file_header

MAX_STEPS = 64
"""Chunks looked at, from the one being written backwards."""


def peek_computer(stream: BinaryIO) -> str | None:
    """The last `System/Computer` of the newest chunk that has records; None if there is none or the log is unreadable.

    Looks at the chunk that the header names as current, then from the end of the file backwards.
    """
    try:
        head = stream.read(HEADER_BLOCK)
        size = stream.seek(0, 2)
        header = file_header(head)
        last = (size - HEADER_BLOCK - 1) // CHUNK
        order = [
            *([header.current] if header and header.current < last else []),
            *range(last, -1, -1),
        ]
        for index in order[:MAX_STEPS]:
            stream.seek(HEADER_BLOCK + index * CHUNK)
            chunk = stream.read(CHUNK)
            if chunk.startswith(CHUNK_MARK):
                name = _last_computer(chunk)
                if name:
                    return name
    except READ_ERRORS:
        return None
    return None


def _last_computer(chunk: bytes) -> str | None:
    """The computer of the chunk's last live record."""
    from parsers.evtx import reader  # heavy imports (polars, pyarrow) only when needed

    raw = bytes(HEADER_BLOCK) + chunk
    best: tuple[int, str] | None = None
    for item in reader.parse(Artifact("chunk", lambda: io.BytesIO(raw), len(raw))):
        if not isinstance(item, Batch) or "computer" not in item.frame.columns:
            continue
        rows = item.frame.select("header_record_id", "computer", "origin").filter(
            item.frame["computer"].is_not_null()
        )
        for record, computer, origin in rows.iter_rows():
            if origin != "slack" and (best is None or record > best[0]):
                best = (record, computer)
    return best[1] if best else None
