"""One value -> its text: what the columns of `render` do for a whole run, for the few values that come singly.

The text is that of Windows' XML (MS-EVEN6 2.2.12).
"""

import json
import struct
from json.encoder import encode_basestring
from typing import Any

import numpy as np
import numpy.typing as npt

from parsers.evtx.cells import Bools, Ints
from parsers.evtx.fragments import STRING

FIXED = {
    3: "i1", 4: "u1", 5: "<i2", 6: "<u2", 7: "<i4", 8: "<u4", 9: "<i8", 10: "<u8", 11: "<f4", 12: "<f8",
    13: "<u4", 17: "<u8", 20: "<u4", 21: "<u8",
}  # fmt: skip
"""NumPy's name of each BinXML type of fixed size."""
ANSI, FLOAT, DOUBLE, BOOL, BINARY, GUID, SIZE_T, FILETIME, SYSTEMTIME, SID, HEX32, HEX64 = (
    2, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
)  # fmt: skip
ARRAY, STRINGS = 0x80, 0x81
EPOCH = 116444736000000000
"""100 ns from 1601 to 1970."""
DAY = 864000000000
YEAR_10000 = 2650467744000000000
"""100 ns from 1601 to the year 10000: later times are no times of a log ("never" is 0x7fffffffffffffff)."""


def quoted(text: str) -> str:
    """A text as a JSON string; lone surrogates cannot occur (they were replaced when decoded)."""
    return encode_basestring(text)


def guid_text(raw: bytes) -> str:
    """16 bytes -> {XXXXXXXX-XXXX-XXXX-XXXX-XXXXXXXXXXXX}."""
    a, b, c = struct.unpack_from("<IHH", raw)
    return f"{{{a:08X}-{b:04X}-{c:04X}-{raw[8:10].hex().upper()}-{raw[10:].hex().upper()}}}"


def sid_text(raw: bytes) -> str:
    """A SID as S-1-...; hex digits if it is none."""
    if len(raw) < 8 or raw[0] != 1 or len(raw) != 8 + 4 * raw[1]:
        return raw.hex().upper()
    subs = struct.unpack(f"<{(len(raw) - 8) // 4}I", raw[8:])
    return "-".join(map(str, ("S", raw[0], int.from_bytes(raw[2:8], "big"), *subs)))


def float_text(value: Any) -> str:
    """The shortest text that reads back as the same number of its width; NaN, Infinity, -Infinity."""
    if np.isnan(value):
        return "NaN"
    if np.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    text = str(value)
    return text.removesuffix(".0")


def ansi_text(raw: bytes) -> str:
    """ANSI text; the code page is not logged, 1252 is assumed."""
    return raw.rstrip(b"\0").decode("cp1252", "replace")


def hex_text(raw: bytes) -> str:
    """Upper-case digits without separators."""
    return raw.hex().upper()


def array_items(kind: int, raw: bytes) -> list[Any]:
    """Items of an array value; one text of hex digits for unknown item types."""
    item = kind & 0x7F
    if item == STRING:
        return (
            list(raw.decode("utf-16-le", "replace").removesuffix("\0").split("\0")) if raw else []
        )
    if item == ANSI:
        return [ansi_text(part) for part in raw.removesuffix(b"\0").split(b"\0")] if raw else []
    if item == SID:
        return _sids(raw)
    if item == GUID:
        return [guid_text(raw[i : i + 16]) for i in range(0, len(raw) - 15, 16)]
    if item == SYSTEMTIME:
        return [_systemtime_text(raw[i : i + 16]) for i in range(0, len(raw) - 15, 16)]
    if item == FILETIME:
        return [_filetime_text(t) for (t,) in struct.iter_unpack("<Q", raw[: len(raw) // 8 * 8])]
    if item not in FIXED:
        return [hex_text(raw)]
    dtype = np.dtype(FIXED[item])
    numbers = np.frombuffer(raw[: len(raw) // dtype.itemsize * dtype.itemsize], dtype)
    if item in (FLOAT, DOUBLE):
        return [json.loads(float_text(x)) if np.isfinite(x) else float_text(x) for x in numbers]
    if item == BOOL:
        return [bool(x) for x in numbers.tolist()]
    return [hex(x) for x in numbers.tolist()] if item in (HEX32, HEX64) else numbers.tolist()


def _sids(raw: bytes) -> list[str]:
    """SIDs one behind the other; what is none at the end as hex digits."""
    out: list[str] = []
    while raw:
        size = 8 + 4 * raw[1] if len(raw) > 1 else len(raw)
        out.append(sid_text(raw[:size]))
        raw = raw[size:]
    return out


def _filetime_text(ticks: int) -> str:
    if ticks >= YEAR_10000:
        return hex(ticks)
    at = np.datetime64((ticks - EPOCH) // 10**7, "s")
    return f"{at}.{(ticks - EPOCH) % 10**7:07d}Z"


def _systemtime_text(raw: bytes) -> str:
    parts = np.frombuffer(raw, "<u2").reshape(1, 8)
    if not is_time(parts)[0]:
        return hex_text(raw)
    days, ticks = systemtimes(parts)
    return f"{np.datetime64(int(days[0]) * 86400 + int(ticks[0]) // 10**7, 's')}.{int(ticks[0]) % 10**7:07d}Z"


def array_json(kind: int, raw: bytes) -> str:
    """An array value as a JSON list."""
    return json.dumps(array_items(kind, raw), ensure_ascii=False)


def is_time(parts: npt.NDArray[np.uint16]) -> Bools:
    """Which SYSTEMTIMEs (n x 8) name a time that exists, of the years 1601 to 9999."""
    y, mo, _, d, h, mi, s, ms = parts.T.astype(np.int64)
    sane: Bools = (y >= 1601) & (y <= 9999) & (mo >= 1) & (mo <= 12) & (d >= 1)
    month = (np.where(sane, y, 1970) - 1970).astype("M8[Y]").astype("M8[M]") + np.clip(
        mo - 1, 0, 11
    )
    length = ((month + 1).astype("M8[D]") - month.astype("M8[D]")).astype(np.int64)
    sane &= (d <= length) & (h < 24) & (mi < 60) & (s < 60) & (ms < 1000)
    return sane


def systemtimes(parts: npt.NDArray[np.uint16]) -> tuple[Ints, Ints]:
    """SYSTEMTIME (n x 8) -> days since 1970, 100 ns in the day; meant for those that `is_time`."""
    y, mo, _, d, h, mi, s, ms = parts.T.astype(np.int64)
    month = (y - 1970).astype("M8[Y]").astype("M8[M]") + np.clip(mo - 1, 0, 11)
    days = month.astype("M8[D]").astype(np.int64) + d - 1
    return days, ((h % 24 * 60 + mi % 60) * 60 + s % 60) * 10**7 + ms % 1000 * 10**4
