"""The $MFT parser on built, damaged and real files."""

import csv
import io
import struct
from collections import Counter
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers import mft
from parsers.contract import Artifact, Batch, Problem
from parsers.frames import schema_of
from parsers.mft import blocks, paths
from tests.builders.mft import DOS, MftBuilder, Times, filetime, protect
from tests.shared import CASES, REAL, needs_shared

OLD = datetime(2023, 1, 1, tzinfo=UTC)
MARK = b"[ZoneTransfer]\r\nZoneId=3\r\nHostUrl=https://h.example/a.iso\r\n"
DOWNLOADS = r"\Users\ann\Downloads"
SEEN = Times(
    datetime(2024, 3, 5, 9, 30, 0, 123456, UTC),
    datetime(2024, 3, 5, 9, 31, tzinfo=UTC),
    datetime(2024, 3, 5, 9, 32, tzinfo=UTC),
    datetime(2024, 3, 5, 9, 33, tzinfo=UTC),
)


class Result:
    """Frames by table and all problems of one read; every frame is checked against its table."""

    def __init__(self, data: bytes, name: str = "$MFT") -> None:
        tables = {t.name: t for t in mft.TABLES}
        frames: dict[str, list[pl.DataFrame]] = {name: [] for name in tables}
        self.problems: list[Problem] = []
        for item in mft.parse(Artifact(name, lambda: io.BytesIO(data), len(data))):
            if isinstance(item, Batch):
                schema = schema_of(tables[item.table])
                assert dict(item.frame.schema).items() <= schema.items()
                frames[item.table].append(item.frame)
            else:
                self.problems.append(item)
        self.frames = {
            name: pl.concat([_empty(name), *parts], how="diagonal")
            for name, parts in frames.items()
        }

    @property
    def codes(self) -> Counter[str]:
        return Counter(p.code for p in self.problems)

    def rows(self, table: str, **wanted: object) -> list[dict[str, object]]:
        """Rows of a table whose columns equal what is wanted."""
        found = self.frames[table].iter_rows(named=True)
        return [r for r in found if all(r[k] == v for k, v in wanted.items())]

    def row(self, table: str, **wanted: object) -> dict[str, object]:
        """The only such row."""
        (row,) = self.rows(table, **wanted)
        return row


def _empty(table: str) -> pl.DataFrame:
    return pl.DataFrame(schema=schema_of(next(t for t in mft.TABLES if t.name == table)))


def _builder(record_bytes: int = 1024) -> MftBuilder:
    return MftBuilder(OLD, record_bytes)


def _ns(table_row: dict[str, object], column: str) -> object:
    value = table_row[column]
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


@pytest.mark.parametrize("record_bytes", [1024, 4096])
def test_marked_download_gives_entry_names_streams_and_mark(record_bytes: int) -> None:
    builder = _builder(record_bytes)
    number = builder.add_file(
        DOWNLOADS + r"\invoice.iso",
        SEEN,
        3_000_000,
        streams={"Zone.Identifier": MARK},
        short_name="INVOIC~1.ISO",
        usn=4711,
    )

    result = Result(builder.build())

    entry = result.row("mft_entry", record=number)
    assert (entry["state"], entry["in_use"], entry["is_directory"]) == ("file", True, False)
    assert _ns(entry, "si_created_utc") == SEEN.created
    assert _ns(entry, "si_accessed_utc") == SEEN.accessed
    assert (entry["si_usn"], entry["si_flags"], entry["base_record"]) == (4711, 0x20, None)
    assert entry["record_offset"] == number * record_bytes
    names = result.rows("mft_name", record=number)
    assert [(n["namespace"], n["path"]) for n in names] == [
        (DOS, DOWNLOADS + r"\INVOIC~1.ISO"),
        (1, DOWNLOADS + r"\invoice.iso"),
    ]
    assert {n["fn_size_bytes"] for n in names} == {3_000_000}
    main, named = result.rows("mft_stream", record=number)
    assert (main["stream"], main["resident"], main["size_bytes"]) == ("", False, 3_000_000)
    assert (named["stream"], named["content"]) == ("Zone.Identifier", MARK)
    zone = result.row("zone_identifier")
    assert (zone["path"], zone["zone_id"]) == (DOWNLOADS + r"\invoice.iso", 3)
    assert (zone["host_url"], zone["origin"]) == ("https://h.example/a.iso", "attribute")
    assert _ns(zone, "si_mft_changed_utc") == SEEN.mft_changed
    assert not result.problems


def test_empty_slots_are_no_rows() -> None:
    result = Result(_builder().build())

    assert result.frames["mft_entry"]["record"].to_list() == list(range(12))


def test_root_has_the_path_of_a_backslash() -> None:
    assert Result(_builder().build()).row("mft_name", record=5)["path"] == "\\"


def test_times_keep_100_ns() -> None:
    builder = _builder()
    builder.add_file(r"\a.txt", Times.all(133_541_226_001_234_567), 1)

    created = Result(builder.build()).frames["mft_entry"]["si_created_utc"].cast(pl.Int64)[-1]

    assert created == (133_541_226_001_234_567 - 116_444_736_000_000_000) * 100


def test_zero_time_is_null_and_forged_time_is_null_with_its_raw_value() -> None:
    builder = _builder()
    number = builder.add_file(r"\a", Times(0, 2**63, filetime(OLD), filetime(OLD)), 1)

    result = Result(builder.build())

    entry = result.row("mft_entry", record=number)
    assert (entry["si_created_utc"], entry["si_modified_utc"]) == (None, None)
    (problem,) = result.problems
    assert (problem.code, problem.place) == ("time_out_of_range", f"record {number}")
    assert "si_modified_utc = 0x8000000000000000" in problem.found


def test_hard_links_are_rows_of_one_record() -> None:
    builder = _builder()
    number = builder.add_file(r"\a\one.txt", OLD, 5)
    builder.add_hard_link(number, r"\b\two.txt")

    found = Result(builder.build()).rows("mft_name", record=number)

    assert [n["path"] for n in found] == [r"\a\one.txt", r"\b\two.txt"]


def test_deleted_file_keeps_its_path_and_mark() -> None:
    builder = _builder()
    number = builder.add_file(
        r"\d\x.iso", SEEN, 10, streams={"Zone.Identifier": MARK}, deleted=True
    )

    result = Result(builder.build())

    zone = result.row("zone_identifier")
    assert (zone["record"], zone["sequence"], zone["in_use"]) == (number, 2, False)
    assert zone["path"] == r"\d\x.iso"


def test_file_in_a_deleted_directory_has_its_path_with_a_doubt() -> None:
    builder = _builder()
    builder.add_directory(r"\gone", deleted=True)
    builder.add_file(r"\gone\x.iso", SEEN, 10, deleted=True)

    name = Result(builder.build()).row("mft_name", name="x.iso")

    assert (name["path"], name["path_status"]) == (r"\gone\x.iso", "deleted_parent")


def test_file_whose_directory_record_was_used_again_is_an_orphan() -> None:
    builder = _builder()
    folder = builder.add_directory(r"\old")
    builder.add_file(r"\old\x.iso", SEEN, 10)
    data = _patched(builder.build(), folder, 16, struct.pack("<H", 9))

    name = Result(data).row("mft_name", name="x.iso")

    assert (name["path"], name["path_status"]) == (r"\$Orphan\x.iso", "orphan")


def test_streams_in_an_extension_record_belong_to_the_file() -> None:
    builder = _builder()
    number = builder.add_file(r"\x.iso", SEEN, 10, streams={"Zone.Identifier": MARK}, spread=True)

    result = Result(builder.build())

    zone = result.row("zone_identifier")
    assert (zone["record"], zone["path"]) == (number, r"\x.iso")
    assert zone["stored_in"] != number
    assert _ns(zone, "si_created_utc") == SEEN.created
    extension = result.row("mft_entry", base_record=number)
    assert (extension["base_sequence"], extension["stale_extension"]) == (1, False)
    assert result.row("mft_entry", record=number)["has_attribute_list"]
    assert result.row("mft_stream", stream="Zone.Identifier")["record"] == number


def test_extension_whose_base_was_used_again_stands_alone() -> None:
    builder = _builder()
    number = builder.add_file(r"\x.iso", SEEN, 10, streams={"Zone.Identifier": MARK}, spread=True)
    data = _patched(builder.build(), number, 16, struct.pack("<H", 7))

    result = Result(data)

    zone = result.row("zone_identifier")
    assert (zone["record"], zone["path"]) == (zone["stored_in"], None)
    assert result.codes == {"stale_extension": 1}


def test_mark_outside_the_mft_says_so() -> None:
    builder = _builder()
    builder.add_file(
        r"\x.iso", SEEN, 10, streams={"ZONE.identifier": MARK}, non_resident=["ZONE.identifier"]
    )

    zone = Result(builder.build()).row("zone_identifier")

    assert (zone["resident"], zone["zone_id"], zone["text"]) == (False, None, None)
    assert zone["remarks"] == f"content not in the $MFT, {len(MARK)} bytes"


def test_removed_mark_is_found_in_record_slack_and_labelled() -> None:
    builder = _builder()
    builder.add_file(r"\x.iso", SEEN, 10, removed={"Zone.Identifier": MARK})

    result = Result(builder.build())

    zone = result.row("zone_identifier")
    assert (zone["origin"], zone["zone_id"], zone["path"]) == ("slack", 3, r"\x.iso")
    assert str(zone["remarks"]).startswith("from record slack")
    assert not result.rows("mft_stream", stream="Zone.Identifier")


def test_names_outside_ascii_and_lone_surrogates_survive() -> None:
    builder = _builder()
    builder.add_file("\\Rechnung \u0441\u0447\u0451\u0442 \U0001f4bf.iso", SEEN, 1)
    builder.add_file("\\bad\ud800name", SEEN, 1)

    result = Result(builder.build())

    assert result.row("mft_name", name="Rechnung \u0441\u0447\u0451\u0442 \U0001f4bf.iso")
    assert result.row("mft_name", name_lossy=True)["path"] == "\\bad\ufffdname"


def test_directories_in_a_cycle_are_marked() -> None:
    builder = _builder()
    upper = builder.add_directory(r"\a")
    lower = builder.add_directory(r"\a\b")
    data = bytearray(builder.build())
    at = upper * 1024 + bytes(data[upper * 1024 : (upper + 1) * 1024]).index(
        struct.pack("<Q", 5 << 48 | 5)
    )
    struct.pack_into("<Q", data, at, 1 << 48 | lower)

    result = Result(bytes(data))

    assert result.row("mft_name", record=lower)["path_status"] == "cycle_or_too_deep"
    assert result.codes == {"path_cycle": 2}


def test_path_bomb_ends_in_null_paths_instead_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    builder = _builder()
    chain = ""
    for depth in range(40):
        chain += "\\" + f"{depth:02}" * 50
        builder.add_directory(chain)
    monkeypatch.setattr("parsers.mft.reader.PATH_BUDGET", 20_000)

    result = Result(builder.build())

    made = result.frames["mft_name"]["path"].drop_nulls().str.len_bytes().sum()
    assert made <= 20_000 + 120 * 1024
    assert result.codes["path_too_long"] > 0


def test_paths_survive_a_damaged_root_record() -> None:
    builder = _builder()
    builder.add_file(r"\a\x.iso", SEEN, 1)
    data = bytearray(builder.build())
    data[5 * 1024 : 6 * 1024] = bytes(1024)

    assert Result(bytes(data)).row("mft_name", name="x.iso")["path"] == r"\a\x.iso"


def test_part_of_an_mft_is_numbered_by_its_headers() -> None:
    builder = _builder()
    number = builder.add_file(r"\a\x.iso", SEEN, 1)
    data = builder.build()[(number - 1) * 1024 :]

    result = Result(data)

    name = result.row("mft_name", record=number)
    assert (name["path"], name["record_offset"]) == (r"\a\x.iso", 1024)
    assert result.codes == {"starts_inside": 1}


def test_torn_sector_is_marked_and_the_rest_is_read() -> None:
    builder = _builder()
    number = builder.add_file(r"\x.iso", SEEN, 1)
    data = bytearray(builder.build())
    data[number * 1024 + 1022 : number * 1024 + 1024] = b"\x77\x77"

    result = Result(bytes(data))

    assert result.row("mft_entry", record=number)["torn_sectors"] == 2
    assert result.row("mft_name", record=number)["path"] == r"\x.iso"
    assert result.codes == {"torn_record": 1}


def test_baad_record_is_read_and_unknown_mark_is_reported() -> None:
    builder = _builder()
    first, second = builder.add_file(r"\x", SEEN, 1), builder.add_file(r"\y", SEEN, 1)
    data = bytearray(builder.build())
    data[first * 1024 : first * 1024 + 4] = b"BAAD"
    data[second * 1024 : second * 1024 + 4] = bytes(4)

    result = Result(bytes(data))

    assert result.row("mft_entry", record=first)["state"] == "baad"
    assert result.row("mft_name", record=first)["path"] == r"\x"
    unknown = result.row("mft_entry", record=second)
    assert (unknown["state"], unknown["sequence"]) == ("unknown", None)
    assert result.codes == {"unknown_record": 1}


def test_cut_last_record_is_reported_and_what_is_whole_is_read() -> None:
    builder = _builder()
    number = builder.add_file(r"\x", SEEN, 1)

    result = Result(builder.build()[:-100])

    assert result.codes["cut_last_record"] == 1
    assert result.row("mft_name", record=number)["path"] == r"\x"


def test_name_past_its_attribute_is_refused_and_reported() -> None:
    builder = _builder()
    number = builder.add_file(r"\abcdef", SEEN, 1)
    data = bytearray(builder.build())
    at = bytes(data).index("abcdef".encode("utf-16-le"))
    data[at - 2] = 255

    result = Result(bytes(data))

    assert not result.rows("mft_name", record=number)
    assert result.codes == {"name_past_attribute": 1}


def test_name_past_the_stated_end_of_its_value_but_in_the_attribute_is_read_and_reported() -> None:
    builder = _builder()
    number = builder.add_file(r"\win98.c", SEEN, 1)
    data = bytearray(builder.build())
    name = bytes(data).index("win98.c".encode("utf-16-le"))
    data[name - 66 - 8] -= 4

    result = Result(bytes(data))

    assert result.row("mft_name", record=number)["path"] == r"\win98.c"
    assert result.codes == {"name_past_value": 1}


def test_name_that_would_take_in_padding_is_refused() -> None:
    builder = _builder()
    number = builder.add_file(r"\win98c", SEEN, 1)
    data = bytearray(builder.build())
    data[bytes(data).index("win98c".encode("utf-16-le")) - 2] += 1

    result = Result(bytes(data))

    assert not result.rows("mft_name", record=number)
    assert result.codes == {"name_past_attribute": 1}


KIND, LENGTH, NON_RESIDENT, VALUE_LENGTH, FIRST_VCN = 0, 4, 8, 16, 16


@pytest.mark.parametrize(
    ("attribute", "field", "value"),
    [
        (0x10, KIND, 0x17),
        (0x30, KIND, 0x1030),
        (0x30, KIND, 0xFFFFFFFF),
        (0x30, KIND, 0x0),
        (0x30, KIND, 0x90),
        (0x10, VALUE_LENGTH, 47),
        (0x10, VALUE_LENGTH, 80),
        (0x10, LENGTH, 96 + 112),
        (0x30, VALUE_LENGTH, 65),
        (0x30, NON_RESIDENT, 1),
        (0x80, FIRST_VCN, 3),
    ],
)
def test_attribute_that_cannot_be_what_it_says_is_told(
    attribute: int, field: int, value: int
) -> None:
    builder = _builder()
    number = builder.add_file(r"\x.iso", SEEN, 3_000_000)
    data = bytearray(builder.build())
    at = _attribute(data, number, attribute)
    struct.pack_into("<B" if field == NON_RESIDENT else "<I", data, at + field, value)

    result = Result(bytes(data))

    assert result.row("mft_entry", record=number)["broken"]
    assert result.codes == {"broken_record": 1}


def _attribute(data: bytearray, record: int, kind: int) -> int:
    """Offset of the first attribute of a kind."""
    at = record * 1024 + int(struct.unpack_from("<H", data, record * 1024 + 20)[0])
    while (found := struct.unpack_from("<II", data, at))[0] != kind:
        at += found[1]
    return at


def test_freed_extension_gives_nothing_to_the_file_that_once_had_it() -> None:
    builder = _builder()
    number = builder.add_file(r"\x.iso", SEEN, 10, streams={"Zone.Identifier": MARK}, spread=True)
    whole = builder.build()
    extension = Result(whole).row("mft_entry", base_record=number)["record"]
    assert isinstance(extension, int)

    result = Result(_patched(whole, extension, 22, b"\0\0"))

    assert result.row("zone_identifier")["record"] == extension
    assert result.row("mft_entry", record=extension)["stale_extension"]
    assert result.codes == {"stale_extension": 1}


def test_extension_of_a_deleted_file_stays_with_it() -> None:
    builder = _builder()
    number = builder.add_file(
        r"\x.iso", SEEN, 10, streams={"Zone.Identifier": MARK}, spread=True, deleted=True
    )
    whole = builder.build()
    extension = Result(whole).row("mft_entry", base_record=number)["record"]
    assert isinstance(extension, int)

    result = Result(_patched(whole, extension, 22, b"\0\0"))

    assert result.row("zone_identifier")["path"] == r"\x.iso"
    assert not result.problems


def test_record_that_claims_to_extend_a_directory_does_not_rename_it() -> None:
    builder = _builder()
    liar = builder.add_file(r"\aaa", SEEN, 1)
    folder = builder.add_directory(r"\Reports")
    inside = builder.add_file(r"\Reports\q1.docx", SEEN, 1)
    claim = struct.pack("<Q", folder | 1 << 48)

    result = Result(_patched(builder.build(), liar, 32, claim))

    assert result.row("mft_name", record=inside)["path"] == r"\Reports\q1.docx"
    assert result.row("mft_name", record=folder)["name"] == "Reports"
    assert result.row("mft_entry", record=liar)["stale_extension"]


def test_problems_of_one_kind_are_bounded() -> None:
    builder = _builder()
    for k in range(250):
        builder.add_file(f"\\{k}", Times.all(2**63), 1, fn_times=Times.all(OLD))

    codes = Result(builder.build()).codes

    assert codes == {"time_out_of_range": 201}


def test_result_does_not_depend_on_the_block_size(monkeypatch: pytest.MonkeyPatch) -> None:
    data = _mixed()
    whole = Result(data)
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 8192)

    small = Result(data)

    for table, frame in whole.frames.items():
        order = [name for name in ("record_offset", "record", "offset") if name in frame.columns]
        assert (
            small.frames[table]
            .sort(order, maintain_order=True)
            .equals(frame.sort(order, maintain_order=True))
        )


@pytest.mark.parametrize("size", [0, 1, 3, 511, 1023])
def test_tiny_files_raise_nothing_and_say_that_they_are_cut(size: int) -> None:
    assert Result(_mixed()[:size]).codes["cut_last_record"] == (size > 0)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 1 << 20), st.binary(min_size=1, max_size=8)), max_size=40),
    st.integers(0, 3000),
    st.booleans(),
)
def test_no_mutation_raises(edits: list[tuple[int, bytes]], cut: int, reseal: bool) -> None:
    data = bytearray(_mixed())
    for at, new in edits:
        start = at % len(data)
        data[start : start + len(new)] = new[: len(data) - start]
    if reseal:
        for at in range(64 * 1024, len(data) - 1023, 1024):
            record = data[at : at + 1024]
            if struct.unpack_from("<H", record, 4)[0] <= 1024 - 6:
                protect(record)
                data[at : at + 1024] = record

    Result(bytes(data[: len(data) - cut]))


@cache
def _mixed() -> bytes:
    """A tree with everything the builder knows."""
    builder = _builder()
    kinds: tuple[dict[str, Any], ...] = (
        {"streams": {"Zone.Identifier": MARK}},
        {"streams": {"Zone.Identifier": MARK, "b": b"x" * 300}, "spread": True},
        {"deleted": True, "short_name": "X~1"},
        {"removed": {"Zone.Identifier": MARK}},
        {"content": b"hello", "streams": {"\u00fc": b""}},
    )
    for k in range(20):
        builder.add_file(f"\\d{k % 4}\\e{k % 3}\\file {k}.iso", SEEN, 9, **kinds[k % 5])
    builder.add_hard_link(builder.record_of(r"\d0\e0\file 0.iso"), r"\link.iso")
    builder.add_directory(r"\gone", deleted=True)
    builder.add_file(r"\gone\x", SEEN, 1)
    return builder.build()


def _patched(data: bytes, record: int, offset: int, new: bytes) -> bytes:
    """The bytes with one field of a record's header replaced (not at a sector's end)."""
    at = record * 1024 + offset
    return data[:at] + new + data[at + len(new) :]


HEAD = _mixed()[:4096]


@pytest.mark.parametrize(
    "name",
    ["$MFT", "%24MFT", "$MFT_C", "MFT", "mft.bin", "C_$MFT", "host.mft", "C%3A$MFT", "odd.dat"],
)
def test_recognises_an_mft_by_name_and_head(name: str) -> None:
    assert mft.recognise(name, HEAD)


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("$MFTMirr", HEAD),
        ("$MFT", b""),
        ("$MFT", b"MZ" + bytes(4094)),
        ("FILE.txt", b"FILE is a word" + bytes(2000)),
        ("draft.txt", b"FILE0" + bytes(2000)),
    ],
)
def test_leaves_other_files_alone(name: str, head: bytes) -> None:
    assert not mft.recognise(name, head)


def test_recognises_an_mft_whose_first_record_is_wiped() -> None:
    assert mft.recognise("$MFT", bytes(1024) + HEAD[1024:])


def test_names_below_the_deepest_directory_allowed_have_paths_and_no_others() -> None:
    builder = _builder()
    chain = ""
    for _ in range(paths.MAX_DEPTH + 5):
        chain += "\\d"
        builder.add_directory(chain)

    statuses = Counter(Result(builder.build()).frames["mft_name"]["path_status"])

    assert statuses["cycle_or_too_deep"] == 4  # the fifth hangs below level 255


def _real() -> list[dict[str, str]]:
    manifest = REAL / "MANIFEST.csv"
    if not manifest.is_file():
        return []
    with manifest.open(newline="") as file:
        return [r for r in csv.DictReader(file) if r["kind"] in ("mft", "mft_record")]


@needs_shared
@pytest.mark.parametrize("row", _real(), ids=lambda r: r["path"])
def test_real_files_give_the_counts_of_their_manifest(row: dict[str, str]) -> None:
    path = REAL / row["path"]
    data = path.read_bytes()

    assert mft.recognise(path.name, data[:4096])
    result = Result(data, path.name)

    entries = result.frames["mft_entry"]
    assert entries.height == int(row["records"])
    marks = row["note"].split("; ")[-2 if "libfsntfs counts" in row["note"] else -1]
    files = entries.filter(pl.col("state") == "file").height
    assert marks.startswith(f"{files} FILE marks")
    zones = result.rows("zone_identifier", origin="attribute")
    if "Zone.Identifier" in row["note"].split("named data streams")[-1]:
        assert f" {len(zones)} Zone.Identifier" in row["note"]


@needs_shared
def test_marks_of_all_synthetic_cases_have_a_path() -> None:
    found = 0
    for path in sorted(Path(CASES).glob("*/evidence/**/$MFT")):
        result = Result(path.read_bytes())
        zones = result.frames["zone_identifier"]
        assert zones["path"].null_count() == 0
        found += zones.height
    assert found


def _file_name(
    name: str, parent: int, size: int = 4096, times: int = 133_541_118_000_000_001
) -> bytes:
    """A $FILE_NAME value; the times rise by one from the first on."""
    head = struct.pack("<Q4QQQII", parent, *range(times, times + 4), size, size - 1, 0x22, 0)
    return head + bytes([len(name), 1]) + name.encode("utf-16-le")


def _with_slack(left: bytes) -> tuple[bytes, int]:
    """An $MFT with a file that has these bytes in the second sector of its record; (bytes, record)."""
    builder = _builder()
    number = builder.add_file(rf"{DOWNLOADS}\now.txt", SEEN, content=b"x")
    return _patched(builder.build(), number, 528, left), number


def test_names_of_images_and_links_in_record_slack_are_rows_with_their_place() -> None:
    left = _file_name("invoice.iso", 5 << 48 | 77).ljust(104, b"\0")
    left += _file_name("notes.txt", 5 << 48 | 77).ljust(96, b"\0")
    left += _file_name("Open.LNK", 5 << 48 | 77)
    data, number = _with_slack(left)

    read = Result(data)

    rows = read.rows("mft_slack_name")
    assert [(r["name"], r["name_class"]) for r in rows] == [
        ("invoice.iso", "image"),
        ("Open.LNK", "link"),
    ]
    first = rows[0]
    assert (first["parent_record"], first["parent_sequence"]) == (77, 5)
    assert (first["stored_in"], first["stored_in_sequence"]) == (number, 1)
    assert (first["size_bytes"], first["allocated_bytes"]) == (4095, 4096)
    assert first["file_attributes"] == "HIDDEN|ARCHIVE"
    assert first["offset"] == data.index(left)
    (created,) = read.frames["mft_slack_name"]["created_utc"].dt.epoch("ns")[:1]
    assert created == (133_541_118_000_000_001 - 116_444_736_000_000_000) * 100
    assert read.problems == []


def test_names_that_are_there_are_no_names_in_slack() -> None:
    builder = _builder()
    builder.add_file(rf"{DOWNLOADS}\here.iso", SEEN, content=b"x")

    assert Result(builder.build()).rows("mft_slack_name") == []


@pytest.mark.parametrize(
    "left",
    [
        _file_name("invoice.iso", 77, times=1),
        _file_name("inv\x01ice.iso", 77),
        _file_name("invoice.iso", 77)[:-2],
        _file_name("invoice.iso", 77, size=1 << 62),
    ],
)
def test_what_is_no_whole_believable_name_is_left(left: bytes) -> None:
    data, _ = _with_slack(left)

    assert Result(data).rows("mft_slack_name") == []


@needs_shared
def test_real_names_in_slack_of_folders_name_these_as_their_parent() -> None:
    path = REAL / "AndrewRathbun_DFIRArtifactMuseum/mft_xw/$MFT"
    found = Result(path.read_bytes()).rows("mft_slack_name") or Result(
        (path.parents[1] / "mft_tdungan_first8_5MiB/$MFT").read_bytes()
    ).rows("mft_slack_name")

    assert len(found) == 41
    assert all(r["parent_record"] in (None, r["stored_in"]) for r in found)
