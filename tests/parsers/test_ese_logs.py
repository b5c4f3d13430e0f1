import struct
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers import srum
from parsers.browser import webcache
from parsers.contract import Artifact, Problem
from parsers.ese_records import values
from tests.builders.ese import Columns, Row, database
from tests.builders.ese_log import (
    begin,
    catalog,
    commit,
    insert,
    log_file,
    needing,
    rollback,
    row,
)
from tests.parsers.reading import artifact, read
from tests.shared import REAL, needs_shared

USAGE = "{D10CA2FE-6FCF-4F6D-848E-B2E99266FA89}"
USE: Columns = {
    "AutoIncId": "i32", "TimeStamp": "i64", "AppId": "i32", "UserId": "i32", "ForegroundBytesRead": "i64",
}  # fmt: skip
NAMES: Columns = {"IdType": "u8", "IdIndex": "i32", "IdBlob": "longbinary"}
APP = "\\device\\cdrom1\\setup.exe\0".encode("utf-16-le")
MADE = datetime(2024, 3, 5, 8, 0, 7, tzinfo=UTC)
DAYS = struct.unpack("<q", struct.pack("<d", 45356.5))[0]
TREE, NAME_TREE = 10, 11


def use(number: int, app: int = 7) -> Row:
    return {"AutoIncId": number, "TimeStamp": DAYS, "AppId": app, "ForegroundBytesRead": 4096}


def srudb(first: int = 8, last: int = 8, closed: bool = False) -> bytes:
    tables = {
        USAGE: (USE, [use(1)]),
        "SruDbIdMapTable": (NAMES, [{"IdType": 0, "IdIndex": 7, "IdBlob": "a.exe\0".encode("utf-16-le")}]),
    }  # fmt: skip
    whole = database({**tables, "MSysObjects": catalog(list(tables))})
    return whole if closed else needing(whole, first, last, attached=MADE)


def added(number: int, app: int = 7, level: int = 1) -> bytes:
    return insert(5, TREE, row(USE, use(number, app)), level)


def named(number: int) -> bytes:
    return insert(5, NAME_TREE, row(NAMES, {"IdType": 0, "IdIndex": number, "IdBlob": APP}))


def seen(logs: Sequence[Artifact], data: bytes | None = None) -> tuple[list[Row], list[Problem]]:
    rows, problems = read(srum, artifact("SRUDB.dat", data or srudb(), tuple(logs)))
    return rows["srum_app_usage"], problems


def log(name: str, generation: int, *records: bytes) -> Artifact:
    return artifact(name, log_file(generation, records, MADE))


def test_a_row_that_only_the_log_holds_is_given_with_its_place() -> None:
    one = log("SRU.log", 8, begin(5), named(9), added(2, app=9), commit(5))

    got, problems = seen([one])

    assert [(r["auto_inc_id"], r["origin"], r["record_number"]) for r in got] == [
        (1, "database", 0),
        (2, "log", 1),
    ]
    assert (got[1]["app"], got[1]["foreground_bytes_read"]) == ("\\device\\cdrom1\\setup.exe", 4096)
    assert got[1]["time_utc"] == got[0]["time_utc"]
    offset = 4096 + 40 + len(begin(5) + named(9))
    assert (got[0]["log_place"], got[1]["log_place"]) == (None, f"SRU.log offset {offset}")
    assert [p.code for p in problems] == ["ese_dirty", "ese_logs_not_replayed"]


def test_a_row_that_the_database_holds_too_is_not_given_again() -> None:
    got, _ = seen([log("SRU.log", 8, begin(5), added(1), commit(5))])

    assert [r["origin"] for r in got] == ["database"]


def test_a_row_that_was_taken_back_is_not_given() -> None:
    one = log(
        "SRU.log", 8, begin(5), added(2), begin(5, 1), added(3, level=2), rollback(5), commit(5)
    )

    got, _ = seen([one])

    assert [r["auto_inc_id"] for r in got] == [1, 2]


def test_an_inner_end_leaves_the_row_open_until_the_outer_one() -> None:
    inner = (begin(5), begin(5, 1), added(2, level=2), commit(5, 1))

    open_rows, _ = seen([log("SRU.log", 8, *inner)])
    ended, _ = seen([log("SRU.log", 8, *inner), log("SRU00009.log", 9, commit(5))])

    assert [r["origin"] for r in open_rows] == ["database", "log_open"]
    assert [r["origin"] for r in ended] == ["database", "log"]


def test_a_row_cut_into_segments_is_whole() -> None:
    many = [added(n) for n in range(2, 200)]

    got, problems = seen([log("SRU.log", 8, begin(5), *many, commit(5))])

    assert [r["auto_inc_id"] for r in got] == list(range(1, 200))
    assert {r["origin"] for r in got[1:]} == {"log"}
    assert [p.code for p in problems] == ["ese_dirty", "ese_logs_not_replayed"]


def test_the_rows_of_another_database_of_the_same_logs_are_not_taken() -> None:
    other = insert(5, TREE, row(USE, use(2)), database=2)

    got, _ = seen([log("SRU.log", 8, begin(5), other, commit(5))])

    assert [r["auto_inc_id"] for r in got] == [1]


def test_generations_before_the_first_needed_are_not_read() -> None:
    got, _ = seen([log("SRU00007.log", 7, begin(5), added(2), commit(5))])

    assert [r["auto_inc_id"] for r in got] == [1]


def test_a_log_of_another_series_is_named_and_not_read() -> None:
    records = (begin(5), added(2), commit(5))
    foreign = artifact("SRU.log", log_file(8, records, MADE, signature=bytes(range(28))))

    got, [_, problem] = seen([foreign])

    assert [r["auto_inc_id"] for r in got] == [1]
    assert problem.found == (
        "none of them beside it; not in the evidence: 8; of another series of logs: SRU.log"
    )


def test_the_problem_names_the_generations_that_are_there_and_those_that_lack() -> None:
    _, [_, problem] = seen([log("SRU.log", 10), log("SRU00008.log", 8)], srudb(8, 9))

    assert (problem.place, problem.expected) == ("offset 296", "log generations 8 to 9 replayed")
    assert problem.found == (
        "beside it, not replayed: 8 (SRU00008.log, begun 2024-03-05 08:00:07 UTC),"
        " 10 (SRU.log, begun 2024-03-05 08:00:07 UTC); not in the evidence: 9"
    )
    assert "since 2024-03-05 08:00:07 UTC (start of generation 8)" in problem.message


def test_without_logs_the_last_opening_bounds_what_lacks() -> None:
    _, [_, problem] = seen([], srudb(8, 4_000_000))

    assert problem.found.startswith("none of them beside it; not in the evidence: 8, 9, 10")
    assert problem.found.endswith("and 3999981 more")
    assert "since the database was opened, 2024-03-05 08:00:07 UTC, or later" in problem.message


def test_a_closed_database_has_no_rows_from_logs() -> None:
    one = log("SRU.log", 8, begin(5), added(2), commit(5))

    got, problems = seen([one], srudb(closed=True))

    assert [r["auto_inc_id"] for r in got] == [1]
    assert problems == []


def test_a_record_of_unknown_length_costs_its_segment_and_is_told() -> None:
    filler = [added(n) for n in range(10, 60)]
    one = log("SRU.log", 8, begin(5), added(2), b"\xf0nonsense", *filler, commit(5))

    got, problems = seen([one])

    assert got[1]["auto_inc_id"] == 2
    assert len(got) < 52
    assert "ese_log_unreadable" in [p.code for p in problems]


def test_a_log_of_an_older_format_is_told_and_not_read() -> None:
    data = bytearray(log_file(8, [begin(5), added(2), commit(5)], MADE))
    struct.pack_into("<II", data, 32, 7, 3704)

    got, problems = seen([artifact("SRU.log", bytes(data))])

    assert [r["auto_inc_id"] for r in got] == [1]
    [problem] = [p for p in problems if p.code == "ese_log_unreadable"]
    assert (problem.place, problem.found) == ("SRU.log offset 32", "7.3704")


def test_downloads_of_a_webcache_in_use_are_taken_from_its_log() -> None:
    columns: Columns = {"EntryId": "i64", "AccessedTime": "i64", "Url": "longtext"}
    tables = {
        "Containers": ({"ContainerId": "i64", "Name": "longtext"}, [{"ContainerId": 12, "Name": "History"}]),
        "Container_12": (columns, [{"EntryId": 1, "Url": "Visited: u@https://a.example/"}]),
    }  # fmt: skip
    data = needing(database({**tables, "MSysObjects": catalog(list(tables))}), 3, 3)
    fresh = insert(5, 11, row(columns, {"EntryId": 2, "Url": "Visited: u@file:///E:/docs/a.lnk"}))
    logs = (artifact("V01.log", log_file(3, [begin(5), fresh, commit(5)])),)

    rows, _ = read(webcache, artifact("WebCacheV01.dat", data, logs))

    old, new = rows["browser_visit"]
    assert (old["url"], old["origin"], old["row_id"]) == ("https://a.example/", "database", 1)
    assert (new["url"], new["origin"], new["row_id"]) == ("file:///E:/docs/a.lnk", "log", 2)
    assert new["database_table"].startswith("Container_12 (History), V01.log offset ")


def tagged(*fields: tuple[int, int, bytes]) -> bytes:
    """A record with tagged columns only: (number, bits of the offset, bytes)."""
    heads, data = b"", b""
    for number, bits, raw in fields:
        heads += struct.pack("<HH", number, 4 * len(fields) + len(data) | bits)
        data += raw
    return struct.pack("<BBH", 0, 127, 4) + heads + data


def test_tagged_values_of_small_pages_have_flags_only_where_they_say_so() -> None:
    record = tagged(
        (256, 0, b"plain"),
        (257, 0x4000, b"\x01long"),
        (258, 0x4000, b"\x05lid1"),
        (259, 0x2000, b""),
    )

    assert values(record, {}, 4096) == {256: b"plain", 257: b"long"}


def test_tagged_values_of_large_pages_always_have_flags() -> None:
    at = tagged(
        (256, 0, b"\x01" + b"a" * 9000),
        (257, 0, b"\x20"),
        (258, 0, b"\x00short"),
        (259, 0, b"\x08x"),
    )

    assert values(at, {}, 32_768) == {256: b"a" * 9000, 258: b"short"}


@pytest.mark.parametrize(
    "record", [b"", b"\x00\x7f\x05", struct.pack("<BBH", 0, 127, 900), b"\xff" * 40]
)
def test_bytes_that_are_no_record_have_no_values(record: bytes) -> None:
    assert values(record, {}, 4096) is None


@given(st.binary(max_size=60), st.sampled_from([4096, 32_768]))
def test_any_bytes_have_values_or_none(record: bytes, page: int) -> None:
    found = values(record, {1: 4, 2: 15}, page)

    assert found is None or all(len(value) <= 65_536 for value in found.values())


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 12_287), st.binary(min_size=1, max_size=8)), max_size=12),
    st.integers(0, 12_288),
)
def test_mutated_logs_give_rows_and_problems_only(
    wounds: list[tuple[int, bytes]], cut: int
) -> None:
    whole = bytearray(log_file(8, [begin(5), *(added(n) for n in range(2, 60)), commit(5)], MADE))
    for at, wound in wounds:
        whole[at : at + len(wound)] = wound

    got, problems = seen([artifact("SRU.log", bytes(whole[:cut]))])

    assert got[0]["auto_inc_id"] == 1
    assert "ese_logs_not_replayed" in [p.code for p in problems]


@needs_shared
@pytest.mark.parametrize("name", ["SRU00008.log", "SRU.log"])
def test_rows_of_real_logs_are_those_that_the_database_holds(name: str) -> None:
    """The database was closed after these logs: libesedb's rows are the measure of ours from the log's bytes."""
    folder = REAL / "AndrewRathbun_DFIRArtifactMuseum/srum_win10_dirty"
    data = bytearray((folder / "SRUDB.dat").read_bytes())
    whole, _ = read(srum, artifact("SRUDB.dat", bytes(data)))
    by_number = {r["auto_inc_id"]: r for r in whole["srum_app_usage"]}
    logs = (artifact(name, (folder / name).read_bytes()),)
    struct.pack_into("<I", data, 52, 2)
    from parsers import ese
    from parsers.evtx.problems import Problems
    from parsers.srum.tables import SOURCES

    columns = SOURCES[USAGE][1]
    given_artifact = artifact("SRUDB.dat", bytes(data), logs)
    problems = Problems()
    with ese.opened(given_artifact, problems, rows_taken=True) as found:
        assert found is not None
        logged = found.log_rows({USAGE: ("AutoIncId", *columns.values())})[USAGE]

    assert len(logged) == {"SRU00008.log": 84, "SRU.log": 6}[name]
    for one in logged:
        same = by_number[ese.integer(one.values["AutoIncId"])]
        assert {k: ese.integer(one.values.get(v)) for k, v in columns.items()} == {
            k: same[k] for k in columns
        }
    assert "ese_log_unreadable" not in [p.code for p in problems.close() if isinstance(p, Problem)]
