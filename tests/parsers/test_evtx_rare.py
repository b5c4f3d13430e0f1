"""Value types and tokens of binary XML that ordinary logs seldom hold ([MS-EVEN6] 2.2.12 to 2.2.16)."""

import io
import json
import struct
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from parsers import evtx
from parsers.contract import Artifact, Batch, Problem
from tests.builders.evtx import EvtxWriter, UserData
from tests.builders.evtx_values import (
    Kind,
    Value,
    ansi,
    binary,
    boolean,
    f64,
    filetime,
    guid,
    hex32,
    hex64,
    i16,
    i64,
    sid,
    strings,
    systemtime,
    text,
    u8,
    u16,
    u32,
    u64,
)

NOW = datetime(2024, 5, 6, 7, 8, 9, 123456, UTC)
TICKS = 1_700_000_000_123_456_700
GUID = "0fa12b3c-1234-5678-9abc-def012345678"
SHOWN = "{0FA12B3C-1234-5678-9ABC-DEF012345678}"


def _of(kind: int, data: bytes) -> Value:
    return Value(cast(Kind, kind), data)


def _wide(units: str) -> bytes:
    return units.encode("utf-16-le", "surrogatepass")


VALUES: dict[str, tuple[Value, object]] = {
    "null": (_of(0, b""), None),
    "null that keeps its size": (_of(0, b"\0\0"), None),
    "closing NULs": (_of(1, _wide("x\0\0")), "x"),
    "NUL inside": (_of(1, _wide("a\0b")), "a\0b"),
    "lone surrogate": (_of(1, _wide("a\ud800b")), "a\ufffdb"),
    "pair of surrogates": (text("a\U0001f600b"), "a\U0001f600b"),
    "control characters": (text('a\1\x1f"\\\n\tb'), 'a\1\x1f"\\\n\tb'),
    "markup": (text("<a>&amp;\"'</a>"), "<a>&amp;\"'</a>"),
    "ansi": (ansi("caf\xe9"), "caf\xe9"),
    "i8": (_of(3, b"\xfb"), -5),
    "u8": (u8(250), 250),
    "i16": (i16(-300), -300),
    "u16": (u16(65000), 65000),
    "i32": (_of(7, struct.pack("<i", -(2**31))), -(2**31)),
    "u32": (u32(2**32 - 1), 2**32 - 1),
    "i64": (i64(-(2**63)), -(2**63)),
    "u64": (u64(2**64 - 1), 2**64 - 1),
    "f32": (_of(0xB, struct.pack("<f", 16_777_216.0)), 16_777_216.0),
    "f64": (f64(0.1 + 0.2), 0.1 + 0.2),
    "not a number": (f64(float("nan")), "NaN"),
    "infinity": (f64(float("-inf")), "-Infinity"),
    "true": (boolean(True), True),
    "any number but zero is true": (_of(0xD, struct.pack("<I", 2)), True),
    "binary": (binary(b"\0\1\xab"), "0001AB"),
    "empty binary": (binary(b""), ""),
    "guid": (guid(GUID), SHOWN),
    "size of 4 bytes": (_of(0x10, struct.pack("<I", 4096)), "0x1000"),
    "size of 8 bytes": (_of(0x10, struct.pack("<Q", 2**40)), "0x10000000000"),
    "filetime": (filetime(TICKS), "2023-11-14T22:13:20.1234567Z"),
    "filetime of never": (_of(0x11, struct.pack("<Q", 2**63 - 1)), "0x7fffffffffffffff"),
    "systemtime": (systemtime(NOW), "2024-05-06T07:08:09.1230000Z"),
    "systemtime of zeros": (_of(0x12, bytes(16)), "00" * 16),
    "systemtime of no day": (
        _of(0x12, struct.pack("<8H", 2024, 2, 5, 30, 1, 2, 3, 4)),
        "E80702000500" + "1E000100020003000400",
    ),
    "sid": (sid("S-1-5-21-1-2-3-1001"), "S-1-5-21-1-2-3-1001"),
    "sid that is too short for its count": (_of(0x13, b"\1\5\0\0\0\0\0\5"), "0105000000000005"),
    "hex32": (hex32(0xDEADBEEF), "0xdeadbeef"),
    "hex64": (hex64(0), "0x0"),
    "handle": (_of(0x20, struct.pack("<Q", 5)), "0500000000000000"),
    "unknown type": (_of(0x30, b"\1\2\3"), "010203"),
    "number of a wrong size": (_of(7, b"\1\2"), "0102"),
    "ansi strings": (_of(0x82, b"ab\0cd\0"), ["ab", "cd"]),
    "i8s": (_of(0x83, b"\xff\1"), [-1, 1]),
    "u16s": (_of(0x86, struct.pack("<HH", 65535, 2)), [65535, 2]),
    "u64s": (_of(0x8A, struct.pack("<QQ", 2**64 - 1, 2)), [2**64 - 1, 2]),
    "f64s": (_of(0x8C, struct.pack("<dd", 1.5, 0.1)), [1.5, 0.1]),
    "booleans": (_of(0x8D, struct.pack("<II", 1, 0)), [True, False]),
    "guids": (_of(0x8F, 2 * guid(GUID).data), [SHOWN, SHOWN]),
    "filetimes": (_of(0x91, filetime(TICKS).data), ["2023-11-14T22:13:20.1234567Z"]),
    "systemtimes": (_of(0x92, systemtime(NOW).data), ["2024-05-06T07:08:09.1230000Z"]),
    "sids": (
        _of(0x93, sid("S-1-5-18").data + sid("S-1-5-21-1-2").data),
        ["S-1-5-18", "S-1-5-21-1-2"],
    ),
    "hex32s": (_of(0x94, struct.pack("<II", 10, 255)), ["0xa", "0xff"]),
}


def _rows(raw: bytes) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for item in evtx.parse(Artifact("x.evtx", lambda: io.BytesIO(raw), len(raw))):
        if isinstance(item, Batch) and item.table != "evtx_chunk":
            rows += item.frame.to_dicts()
    return sorted(rows, key=lambda r: int(r["record_offset"]))


def _problems(raw: bytes) -> list[str]:
    items = evtx.parse(Artifact("x.evtx", lambda: io.BytesIO(raw), len(raw)))
    return [i.code for i in items if isinstance(i, Problem)]


def _data(row: dict[str, Any]) -> dict[str, object]:
    """The row's data; a name that stands twice is an error."""
    pairs = json.loads(row["data"], object_pairs_hook=list)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


@pytest.mark.parametrize("name", VALUES)
def test_value_of_each_type_alone(name: str) -> None:
    value, shown = VALUES[name]
    log = EvtxWriter("Application", "h")
    log.add("Prov", 1, NOW, [("before", "a"), ("value", value), ("after", u32(7))])

    (row,) = _rows(log.build())

    assert _data(row) == {"before": "a", "value": shown, "after": 7}
    assert not row["damaged"]


def test_value_does_not_depend_on_the_values_beside_it() -> None:
    log = EvtxWriter("Application", "h")
    log.add("Prov", 1, NOW, [(name, value) for name, (value, _) in VALUES.items()])
    for value, _ in VALUES.values():
        log.add("Prov", 2, NOW, [("value", value)])

    rows = _rows(log.build())

    assert _data(rows[0]) == {name: shown for name, (_, shown) in VALUES.items()}
    assert [_data(r)["value"] for r in rows[1:]] == [shown for _, shown in VALUES.values()]


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ([("a", strings(["x", "", "y"]))], {"a": "x", "a[1]": "", "a[2]": "y"}),
        ([("", "u"), ("", "v"), ("n", "w")], {"Data": "u", "Data[1]": "v", "n": "w"}),
        ([("n", "a"), ("n", "b")], {"n": "a", "n[1]": "b"}),
        ([("a/b", "s"), ("@x", "t"), ('q"\\', "u")], {"a/b": "s", "@x": "t", 'q"\\': "u"}),
    ],
)
def test_names_of_fields(fields: list[tuple[str, object]], shown: dict[str, object]) -> None:
    log = EvtxWriter("Application", "h")
    log.add("Prov", 1, NOW, fields)

    (row,) = _rows(log.build())

    assert _data(row) == shown


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ([("Path", "a"), ("Count", u32(7))], {"Path": "a", "Count": 7}),
        ([("n", "a"), ("n", "b"), ("m", "c")], {"n": "a", "n[1]": "b", "m": "c"}),
        ([("list", strings(["x", "y"]))], {"list": "x", "list[1]": "y"}),
        ([("", "a")], {"Data/@Name": "", "Data": "a"}),
    ],
)
def test_names_that_are_values_of_the_record(
    fields: list[tuple[str, object]], shown: dict[str, object]
) -> None:
    log = EvtxWriter("Application", "h")
    log.add("Prov", 1, NOW, fields, named_by_values=True)

    (row,) = _rows(log.build())

    assert _data(row) == shown
    assert not row["damaged"]


def test_each_record_names_its_own_data() -> None:
    log = EvtxWriter("Application", "h")
    names = [f"name {i}" for i in range(100)]
    for name in [*names, *names]:
        log.add("Prov", 1, NOW, [(name, "v")], named_by_values=True)

    data = [_data(row) for row in _rows(log.build())]

    assert data[:60] == data[100:160] == [{name: "v"} for name in names[:60]]
    assert [set(d.values()) - {"v"} for d in data[70:100]] == [{n} for n in names[70:]]


def test_named_by_values_fills_the_typed_table() -> None:
    log = EvtxWriter("Security", "h")
    fields = [("NewProcessName", "C:\\a.exe"), ("NewProcessId", hex64(16))]
    provider = "Microsoft-Windows-Security-Auditing"
    log.add(provider, 4688, NOW, fields, named_by_values=True)
    artifact = Artifact("Security.evtx", lambda: io.BytesIO(log.build()), len(log.build()))

    batches = {b.table: b.frame for b in evtx.parse(artifact) if isinstance(b, Batch)}

    (row,) = batches["security_process_create"].to_dicts()
    assert (row["new_process_name"], row["new_process_id"]) == ("C:\\a.exe", 16)


def test_unnamed_array_and_what_stands_behind_it_are_all_kept() -> None:
    log = EvtxWriter("Application", "h")
    log.add("Prov", 1, NOW, [("", strings(["p", "q"])), ("", "x")], binary=b"\xff")

    (row,) = _rows(log.build())

    assert sorted(map(str, _data(row).values())) == ["FF", "p", "q", "x"]


def test_user_data_is_flattened_without_its_namespaces() -> None:
    user_data = UserData("EventXML", "urn:events", [("Param1", "p"), ("Empty", ""), ("N", u32(3))])
    log = EvtxWriter("Application", "h")
    log.add("Prov", 1, NOW, user_data=user_data)

    (row,) = _rows(log.build())

    assert _data(row) == {"Param1": "p", "Empty": "", "N": 3}


def test_record_as_large_as_a_chunk_is_read() -> None:
    long = "A\u00e9" * 14_800
    log = EvtxWriter("Application", "h")
    log.add("Prov", 1, NOW, [("big", long)])

    (row,) = _rows(log.build())

    assert _data(row) == {"big": long}


def test_thousands_of_templates_are_each_read_with_their_own_names() -> None:
    log = EvtxWriter("Application", "h")
    for i in range(3000):
        log.add("Prov", 1, NOW, [(f"F{i}", u32(i))])

    rows = _rows(log.build())

    assert [_data(r) for r in rows] == [{f"F{i}": i} for i in range(3000)]


def _with_channel(tokens: bytes) -> bytes:
    """A log whose channel, a text of 20 bytes in the template, is replaced by other tokens; `amp` is a name in it."""
    log = EvtxWriter("ABCDEFGH", "h")
    log.add("Prov", 1, NOW, user_data=UserData("X", "urn:x", [("amp", u32(1))]))
    raw = log.build()
    old = b"\x05\x01\x08\x00" + _wide("ABCDEFGH")
    name = raw.index(b"\x03\x00" + _wide("amp") + b"\0\0") - 6 - 4096
    assert raw.count(old) == 1
    return raw.replace(old, tokens.replace(b"NAME", struct.pack("<I", name)))


@pytest.mark.parametrize(
    ("tokens", "shown"),
    [
        (b"\x07\x07\x00" + _wide("A<&>CDE") + b"\x08\xac\x20", "A<&>CDE\u20ac"),
        (b"\x07\x06\x00" + _wide("ABCDEF") + b"\x09NAME", "ABCDEF&"),
        (b"\x45\x01\x02\x00" + _wide("AB") + b"\x05\x01\x04\x00" + _wide("CDEF"), "ABCDEF"),
        (b"\x0aNAME\x0b\x03\x00" + _wide("abc") + b"\x08X\x00\x08Y\x00", "XY"),
    ],
    ids=["CDATA and a character", "entity", "text in two parts", "processing instruction"],
)
def test_tokens_of_text(tokens: bytes, shown: str) -> None:
    raw = _with_channel(tokens)

    (row,) = _rows(raw)

    assert row["channel"] == shown
    assert not row["damaged"]
    assert set(_problems(raw)) == {"chunk_crc_mismatch"}
