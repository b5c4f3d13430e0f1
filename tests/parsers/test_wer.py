from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers import wer
from parsers.contract import Artifact
from tests.builders.hive import filetime, filetime_bytes
from tests.parsers.reading import artifact, read

AT = datetime(2024, 1, 13, 7, 8, 35, 302243, tzinfo=UTC)
START = datetime(2024, 1, 13, 7, 8, 1, tzinfo=UTC)
SHA1 = "0140ae80d8abddbb12582ce734016833b2871e36"
PROGRAM = "0006d60e4d727c5556b492c242c0fa567c630000ffff"


def report(**changed: str) -> str:
    raw = filetime_bytes(START).hex()
    fields = {
        "Version": "1",
        "EventType": "APPCRASH",
        "EventTime": str(filetime(AT)),
        "UploadTime": "0",
        "ReportIdentifier": "af591e90-8a5e-4a3c-a9f1-3ddaa5e0b04b",
        "NsAppName": "setup.exe",
        "AppSessionGuid": f"000029d8-0002-000d-{raw[:4]}-{raw[4:]}",
        "TargetAppId": f"W:{PROGRAM}!0000{SHA1}!setup.exe",
        "Sig[0].Name": "Application Name",
        "Sig[0].Value": "setup.exe",
        "LoadedModule[0]": r"E:\setup.exe",
        "LoadedModule[1]": r"E:\docs\helper.dll",
        "AppPath": r"E:\setup.exe",
        **changed,
    }
    return "".join(f"{key}={value}\r\n" for key, value in fields.items())


def wide(text: str) -> bytes:
    return b"\xff\xfe" + text.encode("utf-16-le")


def test_a_report_gives_the_program_with_hash_start_and_modules() -> None:
    data = wide(report())

    rows, problems = read(wer, artifact("Report.wer", data))

    [row] = rows["wer_report"]
    assert problems == []
    assert (row["app_path"], row["event_type"], row["pid"]) == (r"E:\setup.exe", "APPCRASH", 0x29D8)
    assert (row["event_utc"], row["process_start_utc"], row["upload_utc"]) == (
        AT.replace(tzinfo=None),
        START.replace(tzinfo=None),
        None,
    )
    assert (row["sha1"], row["program_id"]) == (SHA1.upper(), PROGRAM)
    assert (row["signature"], row["module_count"]) == ("Application Name=setup.exe", 2)
    assert data[row["offset"] :].decode("utf-16-le").startswith("AppPath=")
    assert [(m["module_path"], m["app_path"]) for m in rows["wer_module"]] == [
        (r"E:\setup.exe", r"E:\setup.exe"),
        (r"E:\docs\helper.dll", r"E:\setup.exe"),
    ]


def test_public_samples_of_session_ids_lie_before_their_reports() -> None:
    samples = (
        ("000029d8-0002-000d-45ec-78a85646da01", "133496477153022430"),
        ("00001c44-0001-000f-8b94-4e5dfc6eda01", "133541169195413692"),
        ("000036a4-0006-002e-ea5e-b9c0ef4dd501", "132097464135465240"),
    )
    for session, event in samples:
        text = report(AppSessionGuid=session, EventTime=event)

        [row] = read(wer, artifact("Report.wer", wide(text)))[0]["wer_report"]

        assert 0 <= (row["event_utc"] - row["process_start_utc"]).total_seconds() < 3600


@pytest.mark.parametrize(
    "changed",
    [
        {"AppSessionGuid": "9c205a39-1250-487d-abd7-e831c6290539"},
        {"TargetAppId": f"W:{PROGRAM}!0000da39a3ee5e6b4b0d3255bfef95601890afd80709!setup.exe"},
    ],
)
def test_ids_of_another_form_give_nothing(changed: dict[str, str]) -> None:
    [row] = read(wer, artifact("Report.wer", wide(report(**changed))))[0]["wer_report"]

    assert None in (row["process_start_utc"], row["sha1"])


def test_a_time_that_is_none_is_told() -> None:
    rows, problems = read(wer, artifact("Report.wer", wide(report(EventTime="soon"))))

    assert rows["wer_report"][0]["event_utc"] is None
    assert [(p.code, p.place) for p in problems] == [("wer_line", "line 3")]


def test_the_user_is_that_of_the_profile() -> None:
    plain = artifact("Report.wer", wide(report()))
    path = r"C:\Users\ann\AppData\Local\Microsoft\Windows\WER\ReportArchive\AppCrash_x\Report.wer"

    rows, _ = read(wer, Artifact(plain.name, plain.open, plain.size, path))

    assert (rows["wer_report"][0]["user"], rows["wer_report"][0]["report_path"]) == ("ann", path)


def test_reports_are_told_by_their_first_words() -> None:
    assert wer.recognise("Report.wer", wide(report())[:400])
    assert wer.recognise("renamed", report().encode())
    assert not wer.recognise("Report.wer", b"Version=2\nother")


@settings(max_examples=40)
@given(st.integers(0, 1500), st.binary(min_size=1, max_size=8))
def test_wounds_end_in_rows_or_problems(at: int, junk: bytes) -> None:
    data = bytearray(wide(report()))
    data[at : at + len(junk)] = junk

    assert len(read(wer, artifact("Report.wer", bytes(data)))[0]["wer_report"]) == 1
