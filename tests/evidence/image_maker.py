"""Images of the bundled case's system volume in each of the formats, a small system volume, and what tests ask."""

import io
import pickle
import random
import struct
import tarfile
import uuid
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from forensic_iso.evidence.discover import Discovery
from forensic_iso.evidence.found import Found
from forensic_iso.evidence.opening import open_found
from forensic_iso.evidence.streams import stream_problems
from tests.builders import disk_files as build
from tests.builders.classic_story import classic_iso, the_image
from tests.builders.ewf2 import ex01
from tests.builders.mft import MftBuilder, Times
from tests.builders.ntfs_volume import NtfsVolume

DAY = datetime(2024, 5, 14, tzinfo=UTC)
CLUSTERS = 1024
PARTITION = uuid.UUID("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0")
VOLUME_AT = 64 * 512
NAMES = {
    "raw": "disk.dd",
    "E01": "disk.E01",
    "Ex01": "disk.Ex01",
    "VHD": "disk.vhd",
    "VHDX": "disk.vhdx",
    "QCOW2": "disk.qcow2",
    "VMDK": "disk.vmdk",
}


@lru_cache(1)
def system_volume_bytes() -> bytes:
    """The volume: the case's $MFT with its files in their clusters."""
    case = classic_iso()
    assert case.mft is not None
    volume = NtfsVolume(case.mft)
    for path, data in case.files.items():
        if path != "$MFT":
            volume.put(path.replace("/", "\\"), data, DAY)
    return volume.build(CLUSTERS)


def with_gpt(volume: bytes) -> bytes:
    """A disk with one partition, primary and backup table."""
    least = VOLUME_AT + len(volume) + 64 * 512
    total = -(-least // build.BLOCK) * build.BLOCK // 512
    disk = bytearray(total * 512)
    disk[446:462] = struct.pack("<B3xB3xII", 0, 0xEE, 1, total - 1)
    disk[510:512] = b"\x55\xaa"
    last = VOLUME_AT // 512 + len(volume) // 512 - 1
    kind = uuid.UUID("ebd0a0a2-b9e5-4433-87c0-68b6b72699c7").bytes_le
    entry = kind + PARTITION.bytes_le + struct.pack("<QQQ", VOLUME_AT // 512, last, 0)
    table = (entry + "Basic data partition".encode("utf-16-le")).ljust(512, b"\0")
    for at, other, place in ((1, total - 1, 2), (total - 1, 1, total - 5)):
        head = struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, 0, 0, at, other, 34,
                           total - 34, b"\x99" * 16, place, 4, 128, zlib.crc32(table))  # fmt: skip
        head = head[:16] + struct.pack("<I", zlib.crc32(head)) + head[20:]
        disk[at * 512 : at * 512 + 92] = head
        disk[place * 512 : place * 512 + 512] = table
    disk[VOLUME_AT : VOLUME_AT + len(volume)] = volume
    return bytes(disk)


def image(form: str, disk: bytes) -> dict[str, bytes]:
    """Files of the image by name; the first is the one to give."""
    guid = uuid.UUID(int=random.Random(1).getrandbits(128))
    made = {
        "raw": lambda: disk,
        "VHD": lambda: build.vhd_dynamic(disk),
        "VHDX": lambda: build.vhdx(disk, guid),
        "QCOW2": lambda: build.qcow2(disk, build.deflated),
        "VMDK": lambda: build.vmdk_sparse(disk),
    }
    if form == "E01":
        return {f"disk.E{k + 1:02}": s for k, s in enumerate(build.e01(disk, True, 2))}
    if form == "Ex01":
        return {f"disk.Ex{k + 1:02}": s for k, s in enumerate(ex01(disk, True, 2))}
    return {NAMES[form]: made[form]()}


def put(folder: Path, files: dict[str, bytes]) -> Path:
    """Write the files; returns the first."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder / next(iter(files))


def codes(result: Discovery) -> list[str]:
    return [p.problem.code for p in result.problems]


def read(found: Found) -> bytes:
    with open_found(pickle.loads(pickle.dumps(found))) as stream:
        data = stream.read()
        assert stream_problems(stream) == []
    return data


def small_system(extra: Iterable[tuple[str, bytes]] = ()) -> NtfsVolume:
    mft = MftBuilder(DAY)
    mark = b"[ZoneTransfer]\r\nZoneId=3\r\nHostUrl=https://x.example/" + b"y" * 900 + b"\r\n"
    mft.add_file("Users\\a\\Downloads\\long.iso", Times.all(DAY), size=40_960,
                 streams={"Zone.Identifier": mark}, non_resident=["Zone.Identifier"])  # fmt: skip
    journal = mft.add_file("$Extend\\$UsnJrnl", Times.all(DAY), content=b"",
                           streams={"$J": b"?"}, non_resident=["$J"])  # fmt: skip
    volume = NtfsVolume(mft)
    volume.stream(journal, "$J", b"\x50\0\0\0\2\0\0\0" * 512, hole=5000)
    volume.put("Windows\\System32\\notepad.exe", b"MZ" * 500, DAY)
    volume.put("Windows\\WinSxS\\x\\old.evtx", b"ElfFile\0" * 700, DAY)
    volume.put("Users\\a\\Documents\\renamed.dat2", the_image(), DAY)
    volume.put("Users\\a\\Documents\\plain.dat2", bytes(65_536), DAY)
    for path, data in extra:
        volume.put(path, data, DAY)
    return volume


def found_of(result: Discovery) -> dict[str, Found]:
    everything = [r.found for r in result.recognised] + [f for f, _ in result.unrecognised]
    return {f.windows_path: f for f in everything if f.windows_path}


def tar(files: dict[str, bytes], mode: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            info.mtime = int(datetime(2024, 5, 14, tzinfo=UTC).timestamp())
            archive.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo("C/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return out.getvalue()
