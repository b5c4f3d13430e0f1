"""The parts of a journal that hold data, without reading its hole where the system knows it."""

import errno
import io
import os
from collections.abc import Iterator
from typing import BinaryIO

PAGE = 4096


def data_regions(stream: BinaryIO, size: int) -> Iterator[tuple[int, int]]:
    """(start, end) of what may hold data, in order, starts at multiples of a page.

    Only a plain file is asked: the descriptor under an archive's member is the archive's.
    """
    number = _plain_file(stream, size)
    at = 0
    while number is not None and at < size:
        try:
            start = os.lseek(number, at, os.SEEK_DATA)
            end = os.lseek(number, start, os.SEEK_HOLE)
        except OSError as error:
            if error.errno == errno.ENXIO:  # no data behind this place
                return
            break  # the file system cannot tell
        yield max(at, start // PAGE * PAGE), min(end, size)
        at = end
    if at < size:
        yield at, size


def _plain_file(stream: BinaryIO, size: int) -> int | None:
    raw = getattr(stream, "raw", stream)
    if not isinstance(raw, io.FileIO) or not hasattr(os, "SEEK_DATA"):
        return None
    number = raw.fileno()
    return number if os.fstat(number).st_size == size else None
