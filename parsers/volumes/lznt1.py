"""LZNT1, the compression of NTFS (MS-XCA 2.5)."""

UNIT_CHUNK = 4096


def decompress(data: bytes, size: int) -> bytes:
    """At most `size` bytes out of packed chunks; ends where the data make no sense."""
    out = bytearray()
    at = 0
    while at + 2 <= len(data) and len(out) < size:
        head = int.from_bytes(data[at : at + 2], "little")
        if not head:
            break
        length = (head & 0xFFF) + 1
        chunk = data[at + 2 : at + 2 + length]
        start = len(out)
        if head & 0x8000:
            _unpack(chunk, out)
        else:
            out += chunk
        at += 2 + length
        if at + 2 <= len(data) and len(out) - start < UNIT_CHUNK and len(out) < size:
            out += bytes(UNIT_CHUNK - (len(out) - start))  # a chunk stands for 4 KiB
    return bytes(out[:size])


def _unpack(chunk: bytes, out: bytearray) -> None:
    """One chunk: eight literals or copies behind each byte of flags."""
    start, at = len(out), 0
    while at < len(chunk):
        flags = chunk[at]
        at += 1
        for bit in range(8):
            if at >= len(chunk) or len(out) - start >= UNIT_CHUNK:
                return
            if not flags >> bit & 1:
                out.append(chunk[at])
                at += 1
                continue
            if at + 2 > len(chunk):
                return
            word = int.from_bytes(chunk[at : at + 2], "little")
            at += 2
            done = len(out) - start
            if not done:
                return
            bits = max(4, (done - 1).bit_length())
            back, count = (word >> (16 - bits)) + 1, (word & (1 << 16 - bits) - 1) + 3
            if back > done:
                return
            count = min(count, UNIT_CHUNK - done)
            for _ in range(count):
                out.append(out[-back])
