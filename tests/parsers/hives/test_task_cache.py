import struct
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from parsers.contract import Problem
from parsers.hives import software, user
from tests.builders.hive import filetime, filetime_bytes, hive, tree
from tests.parsers.hives.helpers import run

MADE = datetime(2024, 1, 6, 5, 35, 16, 373771, tzinfo=UTC)
RUN = datetime(2024, 1, 7, 6, 0, tzinfo=UTC)
TASK = "{0A1B2C3D-0000-1111-2222-333344445555}"
CACHE = r"Microsoft\Windows NT\CurrentVersion\Schedule\TaskCache"
CLASS = UUID("00112233-4455-6677-8899-aabbccddeeff")
STORE = r"Microsoft\Windows\CurrentVersion\CapabilityAccessManager\ConsentStore"


def words(*texts: str) -> bytes:
    raw = [text.encode("utf-16-le") for text in texts]
    return b"".join(struct.pack("<I", len(r)) + r for r in raw)


def executes(*texts: str) -> bytes:
    return struct.pack("<H", 0x6666) + words("", *texts) + b"\0\0"


def read(actions: bytes, tree_values: dict[str, Any]) -> tuple[list[dict[str, Any]], list[Problem]]:
    dynamic = struct.pack("<I", 3) + filetime_bytes(MADE) + filetime_bytes(RUN)
    dynamic += struct.pack("<II", 0, 0x80070002) + filetime_bytes(RUN)
    rows, problems = run(
        software,
        hive(
            tree(
                {
                    rf"{CACHE}\Tasks\{TASK}": {
                        "Path": ("SZ", r"\Updater"),
                        "Author": ("SZ", r"HOST\ann"),
                        "DynamicInfo": ("BINARY", dynamic),
                        "Actions": ("BINARY", actions),
                    },
                    rf"{CACHE}\Tree\Updater": {"Id": ("SZ", TASK), **tree_values},
                }
            )
        ),
        "SOFTWARE",
    )
    return rows["task_cache"], problems


def test_a_task_has_its_actions_and_times() -> None:
    actions = struct.pack("<H", 3) + words("Author")
    actions += executes("rundll32.exe", r"E:\x.dll,Run", "E:\\")
    actions += struct.pack("<H", 0x7777) + words("") + CLASS.bytes_le + words("data")

    (first, second), problems = read(actions, {"SD": ("BINARY", b"\1")})

    assert problems == []
    assert (first["task_path"], first["command"], first["arguments"]) == (
        r"\Updater",
        "rundll32.exe",
        r"E:\x.dll,Run",
    )
    assert (first["created_utc"], first["last_run_utc"], first["last_success_utc"]) == (
        MADE.replace(tzinfo=None),
        RUN.replace(tzinfo=None),
        RUN.replace(tzinfo=None),
    )
    assert (first["last_result"], first["principal"], first["is_hidden"]) == (
        "0x80070002",
        "Author",
        False,
    )
    assert (second["action"], second["class_id"], second["action_number"]) == (
        "ComHandler",
        str(CLASS),
        2,
    )


def test_a_task_whose_tree_key_has_no_descriptor_is_hidden() -> None:
    (row,), _ = read(struct.pack("<H", 1) + executes("a.exe", "", "")[:-2], {})

    assert (row["is_hidden"], row["command"], row["principal"]) == (True, "a.exe", None)


def test_actions_that_are_cut_are_told_and_the_task_stays() -> None:
    actions = struct.pack("<H", 3) + words("Author") + executes("a.exe", "b", "c")[:12]

    (row,), problems = read(actions, {})

    assert (row["action"], row["action_number"]) == (None, 0)
    assert [p.code for p in problems] == ["task_cache_actions"]


def test_uses_of_the_microphone_name_the_program() -> None:
    times = {"LastUsedTimeStart": ("QWORD", filetime(RUN)), "LastUsedTimeStop": ("QWORD", 0)}
    paths = {
        rf"Software\{STORE}\microphone\NonPackaged\E:#tools#spy.exe": times,
        rf"Software\{STORE}\microphone\App_1": times,
        rf"Software\{STORE}\webcam\NonPackaged\C:#idle.exe": {},
    }

    rows, problems = run(user, hive(tree(paths)), "NTUSER.DAT")

    uses = {r["program"]: r for r in rows["capability_use"]}
    assert problems == []
    assert set(uses) == {r"E:\tools\spy.exe", "App_1"}
    assert uses[r"E:\tools\spy.exe"]["start_utc"] == RUN.replace(tzinfo=None)
    assert uses[r"E:\tools\spy.exe"]["stop_utc"] is None
    assert [uses[p]["is_packaged"] for p in (r"E:\tools\spy.exe", "App_1")] == [False, True]
