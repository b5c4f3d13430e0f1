"""Values -> text cells and JSON tokens, one call per type for a whole run.

The text is that of Windows' XML (see `docs` of the types in MS-EVEN6 2.2.12): GUIDs in braces, hex as 0x and lower
case without leading zeros, times as 2022-03-10T19:57:22.3007007Z, SIDs as S-1-.... A value of an unknown type or of
a wrong size is kept as hexadecimal digits: never dropped.
"""

import os
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from parsers.evtx.cells import (
    BEFORE,
    BEHIND,
    EMPTY,
    LITERALS,
    TEXTS,
    Bools,
    Cells,
    Ints,
    Memory,
    constant,
    uniques,
)
from parsers.evtx.fragments import LITERAL, NULL, STRING, TEXT, Values
from parsers.evtx.scalars import (
    ANSI,
    ARRAY,
    BINARY,
    BOOL,
    DAY,
    DOUBLE,
    FILETIME,
    FIXED,
    FLOAT,
    GUID,
    HEX32,
    HEX64,
    SID,
    SIZE_T,
    SYSTEMTIME,
    YEAR_10000,
    ansi_text,
    array_json,
    float_text,
    hex_text,
    is_time,
    quoted,
    sid_text,
    systemtimes,
)

NULL_TOKEN, QUOTES = constant(b"null"), constant(b'""')
_FEW = 8
"""Distinct values of one length that are compared byte by byte."""
_LONG = 2 << 10
_SALT = np.frombuffer(os.urandom(8 * _LONG), np.uint64) | np.uint64(1)
_P10 = np.array([10**i for i in range(1, 20)], np.uint64)
_P16 = np.array([16**i for i in range(1, 16)], np.uint64)


def _table(digits: bytes, places: int) -> npt.NDArray[Any]:
    """All numbers of so many digits as text, each in one word."""
    base, value = len(digits), np.arange(len(digits) ** places)
    out = np.empty((len(value), places), np.uint8)
    for place in range(places):
        out[:, places - 1 - place] = np.frombuffer(digits, np.uint8)[value // base**place % base]
    return out.view(f"<u{places}")[:, 0]


_D2, _D4 = _table(b"0123456789", 2), _table(b"0123456789", 4)
_X4, _X4_UPPER = _table(b"0123456789abcdef", 4), _table(b"0123456789ABCDEF", 4)
_X4_SWAPPED = _X4_UPPER[np.arange(65536, dtype="<u2").byteswap()]

_BLANK, _TILDE = np.uint8(32), np.uint8(126)
_ODD = np.zeros(256, bool)
_ODD[:32] = _ODD[127:] = True
_ODD[[1, 9, 10, 13]] = False
_ESCAPES = ((b"\\", b"\\\\"), (b'"', b'\\"'), (b"\n", b"\\n"), (b"\r", b"\\r"), (b"\t", b"\\t"))


class Renderer:
    """Renders values of one run."""

    def __init__(self, mem: Memory, values: Values) -> None:
        self.mem = mem
        self.values = values

    def trimmed(self, at: Ints, size: Ints) -> Ints:
        """Sizes of UTF-16 texts without the closing NULs that some writers store."""
        some = size >= 2
        last = at + size - 2
        closed = self.mem.gather(last if some.all() else np.where(some, last, 0), "<u2") == 0
        left = np.flatnonzero(closed & some)
        if not len(left):
            return size
        size = size.copy()
        while len(left):
            size[left] -= 2
            left = left[size[left] >= 2]
            left = left[self.mem.gather(at[left] + size[left] - 2, "<u2") == 0]
        return size

    # --- text

    def cells(self, index: Ints) -> Cells:
        """Text cells; UTF-16 text that is not ASCII still needs `decode`."""
        return self._by_type(index, EMPTY, self._text)

    def texts(self, index: Ints) -> list[str]:
        """Texts as Python strings."""
        cells = self.cells(index)
        data, ends = self.mem.join(cells)
        if self.decode(index, cells, data, ends):
            data, ends = self.mem.join(cells)
        raw, cut = data.tobytes(), ends.tolist()
        return [raw[a:b].decode("utf-8", "replace") for a, b in pairwise(cut)]

    def decode(
        self, index: Ints, cells: Cells, data: npt.NDArray[np.uint8], ends: npt.NDArray[np.int32]
    ) -> bool:
        """Put the true text into `cells` (joined as data/ends) where UTF-16 is not ASCII; whether any was."""
        high = np.flatnonzero(data > 127)
        if not len(high):
            return False
        row = uniques(np.searchsorted(ends, high, "right") - 1)
        row = row[self.values.type[index[row]] == STRING]
        if not len(row):
            return False
        at, size = self.values.at[index[row]], self.values.size[index[row]]
        number: dict[bytes, int] = {}
        raw, inverse = self.mem.raw, []
        for a, n in zip(at.tolist(), self.trimmed(at, size).tolist(), strict=True):
            inverse.append(number.setdefault(raw[a : a + n], len(number)))
        texts = [t.decode("utf-16-le", "replace").encode() for t in number]
        cells[row] = self.mem.of_list(texts)[np.array(inverse)]
        return True

    def _by_type(self, index: Ints, start: complex, one: Any) -> Cells:
        kind = self.values.type[index]
        at, size = self.values.at[index], self.values.size[index]
        out = np.full(len(index), start, np.complex128)
        kinds = np.flatnonzero(np.bincount(kind, minlength=256)).tolist() if len(kind) else []
        for k in kinds:
            if k == NULL:
                continue
            if len(kinds) == 1:
                return one(k, at, size)  # type: ignore[no-any-return]
            i = np.flatnonzero(kind == k)
            out[i] = one(k, at[i], size[i])
        return out

    def _text(self, kind: int, at: Ints, size: Ints) -> Cells:
        if kind == STRING:
            return self._utf16(at, self.trimmed(at, size))
        return self._scalar(kind, at, size, False)

    def _utf16(self, at: Ints, size: Ints) -> Cells:
        out = np.empty(len(at), np.complex128)
        for parity in (0, 1):
            i = np.flatnonzero((at & 1) == parity)
            out[i] = self.mem.cells(parity, at[i] >> 1, size[i] >> 1)
        return out

    # --- JSON

    def tokens(self, index: Ints) -> Cells:
        """JSON tokens; null where there is no value."""
        return self._by_type(index, NULL_TOKEN, self._token)

    def _token(self, kind: int, at: Ints, size: Ints) -> Cells:
        if kind == STRING:
            return self._json_strings(at, self.trimmed(at, size))
        if kind in (LITERAL, TEXT):
            source = self.mem.buffers[LITERALS if kind == LITERAL else TEXTS].tobytes()
            return self._listed(
                [source[a : a + n] for a, n in zip(at.tolist(), size.tolist(), strict=True)],
                lambda raw: quoted(raw.decode("utf-8", "replace")),
            )
        return self._scalar(kind, at, size, True)

    def _json_strings(self, at: Ints, size: Ints) -> Cells:
        """All strings in one run of bytes, byte 1 before, between and behind them; escape; the marks give the offsets."""
        n, mark = len(at), constant(b"\1")
        mixed = np.empty(2 * n + 3, np.complex128)
        mixed[0], mixed[-1] = BEFORE, BEHIND
        mixed[1:-1:2], mixed[2:-2:2] = mark, self._utf16(at, size)
        data, ends = self.mem.join(mixed)
        special = np.flatnonzero(
            data - _BLANK > _TILDE - _BLANK
        )  # also all below the blank: they wrap
        which = data[special]
        odd = uniques((np.searchsorted(ends, special[_ODD[which]], "right") - 2) >> 1)
        if np.count_nonzero(which == 1) != n + 1:
            own = np.searchsorted(ends, special[which == 1], "right") - 2
            odd = np.union1d(odd, own[own & 1 == 1] >> 1)
        if len(odd):
            mixed[2 * odd + 2] = EMPTY
            data, ends = self.mem.join(mixed)
        text = data.tobytes()
        for plain, escaped in _ESCAPES:
            text = text.replace(plain, escaped)
        marks = np.flatnonzero(np.frombuffer(text, np.uint8) == 1)
        number = self.mem.adopt(np.frombuffer(text.replace(b"\1", b'"'), np.uint8))
        out = self.mem.cells(number, marks[:-1] - int(ends[1]), np.diff(marks) + 1)
        if len(odd):
            raw = self.mem.raw
            spans = zip(at[odd].tolist(), size[odd].tolist(), strict=True)
            out[odd] = self._listed(
                [raw[a : a + k] for a, k in spans],
                lambda b: quoted(b.decode("utf-16-le", "replace")),
            )
        return out

    # --- all other types

    def _listed(self, raws: list[bytes], form: Any) -> Cells:
        """Each distinct value is formatted once, in Python."""
        number: dict[bytes, int] = {}
        inverse = [number.setdefault(raw, len(number)) for raw in raws]
        return self.mem.of_list([form(raw).encode("utf-8", "replace") for raw in number])[
            np.array(inverse, np.int64)
        ]

    def _scalar(self, kind: int, at: Ints, size: Ints, as_json: bool) -> Cells:
        """Cells of all types but strings; `as_json`: as JSON tokens."""
        if kind in (LITERAL, TEXT):
            return self.mem.cells(LITERALS if kind == LITERAL else TEXTS, at, size)
        if kind == SIZE_T and len(size):
            if (size != size[0]).any():
                out = np.empty(len(at), np.complex128)
                for n in uniques(size).tolist():
                    out[size == n] = self._scalar(kind, at[size == n], size[size == n], as_json)
                return out
            kind = {4: HEX32, 8: HEX64}.get(int(size[0]), kind)
        want = (
            16
            if kind in (GUID, SYSTEMTIME)
            else np.dtype(FIXED[kind]).itemsize
            if kind in FIXED
            else 0
        )
        if want:
            right = size == want
            if not right.all():
                out = np.empty(len(at), np.complex128)
                out[~right] = self._variable(BINARY, at[~right], size[~right], as_json)
                if right.any():
                    out[right] = self._scalar(kind, at[right], size[right], as_json)
                return out
            return self._fixed(kind, at, as_json)
        return self._variable(kind, at, size, as_json)

    def _fixed(self, kind: int, at: Ints, as_json: bool) -> Cells:
        if kind == GUID:
            return self._guids(at, as_json)
        if kind == SYSTEMTIME:
            parts = self.mem.gather(at, "V16").view("<u2").reshape(-1, 8)
            return self._sane(kind, at, is_time(parts), as_json, lambda i: systemtimes(parts[i]))
        native = self.mem.gather(at, FIXED[kind])
        if kind == FILETIME:

            def split(i: Ints) -> tuple[Ints, Ints]:
                days, ticks = np.divmod(native[i].astype(np.int64), DAY)
                return days - 134774, ticks

            return self._sane(HEX64, at, native < np.uint64(YEAR_10000), as_json, split)
        if kind == BOOL:
            return np.where(native != 0, constant(b"true"), constant(b"false"))
        if kind in (HEX32, HEX64):
            return self._hexes(native, as_json)
        if kind in (FLOAT, DOUBLE):
            texts = [float_text(x) for x in native]
            odd = ~np.isfinite(native)
            if as_json and odd.any():
                texts = [f'"{t}"' if o else t for t, o in zip(texts, odd.tolist(), strict=True)]
            return self.mem.of_list([t.encode() for t in texts])
        return self._ints(native)

    def _variable(self, kind: int, at: Ints, size: Ints, as_json: bool) -> Cells:
        if kind == SID:
            return self._sids(at, size, as_json)
        raw = self.mem.raw
        raws = [raw[a : a + n] for a, n in zip(at.tolist(), size.tolist(), strict=True)]
        if kind & ARRAY:
            return self._listed(raws, lambda b: array_json(kind, b))
        plain = ansi_text if kind == ANSI else hex_text
        return self._listed(raws, (lambda b: quoted(plain(b))) if as_json else plain)

    def _sids(self, at: Ints, size: Ints, as_json: bool) -> Cells:
        """SIDs: few distinct ones, each formatted once."""
        out = np.empty(len(at), np.complex128)
        for n in uniques(size).tolist():
            i = np.flatnonzero(size == n)
            first, codes = self._same(at[i], n)
            texts = [sid_text(self.mem.raw[a : a + n]) for a in at[i[first]].tolist()]
            raw = [(quoted(t) if as_json else t).encode() for t in texts]
            out[i] = self.mem.of_list(raw)[codes]
        return out

    def _ints(self, native: npt.NDArray[Any]) -> Cells:
        """Decimal digits in fixed slots; the cell starts at the first digit, so no shifting is needed."""
        negative = native < 0 if native.dtype.kind == "i" else np.zeros(len(native), bool)
        u = (
            native.astype(np.uint64)
            if native.dtype.kind == "u"
            else native.astype(np.int64).astype(np.uint64)
        )
        u = np.where(negative, np.uint64(0) - u, u)
        groups = (len(str(int(u.max()))) + 3) // 4 if len(u) else 1
        slots, rest, ten4 = np.empty((len(u), groups + 1), "<u4"), u, np.uint64(10000)
        for j in range(groups, 0, -1):
            high = rest // ten4
            slots[:, j] = _D4[(rest - high * ten4).astype(np.intp)]
            rest = high
        digits = np.searchsorted(_P10, u, "right") + 1
        width, row = 4 * groups + 4, np.arange(len(u))
        flat = slots.view(np.uint8).reshape(-1)
        flat[(row * width + width - digits - 1)[negative]] = 45
        digits = digits + negative
        return self.mem.cells(self.mem.add(flat), row * width + width - digits, digits)

    def _hexes(self, native: npt.NDArray[Any], as_json: bool) -> Cells:
        """0x and lower-case digits without leading zeros."""
        groups = native.dtype.itemsize // 2
        slots = np.empty((len(native), groups + 2), "<u4")
        halves = native.view("<u2").reshape(-1, groups)
        for j in range(groups):
            slots[:, groups - j] = _X4[halves[:, j]]
        digits = np.searchsorted(_P16, native.astype(np.uint64), "right") + 1
        width, row = 4 * groups + 8, np.arange(len(native))
        flat, at = slots.view(np.uint8).reshape(-1), row * width + width - digits - 6
        flat[at], flat[at + 1], flat[at - 1], flat[width - 4 :: width] = 48, 120, 34, 34
        return self._slots(flat, at, digits + 2, as_json)

    def _slots(self, flat: npt.NDArray[np.uint8], at: Ints, length: Ints, as_json: bool) -> Cells:
        """Slots with a quote before and behind the text: JSON shows them."""
        number = self.mem.add(flat)
        return self.mem.cells(number, at - as_json, length + 2 * as_json)

    def _guids(self, at: Ints, as_json: bool) -> Cells:
        halves, n = self.mem.gather(at, "V16").view("<u2").reshape(-1, 8), len(at)
        text = np.full((n, 40), 45, np.uint8)
        text[:, 0], text[:, 1], text[:, 38], text[:, 39] = 34, 123, 125, 34
        for place, j, digits in (
            (2, 1, _X4_UPPER), (6, 0, _X4_UPPER), (11, 2, _X4_UPPER), (16, 3, _X4_UPPER),
            (21, 4, _X4_SWAPPED), (26, 5, _X4_SWAPPED), (30, 6, _X4_SWAPPED), (34, 7, _X4_SWAPPED),
        ):  # fmt: skip
            np.ndarray((n,), "<u4", text, place, (40,))[:] = digits[halves[:, j]]
        return self._slots(text.reshape(-1), np.arange(n) * 40 + 1, np.full(n, 38), as_json)

    def _sane(
        self,
        raw_kind: int,
        at: Ints,
        sane: Bools,
        as_json: bool,
        split: Callable[[Ints], tuple[Ints, Ints]],
    ) -> Cells:
        """Times; what is none shows its stored bytes, as a value of `raw_kind`."""
        i = np.flatnonzero(sane)
        if len(i) == len(at):
            return self._times(*split(i), as_json)
        out, odd = np.empty(len(at), np.complex128), np.flatnonzero(~sane)
        if raw_kind == HEX64:
            out[odd] = self._fixed(raw_kind, at[odd], as_json)
        else:
            out[odd] = self._variable(BINARY, at[odd], np.full(len(odd), 16), as_json)
        if len(i):
            out[i] = self._times(*split(i), as_json)
        return out

    def _times(self, days: Ints, ticks: Ints, as_json: bool) -> Cells:
        """Days since 1970 and 100 ns ticks in the day -> 2022-03-10T19:57:22.3007007Z."""
        n, date = len(days), days.astype("M8[D]")
        month = date.astype("M8[M]")
        year, m = month.astype(np.int64) // 12 + 1970, month.astype(np.int64) % 12
        text = np.frombuffer(b'"0000-00-00T00:00:00.0000000Z"' * n, np.uint8).copy().reshape(n, 30)

        def put(at: int, kind: str, digits: npt.NDArray[Any], value: Ints) -> None:
            np.ndarray((n,), kind, text, at + 1, (30,))[:] = digits[value]

        seconds, fraction = np.divmod(ticks, 10**7)
        put(0, "<u4", _D4, np.clip(year, 0, 9999))
        put(5, "<u2", _D2, m + 1)
        put(8, "<u2", _D2, (date - month.astype("M8[D]")).astype(np.int64) + 1)
        put(11, "<u2", _D2, seconds // 3600)
        put(14, "<u2", _D2, seconds // 60 % 60)
        put(17, "<u2", _D2, seconds % 60)
        put(23, "<u4", _D4, fraction % 10000)
        put(19, "<u4", _D4, fraction // 10000)
        text[:, 20] = (
            46  # the point is put back over the leading zero of the fraction's first four digits
        )
        return self._slots(text.reshape(-1), np.arange(n) * 30 + 1, np.full(n, 28), as_json)

    # --- few distinct values

    def distinct(self, index: Ints) -> tuple[Ints, list[str | None]]:
        """Codes and texts of a column of few distinct values (None: no value).

        Beyond a few texts of one length, bytes are compared by a salted 64-bit hash; the salt is drawn per process, so no
        file can aim at it.
        """
        if len(index) and index.max() < 0:
            return self._constants(index)
        kind, size = self.values.type[index], self.values.size[index]
        form = np.where(kind == NULL, 0, kind.astype(np.int64) << 32 | size)
        codes, first = np.empty(len(index), np.int64), [np.zeros(0, np.int64)]
        count = 0
        for f in uniques(form).tolist():
            i = np.flatnonzero(form == f)
            own, code = self._same_of(index[i], f >> 32, f & 0xFFFFFFFF)
            codes[i] = code + count
            first.append(i[own])
            count += len(own)
        spot = np.concatenate(first)
        there = kind[spot] != NULL
        texts = self.texts(index[spot])
        return codes, [t if ok else None for t, ok in zip(texts, there.tolist(), strict=True)]

    def _same_of(self, index: Ints, kind: int, size: int) -> tuple[Ints, Ints]:
        """Of values of one type and size: places of the distinct ones, and the number of each value's."""
        if kind == NULL:
            return np.zeros(1, np.int64), np.zeros(len(index), np.int64)
        if kind in (LITERAL, TEXT):
            _, first, codes = np.unique(index, return_index=True, return_inverse=True)
            return first, codes
        return self._same(self.values.at[index], size)

    def _same(self, at: Ints, size: int) -> tuple[Ints, Ints]:
        """Of stored values of one size: places of the distinct ones, and the number of each value's."""
        if not size:
            return np.zeros(1, np.int64), np.zeros(len(at), np.int64)
        if size > _LONG:  # too long to be compared: each counts as distinct
            return np.arange(len(at)), np.arange(len(at))
        codes = np.empty(len(at), np.int64)
        left, found = np.arange(len(at)), list[int]()
        # texts of equal length, so NumPy's disregard of closing NULs makes no two equal
        stored = self.mem.gather(at, f"S{size}")
        while len(left) and len(found) < _FEW:
            same = stored == stored[0]
            codes[left[same]] = len(found)
            found.append(int(left[0]))
            left, stored = left[~same], stored[~same]
        if not len(left):
            return np.array(found, np.int64), codes
        hashes = self._hashes(at[left], size)
        _, first, code = np.unique(hashes, return_index=True, return_inverse=True)
        codes[left] = code + len(found)
        return np.concatenate([np.array(found, np.int64), left[first]]), codes

    def _constants(self, index: Ints) -> tuple[Ints, list[str | None]]:
        """The same where all values are constants of templates, or absent: no sorting."""
        number = -1 - index
        used = np.flatnonzero(np.bincount(number))
        code = np.zeros(int(used[-1]) + 1, np.int64)
        code[used] = np.arange(len(used))
        there = self.values.type[-1 - used] != NULL
        texts = self.texts(-1 - used)
        return code[number], [
            t if ok else None for t, ok in zip(texts, there.tolist(), strict=True)
        ]

    def _hashes(self, at: Ints, size: int) -> npt.NDArray[np.uint64]:
        step = 2 if size % 2 == 0 else 1
        words = self.mem.gather(at, f"V{size}").view(f"<u{step}").reshape(len(at), -1).astype(
            np.uint64
        ) + np.uint64(1)
        total: npt.NDArray[np.uint64] = (words * _SALT[: size // step]).sum(1, dtype=np.uint64)
        return total


def valid(values: Values, index: Ints) -> Bools:
    """Where there is a value."""
    there: Bools = values.type[index] != NULL
    return there
