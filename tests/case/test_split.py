"""A large log is read in parts by several workers: the case is the one that reading it whole gives."""

import io
import os
import signal
import struct
import subprocess
import sys
import zipfile
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import polars as pl
import pytest

from forensic_iso.case import reading
from forensic_iso.case.ingest import ingest, ingest_into
from forensic_iso.case.messages import Ended, Hashed, Left, Message, Rows, Task
from forensic_iso.case.pool import Pool
from forensic_iso.case.store import open_reader, open_writer
from forensic_iso.case.wire import ipc
from forensic_iso.case.worker import messages
from forensic_iso.case.writer import SourceWriter
from forensic_iso.evidence.found import found_file
from parsers import evtx
from parsers.contract import Artifact, Batch, Carry, Part, Problem, Window
from parsers.registry import module_of
from tests.builders.evtx import EvtxWriter

CHUNK, HEAD = 65536, 4096
WHOLE = 1 << 40
START = datetime(2026, 3, 1, 8, tzinfo=UTC)
Stored = list[tuple[object, ...]]


def query(case: Path, sql: str) -> Stored:
    with open_reader(case) as con:
        return con.execute(sql).fetchall()


def everything(case: Path) -> dict[str, Stored]:
    """All rows of evidence in the order in which they lie, and all problems."""
    with open_reader(case) as con:
        names = [t.name for t in evtx.TABLES]
        tables = {n: con.execute(f'SELECT * FROM "{n}" ORDER BY rowid').fetchall() for n in names}
        tables["problem"] = con.execute("SELECT * FROM problem ORDER BY ALL").fetchall()
        tables["source"] = con.execute("SELECT * EXCLUDE ingested_utc FROM source").fetchall()
    return tables


def log() -> bytearray:
    """Fourteen full chunks: logons of two hosts' spelling, and events that have no table of their own."""
    writer = EvtxWriter("Security", "WS01.example.test")
    for i in range(2400):
        fields = [("TargetUserName", f"user{i}"), ("LogonType", 3), ("Text", f"{i:04d}" * 60)]
        event, provider = (4624, "Microsoft-Windows-Security-Auditing") if i % 3 else (7, "Other")
        writer.add(provider, event, START + timedelta(seconds=i), fields)
    return bytearray(writer.build())


def seal(raw: bytearray, chunk: int, free: int) -> None:
    """Let a chunk's free space begin at `free`, with checksums that match."""
    at = HEAD + chunk * CHUNK
    struct.pack_into("<I", raw, at + 48, free)
    struct.pack_into("<I", raw, at + 52, zlib.crc32(raw[at + 512 : at + free]))
    struct.pack_into(
        "<I", raw, at + 124, zlib.crc32(raw[at + 128 : at + 512], zlib.crc32(raw[at : at + 120]))
    )


def free(raw: bytearray, chunk: int) -> None:
    """Let only the first record of a chunk live: the second is torn, the others are slack."""
    at = HEAD + chunk * CHUNK
    (size,) = struct.unpack_from("<I", raw, at + 516)
    raw[at + 512 + size : at + 512 + size + 4] = bytes(4)
    seal(raw, chunk, 512 + size)


def damaged_log() -> bytes:
    """A log with something wrong in each third of it, and slack that lives on elsewhere."""
    raw = log()
    count = (len(raw) - HEAD) // CHUNK

    def at(chunk: int) -> int:
        return HEAD + chunk * CHUNK

    raw[at(0) : at(1)] = raw[at(11) : at(12)]  # slack of the first part lives in the last one
    free(raw, 0)
    free(raw, 5)  # slack that lives nowhere else
    raw[at(1) + 9000 : at(1) + 9600] = b"\xee" * 600
    raw[at(3) : at(3) + 8] = bytes(8)
    raw[at(6) : at(7)] = bytes(CHUNK)
    raw[at(8) + 30000 : at(8) + 30100] = b"\xaa" * 100
    raw[at(9) + 700] ^= 0xFF
    raw[at(10) + 16 : at(10) + 24] = bytes(8)
    struct.pack_into("<H", raw, 42, 4)  # the count of chunks, and so the header's checksum
    del raw[at(count - 1) + 40_000 :]
    return bytes(raw)


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evidence")
    (folder / "Security.evtx").write_bytes(damaged_log())
    return folder


@pytest.fixture(scope="module")
def whole(evidence: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Stored]:
    case = tmp_path_factory.mktemp("whole") / "case"
    ingest(case, [evidence], workers=0, part_bytes=WHOLE)
    return everything(case)


def cut(raw: bytes, least: int, most: int = 16) -> list[Part]:
    return list(
        evtx.parts(Artifact("Security.evtx", lambda: io.BytesIO(raw), len(raw)), least, most)
    )


def read(
    raw: bytes, parts: list[Part], window: Window | None = None
) -> tuple[dict[str, pl.DataFrame], list[Problem]]:
    """What the parser gives for the parts, one after the other, and their joining."""
    artifact = Artifact(
        "Security.evtx", lambda: io.BytesIO(raw), len(raw), None, window or Window()
    )
    items: list[Batch | Problem] = []
    states: list[object | None] = []
    for part in parts:
        for item in evtx.parse_part(artifact, part):
            if isinstance(item, Carry):
                states.append(item.state)
            else:
                items.append(item)
    items += evtx.join(artifact, parts, states)
    batches = [i for i in items if isinstance(i, Batch)]
    tables = {
        name: pl.concat((b.frame for b in batches if b.table == name), how="diagonal")
        for name in sorted({b.table for b in batches})
    }
    return tables, [i for i in items if isinstance(i, Problem)]


@pytest.mark.parametrize(("parts", "workers"), [(2, 0), (3, 2)])
def test_parts_of_a_damaged_log_give_the_rows_and_problems_of_the_whole(
    evidence: Path, whole: dict[str, Stored], tmp_path: Path, parts: int, workers: int
) -> None:
    least = len(damaged_log()) // parts
    assert len(cut(damaged_log(), least)) == parts

    ingest(tmp_path / "c", [evidence], workers=workers, part_bytes=least)

    got = everything(tmp_path / "c")
    assert {name for name, rows in got.items() if rows != whole[name]} == set()
    codes = {row[4] for row in whole["problem"]}
    assert {"chunk_lost", "chunk_mark_lost", "file_cut", "header_crc_mismatch"} <= codes
    assert {"chunk_count_mismatch", "record_unreadable", "chunk_crc_mismatch"} <= codes


def test_slack_is_dropped_where_another_part_holds_it_live() -> None:
    raw = damaged_log()

    tables, _ = read(raw, cut(raw, len(raw) // 3))

    slack = pl.concat(
        f.filter(pl.col("origin") == "slack").select("record_offset") for f in tables.values()
        if "origin" in f.columns
    )["record_offset"]  # fmt: skip
    assert slack.len() > 50
    assert set((slack - HEAD) // CHUNK) == {5}


def test_time_window_cuts_each_part() -> None:
    since = int((START + timedelta(seconds=500)).timestamp()) * 10**9
    window, raw = Window(since, since + 1400 * 10**9), damaged_log()

    whole, _ = read(raw, [Part()], window)
    tables, _ = read(raw, cut(raw, len(raw) // 3), window)

    assert tables.keys() == whole.keys()
    assert all(tables[n].equals(whole[n]) for n in whole)
    times = whole["event_other"]["time_utc"].dt.timestamp("ns")
    assert 0 < times.len() < 800
    assert (times >= since).all()


def test_log_in_an_archive_is_cut_too(
    evidence: Path, whole: dict[str, Stored], tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "c.zip", "w", zipfile.ZIP_DEFLATED) as z:
        z.write(evidence / "Security.evtx", "Security.evtx")
    told: list[int] = []

    def report(what: str, done: int, total: int) -> None:
        if what.startswith("reading"):
            told.append(done)

    ingest(
        tmp_path / "c",
        [tmp_path / "c.zip"],
        workers=0,
        part_bytes=len(damaged_log()) // 3,
        report=report,
    )

    assert len(set(told)) == reading.MOST_PACKED
    sql = "SELECT record_id, record_offset FROM event_other ORDER BY rowid"
    names = [c.name for t in evtx.TABLES if t.name == "event_other" for c in t.columns]
    id_at, place_at = names.index("record_id"), names.index("record_offset")
    assert query(tmp_path / "c", sql) == [(r[id_at], r[place_at]) for r in whole["event_other"]]


class GoneWhileHashed:
    """Two workers: one reads a part, while the other one loses the file that it hashes."""

    count = 2

    def __init__(self) -> None:
        self.read = 0

    def start(self, wanted: int) -> None:
        """Nothing: it works in this process."""

    def run(
        self, tasks: Sequence[Task] | deque[Task], between: Callable[[], None] | None = None
    ) -> Iterator[tuple[int, Message]]:
        """The messages of the tasks."""
        waiting = tasks if isinstance(tasks, deque) else deque(tasks)
        while waiting:
            task = waiting.popleft()
            for message in messages(task, ipc):
                if task.parser is None and isinstance(message, Ended):
                    yield from self._meanwhile(waiting)
                    yield task.number, Ended(error="unreadable: gone")
                elif not isinstance(message, Hashed):
                    yield task.number, message

    def _meanwhile(self, waiting: deque[Task]) -> Iterator[tuple[int, Message]]:
        while waiting:
            part = waiting.popleft()
            self.read += 1
            yield from ((part.number, message) for message in messages(part, ipc))


def test_log_that_is_lost_while_it_is_hashed_leaves_no_rows_of_parts_read_meanwhile(
    evidence: Path, tmp_path: Path
) -> None:
    pool = GoneWhileHashed()
    with open_writer(tmp_path / "c") as con:
        ingest_into(
            con,
            tmp_path / "c",
            [evidence],
            part_bytes=len(damaged_log()) // 3,
            pool=cast(Pool, pool),
        )

    assert pool.read == 1
    sql = "SELECT state, remark, rows FROM source"
    assert query(tmp_path / "c", sql) == [("failed", "unreadable: gone", 0)]
    assert query(tmp_path / "c", "SELECT count(*) FROM event") == [(0,)]
    assert {p.name for p in (tmp_path / "c").iterdir()} == {"case.duckdb", "case.lock", "log.jsonl"}


def test_progress_goes_part_by_part_up_to_the_whole(evidence: Path, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    size = (evidence / "Security.evtx").stat().st_size

    ingest(
        tmp_path / "c",
        [evidence],
        workers=0,
        part_bytes=size // 3,
        report=lambda what, done, total: told.append((what, done, total)),
    )

    steps = [(done, total) for what, done, total in told if what.startswith("reading")]
    ends = [part.stop or size for part in cut(damaged_log(), size // 3)]
    assert list(dict.fromkeys(done for done, _ in steps)) == ends
    assert {total for _, total in steps} == {size}


def test_kill_between_two_parts_leaves_nothing_of_the_log_and_the_next_run_reads_it(
    evidence: Path, whole: dict[str, Stored], tmp_path: Path
) -> None:
    least = len(damaged_log()) // 3
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from forensic_iso.case.ingest import ingest\n"
        "def kill(what, done, total):\n"
        "    if what.startswith('reading'): os.kill(os.getpid(), signal.SIGKILL)\n"
        "if __name__ == '__main__':\n"
        f"    ingest(Path(sys.argv[1]), [Path(sys.argv[2])], workers=2, report=kill, part_bytes={least})\n"
    )
    script = tmp_path / "killed.py"
    script.write_text(code)
    killed = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "c"), str(evidence)],
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )

    assert killed.returncode == -signal.SIGKILL
    assert query(tmp_path / "c", "SELECT state, rows FROM source") == [("pending", None)]
    rows = "SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM evtx_chunk), (SELECT count(*) FROM problem)"
    assert query(tmp_path / "c", rows) == [(0, 0, 0)]
    left = {"case.duckdb", "case.duckdb.wal", "case.lock", "log.jsonl"}
    assert {p.name for p in (tmp_path / "c").iterdir()} <= left

    ingest(tmp_path / "c", [evidence], workers=0, part_bytes=least)

    assert everything(tmp_path / "c") == whole


def test_parts_that_come_in_the_wrong_order_are_stored_in_the_right_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "HELD_BYTES", 1)  # what waits, waits on disk
    found = found_file("Security.evtx", "/Security.evtx", "", 3, "/Security.evtx")
    parts = [Part(0, 1), Part(1, 2), Part(2, None)]

    with open_writer(tmp_path / "c") as con:
        con.execute("INSERT INTO source (source_id, path, state) VALUES ('s', 'p', 'pending')")
        columns = {"evtx_chunk": ["chunk_offset"]}
        writer = SourceWriter(con.cursor(), columns, "s", "p", "H")
        writer.begin()
        whole = reading.Reading(Task(0, found, module_of("evtx")), parts, writer, tmp_path / "c")
        for part in (2, 0, 1):
            for offset in (10 * part, 10 * part + 1):
                frame = pl.DataFrame({"chunk_offset": [offset]})
                ipc = frame.write_ipc_stream(None).getvalue()
                whole.take(part, Rows("evtx_chunk", ipc, 1))
            whole.take(part, Left(b"%d" % part))
            whole.take(part, Problem("found", f"part {part}", "", "", ""))
            follows = whole.take(part, Ended((("H", 2),), f"error {part}" if part else None))
        assert follows is not None
        whole.take(follows.number, Ended())
        writer.finish(whole.error, None, None)

    assert follows.joined == tuple(zip(parts, (b"0", b"1", b"2"), strict=True))
    assert (whole.over, whole.error, whole.hosts) == (True, "error 1", (("H", 6),))
    offsets = query(tmp_path / "c", "SELECT chunk_offset FROM evtx_chunk ORDER BY rowid")
    assert offsets == [(0,), (1,), (10,), (11,), (20,), (21,)]
    places = query(tmp_path / "c", "SELECT place FROM problem ORDER BY rowid")
    assert places == [("part 0",), ("part 1",), ("part 2",)]


def test_lost_part_costs_its_own_rows_and_what_rests_on_all() -> None:
    raw = bytes(log())
    artifact = Artifact("Security.evtx", lambda: io.BytesIO(raw), len(raw))
    parts = cut(raw, len(raw) // 3)
    states: list[object | None] = []
    for part in parts:
        states += [i.state for i in evtx.parse_part(artifact, part) if isinstance(i, Carry)]
    states[1] = None

    items = list(evtx.join(artifact, parts, states))

    (chunks,) = [i.frame for i in items if isinstance(i, Batch)]
    assert chunks["chunk_offset"].min() == parts[2].start
    assert chunks["beyond_header"].null_count() == chunks.height
    assert [i for i in items if isinstance(i, Problem)] == []


def test_parts_follow_each_other_and_begin_at_chunks() -> None:
    raw = bytes(log())

    parts = cut(raw, 3 * CHUNK)

    assert len(parts) == (len(raw) // (3 * CHUNK))
    assert [p.start for p in parts] == [0, *(p.stop for p in parts[:-1])]
    assert parts[-1].stop is None
    assert {raw[p.start : p.start + 8] for p in parts[1:]} == {b"ElfChnk\0"}


def test_log_that_lost_its_grid_is_cut_at_its_chunks_all_the_same() -> None:
    raw = log()
    raw[HEAD:HEAD] = b"\x11" * 1000

    parts = cut(bytes(raw), len(raw) // 3)

    assert [(p.start - HEAD) % CHUNK for p in parts[1:]] == [1000, 1000]


def test_no_cut_is_made_where_chunks_are_forged_or_missing() -> None:
    zeros = bytes(20 * CHUNK)
    marks = zeros[:HEAD] + (b"ElfChnk\0" + bytes(504)) * (20 * CHUNK // 512)
    stray = log()
    for at in range(HEAD + 1000, len(stray), CHUNK):
        stray[at : at + 8] = b"ElfChnk\0"

    whole = [Part(0, None)]
    assert cut(zeros, 3 * CHUNK) == whole
    assert cut(marks, 3 * CHUNK) == whole
    assert cut(bytes(stray), 3 * CHUNK) == whole
