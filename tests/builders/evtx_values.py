"""Typed values of binary XML for the EVTX writer ([MS-EVEN6] 2.2.12, BinXml value types)."""

import struct
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum

FILETIME_OF_1970 = 116444736000000000


class Kind(IntEnum):
    """Value type codes."""

    NULL = 0x00
    STRING = 0x01
    ANSI = 0x02
    I8 = 0x03
    U8 = 0x04
    I16 = 0x05
    U16 = 0x06
    I32 = 0x07
    U32 = 0x08
    I64 = 0x09
    U64 = 0x0A
    F32 = 0x0B
    F64 = 0x0C
    BOOL = 0x0D
    BINARY = 0x0E
    GUID = 0x0F
    FILETIME = 0x11
    SYSTEMTIME = 0x12
    SID = 0x13
    HEX32 = 0x14
    HEX64 = 0x15
    BINXML = 0x21
    STRINGS = 0x81


@dataclass(frozen=True, slots=True)
class Value:
    """A value with its type code and its bytes as stored."""

    kind: Kind
    data: bytes


def u8(n: int) -> Value:
    """Unsigned, 8 bits."""
    return Value(Kind.U8, struct.pack("<B", n))


def i16(n: int) -> Value:
    """Signed, 16 bits."""
    return Value(Kind.I16, struct.pack("<h", n))


def u16(n: int) -> Value:
    """Unsigned, 16 bits."""
    return Value(Kind.U16, struct.pack("<H", n))


def i32(n: int) -> Value:
    """Signed, 32 bits."""
    return Value(Kind.I32, struct.pack("<i", n))


def u32(n: int) -> Value:
    """Unsigned, 32 bits."""
    return Value(Kind.U32, struct.pack("<I", n))


def i64(n: int) -> Value:
    """Signed, 64 bits."""
    return Value(Kind.I64, struct.pack("<q", n))


def u64(n: int) -> Value:
    """Unsigned, 64 bits."""
    return Value(Kind.U64, struct.pack("<Q", n))


def f64(n: float) -> Value:
    """Floating point, 64 bits."""
    return Value(Kind.F64, struct.pack("<d", n))


def hex32(n: int) -> Value:
    """32 bits, rendered 0x...; also the type of pointers on 32-bit systems."""
    return Value(Kind.HEX32, struct.pack("<I", n))


def hex64(n: int) -> Value:
    """64 bits, rendered 0x..."""
    return Value(Kind.HEX64, struct.pack("<Q", n))


def boolean(value: bool) -> Value:
    """Truth value, stored in 32 bits."""
    return Value(Kind.BOOL, struct.pack("<I", value))


def text(value: str) -> Value:
    """UTF-16 without terminator."""
    return Value(Kind.STRING, value.encode("utf-16-le"))


def ansi(value: str) -> Value:
    """One byte a character (cp1252)."""
    return Value(Kind.ANSI, value.encode("cp1252"))


def strings(values: list[str]) -> Value:
    """Array of strings, each with its terminator."""
    return Value(Kind.STRINGS, b"".join(v.encode("utf-16-le") + b"\0\0" for v in values))


def binary(value: bytes) -> Value:
    """Bytes, rendered as hexadecimal."""
    return Value(Kind.BINARY, value)


def guid(value: str) -> Value:
    """GUID from its text, with or without braces."""
    return Value(Kind.GUID, uuid.UUID(value).bytes_le)


def filetime(ns: int) -> Value:
    """FILETIME from nanoseconds since 1970 (cut to 100 ns)."""
    return Value(Kind.FILETIME, struct.pack("<Q", ns // 100 + FILETIME_OF_1970))


def systemtime(when: datetime) -> Value:
    """SYSTEMTIME: eight 16-bit numbers, milliseconds."""
    day = (when.weekday() + 1) % 7
    parts = (
        when.year,
        when.month,
        day,
        when.day,
        when.hour,
        when.minute,
        when.second,
        when.microsecond // 1000,
    )
    return Value(Kind.SYSTEMTIME, struct.pack("<8H", *parts))


def sid(value: str) -> Value:
    """SID from S-1-...: revision, count, authority (48 bits, big-endian), sub-authorities."""
    parts = [int(p) for p in value.split("-")[1:]]
    subs = parts[2:]
    head = struct.pack("<BB", parts[0], len(subs)) + parts[1].to_bytes(6, "big")
    return Value(Kind.SID, head + b"".join(struct.pack("<I", s) for s in subs))


def as_value(value: object) -> Value:
    """Type a Python value the way most providers do.

    Raises:
        TypeError: no type fits.
    """
    match value:
        case Value():
            return value
        case None:
            return Value(Kind.NULL, b"")
        case bool():
            return boolean(value)
        case int():
            return u32(value) if 0 <= value < 1 << 32 else i64(value) if value < 0 else u64(value)
        case float():
            return f64(value)
        case str():
            return text(value)
        case bytes():
            return binary(value)
        case uuid.UUID():
            return Value(Kind.GUID, value.bytes_le)
        case datetime():
            aware = value if value.tzinfo else value.replace(tzinfo=UTC)
            return filetime(round(aware.timestamp() * 1_000_000) * 1000)
        case list():
            return strings([str(v) for v in value])
        case _:
            raise TypeError(f"no binary XML type for {type(value).__name__}")
