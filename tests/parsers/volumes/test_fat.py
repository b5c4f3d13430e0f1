"""FAT and exFAT: names, the wall clock or its zone, content, loops."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers.volumes import VolumeRefused, open_volume
from tests.builders.exfat import ExfatFile, build_exfat
from tests.builders.fat import FatFile, build_fat
from tests.parsers.volumes.making import EXFAT, FAT, NOISE, WALL, content, ns


def test_fat_gives_files_with_the_wall_clock() -> None:
    files = [
        FatFile("Ordner\\Ein langer Name.iso", NOISE, WALL, attributes=0x22),
        FatFile("b.txt", b"b", WALL),
        FatFile("gone.txt", b"c", WALL, deleted=True),
    ]
    data = build_fat("STICK", 0x1234ABCD, files)

    volume = open_volume(io.BytesIO(data), 0, len(data))
    nodes = {n.path: n for n in volume.walk()}

    assert (volume.label, volume.serial) == ("STICK", "1234-ABCD")
    assert volume.filesystem in ("FAT12", "FAT16")
    image = nodes["\\Ordner\\Ein langer Name.iso"]
    assert (image.hidden, image.local, image.modified) == (True, True, ns(WALL))
    assert content(volume, "\\Ordner\\Ein langer Name.iso") == NOISE
    (gone,) = (n for n in nodes.values() if n.deleted)
    with pytest.raises(VolumeRefused):
        volume.open(gone)


def test_exfat_gives_files_with_their_zone() -> None:
    files = [
        ExfatFile("D\\E\\Ein langer Name mit vielen Zeichen.iso", NOISE, WALL, 120, True),
        ExfatFile("a.bin", NOISE[:9000], WALL),
        ExfatFile("gone", b"abc", WALL, -300, deleted=True),
    ]
    data = build_exfat("Stick", 0xA1B2C3D4, files)

    volume = open_volume(io.BytesIO(data), 0, len(data))
    nodes = {n.path: n for n in volume.walk()}

    assert (volume.filesystem, volume.label, volume.serial) == ("exFAT", "Stick", "A1B2-C3D4")
    image = nodes["\\D\\E\\Ein langer Name mit vielen Zeichen.iso"]
    clock = ns(WALL)
    assert (image.local, image.modified) == (False, clock - 7200 * 10**9)
    assert nodes["\\a.bin"].local
    assert nodes["\\gone"].deleted
    assert content(volume, image.path) == NOISE
    assert content(volume, "\\a.bin") == NOISE[:9000]


def test_a_loop_of_folders_ends() -> None:
    data = bytearray(build_fat("X", 1, [FatFile("A\\B\\c.txt", b"c", WALL)]))
    at = data.find(b"B          ")
    above = data.find(b"A          ")
    data[at + 26 : at + 28] = data[above + 26 : above + 28]

    volume = open_volume(io.BytesIO(bytes(data)), 0, len(data))
    list(volume.walk())

    assert [p.code for p in volume.doubts.problems] == ["directory_loop"]


@settings(max_examples=30)
@given(st.sampled_from(["fat", "exfat"]), st.data())
def test_damaged_fat_never_raises_but_refuses(kind: str, data: st.DataObject) -> None:
    raw = bytearray(FAT if kind == "fat" else EXFAT)
    for _ in range(data.draw(st.integers(1, 12))):
        at = data.draw(st.integers(0, 4000) if kind == "fat" else st.integers(0, len(raw) // 8))
        raw[at] = data.draw(st.integers(0, 255))
    try:
        volume = open_volume(io.BytesIO(bytes(raw)), 0, len(raw))
        for node in volume.walk():
            if not node.is_directory and not node.deleted:
                volume.open(node).read(1 << 16)
    except VolumeRefused as refused:
        assert refused.code
