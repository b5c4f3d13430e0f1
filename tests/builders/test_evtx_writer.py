"""What the EVTX writer writes is read back equal by two independent readers."""

import io
import json
import struct
import uuid
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest
from evtx import PyEvtxParser
from Evtx.Evtx import Evtx  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import evtx_values as v
from tests.builders.evtx import CHUNK_BYTES, EvtxWriter, UserData, name_hash

START = datetime(2024, 2, 29, 23, 59, 58, 125000, tzinfo=UTC)
GUID = "8a2fb2e3-0d6c-4e57-9d0a-5c1f8c0d7e11"
SID = "S-1-5-21-1111111111-2222222222-3333333333-1001"
NAMESPACE = "{http://schemas.microsoft.com/win/2004/08/events/event}"
TYPED: tuple[tuple[str, object, object, str], ...] = (
    ("Text", 'a <b> & "c" é 日本', 'a <b> & "c" é 日本', 'a <b> & "c" é 日本'),
    ("Empty", "", "", ""),
    ("Null", None, "", ""),
    ("U8", v.u8(255), 255, "255"),
    ("I16", v.i16(-2), -2, "-2"),
    ("U16", v.u16(65535), 65535, "65535"),
    ("I32", v.i32(-70000), -70000, "-70000"),
    ("U32", 4294967295, 4294967295, "4294967295"),
    ("I64", v.i64(-(1 << 40)), -(1 << 40), str(-(1 << 40))),
    ("U64", v.u64((1 << 64) - 1), (1 << 64) - 1, str((1 << 64) - 1)),
    ("Yes", True, True, "True"),
    ("No", False, False, "False"),
    ("Bytes", b"\x00\x01\xfe", "0001FE", "AAH+"),
    ("Guid", uuid.UUID(GUID), GUID.upper(), "{" + GUID + "}"),
    ("Time", START, "2024-02-29T23:59:58.125000Z", "2024-02-29 23:59:58.125000+00:00"),
    ("Sid", v.sid(SID), SID, SID),
    ("Hex32", v.hex32(0x1A2C), "0x1a2c", "0x00001a2c"),
    ("Hex64", v.hex64(0xFFFF800000001234), "0xffff800000001234", "0xffff800000001234"),
)
"""Name, value given, value in the Rust reader's JSON, text in python-evtx's XML."""

Render = Callable[[bytes], list[object]]


def rust(data: bytes) -> list[dict[str, object]]:
    records = [r for r in PyEvtxParser(io.BytesIO(data)).records_json() if r is not None]
    return [json.loads(r["data"])["Event"] for r in records]


def python(data: bytes, tmp_path: Path) -> list[ElementTree.Element]:
    path = tmp_path / "log.evtx"
    path.write_bytes(data)
    with Evtx(str(path)) as log:
        assert log.get_file_header().verify()
        assert all(chunk.verify() for chunk in log.chunks())
        return [ElementTree.fromstring(r.xml()) for r in log.records()]


def typed_log(count: int = 1) -> bytes:
    writer = EvtxWriter("Example/Operational", "HOST.example", 501)
    for i in range(count):
        writer.add(
            "Example-Provider",
            42,
            START + timedelta(seconds=i),
            [(n, given) for n, given, *_ in TYPED],
            SID,
            4321,
            8765,
            3,
            2,
            0x8000000000000010,
            provider_guid=GUID,
            task=7,
            opcode=1,
            activity_id=GUID,
        )
    return writer.build()


def test_rust_reader_sees_every_field_of_every_type() -> None:
    (event,) = rust(typed_log())

    assert event["EventData"] == {name: seen for name, _, seen, _ in TYPED}


def test_python_reader_sees_every_field_of_every_type(tmp_path: Path) -> None:
    (event,) = python(typed_log(), tmp_path)

    rows = event.findall(f"{NAMESPACE}EventData/{NAMESPACE}Data")
    seen = {row.get("Name"): row.text or "" for row in rows}
    assert seen == {name: text for name, *_, text in TYPED}


def test_system_columns_are_read_back(tmp_path: Path) -> None:
    (event,) = rust(typed_log())
    (element,) = python(typed_log(), tmp_path)

    assert event["System"] == {
        "Provider": {"#attributes": {"Name": "Example-Provider", "Guid": "{" + GUID + "}"}},
        "EventID": 42,
        "Version": 2,
        "Level": 3,
        "Task": 7,
        "Opcode": 1,
        "Keywords": "0x8000000000000010",
        "TimeCreated": {"#attributes": {"SystemTime": "2024-02-29T23:59:58.125000Z"}},
        "EventRecordID": 501,
        "Correlation": {"#attributes": {"ActivityID": GUID.upper()}},
        "Execution": {"#attributes": {"ProcessID": 4321, "ThreadID": 8765}},
        "Channel": "Example/Operational",
        "Computer": "HOST.example",
        "Security": {"#attributes": {"UserID": SID}},
    }
    system = element.find(f"{NAMESPACE}System")
    assert system is not None
    assert system.findtext(f"{NAMESPACE}EventRecordID") == "501"
    assert system.findtext(f"{NAMESPACE}Channel") == "Example/Operational"


def test_many_events_fill_several_sound_chunks(tmp_path: Path) -> None:
    data = typed_log(400)

    ids = [e["System"]["EventRecordID"] for e in rust(data)]  # type: ignore[index]

    assert len(data) > 4096 + 2 * CHUNK_BYTES
    assert struct.unpack_from("<H", data, 42)[0] == (len(data) - 4096) // CHUNK_BYTES
    assert ids == list(range(501, 901))
    assert len(python(data, tmp_path)) == 400


def test_checksums_are_right() -> None:
    data = typed_log(400)

    assert struct.unpack_from("<I", data, 124)[0] == zlib.crc32(data[:120])
    for at in range(4096, len(data), CHUNK_BYTES):
        chunk = data[at : at + CHUNK_BYTES]
        free, records = struct.unpack_from("<II", chunk, 48)
        assert records == zlib.crc32(chunk[512:free])
        assert struct.unpack_from("<I", chunk, 124)[0] == zlib.crc32(
            chunk[128:512], zlib.crc32(chunk[:120])
        )


def test_record_header_may_be_renumbered_while_the_event_keeps_its_id() -> None:
    writer = EvtxWriter("Security", "HOST")
    writer.add("P", 1, START, [("A", "x")], record_id=9000)

    (record,) = PyEvtxParser(io.BytesIO(writer.build())).records_json()

    assert record is not None
    assert record["event_record_id"] == 1
    assert json.loads(record["data"])["Event"]["System"]["EventRecordID"] == 9000


def test_unnamed_data_arrays_and_binary_are_kept(tmp_path: Path) -> None:
    writer = EvtxWriter("System", "HOST")
    writer.add("EventLog", 6013, START, [("", ["a", "", "c"])], qualifiers=32768, binary=b"\1\2")

    (element,) = python(writer.build(), tmp_path)
    (record,) = PyEvtxParser(io.BytesIO(writer.build())).records()

    assert record is not None
    assert element.findtext(f"{NAMESPACE}EventData/{NAMESPACE}Binary") == "AQI="
    assert "<Data>a</Data>" in record["data"]
    assert "<Data>c</Data>" in record["data"]
    assert '<EventID Qualifiers="32768">6013</EventID>' in record["data"]


def test_header_time_keeps_100_ns() -> None:
    writer = EvtxWriter("Security", "HOST")
    writer.add("P", 1, 1_700_000_000_123_456_700)

    (stamp,) = struct.unpack_from("<Q", writer.build(), 4096 + 512 + 16)

    assert stamp == 116444736000000000 + 17_000_000_001_234_567


def test_user_data_and_events_without_payload() -> None:
    writer = EvtxWriter("Security", "HOST")
    fields = [("SubjectUserSid", v.sid(SID)), ("SubjectUserName", "someone")]
    writer.add(
        "Microsoft-Windows-Eventlog",
        1102,
        START,
        user_data=UserData("LogFileCleared", "urn:x", fields),
    )
    writer.add("Quiet", 5, START)

    cleared, quiet = rust(writer.build())

    assert cleared["UserData"]["LogFileCleared"]["SubjectUserSid"] == SID  # type: ignore[index]
    assert "EventData" not in quiet
    assert "UserData" not in quiet


def test_an_event_larger_than_a_chunk_is_refused() -> None:
    writer = EvtxWriter("Security", "HOST")
    writer.add("P", 1, START, [(f"F{i}", "x" * 15_000) for i in range(4)])

    with pytest.raises(ValueError, match="does not fit"):
        writer.build()


def test_name_hash_is_the_published_one() -> None:
    assert name_hash("Event") == 0xCBA
    assert name_hash("System") == 0x546F


PRINTABLE = st.text(
    st.characters(min_codepoint=32, max_codepoint=0xD7FF, exclude_characters="\x7f"), max_size=40
)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(PRINTABLE, min_size=1, max_size=5), min_size=1, max_size=30))
def test_any_text_round_trips(rows: list[list[str]]) -> None:
    writer = EvtxWriter("C", "H")
    for row in rows:
        writer.add("P", 1, START, [(f"F{i}", text) for i, text in enumerate(row)])

    events = rust(writer.build())

    assert [list(e["EventData"].values()) for e in events] == rows  # type: ignore[attr-defined]
