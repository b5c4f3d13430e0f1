"""Builds the change journal's records and pages. Shares no code with the parser it tests.

Layout: MS-FSCC 2.3.62 to 2.3.64 (USN_RECORD_V2, V3, V4).
"""

import struct
from dataclasses import dataclass

PAGE = 4096


@dataclass(frozen=True)
class Change:
    """One record. References are (record, sequence); `filetime` counts 100 ns since 1601 UTC."""

    name: str = "invoice.iso"
    filetime: int = 133_541_118_000_000_001
    reason: int = 0x100
    file: tuple[int, int] = (70, 3)
    parent: tuple[int, int] = (64, 1)
    attributes: int = 0x20
    source: int = 0
    version: int = 2
    file_upper: int = 0

    def record(self, usn: int) -> bytes:
        """Bytes of the record at a place of the journal."""
        text = self.name.encode("utf-16-le", "surrogatepass")
        references = [r | s << 48 for r, s in (self.file, self.parent)]
        if self.version == 2:
            ids = struct.pack("<2Q", *references)
        else:
            ids = struct.pack("<4Q", references[0], self.file_upper, references[1], 0)
        start = 8 + len(ids) + 36
        rest = struct.pack(
            "<qQIIIIHH",
            usn,
            self.filetime,
            self.reason,
            self.source,
            0,
            self.attributes,
            len(text),
            start,
        )
        size = (start + len(text) + 7) // 8 * 8
        head = struct.pack("<IHH", size, self.version, 0)
        return (head + ids + rest + text).ljust(size, b"\0")


def extents_record(usn: int) -> bytes:
    """A record of version 4: extents, no name, no time."""
    return struct.pack("<IHHQQQQqIIIHHqq", 80, 4, 0, 70, 0, 64, 0, usn, 1, 0, 0, 1, 16, 0, 4096)


def journal(changes: list[Change], hole: int = 0) -> bytes:
    """Pages of records behind a hole of zeros; no record crosses a page."""
    out = bytearray(hole)
    for change in changes:
        record = change.record(len(out))
        if len(out) % PAGE + len(record) > PAGE:
            out += bytes(-len(out) % PAGE)
            record = change.record(len(out))
        out += record
    return bytes(out) + bytes(-len(out) % PAGE)
