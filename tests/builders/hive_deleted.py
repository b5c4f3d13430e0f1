"""Deletes keys and values of a built hive as Windows does: their cells become free and keep their bytes.

data = delete_key(hive(...), r"MountedDevices\\Sub", when)
data = delete_value(data, "MountedDevices", r"\\DosDevices\\E:", when)

The time of the deletion becomes the last write of the key above. Free cells that touch become one.
"""

import struct
from datetime import datetime

from tests.builders.hive import filetime

_START = 4096
_NONE = 0xFFFFFFFF


def delete_key(data: bytes, path: str, when: datetime) -> bytes:
    """Without the key of that path and all below it."""
    out = bytearray(data)
    above, _, name = path.rpartition("\\")
    parent = _find(out, above)
    cell = _find(out, path)
    _free_key(out, cell)
    count, listed = struct.unpack_from("<I", out, parent + 24)[0], _word(out, parent + 32)
    kept = [c for c in _below(out, parent) if c != cell]
    assert len(kept) == count - 1, name
    if kept:
        at = listed + _START + 4
        step = 8 if out[at : at + 2] in (b"lf", b"lh") else 4
        entries = {
            _word(out, at + 4 + step * n): out[at + 4 + step * n :][:step] for n in range(count)
        }
        struct.pack_into("<H", out, at + 2, len(kept))
        for n, one in enumerate(kept):
            out[at + 4 + step * n : at + 4 + step * (n + 1)] = bytes(entries[one - _START])
    else:
        _free(out, listed + _START)
        struct.pack_into("<I", out, parent + 32, _NONE)
    struct.pack_into("<I", out, parent + 24, len(kept))
    struct.pack_into("<Q", out, parent + 8, filetime(when))
    return bytes(_joined(out))


def delete_value(data: bytes, path: str, name: str, when: datetime) -> bytes:
    """Without the value of that name in the key of that path."""
    out = bytearray(data)
    key = _find(out, path)
    count, listed = _word(out, key + 40), _word(out, key + 44) + _START
    cells = [_word(out, listed + 4 + 4 * n) + _START for n in range(count)]
    gone = next(cell for cell in cells if _value_name(out, cell) == name)
    kept = [cell for cell in cells if cell != gone]
    for n, cell in enumerate(kept):
        struct.pack_into("<I", out, listed + 4 + 4 * n, cell - _START)
    struct.pack_into("<I", out, key + 40, len(kept))
    struct.pack_into("<Q", out, key + 8, filetime(when))
    _free_value(out, gone)
    return bytes(_joined(out))


def _word(out: bytearray, at: int) -> int:
    return int(struct.unpack_from("<I", out, at)[0])


def _find(out: bytearray, path: str) -> int:
    """Absolute offset of the key's cell."""
    at = _word(out, 36) + _START
    for part in filter(None, path.split("\\")):
        at = next(cell for cell in _below(out, at) if _key_name(out, cell) == part)
    return at


def _below(out: bytearray, key: int) -> list[int]:
    count, at = _word(out, key + 24), _word(out, key + 32) + _START + 4
    if not count:
        return []
    step = 8 if out[at : at + 2] in (b"lf", b"lh") else 4
    return [_word(out, at + 4 + step * n) + _START for n in range(count)]


def _key_name(out: bytearray, cell: int) -> str:
    raw = out[cell + 80 : cell + 80 + struct.unpack_from("<H", out, cell + 76)[0]]
    return raw.decode("latin-1") if out[cell + 6] & 0x20 else raw.decode("utf-16-le")


def _value_name(out: bytearray, cell: int) -> str:
    raw = out[cell + 24 : cell + 24 + struct.unpack_from("<H", out, cell + 6)[0]]
    return raw.decode("latin-1") if out[cell + 20] & 1 else raw.decode("utf-16-le")


def _free_key(out: bytearray, cell: int) -> None:
    for below in _below(out, cell):
        _free_key(out, below)
    if _word(out, cell + 24):
        _free(out, _word(out, cell + 32) + _START)
    struct.pack_into("<I", out, cell + 24, 0)
    count, listed = _word(out, cell + 40), _word(out, cell + 44) + _START
    for n in range(count):
        _free_value(out, _word(out, listed + 4 + 4 * n) + _START)
    if count:
        _free(out, listed)
    _free(out, cell)


def _free_value(out: bytearray, cell: int) -> None:
    size, where = struct.unpack_from("<II", out, cell + 8)
    if not size & 0x80000000 and size:
        _free(out, where + _START)
    _free(out, cell)


def _free(out: bytearray, cell: int) -> None:
    struct.pack_into("<i", out, cell, abs(struct.unpack_from("<i", out, cell)[0]))


def _joined(out: bytearray) -> bytearray:
    """The first of free cells that touch bears the size of all."""
    end = _START + _word(out, 40)
    at, first = _START + 32, None
    while at < end:
        size = struct.unpack_from("<i", out, at)[0]
        if size < 0:
            first = None
        elif first is None:
            first = at
        else:
            struct.pack_into("<i", out, first, at + size - first)
        at += abs(size)
    return out
