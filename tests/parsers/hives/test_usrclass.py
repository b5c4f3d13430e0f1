from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from parsers.hives import user, usrclass
from parsers.hives.shellbags import MAX_DEPTH
from tests.builders.hive import WRITTEN, K, hive, tree
from tests.builders.lnk_parts import MY_COMPUTER, drive_item, file_item
from tests.builders.shell_items import UNKNOWN, id_list, order
from tests.parsers.hives.helpers import run

SHELL = r"Local Settings\Software\Microsoft\Windows\Shell"
BAGS = rf"{SHELL}\BagMRU"
MADE = datetime(2024, 1, 5, 10, 20, 30, tzinfo=UTC)
FOLDER = file_item("Documents to sign", folder=True, created=MADE, reference=3 << 48 | 77)


def node(item: bytes) -> dict[str, tuple[str, object]]:
    return {
        "0": ("BINARY", id_list(item)),
        "MRUListEx": ("BINARY", order(0)),
        "NodeSlot": ("DWORD", 1),
    }


TREE: dict[str, Any] = {
    BAGS: {**node(MY_COMPUTER), "NodeSlots": ("BINARY", b"\2")},
    rf"{BAGS}\0": node(drive_item("E:\\")),
    rf"{BAGS}\0\0": node(FOLDER),
    rf"{BAGS}\0\0\0": node(UNKNOWN),
    rf"{BAGS}\0\0\0\0": {},
}


def bags(paths: dict[str, Any], parser: Any = usrclass) -> list[dict[str, Any]]:
    rows, problems = run(parser, hive(tree(paths)), "UsrClass.dat")
    assert problems == []
    return rows["shellbag"]


def test_the_hive_is_known_by_its_own_name_and_by_the_name_inside():
    inside = hive(K("ROOT"), name=r"\Microsoft\Windows\UsrClass.dat")

    assert usrclass.recognise("USRCLASS.DAT", hive(K("ROOT")))
    assert usrclass.recognise("x", inside)
    assert not usrclass.recognise("NTUSER.DAT", hive(K("ROOT")))


def test_the_tree_gives_whole_paths():
    rows = bags(TREE)

    assert [(r["path"], r["kind"], r["drive"]) for r in rows] == [
        ("", "root", None),
        ("E:\\", "volume", "E:"),
        (r"E:\Documents to sign", "folder", "E:"),
        (r"E:\Documents to sign\[type 0x52]", "other", "E:"),
    ]


def test_a_folder_has_its_own_times_and_reference():
    row = bags(TREE)[2]

    assert row["item_created_utc"] == row["item_modified_utc"] == MADE.replace(tzinfo=None)
    assert (row["mft_entry"], row["mft_sequence"]) == (77, 3)
    assert row["key_path"] == rf"{BAGS}\0\0"
    assert row["name"] == "Documents to sign"


def test_the_time_of_the_key_above_goes_to_the_newest_and_each_node_has_its_own():
    later = WRITTEN + timedelta(hours=1)
    root = tree(
        {
            BAGS: {
                "0": ("BINARY", id_list(drive_item("C:\\"))),
                "1": ("BINARY", id_list(drive_item("E:\\"))),
                "MRUListEx": ("BINARY", order(1, 0)),
            },
            rf"{BAGS}\1": {},
        }
    )
    key = root
    for name in rf"{BAGS}\1".split("\\"):
        key = next(k for k in key.keys if k.name == name)
    key.written = later

    rows, problems = run(usrclass, hive(root), "UsrClass.dat")

    assert problems == []
    newest, other = rows["shellbag"]
    assert (newest["path"], newest["opened_utc"]) == ("E:\\", WRITTEN.replace(tzinfo=None))
    assert newest["node_last_write_utc"] == later.replace(tzinfo=None)
    assert (other["path"], other["opened_utc"], other["node_last_write_utc"]) == (
        "C:\\",
        None,
        None,
    )


def test_a_user_hive_has_shellbags_of_its_own():
    rows = bags({r"Software\Microsoft\Windows\Shell\BagMRU": node(drive_item("F:\\"))}, user)

    assert [r["path"] for r in rows] == ["F:\\"]


def test_a_tree_too_deep_is_cut_and_told():
    deep = {
        BAGS + r"\0" * depth: node(file_item("a", folder=True)) for depth in range(MAX_DEPTH + 3)
    }

    rows, problems = run(usrclass, hive(tree(deep)), "UsrClass.dat")

    assert len(rows["shellbag"]) == MAX_DEPTH
    assert [p.code for p in problems] == ["shellbag_limit"]


@pytest.mark.parametrize("parser", [usrclass, user])
def test_names_of_programs_are_told(parser):
    rows, problems = run(
        parser,
        hive(
            tree(
                {
                    rf"{SHELL}\MuiCache": {
                        r"E:\setup.exe.FriendlyAppName": ("SZ", "Setup"),
                        r"E:\setup.exe.ApplicationCompany": ("SZ", "ACME"),
                        "LangID": ("BINARY", b"\x09\x04"),
                        r"@C:\x.dll,-1": ("SZ", "text"),
                    }
                }
            )
        ),
        "x",
    )

    assert problems == []
    assert [(r["path"], r["field"], r["text"]) for r in rows["program_trace"]] == [
        (r"E:\setup.exe", "FriendlyAppName", "Setup"),
        (r"E:\setup.exe", "ApplicationCompany", "ACME"),
    ]


def test_the_first_use_is_known_only_where_nothing_below_is_kept():
    rows = bags(TREE)

    assert [r["first_opened_utc"] for r in rows] == [None, None, None, WRITTEN.replace(tzinfo=None)]
