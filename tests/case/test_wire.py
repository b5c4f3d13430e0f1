"""Rows arrive in another process as they were, whatever memory they lie in."""

import socket
import threading
from multiprocessing.connection import Connection

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensic_iso.case.messages import Message, Rows
from forensic_iso.case.wire import PIECES_AT_ONCE, Pieces, pieces, receive, send
from parsers.contract import Batch

MANY = 50_000


def through(*messages: Message) -> list[Message]:
    """The messages as another process gets them."""
    ours, theirs = socket.socketpair()
    got: list[Message] = []
    with Connection(ours.detach()) as out, Connection(theirs.detach()) as into:
        reader = threading.Thread(target=lambda: got.extend(receive(into)[1] for _ in messages))
        reader.start()
        for message in messages:
            send(out, 7, message)
        reader.join(timeout=60)
    return got


def texts(n: int) -> pl.DataFrame:
    """Numbers and texts too long for a cell, from one Arrow buffer."""
    cells = pa.array([f"{i:06d} a text of its own length" for i in range(n)], pa.string_view())
    return pl.DataFrame({"number": range(n), "text": pl.from_arrow(cells)})


@pytest.mark.hypothesis
@given(st.lists(st.binary(max_size=64), max_size=3 * PIECES_AT_ONCE))
def test_pieces_arrive_one_behind_the_other(parts: list[bytes]) -> None:
    rows = Pieces(*parts)

    (got,) = through(Rows("event", rows, 1))

    assert isinstance(got, Rows)
    assert isinstance(got.data, pa.Buffer)
    assert got.data.to_pybytes() == b"".join(parts)


@pytest.mark.parametrize(
    "frame",
    [
        texts(MANY),
        texts(MANY).slice(17, 5),
        texts(MANY).filter(pl.col("number") % 9 == 0),
        texts(MANY).with_columns(again=pl.col("text"), none=pl.lit(None, pl.String)),
        texts(3).clear(),
    ],
    ids=["whole", "slice", "some", "shared", "none"],
)
def test_rows_arrive_as_they_were_and_no_others(frame: pl.DataFrame) -> None:
    packed = pieces(Batch("event", frame))
    size = packed.size if isinstance(packed, Pieces) else len(packed)

    first, second = through(*[Rows("event", packed, frame.height)] * 2)

    assert isinstance(first, Rows)
    assert isinstance(second, Rows)
    assert pl.DataFrame(pl.from_arrow(first.arrow())).equals(frame)
    assert second.arrow() == first.arrow()
    assert size <= 2 * frame.estimated_size() + 4096
