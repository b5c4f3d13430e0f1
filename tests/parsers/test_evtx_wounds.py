"""What a wound may change: nothing that it does not touch; and a row that is not as it was written says so."""

import io
import random
import struct
from collections.abc import Callable
from functools import cache
from typing import Any

import polars as pl
import pytest

from parsers import evtx
from parsers.contract import Artifact, Batch, Problem
from tests.shared import HOSTILE, REAL, needs_shared

pytestmark = needs_shared

CHUNK, BLOCK = 65536, 4096
MUSEUM = REAL / "AndrewRathbun_DFIRArtifactMuseum"
LOGS = {
    "sysmon": (MUSEUM / "win10_aptsim/Microsoft-Windows-Sysmon%4Operational.evtx", 2, 3),
    "security": (MUSEUM / "win10/Security.evtx", 3, 3),
    "system": (REAL / "omerbenamram_evtx/system.evtx", 1, 3),
    "pnp": (MUSEUM / "win11/Microsoft-Windows-Kernel-PnP%4Configuration.evtx", 0, 3),
}
"""A real log, its first chunk taken, and the number of chunks."""
PLACE = ("record_offset", "chunk_crc_ok", "origin", "damaged")
Row = dict[str, Any]


@cache
def _log(name: str) -> bytes:
    path, first, count = LOGS[name]
    raw = path.read_bytes()
    return raw[:BLOCK] + raw[BLOCK + first * CHUNK : BLOCK + (first + count) * CHUNK]


def _read(raw: bytes) -> tuple[list[Row], list[Problem]]:
    """Rows of all tables of events by their place, and the problems."""
    rows: list[Row] = []
    problems: list[Problem] = []
    for item in evtx.parse(Artifact("x.evtx", lambda: io.BytesIO(raw), len(raw))):
        if isinstance(item, Problem):
            problems.append(item)
        elif item.table != "evtx_chunk":
            rows += _rows(item)
    return sorted(rows, key=lambda r: int(r["record_offset"])), problems


def _rows(batch: Batch) -> list[Row]:
    times = [c for c, t in batch.frame.schema.items() if t == pl.Datetime("ns")]
    frame = batch.frame.with_columns(pl.col(times).cast(pl.Int64))
    return [{"table": batch.table, **row} for row in frame.to_dicts()]


@cache
def _sound(name: str) -> list[Row]:
    return [r for r in _read(_log(name))[0] if r["origin"] == "chain" and not r["damaged"]]


def _values(row: Row) -> Row:
    return {k: v for k, v in row.items() if k not in PLACE and v is not None}


def _chunk_of(offset: int) -> int:
    return BLOCK + (offset - BLOCK) // CHUNK * CHUNK


def _nested_descriptors(raw: bytes, record: int) -> list[tuple[int, int, int]]:
    """(place, size, type) of each value of the record's nested BinXML."""
    base, found = _chunk_of(record), []

    def instance(at: int, depth: int) -> None:
        at += 4 * (raw[at] == 0x0F)
        if raw[at] != 0x0C:
            return
        definition = base + struct.unpack_from("<I", raw, at + 6)[0]
        values = at + 10
        if definition == values:
            values += 24 + struct.unpack_from("<I", raw, definition + 20)[0]
        count = struct.unpack_from("<I", raw, values)[0]
        value = values + 4 + 4 * count
        for place in range(values + 4, values + 4 + 4 * count, 4):
            size, kind = struct.unpack_from("<HH", raw, place)
            if depth:
                found.append((place, size, kind))
            if kind == 0x21 and size:
                instance(value, depth + 1)
            value += size

    instance(record + 24, 0)
    return found


@pytest.mark.parametrize("name", LOGS)
def test_wounded_size_of_a_value_never_shifts_the_others_unmarked(name: str) -> None:
    raw, rng = _log(name), random.Random(name)
    tried = 0
    for row in rng.sample(_sound(name), 12):
        record = int(row["record_offset"])
        descriptors = _nested_descriptors(raw, record)
        if not descriptors:
            continue
        place, size, _ = rng.choice(descriptors)
        wounded = bytearray(raw)
        struct.pack_into("<H", wounded, place, size ^ 1 << rng.randrange(6))

        now = next(r for r in _read(bytes(wounded))[0] if r["record_offset"] == record)

        assert now["damaged"], (record, place)
        tried += 1
    assert tried


def _flip(raw: bytearray, rng: random.Random) -> tuple[int, int]:
    at = rng.randrange(BLOCK, len(raw))
    raw[at] ^= 1 << rng.randrange(8)
    return at, at + 1


def _zero(raw: bytearray, rng: random.Random) -> tuple[int, int]:
    at, size = 512 * rng.randrange(BLOCK // 512, len(raw) // 512 - 16), 512 * rng.randint(1, 16)
    raw[at : at + size] = bytes(size)
    return at, at + size


def _noise(raw: bytearray, rng: random.Random) -> tuple[int, int]:
    at, size = 512 * rng.randrange(BLOCK // 512, len(raw) // 512 - 8), 512 * rng.randint(1, 8)
    raw[at : at + size] = rng.randbytes(size)
    return at, at + size


def _record_size(raw: bytearray, rng: random.Random) -> tuple[int, int]:
    at = raw.index(b"**\0\0", rng.randrange(BLOCK, len(raw) - CHUNK))
    struct.pack_into("<I", raw, at + 4, rng.choice([0, 28, 512, 65536, 0xFFFFFFFF]))
    return at + 4, at + 8


@pytest.mark.parametrize("wound", [_flip, _zero, _noise, _record_size])
@pytest.mark.parametrize("name", LOGS)
def test_chunks_without_a_wound_give_what_they_gave(
    name: str, wound: Callable[[bytearray, random.Random], tuple[int, int]]
) -> None:
    rng = random.Random(f"{name} {wound.__name__}")
    for _ in range(4):
        raw = bytearray(_log(name))
        start, stop = wound(raw, rng)

        rows, problems = _read(bytes(raw))

        now = {r["record_offset"]: r for r in rows}
        hurt = {_chunk_of(start), _chunk_of(stop - 1)}
        for was in _sound(name):
            offset = was["record_offset"]
            if _chunk_of(offset) not in hurt:
                assert _values(now[offset]) == _values(was)
                assert not now[offset]["damaged"]
            elif offset not in now:
                assert any(_covers(p, offset) for p in problems), offset
            elif now[offset]["damaged"]:
                assert any(p.place == f"offset {offset}" for p in problems), offset
            elif now[offset]["chunk_crc_ok"]:
                assert _values(now[offset]) == _values(was)


def _covers(problem: Problem, offset: int) -> bool:
    """Whether a problem tells that the bytes at `offset` were not read."""
    if not problem.place.startswith("offset ") or " bytes" not in problem.found:
        return False
    start = int(problem.place.split()[1])
    size = int(problem.found.split(" bytes", maxsplit=1)[0].split()[-1])
    return start <= offset < start + size


def _order(name: str, order: list[int]) -> bytes:
    raw = _log(name)
    return raw[:BLOCK] + b"".join(raw[BLOCK + i * CHUNK : BLOCK + (i + 1) * CHUNK] for i in order)


@pytest.mark.parametrize("order", [[2, 0, 1], [1, 2], [0, 2], [0, 0, 1, 2], [0, 1, 1]])
@pytest.mark.parametrize("name", LOGS)
def test_chunks_in_another_order_keep_their_values(name: str, order: list[int]) -> None:
    rows, _ = _read(_order(name, order))

    was = {r["record_offset"]: _values(r) for r in _sound(name)}
    seen = 0
    for row in rows:
        new = (int(row["record_offset"]) - BLOCK) // CHUNK
        old = int(row["record_offset"]) + (order[new] - new) * CHUNK
        if row["origin"] == "chain":
            assert _values(row) == was[old]
            seen += 1
    assert seen == sum(_chunk_of(offset) == BLOCK + i * CHUNK for i in order for offset in was)


@pytest.mark.parametrize("name", LOGS)
def test_foreign_chunk_is_read_with_its_own_templates(name: str) -> None:
    other = next(n for n in LOGS if n != name)
    raw = _log(name)
    mixed = raw[: BLOCK + CHUNK] + _log(other)[BLOCK : BLOCK + CHUNK] + raw[BLOCK + CHUNK :]

    rows = {r["record_offset"]: r for r in _read(mixed)[0]}

    for was in _sound(other):
        if was["record_offset"] < BLOCK + CHUNK:
            assert _values(rows[was["record_offset"] + CHUNK]) == _values(was)


@pytest.mark.parametrize("before", [1, 4097, 70_001])
def test_log_inside_other_bytes_is_read_in_full(before: int) -> None:
    raw, rng = _log("pnp"), random.Random(before)
    inside = rng.randbytes(before) + raw + rng.randbytes(5000)

    rows = {r["record_offset"]: r for r in _read(inside)[0]}

    for was in _sound("pnp"):
        assert _values(rows[was["record_offset"] + before]) == _values(was)


NAMES = ("EventID", "TimeCreated", "SystemTime", "EventRecordID", "Channel", "Execution")


@pytest.mark.parametrize("name", NAMES)
def test_element_whose_name_is_wounded_marks_the_rows_that_use_it(name: str) -> None:
    raw = bytearray(_log("sysmon"))
    stored = struct.pack("<H", len(name)) + name.encode("utf-16-le") + b"\0\0"
    at = bytes(raw).index(stored, BLOCK)
    raw[at + 2] ^= 0x10

    rows = [r for r in _read(bytes(raw))[0] if _chunk_of(r["record_offset"]) == _chunk_of(at)]

    assert rows
    assert all(r["damaged"] for r in rows)


def test_payload_whose_type_is_wounded_is_marked() -> None:
    raw = bytearray(_log("sysmon"))
    record = _sound("sysmon")[5]["record_offset"]
    at = bytes(raw).index(b"\x21\x00", record + 24)
    raw[at] = 0x01

    row = next(r for r in _read(bytes(raw))[0] if r["record_offset"] == record)

    assert row["damaged"]


def test_type_wounded_in_one_record_takes_nothing_from_the_others() -> None:
    raw = bytearray(_log("sysmon"))
    started = [r for r in _sound("sysmon") if r["table"] == "sysmon_process_create"]
    assert len(started) > 2
    place = _nested_descriptors(bytes(raw), started[0]["record_offset"])[4][0]
    raw[place + 2] ^= 0x20

    now = {r["record_offset"]: r for r in _read(bytes(raw))[0]}

    assert now[started[0]["record_offset"]]["damaged"]
    for was in started[1:]:
        assert _values(now[was["record_offset"]]) == _values(was)


SLACK = (
    "SigmaHQ_sigma/file_event_win_cred_dump_tools_dropped_files.evtx",
    "SigmaHQ_sigma/proc_creation_win_chcp_codepage_lookup.evtx",
    "mdecrevoisier_EVTX-to-MITRE-Attack/ID60-High volume file downloaded with BITS.evtx",
)


@pytest.mark.parametrize("path", SLACK)
def test_slack_whose_templates_were_overwritten_is_marked_and_holds_no_foreign_bytes(
    path: str,
) -> None:
    slack = [r for r in _read((REAL / path).read_bytes())[0] if r["origin"] == "slack"]

    assert slack
    for row in slack:
        assert row["chunk_crc_ok"] is None
        assert row["record_id"] in (None, row["header_record_id"])
        text = "".join(str(row.get(k) or "") for k in ("data", "extra"))
        assert "\\u0000" not in text
        assert row["damaged"] or "\ufffd" not in text


def test_records_of_a_chunk_that_begins_with_zeros_are_found() -> None:
    path = HOSTILE / "omerbenamram_evtx/sample_with_a_bad_chunk_magic.evtx"

    rows, _ = _read(path.read_bytes())

    slots = [r for r in rows if _chunk_of(r["record_offset"]) in (397312, 659456)]
    assert len(slots) >= 82
    assert all(r["damaged"] for r in slots)
    assert all(r["record_id"] in (None, r["header_record_id"]) for r in slots)


def test_what_a_torn_record_holds_before_the_tear_stands() -> None:
    path = REAL / "omerbenamram_evtx/Microsoft-Windows-LanguagePackSetup%4Operational.evtx"

    row = next(r for r in _read(path.read_bytes())[0] if r["header_record_id"] == 17)

    assert row["damaged"]
    assert (row["event_id"], row["record_id"], row["task"]) == (4000, 17, 35)
    assert (row["execution_process_id"], row["user_sid"]) == (22092, "S-1-5-18")
    assert row["provider_guid"] is None
