"""Partition tables, honest and lying."""

import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.disks.streams import Doubts, reader
from parsers.volumes import list_volumes, partitions
from tests.parsers.volumes.making import NTFS


def mbr(*entries: tuple[int, int, int]) -> bytearray:
    sector = bytearray(512)
    struct.pack_into("<I", sector, 440, 0xA1B2C3D4)
    for k, (kind, start, count) in enumerate(entries):
        struct.pack_into("<B3xB3xII", sector, 446 + 16 * k, 0, kind, start, count)
    sector[510:] = b"\x55\xaa"
    return sector


def listed(disk: bytes) -> tuple[list[tuple[str, int, int]], list[str]]:
    doubts = Doubts()
    found = partitions(reader(io.BytesIO(disk)), len(disk), doubts)
    return [(p.name, p.start, p.size) for p in found], [p.code for p in doubts.problems]


def test_logical_partitions_are_followed_and_a_loop_ends() -> None:
    disk = bytearray(4000 * 512)
    disk[:512] = mbr((0x07, 64, 100), (0x0F, 1000, 2000))
    disk[1000 * 512 : 1001 * 512] = mbr((0x07, 8, 50), (0x05, 500, 400))
    disk[1500 * 512 : 1501 * 512] = mbr((0x0B, 8, 60), (0x05, 0, 400))

    found, codes = listed(bytes(disk))

    assert found == [
        ("partition 1", 64 * 512, 100 * 512),
        ("partition 5", 1008 * 512, 50 * 512),
        ("partition 6", 1508 * 512, 60 * 512),
    ]
    assert codes == ["partition_table_loop"]


def test_partitions_that_lie_are_told() -> None:
    disk = mbr((0x07, 1, 50), (0x07, 40, 20), (0x07, 5000, 10), (0x07, 90, 5000))
    disk += bytes(99 * 512)

    found, codes = listed(bytes(disk))

    assert [size for _, _, size in found] == [50 * 512, 20 * 512, 10 * 512]
    assert codes == ["partitions_overlap", "partition_outside", "partition_cut"]


def test_an_mbr_that_counts_in_larger_sectors_is_read_by_where_volumes_begin() -> None:
    disk = bytearray(60 * 4096 + len(NTFS))
    disk[:512] = mbr((0x07, 8, 20), (0x05, 40, 20))
    disk[8 * 4096 : 8 * 4096 + 512] = NTFS[:512]
    disk[40 * 4096 : 40 * 4096 + 512] = mbr((0x07, 2, 10))

    found, codes = listed(bytes(disk))

    assert found == [("partition 1", 8 * 4096, 20 * 4096), ("partition 5", 42 * 4096, 10 * 4096)]
    assert codes == []
    identity = partitions(reader(io.BytesIO(disk)), len(disk), Doubts())[0].identity
    assert identity == struct.pack("<IQ", 0xA1B2C3D4, 8 * 4096)


@pytest.mark.parametrize("protected", [True, False])
def test_partitions_of_the_table_that_windows_leaves_aside_are_read_as_well(
    protected: bool,
) -> None:
    disk = gpt_disk()
    entries = [(0xEE, 1, 30)] * protected + [(0x07, 40, 100), (0x07, 200, 60)]
    disk[:512] = mbr(*entries)

    found, codes = listed(bytes(disk))

    names = {name: start // 512 for name, start, _ in found}
    expected = {"partition 1": 40, "MBR partition 3": 200}
    assert names == (expected if protected else {"partition 1": 40, "partition 2": 200})
    assert codes == ["two_partition_tables"]


def test_a_table_that_leads_nowhere_does_not_hide_a_volume() -> None:
    disk = bytearray((1 << 20) + len(NTFS) + 4096)
    disk[:512] = mbr((0x07, 1000, 500))
    disk[1 << 20 : (1 << 20) + len(NTFS)] = NTFS

    found = list_volumes(io.BytesIO(disk), len(disk))

    assert [(v.name, v.filesystem) for v in found] == [
        ("partition 1", None),
        (f"volume at {1 << 20}", "NTFS"),
    ]


def gpt_disk(sector: int = 512) -> bytearray:
    total = 400
    disk = bytearray(total * sector)
    disk[:512] = mbr((0xEE, 1, total - 1))
    entry = bytes(range(1, 17)) + bytes(range(101, 117)) + struct.pack("<QQQ", 40, 139, 0)
    entry += "Basic data".encode("utf-16-le").ljust(72, b"\0")
    table = entry.ljust(128 * 4, b"\0")
    for at, other, place in ((1, total - 1, 2), (total - 1, 1, total - 5)):
        head = struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, 0, 0, at, other, 34, 390,
                           b"\x99" * 16, place, 4, 128, zlib.crc32(table))  # fmt: skip
        head = head[:16] + struct.pack("<I", zlib.crc32(head)) + head[20:]
        disk[at * sector : at * sector + 92] = head
        disk[place * sector : place * sector + len(table)] = table
    return disk


@pytest.mark.parametrize("sector", [512, 4096])
def test_gpt_is_read_with_sectors_of_either_size(sector: int) -> None:
    found, codes = listed(bytes(gpt_disk(sector)))

    assert found == [("partition 1", 40 * sector, 100 * sector)]
    assert codes == []


def test_a_gpt_with_a_bad_checksum_is_told_and_its_backup_used() -> None:
    disk = gpt_disk()
    disk[2 * 512 + 32] ^= 0xFF

    found, codes = listed(bytes(disk))

    assert found == [("partition 1", 40 * 512, 100 * 512)]
    assert codes == ["partition_table_checksum"]


def test_a_disk_whose_start_is_wiped_is_read_by_its_backup() -> None:
    disk = gpt_disk()
    disk[: 34 * 512] = b"\xa5" * (34 * 512)
    found, codes = listed(bytes(disk))
    disk[-512 + 60] ^= 1
    unsound = listed(bytes(disk))[0]

    assert found == [("partition 1", 40 * 512, 100 * 512)]
    assert codes == ["partition_table_checksum"]
    assert unsound == []


def test_a_disk_grown_after_partitioning_is_no_problem() -> None:
    found, codes = listed(bytes(gpt_disk()) + bytes(64 * 512))

    assert [start for _, start, _ in found] == [40 * 512]
    assert codes == []


def test_a_wiped_primary_gpt_is_replaced_by_its_backup() -> None:
    disk = gpt_disk()
    disk[512 : 34 * 512] = bytes(33 * 512)

    found, codes = listed(bytes(disk))

    assert [start for _, start, _ in found] == [40 * 512]
    assert codes == ["partition_table_checksum"]


@given(st.binary(min_size=0, max_size=64), st.integers(0, 2000))
def test_any_table_ends(noise: bytes, at: int) -> None:
    disk = gpt_disk()
    disk[at : at + len(noise)] = noise

    found, _ = listed(bytes(disk))

    assert all(0 <= start and start + size <= len(disk) for _, start, size in found)


def test_a_volume_without_a_table_is_found_by_its_boot_sector() -> None:
    disk = bytes(2 << 20) + NTFS + bytes(1 << 20)
    doubts = Doubts()

    found = list_volumes(io.BytesIO(disk), len(disk), doubts)

    assert [(v.start, v.size, v.filesystem) for v in found] == [(2 << 20, len(NTFS), "NTFS")]
    assert [p.code for p in doubts.problems] == ["partition_table_missing"]
