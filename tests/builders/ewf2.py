"""Writes disks as Ex01 (EnCase 7), after libewf's description of the format; shares no code with the reader."""

import hashlib
import struct
import zlib

SECTOR = 512
CHUNK = 64 * SECTOR
DEVICE, CASE, SECTORS, TABLE, MD5, SHA1, KEYS, NEXT, DONE = 1, 2, 3, 4, 8, 9, 11, 13, 15
PACKED, CHECKED, PATTERN = 1, 2, 4
_MARK = b"EVF2\x0d\x0a\x81\0"


class _Segment:
    def __init__(self, number: int) -> None:
        self.raw = bytearray(_MARK + struct.pack("<BBHI", 2, 1, 1, number) + b"\x5e" * 16)
        self._before = 0

    def section(self, kind: int, data: bytes) -> None:
        """A section: its data, filled up to 16 bytes, and its descriptor behind them."""
        fill = -len(data) % 16
        self.raw += data + bytes(fill)
        at = len(self.raw)
        head = struct.pack("<IIQQII16s12x", kind, 1 if data else 0, self._before, len(data) + fill, 64, fill,
                           hashlib.md5(data + bytes(fill)).digest() if data else bytes(16))  # fmt: skip
        self.raw += head + struct.pack("<I", zlib.adler32(head))
        self._before = at


def ex01(disk: bytes, pack: bool = True, segments: int = 1, encrypted: bool = False) -> list[bytes]:
    """Segments of an Ex01: chunks of 32 KiB, packed, with an Adler-32, or eight bytes that repeat.

    `encrypted`: a section says that there are keys; the chunks stay as they are.
    """
    chunks = [disk[i : i + CHUNK] for i in range(0, len(disk), CHUNK)]
    share = -(-len(chunks) // segments)
    out = []
    for k in range(segments):
        segment = _Segment(k + 1)
        if k == 0:
            _describe(segment, len(chunks), len(disk) // SECTOR)
        if encrypted:
            segment.section(KEYS, bytes(64))
        _write_chunks(segment, chunks[k * share : (k + 1) * share], k * share, pack)
        if k == segments - 1:
            for kind, digest in (
                (MD5, hashlib.md5(disk).digest()),
                (SHA1, hashlib.sha1(disk).digest()),
            ):
                body = digest + struct.pack("<I", zlib.adler32(digest))
                segment.section(kind, body.ljust(32, b"\0"))
        segment.section(DONE if k == segments - 1 else NEXT, b"")
        out.append(bytes(segment.raw))
    return out


def _describe(segment: _Segment, chunks: int, sectors: int) -> None:
    device = {"sn": "1", "md": "disk", "lb": "", "ts": sectors, "hs": "", "dc": 0, "dt": "f", "pid": "",
              "rs": "", "ls": "", "bp": SECTOR, "ph": 1}  # fmt: skip
    case = {"nm": "x", "cn": "c", "en": "", "ex": "", "nt": "", "av": "7", "os": "w", "tt": "", "at": "",
            "tb": chunks, "cp": 1, "sb": 64, "gr": "", "wb": ""}  # fmt: skip
    for kind, values in ((DEVICE, device), (CASE, case)):
        lines = ["1", "main", "\t".join(values), "\t".join(str(v) for v in values.values()), "", ""]
        segment.section(kind, zlib.compress(b"\xff\xfe" + "\n".join(lines).encode("utf-16-le")))


def _write_chunks(segment: _Segment, chunks: list[bytes], first: int, pack: bool) -> None:
    body, entries = bytearray(), bytearray()
    start = len(segment.raw)
    for chunk in chunks:
        if len(chunk) % 8 == 0 and chunk == chunk[:8] * (len(chunk) // 8):
            entries += chunk[:8] + struct.pack("<II", 0, PACKED | PATTERN)
            continue
        data = zlib.compress(chunk) if pack else chunk + struct.pack("<I", zlib.adler32(chunk))
        entries += struct.pack("<QII", start + len(body), len(data), PACKED if pack else CHECKED)
        body += data + bytes(-len(data) % 16)
    segment.section(SECTORS, bytes(body))
    head = struct.pack("<QI4x", first, len(chunks))
    table = head + struct.pack("<I12x", zlib.adler32(head)) + entries
    segment.section(TABLE, table + struct.pack("<I12x", zlib.adler32(bytes(entries))))
