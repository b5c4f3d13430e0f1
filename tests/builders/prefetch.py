"""Writer of prefetch files: format versions 17, 23, 26, 30 (both forms) and 31, plain or compressed."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from tests.builders.evtx import to_ns

ESCAPE = 256
_BLOCK = 65536
_SPARE = b"\0\0"


@dataclass(frozen=True, slots=True)
class MadeVolume:
    """A volume: `created` None is 0, as on optical ones."""

    device_path: str
    serial: int
    created: datetime | None = None
    directories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MadePrefetch:
    """What a file says. `path` is written where the form has a place for it (30 short, 31)."""

    name: str
    hash: int
    version: int = 30
    runs: tuple[datetime, ...] = ()
    run_count: int = 1
    files: tuple[str, ...] = ()
    references: dict[str, int] = field(default_factory=dict)
    volumes: tuple[MadeVolume, ...] = ()
    path: str = ""
    short: bool = True


def _filetime(when: datetime | None) -> int:
    return 0 if when is None else to_ns(when) // 100 + 116444736000000000


def build_prefetch(made: MadePrefetch) -> bytes:
    """The file's bytes, not compressed."""
    short = made.version == 31 or (made.version == 30 and made.short)
    info_size = {17: 68, 23: 156, 26: 224, 30: 212 if short else 220, 31: 212}[made.version]
    metrics_at = 84 + info_size
    names, places = b"", []
    for name in made.files:
        places.append((name, len(names)))
        names += name.encode("utf-16-le") + b"\0\0"
    metrics = b"".join(_metric(made, name, at) for name, at in places)
    names_at = metrics_at + len(metrics) + 8
    path = made.path.encode("utf-16-le") + b"\0\0" if short and made.path else b""
    path_at = names_at + len(names)
    volumes_at = path_at + len(path)
    volumes = _volumes(made)
    info = struct.pack(
        "<9I",
        metrics_at,
        len(made.files),
        metrics_at + len(metrics),
        1,
        names_at,
        len(names),
        volumes_at,
        len(made.volumes),
        len(volumes),
    )
    body = bytearray(info.ljust(info_size, b"\0"))
    many = made.version > 23
    first = 36 if made.version == 17 else 44
    for n, run in enumerate(made.runs[: 8 if many else 1]):
        struct.pack_into("<Q", body, first + 8 * n, _filetime(run))
    count_at = {17: 60, 23: 68}.get(made.version, 116 if short else 124)
    struct.pack_into("<I", body, count_at, made.run_count)
    if path:
        struct.pack_into("<II", body, 128, path_at, len(path))
    tail = metrics + bytes(8) + names + path + volumes
    head = struct.pack(
        "<I4sII60sII",
        made.version,
        b"SCCA",
        17,
        84 + info_size + len(tail),
        made.name.encode("utf-16-le")[:58],
        made.hash,
        0,
    )
    return head + bytes(body) + tail


def _metric(made: MadePrefetch, name: str, at: int) -> bytes:
    if made.version == 17:
        return struct.pack("<5I", 0, 1, at, len(name), 2)
    return struct.pack("<6IQ", 0, 1, 1, at, len(name), 2, made.references.get(name, 0))


def _volumes(made: MadePrefetch) -> bytes:
    size = {17: 40, 23: 104, 26: 104}.get(made.version, 96)
    heads, tail = b"", b""
    for v in made.volumes:
        path = v.device_path.encode("utf-16-le") + b"\0\0"
        folders = b"".join(
            struct.pack("<H", len(d)) + d.encode("utf-16-le") + b"\0\0" for d in v.directories
        )
        at = size * len(made.volumes) + len(tail)
        head = struct.pack("<IIQI", at, len(v.device_path), _filetime(v.created), v.serial)
        head += struct.pack("<IIII", at + len(path), 0, at + len(path), len(v.directories))
        heads += head.ljust(size, b"\0")
        tail += path + folders
    return heads + tail


def compress(data: bytes) -> bytes:
    """The MAM container (XPRESS Huffman): all codes nine bits long, matches two bytes back."""
    out = b"MAM\x04" + struct.pack("<I", len(data))
    at = 0
    while True:
        end = min(at + _BLOCK, len(data))
        bits = "".join(f"{value:0{width}b}" for value, width in _symbols(data, at, end))
        last = end == len(data)
        bits += f"{ESCAPE:09b}" if last else ""
        words = -(-len(bits) // 16)
        bits = bits.ljust(16 * words, "0")
        stream = b"".join(
            int(bits[i : i + 16], 2).to_bytes(2, "little") for i in range(0, len(bits), 16)
        )
        out += b"\x99" * 256 + stream + _SPARE
        if last:
            return out
        at = end


def _symbols(data: bytes, at: int, end: int) -> Iterator[tuple[int, int]]:
    """(value, bits) of each code and its extra bit."""
    while at < end:
        n = 0
        while at >= 2 and n < 17 and at + n < end and data[at + n] == data[at + n - 2]:
            n += 1
        if n >= 3:
            yield 256 + (1 << 4) + (n - 3), 9
            yield 0, 1
            at += n
        else:
            yield data[at], 9
            at += 1
