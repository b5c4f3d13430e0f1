"""The log of a VHDX: entries of sectors and zeros, put into a ring (MS-VHDX 2.3)."""

import struct
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.builders.disk_files import MB, with_crc

SECTOR = 4096
LOG_AT, LOG_BYTES = MB, MB


@dataclass(frozen=True)
class Step:
    """One entry: sectors by their place in the file, and (place, length) of zeros written before them."""

    sectors: Mapping[int, bytes] = field(default_factory=dict)
    zeros: Sequence[tuple[int, int]] = ()


def entry(log: uuid.UUID, number: int, tail: int, step: Step, file_size: int = 4 * MB) -> bytes:
    """The bytes of one entry; `tail` is the place in the log of the first entry that counts."""
    descriptors, data = b"", b""
    for place, length in step.zeros:
        descriptors += struct.pack("<4sIQQQ", b"zero", 0, length, place, number)
    for place, sector in step.sectors.items():
        assert len(sector) == SECTOR
        descriptors += struct.pack("<4s4s8sQQ", b"desc", sector[-4:], sector[:8], place, number)
        data += struct.pack("<4sI", b"data", number >> 32) + sector[8:-4]
        data += struct.pack("<I", number & 0xFFFFFFFF)
    count = len(step.zeros) + len(step.sectors)
    area = -(-(64 + len(descriptors)) // SECTOR) * SECTOR
    size = area + len(data)
    head = struct.pack(
        "<4sIIIQII16sQQ",
        b"loge", 0, size, tail, number, count, 0, log.bytes_le, file_size, file_size,
    )  # fmt: skip
    return with_crc((head + descriptors).ljust(area, b"\0") + data)


def with_log(
    disk: bytes, log: uuid.UUID, steps: Sequence[Step], first: int = 7, start: int = 0
) -> bytes:
    """The VHDX file with a log of these entries, the first of number `first` at byte `start` of the ring."""
    file, at = bytearray(disk), start
    for k, step in enumerate(steps):
        raw = entry(log, first + k, start, step, len(disk))
        for offset in range(0, len(raw), SECTOR):
            place = LOG_AT + (at + offset) % LOG_BYTES
            file[place : place + SECTOR] = raw[offset : offset + SECTOR]
        at = (at + len(raw)) % LOG_BYTES
    return bytes(file)
