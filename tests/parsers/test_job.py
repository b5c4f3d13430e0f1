import struct
from datetime import datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from parsers import job
from tests.parsers.reading import artifact, read


def text(value: str) -> bytes:
    return (
        struct.pack("<H", len(value) + 1) + (value + "\0").encode("utf-16-le") if value else b"\0\0"
    )


def built(ran: tuple[int, ...] = (2010, 3, 4, 4, 5, 6, 7, 8), flags: int = 0x200) -> bytes:
    fixed = struct.pack(
        "<HH16sHHHHHHIIIII", 0x0601, 1, bytes(16), 70, 200, 0, 0, 0, 0, 32, 0, 0, 0x41300, flags
    )
    body = struct.pack("<H", 0)
    body += (
        text("rundll32.exe") + text(r"E:\x.dll,Run") + text("E:\\") + text(r"HOST\ann") + text("")
    )
    body += b"\0\0" + struct.pack("<H", 8) + bytes(8)
    triggers = struct.pack("<H", 1) + bytes(32) + struct.pack("<I", 7) + bytes(12)
    return fixed + struct.pack("<8H", *ran) + body + triggers


def test_a_job_gives_what_runs_and_its_last_run() -> None:
    rows, problems = read(job, artifact("At1.job", built()))

    [row] = rows["scheduled_task"]
    assert problems == []
    assert (row["command"], row["arguments"], row["working_directory"]) == (
        "rundll32.exe",
        r"E:\x.dll,Run",
        "E:\\",
    )
    assert row["last_run_local"] == datetime(2010, 3, 4, 5, 6, 7, 8000)  # noqa: DTZ001
    assert (row["author"], row["hidden"], row["enabled"], row["triggers"]) == (
        r"HOST\ann",
        True,
        True,
        "logon",
    )


def test_a_job_that_never_ran_has_no_time() -> None:
    [row] = read(job, artifact("At1.job", built((0,) * 8)))[0]["scheduled_task"]

    assert row["last_run_local"] is None


def test_a_job_that_is_cut_and_a_time_that_is_none_are_told() -> None:
    rows, problems = read(job, artifact("At1.job", built((2010, 13, 0, 1, 0, 0, 0, 0))[:120]))

    assert [r["command"] for r in rows["scheduled_task"]] == ["rundll32.exe"]
    assert [p.place for p in problems] == ["offset 52", "offset 120"]


def test_jobs_are_told_by_name_and_versions() -> None:
    assert job.recognise("At1.job", built())
    assert not job.recognise("At1.txt", built())
    assert not job.recognise("At1.job", bytes(100))


@settings(max_examples=40)
@given(st.integers(0, 200), st.binary(min_size=1, max_size=8))
def test_wounds_end_in_one_row_and_problems(at: int, junk: bytes) -> None:
    data = bytearray(built())
    data[at : at + len(junk)] = junk

    assert len(read(job, artifact("At1.job", bytes(data)))[0]["scheduled_task"]) == 1
