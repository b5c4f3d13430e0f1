import json
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from parsers import activities
from parsers.contract import Artifact
from tests.parsers.reading import artifact, read

SCHEMA = """
CREATE TABLE [Activity]([Id] GUID PRIMARY KEY NOT NULL, [AppId] TEXT NOT NULL, [ActivityType] INT NOT NULL,
  [LastModifiedTime] DATETIME NOT NULL, [ExpirationTime] DATETIME, [Payload] BLOB, [IsLocalOnly] INT,
  [PlatformDeviceId] TEXT, [StartTime] DATETIME, [EndTime] DATETIME);
CREATE TABLE [ActivityOperation]([OperationOrder] INTEGER PRIMARY KEY ASC NOT NULL, [Id] GUID NOT NULL,
  [AppId] TEXT NOT NULL, [ActivityType] INT NOT NULL, [LastModifiedTime] DATETIME, [Payload] BLOB,
  [StartTime] DATETIME);
"""
START = int(datetime(2020, 3, 4, 5, 6, 7, tzinfo=UTC).timestamp())
APP = json.dumps(
    [
        {"application": "Tool.Tool_abc!App", "platform": "packageId"},
        {"application": r"E:\setup.exe", "platform": "windows_win32"},
    ]
)
PAYLOAD = json.dumps(
    {
        "displayText": "invoice.pdf",
        "appDisplayName": "Reader",
        "description": r"E:\docs\invoice.pdf",
        "contentUri": "file:///E:/docs/invoice.pdf?VolumeId={AABBCCDD-0000-1111-2222-333344445555}&ObjectId=x",
        "activeDurationSeconds": 12,
    }
)


def cache(folder: Path, app: str = APP, payload: str = PAYLOAD, start: int = START) -> bytes:
    path = folder / "ActivitiesCache.db"
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as con:
        con.executescript(SCHEMA)
        row = (
            bytes(range(16)),
            app,
            5,
            start + 9,
            start + 99,
            payload.encode(),
            1,
            "dev",
            start,
            0,
        )
        con.execute("INSERT INTO Activity VALUES(?,?,?,?,?,?,?,?,?,?)", row)
        gone = (1, bytes(16), app, 6, start, payload, start)
        con.execute("INSERT INTO ActivityOperation VALUES(?,?,?,?,?,?,?)", gone)
    con.close()
    return path.read_bytes()


def naive(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


def test_an_activity_names_program_file_and_volume(tmp_path: Path) -> None:
    given = artifact("ActivitiesCache.db", cache(tmp_path))
    with_path = Artifact(
        given.name, given.open, given.size,
        r"C:\Users\ann\AppData\Local\ConnectedDevicesPlatform\L.ann\ActivitiesCache.db",
    )  # fmt: skip

    rows, problems = read(activities, with_path)

    opened, used = rows["timeline_activity"]
    assert problems == []
    assert (opened["app"], opened["app_platform"], opened["activity"]) == (
        r"E:\setup.exe",
        "windows_win32",
        "opened",
    )
    assert (opened["content_path"], opened["content_volume_guid"]) == (
        r"E:\docs\invoice.pdf",
        "aabbccdd-0000-1111-2222-333344445555",
    )
    assert (opened["start_utc"], opened["end_utc"]) == (naive(START), None)
    assert (opened["user"], opened["active_seconds"], opened["local_only"]) == ("ann", 12, True)
    assert opened["activity_id"] == "00010203-0405-0607-0809-0a0b0c0d0e0f"
    assert (used["activity"], used["database_table"]) == ("in_use", "ActivityOperation")


def test_a_file_address_gives_the_path_where_no_description_does(tmp_path: Path) -> None:
    payload = json.dumps({"contentUri": "file:///E:/a%20b.txt"})

    opened, _ = read(activities, artifact("ActivitiesCache.db", cache(tmp_path, payload=payload)))[
        0
    ]["timeline_activity"]

    assert opened["content_path"] == r"E:\a b.txt"


def test_what_is_no_json_is_kept_as_it_stands(tmp_path: Path) -> None:
    data = cache(tmp_path, app="[broken", payload="[" * 5000, start=1 << 61)

    rows, problems = read(activities, artifact("ActivitiesCache.db", data))

    assert [r["app"] for r in rows["timeline_activity"]] == ["[broken"] * 2
    assert {p.code for p in problems} == {"timeline_time"}


def test_files_are_told_by_name_or_tables(tmp_path: Path) -> None:
    data = cache(tmp_path)

    assert activities.recognise("renamed.db", data[:34_816])
    assert activities.recognise("ActivitiesCache.db", data[:100])
    assert not activities.recognise("ActivitiesCache.db", b"no database")


@settings(max_examples=40)
@given(st.integers(0, 12_000), st.binary(min_size=1, max_size=8))
def test_wounds_end_in_rows_or_problems(at: int, junk: bytes) -> None:
    data = bytearray(sample())
    data[at : at + len(junk)] = junk

    rows, _ = read(activities, artifact("ActivitiesCache.db", bytes(data)))

    assert len(rows["timeline_activity"]) < 100


def sample() -> bytes:
    """A timeline with one activity."""
    with sqlite3.connect(":memory:") as con:
        con.executescript(SCHEMA)
        row = (bytes(16), APP, 5, START, START, PAYLOAD, 1, "dev", START, 0)
        con.execute("INSERT INTO Activity VALUES(?,?,?,?,?,?,?,?,?,?)", row)
        con.commit()
        return con.serialize()
