"""Careful reading of numbers and texts out of bytes: what lies beyond the end is 0 or empty."""

import struct
import uuid
from collections.abc import Callable

Report = Callable[[str, int, str, str], None]
"""Takes code, byte offset, expected, found."""

ANSI = "cp1252"
"""Code page assumed for 8-bit texts: the file does not say which one wrote it."""


def u16(data: bytes, at: int) -> int:
    """Number of two bytes."""
    return int.from_bytes(data[at : at + 2], "little") if at >= 0 else 0


def u32(data: bytes, at: int) -> int:
    """Number of four bytes."""
    return int.from_bytes(data[at : at + 4], "little") if at >= 0 else 0


def i32(data: bytes, at: int) -> int:
    """Signed number of four bytes."""
    return int.from_bytes(data[at : at + 4], "little", signed=True) if at >= 0 else 0


def u64(data: bytes, at: int) -> int:
    """Number of eight bytes."""
    return int.from_bytes(data[at : at + 8], "little") if at >= 0 else 0


def guid(data: bytes, at: int) -> str | None:
    """GUID as text in lower case; None: cut or all zeros."""
    raw = data[at : at + 16]
    return str(uuid.UUID(bytes_le=raw)) if len(raw) == 16 and any(raw) else None


def ansi(raw: bytes) -> str:
    """8-bit text up to its NUL."""
    return raw.split(b"\0", 1)[0].decode(ANSI, "replace")


def wide(raw: bytes) -> str:
    """UTF-16LE text up to its NUL; lone surrogates become U+FFFD."""
    return raw[: len(raw) & ~1].decode("utf-16-le", "replace").split("\0", 1)[0]


def ansi_at(data: bytes, at: int, end: int) -> str | None:
    """8-bit text at a place that an offset of 0 says is not there."""
    return ansi(data[at:end]) if 0 < at < end else None


def wide_at(data: bytes, at: int, end: int) -> str | None:
    """UTF-16LE text at a place that an offset of 0 says is not there."""
    return wide(data[at:end]) if 0 < at < end else None


def dos_seconds(value: int) -> int | None:
    """Seconds since 1970, in the clock's own zone, of a DOS date (low half) and time.

    None: zero or no date.
    """
    from datetime import UTC, datetime

    day, clock = value & 0xFFFF, value >> 16
    if not value:
        return None
    try:
        moment = datetime(
            1980 + (day >> 9),
            day >> 5 & 15,
            day & 31,
            clock >> 11,
            clock >> 5 & 63,
            (clock & 31) * 2,
            tzinfo=UTC,
        )
    except ValueError:
        return None
    return int(moment.timestamp())


def unpack_u32s(data: bytes, at: int, count: int) -> tuple[int, ...]:
    """Numbers of four bytes, zeros where the data ends."""
    return struct.unpack(f"<{count}I", data[at : at + 4 * count].ljust(4 * count, b"\0"))
