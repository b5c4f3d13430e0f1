"""Whatever the file format, the disk inside is the same; damage becomes a problem with its range."""

import hashlib
import io
import random
import shutil
import struct
import subprocess
import uuid
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers.contract import Opener
from parsers.disks import Disk, DiskRefused, check_stored, open_disk
from tests.builders import disk_files as build
from tests.builders.ewf2 import ex01
from tests.shared import REAL, needs_shared

GUID = uuid.UUID("6a1f0b52-9d3c-4a77-8f61-2f1d5c0e9a10")
CHILD = uuid.UUID("7b2f0b52-9d3c-4a77-8f61-2f1d5c0e9a11")


def content(seed: int = 1, blocks: int = 3) -> bytes:
    """Noise with holes: the second block is empty."""
    source = random.Random(seed)
    disk = bytearray(build.BLOCK * blocks)
    for _ in range(30):
        size = source.randrange(1, 70_000)
        at = source.randrange(len(disk) - size)
        disk[at : at + size] = source.randbytes(size)
    disk[build.BLOCK : 2 * build.BLOCK] = bytes(build.BLOCK)
    return bytes(disk)


DISK = content()
CHANGED = bytearray(DISK)
CHANGED[512:1024] = b"\x5a" * 512
CHANGED[build.BLOCK + 4096 : build.BLOCK + 5120] = b"\xa5" * 1024
CHANGED[9 * 512 : 10 * 512] = bytes(512)
NEWER = bytes(CHANGED)


def opener(data: bytes) -> Opener:
    return lambda: io.BytesIO(data)


def opened(name: str, files: Mapping[str, bytes]) -> Disk:
    openers = {n: opener(d) for n, d in files.items()}
    return open_disk(name, openers[name], openers)


def whole(disk: Disk) -> bytes:
    disk.stream.seek(0)
    return disk.stream.read()


def altered(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def segments(pack: bool, count: int) -> dict[str, bytes]:
    return {f"d.E{k + 1:02}": s for k, s in enumerate(build.e01(DISK, pack, count))}


def ex01_files(pack: bool, count: int) -> dict[str, bytes]:
    return {f"d.Ex{k + 1:02}": s for k, s in enumerate(ex01(DISK, pack, count))}


def split_raw() -> dict[str, bytes]:
    cut = 2_500_000
    parts = [DISK[i : i + cut] for i in range(0, len(DISK), cut)]
    return {f"d.{k + 1:03}": p for k, p in enumerate(parts)}


def flat_vmdk(cut: int = 4096) -> dict[str, bytes]:
    extents = f'RW {cut} FLAT "d-f001.vmdk" 0\nRW {len(DISK) // 512 - cut} FLAT "d-f002.vmdk" 0'
    text = build.vmdk_text(extents, "twoGbMaxExtentFlat").encode()
    return {"d.vmdk": text, "d-f001.vmdk": DISK[: cut * 512], "d-f002.vmdk": DISK[cut * 512 :]}


def changes(newer: bytes, older: bytes) -> bytes:
    """Of a newer state the blocks of 64 KiB that differ, between zeros: what a chain's upper file holds."""
    blocks = range(0, len(newer), 1 << 16)
    pairs = [(newer[i : i + (1 << 16)], older[i : i + (1 << 16)]) for i in blocks]
    return b"".join(new if new != old else bytes(len(new)) for new, old in pairs)


FORMS: dict[str, dict[str, bytes]] = {
    "raw": {"d.dd": DISK},
    "split raw": split_raw(),
    "E01": segments(True, 1),
    "E01 not packed": segments(False, 1),
    "E01 in segments": segments(True, 3),
    "Ex01": ex01_files(True, 1),
    "Ex01 not packed": ex01_files(False, 1),
    "Ex01 in segments": ex01_files(True, 3),
    "VHD fixed": {"d.vhd": build.vhd_fixed(DISK)},
    "VHD dynamic": {"d.vhd": build.vhd_dynamic(DISK)},
    "VHDX": {"d.vhdx": build.vhdx(DISK, GUID)},
    "QCOW2": {"d.qcow2": build.qcow2(DISK)},
    "QCOW2 compressed": {"d.qcow2": build.qcow2(DISK, build.deflated)},
    "VMDK sparse": {"disk.vmdk": build.vmdk_sparse(DISK)},
    "VMDK flat": flat_vmdk(),
    "QCOW2 differencing": {
        "d.qcow2": build.qcow2(changes(NEWER, DISK), backing="/vm/Base.qcow2"),
        "base.qcow2": build.qcow2(DISK, build.deflated),
    },
    "QCOW2 differencing from raw": {
        "d.qcow2": build.qcow2(changes(NEWER, DISK), backing="base.dd"),
        "base.dd": DISK,
    },
    "VMDK differencing": {
        "d.vmdk": build.vmdk_sparse(changes(NEWER, DISK), "11223344"),
        "base.vmdk": build.vmdk_sparse(DISK),
    },
    "VHD differencing": {
        "base.vhd": build.vhd_dynamic(DISK),
        "d.avhd": build.vhd_dynamic(NEWER, b"\x22" * 16, (b"\x11" * 16, "gone.vhd", DISK)),
    },
    "VHDX differencing": {
        "base.vhdx": build.vhdx(DISK, GUID),
        "d.avhdx": build.vhdx(NEWER, CHILD, (GUID, "gone.vhdx", DISK)),
    },
}


@pytest.mark.parametrize("form", FORMS)
def test_each_format_gives_the_disk(form: str) -> None:
    files = FORMS[form]
    name = next(n for n in files if n.startswith(("d.", "disk.")))
    expected = NEWER if "differencing" in form else DISK

    with opened(name, files) as disk:
        assert disk.size == len(expected)
        assert whole(disk) == expected
        assert disk.problems == []
        source = random.Random(2)
        for _ in range(40):
            at, n = source.randrange(len(expected)), source.randrange(1, 90_000)
            disk.stream.seek(at)
            assert disk.stream.read(n) == expected[at : at + n]


def test_a_flipped_bit_in_an_e01_is_told_with_its_range() -> None:
    image = bytearray(build.e01(DISK, pack=False)[0])
    chunk = next(k for k in range(0, len(DISK), build.E01_CHUNK) if any(DISK[k : k + 64]))
    image[image.find(DISK[chunk : chunk + 64]) + 100] ^= 1

    with opened("d.E01", {"d.E01": bytes(image)}) as disk:
        data = whole(disk)

        assert [(p.code, p.place) for p in disk.problems] == [
            ("chunk_checksum", f"disk bytes {chunk} to {chunk + 32767}")
        ]
        assert data[:chunk] == DISK[:chunk]


def test_a_damaged_description_of_an_e01_is_told() -> None:
    image = bytearray(build.e01(DISK)[0])
    sectors = image.find(struct.pack("<Q", len(DISK) // 512))
    image[sectors : sectors + 2] = b"\0\x01"

    with opened("d.E01", {"d.E01": bytes(image)}) as disk:
        assert ("damaged_segment", "section volume") in [(p.code, p.place) for p in disk.problems]


@pytest.mark.parametrize("name", ["d.E01", "d.Ex01"])
def test_a_chunk_that_unpacks_to_more_than_a_chunk_is_told(name: str) -> None:
    image = bytearray((build.e01 if name == "d.E01" else ex01)(DISK)[0])
    chunk = next(k for k in range(0, len(DISK), build.E01_CHUNK) if any(DISK[k : k + 64]))
    packed = zlib.compress(DISK[chunk : chunk + build.E01_CHUNK])
    bomb = zlib.compress(bytes(1 << 20), 1)
    assert len(bomb) < len(packed)
    at = image.find(packed)
    image[at : at + len(bomb)] = bomb

    with opened(name, {name: bytes(image)}) as disk:
        assert len(whole(disk)) == len(DISK)
        assert [(p.code, p.place) for p in disk.problems] == [
            ("chunk_checksum", f"disk bytes {chunk} to {chunk + build.E01_CHUNK - 1}")
        ]


def test_the_stored_hashes_of_an_e01_are_checked_over_all_its_bytes() -> None:
    parts = segments(False, 3)
    sound = opened("d.E01", parts)
    parts["d.E02"] = altered(parts["d.E02"], 2_000)
    read: list[tuple[int, int]] = []

    with sound, opened("d.E01", parts) as wrong:
        assert sound.stored == {
            "MD5": hashlib.md5(DISK).hexdigest(),
            "SHA-1": hashlib.sha1(DISK).hexdigest(),
        }
        assert check_stored(sound, lambda done, total: read.append((done, total))) == []
        assert read[-1] == (len(DISK), len(DISK))
        found = check_stored(wrong)
        assert [p.code for p in found] == ["acquisition_hash"] * 2
        assert sound.stored["MD5"] in found[0].expected


def test_a_damaged_section_of_hashes_is_not_taken() -> None:
    part = build.e01(SMALL)[0]
    part = altered(part, part.index(b"hash".ljust(16, b"\0")) + 76)

    with opened("d.E01", {"d.E01": part}) as disk:
        assert [p.code for p in disk.problems] == ["stored_hash_damaged"]
        assert set(disk.stored) == {"MD5", "SHA-1"}


def test_a_missing_segment_is_told_and_what_precedes_it_is_given() -> None:
    files = segments(True, 3)
    del files["d.E03"]

    with opened("d.E01", files) as disk:
        data = whole(disk)

        third = -(-len(DISK) // build.E01_CHUNK // 3) * build.E01_CHUNK
        assert data[: 2 * third] == DISK[: 2 * third]
        assert not any(data[2 * third :])
        assert [p.code for p in disk.problems] == ["segment_missing"]


def test_a_cut_e01_gives_the_chunks_before_the_cut() -> None:
    files = segments(True, 3)
    files["d.E02"] = files["d.E02"][: len(files["d.E02"]) - 200]
    del files["d.E03"]

    with opened("d.E01", files) as disk:
        assert whole(disk)[: build.E01_CHUNK * 30] == DISK[: build.E01_CHUNK * 30]
        assert {"damaged_segment"} <= {p.code for p in disk.problems}


def test_a_damaged_ex01_tells_the_ranges_it_lost() -> None:
    chunk = build.E01_CHUNK
    flipped = bytearray(ex01(DISK, pack=False)[0])
    first = next(k for k in range(0, len(DISK), chunk) if any(DISK[k : k + 64]))
    flipped[flipped.find(DISK[first : first + 64]) + 100] ^= 1
    parts = ex01(DISK, True, 3)
    share = -(-(len(DISK) // chunk) // 3) * chunk
    cut = parts[1][: len(parts[1]) - 10]  # its last section's description

    with opened("d.Ex01", {"d.Ex01": bytes(flipped)}) as disk:
        assert whole(disk) != DISK
        assert [(p.code, p.place) for p in disk.problems] == [
            ("chunk_checksum", f"disk bytes {first} to {first + chunk - 1}")
        ]
        assert [p.code for p in check_stored(disk)] == ["acquisition_hash"] * 2
    with opened("d.Ex01", {"d.Ex01": parts[0], "d.Ex03": parts[2]}) as disk:
        assert whole(disk) == DISK[:share].ljust(len(DISK), b"\0")
        assert [(p.code, p.place) for p in disk.problems] == [
            ("segment_missing", f"disk bytes {share} to {len(DISK) - 1}")
        ]
    with opened("d.Ex01", {"d.Ex01": parts[0], "d.Ex02": cut, "d.Ex03": parts[2]}) as disk:
        assert whole(disk) == DISK
        assert [p.code for p in disk.problems] == ["damaged_segment"]
        assert set(disk.stored) == {"MD5", "SHA-1"}


def test_snapshots_inside_a_qcow2_are_told() -> None:
    image = bytearray(build.qcow2(DISK))
    struct.pack_into(">I", image, 60, 2)

    with opened("d.qcow2", {"d.qcow2": bytes(image)}) as disk:
        assert whole(disk) == DISK
        assert [(p.code, p.found) for p in disk.problems] == [
            ("snapshots_inside", "2 snapshots inside the image")
        ]


def test_a_gap_between_raw_parts_is_told() -> None:
    files = split_raw()
    del files["d.002"]

    with opened("d.001", files) as disk:
        assert whole(disk) == DISK[:2_500_000]
        assert [(p.code, p.place) for p in disk.problems] == [("segment_missing", "part 2")]


@pytest.mark.parametrize(
    ("name", "files", "code"),
    [
        ("d.avhd", {"d.avhd": FORMS["VHD differencing"]["d.avhd"],
                    "base.vhd": build.vhd_dynamic(DISK, b"\x33" * 16)}, "needs_parent_disk"),
        ("d.avhdx", {"d.avhdx": FORMS["VHDX differencing"]["d.avhdx"],
                     "base.vhdx": build.vhdx(DISK, CHILD)}, "needs_parent_disk"),
        ("d.qcow2", {"d.qcow2": build.qcow2(DISK, backing="base.qcow2")}, "needs_parent_disk"),
        ("d.qcow2", {"d.qcow2": build.qcow2(DISK, backing="d.qcow2")}, "needs_parent_disk"),
        ("d.qcow2", {"d.qcow2": build.qcow2(DISK, backing="b.qcow2"),
                     "b.qcow2": build.qcow2(DISK, backing="d.qcow2")}, "damaged_disk"),
        ("d.vmdk", {"d.vmdk": build.vmdk_sparse(DISK, "01020304"),
                    "base.vmdk": build.vmdk_sparse(DISK)}, "needs_parent_disk"),
        ("d.vmdk", {"d.vmdk": build.vmdk_sparse(DISK, "11223344")}, "needs_parent_disk"),
        ("d.vmdk", {"d.vmdk": flat_vmdk()["d.vmdk"]}, "segment_missing"),
        ("d.vdi", {"d.vdi": bytes(64) + b"\x7f\x10\xda\xbe" + bytes(512)}, "container_not_supported"),
        ("d.AD1", {"d.AD1": b"ADSEGMENTEDFILE\0" + bytes(512)}, "container_not_supported"),
        ("d.aff4", {"d.aff4": b"PK\x03\x04" + bytes(512)}, "container_not_supported"),
        ("d.L01", {"d.L01": b"LVF\x09\x0d\x0a\xff\0" + bytes(512)}, "container_not_supported"),
        ("d.dmg", {"d.dmg": bytes(1024)}, "container_not_supported"),
        ("d.img", {"d.img": bytes(1024) + b"koly".ljust(512, b"\0")}, "container_not_supported"),
        ("d.E01", {"d.E01": b"\0" + FORMS["E01"]["d.E01"][1:]}, "damaged_disk"),
        ("d.vhdx", {"d.vhdx": bytes(1 << 20)}, "damaged_disk"),
        ("d.Ex01", {"d.Ex01": b"EVF2\x0d\x0a\x81\0" + bytes(512)}, "damaged_disk"),
        ("d.Ex01", {"d.Ex01": ex01(DISK[:65_536], encrypted=True)[0]}, "encrypted_disk"),
        ("d.Lx01", {"d.Lx01": b"LEF2\x0d\x0a\x81\0" + bytes(512)}, "container_not_supported"),
        ("d.aff", {"d.aff": b"AFF10\x0d\x0a\0" + bytes(512)}, "container_not_supported"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_right_is_refused(
    name: str, files: dict[str, bytes], code: str
) -> None:
    with pytest.raises(DiskRefused) as refused:
        opened(name, files)

    assert refused.value.code == code
    assert refused.value.advice


SMALL = content(3, 2)[: 1 << 20]
MUTABLE = {
    "d.E01": build.e01(SMALL)[0],
    "d.Ex01": ex01(SMALL)[0],
    "d.vhd": build.vhd_dynamic(SMALL),
    "d.vhdx": build.vhdx(SMALL, GUID),
    "d.qcow2": build.qcow2(SMALL, build.deflated),
}


@settings(max_examples=40)
@given(st.sampled_from(sorted(MUTABLE)), st.data())
def test_damaged_disks_end_in_problems_or_refusal(name: str, data: st.DataObject) -> None:
    raw = bytearray(MUTABLE[name])
    for _ in range(data.draw(st.integers(1, 6))):
        window = data.draw(st.sampled_from([256, 4096, 70_000, len(raw)]))
        at = data.draw(st.integers(0, min(window, len(raw)) - 1))
        raw[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.sampled_from([len(raw), len(raw) // 2, 600]))

    try:
        with opened(name, {name: bytes(raw[:cut])}) as disk:
            read = disk.stream.read(1 << 20)
            assert len(read) == min(disk.size, 1 << 20)
    except DiskRefused as refused:
        assert refused.expected


@pytest.mark.skipif(shutil.which("qemu-img") is None, reason="qemu-img is not there to cross-check")
@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("vhdx", []), ("vpc", ["-o", "force_size=on"]), ("qcow2", []), ("qcow2", ["-c"]),
        ("qcow2", ["-c", "-o", "compression_type=zstd"]), ("vmdk", []),
        ("vmdk", ["-o", "subformat=streamOptimized"]),
        ("vmdk", ["-o", "subformat=twoGbMaxExtentSparse"]),
    ],
)  # fmt: skip
def test_disks_of_another_writer_are_read(tmp_path: Path, form: str, options: list[str]) -> None:
    (tmp_path / "a.dd").write_bytes(SMALL)
    command = ["qemu-img", "convert", "-f", "raw", "-O", form, *options, "a.dd", "b.img"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=60)
    files = {p.name: p.read_bytes() for p in tmp_path.iterdir()}

    with opened("b.img", files) as disk:
        assert whole(disk)[: len(SMALL)] == SMALL


@pytest.mark.parametrize("written", [build.e01, ex01])
def test_our_writers_are_read_by_another_reader(
    written: Callable[[bytes, bool, int], list[bytes]],
) -> None:
    pyewf = pytest.importorskip("pyewf")
    handle = pyewf.handle()

    handle.open_file_objects([io.BytesIO(s) for s in written(SMALL, True, 2)])

    assert handle.read_buffer(len(SMALL)) == SMALL


@needs_shared
@pytest.mark.parametrize("name", ["partition_image.E01", "test.ntfs.dd.E01"])
def test_real_e01_are_read_as_libewf_reads_them(name: str) -> None:
    pyewf = pytest.importorskip("pyewf")
    path = REAL / "Velocidex_velociraptor" / name
    handle = pyewf.handle()
    handle.open([str(path)])

    with open_disk(name, lambda: path.open("rb")) as disk:
        assert whole(disk) == handle.read_buffer(handle.get_media_size())
        assert disk.problems == []
        assert disk.stored["MD5"] == handle.get_hash_value("MD5")
        assert check_stored(disk) == []
