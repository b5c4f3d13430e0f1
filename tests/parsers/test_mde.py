"""Defender and Sentinel exports in all their forms give the same rows."""

import codecs
import csv
import io
import json
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers import mde
from parsers.contract import Artifact, Batch, Problem, Window
from parsers.frames import schema_of

ROW: dict[str, Any] = {
    "Timestamp": "2025-11-03T10:11:12.1234567Z",
    "DeviceId": "d1",
    "DeviceName": "pc-1.corp.example",
    "ActionType": "ProcessCreated",
    "FileName": "a.exe",
    "FolderPath": "E:\\a.exe",
    "ProcessId": 4711,
    "ProcessIntegrityLevel": "Medium",
    "ReportId": 9,
    "Colour": "blue",
}
PROC = "mde_device_process_events"
NS = 1_762_164_672_123_456_700


def _csv(*rows: dict[str, Any], bom: bool = True) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return (b"\xef\xbb\xbf" if bom else b"") + out.getvalue().encode()


def _read(
    data: bytes, name: str = "export.csv", window: Window | None = None
) -> tuple[dict[str, pl.DataFrame], list[Problem]]:
    artifact = Artifact(name, lambda: io.BytesIO(data), len(data), window=window or Window())
    frames: dict[str, list[pl.DataFrame]] = {}
    problems: list[Problem] = []
    for item in mde.parse(artifact):
        if isinstance(item, Batch):
            frames.setdefault(item.table, []).append(item.frame)
        else:
            problems.append(item)
    return {t: pl.concat(f, how="diagonal") for t, f in frames.items()}, problems


def _forms() -> dict[str, bytes]:
    schema = [{"Name": k, "Type": "String"} for k in ROW]
    tables = {
        "name": "T",
        "columns": [{"name": k, "type": "x"} for k in ROW],
        "rows": [list(ROW.values())],
    }
    parquet = io.BytesIO()
    pl.DataFrame([ROW]).write_parquet(parquet)
    wrapped = {"category": "AdvancedHunting-DeviceProcessEvents", "properties": ROW}
    texts = {
        "a.csv": _csv(ROW),
        "plain.csv": _csv(ROW, bom=False),
        "a.json": json.dumps([ROW], indent=1).encode(),
        "a.jsonl": json.dumps(ROW).encode() + b"\n",
        "results.json": json.dumps({"Schema": schema, "Results": [ROW]}).encode(),
        "tables.json": json.dumps({"tables": [tables]}).encode(),
        "records.json": json.dumps({"records": [wrapped]}).encode(),
    }
    wide = {
        f"{codec}-{name}": codecs.encode("\ufeff" + data.decode("utf-8-sig"), codec)
        for name, data in texts.items()
        for codec in ("utf-16-le", "utf-16-be")
    }
    return {**texts, **wide, "DeviceProcessEvents.parquet": parquet.getvalue()}


@pytest.mark.parametrize("name", list(_forms()))
def test_every_form_gives_the_same_row(name: str) -> None:
    data = _forms()[name]

    assert mde.recognise(name, data[:4096])
    frames, problems = _read(data, name)
    assert problems == []
    row = frames[PROC].row(0, named=True)
    assert frames[PROC]["timestamp_utc"].to_physical().to_list() == [NS]
    assert (row["host"], row["process_id"], row["report_id"]) == ("PC-1", 4711, 9)
    assert (row["folder_path"], row["extra"], row["row_address"]) == (
        "E:\\a.exe",
        '{"Colour": "blue"}',
        1,
    )


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_utf16_of_many_rows_is_read_as_utf8_is(codec: str) -> None:
    rows = [{**ROW, "ReportId": i, "FileName": f"Пакет 📦 {i}.iso"} for i in range(3000)]
    data = _csv(*rows)

    frames, problems = _read(codecs.encode(data.decode(), codec))

    assert problems == []
    assert frames[PROC].equals(_read(data)[0][PROC])


def test_broken_utf16_is_replaced_and_told() -> None:
    data = _csv({**ROW, "FileName": "a?b.exe"}, bom=False).decode().encode("utf-16")
    broken = data.replace("a?b".encode("utf-16-le"), b"a\0\x00\xd8b\0") + b"\n"

    frames, problems = _read(broken)

    assert frames[PROC]["file_name"].to_list()[:1] == ["a\ufffdb.exe"]
    assert ("mde_text_not_utf16", "2 broken code units") in [(p.code, p.found) for p in problems]


def test_frames_fit_the_declared_tables() -> None:
    declared = {t.name: schema_of(t) for t in mde.TABLES}

    for table, frame in _read(_csv(ROW))[0].items():
        assert all(declared[table][n] == t for n, t in frame.schema.items())


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("2025-11-03T10:11:12.1234567Z", NS),
        ("2025-11-03T12:11:12.1234567+02:00", NS),
        ("2025-11-03 04:41:12.1234567-0530", NS),
        ("2025-11-03T10:11:12Z", NS - 123_456_700),
        ("1969-12-31T23:59:59.9999999Z", -100),
    ],
)
def test_zoned_times_are_exact(text: str, ns: int) -> None:
    frames, problems = _read(_csv({**ROW, "Timestamp": text}))

    assert frames[PROC]["timestamp_utc"].to_physical().to_list() == [ns]
    assert problems == []


@pytest.mark.parametrize(
    ("header", "text", "codes"),
    [
        ("TimeGenerated [UTC]", "11/3/2025, 10:11:12.123 AM", {"mde_day_month_open"}),
        ("TimeGenerated [UTC]", "11/30/2025, 12:11:12.123 PM", set()),
        ("Timestamp", "Nov 3, 2025 10:11:12 AM", {"mde_time_without_zone"}),
        ("Timestamp", "2025-11-03T10:11:12.123", {"mde_time_without_zone"}),
    ],
)
def test_local_forms_are_read_and_their_doubts_told(
    header: str, text: str, codes: set[str]
) -> None:
    row = {header: text, **{k: v for k, v in ROW.items() if k != "Timestamp"}}
    frames, problems = _read(_csv(row, {**row, "ReportId": 10}))

    assert frames[PROC]["timestamp_utc"].null_count() == 0
    assert frames[PROC]["timestamp_utc"][0].year == 2025
    assert {p.code for p in problems} == codes
    assert len(problems) == len(codes)


def test_midnight_and_noon_of_the_portal() -> None:
    rows = [{**ROW, "Timestamp": f"Nov 3, 2025 12:00:00 {half}"} for half in ("AM", "PM")]

    assert [t.hour for t in _read(_csv(*rows))[0][PROC]["timestamp_utc"]] == [0, 12]


def test_one_late_row_settles_day_and_month_for_all_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("parsers.mde.rows.CHUNK_ROWS", 1)
    rows = [
        {**ROW, "Timestamp": f"{d}, 10:11:12.123 Z"}
        for d in ("3/11/2025", "4/11/2025", "13/11/2025")
    ]
    frames, problems = _read(_csv(*rows))

    assert [(t.month, t.day) for t in frames[PROC]["timestamp_utc"]] == [(11, 3), (11, 4), (11, 13)]
    assert problems == []


@pytest.mark.parametrize(
    "text", ["yesterday", "2025-02-30T00:00:00Z", "2025-11-03T25:00:00Z", "9999-01-01T00:00:00Z"]
)
def test_an_unreadable_time_is_null_with_a_problem_and_kept_in_extra(text: str) -> None:
    frames, problems = _read(_csv({**ROW, "Timestamp": text}))

    assert frames[PROC]["timestamp_utc"].to_list() == [None]
    assert json.loads(frames[PROC]["extra"][0])["Timestamp"] == text
    assert [p.code for p in problems] == ["mde_value_unreadable"]


def test_an_absent_time_is_null_without_a_problem() -> None:
    row = {**ROW, "ProcessCreationTime": "0001-01-01T00:00:00Z"}
    frames, problems = _read(_csv(row))

    assert frames[PROC]["process_creation_time_utc"].to_list() == [None]
    assert problems == []


def test_missing_text_is_empty_and_an_absent_column_is_absent() -> None:
    frame = _read(_csv({**ROW, "FolderPath": ""}))[0][PROC]

    assert frame["folder_path"].to_list() == [""]
    assert "sha1" not in frame.columns
    assert _read(json.dumps([{**ROW, "FolderPath": None}]).encode())[0][PROC][
        "folder_path"
    ].to_list() == [""]


def test_rows_exported_twice_are_kept_once_and_counted() -> None:
    frames, problems = _read(_csv(ROW, ROW, {**ROW, "FileName": "b.exe"}))

    assert frames[PROC]["row_address"].to_list() == [1, 3]
    assert [p.code for p in problems] == ["mde_rows_exported_twice"]


def test_a_row_of_another_width_is_a_problem_with_its_line() -> None:
    data = _csv(ROW) + b"too,few\r\n" + _csv(ROW | {"ReportId": 10}, bom=False).split(b"\r\n", 1)[1]
    frames, problems = _read(data)

    assert frames[PROC]["row_address"].to_list() == [1, 3]
    assert [p.place for p in problems] == ["line 3"]


@pytest.mark.parametrize("form", ["array", "lines"])
def test_reading_goes_on_behind_a_broken_json_row(form: str) -> None:
    rows = [json.dumps({**ROW, "ReportId": i}) for i in range(3)]
    rows[1] = rows[1][:40] + "}"
    data = f"[{','.join(rows)}]" if form == "array" else "\n".join(rows)
    frames, problems = _read(data.encode(), "a.json")

    assert frames[PROC]["report_id"].to_list() == [0, 2]
    assert [p.code for p in problems] == ["mde_row_unreadable"]


def test_a_cut_json_array_keeps_what_was_whole() -> None:
    data = json.dumps([ROW, {**ROW, "ReportId": 10}]).encode()[:-20]
    frames, problems = _read(data, "a.json")

    assert frames[PROC]["report_id"].to_list() == [9]
    assert problems


BASE = {k: ROW[k] for k in ("Timestamp", "DeviceName", "ReportId")}


@pytest.mark.parametrize(
    ("cells", "name", "table"),
    [
        ({"Type": "DeviceRegistryEvents"}, "x.csv", "registry"),
        ({"ProcessIntegrityLevel": "High"}, "x.csv", "process"),
        ({"PreviousFolderPath": ""}, "x.csv", "file"),
        ({"RemoteIPType": "Public"}, "x.csv", "network"),
        ({"RegistryKey": "k", "RegistryValueType": "s"}, "x.csv", "registry"),
        ({"RegistryKey": "k"}, "x.csv", ""),
        ({"RemoteUrl": "", "RemoteDeviceName": ""}, "x.csv", ""),
        ({"ActionType": "ConnectionSuccess"}, "x.csv", "network"),
        ({"ActionType": "ImageLoaded"}, "x.csv", "image_load"),
        ({"ActionType": "SomethingNew"}, "DeviceFileEvents (3).csv", "file"),
        ({"FolderPath": "x", "InitiatingProcessFileName": "y"}, "x.csv", "image_load"),
    ],
)
def test_the_table_is_told_by_type_fields_action_or_name(
    cells: dict[str, str], name: str, table: str
) -> None:
    frames, problems = _read(_csv({**BASE, **cells}), name)

    assert list(frames) == [f"mde_device_{table}_events".replace("__", "_")]
    assert problems == []


def test_rows_of_a_table_that_is_not_kept_are_told() -> None:
    frames, problems = _read(_csv({**BASE, "ActionType": "LogonSuccess"}), "DeviceLogonEvents.csv")

    assert frames == {}
    assert [p.code for p in problems] == ["mde_table_unknown"]


def test_one_file_may_hold_several_tables() -> None:
    rows = [{**ROW, "Type": t} for t in ("DeviceProcessEvents", "DeviceEvents", "DeviceInfo")]
    frames, problems = _read(_csv(*rows))

    assert set(frames) == {PROC, "mde_device_events"}
    assert [p.place for p in problems] == ["row 3"]


def test_the_window_is_half_open() -> None:
    assert PROC in _read(_csv(ROW), window=Window(NS, NS + 1))[0]
    assert _read(_csv(ROW), window=Window(None, NS))[0] == {}


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("a.csv", b"Timestamp,User,Action\n1,2,3\n"),
        ("a.json", b'[{"Timestamp": 1, "DeviceName": "x"}]'),
        ("a.txt", b"Timestamp DeviceName ActionType"),
        ("a.parquet", b"PAR1"),
        ("a.bin", bytes(range(256))),
        ("DeviceEvents.json", b""),
        ("a.csv", "\ufeffTimestamp,User,Action\n1,2,3\n".encode("utf-16-le")),
        ("DeviceEvents.csv", "\ufeffTimestamp,DeviceName,ActionType\n".encode("utf-32-le")),
        ("k.csv", b"LNKLaunchTimestamp,DeviceName,Timestamp,RemoteUrl\n"),
    ],
)
def test_other_files_are_not_claimed(name: str, head: bytes) -> None:
    assert not mde.recognise(name, head)


def test_a_parquet_file_that_is_none_is_a_problem() -> None:
    frames, problems = _read(b"PAR1" + bytes(100), "DeviceEvents.parquet")

    assert frames == {}
    assert {p.code for p in problems} == {"mde_row_unreadable", "mde_no_rows"}


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(sorted(_forms())),
    at=st.integers(0, 4000),
    junk=st.binary(min_size=0, max_size=12),
    cut=st.integers(0, 200),
)
def test_damage_raises_nothing(name: str, at: int, junk: bytes, cut: int) -> None:
    data = _forms()[name]
    at %= len(data)
    _read(data[:at] + junk + data[at + cut :], name)
