import struct
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers import srum
from parsers.srum.ids import sid, text
from tests.parsers.reading import artifact, read
from tests.shared import REAL, needs_shared

PATH = REAL / "AndrewRathbun_DFIRArtifactMuseum/srum_win10_dirty/SRUDB.dat"
SYSTEM = bytes.fromhex("010100000000000512000000")


def test_a_binary_sid_becomes_text() -> None:
    user = struct.pack("<BB6s5I", 1, 5, b"\0\0\0\0\0\5", 21, 1, 2, 3, 1001)

    assert sid(SYSTEM) == "S-1-5-18"
    assert sid(user) == "S-1-5-21-1-2-3-1001"


@pytest.mark.parametrize("blob", [b"", SYSTEM[:-1], b"\1\xff" + bytes(2000)])
def test_bytes_that_are_no_sid_give_none(blob: bytes) -> None:
    assert sid(blob) is None


def test_a_programs_name_ends_at_its_nul() -> None:
    assert (
        text("\\device\\cdrom1\\setup.exe\0".encode("utf-16-le")) == "\\device\\cdrom1\\setup.exe"
    )


def test_files_are_told_by_signature_and_name() -> None:
    head = bytes(4) + b"\xef\xcd\xab\x89" + bytes(60)

    assert srum.recognise("SRUDB.dat", head)
    assert not srum.recognise("WebCacheV01.dat", head)
    assert not srum.recognise("SRUDB.dat", bytes(68))


@pytest.mark.parametrize("data", [b"", bytes(4) + b"\xef\xcd\xab\x89", bytes(10_000)])
def test_what_is_no_database_is_a_problem(data: bytes) -> None:
    rows, problems = read(srum, artifact("SRUDB.dat", data))

    assert sum(map(len, rows.values())) == 0
    assert [p.code for p in problems] == ["ese_unread"]


@needs_shared
def test_a_real_database_gives_its_known_rows() -> None:
    rows, problems = read(srum, artifact("SRUDB.dat", PATH.read_bytes()))

    assert {name: len(got) for name, got in rows.items()} == {
        "srum_app_usage": 118,
        "srum_network_usage": 23,
        "srum_app_timeline": 163,
    }
    assert {p.code for p in problems} == {"srum_no_name"}
    stamp = datetime(2022, 2, 5, 22, 19, tzinfo=UTC).replace(tzinfo=None)
    first = rows["srum_network_usage"][0]
    assert (first["time_utc"], first["app"], first["app_kind"]) == (stamp, "wlidsvc", "service")
    assert (first["user_sid"], first["bytes_sent"], first["bytes_received"]) == (
        "S-1-5-19",
        11988,
        12755,
    )
    assert 0x2A2A2A2A not in {r["in_focus_s"] for r in rows["srum_app_timeline"]}


@needs_shared
def test_a_database_that_was_in_use_is_told() -> None:
    data = bytearray(PATH.read_bytes())
    data[52] = 2

    _, problems = read(srum, artifact("SRUDB.dat", bytes(data)))

    assert {"ese_dirty"} <= {p.code for p in problems}


@needs_shared
@settings(max_examples=15)
@given(
    st.lists(st.tuples(st.integers(0, 786_431), st.binary(min_size=1, max_size=64)), max_size=40)
)
def test_mutated_databases_give_rows_and_problems_only(wounds: list[tuple[int, bytes]]) -> None:
    data = bytearray(PATH.read_bytes())
    for at, wound in wounds:
        data[at : at + len(wound)] = wound

    rows, problems = read(srum, artifact("SRUDB.dat", bytes(data)))

    assert problems or rows["srum_app_usage"]
