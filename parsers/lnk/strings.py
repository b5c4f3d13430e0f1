"""String data of a shortcut: description, relative path, working directory, arguments, icon (2.4).

Of the first three Windows takes no more than 260 characters, and reads the next string behind
those, whatever the count says: padded shortcuts are made so. Both readings are tried.
"""

from dataclasses import dataclass

from parsers.lnk.cut import ANSI, Report, u16, u32

_BITS = (0x4, 0x8, 0x10, 0x20, 0x40)
_LIMITED = 3
_LIMIT = 260
_UNICODE = 0x80
_BLOCKS = range(0xA0000001, 0xA000000D)

Strings = tuple[str | None, str | None, str | None, str | None, str | None]


@dataclass(frozen=True, slots=True)
class _Reading:
    texts: list[str | None]
    at: int
    over: int | None
    """Place of the first string that is longer than Windows takes."""
    cut: tuple[int, int] | None
    """Place and size of the first string that the data has not got."""


def read_strings(data: bytes, start: int, flags: int, report: Report) -> tuple[Strings, int]:
    """The five strings, whole (a NUL inside ends nothing), and the place behind them."""
    whole = _read(data, start, flags, limited=False)
    if whole.over is not None and not _fits(data, whole.at):
        short = _read(data, start, flags, limited=True)
        if _fits(data, short.at):
            report(
                "lnk_overlong",
                whole.over,
                f"at most {_LIMIT} characters",
                "more: cut as Windows does",
            )
            whole = short
    if whole.cut is not None:
        at, size = whole.cut
        report("lnk_string", at, f"within {max(0, len(data) - at)} bytes", str(size))
    elif whole.at != len(data) and whole.at + 4 > len(data):
        report("lnk_end", whole.at, "a terminal block", f"end at {len(data)}")
    a, b, c, d, e = whole.texts
    return (a, b, c, d, e), whole.at


def _read(data: bytes, start: int, flags: int, *, limited: bool) -> _Reading:
    width = 2 if flags & _UNICODE else 1
    texts: list[str | None] = []
    at, over, cut = start, None, None
    for n, bit in enumerate(_BITS):
        if not flags & bit:
            texts.append(None)
            continue
        count = u16(data, at)
        if n < _LIMITED and count > _LIMIT:
            over = at if over is None else over
            count = _LIMIT if limited else count
        end = at + 2 + width * count
        if end > len(data) and cut is None:
            cut = (at, end - at)
        texts.append(_text(data[at + 2 : end], width))
        at = end
    return _Reading(texts, at, over, cut)


def _fits(data: bytes, at: int) -> bool:
    """Whether the file ends there, or the extra data begin."""
    if at == len(data):
        return True
    return at + 4 <= len(data) and (u32(data, at) < 4 or u32(data, at + 4) in _BLOCKS)


def _text(raw: bytes, width: int) -> str:
    if width == 2:
        return raw[: len(raw) & ~1].decode("utf-16-le", "replace").rstrip("\0")
    return raw.decode(ANSI, "replace").rstrip("\0")
