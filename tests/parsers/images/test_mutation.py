"""Mutated images of every kind raise nothing and end."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers import images
from parsers.frames import POLARS
from tests.builders.fat import FatFile, build_fat, with_mbr
from tests.builders.iso import IsoFile, build_iso
from tests.builders.udf import build_udf
from tests.parsers.images.helpers import MADE
from tests.parsers.images.test_udf import WHEN, files
from tests.parsers.reading import artifact, read

_CLOCK = MADE.replace(tzinfo=None)
KINDS: dict[str, tuple[bytes, tuple[int, int]]] = {}


def _add(name: str, data: bytes, start: int, end: int | None = None) -> None:
    KINDS[name] = data, (start, min(end or len(data), len(data)))


_add("iso", build_iso("L", [IsoFile("d\\a.txt", b"a" * 99, MADE)], MADE, frozenset({"d"})), 32768)
_udf = build_udf("V", files(), WHEN)
_add("udf volume", _udf, 96 * 2048, 100 * 2048)
_add("udf tree", _udf, 264 * 2048, 300 * 2048)
_meta = build_udf("V", files(True), WHEN, metadata=True, revision=0x0250)
_add("udf metadata", _meta, 264 * 2048, 300 * 2048)
_small = build_fat("L", 1, [FatFile("d\\a long name.txt", b"a" * 99, _CLOCK)], 200)
_add("fat", _small, 0, 24 << 9)
_add("mbr", with_mbr([(1, _small)]), 0, 512)


@pytest.mark.parametrize("kind", sorted(KINDS))
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), wounds=st.integers(1, 30))
def test_mutated_image_raises_nothing(kind: str, seed: int, wounds: int) -> None:
    whole, (start, end) = KINDS[kind]
    data, dice = bytearray(whole), random.Random(seed)
    for _ in range(wounds):
        data[dice.randrange(start, end)] = dice.choice(
            (0, 1, 2, 127, 128, 255, dice.randrange(256))
        )
    if dice.random() < 0.2:
        del data[dice.randrange(start, len(data)) :]

    rows, problems = read(images, artifact("a.iso", bytes(data)))

    assert all(len(p.place) < 1000 for p in problems)
    assert set(rows) == {"image_content", "image_volume"}


@given(st.binary(max_size=2000))
@settings(max_examples=50, deadline=None)
def test_any_bytes_are_recognised_or_not_and_read(data: bytes) -> None:
    images.recognise("a.iso", data)

    _, problems = read(images, artifact("a.vhd", data))

    assert problems


def test_every_column_has_a_type_and_an_address() -> None:
    tables: tuple[Any, ...] = images.TABLES
    assert all(t.address in t.column_names() for t in tables)
    assert all(c.type in POLARS and c.comment for t in tables for c in t.columns)
