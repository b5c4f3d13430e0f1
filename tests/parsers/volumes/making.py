"""Volumes that the tests of volumes share."""

import io
import random
from datetime import UTC, datetime

from parsers.volumes import NtfsVolume, Volume, open_volume
from tests.builders.exfat import ExfatFile, build_exfat
from tests.builders.fat import FatFile, build_fat
from tests.builders.mft import ATTRIBUTE_HIDDEN, MftBuilder, Times
from tests.builders.ntfs_volume import CLUSTER, lznt1
from tests.builders.ntfs_volume import NtfsVolume as Builder
from tests.builders.usn import Change, journal

MADE = datetime(2024, 3, 5, 9, 30, 15, 123457, tzinfo=UTC)
NOISE = random.Random(5).randbytes(5 * CLUSTER + 77)
UNIT = 16 * CLUSTER
PACKABLE = (b"The same words again and again. " * 2048)[:UNIT]
COMPRESSIBLE = PACKABLE + bytes(UNIT) + random.Random(6).randbytes(1000)


def ns(when: datetime) -> int:
    delta = when - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 10**9 + delta.microseconds * 1000


def ntfs_bytes() -> bytes:
    mft = MftBuilder(MADE)
    mark = b"[ZoneTransfer]\r\nZoneId=3\r\n"
    mft.add_file("Users\\a\\small.txt", Times.all(MADE), content=b"inside the record",
                 flags=ATTRIBUTE_HIDDEN, streams={"Zone.Identifier": mark})  # fmt: skip
    mft.add_file("Users\\a\\gone.txt", Times.all(MADE), content=b"x", deleted=True)
    far = mft.add_file("Users\\a\\marked.iso", Times.all(MADE), size=1,
                       streams={"Zone.Identifier": mark * 40}, non_resident=["Zone.Identifier"])  # fmt: skip
    journal = mft.add_file("$Extend\\$UsnJrnl", Times.all(MADE), content=b"",
                           streams={"$J": b"?"}, non_resident=["$J"])  # fmt: skip
    volume = Builder(mft, label="Büro")
    volume.put("Users\\a\\marked.iso", NOISE, MADE)
    volume.fragmented(volume.put("Users\\a\\two.bin", NOISE, MADE))
    volume.fragmented(volume.put("Users\\a\\apart.bin", NOISE[::-1], MADE), in_extension=True)
    packed = volume.put("Users\\a\\packed.bin", COMPRESSIBLE, MADE)
    volume.compressed(packed, lznt1(PACKABLE))
    volume.stream(journal, "$J", NOISE[:4096], hole=300)
    assert far
    return volume.build(800)


NTFS = ntfs_bytes()


def ntfs(data: bytes = NTFS) -> NtfsVolume:
    volume = open_volume(io.BytesIO(data), 0, len(data))
    assert isinstance(volume, NtfsVolume)
    return volume


def content(volume: Volume, path: str, stream: str | None = None) -> bytes:
    node = volume.stat(path)
    assert node is not None
    with volume.open(node, stream) as opened:
        return opened.read()


WALL = datetime(2024, 5, 6, 7, 8, 10, tzinfo=UTC)
FAT = build_fat("X", 1, [FatFile("A\\B\\c.txt", b"c" * 900, WALL)], clusters=50)
EXFAT = build_exfat("X", 1, [ExfatFile("A\\B\\c.txt", b"c" * 9000, WALL)], clusters=64)


def scattered() -> tuple[bytes, bytes, bytes]:
    """(volume, log, records of the journal): both in runs over five records."""
    mft = MftBuilder(MADE)
    log = random.Random(7).randbytes(9 * CLUSTER + 5)
    changes = journal([Change(f"file{k}.iso") for k in range(500)])
    number = mft.add_file("$Extend\\$UsnJrnl", Times.all(MADE), content=b"",
                          streams={"$J": b"?"}, non_resident=["$J"])  # fmt: skip
    volume = Builder(mft)
    volume.scattered(volume.put("logs\\System.evtx", log, MADE), "", 5)
    volume.stream(number, "$J", changes, hole=64)
    volume.scattered(number, "$J", 5)
    return volume.build(400), log, changes
