"""Builds a DetectionHistory file of Defender, after a real one. Shares no code with the parser."""

import struct
import uuid

START, FIRST, LAST = 133_541_118_000_000_001, 133_541_118_010_000_000, 133_541_118_090_000_000
GUID = uuid.UUID("CC05134B-384D-480E-B1F8-A6413599EF9F")


def value(kind: int, data: bytes) -> bytes:
    """A value with its head, padded to 8 bytes."""
    out = struct.pack("<II", len(data), kind) + data
    return out + bytes(-len(out) % 8)


def text(words: str) -> bytes:
    """A text value."""
    return value(0x15, words.encode("utf-16-le") + b"\0\0")


def named(**values: str | int) -> bytes:
    """A list of named values: text (type 6) or 64-bit number (type 4)."""
    body = b""
    for name, content in values.items():
        key = name.encode("utf-16-le") + b"\0\0"
        body += struct.pack("<I", len(key)) + key
        if isinstance(content, int):
            body += struct.pack("<IQ", 4, content)
        else:
            raw = content.encode("utf-16-le") + b"\0\0"
            body += struct.pack("<II", 6, len(raw)) + raw
    head = struct.pack("<6I", 1, 20, len(body), len(body) + 20, 0, len(body))
    return value(0x28, head + body)


def resource(schema: str, path: str, digest: str) -> bytes:
    """A resource with its named values."""
    return (
        text("Magic.Version:1.2")
        + text(schema)
        + text(path)
        + value(6, struct.pack("<I", 0x10000002))
        + named(
            ThreatTrackingSha256=digest,
            ThreatTrackingStartTime=START,
            ThreatTrackingSize=68,
        )
    )


def history(*resources: bytes) -> bytes:
    """A detection with its resources."""
    return (
        value(8, struct.pack("<Q", 2147519003))
        + value(0x1E, GUID.bytes_le)
        + text("Magic.Version:1.2")
        + text("Trojan:Win32/Test")
        + value(6, struct.pack("<I", 0)) * 3
        + b"".join(resources)
        + value(0x0A, struct.pack("<Q", LAST))
        + text("WS-01\\ann")
        + text("E:\\setup.exe")
        + value(0x0A, struct.pack("<Q", FIRST))
    )
