"""Small wounds in a chunk: what they touch is marked, nothing else changes, and no value is shown that was not logged."""

import io
import json
import struct
from datetime import UTC, datetime

import polars as pl
import pytest

from parsers import evtx
from parsers.contract import Artifact, Batch, Part, Problem
from tests.builders.evtx import CHUNK_BYTES, FILE_HEADER_BYTES, EvtxWriter, UserData
from tests.builders.evtx_values import Kind, Value, f64, sid, systemtime, text

NOON = datetime(2024, 5, 14, 12, tzinfo=UTC)
SYSMON = "Microsoft-Windows-Sysmon"


def sysmon_log(count: int) -> bytearray:
    log = EvtxWriter(f"{SYSMON}/Operational", "WS-1")
    for n in range(count):
        fields = [
            ("UtcTime", "2024-05-14 12:00:00.000"),
            ("ProcessId", 1000 + n),
            ("Image", rf"C:\Tools\number {n}.exe"),
            ("User", r"WS-1\user"),
        ]
        log.add(SYSMON, 5, NOON, fields)
    return bytearray(log.build())


def read(raw: bytes | bytearray) -> tuple[pl.DataFrame, list[Problem]]:
    """Rows in the order of their place, and the problems."""
    items = list(evtx.parse(Artifact("A.evtx", lambda: io.BytesIO(raw), len(raw))))
    frames = [i.frame for i in items if isinstance(i, Batch) and i.table != "evtx_chunk"]
    rows = pl.concat(frames, how="diagonal").sort("record_offset")
    return rows, [i for i in items if isinstance(i, Problem)]


def utf16(text: str) -> bytes:
    return text.encode("utf-16-le")


def test_records_whose_templates_are_lost_are_read_by_those_of_another_chunk() -> None:
    whole, _ = read(sysmon_log(600))
    raw = sysmon_log(600)
    second = FILE_HEADER_BYTES + CHUNK_BYTES
    raw[second : second + 4096] = bytes(4096)

    rows, problems = read(raw)

    hurt = (whole["record_offset"] >= second) & (whole["record_offset"] < second + 4096)
    assert rows["record_offset"].to_list() == whole.filter(~hurt)["record_offset"].to_list()
    alike = ["image", "process_id", "computer", "record_id", "time_utc", "event_id"]
    assert rows.select(alike).equals(whole.filter(~hurt).select(alike))
    in_chunk = (rows["record_offset"] >= second) & (rows["record_offset"] < second + CHUNK_BYTES)
    assert rows["damaged"].equals(in_chunk, check_names=False)
    assert {"chunk_mark_lost", "template_borrowed"} <= {p.code for p in problems}


def test_template_is_not_borrowed_for_values_of_other_types() -> None:
    raw = sysmon_log(600)
    second = FILE_HEADER_BYTES + CHUNK_BYTES
    told = struct.pack("<HBB", 4, Kind.U32, 0)
    at = raw.index(told, second + 40000)
    raw[at : at + 4] = struct.pack("<HBB", 4, Kind.HEX32, 0)
    raw[second : second + 4096] = bytes(4096)

    rows, _ = read(raw)

    offsets = rows["record_offset"].to_list()
    hit = max(o for o in offsets if o < at)
    row = rows.filter(pl.col("record_offset") == hit)
    assert row["image"].to_list() == [None]
    assert row["damaged"].to_list() == [True]


def test_wounded_size_of_a_value_shows_no_shifted_values() -> None:
    raw = sysmon_log(40)
    value = utf16(r"C:\Tools\number 7.exe")
    told = struct.pack("<HBB", len(value), Kind.STRING, 0)
    at = raw.rindex(told, 0, raw.index(value))
    struct.pack_into("<H", raw, at, len(value) - 8)

    rows, problems = read(raw)

    assert rows["damaged"].to_list() == [n == 7 for n in range(40)]
    hurt = rows.row(7, named=True)
    assert (hurt["image"], hurt["user"], hurt["process_id"]) == (None, None, None)
    assert (hurt["computer"], hurt["record_id"]) == ("WS-1", 8)
    assert rows["image"].to_list()[8] == r"C:\Tools\number 8.exe"
    assert "record_unreadable" in {p.code for p in problems}


def test_payload_of_another_type_is_damage() -> None:
    raw = sysmon_log(3)
    head = raw.index(b"**\0\0", raw.index(b"**\0\0", FILE_HEADER_BYTES) + 4)
    stop = head + struct.unpack_from("<I", raw, head + 4)[0]
    at = raw.index(bytes([Kind.BINXML, 0]), head + 40, stop)
    raw[at] = Kind.BINXML ^ 1

    rows, _ = read(raw)

    assert rows["damaged"].to_list() == [False, True, False]


def test_wounded_name_is_no_label_and_marks_its_records() -> None:
    raw = sysmon_log(3)
    at = raw.index(utf16("Keywords"))
    raw[at] ^= 0x40

    rows, _ = read(raw)

    assert rows["damaged"].to_list() == [True] * 3
    assert rows["keywords"].to_list() == [None] * 3
    assert rows["image"].to_list()[2] == r"C:\Tools\number 2.exe"
    assert rows["extra"].null_count() == 3 if "extra" in rows.columns else True


def test_record_that_the_files_end_cuts_keeps_the_values_before_it() -> None:
    raw = sysmon_log(50)
    last = raw.rindex(b"**\0\0")
    cut = raw.index(utf16("2024-05-14 12:00:00.000"), last) + 10

    rows, problems = read(raw[:cut])

    assert len(rows) == 50
    row = rows.row(49, named=True)
    assert row["damaged"]
    assert (row["event_id"], row["record_id"], row["provider"]) == (5, 50, SYSMON)
    assert row["utc_time"] is None
    assert "file_cut" in {p.code for p in problems}


def value_of(*values: Value) -> list[object]:
    """`data` of one event for each value."""
    log = EvtxWriter("Application", "WS-1")
    for value in values:
        log.add("Nobody", 7, NOON, [("Data", value)])
    rows, _ = read(log.build())
    return [json.loads(d)["Data"] for d in rows["data"].to_list()]


BAD_DATE = Value(Kind.SYSTEMTIME, struct.pack("<8H", 2024, 13, 0, 1, 25, 0, 0, 0))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Value(Kind.F32, struct.pack("<f", 16777216.0)), 16777216),
        (f64(0.1 + 0.2), 0.30000000000000004),
        (f64(float("nan")), "NaN"),
        (f64(float("-inf")), "-Infinity"),
        (Value(Kind.FILETIME, struct.pack("<Q", 2**63 - 1)), "0x7fffffffffffffff"),
        (BAD_DATE, BAD_DATE.data.hex().upper()),
        (systemtime(NOON), "2024-05-14T12:00:00.0000000Z"),
        (Value(Kind.SYSTEMTIME, bytes(16)), "00" * 16),
        (Value(Kind.SID, bytes([1, 5, 0, 0, 0, 0, 0, 5])), "0105000000000005"),
        (Value(Kind(0x81), utf16("a\0b\0")), "a"),
    ],
)
def test_value_is_shown_as_logged(value: Value, shown: object) -> None:
    assert value_of(value) == [shown]


def array(kind: Kind, data: bytes) -> bytearray:
    """A log with one array of a type that the writer has no name for."""
    log = EvtxWriter("Application", "WS-1")
    log.add("Nobody", 7, NOON, [("Data", Value(Kind.BINARY, data))])
    raw = bytearray(log.build())
    told = struct.pack("<HBB", len(data), Kind.BINARY, 0)
    assert raw.count(told) == 1
    at = raw.index(told)
    raw[at + 2] = kind | 0x80
    return raw


@pytest.mark.parametrize(
    ("kind", "data", "shown"),
    [
        (Kind.FILETIME, struct.pack("<2Q", 133444736001234567, 2**63 - 1),
         ["2023-11-14T22:13:20.1234567Z", "0x7fffffffffffffff"]),
        (Kind.SYSTEMTIME, systemtime(NOON).data, ["2024-05-14T12:00:00.0000000Z"]),
        (Kind.SID, sid("S-1-5-18").data + sid("S-1-5-32-544").data, ["S-1-5-18", "S-1-5-32-544"]),
        (Kind.ANSI, b"one\0two\0", ["one", "two"]),
        (Kind.BOOL, struct.pack("<2I", 1, 0), [True, False]),
    ],
)  # fmt: skip
def test_array_is_shown_by_its_items(kind: Kind, data: bytes, shown: list[object]) -> None:
    rows, _ = read(array(kind, data))

    assert json.loads(rows["data"][0])["Data"] == shown


def test_pointers_of_32_and_64_bits_beside_each_other() -> None:
    log = EvtxWriter("Application", "WS-1")
    for data in (struct.pack("<I", 4096), struct.pack("<Q", 1 << 40)):
        log.add("Nobody", 7, NOON, [("Data", Value(Kind.BINARY, data))])
    raw = bytearray(log.build())
    for size in (4, 8):
        at = raw.index(struct.pack("<HBB", size, Kind.BINARY, 0))
        raw[at + 2] = 0x10  # SIZE_T

    rows, _ = read(raw)

    assert [json.loads(d)["Data"] for d in rows["data"].to_list()] == ["0x1000", "0x10000000000"]


def test_array_leaves_the_name_of_a_field_behind_it() -> None:
    log = EvtxWriter("Application", "WS-1")
    log.add("Nobody", 7, NOON, [("", ["p", "q"]), ("", "x")])

    rows, _ = read(log.build())
    pairs = json.loads(rows["data"][0], object_pairs_hook=list)

    assert sorted(v for _, v in pairs) == ["p", "q", "x"]
    assert len({k for k, _ in pairs}) == 3


def test_names_of_xml_namespaces_are_no_data() -> None:
    log = EvtxWriter("Application", "WS-1")
    log.add("Nobody", 7, NOON, [("Data", text("a"))])
    raw = bytes(log.build())

    rows, _ = read(raw)

    assert not any("xmlns" in d for d in rows["data"].to_list())


def test_names_lost_in_a_chunk_are_those_of_the_same_template_in_another() -> None:
    raw = sysmon_log(600)
    whole, _ = read(raw)
    second = FILE_HEADER_BYTES + CHUNK_BYTES
    names = raw.index(utf16("ProcessId"), second)
    raw[names : names + 18] = bytes(18)

    rows, problems = read(raw)

    alike = ["image", "process_id", "computer", "record_id", "time_utc", "event_id"]
    assert rows.select(alike).equals(whole.select(alike))
    in_chunk = (rows["record_offset"] >= second) & (rows["record_offset"] < second + CHUNK_BYTES)
    assert rows["damaged"].equals(in_chunk, check_names=False)
    assert "template_borrowed" in {p.code for p in problems}


def test_wounded_size_in_system_shows_only_what_stands_before_it() -> None:
    raw = sysmon_log(3)
    first = raw.index(b"**\0\0", FILE_HEADER_BYTES)
    head = raw.index(b"**\0\0", first + 4)
    at = raw.index(struct.pack("<HBB", 8, Kind.FILETIME, 0), head)
    struct.pack_into("<H", raw, at, 12)

    rows, _ = read(raw)

    row = rows.row(1, named=True)
    assert row["damaged"]
    assert (row["event_id"], row["level"], row["provider"]) == (5, 4, SYSMON)
    assert (row["record_id"], row["execution_process_id"], row["image"]) == (None, None, None)
    assert rows["damaged"].to_list() == [False, True, False]


def test_type_wounded_in_one_record_takes_nothing_from_the_others() -> None:
    raw = sysmon_log(40)
    value = utf16(r"C:\Tools\number 7.exe")
    at = raw.rindex(struct.pack("<HBB", len(value), Kind.STRING, 0), 0, raw.index(value))
    raw[at + 2] = Kind.BINXML

    rows, _ = read(raw)

    assert rows["damaged"].to_list() == [n == 7 for n in range(40)]
    shown = [None if n == 7 else rf"C:\Tools\number {n}.exe" for n in range(40)]
    assert rows["image"].to_list() == shown


def test_lost_name_above_a_field_costs_its_place_only() -> None:
    log = EvtxWriter("Application", "WS-1")
    given = UserData("EventXML", "urn:x", [("Param1", "a"), ("Param3", "192.0.2.7")])
    log.add("Nobody", 7, NOON, user_data=given)
    raw = bytearray(log.build())
    for name in ("UserData", "EventXML"):
        raw[raw.index(utf16(name))] ^= 1

    rows, _ = read(raw)

    assert json.loads(rows["data"][0]) == {"Param1": "a", "Param3": "192.0.2.7"}
    assert rows["damaged"].to_list() == [True]


def test_what_is_borrowed_does_not_depend_on_how_the_log_is_cut() -> None:
    raw = bytes(wounded_everywhere())
    artifact = Artifact("A.evtx", lambda: io.BytesIO(raw), len(raw))
    cut = len(raw) // 2 // CHUNK_BYTES // 256 * 256 * CHUNK_BYTES + FILE_HEADER_BYTES

    def rows(*parts: Part) -> list[tuple[object, ...]]:
        frames = [
            item.frame.select("record_offset", "image", "damaged")
            for part in parts
            for item in evtx.parse_part(artifact, part)
            if isinstance(item, Batch) and item.table == "sysmon_process_terminate"
        ]
        return pl.concat(frames).sort("record_offset").rows()

    assert rows(Part(0, cut), Part(cut, None)) == rows(Part(0, None))


def wounded_everywhere() -> bytearray:
    """512 chunks, made of one pair; in every hundredth the head is gone."""
    pair = sysmon_log(600)
    body = pair[FILE_HEADER_BYTES : FILE_HEADER_BYTES + 2 * CHUNK_BYTES]
    raw = pair[:FILE_HEADER_BYTES] + body * 256
    for chunk in range(50, 512, 100):
        at = FILE_HEADER_BYTES + chunk * CHUNK_BYTES
        raw[at : at + 4096] = bytes(4096)
    return raw
