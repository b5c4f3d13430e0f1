"""A VHDX that was not closed is read with its log; where that is not possible it says so."""

import io
import random
import shutil
import subprocess
import uuid
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers.disks import Disk, DiskRefused, open_disk
from tests.builders import disk_files as build
from tests.builders.vhdx_log import LOG_AT, LOG_BYTES, SECTOR, Step, with_log

GUID = uuid.UUID("6a1f0b52-9d3c-4a77-8f61-2f1d5c0e9a10")
LOG = uuid.UUID("7b2f0b52-9d3c-4a77-8f61-2f1d5c0e9a11")
DISK = random.Random(5).randbytes(1 << 16).ljust(3 << 20, b"\0") + random.Random(6).randbytes(65536)
CLOSED = build.vhdx(DISK, GUID, log=LOG)
TABLE_AT = 3 * build.MB
TABLE = CLOSED[TABLE_AT : TABLE_AT + SECTOR]
STALE = CLOSED[:TABLE_AT] + bytes(SECTOR) + CLOSED[TABLE_AT + SECTOR :]
"""The file before its block table was written: no block is known."""
WRONG = b"\xee" * SECTOR


def opened(data: bytes) -> Disk:
    return open_disk("d.vhdx", lambda: io.BytesIO(data))


def whole(disk: Disk) -> bytes:
    disk.stream.seek(0)
    return disk.stream.read()


@pytest.mark.parametrize("start", [0, 8 * SECTOR, LOG_BYTES - SECTOR])
def test_the_block_table_is_taken_from_the_log(start: int) -> None:
    file = with_log(STALE, LOG, [Step({TABLE_AT: WRONG}), Step({TABLE_AT: TABLE})], start=start)

    with opened(file) as disk:
        assert whole(disk)[: len(DISK)] == DISK
        assert [(p.code, p.place) for p in disk.problems] == [("log_replayed", f"log at {LOG_AT}")]
        assert "2 entries" in disk.problems[0].found


def test_zeros_of_the_log_hide_what_the_file_holds_and_later_sectors_hide_them() -> None:
    steps = [
        Step({TABLE_AT: WRONG}),
        Step(zeros=[(TABLE_AT, build.MB)]),
        Step({TABLE_AT: TABLE}),
    ]
    garbled = STALE[:TABLE_AT] + b"\xee" * 2 * SECTOR + STALE[TABLE_AT + 2 * SECTOR :]

    with opened(with_log(garbled, LOG, steps)) as disk:
        assert whole(disk)[: len(DISK)] == DISK
    with opened(with_log(CLOSED, LOG, steps[:2])) as disk:
        assert not any(whole(disk))


def test_the_sequence_with_the_highest_number_counts() -> None:
    older = with_log(STALE, LOG, [Step({TABLE_AT: WRONG})] * 3, first=2, start=20 * SECTOR)

    with opened(with_log(older, LOG, [Step({TABLE_AT: TABLE})], first=9)) as disk:
        assert whole(disk)[: len(DISK)] == DISK


def test_entries_of_another_log_do_not_count() -> None:
    other = with_log(STALE, GUID, [Step({TABLE_AT: WRONG})], first=99, start=20 * SECTOR)

    with opened(with_log(other, LOG, [Step({TABLE_AT: TABLE})])) as disk:
        assert whole(disk)[: len(DISK)] == DISK


def test_a_torn_last_entry_ends_the_sequence_before_it() -> None:
    file = bytearray(with_log(STALE, LOG, [Step({TABLE_AT: TABLE}), Step({TABLE_AT: WRONG})]))
    file[LOG_AT + 3 * SECTOR + 100] ^= 1

    with opened(bytes(file)) as disk:
        assert whole(disk)[: len(DISK)] == DISK


def test_a_log_without_a_whole_sequence_is_told_as_an_error() -> None:
    with opened(STALE) as disk:
        assert [(p.code, p.severity.name) for p in disk.problems] == [("log_not_replayed", "ERROR")]


def test_a_file_shorter_than_its_log_says_is_told() -> None:
    cut = with_log(STALE, LOG, [Step({TABLE_AT: TABLE})])[: -build.MB]

    with opened(cut) as disk:
        assert "disk_range_lost" in {p.code for p in disk.problems}


DIRTY = with_log(STALE, LOG, [Step({TABLE_AT: TABLE}), Step(zeros=[(1 << 40, 1 << 62)])])


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 6 * SECTOR), st.integers(1, 255)), min_size=1, max_size=6))
def test_damaged_logs_end_in_a_disk_or_a_problem(wounds: list[tuple[int, int]]) -> None:
    file = bytearray(DIRTY)
    for at, mask in wounds:
        file[LOG_AT + at] ^= mask

    try:
        with opened(bytes(file)) as disk:
            assert whole(disk)[: len(DISK)] == DISK or disk.problems
    except DiskRefused as refused:
        assert refused.expected


@pytest.mark.skipif(shutil.which("qemu-img") is None, reason="qemu-img is not there to cross-check")
@pytest.mark.parametrize("start", [0, LOG_BYTES - SECTOR])
def test_another_reader_replays_the_same(tmp_path: Path, start: int) -> None:
    steps = [
        Step({TABLE_AT: WRONG}),
        Step(zeros=[(TABLE_AT, SECTOR)]),
        Step({TABLE_AT: TABLE}),
    ]
    dirty = with_log(STALE, LOG, steps, start=start)
    repaired, raw = tmp_path / "d.vhdx", tmp_path / "d.dd"
    repaired.write_bytes(dirty)
    subprocess.run(["qemu-img", "check", "-r", "all", str(repaired)], check=True, timeout=60)
    subprocess.run(
        ["qemu-img", "convert", "-O", "raw", str(repaired), str(raw)], check=True, timeout=60
    )

    with opened(dirty) as disk:
        assert whole(disk) == raw.read_bytes()
