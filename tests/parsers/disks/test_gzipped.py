"""A raw image in gzip is read in place at any position; damage and what follows are told."""

import gzip
import io
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers.disks import Disk, DiskRefused, open_disk
from parsers.disks.gzipped import BLOCK, LEAST_SPACING
from tests.builders import disk_files as build

NOISE = random.Random(4).randbytes(1 << 18)
DISK = b"".join(NOISE[k:] + bytes(5 << 18) for k in range(12))
"""Over two restart points."""
CUT = 7_654_321
PACKED = gzip.compress(DISK[:CUT], 1) + gzip.compress(DISK[CUT:], 6)
SMALL = gzip.compress(NOISE[:60_000] + bytes(60_000))


def opened(data: bytes, name: str = "d.dd.gz") -> Disk:
    return open_disk(name, lambda: io.BytesIO(data))


def whole(disk: Disk) -> bytes:
    disk.stream.seek(0)
    return disk.stream.read()


def test_any_place_is_read_in_any_order() -> None:
    assert len(DISK) > 2 * LEAST_SPACING
    source = random.Random(1)

    with opened(PACKED) as disk:
        assert (disk.size, disk.format, disk.problems) == (len(DISK), "raw in gzip", [])
        for _ in range(60):
            at, n = source.randrange(len(DISK)), source.randrange(1, 3 * BLOCK // 2)
            disk.stream.seek(at)
            assert disk.stream.read(n) == DISK[at : at + n]


def test_a_cut_stream_is_read_up_to_the_cut() -> None:
    with opened(PACKED[: len(PACKED) // 2]) as disk:
        assert [p.code for p in disk.problems] == ["damaged_gzip"]
        assert whole(disk) == DISK[: disk.size]
        assert 0 < disk.size < len(DISK)


def test_bytes_that_do_not_fit_their_checksum_are_told() -> None:
    wrong = bytearray(gzip.compress(DISK[:CUT], 1))
    wrong[-7] ^= 1

    with opened(bytes(wrong)) as disk:
        assert [p.code for p in disk.problems] == ["damaged_gzip"]
        assert whole(disk) == DISK[:CUT]


def test_bytes_behind_the_stream_are_told() -> None:
    with opened(SMALL + b"rest") as disk:
        assert [(p.code, p.place) for p in disk.problems] == [
            ("gzip_trailing_bytes", f"file byte {len(SMALL)}")
        ]


@pytest.mark.parametrize(
    ("name", "inner"),
    [
        ("d.E01.gz", build.e01(bytes(1 << 16))[0]),
        ("d.vhdx.gz", b"vhdxfile" + bytes(600)),
        ("d.vdi.gz", bytes(64) + b"\x7f\x10\xda\xbe" + bytes(600)),
    ],
)
def test_another_format_in_gzip_is_refused_with_the_command(name: str, inner: bytes) -> None:
    with pytest.raises(DiskRefused) as refused:
        opened(gzip.compress(inner), name)

    assert refused.value.code == "container_not_supported"
    assert "gzip -dk" in refused.value.advice


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(3, len(SMALL) - 1), st.integers(1, 255)), max_size=5))
def test_damaged_streams_end_in_problems_or_refusal(wounds: list[tuple[int, int]]) -> None:
    data = bytearray(SMALL)
    for at, mask in wounds:
        data[at] ^= mask

    try:
        with opened(bytes(data)) as disk:
            got = whole(disk)
            assert len(got) == disk.size
            assert got == NOISE[:60_000] + bytes(60_000) or disk.problems
    except DiskRefused as refused:
        assert refused.expected
