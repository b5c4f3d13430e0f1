"""Rock Ridge entries of a directory record: POSIX name, mode, times (SUSP 1.12, RRIP 1.12). Windows ignores them."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from parsers.images.iso_descriptors import long_time, short_time
from parsers.images.media import Media

MAX_CONTINUATIONS = 8
MAX_AREA = 8192
MAX_ENTRIES = 512
_TIME_KINDS = ("created", "modified", "accessed", "changed")


@dataclass(slots=True)
class RockRidge:
    """What the entries of one record say; times are ns since 1970 UTC."""

    name: str | None = None
    mode: int | None = None
    times: dict[str, int | None] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


def skip_length(area: bytes) -> int | None:
    """Bytes to skip in every area, from the SP entry of the root's own record; None: no SUSP."""
    for start in (0, 15):  # CD-ROM XA puts 14 bytes and a pad before it
        if area[start : start + 7] == b"SP\x07\x01\xbe\xef" + area[start + 6 : start + 7]:
            return area[start + 6] if len(area) > start + 6 else None
    return None


def read(media: Media, area: bytes, block: int) -> RockRidge:
    """The entries of a system use area and of its continuations."""
    found, raw_name, target = RockRidge(), b"", ""
    for sign, data in _entries(media, area, block, found.remarks):
        if sign == b"NM" and len(data) > 1:
            raw_name += data[1:]
        elif sign == b"PX" and len(data) >= 8:
            found.mode = struct.unpack_from("<I", data)[0]
        elif sign == b"TF" and data:
            found.times = _times(data)
        elif sign == b"SL" and len(data) > 1:
            target += _link(data[1:])
        elif sign == b"ZF":
            found.remarks.append("content is compressed (zisofs): hashes are of the packed bytes")
        elif sign in (b"CL", b"PL", b"RE"):
            found.remarks.append("folder was moved (Rock Ridge)")
    if raw_name:
        found.name = raw_name.decode("utf-8", "replace")
    if target:
        found.remarks.append(f"symbolic link to {target[:200]}")
    return found


def _entries(
    media: Media, area: bytes, block: int, remarks: list[str]
) -> Iterator[tuple[bytes, bytes]]:
    seen: set[tuple[int, int]] = set()
    count = 0
    while area:
        following = b""
        at = 0
        while at + 4 <= len(area) and area[at + 2] >= 4 and count < MAX_ENTRIES:
            sign, n = area[at : at + 2], area[at + 2]
            data = area[at + 4 : at + n]
            count += 1
            if sign == b"ST":
                break
            if sign == b"CE" and len(data) >= 24:
                number, offset, length = (struct.unpack_from("<I", data, i)[0] for i in (0, 8, 16))
                where = (number * block + offset, min(length, MAX_AREA))
                if where in seen or len(seen) >= MAX_CONTINUATIONS or length > MAX_AREA:
                    remarks.append("continuation of Rock Ridge entries not followed")
                else:
                    seen.add(where)
                    following = media.read(*where)
            else:
                yield sign, data
            at += n
        area = following


def _times(data: bytes) -> dict[str, int | None]:
    flags, at = data[0], 1
    size, convert = (17, long_time) if flags & 0x80 else (7, short_time)
    out: dict[str, int | None] = {}
    for bit, kind in enumerate(_TIME_KINDS):
        if flags & 1 << bit:
            out[kind] = convert(data[at : at + size])[0]
            at += size
    return out


def _link(data: bytes) -> str:
    parts, at = [], 0
    while at + 2 <= len(data):
        flags, n = data[at], data[at + 1]
        fixed = {2: "./", 4: "../", 8: "/"}.get(flags & 14)
        text = data[at + 2 : at + 2 + n].decode("utf-8", "replace")
        parts.append(fixed or (text if flags & 1 else f"{text}/"))
        at += 2 + n
    return "".join(parts).rstrip("/") or "/"
