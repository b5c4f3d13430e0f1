import io
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers import ese
from parsers.contract import Artifact, Problem
from parsers.ese_compression import lz77, unpack
from parsers.evtx.problems import Problems
from tests.builders.ese import database, seven_bits

COLUMNS = {"N": "i32", "Url": "longtext", "Blob": "longbinary", "V": "binary"}


def rows(
    data: bytes, table: str, wanted: Sequence[str]
) -> tuple[list[dict[str, bytes]], list[Problem]]:
    problems = Problems()
    with ese.opened(Artifact("x.dat", lambda: io.BytesIO(data), len(data)), problems) as found:
        got = [row for _, row in found.rows(table, wanted)] if found else []
    return got, [p for p in problems.close() if isinstance(p, Problem)]


def test_records_of_many_pages_come_in_order() -> None:
    data = database(
        {"T": (COLUMNS, [{"N": n, "Url": "https://a.example/" * 9} for n in range(90)])}
    )

    got, problems = rows(data, "T", ("N", "Url", "Missing"))

    assert problems == []
    assert [ese.integer(row["N"]) for row in got] == list(range(90))
    assert {ese.text(row["Url"]) for row in got} == {"https://a.example/" * 9}


@pytest.mark.parametrize(("state", "word"), [(2, "dirty shutdown (2)"), (5, "force detached (5)")])
def test_a_database_that_was_in_use_says_that_its_logs_are_not_replayed(
    state: int, word: str
) -> None:
    data = database({"T": (COLUMNS, [{"N": 1}])}, state=state)

    got, problems = rows(data, "T", ("N",))

    assert len(got) == 1
    assert [(p.code, p.found) for p in problems] == [
        ("ese_dirty", word),
        ("ese_logs_not_replayed", "none of them beside it"),
    ]


def test_compressed_values_are_unpacked() -> None:
    row: dict[str, int | bytes | str] = {
        "N": 1,
        "Url": seven_bits("https://a.example/x.iso"),
        "Blob": seven_bits("raw", False),
    }

    [got], problems = rows(database({"T": (COLUMNS, [row])}), "T", ("Url", "Blob"))

    assert problems == []
    assert (ese.text(got["Url"]), got["Blob"]) == ("https://a.example/x.iso", b"raw\0")


def test_a_value_of_unknown_compression_is_told_and_left_out() -> None:
    packed = type(seven_bits("x"))(b"\x78nonsense")

    [got], problems = rows(
        database({"T": (COLUMNS, [{"N": 1, "Blob": packed}])}), "T", ("N", "Blob")
    )

    assert "Blob" not in got
    assert [p.place for p in problems] == ["T record 0 column Blob"]


@pytest.mark.parametrize(
    ("packed", "plain"),
    [
        ("3f0000006162636465666768696a6b6c6d6e6f707172737475767778797a", b"abcdefghijklmnopqrstuvwxyz"),
        ("ffffff1f61626317000fff2601", b"abc" * 100),
    ],
)  # fmt: skip
def test_the_examples_of_ms_xca_unpack(packed: str, plain: bytes) -> None:
    raw = b"\x18" + len(plain).to_bytes(2, "little") + bytes.fromhex(packed)

    assert unpack(raw) == plain
    assert lz77(bytes.fromhex(packed)[:-1], len(plain)) is None


@given(st.binary(max_size=80))
def test_any_bytes_unpack_to_few_bytes_or_none(raw: bytes) -> None:
    plain = unpack(raw)

    assert plain is None or len(plain) <= 2 * 65536
