"""Raw volumes and virtual disks: FAT and NTFS inside, with marks, and images inside them."""

import hashlib
import shutil
import subprocess
from datetime import datetime
from pathlib import Path

import pytest

from parsers import images
from tests.builders.fat import HIDDEN, SYSTEM, FatFile, build_fat, fixed_vhd, with_mbr
from tests.builders.iso import IsoFile, build_iso
from tests.builders.lnk import Shortcut, VolumeId, build_lnk
from tests.parsers.images.helpers import MADE, parsed

WHEN = datetime(2024, 5, 14, 9, 30, 2)  # noqa: DTZ001 (FAT has wall clocks)
PROGRAM = (
    b"MZ" + bytes(58) + b"\x40\0\0\0" + b"PE\0\0\x64\x86" + bytes(16) + b"\x02\x20" + bytes(600)
)
INNER = build_iso("INNER", [IsoFile("deep.txt", b"deep", MADE)], MADE)
VOLUME = build_fat(
    "DELIVERED",
    0x1234ABCD,
    [
        FatFile("Long program name.dll", PROGRAM, WHEN, HIDDEN | SYSTEM),
        FatFile("folder\\below\\data.bin", b"d" * 3000, WHEN),
        FatFile("notes.txt", INNER, WHEN),
        FatFile("gone.txt", b"gone", WHEN, deleted=True),
    ],
)


@pytest.mark.parametrize("clusters", [3000, 8000])
def test_raw_fat_is_known_by_content_and_its_files_come_with_flags_and_local_times(
    clusters: int,
) -> None:
    data = build_fat("LBL", 0xCAFE0001, [FatFile("a long name.dll", PROGRAM, WHEN, 6)], clusters)

    content, volumes, problems = parsed(data)

    row = content[None, "a long name.dll"]
    assert images.recognise("invoice.txt", data[:34816])
    assert (row["hidden"], row["system"], row["size_bytes"]) == (True, True, len(PROGRAM))
    assert (row["modified_local"], row["modified_utc"]) == (WHEN, None)
    assert row["sha256"] == hashlib.sha256(PROGRAM).hexdigest().upper()
    assert (row["content_type"], row["pe_machine"], row["pe_is_dll"]) == ("pe", "x64", True)
    assert data[row["extent_offset"] :].startswith(PROGRAM)
    assert (volumes[0]["label"], volumes[0]["serial"]) == ("LBL", "CAFE-0001")
    assert (volumes[0]["filesystem"], volumes[0]["mounted"]) == (
        "FAT12" if clusters < 4085 else "FAT16",
        False,
    )
    assert problems == []


def test_image_inside_is_listed_with_addresses_of_the_outer_one() -> None:
    content, _, _ = parsed(VOLUME)

    row = content["notes.txt", "deep.txt"]
    assert content[None, "notes.txt"]["content_type"] == "iso"
    assert VOLUME[row["extent_offset"] :].startswith(b"deep")
    assert row["sha256"] == hashlib.sha256(b"deep").hexdigest().upper()


def test_images_two_levels_down_are_files_only() -> None:
    middle = build_iso("MIDDLE", [IsoFile("inner.iso", INNER, MADE)], MADE)
    outer = build_iso("OUTER", [IsoFile("middle.iso", middle, MADE)], MADE)

    content, _, _ = parsed(outer)

    assert set(content) == {(None, "middle.iso"), ("middle.iso", "inner.iso")}


def test_deleted_file_is_named_without_digest() -> None:
    content, _, _ = parsed(VOLUME)

    (row,) = [r for r in content.values() if r["deleted"]]
    assert (row["shown"], row["sha256"]) == (False, None)
    assert row["remarks"].startswith("deleted")


def test_partitions_of_a_fixed_vhd_give_one_volume_each() -> None:
    other = build_fat("SECOND", 0x00000001, [FatFile("b.txt", b"b", WHEN)], 3000)
    disk = with_mbr([(6, VOLUME), (1, other), (0x83, bytes(1 << 20))])

    content, volumes, _ = parsed(fixed_vhd(disk), "a.vhd")

    volumes = [v for v in volumes if v["container_path"] is None]
    assert [v["label"] for v in volumes] == ["DELIVERED", "SECOND", None]
    assert [v["mounted"] for v in volumes] == [True, True, False]
    assert volumes[1]["volume_offset"] % (1 << 20) == 0
    assert content[None, "b.txt"]["volume_number"] == 2
    assert disk[content[None, "b.txt"]["extent_offset"] :].startswith(b"b")


def test_fixed_vhd_without_a_partition_table_is_known_by_its_name() -> None:
    assert images.recognise("a.vhd", b"\1" * 34816)
    assert not images.recognise("a.bin", b"\1" * 34816)


def test_boot_sector_alone_is_no_image() -> None:
    assert not images.recognise("$Boot", VOLUME[:8192])


def test_shortcut_inside_gives_target_and_arguments() -> None:
    link = build_lnk(
        Shortcut(
            "C:\\Windows\\System32\\cmd.exe",
            VolumeId(3, 1, ""),
            arguments="/c start a.dll",
            working_directory="C:\\",
        )
    )
    image = build_iso("L", [IsoFile("Open.lnk", link, MADE)], MADE)

    content, _, _ = parsed(image)

    row = content[None, "Open.lnk"]
    assert row["lnk_target"] == "C:\\Windows\\System32\\cmd.exe"
    assert (row["lnk_arguments"], row["lnk_working_directory"]) == ("/c start a.dll", "C:\\")


def test_cut_volume_names_what_it_cannot_digest() -> None:
    at = VOLUME.index(INNER)

    content, _, problems = parsed(VOLUME[: at + 512])

    assert content[None, "notes.txt"]["sha256"] is None
    assert "image_file_cut" in {p.code for p in problems}


NTFS_TOOLS = pytest.mark.skipif(
    not (shutil.which("mkntfs") and shutil.which("ntfscp")), reason="needs mkntfs and ntfscp"
)


@NTFS_TOOLS
def test_ntfs_files_come_with_their_own_mark(tmp_path: Path) -> None:
    image, program, mark = tmp_path / "n.img", tmp_path / "p.exe", tmp_path / "z"
    image.write_bytes(bytes(4 << 20))
    program.write_bytes(PROGRAM)
    mark.write_bytes(b"[ZoneTransfer]\r\nZoneId=3\r\nHostUrl=http://files.example/a\r\n")
    for command in (
        ["mkntfs", "-F", "-q", "-L", "NVOL", str(image)],
        ["ntfscp", str(image), str(program), "p.exe"],
        ["ntfscp", "-N", "Zone.Identifier", str(image), str(mark), "p.exe"],
    ):
        subprocess.run(command, check=True, capture_output=True)

    content, volumes, problems = parsed(image.read_bytes())

    row = content[None, "p.exe"]
    assert (row["zone_id"], row["zone_host_url"]) == (3, "http://files.example/a")
    assert row["sha256"] == hashlib.sha256(PROGRAM).hexdigest().upper()
    assert content[None, "p.exe:Zone.Identifier"]["size_bytes"] == mark.stat().st_size
    assert not any(path.startswith("$") for _, path in content)
    assert (volumes[0]["filesystem"], volumes[0]["label"]) == ("NTFS", "NVOL")
    assert volumes[0]["created_utc"] is not None
    assert problems == []


@NTFS_TOOLS
@pytest.mark.skipif(not shutil.which("qemu-img"), reason="needs qemu-img")
@pytest.mark.parametrize(("form", "ending"), [("vhdx", "vhdx"), ("vpc", "vhd")])
def test_packed_virtual_disks_give_the_files_of_the_raw_one(
    tmp_path: Path, form: str, ending: str
) -> None:
    raw, packed = tmp_path / "r.img", tmp_path / f"p.{ending}"
    raw.write_bytes(with_mbr([(6, VOLUME)]))
    convert = ["qemu-img", "convert", "-f", "raw", "-O", form, str(raw), str(packed)]
    subprocess.run(convert, check=True, capture_output=True)

    data = packed.read_bytes()
    content, volumes, _ = parsed(data)

    expected, _, _ = parsed(raw.read_bytes())
    assert images.recognise("a.txt", data[:34816])
    assert {k: r["sha256"] for k, r in content.items()} == {
        k: r["sha256"] for k, r in expected.items()
    }
    assert volumes[0]["mounted"]
