import struct

from hypothesis import given, settings
from hypothesis import strategies as st

from parsers import recent_file_cache
from tests.parsers.reading import artifact, read

HEAD = bytes.fromhex("feffeeff11220000030000000100000000000000")
PATHS = ("c:\\users\\ann\\a.exe", "e:\\setup.exe")


def cache(*paths: str) -> bytes:
    return HEAD + b"".join(
        struct.pack("<I", len(p)) + (p + "\0").encode("utf-16-le") for p in paths
    )


def test_programs_come_in_order_with_their_places() -> None:
    data = cache(*PATHS)

    rows, problems = read(recent_file_cache, artifact("RecentFileCache.bcf", data))

    assert problems == []
    assert [(r["path"], r["position"]) for r in rows["recent_file"]] == [
        (PATHS[0], 0),
        (PATHS[1], 1),
    ]
    assert rows["recent_file"][1]["offset"] == len(cache(PATHS[0]))


def test_a_cut_path_is_told_and_those_before_stay() -> None:
    rows, problems = read(recent_file_cache, artifact("x.bcf", cache(*PATHS)[:-6]))

    assert [r["path"] for r in rows["recent_file"]] == [PATHS[0]]
    assert [p.code for p in problems] == ["recent_file_cache"]


def test_files_are_told_by_their_first_bytes() -> None:
    assert recent_file_cache.recognise("renamed", cache())
    assert not recent_file_cache.recognise("RecentFileCache.bcf", bytes(40))


@settings(max_examples=40)
@given(st.integers(20, 100), st.binary(min_size=1, max_size=8))
def test_wounds_end_in_rows_or_problems(at: int, junk: bytes) -> None:
    data = bytearray(cache(*PATHS))
    data[at : at + len(junk)] = junk

    rows, _ = read(recent_file_cache, artifact("RecentFileCache.bcf", bytes(data)))

    assert len(rows["recent_file"]) <= 20
