r"""The queue of BITS: `qmgr.db` (Windows 10 and 11, an ESE database), `qmgr0.dat` and `qmgr1.dat` (before).

They lie in `ProgramData\Microsoft\Network\Downloader`. Source of the formats: published analyses of both.
"""

import re
from collections.abc import Iterator
from itertools import islice, pairwise

from parsers import ese
from parsers.bits.jobs import XFER, Cut, File, Job, read_files, read_job
from parsers.bits.tables import BITS_TRANSFER, TABLES
from parsers.contract import Artifact, Batch, Problem, Severity, Table
from parsers.ese import MAGIC
from parsers.ese_logs import BESIDE
from parsers.evtx.problems import Problems
from parsers.rows import Row, batches, content, filetime_ns

__all__ = ["BESIDE", "KIND", "LABEL", "TABLES", "VERSION", "parse", "recognise"]

KIND = "bits"
VERSION = 2
LABEL = "BITS queue"
MAX_BYTES = 64 << 20
MAX_JOBS = 10_000
_NAME = re.compile(r".*qmgr\d?\.(?:db|dat)", re.IGNORECASE | re.DOTALL)
_FILE_HEAD = bytes.fromhex("13f72bc84099124a9f1a3aaebd894eea")
_QUEUE = bytes.fromhex("47445f00a9bdba449851c47bb6c07ace")
_DELIMITERS = tuple(
    bytes.fromhex(one)
    for one in (
        "93362035a00c104a84f3b17e7b499cd7",
        "101370c83653b34183e581557f361b87",
        "8c93ea64030f6840b46ff97fe51d4dcd",
        "b346ed3d3b10f944bc2fe8378bd31986",
    )
)
"""Stand before each job: of Windows XP and Vista, 7, 8, 8.1 and early 10."""
_GUID = 16


def recognise(name: str, head: bytes) -> bool:
    """The marks of a queue file, or an ESE database by the name qmgr.db."""
    if head[16:32] == _FILE_HEAD:
        return True
    return head[4:8] == MAGIC and _NAME.fullmatch(name) is not None


def parse(artifact: Artifact) -> Iterator[Batch | Problem]:
    """One row per file of each job; a job without files is one row."""
    problems = Problems()
    return batches(_rows(artifact, problems), problems)


def _rows(artifact: Artifact, problems: Problems) -> Iterator[tuple[Table, Row]]:
    with artifact.open() as stream:
        is_database = stream.read(8)[4:] == MAGIC
    rows = _database(artifact, problems) if is_database else _queue(artifact, problems)
    for row in rows:
        yield BITS_TRANSFER, row


def _queue(artifact: Artifact, problems: Problems) -> Iterator[Row]:
    data = content(artifact, MAX_BYTES)
    if artifact.size > MAX_BYTES:
        problems.add(_problem("whole file", f"at most {MAX_BYTES} bytes", str(artifact.size)))
    first = data.find(_QUEUE)
    last = data.find(_QUEUE, first + _GUID) if first >= 0 else -1
    if first < 0:
        problems.add(_problem("offset 32", "the head of a queue", data[32:48].hex() or "nothing"))
    told = int.from_bytes(data[first + _GUID : first + _GUID + 4], "little") if first >= 0 else 0
    marks = re.finditer(b"|".join(map(re.escape, _DELIMITERS)), data)
    starts = [mark.end() for mark in islice(marks, MAX_JOBS)]
    listed = 0
    for start, stop in pairwise([*starts, len(data)]):
        is_listed = first < start < last
        job = _job(data, start, stop, is_listed, problems)
        if job is not None:
            listed += is_listed
            yield from _job_rows(job, {"is_remnant": not is_listed})
    if told != listed:
        problems.add(_problem(f"offset {first + _GUID}", f"{told} jobs", f"{listed} read"))


def _job(data: bytes, start: int, stop: int, is_listed: bool, problems: Problems) -> Job | None:
    """A job between two delimiters; each job has one before and one behind: what is short is the gap."""
    try:
        job = read_job(data, start, stop)
    except Cut as cut:
        if is_listed and XFER in data[start:stop]:
            problems.add(_problem(f"offset {start}", "the head of a job", str(cut)))
        return None
    if job.files and job.told != len(job.files):
        problems.add(_problem(f"offset {start}", f"{job.told} files", f"{len(job.files)} read"))
    return job


def _database(artifact: Artifact, problems: Problems) -> Iterator[Row]:
    with ese.opened(artifact, problems) as database:
        if database is None:
            return
        files: dict[bytes, tuple[int, File]] = {}
        for number, values in database.rows("Files", ("Id", "Blob")):
            for file in read_files(values.get("Blob", b""), 0, len(values.get("Blob", b""))):
                files[values.get("Id", b"") or number.to_bytes(8, "little")] = (number, file)
        for number, values in database.rows("Jobs", ("Id", "Blob")):
            blob = values.get("Blob", b"")
            try:
                job = read_job(blob, _GUID, len(blob))
            except Cut as cut:
                problems.add(_problem(f"Jobs record {number}", "a job", str(cut)))
                continue
            yield from _database_job(job, number, files)
        for number, file in files.values():
            place: Row = {"database_table": "Files", "record_number": number, "is_remnant": True}
            yield {**_file_row(file, with_time=True), **place}


def _database_job(job: Job, number: int, files: dict[bytes, tuple[int, File]]) -> Iterator[Row]:
    """Rows of a job, its files taken out of `files`."""
    named = [files.pop(ident) for ident in job.refers if ident in files]
    for record, file in named:
        place: Row = {"database_table": "Files", "record_number": record, "is_remnant": False}
        yield {**_head_row(job), **_file_row(file, with_time=True), **place}
    if not named:
        yield from _job_rows(
            job, {"database_table": "Jobs", "record_number": number, "is_remnant": False}
        )


def _job_rows(job: Job, place: Row) -> Iterator[Row]:
    for file in job.files:
        yield {**_head_row(job), **_file_row(file, with_time=False), **place}
    if not job.files:
        yield {**_head_row(job), **place}


def _head_row(job: Job) -> Row:
    return {
        "job_id": str(job.id),
        "job_created_utc": filetime_ns(job.created),
        "job_modified_utc": filetime_ns(job.modified),
        "job_type": job.kind,
        "priority": job.priority,
        "state": job.state,
        "job_name": job.name or None,
        "description": job.description or None,
        "notify_command": job.command or None,
        "notify_arguments": job.arguments or None,
        "owner_sid": job.sid or None,
        "offset": job.at,
    }


def _file_row(file: File, with_time: bool) -> Row:
    return {
        "file_utc": filetime_ns(file.stamp) if with_time else None,
        "remote_url": file.remote or None,
        "local_path": file.local or None,
        "temporary_path": file.temporary or None,
        "received_bytes": file.received,
        "total_bytes": file.total,
        "drive": file.drive or None,
        "volume_path": file.volume or None,
        "offset": file.at,
    }


def _problem(place: str, expected: str, found: str) -> Problem:
    return Problem(
        "bits_queue", place, expected, found[:200], "What can be read is given", Severity.WARNING
    )
