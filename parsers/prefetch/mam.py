"""The compressed container of prefetch files on Windows 10 and 11: XPRESS with Huffman coding.

Head: "MAM", a byte (4: Huffman; 0x80 added: a checksum follows), u32 size of what is inside
(MS-XCA 2.1 for the coding). The native library decodes; behind a torn end it goes on with invented
bits, so such an end is looked for, and what came before is decoded in Python.
"""

import struct
from dataclasses import dataclass

MAX_SIZE = 16 << 20
"""Greatest size that is believed: the largest seen is 0.6 MB."""

MAGIC = b"MAM"
_HUFFMAN = 4
_CHECKSUM = 0x80
_TAIL = 32
_BACKS = tuple(sorted({(1 << n) - 1 for n in range(1, 17)} | {1 << n for n in range(17)}))
"""Distances of a match whose bits are all ones, or all zeros."""
_PAD = b"\xff" * 65536
_MAX_SALVAGE = 2 << 20
_BLOCK = 65536
_LENGTHS = 256
_MAX_CODE = 15
_SYMBOLS = 512


@dataclass(frozen=True, slots=True)
class Unpacked:
    """Bytes inside, the size that was announced, and what went wrong (None: nothing)."""

    data: bytes
    size: int
    trouble: str | None = None


def unpack(data: bytes) -> Unpacked:
    """What a container holds; as far as it can be decoded where it is damaged. Raises nothing."""
    if len(data) < 8:
        return Unpacked(b"", 0, "container shorter than its head")
    method, size = data[3], struct.unpack_from("<I", data, 4)[0]
    if method & ~_CHECKSUM != _HUFFMAN:
        return Unpacked(b"", size, f"compression method {method}")
    if size > MAX_SIZE:
        return Unpacked(b"", size, f"announced size {size}")
    body = data[12 if method & _CHECKSUM else 8 :]
    out = _native(body, size)
    if out is not None:
        return Unpacked(out, size)
    part = salvage(body, min(size, _MAX_SALVAGE))
    return Unpacked(part, size, f"readable up to {len(part)} of {size} bytes")


def _native(body: bytes, size: int) -> bytes | None:
    """All `size` bytes; None: not to be had, or the end is invented."""
    out = _decode(body + _PAD, size)
    if out is not None and _may_be_invented(out) and _decode(body, size) != out:
        return None
    return out


def _decode(body: bytes, size: int) -> bytes | None:
    import pyfwnt  # type: ignore[import-not-found, import-untyped, unused-ignore]

    try:
        out: bytes = pyfwnt.lzxpress_huffman_decompress(body, size)
    except (OSError, ValueError, MemoryError):
        return None
    return out if len(out) == size else None


def _may_be_invented(out: bytes) -> bool:
    """Whether the end repeats one symbol: all that bits of one value can make."""
    tail = out[-_TAIL:]
    return any(tail == out[-_TAIL - back : -back] for back in _BACKS)


def salvage(body: bytes, size: int) -> bytes:
    """The bytes before the first that cannot be decoded, at most `size`."""
    out = bytearray()
    at = 0
    while len(out) < size and at + _LENGTHS + 4 <= len(body):
        table = _table(body[at : at + _LENGTHS])
        if table is None:
            break
        at, whole = _block(body, at + _LENGTHS, table, out, size)
        if not whole:
            break
    return bytes(out[:size])


def _table(lengths: bytes) -> list[int] | None:
    """Symbol * 16 + code length for each 15 bits; None: the lengths make no prefix code."""
    by_length: list[list[int]] = [[] for _ in range(_MAX_CODE + 1)]
    for n, pair in enumerate(lengths):
        by_length[pair & 15].append(2 * n)
        by_length[pair >> 4].append(2 * n + 1)
    table: list[int] = []
    for length in range(1, _MAX_CODE + 1):
        for symbol in by_length[length]:
            table += [symbol << 4 | length] * (1 << (_MAX_CODE - length))
        if len(table) > 1 << _MAX_CODE:
            return None
    return table if len(table) == 1 << _MAX_CODE else None


def _block(body: bytes, at: int, table: list[int], out: bytearray, size: int) -> tuple[int, bool]:
    """Decode one block behind its table: (place behind it, whether it was whole).

    A block ends with the symbol that reaches its 64 KiB: a match may go beyond.
    """
    end = min(len(out) + _BLOCK, size)
    bits, have = _u16(body, at) << 16 | _u16(body, at + 2), 16
    at += 4
    limit = len(body) + 4
    while len(out) < end:
        if at > limit:
            return at, False
        entry = table[bits >> 17]
        symbol, length = entry >> 4, entry & 15
        bits, have = bits << length & 0xFFFFFFFF, have - length
        if have < 0:
            bits |= _u16(body, at) << -have
            have, at = have + 16, at + 2
        if symbol < _LENGTHS:
            out.append(symbol)
            continue
        count, width = symbol & 15, (symbol - _LENGTHS) >> 4
        if count == 15:
            count, at = _count(body, at)
        back = 1 << width | (bits >> (32 - width) if width else 0)
        bits, have = bits << width & 0xFFFFFFFF, have - width
        if have < 0:
            bits |= _u16(body, at) << -have
            have, at = have + 16, at + 2
        if back > len(out):
            return at, False
        _repeat(out, back, min(count + 3, size - len(out)))
    return at, True


def _count(body: bytes, at: int) -> tuple[int, int]:
    """(length of a match, place behind it) where it does not fit into the symbol."""
    if at >= len(body):
        return 0, len(body) + 8
    if body[at] != 255:
        return body[at] + 15, at + 1
    count = _u16(body, at + 1)
    if count:
        return count, at + 3
    return int.from_bytes(body[at + 3 : at + 7], "little"), at + 7


def _repeat(out: bytearray, back: int, count: int) -> None:
    part = bytes(out[-back:])
    out += (part * (count // back + 1))[:count]


def _u16(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "little")
