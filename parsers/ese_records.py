"""One record of an ESE table as it stands on a page or in a log: raw values by column number.

Fixed columns come first with a bitmap of NULLs, then variable ones by their ends, then tagged ones by a list of
(number, offset). Source of the layout: the published sources of the Extensible Storage Engine.
"""

import struct
from collections.abc import Iterator, Mapping

from parsers.ese_compression import unpack

FIRST_VARIABLE, FIRST_TAGGED = 128, 256
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 4, 7: 8, 8: 8, 14: 4, 15: 8, 16: 16, 17: 2}
"""Bytes of a fixed column by its type; texts and binaries have none of their own."""
_SMALL_PAGES = 8192
_HAS_FLAGS, _IS_NULL, _SMALL_OFFSET, _LARGE_OFFSET = 0x4000, 0x2000, 0x1FFF, 0x7FFF
_COMPRESSED, _ELSEWHERE = 0x02, 0x04 | 0x08 | 0x10 | 0x40
"""Flags before a tagged value: kept in the tree of long values, several values, encrypted; NULL is 0x20."""
_NULL = 0x20


def values(data: bytes, types: Mapping[int, int], page_size: int) -> dict[int, bytes] | None:
    """Values by column number; NULL ones, and those kept elsewhere, lack. None: the bytes are no record.

    Args:
        data: the record without its key.
        types: type of each fixed column by its number.
        page_size: bytes of the database's pages: larger ones use more bits for offsets.
    """
    if len(data) < 4:
        return None
    fixed, last_variable, start = data[0], data[1], int.from_bytes(data[2:4], "little")
    count = max(0, last_variable - FIRST_VARIABLE + 1)
    tagged_from = start + 2 * count
    if fixed >= FIRST_VARIABLE or start < 4 + (fixed + 7) // 8 or tagged_from > len(data):
        return None
    out = dict(_fixed(data[4:start], fixed, types))
    ends = struct.unpack_from(f"<{count}H", data, start)
    at = tagged_from
    for number, end in enumerate(ends, FIRST_VARIABLE):
        stop = tagged_from + (end & _LARGE_OFFSET)
        if not at <= stop <= len(data):
            return None
        if not end & 0x8000:
            out[number] = data[at:stop]
        at = stop
    out.update(_tagged(data[at:], page_size <= _SMALL_PAGES))
    return out


def _fixed(area: bytes, last: int, types: Mapping[int, int]) -> Iterator[tuple[int, bytes]]:
    bitmap = area[len(area) - (last + 7) // 8 :]
    at = 0
    for number in range(1, last + 1):
        size = SIZES.get(types.get(number, 0))
        if size is None or at + size > len(area) - len(bitmap):
            return  # where the next column begins is not known
        if not bitmap[(number - 1) >> 3] >> ((number - 1) & 7) & 1:
            yield number, area[at : at + size]
        at += size


def _tagged(area: bytes, small: bool) -> Iterator[tuple[int, bytes]]:
    if len(area) < 4:
        return
    mask = _SMALL_OFFSET if small else _LARGE_OFFSET
    count = (int.from_bytes(area[2:4], "little") & mask) // 4
    if not count or 4 * count > len(area):
        return
    heads = [struct.unpack_from("<HH", area, 4 * n) for n in range(count)]
    stops = [*(place & mask for _, place in heads[1:]), len(area)]
    for (number, place), stop in zip(heads, stops, strict=True):
        value: bytes | None = area[place & mask : stop]
        if number < FIRST_TAGGED or (small and place & _IS_NULL):
            continue
        if value and (not small or place & _HAS_FLAGS):
            flags, value = value[0], value[1:]
            if flags & (_ELSEWHERE | _NULL):
                continue
            value = unpack(value) if flags & _COMPRESSED else value
        if value is not None:
            yield number, value
