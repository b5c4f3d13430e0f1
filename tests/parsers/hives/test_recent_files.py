from datetime import UTC, datetime
from typing import Any

import pytest

from parsers.contract import Problem
from parsers.hives import user
from tests.builders.hive import filetime, hive, tree
from tests.parsers.hives.helpers import run

ADOBE = r"Software\Adobe\Acrobat Reader\DC\AVGeneral\cRecentFiles\c1"
SEARCH = r"Software\Microsoft\Windows\CurrentVersion\Search\JumplistData"
PAINT = r"Software\Microsoft\Windows\CurrentVersion\Applets\Paint\Recent File List"
AT = datetime(2024, 1, 6, 5, 35, 16, tzinfo=UTC)


def read(paths: dict[str, Any]) -> tuple[dict[str, list[dict[str, Any]]], list[Problem]]:
    return run(user, hive(tree(paths)), "NTUSER.DAT")


@pytest.mark.parametrize(
    ("date", "hour"),
    [("D:20240106053516Z", 5), ("D:20240106053516+01'00'", 4), ("D:20240106053516-02'00'", 7)],
)
def test_adobes_list_gives_path_and_time(date: str, hour: int) -> None:
    values = {
        "tDIText": ("BINARY", b"/E/docs/invoice.pdf\0"),
        "sDate": ("BINARY", date.encode() + b"\0"),
    }

    rows, problems = read({ADOBE: values})

    (row,) = rows["program_recent_file"]
    assert problems == []
    assert (row["path"], row["path_text"], row["program"]) == (
        r"E:\docs\invoice.pdf",
        "/E/docs/invoice.pdf",
        "Acrobat Reader DC",
    )
    assert row["opened_utc"] == AT.replace(tzinfo=None, hour=hour)
    assert row["mru_position"] == 0


def test_a_date_of_adobe_without_its_zone_is_told() -> None:
    values = {"tDIText": ("BINARY", b"/E/a.pdf\0"), "sDate": ("BINARY", b"D:20240106053516\0")}

    rows, problems = read({ADOBE: values})

    assert rows["program_recent_file"][0]["opened_utc"] is None
    assert [p.code for p in problems] == ["adobe_date"]


def test_lists_of_windows_own_programs_have_no_times() -> None:
    rows, _ = read({PAINT: {"File1": ("SZ", r"E:\a.png"), "File2": ("SZ", r"C:\b.png")}})

    found = [(r["path"], r["mru_position"], r["opened_utc"]) for r in rows["program_recent_file"]]
    assert found == [(r"E:\a.png", 0, None), (r"C:\b.png", 1, None)]


def test_the_searchs_list_of_programs_has_a_time_each() -> None:
    rows, problems = read({SEARCH: {r"E:\go.exe": ("QWORD", filetime(AT))}})

    (row,) = rows["recent_app"]
    assert problems == []
    assert (row["app_id"], row["last_accessed_utc"]) == (r"E:\go.exe", AT.replace(tzinfo=None))
