import struct
import uuid
from codecs import encode
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers.contract import Batch, Problem
from parsers.hives import user, usrclass
from parsers.hives.profiles import profile_name
from tests.builders.hive import WRITTEN, K, dirty, filetime_bytes, hive, tree
from tests.builders.lnk_parts import file_item
from tests.builders.shell_items import on_drive, order, recent
from tests.parsers.hives.helpers import run
from tests.parsers.reading import artifact

AT = datetime(2024, 1, 6, 5, 35, 47, 657804, tzinfo=UTC)
NAIVE = AT.replace(tzinfo=None)
KEY_TIME = WRITTEN.replace(tzinfo=None)
VERSION = r"Software\Microsoft\Windows\CurrentVersion"
EXP = rf"{VERSION}\Explorer"
COUNT = rf"{EXP}\UserAssist\{{CEBFF5CD-ACE2-4F4F-9178-9926F41749EA}}\Count"
PATH = r"C:\Users\g.rossi\NTUSER.DAT"
ISO = "Shipping documents.iso"
LIST = on_drive("E", file_item("inner.doc", created=AT.replace(second=46, microsecond=0)))


def read(paths: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    rows, problems = run(user, hive(tree(paths)), "NTUSER.DAT")
    assert problems == []
    return rows


def started(runs: int, focus: int = 7, shown: int = 900) -> bytes:
    data = struct.pack("<4I", 0, runs, focus, shown).ljust(60, b"\0")
    return data + filetime_bytes(AT) + b"\0" * 4


def test_the_hive_is_known_by_its_own_name_and_by_the_name_inside():
    inside = hive(K("ROOT"), name=r"\??\C:\Users\tony\ntuser.dat")

    assert user.recognise("ntuser.DAT", hive(K("ROOT")))
    assert user.recognise("x", inside)
    assert not user.recognise("SYSTEM", hive(K("ROOT")))
    assert not user.recognise("NTUSER.DAT", b"no hive")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (PATH, "g.rossi"),
        (r"D:\Documents and Settings\a b\NTUSER.DAT", "a b"),
        (r"C:\Windows.old\Users\ann\NTUSER.DAT", "ann"),
        (r"C:\Windows.old.000\Documents and Settings\ann\NTUSER.DAT", "ann"),
        (r"C:\Windows\ServiceProfiles\LocalService\NTUSER.DAT", None),
        (None, None),
    ],
)
def test_the_user_is_told_by_the_path_alone(path, name):
    assert profile_name(path) == name


def test_every_row_bears_the_user():
    data = hive(tree({rf"{EXP}\MountPoints2\E": {}, rf"{VERSION}\Run": {"A": ("SZ", "a.exe")}}))
    given = replace(artifact("NTUSER.DAT", data), windows_path=PATH)

    frames = [item.frame for item in user.parse(given) if isinstance(item, Batch)]

    assert [frame["user"].to_list() for frame in frames] == [["g.rossi"], ["g.rossi"]]


def test_mount_points_are_letters_volumes_and_shares():
    made = uuid.UUID("8eb8a210-98a8-11ee-953a-3f2bbdbf8483")
    rows = read(
        {
            rf"{EXP}\MountPoints2\e": {"_LabelFromReg": ("SZ", "SHIPPING")},
            rf"{EXP}\MountPoints2\{{{str(made).upper()}}}": {},
            rf"{EXP}\MountPoints2\##fs01#public": {},
            rf"{EXP}\MountPoints2\{{df4546ae-0000-0000-0000-501f00000000}}": {},
            rf"{EXP}\MountPoints2\CPC\Volume\{{618dd46c-4840-4a9a-aa4a-09fc1158e151}}": {},
        }
    )["mount_point"]

    letter, volume, share, partition, cached = rows
    assert (letter["kind"], letter["letter"], letter["label"]) == ("letter", "E:", "SHIPPING")
    assert (volume["kind"], volume["volume_guid"]) == ("volume", str(made))
    assert volume["guid_time_utc"] == datetime.fromisoformat("2023-12-12T04:40:21.145652")
    assert volume["key_last_write_utc"] == KEY_TIME
    assert (share["kind"], share["share"]) == ("share", r"\\fs01\public")
    assert (partition["disk_signature"], partition["partition_offset"]) == ("DF4546AE", 525336576)
    assert cached["volume_guid"] == "618dd46c-4840-4a9a-aa4a-09fc1158e151"


def test_only_the_newest_recent_document_has_a_time():
    values = {
        "0": ("BINARY", recent("old.iso", "old.lnk")),
        "1": ("BINARY", recent(ISO, f"{ISO}.lnk")),
        "7": ("BINARY", recent("left.iso", "left.lnk")),
        "MRUListEx": ("BINARY", order(1, 0)),
    }

    rows = read({rf"{EXP}\RecentDocs\.iso": values})["recent_doc"]

    assert [(r["name"], r["mru_position"], r["opened_utc"]) for r in rows] == [
        (ISO, 0, KEY_TIME),
        ("old.iso", 1, None),
        ("left.iso", None, None),
    ]
    assert {(r["extension"], r["key_last_write_utc"]) for r in rows} == {(".iso", KEY_TIME)}
    assert rows[0]["shortcut"] == f"{ISO}.lnk"


def test_the_list_over_all_kinds_has_no_extension():
    values = {"0": ("BINARY", recent("a", "a.lnk")), "MRUListEx": ("BINARY", order(0))}

    (row,) = read({rf"{EXP}\RecentDocs": values})["recent_doc"]

    assert row["extension"] is None


def test_user_assist_is_decoded_with_counts_and_time():
    known = r"{1AC14E77-02E7-4E5D-B744-2EB1AE5198B7}\notepad.exe"
    rows = read(
        {
            COUNT: {
                encode(r"E:\OpenFile.exe", "rot13"): ("BINARY", started(3)),
                encode(known, "rot13"): ("BINARY", started(0)),
                encode("UEME_CTLSESSION", "rot13"): ("BINARY", b"\0" * 100),
                encode("old.exe", "rot13"): (
                    "BINARY",
                    struct.pack("<II", 1, 8) + filetime_bytes(AT),
                ),
            }
        }
    )["user_assist"]

    run_, resolved, session, old = rows
    assert (run_["path"], run_["run_count"], run_["focus_count"], run_["focus_ms"]) == (
        r"E:\OpenFile.exe",
        3,
        7,
        900,
    )
    assert (run_["last_run_utc"], run_["list"]) == (NAIVE, "programs")
    assert resolved["resolved_path"] == r"%SystemRoot%\System32\notepad.exe"
    assert (session["run_count"], session["last_run_utc"]) == (None, None)
    assert (old["run_count"], old["last_run_utc"]) == (3, NAIVE)


def test_a_count_of_another_length_is_told():
    data = hive(tree({COUNT: {"n": ("BINARY", b"\0" * 20)}}))

    rows, problems = run(user, data, "NTUSER.DAT")

    assert [p.code for p in problems] == ["user_assist_form"]
    assert rows["user_assist"][0]["path"] == "a"


def test_policies_and_autoruns_hold_for_the_user():
    rows = read(
        {
            rf"{VERSION}\Policies\Attachments": {"SaveZoneInformation": ("DWORD", 1)},
            rf"{EXP}\FileExts\.iso\UserChoice": {"ProgId": ("SZ", "7-Zip.iso")},
            rf"{VERSION}\Run": {"A": ("SZ", r"E:\a.exe")},
            "Environment": {"UserInitMprLogonScript": ("SZ", "x.cmd")},
        }
    )

    assert [(r["setting"], r["value"], r["meaning"]) for r in rows["host_setting"]] == [
        ("user_save_zone_information", "1", "downloads are not marked"),
        ("user_opens_iso", "7-Zip.iso", None),
    ]
    assert [(r["kind"], r["scope"], r["command"]) for r in rows["autorun"]] == [
        ("run", "user", r"E:\a.exe"),
        ("logon_script", "user", "x.cmd"),
    ]


def test_a_mount_point_from_a_transaction_log_says_so():
    before = hive(tree({rf"{EXP}\MountPoints2": {}}), size=8192)
    after = hive(tree({rf"{EXP}\MountPoints2\E": {}}), size=8192)
    old, log = dirty(before, after)

    rows, problems = run(user, old, "NTUSER.DAT", log)

    assert [(r["letter"], r["origin"]) for r in rows["mount_point"]] == [("E:", "log")]
    assert [p.code for p in problems] == ["hive_replayed"]


TABLES = {t.name: t for parser in (user, usrclass) for t in parser.TABLES}


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_moments_are_expressions_over_the_table(table):
    con = duckdb.connect()
    columns = ", ".join(f'"{c.name}" {c.type.value}' for c in table.columns)
    con.execute(f'CREATE TABLE "{table.name}" ({columns})')

    for moment in table.moments:
        where = f" WHERE {moment.where}" if moment.where else ""
        con.execute(f'SELECT "{moment.time}", {moment.summary} FROM "{table.name}"{where}')

    names = table.column_names()
    assert len(names) == len(set(names))
    assert {"user", "key_path", "key_last_write_utc", "origin", table.address} <= set(names)
    assert table.time is None or table.time in names


WHOLE = hive(
    tree(
        {
            rf"{EXP}\MountPoints2\{{8eb8a210-98a8-11ee-953a-3f2bbdbf8483}}": {},
            rf"{EXP}\RecentDocs\.iso": {
                "0": ("BINARY", recent(ISO, "a.lnk")),
                "MRUListEx": ("BINARY", order(0)),
            },
            COUNT: {"n": ("BINARY", started(1))},
            rf"{EXP}\ComDlg32\OpenSavePidlMRU\iso": {"0": ("BINARY", LIST)},
            rf"{EXP}\TypedPaths": {"url1": ("SZ", "E:\\")},
            rf"{EXP}\FeatureUsage\AppLaunch": {"x": ("QWORD", 1 << 60)},
            rf"{VERSION}\Search\RecentApps\{{1}}": {"LaunchCount": ("QWORD", 1 << 60)},
            r"Software\Microsoft\Windows\Shell\BagMRU": {"0": ("BINARY", on_drive("E"))},
        }
    )
)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(4096, len(WHOLE)), st.binary(min_size=1, max_size=6)), max_size=10
    )
)
def test_mutated_hives_give_rows_and_problems_only(changes):
    data = bytearray(WHOLE)
    for at, content in changes:
        data[at : at + len(content)] = content

    rows, problems = run(user, bytes(data[: len(WHOLE)]), "NTUSER.DAT")

    assert all(isinstance(p, Problem) and p.place.startswith("offset") for p in problems)
    assert sum(map(len, rows.values())) < 1000
