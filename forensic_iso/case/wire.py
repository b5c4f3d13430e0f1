"""The way between two processes: rows as an Arrow IPC stream behind the message that tells their size."""

import io
import os
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, cast

from forensic_iso.case.messages import Message, Rows
from parsers.contract import Batch

if TYPE_CHECKING:
    import pyarrow as pa

FEW_ROWS = 4096
"""Up to so many rows a copy costs less than the memory that they would keep."""
SHARED = 1.2
"""Bytes of a table / bytes of its values: above it a copy of the values costs less than to send all that they lie in."""
PIECES_AT_ONCE = 256
"""Below the 1,024 that one `writev` takes on Linux (IOV_MAX, writev(2))."""


Pack = Callable[[Batch], "bytes | Pieces | pa.Table"]
"""Makes of a batch what `Rows` hold: `pieces` for another process, `arrow` within one."""


class Pieces:
    """An Arrow IPC stream in the pieces that Arrow writes: most are the columns' own memory, not copied."""

    closed = False

    def __init__(self, *whole: "bytes | pa.Buffer") -> None:
        self._pieces: list[memoryview] = []
        self.size = 0
        for data in whole:
            self.write(data)

    def write(self, data: "bytes | pa.Buffer") -> int:
        """Take the next piece."""
        view = memoryview(data)
        self._pieces.append(view)
        self.size += len(view)
        return len(view)

    def flush(self) -> None:
        """Nothing: nothing is held back."""

    def send(self, fd: int) -> None:
        """Write all of them to a file descriptor that blocks.

        Raises:
            OSError: the other side is gone.
        """
        left = deque(self._pieces)
        while left:
            sent = os.writev(fd, list(islice(left, PIECES_AT_ONCE)))
            while left and sent >= len(left[0]):
                sent -= len(left.popleft())
            if sent:
                left[0] = left[0][sent:]


def arrow(batch: Batch) -> "bytes | pa.Table":
    """The batch as an Arrow table over the same memory; a few rows are packed: they would keep all that they are cut from."""
    from polars import CompatLevel

    if batch.frame.height < FEW_ROWS:
        return ipc(batch)
    return batch.frame.to_arrow(compat_level=CompatLevel.newest())


def ipc(batch: Batch) -> bytes:
    """The batch as an Arrow IPC stream."""
    from polars import CompatLevel

    sink = io.BytesIO()
    batch.frame.write_ipc_stream(sink, compat_level=CompatLevel.newest())
    return sink.getvalue()


def pieces(batch: Batch) -> "bytes | Pieces":
    """The batch as an Arrow IPC stream, without a copy unless its columns share text or keep that of other rows."""
    import pyarrow as pa
    from polars import CompatLevel

    table = batch.frame.to_arrow(compat_level=CompatLevel.newest())
    if table.nbytes > SHARED * batch.frame.estimated_size():
        return ipc(batch)
    sink = Pieces()
    with pa.ipc.new_stream(pa.PythonFile(sink, "w"), table.schema) as out:
        out.write_table(table)
    return sink


def send(pipe: Connection, number: int, message: Message) -> None:
    """One message of a task. Rows follow it as plain bytes: pickled, they would be copied twice on either side."""
    if not isinstance(message, Rows):
        pipe.send((number, message, 0))
        return
    data = message.data if isinstance(message.data, Pieces) else Pieces(message.data)
    pipe.send((number, replace(message, data=b""), data.size))
    data.send(pipe.fileno())


def receive(pipe: Connection) -> tuple[int, Message]:
    """The next message, and the number of its task.

    Raises:
        EOFError, OSError: the worker is gone, perhaps between a message and its rows.
    """
    import pyarrow as pa

    number, message, size = cast(tuple[int, Message, int], pipe.recv())
    if isinstance(message, Rows):
        data = pa.allocate_buffer(size)
        left = memoryview(data)
        while left:
            got = os.readv(pipe.fileno(), [left])
            if not got:
                raise EOFError
            left = left[got:]
        message = replace(message, data=data)
    return number, message
