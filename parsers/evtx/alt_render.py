"""Values of one BinXML type, rendered together for a whole run: text and JSON cells, and numbers."""

import json
import os
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from parsers.evtx.cells import EMPTY, Bools, Cells, Ints, Memory, constant

STRING, ANSI, BOOLEAN, BINARY, GUID, SIZE, FILETIME, SYSTEMTIME, SID, HEX32, HEX64, XML = (
    1, 2, 13, 14, 15, 16, 17, 18, 19, 20, 21, 0x21,
)  # fmt: skip
FLOAT32, FLOAT64 = 11, 12
STRINGS = 0x81
ARRAY = 0x80
FIXED = {
    3: "i1", 4: "u1", 5: "<i2", 6: "<u2", 7: "<i4", 8: "<u4", 9: "<i8", 10: "<u8", 11: "<f4", 12: "<f8", 13: "<u4",
    17: "<u8", 20: "<u4", 21: "<u8",
}  # fmt: skip
EPOCH = 116_444_736_000_000_000
"""1970 in FILETIME."""
DAY = 864_000_000_000


def _digits(form: str, n: int, kind: str) -> npt.NDArray[Any]:
    return np.array([(form % i).encode() for i in range(n)]).view(kind)


_D2, _D4 = _digits("%02d", 100, "<u2"), _digits("%04d", 10000, "<u4")
_HEX, _HEX_UPPER = _digits("%04x", 65536, "<u4"), _digits("%04X", 65536, "<u4")
_SWAPPED = _HEX_UPPER[np.arange(65536, dtype="<u2").byteswap()]
_P10 = np.array([10**i for i in range(1, 20)], np.uint64)
_P16 = np.array([16**i for i in range(1, 16)], np.uint64)
_ODD = np.zeros(256, bool)
"""Bytes that need the slow way: not ASCII, or a control without a short escape; 1 is the mark between strings."""
_ODD[:32] = _ODD[127:] = True
_ODD[[1, 9, 10, 13]] = False
_ESCAPES = [(b"\\", b"\\\\"), (b'"', b'\\"'), (b"\n", b"\\n"), (b"\r", b"\\r"), (b"\t", b"\\t")]
_SALT = np.frombuffer(os.urandom(8 * 32), np.uint64) | np.uint64(1)
NULL, QUOTES = constant(b"null"), constant(b'""')


@dataclass(slots=True)
class Column:
    """Rendered values: text cells; JSON cells (None until asked for); native numbers; which rows have a value."""

    text: Cells
    json: Cells | None
    number: npt.NDArray[Any] | None = None
    ok: Bools | None = None
    same: bool = False
    literal: str | None = None


class Renderer:
    """Renders the values of one run."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory

    def render(self, kind: int, at: Ints, size: Ints) -> Column:
        """Values of one type at the offsets `at` with `size` bytes each."""
        if kind == STRING:
            return self._strings(at, size)
        if kind == SID:
            return self._sids(at, size)
        fixed, n = FIXED.get(kind), len(at)
        want = 16 if kind in (GUID, SYSTEMTIME) else np.dtype(fixed).itemsize if fixed else 0
        if kind == SIZE and n and (size == size[0]).all() and size[0] in (4, 8):
            fixed, want, kind = ("<u4", 4, HEX32) if size[0] == 4 else ("<u8", 8, HEX64)
        if want and not (size == want).all():
            return self._odd_sizes(kind, at, size, size == want)
        if kind == GUID:
            return self._guids(self.memory.gather(at, "V16").view("<u2").reshape(-1, 8))
        if kind == SYSTEMTIME:
            return self._system_times(at)
        if fixed:
            return self._fixed(kind, self.memory.gather(at, fixed))
        return self._others(kind, at, size)

    def _odd_sizes(self, kind: int, at: Ints, size: Ints, ok: Bools) -> Column:
        """Values whose size does not fit their type are kept as hex digits; the rest as usual."""
        text, out = np.empty(len(at), np.complex128), np.empty(len(at), np.complex128)
        rest = self.render(BINARY, at[~ok], size[~ok])
        text[~ok], out[~ok] = rest.text, rest.json if rest.json is not None else rest.text
        if ok.any():
            good = self.render(kind, at[ok], size[ok])
            text[ok], out[ok] = good.text, good.json if good.json is not None else good.text
        return Column(text, out)

    def _fixed(self, kind: int, a: npt.NDArray[Any]) -> Column:
        if kind == FILETIME:
            ticks = (a & np.uint64(0x7FFFFFFFFFFFFFFF)).astype(np.int64)
            days, rest = np.divmod(ticks, DAY)
            return self._times(days - 134_774, rest, ticks - EPOCH)
        if kind == BOOLEAN:
            c = np.where(a != 0, constant(b"true"), constant(b"false"))
            return Column(c, c, (a != 0).astype(np.int64))
        if kind in (HEX32, HEX64):
            return self._hexes(a)
        if kind in (FLOAT32, FLOAT64):
            t = self.memory.of_list([(b"%.6g" if kind == FLOAT32 else b"%.15g") % x for x in a.tolist()])
            return Column(t, np.where(np.isfinite(a), t, NULL))
        return self._ints(a)

    def _strings(self, at: Ints, size: Ints) -> Column:
        mem = self.memory
        while True:  # some writers store the closing NULs as part of the value
            z = np.flatnonzero(size >= 2)
            z = z[mem.gather(at[z] + size[z] - 2, "<u2") == 0]
            if not len(z):
                break
            size = size.copy()
            size[z] -= 2
        length, half = size >> 1, at >> 1
        text = np.empty(len(at), np.complex128)
        odd = np.zeros(len(at), bool)
        for parity in (0, 1):
            i = np.flatnonzero((at & 1) == parity)
            text[i] = mem.cells(parity, half[i], length[i])
            plane = mem.buffers[parity]
            bad = np.concatenate([[0], np.cumsum(plane > 126, dtype=np.int32)])
            odd[i] = bad[np.minimum(half[i] + length[i], len(plane))] != bad[np.minimum(half[i], len(plane))]
        rows = np.flatnonzero(odd)
        if len(rows):
            memo: dict[bytes, int] = {}
            texts: list[bytes] = []
            index = []
            for a, n in zip(at[rows].tolist(), size[rows].tolist(), strict=True):
                x = mem.raw[a : a + n]
                j = memo.get(x)
                if j is None:
                    j = memo[x] = len(texts)
                    texts.append(x.decode("utf-16-le", "replace").encode())
                index.append(j)
            text[rows] = mem.of_list(texts)[index]
        return Column(text, None)

    def quoted_strings(self, text: Cells) -> Cells:
        """JSON strings of text cells. All in one run, byte 1 around each; escaped; the marks give the new offsets."""
        mem, n = self.memory, len(text)
        marks = np.empty(2 * n + 1, np.complex128)
        marks[::2], marks[1::2] = constant(b"\1"), text
        data, ends = mem.join(marks)
        odd = np.unique((np.searchsorted(ends, np.flatnonzero(_ODD[data]), "right") - 1) >> 1)
        if np.count_nonzero(data == 1) != n + 1:  # a text holds byte 1 itself
            own = np.searchsorted(ends, np.flatnonzero(data == 1), "right") - 1
            odd = np.union1d(odd, own[own & 1 == 1] >> 1)
        plain = text
        if len(odd):
            marks[2 * odd + 1] = EMPTY
            data, ends = mem.join(marks)
        escaped = data.tobytes()
        for old, new in _ESCAPES:
            escaped = escaped.replace(old, new)
        p = np.flatnonzero(np.frombuffer(escaped, np.uint8) == 1)
        out = mem.cells(mem.add(escaped.replace(b"\1", b'"')), p[:-1], np.diff(p) + 1)
        if len(odd):
            out[odd] = mem.of_list(
                [json.dumps(s, ensure_ascii=False).encode("utf-8", "replace") for s in mem.to_list(plain[odd])]
            )
        return out

    def _ints(self, a: npt.NDArray[Any]) -> Column:
        """Decimal digits in fixed slots; the cell starts at the first digit, so nothing is shifted."""
        signed = a.dtype.kind == "i"
        wide = a.astype(np.int64) if signed else a
        negative = wide < 0 if signed else np.zeros(len(a), bool)
        u = np.where(negative, -wide, wide).astype(np.uint64) if signed else a.astype(np.uint64)
        groups = (len(str(int(u.max()))) + 3) // 4 if len(u) else 1
        slots, x, ten4 = np.empty((len(u), groups + 1), "<u4"), u, np.uint64(10000)
        for j in range(groups, 0, -1):
            y = x // ten4 if j > 1 else x
            slots[:, j] = _D4[(x - y * ten4 if j > 1 else x).astype(np.intp)]
            x = y
        n, width, row = np.searchsorted(_P10, u, "right") + 1, 4 * groups + 4, np.arange(len(u))
        b = slots.view(np.uint8).reshape(-1)
        b[(row * width + width - n - 1)[negative]] = 45
        n = n + negative
        c = self.memory.cells(self.memory.add(b), row * width + width - n, n)
        return Column(c, c, a)

    def _hexes(self, a: npt.NDArray[Any]) -> Column:
        groups = a.dtype.itemsize // 2
        slots, halves = np.empty((len(a), groups + 2), "<u4"), a.view("<u2").reshape(-1, groups)
        for j in range(groups):
            slots[:, groups - j] = _HEX[halves[:, j]]
        n, width = np.searchsorted(_P16, a.astype(np.uint64), "right") + 1, 4 * groups + 8
        at = np.arange(len(a)) * width + width - n - 6
        b = slots.view(np.uint8).reshape(-1)
        b[at], b[at + 1], b[at - 1], b[width - 4 :: width] = 48, 120, 34, 34
        return self._quoted(b, at, n + 2, a)

    def _quoted(self, b: npt.NDArray[Any], at: Ints, n: Ints, number: npt.NDArray[Any] | None = None) -> Column:
        """Slots with a quote before and behind the text: JSON shows them, the text does not."""
        k = self.memory.add(b)
        return Column(self.memory.cells(k, at, n), self.memory.cells(k, at - 1, n + 2), number)

    def _guids(self, h: npt.NDArray[Any]) -> Column:
        """{XXXXXXXX-XXXX-XXXX-XXXX-XXXXXXXXXXXX}"""
        n = len(h)
        t = np.full((n, 40), 45, np.uint8)
        t[:, 0], t[:, 1], t[:, 38], t[:, 39] = 34, 123, 125, 34
        for at, j, table in (
            (2, 1, _HEX_UPPER), (6, 0, _HEX_UPPER), (11, 2, _HEX_UPPER), (16, 3, _HEX_UPPER), (21, 4, _SWAPPED),
            (26, 5, _SWAPPED), (30, 6, _SWAPPED), (34, 7, _SWAPPED),
        ):  # fmt: skip
            np.ndarray((n,), "<u4", t, at, (40,))[:] = table[h[:, j]]  # type: ignore[call-overload]
        return self._quoted(t, np.arange(n) * 40 + 1, np.full(n, 38))

    def _times(self, days: Ints, ticks: Ints, number: Ints) -> Column:
        """Days since 1970 and ticks of 100 ns in the day -> 2022-03-10T19:57:22.3007007Z"""
        n, date = len(days), days.astype("M8[D]")
        month = date.astype("M8[M]")
        y, m = month.astype(np.int64) // 12 + 1970, month.astype(np.int64) % 12
        t = np.frombuffer(b'"0000-00-00T00:00:00.0000000Z"' * n, np.uint8).copy().reshape(n, 30)

        def put(at: int, kind: str, table: npt.NDArray[Any], value: Ints) -> None:
            np.ndarray((n,), kind, t, at + 1, (30,))[:] = table[value]  # type: ignore[call-overload]

        second, fraction = np.divmod(ticks, 10**7)
        put(0, "<u4", _D4, np.clip(y, 0, 9999))
        put(5, "<u2", _D2, m + 1)
        put(8, "<u2", _D2, (date - month.astype("M8[D]")).astype(np.int64) + 1)
        put(11, "<u2", _D2, second // 3600)
        put(14, "<u2", _D2, second // 60 % 60)
        put(17, "<u2", _D2, second % 60)
        put(23, "<u4", _D4, fraction % 10000)
        put(19, "<u4", _D4, fraction // 10000)  # writes a zero over the point ...
        t[:, 20] = 46  # ... which comes back here
        return self._quoted(t, np.arange(n) * 30 + 1, np.full(n, 28), number)

    def _system_times(self, at: Ints) -> Column:
        y, mo, _, d, h, mi, s, ms = self.memory.gather(at, "V16").view("<u2").reshape(-1, 8).T.astype(np.int64)
        month = (y - 1970).astype("M8[Y]").astype("M8[M]") + np.clip(mo - 1, 0, 11)
        days = month.astype("M8[D]").astype(np.int64) + d - 1
        ticks = ((h % 24 * 60 + mi % 60) * 60 + s % 60) * 10**7 + ms % 1000 * 10**4
        return self._times(days, ticks, days * DAY + ticks)

    def _sids(self, at: Ints, size: Ints) -> Column:
        """Each distinct SID is formatted once; equality by a salted hash of its words."""
        mem = self.memory
        text, out = np.full(len(at), EMPTY), np.full(len(at), QUOTES)
        for k in np.unique(size).tolist():
            i = np.flatnonzero(size == k)
            if k < 8 or k > 68 or k & 3:
                texts, index = [mem.raw[o : o + k].hex().upper().encode() for o in at[i].tolist()], np.arange(len(i))
            else:
                words = mem.gather(at[i], f"V{k}").view("<u4").reshape(-1, k // 4).astype(np.uint64)
                h = np.zeros(len(i), np.uint64)
                for j in range(k // 4):
                    h = (h ^ words[:, j]) * _SALT[j]
                    h ^= h >> np.uint64(29)
                _, first, index = np.unique(h, return_index=True, return_inverse=True)
                texts = [_sid(mem.raw[o : o + k]) for o in at[i][first].tolist()]
            text[i] = mem.of_list(texts)[index]
            out[i] = mem.of_list([b'"%s"' % x for x in texts])[index]
        return Column(text, out)

    def _others(self, kind: int, at: Ints, size: Ints) -> Column:
        raw = self.memory.raw
        slices = [raw[o : o + s] for o, s in zip(at.tolist(), size.tolist(), strict=True)]
        base = kind & ~ARRAY
        if kind == ANSI:
            texts = [x.rstrip(b"\0").decode("cp1252", "replace") for x in slices]
        elif kind == STRINGS:  # NUL-separated, one NUL at the end
            return self._lists([x.decode("utf-16-le", "replace").removesuffix("\0").split("\0") for x in slices])
        elif kind & ARRAY and base in FIXED:
            dtype = np.dtype(FIXED[base])
            lists = [np.frombuffer(x[: len(x) // dtype.itemsize * dtype.itemsize], dtype).tolist() for x in slices]
            return self._lists([[hex(v) for v in x] for x in lists] if base in (HEX32, HEX64) else lists)
        elif kind == ARRAY | GUID:
            return self._lists([[guid_text(x[i : i + 16]) for i in range(0, len(x) - 15, 16)] for x in slices])
        else:
            texts = [x.hex().upper() for x in slices]  # binary; anything unknown is kept as digits, never dropped
        return Column(
            self.memory.of_list([t.encode("utf-8", "replace") for t in texts]),
            self.memory.of_list([json.dumps(t, ensure_ascii=False).encode("utf-8", "replace") for t in texts]),
        )

    def _lists(self, lists: list[list[Any]]) -> Column:
        c = self.memory.of_list([json.dumps(x, ensure_ascii=False).encode("utf-8", "replace") for x in lists])
        return Column(c, c)


def _sid(x: bytes) -> bytes:
    parts = np.frombuffer(x, "<u4", (len(x) - 8) // 4, 8).tolist()
    return "-".join(map(str, ["S", x[0], int.from_bytes(x[2:8], "big"), *parts])).encode()


def guid_text(g: bytes) -> str:
    """A GUID as Windows writes it, with braces, upper case."""
    a, b, c = struct.unpack_from("<IHH", g)
    return f"{{{a:08X}-{b:04X}-{c:04X}-{g[8:10].hex().upper()}-{g[10:].hex().upper()}}}"
