import os
import struct
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers import usnjrnl
from parsers.contract import Artifact, Window
from tests.builders.usn import PAGE, Change, extents_record, journal
from tests.parsers.reading import artifact, frame
from tests.shared import REAL, needs_shared


@pytest.mark.parametrize("version", [2, 3])
def test_a_record_gives_all_its_fields(version: int) -> None:
    change = Change(
        "Rechnung ü.iso", reason=0x80000102, version=version, attributes=0x2022, source=1
    )

    rows, problems = frame(usnjrnl, artifact("$J", journal([change], hole=PAGE)))

    assert problems == []
    assert rows.rows(named=True) == [
        {
            "usn": PAGE,
            "time_utc": datetime(2024, 3, 5, 11, 30, tzinfo=UTC).replace(tzinfo=None),
            "name": "Rechnung ü.iso",
            "record": 70,
            "sequence": 3,
            "parent_record": 64,
            "parent_sequence": 1,
            "reason": "DATA_EXTEND|FILE_CREATE|CLOSE",
            "source_info": "DATA_MANAGEMENT",
            "file_attributes": "HIDDEN|ARCHIVE|NOT_CONTENT_INDEXED",
            "reason_flags": 0x80000102,
            "file_attribute_flags": 0x2022,
            "security_id": 0,
            "major_version": version,
            "name_lossy": False,
            "ends_well": True,
            "offset": PAGE,
        }
    ]
    assert rows["time_utc"].cast(pl.Int64)[0] % 1000 == 100


@pytest.mark.parametrize(
    "name",
    [
        "$J",
        "$UsnJrnl%3A$J",
        "$UsnJrnl_$J",
        "$Extend_$UsnJrnl_$J",
        "UsnJrnl.bin",
        "$UsnJrnl$J",
        "C_$J",
    ],
)
def test_a_journal_that_starts_with_its_hole_is_known_by_any_collectors_name(name: str) -> None:
    assert usnjrnl.recognise(name, bytes(34816))
    assert not usnjrnl.recognise("notes.bin", bytes(34816))


def test_a_journal_with_records_at_its_start_is_known_by_content_alone() -> None:
    head = journal([Change()] * 3, hole=64)

    assert usnjrnl.recognise("export", head)
    assert not usnjrnl.recognise("$UsnJrnl_$Max", bytes(32))
    assert not usnjrnl.recognise("usnjrnl.csv", head)
    assert not usnjrnl.recognise("export", b"\1" * 8 + head[8:])


def test_a_record_across_two_blocks_is_read_once() -> None:
    changes = [Change(f"file {n:07}.txt", file=(n, 1)) for n in range(50_000)]

    rows, problems = frame(usnjrnl, artifact("$J", journal(changes)))

    assert problems == []
    assert rows["record"].to_list() == list(range(50_000))
    assert (rows["usn"] == rows["offset"]).all()


def test_a_torn_page_costs_its_own_records_and_is_told() -> None:
    data = bytearray(journal([Change(file=(n, 1)) for n in range(200)]))
    data[PAGE + 1024 : PAGE + 2048] = b"\xa5" * 1024

    rows, problems = frame(usnjrnl, artifact("$J", bytes(data)))

    size = len(Change().record(0))
    lost = 2048 // size - 1024 // size + 1
    assert rows.height == 200 - lost
    assert "usn_damage" in [p.code for p in problems]
    assert all(p.place.startswith("offset ") for p in problems)


def test_a_record_of_version_4_is_counted_and_passed_over() -> None:
    data = journal([Change()])[: len(Change().record(0))]
    data += extents_record(len(data)) + Change("b").record(0)

    rows, problems = frame(usnjrnl, artifact("$J", data))

    assert rows["name"].to_list() == ["invoice.iso", "b"]
    assert [(p.code, p.found) for p in problems] == [("usn_version_4", "1 of version 4")]


def test_a_file_id_of_128_bits_is_no_record_number() -> None:
    rows, problems = frame(usnjrnl, artifact("$J", journal([Change(version=3, file_upper=9)])))

    assert rows["record"].to_list() == [None]
    assert rows["parent_record"].to_list() == [64]
    assert [p.code for p in problems] == ["usn_file_id"]


def test_a_time_out_of_range_is_null_with_a_problem_and_zero_is_null_without() -> None:
    data = journal([Change(filetime=2**64 - 1), Change(filetime=0)])

    rows, problems = frame(usnjrnl, artifact("$J", data))

    assert rows["time_utc"].to_list() == [None, None]
    assert [(p.code, p.place) for p in problems] == [("usn_time", "offset 0")]


def test_a_lone_surrogate_in_a_name_is_marked() -> None:
    rows, _ = frame(usnjrnl, artifact("$J", journal([Change("a\ud800b")])))

    assert rows.select("name", "name_lossy").row(0) == ("a\ufffdb", True)


def test_unknown_flags_are_kept_as_a_number() -> None:
    rows, _ = frame(usnjrnl, artifact("$J", journal([Change(reason=0x08000100)])))

    assert rows["reason"][0] == "FILE_CREATE|0x8000000"


def test_the_window_keeps_its_start_and_drops_its_end() -> None:
    first = Change().filetime
    data = journal(
        [Change(str(n), filetime=first + n) for n in range(4)] + [Change("x", filetime=0)]
    )
    ns = (first - 116_444_736_000_000_000) * 100

    rows, _ = frame(usnjrnl, artifact("$J", data, window=Window(ns + 100, ns + 300)))

    assert rows["name"].to_list() == ["1", "2", "x"]


def test_a_hole_of_many_gigabytes_is_not_read(tmp_path: Path) -> None:
    path, hole = tmp_path / "$J", 1 << 40
    with path.open("wb") as file:
        file.seek(hole)
        file.write(journal([Change()]))
        size = file.tell()
    if path.stat().st_blocks * 512 > 1 << 20 or not hasattr(os, "SEEK_DATA"):
        pytest.skip("this file system has no holes")

    rows, problems = frame(usnjrnl, Artifact("$J", lambda: path.open("rb"), size))

    assert rows["offset"].to_list() == [hole]
    assert problems == []


def test_a_journal_without_any_record_is_told() -> None:
    rows, problems = frame(usnjrnl, artifact("$J", bytes(10_000)))

    assert rows.height == 0
    assert [p.code for p in problems] == ["usn_empty"]


def test_a_journal_with_a_damaged_start_is_known_by_its_own_name() -> None:
    assert usnjrnl.recognise("$UsnJrnl_$J", b"\xa5" * 34816)
    assert not usnjrnl.recognise("usnjrnl.bin", b"\xa5" * 34816)


def test_a_file_that_ends_early_is_told() -> None:
    data = journal([Change()])
    given = artifact("$J", data)

    rows, problems = frame(usnjrnl, Artifact("$J", given.open, len(data) + 5000))

    assert rows.height == 1
    assert [p.code for p in problems] == ["usn_cut"]


BASE = journal([Change(f"n{n}", version=2 + n % 2) for n in range(120)])


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, len(BASE) - 1), st.binary(min_size=1, max_size=40))),
    st.integers(0, len(BASE)),
)
def test_mutated_journals_give_rows_and_problems_only(
    wounds: list[tuple[int, bytes]], end: int
) -> None:
    data = bytearray(BASE)
    for at, wound in wounds:
        data[at : at + len(wound)] = wound

    rows, _ = frame(usnjrnl, artifact("$J", bytes(data[:end])))

    assert rows["offset"].is_sorted()
    assert usnjrnl.recognise("$J", bytes(data[:end])) in (True, False)


def _walk(data: bytes) -> list[tuple[int, int, str, int]]:
    """Another way: follow lengths, one step of 8 where none fits."""
    at, out = 0, []
    while at + 64 <= len(data):
        size, major, minor = struct.unpack_from("<IHH", data, at)
        name, start = struct.unpack_from("<HH", data, at + 56)
        if (major, minor, start) == (2, 0, 60) and size >= 64 and at + size <= len(data):
            text = data[at + 60 : at + 60 + name].decode("utf-16-le", "replace")
            out.append((at, struct.unpack_from("<q", data, at + 24)[0], text, data[at + 40]))
            at += size
        else:
            at += 8
    return out


@needs_shared
@pytest.mark.parametrize(
    ("path", "count"),
    [
        ("AndrewRathbun_DFIRArtifactMuseum/usn_aptsim_cut1/$J", 8476),
        ("log2timeline_plaso/UsnJrnl.raw", 19),
        ("msuhanov_dfir_ntfs/usnjrnlj.bin", 264),
    ],
)
def test_real_journals_are_read_as_another_walk_reads_them(path: str, count: int) -> None:
    data = (REAL / path).read_bytes()

    rows, problems = frame(usnjrnl, artifact(Path(path).name, data))

    assert rows.height == count
    assert [p.code for p in problems] in ([], ["usn_version_4"])
    got = rows.select("offset", "usn", "name", pl.col("reason_flags") & 0xFF).rows()
    assert got == _walk(data)
