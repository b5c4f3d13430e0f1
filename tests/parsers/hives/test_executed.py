import struct
from datetime import UTC, datetime
from typing import Any

import pytest

from parsers.hives import system
from tests.builders.hive import filetime_bytes, hive, tree
from tests.parsers.hives.helpers import run

AT = datetime(2024, 1, 6, 5, 35, 16, 373771, tzinfo=UTC)


def naive(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None)


def read(paths: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    rows, problems = run(
        system, hive(tree({"Select": {"Current": ("DWORD", 1)}, **paths})), "SYSTEM"
    )
    assert problems == []
    return rows


def test_bam_gives_program_user_and_time():
    sid = "S-1-5-21-1-2-3-1001"
    path = r"\Device\HarddiskVolume3\Windows\notepad.exe"
    values = {
        path: ("BINARY", filetime_bytes(AT) + bytes(16)),
        "Version": ("DWORD", 1),
        "SequenceNumber": ("DWORD", 7),
    }

    rows = read({rf"ControlSet001\Services\bam\State\UserSettings\{sid}": values})

    (entry,) = rows["bam_entry"]
    assert (entry["path"], entry["user_sid"], entry["moderator"]) == (path, sid, "bam")
    assert entry["last_run_utc"] == naive(AT)


def shim_entry(path: str, moment: datetime, data: bytes) -> bytes:
    raw = path.encode("utf-16-le")
    body = struct.pack("<H", len(raw)) + raw + filetime_bytes(moment)
    body += struct.pack("<I", len(data)) + data
    return struct.pack("<4sII", b"10ts", 0, len(body)) + body


CACHE = r"ControlSet001\Control\Session Manager\AppCompatCache"


@pytest.mark.parametrize("head", [0x30, 0x34])
def test_shimcache_of_windows_10_is_read_in_order(head):
    data = struct.pack("<I", head).ljust(head, b"\0")
    data += shim_entry("E:\\setup.exe", AT, b"\1\0\0\0") + shim_entry("C:\\b.exe", AT, b"")

    first, second = read({CACHE: {"AppCompatCache": ("BINARY", data)}})["shimcache_entry"]

    assert (first["path"], first["position"], first["last_word"]) == ("E:\\setup.exe", 0, 1)
    assert first["file_modified_utc"] == naive(AT)
    assert (second["path"], second["position"], second["last_word"]) == ("C:\\b.exe", 1, None)
    assert data[second["entry_offset"] :][:4] == b"10ts"


def test_shimcache_of_windows_8_1_skips_the_package_name():
    raw, package = "C:\\a.exe".encode("utf-16-le"), "pkg".encode("utf-16-le")
    body = struct.pack("<H", len(raw)) + raw + struct.pack("<H", len(package)) + package
    body += struct.pack("<II", 2, 0) + filetime_bytes(AT) + struct.pack("<I", 0)
    data = struct.pack("<I", 128).ljust(128, b"\0")
    data += struct.pack("<4sII", b"10ts", 0, len(body)) + body

    (entry,) = read({CACHE: {"AppCompatCache": ("BINARY", data)}})["shimcache_entry"]

    assert (entry["path"], entry["insert_flags"]) == ("C:\\a.exe", 2)
    assert (entry["file_modified_utc"], entry["format"]) == (naive(AT), "windows8.1")


def test_a_broken_shimcache_gives_what_comes_before_the_break():
    data = struct.pack("<I", 0x34).ljust(0x34, b"\0") + shim_entry("C:\\a.exe", AT, b"")
    data += b"10ts" + b"\xff" * 20

    rows, problems = run(
        system, hive(tree({CACHE: {"AppCompatCache": ("BINARY", data)}})), "SYSTEM"
    )

    assert [r["path"] for r in rows["shimcache_entry"]] == ["C:\\a.exe"]
    assert [p.code for p in problems] == ["shimcache_entry"]


def test_an_unknown_shimcache_is_said_to_be_unread():
    data = b"\xee\x0f\xdc\xbb" + bytes(200)

    rows, problems = run(
        system, hive(tree({CACHE: {"AppCompatCache": ("BINARY", data)}})), "SYSTEM"
    )

    assert rows["shimcache_entry"] == []
    assert [p.code for p in problems] == ["shimcache_format"]
