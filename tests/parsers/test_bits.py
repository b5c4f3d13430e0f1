from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from parsers import bits
from tests.builders.bits import TEN_FILE, TEN_JOB, VOLUME, file, job, queue
from tests.builders.ese import database
from tests.parsers.reading import artifact, read

MADE = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
CHANGED = datetime(2024, 1, 2, 3, 5, 6, tzinfo=UTC)
SEEN = datetime(2024, 1, 2, 3, 4, 6, tzinfo=UTC)
ISO = file(r"C:\Users\u\Downloads\a.iso", "https://x.example/a.iso", 10, 20)
EXE = file(r"C:\Users\u\b.exe", "http://y.example/b.exe", 0, 2**64 - 1)
FIRST = job(UUID(int=5), MADE, CHANGED, [ISO, EXE], errors=2)
GONE = job(UUID(int=6), MADE, CHANGED, [file(r"C:\old.iso", "https://x.example/old.iso", 1, 1)])
COLUMNS = {"Id": "guid", "Blob": "longbinary"}


def naive(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None)


def test_files_of_a_queue_come_with_their_job() -> None:
    data = queue([FIRST])

    rows, problems = read(bits, artifact("qmgr0.dat", data))

    iso, exe = rows["bits_transfer"]
    assert problems == []
    assert (iso["remote_url"], iso["local_path"]) == (
        "https://x.example/a.iso",
        r"C:\Users\u\Downloads\a.iso",
    )
    assert (iso["received_bytes"], iso["total_bytes"], iso["volume_path"]) == (10, 20, VOLUME)
    assert (iso["job_created_utc"], iso["job_modified_utc"]) == (naive(MADE), naive(CHANGED))
    assert (iso["state"], iso["owner_sid"]) == ("suspended", "S-1-5-21-1-2-3-1001")
    assert exe["total_bytes"] is None
    assert data[exe["offset"] :].startswith(EXE[:40])


def test_what_was_taken_out_of_the_queue_is_a_remnant() -> None:
    rows, problems = read(bits, artifact("qmgr1.dat", queue([FIRST], [GONE])))

    assert problems == []
    assert [(r["local_path"], r["is_remnant"]) for r in rows["bits_transfer"]][-1] == (
        r"C:\old.iso",
        True,
    )


def test_the_command_that_a_job_ends_with_is_given() -> None:
    ends = job(UUID(int=7), MADE, CHANGED, [], command=r"E:\run.exe", arguments="/s")

    [row] = read(bits, artifact("qmgr0.dat", queue([ends])))[0]["bits_transfer"]

    assert (row["notify_command"], row["notify_arguments"]) == (r"E:\run.exe", "/s")
    assert row["remote_url"] is None


def test_fewer_jobs_than_the_queue_tells_are_a_problem() -> None:
    _, problems = read(bits, artifact("qmgr0.dat", queue([FIRST], told=3)))

    assert [(p.code, p.expected, p.found) for p in problems] == [("bits_queue", "3 jobs", "1 read")]


def test_the_database_of_windows_10_joins_jobs_with_their_files() -> None:
    one, other = UUID(int=11), UUID(int=12)
    ten = file(r"C:\Users\u\a.iso", "https://x.example/a.iso", 5, 5, SEEN)
    lost = file(r"C:\lost.img", "https://x.example/lost.img", 5, 5, SEEN)
    data = database(
        {
            "Jobs": (COLUMNS, [{"Id": UUID(int=1).bytes_le, "Blob": TEN_JOB + job(
                UUID(int=5), MADE, CHANGED, [one.bytes_le], refers=True)}]),
            "Files": (COLUMNS, [
                {"Id": one.bytes_le, "Blob": TEN_FILE + ten},
                {"Id": other.bytes_le, "Blob": TEN_FILE + lost},
            ]),
        },
        state=2,
    )  # fmt: skip

    rows, problems = read(bits, artifact("qmgr.db", data))

    iso, left = rows["bits_transfer"]
    assert [p.code for p in problems] == ["ese_dirty", "ese_logs_not_replayed"]
    assert (iso["job_id"], iso["local_path"], iso["file_utc"]) == (
        str(UUID(int=5)),
        r"C:\Users\u\a.iso",
        naive(SEEN),
    )
    assert (iso["job_created_utc"], iso["database_table"]) == (naive(MADE), "Files")
    assert (left["local_path"], left["job_id"], left["is_remnant"]) == (r"C:\lost.img", None, True)
    assert (left["record_number"], left["offset"]) == (1, 16)


def test_a_queue_that_is_cut_before_its_jobs_is_told() -> None:
    rows, problems = read(bits, artifact("qmgr0.dat", queue([FIRST])[:47]))

    assert rows["bits_transfer"] == []
    assert {p.code for p in problems} == {"bits_queue"}


def test_files_are_told_by_their_marks_and_names() -> None:
    assert bits.recognise("anything", queue([])[:64])
    assert bits.recognise("qmgr.db", bytes(4) + b"\xef\xcd\xab\x89")
    assert not bits.recognise("other.db", bytes(4) + b"\xef\xcd\xab\x89")


@settings(max_examples=60)
@given(st.integers(0, len(queue([FIRST], [GONE])) - 1), st.binary(min_size=1, max_size=8))
def test_wounds_end_in_rows_or_problems(at: int, junk: bytes) -> None:
    data = bytearray(queue([FIRST], [GONE]))
    data[at : at + len(junk)] = junk

    rows, _ = read(bits, artifact("qmgr0.dat", bytes(data)))

    assert len(rows["bits_transfer"]) <= 4
