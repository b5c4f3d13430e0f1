"""Fields of UDF structures: tags, times, strings, addresses (ECMA-167 1/7, 3/7, 4/14; OSTA UDF 2.60)."""

import struct
from binascii import crc_hqx
from dataclasses import dataclass
from datetime import datetime, timedelta

from parsers.rows import naive_ns

_NO_ZONE = -2047
_FIRST_YEAR, _LAST_YEAR = 1678, 2261


def tag(data: bytes) -> int | None:
    """Tag identifier of a descriptor whose tag checksum holds; None: no descriptor."""
    if len(data) < 16 or (sum(data[:16]) - data[4]) & 255 != data[4]:
        return None
    return int.from_bytes(data[:2], "little") or None


def crc_holds(data: bytes) -> bool:
    """Whether the CRC (x^16 + x^12 + x^5 + 1, start 0) over the body holds; a length beyond the data counts as not."""
    crc, length = struct.unpack_from("<HH", data, 8)
    return bool(16 + length <= len(data) and crc_hqx(data[16 : 16 + length], 0) == crc)


def time(raw: bytes) -> tuple[int | None, int | None]:
    """(ns, zone in minutes) of a 12-byte timestamp.

    UTC where the zone is known; the bare clock where it is None.
    """
    if len(raw) < 12 or not any(raw[2:]):
        return None, None
    kind, year, month, day, hour, minute, second, centi, hundreds, micro = struct.unpack(
        "<HhBBBBBBBB", raw[:12]
    )
    zone = kind & 0xFFF
    zone -= 0x1000 if zone & 0x800 else 0
    known: int | None = zone if kind >> 12 == 1 and abs(zone) <= 1440 and zone != _NO_ZONE else None
    if kind >> 12 == 0:
        known = 0
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        return None, known
    try:
        moment = datetime(year, month, day, hour, minute, min(second, 59))  # noqa: DTZ001
    except ValueError:
        return None, known
    fraction = (centi * 10_000 + hundreds * 100 + micro) * 1000
    return naive_ns(moment - timedelta(minutes=known or 0), fraction), known


def text(raw: bytes) -> str:
    """Characters of compressed Unicode: first byte 8 or 16 bits each (254, 255: of deleted names)."""
    if not raw:
        return ""
    if raw[0] in (16, 255):
        return raw[1 : 1 + (len(raw) - 1) // 2 * 2].decode("utf-16-be", "replace")
    return raw[1:].decode("latin-1")


def dstring(raw: bytes) -> str | None:
    """Text of a field whose last byte is the length used; None: empty."""
    length = min(raw[-1], len(raw) - 1) if raw else 0
    return text(raw[:length]).rstrip("\0 ") or None


def regid(raw: bytes) -> str | None:
    """Identifier of an entity (32 bytes) without its mark and blanks."""
    return raw[1:24].decode("latin-1").strip("*\0 ") or None


@dataclass(frozen=True, slots=True)
class Place:
    """A long allocation descriptor: length, kind (0 recorded, 1 and 2 not, 3 more descriptors), block, partition."""

    length: int
    kind: int
    block: int
    partition: int


def long_place(data: bytes, at: int) -> Place:
    """Sixteen bytes."""
    length, block, partition = struct.unpack_from("<IIH", data, at)
    return Place(length & 0x3FFFFFFF, length >> 30, block, partition)


def short_place(data: bytes, at: int, partition: int) -> Place:
    """Eight bytes, in the partition of the entry that holds them."""
    length, block = struct.unpack_from("<II", data, at)
    return Place(length & 0x3FFFFFFF, length >> 30, block, partition)
