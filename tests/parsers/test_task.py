from datetime import UTC, datetime

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers import task
from parsers.contract import Artifact, Batch
from tests.builders.tasks import EXEC, HANDLER
from tests.builders.tasks import task as made
from tests.parsers.reading import artifact, read


def test_a_task_tells_what_runs_as_whom_and_since_when() -> None:
    rows, problems = read(task, artifact("Updater", made()))

    [row] = rows["scheduled_task"]
    assert problems == []
    assert (row["task_path"], row["author"], row["user_id"]) == (
        "\\Updater",
        "WS-01\\änn",
        "S-1-5-18",
    )
    assert (row["action"], row["command"], row["arguments"]) == ("Exec", "E:\\setup.exe", "/s & go")
    assert (row["triggers"], row["hidden"], row["enabled"]) == (
        "LogonTrigger|TimeTrigger",
        True,
        True,
    )
    assert row["registered_local"] is None
    noon = datetime(2024, 3, 5, 11, 30, 0, 123456, tzinfo=UTC).replace(tzinfo=None)
    assert row["registered_utc"] == noon
    [batch] = [b for b in task.parse(artifact("x", made())) if isinstance(b, Batch)]
    assert batch.frame["registered_utc"].cast(pl.Int64)[0] % 1_000_000_000 == 123_456_700


def test_a_date_without_a_zone_is_local_and_not_utc() -> None:
    rows, _ = read(task, artifact("x", made(date="2024-03-05T12:30:00")))

    [row] = rows["scheduled_task"]
    assert row["registered_utc"] is None
    assert row["registered_local"] == datetime(2024, 3, 5, 12, 30, tzinfo=UTC).replace(tzinfo=None)


def test_a_bad_date_is_told() -> None:
    rows, problems = read(task, artifact("x", made(date="yesterday")))

    assert rows["scheduled_task"][0]["registered_local"] is None
    assert [p.code for p in problems] == ["task_xml"]


def test_each_action_is_a_row_and_a_task_without_one_too() -> None:
    rows, _ = read(task, artifact("x", made(EXEC + "\n" + HANDLER)))
    none, _ = read(task, artifact("x", made("")))

    got = [(r["action_number"], r["action"], r["line_number"]) for r in rows["scheduled_task"]]
    assert got == [(1, "Exec", 13), (2, "ComHandler", 14)]
    assert [r["action"] for r in none["scheduled_task"]] == [None]


def test_a_task_without_uri_is_named_by_its_place() -> None:
    data = made().decode("utf-16").replace("<URI>\\Updater</URI>", "").encode("utf-16")
    held = artifact("Updater", data)
    path = r"C:\Windows\System32\Tasks\Vendor\Updater"

    rows, _ = read(task, Artifact(held.name, held.open, held.size, windows_path=path))

    assert rows["scheduled_task"][0]["task_path"] == r"\Vendor\Updater"


def test_entities_are_not_resolved() -> None:
    bomb = '<!DOCTYPE Task [<!ENTITY a "aaaaaaaaaa"><!ENTITY f SYSTEM "file:///etc/passwd">]>'
    action = "<Exec><Command>&f;</Command><Arguments>&a;</Arguments></Exec>"

    rows, _ = read(task, artifact("x", made(action, before=bomb)))

    assert [(r["command"], r["arguments"]) for r in rows["scheduled_task"]] == [(None, None)]


def test_a_cut_task_is_read_as_far_as_it_goes_and_told() -> None:
    data = made()

    rows, problems = read(task, artifact("x", data[: data.index("<WorkingD".encode("utf-16-le"))]))

    assert [r["command"] for r in rows["scheduled_task"]] == ["E:\\setup.exe"]
    assert [p.code for p in problems] == ["task_xml"]


def test_tasks_are_told_by_content() -> None:
    assert task.recognise("anything", made()[:34816])
    assert not task.recognise("x.xml", b"<?xml version='1.0'?><a/>")


BASE = made(EXEC + HANDLER)


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(0, len(BASE) - 1), st.binary(min_size=1, max_size=20)), max_size=9
    ),
    st.integers(0, len(BASE)),
)
def test_mutated_tasks_give_rows_and_problems_only(
    wounds: list[tuple[int, bytes]], end: int
) -> None:
    data = bytearray(BASE)
    for at, wound in wounds:
        data[at : at + len(wound)] = wound

    rows, problems = read(task, artifact("x", bytes(data[:end])))

    assert rows["scheduled_task"] or problems
