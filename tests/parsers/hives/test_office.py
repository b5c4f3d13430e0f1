"""Documents that Office programs remember."""

import struct
from datetime import UTC, datetime
from typing import Any

import duckdb
import pytest

from parsers.hives import user
from parsers.hives.office import OFFICE_DOC
from tests.builders.hive import filetime, filetime_bytes, hive, tree
from tests.parsers.hives.helpers import run
from tests.shared import REAL, needs_shared

AT = datetime(2024, 1, 6, 5, 35, 47, 657804, tzinfo=UTC)
NAIVE = AT.replace(tzinfo=None)
WORD = r"Software\Microsoft\Office\16.0\Word"
TRUST = rf"{WORD}\Security\Trusted Documents\TrustRecords"
ENTRY = f"[F00000001][T{filetime(AT):016X}][O00000000]*E:\\Invoice.docm"


def read(paths: dict[str, Any]) -> tuple[list[dict[str, Any]], list[str]]:
    rows, problems = run(user, hive(tree(paths)), "NTUSER.DAT")
    return rows["office_doc"], [p.code for p in problems]


def trust(flag: int) -> bytes:
    return filetime_bytes(AT) + struct.pack("<qII", 0, 222_000_000, flag)


@pytest.mark.parametrize("key", [WORD, rf"{WORD}\User MRU\ADAL_1"])
def test_recent_files_have_their_own_time(key: str) -> None:
    rows, problems = read(
        {rf"{key}\File MRU": {"Item 1": ("SZ", ENTRY), "Max Display": ("DWORD", 25)}}
    )

    assert problems == []
    (row,) = rows
    assert (row["path"], row["opened_utc"], row["pinned"]) == (r"E:\Invoice.docm", NAIVE, True)
    assert (row["kind"], row["program"], row["office_version"]) == ("file", "Word", "16.0")
    assert (row["mru_position"], row["value_name"]) == (0, "Item 1")


def test_places_and_entries_of_old_versions_are_given() -> None:
    rows, problems = read({rf"{WORD}\Place MRU": {"Item 2": ("SZ", "E:\\")}})

    assert problems == []
    assert [(r["kind"], r["path"], r["opened_utc"], r["mru_position"]) for r in rows] == [
        ("place", "E:\\", None, 1)
    ]


def test_a_trust_record_tells_whether_its_content_was_enabled() -> None:
    rows, problems = read(
        {TRUST: {"E:/a.docm": ("BINARY", trust(0x7FFFFFFF)), "E:/b.docx": ("BINARY", trust(1))}}
    )

    assert problems == []
    assert [(r["path"], r["macros_enabled"], r["document_created_utc"]) for r in rows] == [
        ("E:/a.docm", True, NAIVE),
        ("E:/b.docx", False, NAIVE),
    ]
    assert {r["opened_utc"] for r in rows} == {None}


def test_records_of_another_form_are_given_without_times_and_said() -> None:
    rows, problems = read(
        {
            TRUST: {"E:/a.docm": ("BINARY", b"\1\2\3")},
            rf"{WORD}\File MRU": {"Item 1": ("SZ", "[T12]*E:\\x.doc")},
        }
    )

    assert sorted(problems) == ["office_time", "office_trust_form"]
    assert {(r["path"], r["macros_enabled"], r["opened_utc"]) for r in rows} == {
        ("E:/a.docm", None, None),
        ("E:\\x.doc", None, None),
    }


def test_moments_are_expressions_over_the_table() -> None:
    con = duckdb.connect()
    columns = ", ".join(f'"{c.name}" {c.type.value}' for c in OFFICE_DOC.columns)
    con.execute(f"CREATE TABLE office_doc ({columns})")

    for moment in OFFICE_DOC.moments:
        con.execute(f"SELECT {moment.time}, {moment.summary} FROM office_doc WHERE {moment.where}")

    assert OFFICE_DOC.address in OFFICE_DOC.column_names()


@needs_shared
def test_a_real_hive_of_office_2010_gives_its_recent_files() -> None:
    data = (REAL / "mkorman90_regipy/NTUSER.DAT").read_bytes()

    rows, problems = run(user, data, "NTUSER.DAT")

    assert problems == []
    docs = [r for r in rows["office_doc"] if r["program"] == "Excel"]
    assert [(r["kind"], r["mru_position"]) for r in docs] == [
        ("file", 0), ("file", 1), ("file", 2), ("file", 3), ("place", 0), ("place", 1),
    ]  # fmt: skip
    assert docs[0]["opened_utc"] == datetime.fromisoformat("2012-04-04T15:43:16.848000")
