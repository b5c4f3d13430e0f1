from datetime import UTC, datetime
from typing import Any

from parsers.hives import user
from tests.builders.hive import WRITTEN, filetime, hive, tree
from tests.builders.lnk_parts import file_item
from tests.builders.shell_items import on_drive, order
from tests.parsers.hives.helpers import run

AT = datetime(2024, 1, 6, 5, 35, 47, 657804, tzinfo=UTC)
NAIVE = AT.replace(tzinfo=None)
KEY_TIME = WRITTEN.replace(tzinfo=None)
VERSION = r"Software\Microsoft\Windows\CurrentVersion"
EXP = rf"{VERSION}\Explorer"
LIST = on_drive("E", file_item("inner.doc", created=AT.replace(second=46, microsecond=0)))


def read(paths: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    rows, problems = run(user, hive(tree(paths)), "NTUSER.DAT")
    assert problems == []
    return rows


def test_file_dialogs_give_files_and_programs():
    program = "WINWORD.EXE".encode("utf-16-le") + b"\0\0"
    rows = read(
        {
            rf"{EXP}\ComDlg32\OpenSavePidlMRU\iso": {
                "0": ("BINARY", LIST),
                "MRUListEx": ("BINARY", order(0)),
            },
            rf"{EXP}\ComDlg32\LastVisitedPidlMRU": {
                "0": ("BINARY", program + on_drive("E")),
                "MRUListEx": ("BINARY", order(0)),
            },
        }
    )["open_save_mru"]

    file, visited = rows
    assert (file["kind"], file["extension"], file["path"]) == ("open_save", "iso", r"E:\inner.doc")
    assert file["item_created_utc"] == datetime.fromisoformat("2024-01-06T05:35:46")
    assert file["opened_utc"] == KEY_TIME
    assert (visited["kind"], visited["program"], visited["path"]) == (
        "last_visited",
        "WINWORD.EXE",
        "E:\\",
    )


def test_an_id_list_that_is_cut_is_told():
    values = {"0": ("BINARY", LIST[:-7]), "MRUListEx": ("BINARY", order(0))}

    rows, problems = run(
        user, hive(tree({rf"{EXP}\ComDlg32\OpenSavePidlMRU\iso": values})), "NTUSER.DAT"
    )

    assert [p.code for p in problems] == ["shell_items_cut"]
    assert rows["open_save_mru"][0]["path"] == "E:\\"


def test_commands_and_paths_that_were_typed():
    rows = read(
        {
            rf"{EXP}\RunMRU": {
                "a": ("SZ", "cmd\\1"),
                "b": ("SZ", "E:\\x.exe\\1"),
                "MRUList": ("SZ", "ba"),
            },
            rf"{EXP}\TypedPaths": {"url1": ("SZ", "E:\\"), "url2": ("SZ", r"C:\Temp")},
        }
    )

    commands = [(r["command"], r["mru_position"], r["opened_utc"]) for r in rows["run_mru"]]
    assert commands == [("E:\\x.exe", 0, KEY_TIME), ("cmd", 1, None)]
    paths = [(r["path"], r["opened_utc"]) for r in rows["typed_path"]]
    assert paths == [("E:\\", KEY_TIME), (r"C:\Temp", None)]


def test_recent_apps_have_times_of_their_own():
    app = rf"{VERSION}\Search\RecentApps\{{1}}"
    rows = read(
        {
            app: {
                "AppId": ("SZ", r"D:\setup64.exe"),
                "LaunchCount": ("DWORD", 2),
                "LastAccessedTime": ("QWORD", filetime(AT)),
            },
            rf"{app}\RecentItems\{{2}}": {
                "Path": ("SZ", r"D:\a.txt"),
                "LastAccessedTime": ("QWORD", filetime(AT)),
            },
        }
    )["recent_app"]

    assert [(r["app_id"], r["item_path"], r["launch_count"]) for r in rows] == [
        (r"D:\setup64.exe", None, 2),
        (r"D:\setup64.exe", r"D:\a.txt", None),
    ]
    assert {r["last_accessed_utc"] for r in rows} == {NAIVE}


def test_mapped_letters_are_told():
    rows = read(
        {
            r"Network\z": {"RemotePath": ("SZ", r"\\fs\x"), "UserName": ("DWORD", 0)},
            rf"{EXP}\Map Network Drive MRU": {"a": ("SZ", r"\\fs\y"), "MRUList": ("SZ", "a")},
        }
    )["network_drive"]

    assert [(r["kind"], r["letter"], r["share"]) for r in rows] == [
        ("mapped", "Z:", r"\\fs\x"),
        ("entered", None, r"\\fs\y"),
    ]


def test_archive_programs_remember_archives():
    names = "a.iso\0b.zip\0".encode("utf-16-le")
    rows = read(
        {
            r"Software\WinRAR\ArcHistory": {"0": ("SZ", r"C:\x.iso"), "1": ("SZ", r"C:\y.rar")},
            r"Software\7-Zip\Compression": {"ArcHistory": ("BINARY", names)},
        }
    )["archive_history"]

    assert [(r["program"], r["path"], r["mru_position"], r["opened_utc"]) for r in rows] == [
        ("winrar", r"C:\x.iso", 0, KEY_TIME),
        ("winrar", r"C:\y.rar", 1, None),
        ("7-zip", "a.iso", 0, None),
        ("7-zip", "b.zip", 1, None),
    ]


def test_programs_from_other_media_are_marked_in_the_compatibility_store():
    store = r"Software\Microsoft\Windows NT\CurrentVersion\AppCompatFlags"
    rows = read(
        {
            rf"{store}\Compatibility Assistant\Store": {
                "SIGN.MEDIA=6F60F6C setup64.exe": ("BINARY", b"SACP"),
                r"C:\a.exe": ("BINARY", b"SACP"),
            },
            rf"{EXP}\FeatureUsage\AppSwitched": {r"E:\x.exe": ("DWORD", 4)},
        }
    )["program_trace"]

    assert [(r["kind"], r["path"], r["media_id"], r["count"]) for r in rows] == [
        ("compat_store", "setup64.exe", "6F60F6C", None),
        ("compat_store", r"C:\a.exe", None, None),
        ("app_switched", r"E:\x.exe", None, 4),
    ]
