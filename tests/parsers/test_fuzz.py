"""Every parser against thousands of wounded samples: rows as declared and problems with a place, nothing else.

The variants follow from one seed. `FUZZ_SEED` and `FUZZ_VARIANTS` set others; `make fuzz` runs through many seeds.
"""

import io
import os
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import FrameType

import polars as pl
import pytest

from parsers.contract import HOST, Artifact, Batch, Parser
from parsers.frames import schema_of
from parsers.registry import PARSERS
from tests.builders.bits import queue
from tests.builders.hive import hive, tree
from tests.builders.tasks import task
from tests.conftest import BUNDLED
from tests.parsers import (
    test_bits,
    test_defender_quarantine,
    test_job,
    test_recent_file_cache,
    test_webcache,
    test_wer,
)
from tests.parsers.hives import test_deleted
from tests.parsers.hives.test_usrclass import TREE as SHELLBAGS
from tests.parsers.test_activities import sample as timeline
from tests.shared import CASES, HOSTILE, REAL

SEED = int(os.environ.get("FUZZ_SEED", "7"))
VARIANTS = int(os.environ.get("FUZZ_VARIANTS", "2000"))
MOST_BYTES = 80_000
MOST_ROWS = 400_000
"""More rows than this of one small variant are a loop or a bomb."""
MOST_SECONDS = 60
SAMPLES_PER_KIND = 12
HEAD = 34_816

Wound = Callable[[random.Random, bytearray], None]


def flip(draw: random.Random, data: bytearray) -> None:
    """Some bits."""
    for _ in range(draw.choice([1, 3, 30])):
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)


def extreme(draw: random.Random, data: bytearray) -> None:
    """Numbers at the ends of their range, on even addresses."""
    for _ in range(draw.choice([1, 4, 12])):
        size = draw.choice([1, 2, 4, 8])
        at = draw.randrange(max(1, len(data) - size)) & ~1
        value = draw.choice([0, 1, 0x7F, 0x80, 0xFF])
        data[at : at + size] = bytes([value]) * size


def cut(draw: random.Random, data: bytearray) -> None:
    """The end is gone."""
    del data[draw.randrange(len(data)) :]


def blank(draw: random.Random, data: bytearray) -> None:
    """A stretch of zeros, as a bad sector leaves it."""
    at, size = draw.randrange(len(data)), draw.choice([16, 512, 4096])
    data[at : at + size] = bytes(len(data[at : at + size]))


def shift(draw: random.Random, data: bytearray) -> None:
    """Bytes put in or left out: all that follows lies elsewhere."""
    at, size = draw.randrange(len(data)), draw.randrange(1, 40)
    if draw.random() < 0.5:
        data[at:at] = draw.randbytes(size)
    else:
        del data[at : at + size]


def repeat(draw: random.Random, data: bytearray) -> None:
    """A stretch stands elsewhere too: what points to it goes round."""
    size = draw.choice([8, 64, 1024])
    source, target = draw.randrange(len(data)), draw.randrange(len(data))
    piece = data[source : source + size]
    data[target : target + len(piece)] = piece


BUILT = {
    "hive_system": ("SYSTEM", test_deleted.system_with_deleted()),
    "hive_user": ("NTUSER.DAT", test_deleted.user_with_deleted()),
    "hive_usrclass": ("UsrClass.dat", hive(tree(SHELLBAGS))),
    "scheduled_task": ("Updater", task()),
    "scheduled_job": ("At1.job", test_job.built()),
    "psreadline": (
        "ConsoleHost_history.txt",
        b"Mount-DiskImage C:\\a.iso\ncd E:\n.\\setup.exe`\n /s\n",
    ),
    "defender_quarantine": (
        test_defender_quarantine.NAME,
        test_defender_quarantine.entry(test_defender_quarantine.FILE, test_defender_quarantine.BOX),
    ),
    "bits": ("qmgr0.dat", queue([test_bits.FIRST], [test_bits.GONE])),
    "browser_webcache": (
        "WebCacheV01.dat",
        test_webcache.cache(
            [test_webcache.entry(n, Url="Visited: a@file:///E:/b") for n in range(40)], "History"
        ),
    ),
    "windows_timeline": ("ActivitiesCache.db", timeline()),
    "wer": ("Report.wer", test_wer.wide(test_wer.report())),
    "recent_file_cache": (
        "RecentFileCache.bcf",
        test_recent_file_cache.cache("e:\\setup.exe", "c:\\a.exe"),
    ),
}
"""Samples of our own, for kinds of which no file lies in the folders."""

WOUNDS: tuple[Wound, ...] = (flip, extreme, extreme, cut, blank, shift, repeat)


@cache
def samples() -> dict[str, list[tuple[str, bytes]]]:
    """Small files that a parser recognises, by its kind."""
    out = {kind: [sample] for kind, sample in BUILT.items()}
    for folder in (BUNDLED, REAL, HOSTILE, CASES):
        files = sorted(p for p in folder.rglob("*") if p.is_file()) if folder.is_dir() else []
        for path in files:
            data = path.read_bytes()[:MOST_BYTES]
            taken = next((p for p in PARSERS if p.recognise(path.name, data[:HEAD])), None)
            if taken is None or not data:
                continue
            have = out.setdefault(taken.KIND, [])
            if len(have) < SAMPLES_PER_KIND:
                have.append((path.name, data))
    return out


def variants(kind: str, count: int) -> Iterator[tuple[str, bytes]]:
    """Wounded samples, some of them hurt more than once."""
    draw = random.Random(f"{SEED} {kind}")
    for _ in range(count):
        name, sample = draw.choice(samples()[kind])
        data = bytearray(sample)
        for wound in draw.choices(WOUNDS, k=draw.choice([1, 1, 2, 4])):
            if data:
                wound(draw, data)
        yield name, bytes(data)


@contextmanager
def no_longer_than(seconds: int) -> Iterator[None]:
    """Break off what hangs."""

    def hung(_signal: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, hung)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def check(parser: Parser, name: str, data: bytes) -> None:
    """Rows fit the declarations, problems name their place."""
    tables = {t.name: {HOST.name: pl.String(), **schema_of(t)} for t in parser.TABLES}
    rows = 0
    artifact = Artifact(name, lambda: io.BytesIO(data), len(data), rf"C:\{name}")
    for item in parser.parse(artifact):
        if isinstance(item, Batch):
            declared = tables[item.table]
            assert set(item.frame.columns) <= set(declared)
            item.frame.cast({c: declared[c] for c in item.frame.columns}, strict=True)
            rows += item.frame.height
            assert rows < MOST_ROWS
        else:
            assert all((item.code, item.place, item.expected, item.found, item.message)), item


@pytest.mark.parametrize("parser", PARSERS, ids=lambda p: p.KIND)
def test_wounded_samples_end_in_rows_and_problems(parser: Parser) -> None:
    if parser.KIND not in samples():
        pytest.skip("no sample of this kind in testdata; the folder ../shared has one")
    for number, (name, data) in enumerate(variants(parser.KIND, -(-VARIANTS // len(PARSERS)))):
        try:
            with no_longer_than(MOST_SECONDS):
                check(parser, name, data)
        except Exception as e:
            kept = Path(os.environ.get("FUZZ_KEEP", "."))
            e.add_note(f"seed {SEED}, variant {number} of {name}, {len(data)} bytes")
            if "FUZZ_KEEP" in os.environ:
                (kept / f"{parser.KIND}-{SEED}-{number}").write_bytes(data)
            raise
