"""Values that ESE keeps compressed: 7 bits a character, or plain LZ77 (MS-XCA 2.4). libesedb hands most over as they stand.

Source: the public description of the database format; MS-XCA for LZ77.
"""

_SEVEN_ASCII, _SEVEN_WIDE, _LZ77 = 1, 2, 3
MAX_BYTES = 1 << 16
"""Size of what is unpacked: told in 16 bits."""


def unpack(raw: bytes) -> bytes | None:
    """The bytes of a compressed value; None: a form that is not known, or data that do not end as told."""
    kind = raw[0] >> 3 if raw else 0
    if kind in (_SEVEN_ASCII, _SEVEN_WIDE):
        return _seven_bits(raw, kind == _SEVEN_WIDE)
    if kind == _LZ77 and len(raw) > 3:
        return lz77(raw[3:], int.from_bytes(raw[1:3], "little"))
    return None


def _seven_bits(raw: bytes, wide: bool) -> bytes:
    """The head's low bits tell how many bits of the last byte count, less one."""
    if len(raw) < 2:
        return b""
    count = min(((len(raw) - 2) * 8 + (raw[0] & 7) + 1) // 7, MAX_BYTES)
    bits = int.from_bytes(raw[1:], "little")
    narrow = bytes(_groups(bits, count))
    return narrow.decode("ascii").encode("utf-16-le") if wide else narrow


def _groups(bits: int, count: int) -> list[int]:
    """Groups of 7 bits from the low end; 56 at a time, so that long numbers are not shifted for each."""
    out: list[int] = []
    data = bits.to_bytes(-(-count * 7 // 8) + 8, "little") if count else b""
    for start in range(0, count, 8):
        part = int.from_bytes(data[start // 8 * 7 : start // 8 * 7 + 7], "little")
        out += ((part >> 7 * n) & 0x7F for n in range(min(8, count - start)))
    return out


def lz77(data: bytes, size: int) -> bytes | None:
    """Plain LZ77 of MS-XCA 2.4 up to `size` bytes; None: cut, or a match that points before the start."""
    out = bytearray()
    at = nibble_at = flags = left = 0
    try:
        while len(out) < size:
            if not left:
                flags, left, at = int.from_bytes(data[at : at + 4], "little"), 32, at + 4
            left -= 1
            if not flags >> left & 1:
                out.append(data[at])
                at += 1
                continue
            token, at = data[at] | data[at + 1] << 8, at + 2
            length, distance = token & 7, (token >> 3) + 1
            if length == 7:
                length, at, nibble_at = _long(data, at, nibble_at)
            length += 3
            if distance > len(out):
                return None
            for _ in range(min(length, size - len(out))):
                out.append(out[-distance])
    except IndexError:
        return None
    return bytes(out)


def _long(data: bytes, at: int, nibble_at: int) -> tuple[int, int, int]:
    """Length of a match of 10 bytes or more: half a byte shared by two matches, a byte, two, then four."""
    if nibble_at:
        extra, nibble_at = data[nibble_at] >> 4, 0
    else:
        extra, nibble_at, at = data[at] & 15, at, at + 1
    if extra < 15:
        return 7 + extra, at, nibble_at
    extra, at = data[at], at + 1
    if extra < 255:
        return 22 + extra, at, nibble_at
    length, at = data[at] | data[at + 1] << 8, at + 2
    if not length:
        length, at = int.from_bytes(data[at : at + 4], "little"), at + 4
    return length, at, nibble_at
