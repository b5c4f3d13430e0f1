"""Wounded and hostile logs: every record that can be read is read, the worst that comes is a Problem."""

import io
import json
import random
import struct
import zlib
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parsers import evtx
from parsers.contract import Artifact, Batch, Problem, Severity
from parsers.evtx.tables import known
from tests.builders.evtx import EvtxWriter
from tests.builders.evtx_values import binary
from tests.shared import HOSTILE, REAL, needs_shared

pytestmark = needs_shared

CHUNK = 65536
GOOD = HOSTILE / "omerbenamram_evtx/security_bad_string_cache.evtx"
SMALL = "sbousseaden_EVTX-ATTACK-SAMPLES/sideloading_wwlib_sysmon_7_1_11.evtx"


class Result:
    """What a log gave."""

    def __init__(self, raw: bytes) -> None:
        self.problems: list[Problem] = []
        self.events = 0
        self.origins: Counter[str] = Counter()
        self.damaged = 0
        self.crc_ok = 0
        for item in evtx.parse(Artifact("Security.evtx", lambda: io.BytesIO(raw), len(raw))):
            if isinstance(item, Problem):
                self.problems.append(item)
            elif item.table != "evtx_chunk":
                self._take(item)

    def _take(self, batch: Batch) -> None:
        frame = batch.frame
        self.events += frame.height
        self.origins.update(frame["origin"].to_list())
        self.damaged += int(frame["damaged"].sum())
        self.crc_ok += int(frame["chunk_crc_ok"].sum())
        for name in ("data", "extra"):
            if name in frame.columns:
                for text in frame[name].drop_nulls():
                    json.loads(text)
        frame.write_ipc_stream(io.BytesIO())

    def codes(self) -> Counter[str]:
        return Counter(p.code for p in self.problems)


def _all_rows(raw: bytes) -> list[tuple[str, list[dict[str, object]]]]:
    items = evtx.parse(Artifact("Security.evtx", lambda: io.BytesIO(raw), len(raw)))
    return [(i.table, i.frame.to_dicts()) for i in items if isinstance(i, Batch)]


def _wound(kind: str) -> bytes:
    raw = bytearray(GOOD.read_bytes())
    if kind == "header claims one chunk":
        struct.pack_into("<QQ", raw, 8, 0, 0)
        struct.pack_into("<H", raw, 42, 1)
        struct.pack_into("<I", raw, 120, 1)
    elif kind == "record header zeroed":
        at = 4096 + 512
        at += struct.unpack_from("<I", raw, at + 4)[0]
        raw[at : at + 24] = bytes(24)
    elif kind == "chunk mark zeroed":
        raw[4096:4104] = bytes(8)
    elif kind == "cut in the sixth chunk":
        raw = raw[: 4096 + 5 * CHUNK + 30000]
    elif kind == "file mark zeroed":
        raw[:8] = bytes(8)
    return bytes(raw)


@pytest.mark.parametrize(
    ("kind", "least", "code"),
    [
        ("header claims one chunk", 2261, "chunk_count_mismatch"),
        ("record header zeroed", 2260, "record_unreadable"),
        ("chunk mark zeroed", 2261, "chunk_mark_lost"),
        ("cut in the sixth chunk", 441, "file_cut"),
        ("file mark zeroed", 2261, "file_mark_lost"),
    ],
)
def test_wounded_log_gives_all_that_the_best_reader_finds(kind: str, least: int, code: str) -> None:
    result = Result(_wound(kind))

    assert result.events >= least
    assert result.codes()[code] >= 1


def test_records_behind_damage_are_marked_as_resynced() -> None:
    result = Result(_wound("record header zeroed"))

    assert result.origins["resync"] > 0
    assert result.damaged == 0


@pytest.mark.parametrize("size", [0, 4, 0xFFFFFFFF])
def test_wrong_size_in_a_record_header_loses_no_record(size: int) -> None:
    raw = bytearray(GOOD.read_bytes())
    second = 4096 + 512 + struct.unpack_from("<I", raw, 4096 + 512 + 4)[0]
    struct.pack_into("<I", raw, second + 4, size)

    assert Result(bytes(raw)).events >= 2261


def test_inserted_bytes_do_not_lose_the_chunks_behind_them() -> None:
    raw = GOOD.read_bytes()
    at = 4096 + 2 * CHUNK

    result = Result(raw[:at] + b"\1" * 512 + raw[at:])

    assert result.events >= 2261
    assert result.codes()["chunk_lost"] == 1


def test_changed_byte_in_a_sound_chunk_is_seen_by_the_checksum() -> None:
    raw = bytearray(GOOD.read_bytes())
    at = 4096 + CHUNK
    assert (
        zlib.crc32(raw[at + 512 : at + struct.unpack_from("<I", raw, at + 48)[0]])
        == (struct.unpack_from("<I", raw, at + 52)[0])
    )
    before = Result(bytes(raw))
    raw[at + 700] ^= 1

    after = Result(bytes(raw))

    found = [
        p for p in after.problems if p.code == "chunk_crc_mismatch" and p.place == f"offset {at}"
    ]
    assert [p.severity for p in found] == [Severity.WARNING]
    assert 0 < before.crc_ok - after.crc_ok < 200


@pytest.mark.parametrize(
    "raw", [b"", bytes(70000), b"ElfFile\0", b"no log at all" * 9000, bytes(3)]
)
def test_file_without_events_gives_problems_only(raw: bytes) -> None:
    result = Result(raw)

    assert result.events == 0
    assert result.codes()["no_chunks"] == 1


def test_template_that_is_not_the_records_own_is_not_used() -> None:
    raw = bytearray((REAL / SMALL).read_bytes())
    at = 4096 + 512 + 24 + 4 + 2
    raw[at : at + 4] = b"\xff\xff\xff\xff"

    assert Result(bytes(raw)).damaged >= 1


def _flipped(good: bytes, seed: int, flips: int) -> bytes:
    rng, raw = random.Random(seed), bytearray(good)
    for _ in range(flips):
        raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
    return bytes(raw)


def test_flipped_bits_raise_nothing_and_lose_few_records() -> None:
    good = (REAL / SMALL).read_bytes()
    whole = Result(good).events

    for seed in range(200):
        result = Result(_flipped(good, seed, 1 << seed % 10))

        assert result.events + sum(result.codes().values()) >= 1
        if seed % 10 < 3:
            assert result.events >= whole - 8


def test_number_of_problems_is_bounded() -> None:
    raw = bytearray(GOOD.read_bytes())
    for base in range(4096, len(raw) - CHUNK + 1, CHUNK):
        at = base + 512
        while raw[at : at + 4] == b"**\0\0":
            raw[at + 26 : at + 40] = b"\xee" * 14
            at += struct.unpack_from("<I", raw, at + 4)[0]

    codes = Result(bytes(raw)).codes()

    assert codes["record_unreadable"] == 1001


def _greedy_chunk(text_units: int, records: int) -> bytes:
    """A chunk whose one template carries a long text that each of many small records repeats."""
    name = struct.pack("<IHH", 0, ord("E"), 1) + "E".encode("utf-16-le") + b"\0\0"
    at = 512 + 24 + 4 + 10 + 24
    opened = b"\x01\xff\xff" + bytes(4) + struct.pack("<I", at + 4 + 11)
    text = b"\x05\x01" + struct.pack("<H", text_units) + "x".encode("utf-16-le") * text_units
    body = b"\x0f\x01\x01\x00" + opened + name + b"\x02" + text + b"\x04\x00"
    instance = b"\x0f\x01\x01\x00\x0c\x01" + b"\1\2\3\4" + struct.pack("<I", 512 + 24 + 14)
    definition = bytes(4) + b"\1\2\3\4" + bytes(12) + struct.pack("<I", len(body)) + body
    out = bytearray(b"ElfChnk\0".ljust(512, b"\0"))
    for number in range(records):
        content = instance + (definition if not number else b"") + bytes(5)
        size = -(-(24 + len(content) + 4) // 8) * 8
        head = b"**\0\0" + struct.pack("<IQQ", size, number, 133000000000000000)
        out += (head + content).ljust(size - 4, b"\0") + struct.pack("<I", size)
    struct.pack_into("<I", out, 48, len(out))
    return bytes(out.ljust(CHUNK, b"\0"))


def test_records_cannot_grow_beyond_measure() -> None:
    """64 KiB that would give 20 MB of text: the work is bounded, the records stay as damaged rows."""
    result = Result(bytes(4096) + _greedy_chunk(16000, 600))

    assert result.events == 600
    assert result.codes()["work_bound"] == 600


def test_same_template_in_measure_is_used() -> None:
    result = Result(bytes(4096) + _greedy_chunk(10, 600))

    assert result.events == 600
    assert result.codes()["work_bound"] == 0


@pytest.mark.parametrize("claimed", [0xF1, 0xF2])
def test_value_of_a_type_that_does_not_exist_keeps_its_own_bytes(claimed: int) -> None:
    log = EvtxWriter("Application", "HOST")
    log.add("Nobody", 7, datetime(2024, 1, 1, tzinfo=UTC), [("Odd", binary(b"\1\2\3\4\5\6\7"))])
    told = struct.pack("<HBB", 7, 0x0E, 0)
    raw = log.build()
    assert raw.count(told) == 1

    forged = raw.replace(told, struct.pack("<HBB", 7, claimed, 0))
    items = evtx.parse(Artifact("A.evtx", lambda: io.BytesIO(forged), len(forged)))
    (frame,) = (i.frame for i in items if isinstance(i, Batch) and i.table == "event_other")

    assert json.loads(frame["data"][0]) == {"Odd": ["01020304050607"]}


def test_logs_read_before_in_the_same_process_change_nothing() -> None:
    wounded = bytearray(GOOD.read_bytes())
    random.Random(3).shuffle(order := list(range(4096, len(wounded), 997)))
    for at in order[:300]:
        wounded[at] ^= 0xFF
    known.cache_clear()
    alone = _all_rows(GOOD.read_bytes())

    known.cache_clear()
    _all_rows(bytes(wounded))

    assert _all_rows(GOOD.read_bytes()) == alone


@pytest.mark.parametrize("kept", [600, 560, 520])
def test_a_log_cut_in_its_first_record_ends_in_problems(kept: int) -> None:
    result = Result(GOOD.read_bytes()[: 4096 + kept])

    assert result.events == 0
    assert result.problems


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_mutation_is_survived(data: st.DataObject) -> None:
    raw = bytearray((REAL / SMALL).read_bytes())
    used = 4096 + 16384
    for at in data.draw(st.lists(st.integers(0, used - 1), max_size=20)):
        raw[at] = data.draw(st.sampled_from([0, 1, 0x0C, 0x0F, 0x21, 0x7F, 0x80, 0xFF]))
    cut = data.draw(st.integers(0, len(raw)))

    Result(bytes(raw[:cut] if data.draw(st.booleans()) else raw))


@pytest.mark.parametrize("path", sorted(HOSTILE.rglob("*.evtx")), ids=lambda p: p.name)
def test_hostile_logs_are_read(path: Path) -> None:
    assert Result(path.read_bytes()).events > 0
