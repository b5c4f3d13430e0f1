r"""The one place that makes hostile strings safe for a terminal, a page, a spreadsheet, a log line.

Evidence names its files, users and command lines itself, so any of them may carry escape sequences,
bidirectional overrides, invisible characters, piles of combining marks or spreadsheet formulas.
Nothing is dropped silently: what could act on the reader's screen becomes a visible mark (`\\x1b`,
`<U+202E>`), what is cut leaves a mark with its length. All functions are pure.
"""

import html as _html
import re
from typing import Final
from unicodedata import category

TERMINAL_LIMIT: Final = 4096
"""Characters of one value on a terminal, unless the caller says otherwise."""

LINE_LIMIT: Final = 400
"""Characters of one value in a message or log line, unless the caller says otherwise."""

MAX_COMBINING: Final = 4
"""Combining marks kept on one character: scripts need no more, piled-up ("zalgo") text does."""

# Categories Cc, Cf, Cs, Zl, Zp of Unicode (tests compare with the interpreter's own tables), with
# room for format characters of later versions, plus what draws nothing without being one: Hangul
# fillers, the grapheme joiner, the Khmer inherent vowels, Mongolian and supplementary variation
# selectors, non-characters.
_ACTIVE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufdd0-\ufdef\ufeff\uffa0"
    "\ufff0-\ufffb\ufffe\uffff\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_BREAKS: Final = re.compile("[\t\n\x0b\x0c\r\x85\u2028\u2029 ]+")
_FORMULA_LEADS: Final = frozenset("=+-@\t\r\n|%\uff1d\uff0b\uff0d\uff20\u2212")


def terminal(value: str, limit: int | None = TERMINAL_LIMIT) -> str:
    """Text that cannot act on a terminal: no controls, overrides, invisibles or line breaks.

    Args:
        value: any string, lone surrogates included.
        limit: most characters of the result; None for no cut.
    """
    if limit is not None and len(value) > limit:
        return _cut(_visible(value[:limit]), limit, len(value))
    shown = _visible(value)
    return shown if limit is None or len(shown) <= limit else _cut(shown, limit, len(value))


def one_line(value: str, limit: int | None = LINE_LIMIT) -> str:
    """Text for a line of a message or log: as `terminal`, runs of blanks become one blank."""
    if limit is not None:
        # Blanks collapse, so more than `limit` characters may be needed; the bound keeps long
        # values cheap.
        head = value[: limit * 4]
        flat = _visible(_BREAKS.sub(" ", head).strip(" "))
        whole = len(head) == len(value)
        return flat if whole and len(flat) <= limit else _cut(flat, limit, len(value))
    return _visible(_BREAKS.sub(" ", value).strip(" "))


def html(value: str, limit: int | None = None) -> str:
    """Text for content and quoted attributes of a page: markup escaped, controls visible."""
    return _html.escape(terminal(value, limit), quote=True)


def csv_cell(value: str) -> str:
    """Text for a cell of a spreadsheet: what would be a formula gets a leading apostrophe.

    Quoting of separators is the CSV writer's work. Numbers are to be written as numbers, not
    through this.
    """
    shown = _visible(value)
    first = value.lstrip(" \u00a0")[:1] or value[:1]
    return "'" + shown if first in _FORMULA_LEADS else shown


def encodable(value: str) -> str:
    r"""Text that any UTF-8 consumer takes: lone surrogates become `\udcXX`."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-8", "backslashreplace").decode()
    return value


def _visible(value: str) -> str:
    if value.isascii():
        return value if value.isprintable() else _ACTIVE.sub(_mark, value)
    return _bound_combining(_ACTIVE.sub(_mark, value))


def _mark(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code <= 0xFF else f"<U+{code:04X}>"


def _bound_combining(value: str) -> str:
    """Cut runs of combining marks (Mn, Me) at `MAX_COMBINING` and say how many are left out."""
    out: list[str] = []
    run = 0
    for char in value:
        if char >= "\u0300" and category(char) in ("Mn", "Me"):
            run += 1
            if run <= MAX_COMBINING:
                out.append(char)
            continue
        if run > MAX_COMBINING:
            out.append(f"<+{run - MAX_COMBINING} marks>")
        run = 0
        out.append(char)
    if run > MAX_COMBINING:
        out.append(f"<+{run - MAX_COMBINING} marks>")
    return "".join(out)


def _cut(shown: str, limit: int, length: int) -> str:
    """The start of `shown` and a mark with the value's length, `limit` characters together."""
    tail = f"\u2026[{length} chars]"
    if limit <= len(tail):
        return shown[: max(limit - 1, 0)] + "\u2026"[:limit]
    return shown[: limit - len(tail)] + tail
