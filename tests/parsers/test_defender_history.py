from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from parsers import defender_history
from tests.builders.defender import GUID, history, resource
from tests.parsers.reading import artifact, read
from tests.shared import REAL, needs_shared

NOON = datetime(2024, 3, 5, 11, 30, tzinfo=UTC).replace(tzinfo=None)
WEB = "C:\\x.iso|https://cdn.example/x.iso|pid:4711,ProcessStart:133541118000000001"
DATA = history(resource("file", "C:\\x.iso->a.dll", "ab" * 32), resource("webfile", WEB, "cd" * 32))


def test_each_resource_of_a_detection_is_a_row() -> None:
    rows, problems = read(defender_history, artifact(str(GUID), DATA))

    inner, web = rows["defender_history"]
    assert problems == []
    assert (inner["schema"], inner["path"], inner["sha256"]) == (
        "file",
        "C:\\x.iso->a.dll",
        "AB" * 32,
    )
    assert (inner["threat_name"], inner["threat_id"]) == ("Trojan:Win32/Test", 2147519003)
    assert (inner["detection_id"], inner["size_bytes"]) == (str(GUID).upper(), 68)
    assert (inner["user_name"], inner["process"]) == ("WS-01\\ann", "E:\\setup.exe")
    assert inner["tracking_start_utc"] == NOON
    assert (inner["earliest_utc"], inner["latest_utc"]) == (
        NOON + timedelta(seconds=1),
        NOON + timedelta(seconds=9),
    )
    assert (web["path"], web["url"], web["pid"]) == ("C:\\x.iso", "https://cdn.example/x.iso", 4711)
    assert web["process_start_utc"] == NOON


def test_a_cut_file_gives_what_is_there_and_says_so() -> None:
    end = DATA.index("cdcd".encode("utf-16-le"))

    rows, problems = read(defender_history, artifact("x", DATA[:end]))

    assert [r["schema"] for r in rows["defender_history"]] == ["file", "webfile"]
    assert [p.code for p in problems] == ["defender_history_form"]


def test_files_are_told_by_their_first_values() -> None:
    assert defender_history.recognise("x", DATA)
    assert not defender_history.recognise("x", b"\0" * 300)


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(0, len(DATA) - 1), st.binary(min_size=1, max_size=20)), max_size=9
    ),
    st.integers(0, len(DATA)),
)
def test_mutated_files_give_rows_and_problems_only(
    wounds: list[tuple[int, bytes]], end: int
) -> None:
    data = bytearray(DATA)
    for at, wound in wounds:
        data[at : at + len(wound)] = wound

    rows, problems = read(defender_history, artifact("x", bytes(data[:end])))

    assert rows["defender_history"] or problems


@needs_shared
def test_a_real_detection_shows_archive_member_and_download() -> None:
    data = (REAL / "log2timeline_plaso/6AFE33A0-19BA-4FFF-892F-B700539D7D63").read_bytes()

    rows, problems = read(defender_history, artifact("x", data))

    assert problems == []
    assert [r["schema"] for r in rows["defender_history"]] == ["containerfile", "file", "webfile"]
    assert rows["defender_history"][1]["sha256"] == (
        "275A021BBFB6489E54D471899F7DB9D1663FC695EC2FE2A2C4538AABF651FD0F"
    )
    assert rows["defender_history"][2]["url"] == "https://secure.eicar.org/eicar_com.zip"
