"""What is odd about a name inside an image: nothing is changed, the row says it."""

import re
from collections.abc import Iterator

_RESERVED = re.compile(r"(?:CON|PRN|AUX|NUL|COM[0-9¹²³]|LPT[0-9¹²³])(?:\..*)?", re.IGNORECASE)
_TURNING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_UNSEEN = frozenset("\u00ad\u034f\u115f\u1160\u180e\u200b\u200c\u200d\u2060\u3164\ufeff\uffa0")
_WIDE_GAP = re.compile(r"[ \u00a0\u2000-\u200a\u3000\u2800]{8,}")
_MAX_NAME = 255


def oddities(name: str) -> Iterator[str]:
    """Remarks on a name as Windows would take it (MS-FSCC 2.1.5, naming rules of Win32)."""
    if name in (".", ".."):
        yield "name is . or .."
    if "\\" in name or "/" in name:
        yield "name holds a separator"
    if len(name) > 1 and name[1] == ":":
        yield "name is absolute"
    if any(c < " " or "\x7f" <= c <= "\x9f" for c in name):
        yield "name holds control characters"
    if _TURNING & set(name):
        yield "name turns the direction of writing"
    if _UNSEEN & set(name):
        yield "name holds unseen characters"
    if _WIDE_GAP.search(name):
        yield "name holds a long gap"
    if "\ufffd" in name:
        yield "name is not all readable text"
    if name not in (".", "..") and name[-1:] in (".", " "):
        yield "name ends in a point or blank"
    if _RESERVED.fullmatch(name):
        yield "name is a device of Windows"
    if not name:
        yield "name is empty"
    if len(name) > _MAX_NAME:
        yield "name is longer than Windows allows"


UNSAFE = ("name is . or ..", "name holds a separator", "name is absolute")
"""Remarks on names that would leave their folder: a problem too."""
