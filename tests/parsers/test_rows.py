import io
from datetime import UTC, datetime

from parsers.contract import Batch, Column, Sql, Table
from parsers.evtx.problems import Problems
from parsers.frames import schema_of
from parsers.rows import FILETIME_OF_1970, batches, epoch_ns, filetime_ns, read_up_to

TABLE = Table(
    "t",
    "A table",
    (
        Column("n", Sql.I64, "number"),
        Column("s", Sql.TEXT, "text"),
        Column("t_utc", Sql.TIME, "time"),
    ),
    address="n",
)


def _heights(rows: list[tuple[int, str]], size: int) -> list[int]:
    made = batches(((TABLE, {"n": n, "s": s}) for n, s in rows), Problems(), size)
    return [b.frame.height for b in made if isinstance(b, Batch)]


def test_batches_are_bounded_by_rows_and_by_bytes() -> None:
    assert _heights([(n, "") for n in range(5)], 2) == [2, 2, 1]
    assert _heights([(n, "x" * (9 << 20)) for n in range(3)], 100) == [2, 1]


def test_a_column_that_lacks_is_null_and_times_are_ns() -> None:
    [batch] = [b for b in batches([(TABLE, {"t_utc": 1_000})], Problems()) if isinstance(b, Batch)]

    moment = datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=UTC).replace(tzinfo=None)
    assert batch.frame.rows() == [(None, None, moment)]
    assert batch.frame.schema == schema_of(TABLE)


def test_filetimes_are_exact_zero_is_none_and_so_is_what_does_not_fit() -> None:
    assert filetime_ns(FILETIME_OF_1970 + 1) == 100
    assert filetime_ns(0) is None
    assert filetime_ns(2**64 - 1) is None
    assert epoch_ns(5, 10**9, 3) == 2 * 10**9


def test_a_stream_that_gives_pieces_is_read_to_its_end() -> None:
    class Pieces(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(3, size or 0))

    assert read_up_to(Pieces(b"0123456789"), 8) == b"01234567"
    assert read_up_to(Pieces(b"01"), 8) == b"01"
