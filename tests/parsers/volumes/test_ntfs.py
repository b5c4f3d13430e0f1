"""NTFS: paths, times, streams, and content wherever its runs lie."""

import io
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensic_iso.evidence.streams import stream_problems
from parsers.contract import Problem
from parsers.volumes import Node, VolumeRefused, open_volume
from parsers.volumes.lznt1 import decompress
from tests.builders.mft import MftBuilder
from tests.builders.ntfs_volume import CLUSTER, lznt1
from tests.builders.ntfs_volume import NtfsVolume as Builder
from tests.parsers.volumes.making import (
    COMPRESSIBLE,
    MADE,
    NOISE,
    NTFS,
    content,
    ns,
    ntfs,
    scattered,
)


def test_ntfs_tells_label_serial_and_creation() -> None:
    volume = ntfs()

    assert (volume.label, volume.serial) == ("Büro", "A1B2-C3D4")
    assert volume.created == ns(MADE)
    assert volume.doubts.problems == []


def test_ntfs_gives_files_with_times_attributes_and_streams() -> None:
    nodes = {n.path: n for n in ntfs().walk()}

    small = nodes["\\Users\\a\\small.txt"]
    assert (small.size, small.hidden, small.streams) == (17, True, ("Zone.Identifier",))
    assert small.created == small.modified == small.changed == small.accessed == ns(MADE)
    assert small.file_id >> 48 == 1
    assert NTFS[small.address : small.address + 4] == b"FILE"
    assert nodes["\\Users\\a\\gone.txt"].deleted
    assert nodes["\\Users\\a"].is_directory


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("\\Users\\a\\small.txt", b"inside the record"),
        ("users/A/TWO.bin", NOISE),
        ("\\Users\\a\\apart.bin", NOISE[::-1]),
        ("\\Users\\a\\packed.bin", COMPRESSIBLE),
    ],
)
def test_ntfs_content_is_read_wherever_it_lies(path: str, expected: bytes) -> None:
    volume = ntfs()

    assert content(volume, path) == expected
    node = volume.stat(path)
    assert node is not None
    with volume.open(node) as stream:
        for at in (0, 4090, len(expected) - 9):
            stream.seek(at)
            assert stream.read(5000) == expected[at : at + 5000]


def test_ntfs_streams_in_and_outside_of_the_record_are_read() -> None:
    volume = ntfs()

    assert content(volume, "\\Users\\a\\small.txt", "Zone.Identifier").startswith(b"[ZoneT")
    assert len(content(volume, "\\Users\\a\\marked.iso", "zone.identifier")) == 40 * 26
    journal = content(volume, "\\$Extend\\$UsnJrnl", "$J")
    assert journal == bytes(300 * CLUSTER) + NOISE[:4096]


def test_ntfs_extents_lead_to_the_bytes() -> None:
    volume = ntfs()
    node = volume.stat("\\Users\\a\\apart.bin")
    assert node is not None

    extents = volume.extents(node)

    assert len(extents) == 2
    assert b"".join(NTFS[s : s + n] for s, n in extents if s is not None) == NOISE[::-1]


def test_runs_in_several_records_are_read_as_one_file() -> None:
    disk, log, changes = scattered()
    volume = ntfs(disk)

    assert content(volume, "\\logs\\System.evtx") == log
    assert content(volume, "\\$Extend\\$UsnJrnl", "$J") == bytes(64 * CLUSTER) + changes
    node = volume.stat("\\$Extend\\$UsnJrnl")
    assert node is not None
    assert len(volume.extents(node, "$J")) == 5
    assert volume.doubts.problems == []


def test_runs_of_a_record_that_is_gone_are_told_and_no_hole() -> None:
    disk, log, _ = scattered()
    volume = ntfs(disk)
    node = volume.stat("\\logs\\System.evtx")
    assert node is not None
    pieces = [p.start for p in volume.pieces(node.file_id, 0x80, "")]
    gone = bytearray(disk)
    holders = [
        at for at in range(4 * CLUSTER, 40 * CLUSTER, 1024)
        if gone[at : at + 4] == b"FILE" and gone[at + 32 : at + 40] == node.file_id.to_bytes(8, "little")
    ]  # fmt: skip
    gone[holders[1] : holders[1] + 4] = bytes(4)

    with ntfs(bytes(gone)).open(node) as stream:
        data = stream.read()
        problems = stream_problems(stream)

    first, last = pieces[2] * CLUSTER, pieces[3] * CLUSTER
    assert data == log[:first] + bytes(last - first) + log[last:]
    assert [p.code for p in problems] == ["runs_missing"]
    assert f"bytes {first} to {last - 1}" in problems[0].message


def test_a_damaged_boot_sector_and_mft_are_found_by_their_copies() -> None:
    data = bytearray(NTFS)
    data[:512] = bytes(512)
    data[4 * CLUSTER : 4 * CLUSTER + 4] = b"XXXX"

    volume = ntfs(bytes(data))

    assert content(volume, "\\Users\\a\\two.bin") == NOISE
    codes = [p.code for p in volume.doubts.problems]
    assert codes == ["boot_sector_copy", "mft_mirror_used"]


def test_a_cut_volume_gives_zeros_and_a_problem() -> None:
    whole = ntfs()
    node = whole.stat("\\Users\\a\\two.bin")
    assert node is not None
    cut = max(s for s, _ in whole.extents(node) if s is not None) + 100

    volume = open_volume(io.BytesIO(NTFS[:cut]), 0, cut)
    with volume.open(node) as stream:
        data = stream.read()
        problems: list[Problem] = getattr(stream, "problems", [])

    assert len(data) == len(NOISE)
    assert [p.code for p in problems] == ["runs_outside"]


@pytest.mark.parametrize(
    ("tag", "code"),
    [(0x80000017, "compact_file"), (0x80000013, "deduplicated_file"), (0x9000701A, "cloud_file")],
)
def test_content_kept_elsewhere_is_refused_and_not_given_as_zeros(tag: int, code: str) -> None:
    volume = Builder(MftBuilder(MADE))
    number = volume.put("a.iso", b"", MADE)
    volume.stream(number, "", b"", hole=20)
    volume.mft.attach(number, 0xC0, struct.pack("<IHH", tag, 0, 0))
    data = volume.build(300)

    made = ntfs(data)
    node = made.stat("\\a.iso")
    assert node is not None
    with pytest.raises(VolumeRefused) as refused:
        made.open(node)

    assert (node.size, refused.value.code) == (20 * CLUSTER, code)


def test_a_file_that_is_gone_is_refused() -> None:
    volume = ntfs()

    with pytest.raises(VolumeRefused):
        volume.open(Node("\\x", "x", False, 0, 0, 9 << 48 | 64, 0))


@given(st.binary(max_size=9000))
def test_lznt1_gives_back_what_was_packed(data: bytes) -> None:
    assert decompress(lznt1(data), len(data)) == data


@given(st.binary(max_size=500))
def test_lznt1_of_anything_is_bounded(data: bytes) -> None:
    assert len(decompress(data, 4096)) <= 4096


@settings(max_examples=30)
@given(st.data())
def test_damaged_ntfs_never_raises_but_refuses(data: st.DataObject) -> None:
    raw = bytearray(NTFS[: 60 * CLUSTER])
    for _ in range(data.draw(st.integers(1, 12))):
        start = data.draw(st.sampled_from([0, 4 * CLUSTER, 4 * CLUSTER + 64 * 1024]))
        raw[start + data.draw(st.integers(0, 12_000))] = data.draw(st.integers(0, 255))
    try:
        volume = open_volume(io.BytesIO(bytes(raw)), 0, len(raw))
        for node in volume.walk():
            if not node.is_directory:
                try:
                    volume.open(node).read(1 << 16)
                except VolumeRefused:
                    continue
    except VolumeRefused as refused:
        assert refused.code
