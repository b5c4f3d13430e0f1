"""FAT and exFAT: names, the wall clock or its zone, content, loops."""

import io
import shutil
import subprocess
from pathlib import Path

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


def deleted_folder(tmp_path: Path) -> bytes:
    """A FAT volume whose folder `Old` with two files was deleted by mtools."""
    path = tmp_path / "a.img"
    path.write_bytes(bytes(4 << 20))
    (tmp_path / "f").write_bytes(b"c" * 900)
    for command in (
        ["mkfs.vfat", str(path)],
        ["mmd", "-i", str(path), "::Old"],
        ["mcopy", "-i", str(path), str(tmp_path / "f"), "::Old/Ein langer Name.iso"],
        ["mcopy", "-i", str(path), str(tmp_path / "f"), "::Old/b.txt"],
        ["mdeltree", "-i", str(path), "::Old"],
    ):
        subprocess.run(command, check=True, timeout=60, capture_output=True)
    return path.read_bytes()


needs_mtools = pytest.mark.skipif(shutil.which("mdeltree") is None, reason="needs mtools")


@needs_mtools
def test_what_a_deleted_folder_held_is_named(tmp_path: Path) -> None:
    data = deleted_folder(tmp_path)

    volume = open_volume(io.BytesIO(data), 0, len(data))
    nodes = {n.path: n for n in volume.walk()}

    (folder,) = (p for p in nodes if p.count("\\") == 1)
    assert set(nodes) == {folder, f"{folder}\\Ein langer Name.iso", f"{folder}\\_.txt"}
    assert all(n.deleted for n in nodes.values())
    assert nodes[f"{folder}\\Ein langer Name.iso"].size == 900
    assert volume.doubts.problems == []


@needs_mtools
def test_a_deleted_folder_whose_cluster_is_used_again_is_not_entered(tmp_path: Path) -> None:
    data = bytearray(deleted_folder(tmp_path))
    data[data.find(b".          ") + 26] ^= 7

    volume = open_volume(io.BytesIO(bytes(data)), 0, len(data))

    assert len(list(volume.walk())) == 1


def test_a_deleted_name_takes_only_its_own_parts_of_a_long_name() -> None:
    data = bytearray(
        build_fat(
            "X", 1, [FatFile("A fairly long name.iso", b"c", WALL, deleted=True)], clusters=50
        )
    )
    last = data.find("A fai".encode("utf-16-le")) - 1
    earlier = last - 32
    data[earlier + 13] ^= 0x55

    volume = open_volume(io.BytesIO(bytes(data)), 0, len(data))
    (gone,) = volume.walk()

    assert gone.name == "A fairly long"


@pytest.mark.skipif(
    shutil.which("mkfs.vfat") is None, reason="mkfs.vfat is not there to cross-check"
)
@pytest.mark.parametrize("bits", [12, 16, 32])
def test_serial_and_label_are_those_another_writer_set(bits: int, tmp_path: Path) -> None:
    size = {12: 1 << 20, 16: 16 << 20, 32: 40 << 20}[bits]
    path = tmp_path / "a.img"
    path.write_bytes(bytes(size))
    command = [
        "mkfs.vfat",
        "-F",
        str(bits),
        "-n",
        "DELIVERY",
        "-i",
        "a1b2c3d4",
        "-s",
        "1",
        str(path),
    ]
    subprocess.run(command, check=True, timeout=60, capture_output=True)

    with path.open("rb") as stream:
        volume = open_volume(stream, 0, size)

        assert (volume.filesystem, volume.serial, volume.label) == (
            f"FAT{bits}", "A1B2-C3D4", "DELIVERY",
        )  # fmt: skip
