import re
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from parsers import i30
from tests.builders.i30 import PAGE, Name, page, with_fixups
from tests.parsers.reading import artifact, read
from tests.shared import REAL, needs_shared

NOON = datetime(2024, 3, 5, 11, 30, tzinfo=UTC).replace(tzinfo=None)
NAMES = [Name(f"file {n:02}.txt", record=100 + n) for n in range(20)]


def test_an_entry_gives_its_file_name_attribute() -> None:
    data = with_fixups(page([Name("Rechnung.iso", flags=0x22)], vcn=5))

    rows, problems = read(i30, artifact("$I30", data))

    assert problems == []
    [row] = rows["i30_entry"]
    assert (row["name"], row["name_class"], row["in_slack"]) == ("Rechnung.iso", "image", False)
    assert (row["created_utc"], row["modified_utc"]) == (NOON, NOON + timedelta(seconds=1))
    assert (row["record"], row["sequence"], row["parent_record"], row["parent_sequence"]) == (
        70,
        3,
        64,
        1,
    )
    assert (row["size_bytes"], row["allocated_bytes"], row["file_attributes"]) == (
        1234,
        4096,
        "HIDDEN|ARCHIVE",
    )
    assert (row["is_directory"], row["namespace"], row["page_vcn"], row["offset"]) == (
        False,
        3,
        5,
        64,
    )


def test_all_entries_of_all_pages_are_read_through_the_fixups() -> None:
    data = with_fixups(page(NAMES)) + bytes(PAGE) + with_fixups(page(NAMES, vcn=1))

    rows, problems = read(i30, artifact("$I30", data))

    assert problems == []
    assert [r["name"] for r in rows["i30_entry"]] == [n.name for n in NAMES] * 2
    assert {r["page_vcn"] for r in rows["i30_entry"]} == {0, 1}


def test_images_and_links_come_first() -> None:
    data = with_fixups(page([Name("a.txt"), Name("b.vhdx"), Name("c.LNK"), Name("d.isolde")]))

    rows, _ = read(i30, artifact("$I30", data))

    got = [(r["name"], r["name_class"]) for r in rows["i30_entry"]]
    assert got == [("b.vhdx", "image"), ("c.LNK", "link"), ("a.txt", None), ("d.isolde", None)]


def test_deleted_entries_are_found_in_the_slack_with_what_is_left_of_them() -> None:
    before = page(NAMES)
    data = with_fixups(page(NAMES[:17], before=before))

    rows, problems = read(i30, artifact("$I30", data))

    slack = [r for r in rows["i30_entry"] if r["in_slack"]]
    got = [(r["name"], r["record"], r["parent_record"]) for r in slack]
    assert problems == []
    assert got == [("file 17.txt", None, 64), ("file 18.txt", 118, 64), ("file 19.txt", 119, 64)]
    assert all(r["created_utc"] == NOON for r in slack)


def test_a_page_without_its_header_is_searched_as_slack() -> None:
    data = bytearray(with_fixups(page([Name("x.iso")])))
    data[:4] = b"BAAD"

    rows, problems = read(i30, artifact("$I30", bytes(data)))

    assert [(r["name"], r["in_slack"], r["record"]) for r in rows["i30_entry"]] == [
        ("x.iso", True, 70)
    ]
    assert [(p.code, p.place) for p in problems] == [("i30_page", "offset 0")]


def test_a_sector_of_another_write_is_told() -> None:
    data = bytearray(with_fixups(page(NAMES)))
    data[1022:1024] = b"\x55\x55"

    rows, problems = read(i30, artifact("$I30", bytes(data)))

    assert len(rows["i30_entry"]) == 20
    assert [(p.code, p.place) for p in problems] == [("i30_torn", "offset 512")]


def test_a_broken_length_ends_the_page_and_the_rest_is_not_lost_silently() -> None:
    data = bytearray(with_fixups(page(NAMES)))
    data[64 + 8 : 64 + 10] = b"\x03\x00"

    rows, problems = read(i30, artifact("$I30", bytes(data)))

    assert [p.code for p in problems] == ["i30_entry"]
    assert "file 01.txt" not in [r["name"] for r in rows["i30_entry"]]


def test_a_name_at_the_very_start_of_a_page_without_header_is_read() -> None:
    data = (bytes(8) + Name("bill.iso").entry()[16:]).ljust(PAGE, b"\xff")

    rows, _ = read(i30, artifact("$I30", data))

    assert [(r["name"], r["in_slack"], r["record"]) for r in rows["i30_entry"]] == [
        ("bill.iso", True, None)
    ]


def test_streams_are_told_by_page_and_name() -> None:
    head = with_fixups(page(NAMES))

    assert i30.recognise("x", head)
    assert i30.recognise("C_Users_$I30", bytes(PAGE) + head)
    assert not i30.recognise("x", b"INDX" + bytes(PAGE))
    assert not i30.recognise("$I30", bytes(PAGE))


BASE = with_fixups(page(NAMES[:5], before=page(NAMES))) + with_fixups(page(NAMES))


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(0, len(BASE) - 1), st.binary(min_size=1, max_size=30)), max_size=9
    ),
    st.integers(0, len(BASE)),
)
def test_mutated_indexes_give_rows_and_problems_only(
    wounds: list[tuple[int, bytes]], end: int
) -> None:
    data = bytearray(BASE)
    for at, wound in wounds:
        data[at : at + len(wound)] = wound

    rows, _ = read(i30, artifact("$I30", bytes(data[:end])))

    assert all(0 <= r["offset"] < end for r in rows["i30_entry"])


@needs_shared
def test_a_real_index_gives_each_name_that_its_bytes_hold() -> None:
    data = (REAL / "AndrewRathbun_DFIRArtifactMuseum/i30_second_delete/$I30").read_bytes()

    rows, problems = read(i30, artifact("$I30", data))

    text = "New Text Document - Copy ("
    wide = re.findall(re.escape(text.encode("utf-16-le")), data)
    found = [r for r in rows["i30_entry"] if r["name"].startswith(text)]
    assert [p.code for p in problems] == []
    lost = 4  # these lie under other entries: their times are gone
    assert len(found) == len(wide) - lost
    assert {r["parent_record"] for r in rows["i30_entry"]} == {118852}
