"""The structures of a prefetch file without its container, format versions 17, 23, 26, 30 and 31.

Offsets are of the bytes inside the container. Head of 84 bytes, then the file information, whose
first field tells the two forms of version 30 apart (0x130, 0x128); sections of file metrics, file
names and volumes.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass

VERSIONS = (17, 23, 26, 30, 31)
SIGNATURE = b"SCCA"
MAX_NAMES = 65_536
MAX_VOLUMES = 256

_HEAD = 84
_SHORT_INFO = 0x128
_NAME_AT, _NAME_BYTES, _HASH_AT = 16, 60, 76
_RUNS_AT = {17: (120, 1), 23: (128, 1), 26: (128, 8), 30: (128, 8), 31: (128, 8)}
_COUNT_AT = {17: 144, 23: 152, 26: 208, 30: 208, 31: 208}
_COUNT_AT_SHORT, _PATH_AT = 200, 212
_VOLUME_BYTES = {17: 40, 23: 104, 26: 104, 30: 96, 31: 96}
_METRIC_BYTES = {17: 20}
_METRIC_BYTES_NEW = 32
_INFO = struct.Struct("<9I")

Report = Callable[[str, str, str, str], None]
"""Takes code, place, expected, found."""


@dataclass(frozen=True, slots=True)
class Time:
    """A FILETIME and where it stands."""

    filetime: int
    offset: int


@dataclass(frozen=True, slots=True)
class LoadedFile:
    """A name of the list; the file reference and flags where a metric points to the name."""

    path: str
    offset: int
    reference: int | None = None
    flags: int | None = None


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume that files of the list are on. `created` is a FILETIME, 0 on optical volumes."""

    device_path: str
    serial: int
    created: int
    directories: int
    offset: int


@dataclass(frozen=True, slots=True)
class Scca:
    """What a prefetch file says; `recorded_path` is the program's device path where it has it."""

    version: int
    name: str
    hash: int
    run_count: int | None
    runs: tuple[Time, ...]
    files: tuple[LoadedFile, ...]
    volumes: tuple[Volume, ...]
    recorded_path: str | None


def read(data: bytes, report: Report) -> Scca | None:
    """Everything that can be read; None: no prefetch file. What is cut or wrong goes to `report`."""
    if len(data) < _HEAD or data[4:8] != SIGNATURE:
        report("prefetch_signature", "offset 4", "SCCA", data[4:8].hex() or "nothing")
        return None
    version = _u32(data, 0)
    if version not in VERSIONS:
        report("prefetch_version", "offset 0", f"one of {VERSIONS}", str(version))
        return None
    told = _u32(data, 12)
    if told != len(data):
        report("prefetch_size", "offset 12", f"{len(data)} bytes", str(told))
    info = _INFO.unpack(data[_HEAD : _HEAD + _INFO.size].ljust(_INFO.size, b"\0"))
    short = version > 26 and (version == 31 or info[0] == _SHORT_INFO)
    return Scca(
        version,
        _wide(data[_NAME_AT : _NAME_AT + _NAME_BYTES]),
        _u32(data, _HASH_AT),
        _run_count(data, version, short, report),
        _runs(data, version),
        _files(data, version, info, report),
        _volumes(data, version, info[6], info[7], report),
        _recorded_path(data, report) if short else None,
    )


def _run_count(data: bytes, version: int, short: bool, report: Report) -> int | None:
    at = _COUNT_AT_SHORT if short else _COUNT_AT[version]
    if at + 4 > len(data):
        report("prefetch_cut", f"offset {at}", "run count", f"end at {len(data)}")
        return None
    return _u32(data, at)


def _runs(data: bytes, version: int) -> tuple[Time, ...]:
    at, count = _RUNS_AT[version]
    places = range(at, min(at + 8 * count, len(data) - 7), 8)
    times = (Time(int.from_bytes(data[p : p + 8], "little"), p) for p in places)
    return tuple(t for t in times if t.filetime)


def _recorded_path(data: bytes, report: Report) -> str | None:
    at, size = _u32(data, _PATH_AT), _u32(data, _PATH_AT + 4)
    if not size:
        return None
    if at < _HEAD or at + size > len(data):
        report("prefetch_path", f"offset {_PATH_AT}", f"within {len(data)}", f"{at} + {size}")
        return None
    return _wide(data[at : at + size]) or None


def _files(
    data: bytes, version: int, info: tuple[int, ...], report: Report
) -> tuple[LoadedFile, ...]:
    start, size = info[4], info[5]
    if size and (start < _HEAD or start + size > len(data)):
        report("prefetch_names", "offset 100", f"within {len(data)}", f"{start} + {size}")
    if start < _HEAD:
        return ()
    block = data[start : start + size]
    metrics = _metrics(data, version, info[0], info[1], report)
    text = block[: len(block) & ~1].decode("utf-16-le", "surrogatepass")
    # one character may be two units: places are counted in bytes, by the text before it
    wide = not text.isascii()
    out: list[LoadedFile] = []
    at = 0
    for path in text.split("\0"):
        width = 2 * len(path) if not wide else len(path.encode("utf-16-le", "surrogatepass"))
        if path:
            if len(out) == MAX_NAMES:
                report("prefetch_names", f"offset {start + at}", f"{MAX_NAMES} names", "more")
                break
            reference, flags = metrics.get(at, (None, None))
            out.append(LoadedFile(_clean(path) if wide else path, start + at, reference, flags))
        at += width + 2
    return tuple(out)


def _metrics(
    data: bytes, version: int, start: int, count: int, report: Report
) -> dict[int, tuple[int | None, int]]:
    """(file reference, flags) by the place of the name in its block; a reference of 0 is none."""
    size = _METRIC_BYTES.get(version, _METRIC_BYTES_NEW)
    fits = max(0, min(count, (len(data) - start) // size, MAX_NAMES))
    if fits < count:
        report("prefetch_metrics", f"offset {start}", f"{count} entries", f"room for {fits}")
    part = data[start : start + fits * size]
    if size == _METRIC_BYTES_NEW:
        return {e[3]: (e[6] or None, e[5]) for e in struct.iter_unpack("<6IQ", part)}
    return {e[2]: (None, e[4]) for e in struct.iter_unpack("<5I", part)}


def _volumes(
    data: bytes, version: int, start: int, count: int, report: Report
) -> tuple[Volume, ...]:
    size = _VOLUME_BYTES[version]
    fits = max(0, min(count, (len(data) - start) // size, MAX_VOLUMES))
    if fits < count:
        report("prefetch_volumes", f"offset {start}", f"{count} entries", f"room for {fits}")
    out = []
    for at in range(start, start + fits * size, size):
        path_at, length, created, serial = struct.unpack_from("<IIQI", data, at)
        directories = _u32(data, at + 32)
        begin, end = start + path_at, start + path_at + 2 * length
        if end > len(data):
            report("prefetch_volume_path", f"offset {at}", f"within {len(data)}", f"end at {end}")
        out.append(Volume(_wide(data[begin:end]), serial, created, directories, at))
    return tuple(out)


def _clean(text: str) -> str:
    """The text with lone surrogates replaced: they have no form in UTF-8."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _wide(raw: bytes) -> str:
    return raw[: len(raw) & ~1].decode("utf-16-le", "replace").split("\0", 1)[0]


def _u32(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")
