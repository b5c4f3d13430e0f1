"""Volumes are read as independent readers read them."""

import io

import pytest

from parsers.disks import open_disk
from parsers.volumes import list_volumes, open_volume
from tests.parsers.volumes.making import EXFAT, FAT, NTFS, scattered
from tests.shared import REAL, needs_shared


@needs_shared
@pytest.mark.parametrize(
    "name",
    [
        "ColinFinck_ntfs/testfs1",
        "Velocidex_velociraptor/partition_image.E01",
        "Velocidex_velociraptor/test.ntfs.dd.E01",
        "msuhanov_dfir_ntfs/ntfs3_attrlist.raw.gz",
    ],
)
def test_real_volumes_are_read_as_libfsntfs_reads_them(name: str) -> None:
    pyfsntfs = pytest.importorskip("pyfsntfs")
    path = REAL / name
    data = path.read_bytes()
    with open_disk(path.name, lambda: io.BytesIO(data)) as disk:
        (where,) = list_volumes(disk.stream, disk.size)
        volume = open_volume(disk.stream, where.start, where.size)
        other = pyfsntfs.volume()
        other.open_file_object(disk.stream)
        compared = 0
        for node in volume.walk():
            if node.is_directory or node.deleted or node.size > 4 << 20:
                continue
            entry = other.get_file_entry(node.file_id & (1 << 48) - 1)
            if entry.has_default_data_stream() and entry.size:
                compared += 1
                assert volume.open(node).read() == entry.read(entry.size)
            for stream in entry.alternate_data_streams:
                if stream.get_size() < 4 << 20:
                    compared += 1
                    assert volume.open(node, stream.name).read() == stream.read()
        assert compared > 10


@pytest.mark.parametrize("kind", ["fat", "exfat", "ntfs", "ntfs in pieces"])
def test_built_volumes_are_read_as_the_sleuth_kit_reads_them(kind: str) -> None:
    pytsk3 = pytest.importorskip("pytsk3")
    data = {"fat": FAT, "exfat": EXFAT, "ntfs": NTFS, "ntfs in pieces": scattered()[0]}[kind]
    volume = open_volume(io.BytesIO(data), 0, len(data))

    class Image(pytsk3.Img_Info):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(url="")

        def read(self, at: int, size: int) -> bytes:
            return data[at : at + size]

        def get_size(self) -> int:
            return len(data)

    system = pytsk3.FS_Info(Image())
    for node in volume.walk():
        if node.is_directory or node.deleted or not node.size or node.path.startswith("\\$"):
            continue
        if kind.startswith("ntfs"):
            file = system.open_meta(node.file_id & 0xFFFF_FFFF)
        else:
            file = system.open(node.path.replace("\\", "/"))
        assert file.read_random(0, node.size) == volume.open(node).read(), node.path
