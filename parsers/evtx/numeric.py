"""Values -> numbers and times. A value is absent, read, or raw: there, but not of the form its column wants."""

import re
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from parsers.evtx.cells import Bytes, Ints
from parsers.evtx.events.spec import Form
from parsers.evtx.fragments import LITERAL, NULL, STRING, TEXT
from parsers.evtx.render import Renderer
from parsers.evtx.scalars import (
    ANSI,
    BOOL,
    DAY,
    EPOCH,
    FILETIME,
    FIXED,
    HEX64,
    SIZE_T,
    SYSTEMTIME,
    is_time,
    systemtimes,
)

ABSENT_VALUE, READ, RAW = 0, 1, 2
Numbers = tuple[Ints, Bytes]
"""Values and their states."""

_TEXTS = (STRING, ANSI, LITERAL, TEXT)
_WHOLE = re.compile(r"[+-]?\d{1,20}")
_HEXADECIMAL = re.compile(r"0[xX][0-9a-fA-F]{1,16}")
_ISO = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z?")
_MAX_TICKS = 92233720368547757
"""100 ns from 1970 that fit into a nanosecond timestamp."""


def parse_integer(text: str, form: Form) -> int | None:
    """Decimal or 0x text as a 64-bit number; hexadecimal forms wrap to two's complement."""
    text = text.strip()
    if _HEXADECIMAL.fullmatch(text):
        value = int(text, 16)
    elif _WHOLE.fullmatch(text):
        value = int(text)
    else:
        return None
    if form is Form.HEX and 2**63 <= value < 2**64:
        value -= 2**64
    return value if -(2**63) <= value < 2**63 else None


def parse_boolean(text: str) -> int | None:
    """true, false, 1, 0 in any case."""
    return {"true": 1, "1": 1, "false": 0, "0": 0}.get(text.strip().lower())


def parse_time(text: str) -> int | None:
    """ISO text (T or blank between, up to nine digits, UTC) as ns since 1970; None if none or out of range."""
    match = _ISO.fullmatch(text.strip().lstrip("\u200e"))
    if not match:
        return None
    try:
        seconds = int(np.datetime64(f"{match[1]}T{match[2]}", "s").astype(np.int64))
    except ValueError:
        return None
    value = seconds * 10**9 + int((match[3] or "0").ljust(9, "0"))
    return value if -(2**63) < value < 2**63 else None


def _from_texts(r: Renderer, index: Ints, parse: Callable[[str], int | None]) -> Numbers:
    """Each distinct text is parsed once; blank text is absence."""
    codes, texts = r.distinct(index)
    parsed = [parse(t) if t is not None else None for t in texts]
    value = np.array([0 if p is None else p for p in parsed], np.int64)
    blank = [t is None or not t.strip() for t in texts]
    state = [
        READ if p is not None else ABSENT_VALUE if b else RAW
        for p, b in zip(parsed, blank, strict=True)
    ]
    return value[codes], np.array(state, np.uint8)[codes]


def _typed(
    r: Renderer,
    index: Ints,
    native: Callable[[int, Ints, Ints], Numbers | None],
    parse: Callable[[str], int | None],
) -> Numbers:
    value, state = np.zeros(len(index), np.int64), np.zeros(len(index), np.uint8)
    kind = r.values.type[index]
    if not len(kind):
        return value, state
    for k in np.flatnonzero(np.bincount(kind, minlength=256)).tolist():
        if k == NULL:
            continue
        i = np.flatnonzero(kind == k)
        got = native(k, r.values.at[index[i]], r.values.size[index[i]])
        if got is None:
            text = k in _TEXTS
            got = (
                _from_texts(r, index[i], parse)
                if text
                else (np.zeros(len(i), np.int64), np.full(len(i), RAW, np.uint8))
            )
        value[i], state[i] = got
    return value, state


def _native(
    r: Renderer, kind: int, at: Ints, size: Ints, name: str
) -> tuple[npt.NDArray[np.generic], Bytes]:
    """Stored numbers where the size is right."""
    width = np.dtype(name).itemsize
    right = size == width
    if right.all():
        return r.mem.gather(at, name), np.full(len(at), READ, np.uint8)
    return r.mem.gather(np.where(right, at, 0), name), np.where(right, READ, RAW).astype(np.uint8)


def integers(r: Renderer, index: Ints, form: Form) -> Numbers:
    """INT (signed 64 bits) and HEX (two's complement)."""

    def native(kind: int, at: Ints, size: Ints) -> Numbers | None:
        if kind == SIZE_T:
            return _sizes(r, at, size, form)
        name = FIXED.get(kind)
        if name is None or kind in (11, 12, FILETIME):
            return None
        return _whole_numbers(r, kind, (at, size), name, form)

    return _typed(r, index, native, lambda t: parse_integer(t, form))


def _sizes(r: Renderer, at: Ints, size: Ints, form: Form) -> Numbers:
    """Numbers as wide as the pointers of who logged them."""
    value, state = np.zeros(len(size), np.int64), np.full(len(size), RAW, np.uint8)
    for width, name in ((4, "<u4"), (8, "<u8")):
        i = np.flatnonzero(size == width)
        value[i], state[i] = _whole_numbers(r, SIZE_T, (at[i], size[i]), name, form)
    return value, state


def _whole_numbers(
    r: Renderer, kind: int, spans: tuple[Ints, Ints], name: str, form: Form
) -> Numbers:
    stored, state = _native(r, kind, *spans, name)
    value = (stored != 0).astype(np.int64) if kind == BOOL else stored.astype(np.int64)
    if form is Form.INT and name == "<u8":
        state = np.where((value < 0) & (state == READ), np.uint8(RAW), state)
    return value, state


def booleans(r: Renderer, index: Ints) -> Numbers:
    """BOOL."""

    def native(kind: int, at: Ints, size: Ints) -> Numbers | None:
        name = FIXED.get(kind)
        if name is None or kind in (11, 12, FILETIME):
            return None
        stored, state = _native(r, kind, at, size, name)
        value = stored.astype(np.int64)
        if kind != BOOL:
            state = np.where((value >> 1 != 0) & (state == READ), np.uint8(RAW), state)
        return (value != 0).astype(np.int64), state

    return _typed(r, index, native, parse_boolean)


def times(r: Renderer, index: Ints) -> Numbers:
    """FILETIME, SYSTEMTIME or ISO text as ns since 1970; zero is absence, out of range is raw."""

    def native(kind: int, at: Ints, size: Ints) -> Numbers | None:
        if kind == SYSTEMTIME:
            parts, state = _native(r, kind, at, size, "V16")
            fields = parts.view("<u2").reshape(-1, 8)
            days, ticks = systemtimes(fields)
            blank = (fields == 0).all(1)
            sane = is_time(fields) & (fields[:, 0] > 1677) & (fields[:, 0] < 2262)
            state = np.where(
                blank, ABSENT_VALUE, np.where(sane & (state == READ), READ, RAW)
            ).astype(np.uint8)
            return np.where(state == READ, days * DAY + ticks, 0) * 100, state
        if kind not in (FILETIME, 9, 10, HEX64):
            return None
        stored, state = _native(r, kind, at, size, "<u8")
        return filetimes(stored.astype(np.uint64), state)

    return _typed(r, index, native, parse_time)


def filetimes(stored: npt.NDArray[np.uint64], state: Bytes) -> Numbers:
    """FILETIME (100 ns since 1601) -> ns since 1970."""
    ticks = stored.astype(np.int64) - EPOCH
    sane = (np.abs(ticks) <= _MAX_TICKS) & (stored < np.uint64(2**62))
    state = np.where(
        state != READ, state, np.where(stored == 0, ABSENT_VALUE, np.where(sane, READ, RAW))
    )
    return np.where(state == READ, ticks, 0) * 100, state.astype(np.uint8)


_SYSMON = np.array([0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18, 20, 21, 22])
_SYSMON_POINTS = ((4, 45), (7, 45), (10, 32), (13, 58), (16, 58), (19, 46))


def sysmon_times(r: Renderer, index: Ints) -> Numbers:
    """Sysmon's `2022-03-10 19:57:22.300`; other spellings go the slow way."""
    kind, size = r.values.type[index], r.values.size[index]
    value, state = np.zeros(len(index), np.int64), np.full(len(index), RAW, np.uint8)
    usual = np.flatnonzero(
        (kind == STRING) & (r.trimmed(r.values.at[index], size) == 46) if len(index) else kind == 1
    )
    if len(usual):
        units = r.mem.gather(r.values.at[index[usual]], "V46").view("<u2").reshape(-1, 23)
        digit = units[:, _SYSMON].astype(np.int64) - 48
        good = ((digit >= 0) & (digit <= 9)).all(1)
        for at, mark in _SYSMON_POINTS:
            good &= units[:, at] == mark
        year = digit[:, :4] @ np.array([1000, 100, 10, 1])
        month, day, hour, minute, second = (digit[:, 4:14].reshape(-1, 5, 2) @ np.array([10, 1])).T
        good &= (
            (month >= 1) & (month <= 12) & (day >= 1) & (hour < 24) & (minute < 60) & (second < 60)
        )
        good &= (year >= 1680) & (year < 2262)
        first = (year - 1970).astype("M8[Y]").astype("M8[M]") + np.where(good, month - 1, 0)
        good &= first.astype("M8[D]") + (day - 1) < (first + 1).astype("M8[D]")
        days = first.astype("M8[D]").astype(np.int64) + day - 1
        ms = digit[:, 14:] @ np.array([100, 10, 1])
        ns = (((days * 24 + hour) * 60 + minute) * 60 + second) * 10**9 + ms * 10**6
        value[usual[good]], state[usual[good]] = ns[good], READ
    slow = np.flatnonzero(state != READ)
    if len(slow):
        value[slow], state[slow] = times(r, index[slow])
    return value, state


def read(r: Renderer, index: Ints, form: Form) -> Numbers:
    """Numbers of a column by its form (all forms but TEXT)."""
    if form is Form.BOOL:
        return booleans(r, index)
    if form is Form.TIME:
        return times(r, index)
    if form is Form.SYSMON_TIME:
        return sysmon_times(r, index)
    return integers(r, index, form)
