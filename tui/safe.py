"""The one place where text becomes something a widget draws.

Everything on the screen goes through here, our own words as well as evidence: each piece is made inert by
`forensic_iso.text.terminal` (no controls, overrides, line breaks, piled marks), then measured in cells, then styled by
the name of a role. No other module of `tui` makes segments, strips, contents or texts (tests/tui/test_lint.py).
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import groupby

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from forensic_iso.text import terminal

Piece = tuple[object, str]
"""A text and the role that styles it; the text may be any value, None is empty."""

Line = Sequence[Piece]

CELL_CHARS = 2000
"""Characters of one piece that are drawn; what is cut leaves a mark with the length."""

PART = 1000
"""Characters of a line that are drawn as one: a longer line goes on below, as what is drawn at once is bounded."""
MOST_CHARS = 60_000
"""Characters of one value that are shown; the rest is told, copied and exported."""

DARK = {
    "": "#d8dee9",
    "dim": "#7d8899",
    "title": "bold #ffffff on #23304a",
    "tab": "#9fb0cc on #23304a",
    "tab_on": "bold #ffffff on #3f6fb5",
    "bar": "#c8d0dc on #1c2432",
    "key": "bold #ffd479 on #1c2432",
    "head": "bold #8fb8ff",
    "column": "bold #c8d0dc on #2a3446",
    "column_on": "bold #ffffff on #3f6fb5",
    "cursor": "bold #ffffff on #34507e",
    "cell": "bold #ffffff on #4f7cc4",
    "hit": "bold #000000 on #ffd479",
    "mark": "bold #ffd479",
    "good": "#8fd694",
    "bad": "bold #ff6b6b",
    "warn": "#ffd479",
    "link": "#8fb8ff",
    "value": "#ffffff",
    "label": "#7fa6d9",
    "track": "#4a5568",
    "thumb": "#9fb0cc",
    "severity_0": "#b4bccb",
    "severity_1": "#9fc5e8",
    "severity_2": "#76d7ea",
    "severity_3": "#ffd479",
    "severity_4": "bold #ff8f66",
    "severity_5": "bold #ffffff on #b0243a",
    "art_0": "#8fd694",
    "art_1": "#8fb8ff",
    "art_2": "#f5a97f",
    "art_3": "#c6a0f6",
    "art_4": "#f0c6c6",
    "art_5": "#8bd5ca",
    "art_6": "#eed49f",
    "art_7": "#ee99a0",
}
LIGHT = {
    "": "#20242c",
    "dim": "#6b7280",
    "title": "bold #ffffff on #2f4a7a",
    "tab": "#dbe4f3 on #2f4a7a",
    "tab_on": "bold #2f4a7a on #ffffff",
    "bar": "#20242c on #dfe5ee",
    "key": "bold #8a3b00 on #dfe5ee",
    "head": "bold #1f4fa3",
    "column": "bold #20242c on #cfd8e6",
    "column_on": "bold #ffffff on #2f62b5",
    "cursor": "bold #000000 on #bcd2f5",
    "cell": "bold #ffffff on #2f62b5",
    "hit": "bold #000000 on #ffd24d",
    "mark": "bold #a04a00",
    "good": "#1a7431",
    "bad": "bold #b00020",
    "warn": "#8a5a00",
    "link": "#1f4fa3",
    "value": "#000000",
    "label": "#2f5f9e",
    "track": "#b8c2d1",
    "thumb": "#55627a",
    "severity_0": "#3c4350",
    "severity_1": "#1f5f9e",
    "severity_2": "#00697a",
    "severity_3": "#8a5a00",
    "severity_4": "bold #b23c00",
    "severity_5": "bold #ffffff on #b00020",
    "art_0": "#1a7431",
    "art_1": "#1f4fa3",
    "art_2": "#9a4d00",
    "art_3": "#6a2fa0",
    "art_4": "#8a2f5f",
    "art_5": "#006d63",
    "art_6": "#6b5900",
    "art_7": "#a01f3a",
}
PLAIN = {
    "dim": "dim",
    "title": "bold reverse",
    "tab": "reverse",
    "tab_on": "bold",
    "bar": "reverse",
    "key": "bold reverse",
    "head": "bold underline",
    "column": "bold underline",
    "column_on": "bold reverse",
    "cursor": "reverse",
    "cell": "bold reverse underline",
    "hit": "bold underline reverse",
    "mark": "bold",
    "bad": "bold",
    "severity_4": "bold",
    "severity_5": "bold underline",
}
PALETTES = {"dark": DARK, "light": LIGHT, "no-colour": PLAIN}
BACKGROUNDS = {"dark": "#10151f", "light": "#f7f9fc", "no-colour": ""}
ON_TOP = ("cell", "hit")
"""Roles that the cursor's colour does not cover."""
LEAST_PART = 16
"""Cells that the first part of a broken word has at least."""
SEPARATORS = "\\/&?"
SEVERITY_SIGNS = " ·-!#@"
"""One sign for each severity 0..5: never by colour alone."""


def clean(value: object, limit: int = CELL_CHARS) -> str:
    """Any value as inert text of one line."""
    if value is None:
        return ""
    return terminal(value if type(value) is str else str(value), limit)


@lru_cache(maxsize=512)
def style(role: str, palette: str, under: str = "") -> Style:
    """Style of a role; `under` is laid over it (cursor, hit)."""
    roles = PALETTES.get(palette, DARK)
    base = Style.parse(roles.get(role, roles.get("", "")) or "none")
    ground = BACKGROUNDS.get(palette, "")
    if ground and base.bgcolor is None:
        base = Style(bgcolor=ground) + base
    return base + Style.parse(roles.get(under, "") or "none") if under else base


def strip(line: Line, width: int, palette: str, under: str = "", shift: int = 0) -> Strip:
    """A line of exactly `width` cells, its first `shift` cells scrolled away."""
    segments = [
        Segment(text, style(role, palette, "" if role in ON_TOP else under))
        for text, role in ((clean(value), role) for value, role in line)
        if text
    ]
    made = Strip(segments)
    if shift:
        made = made.crop(shift, shift + width)
    return made.adjust_cell_length(width, style("", palette, under))


def fit(value: object, width: int) -> str:
    """Inert text of exactly `width` cells; what does not fit ends in an ellipsis."""
    text = clean(value, max(width * 4, 16))
    if text.isascii():
        return text.ljust(width) if len(text) <= width else text[: max(width - 1, 0)] + "…"[:width]
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(text, max(width - 1, 0)) + "…"[:width]


def cells(value: object, limit: int = CELL_CHARS) -> int:
    """Width of a value as it is drawn."""
    return cell_len(clean(value, limit))


def split_hit(text: str, word: str, role: str) -> list[Piece]:
    """Pieces of an inert text with each place of a word shown as a hit, capitals alike."""
    if not word:
        return [(text, role)]
    low, wanted = text.lower(), word.lower()
    if len(low) != len(text):  # a letter whose small form is longer: no place can be told
        return [(text, role)]
    out: list[Piece] = []
    at = 0
    while (found := low.find(wanted, at)) >= 0:
        out += [(text[at:found], role), (text[found : found + len(word)], "hit")]
        at = found + len(word)
    return [*out, (text[at:], role)]


def hits_in(line: Line, word: str) -> list[Piece]:
    """A line with each place of a word shown as a hit, also where it goes over pieces of one role."""
    out: list[Piece] = []
    for role, pieces in groupby(line, key=lambda piece: piece[1]):
        out += split_hit("".join(clean(text) for text, _ in pieces), word, role)
    return out


def in_parts(text: str, most: int) -> tuple[list[str], int]:
    """The lines of a text, long ones in parts, at most so many; and how many characters are left out."""
    out: list[str] = []
    shown = 0
    for line in text.split("\n"):
        for at in range(0, max(len(line), 1), PART):
            if len(out) >= most or shown >= MOST_CHARS:
                return out, max(1, len(text) - shown - len(out) + 1)
            out.append(line[at : at + PART].rstrip("\r"))
            shown += len(line[at : at + PART])
    return out, 0


def fold(line: Line, width: int, hang: int = 0) -> list[list[Piece]]:
    """A line broken at blanks into lines of at most `width` cells; later ones are indented by `hang`.

    A word that no line holds whole, as a long path, begins where it stands if it can be broken behind a separator there.
    """
    shown = [(clean(value), role) for value, role in line]
    if sum(cell_len(text) for text, _ in shown) <= width:
        return [list(shown)]
    hang = min(hang, max(width // 2, 0))
    out: list[list[Piece]] = [[]]
    left = width
    for text, role in shown:
        for word in _words(text):
            size = cell_len(word)
            begun = bool(out[-1]) and left < width and not word.isspace()
            if size > left and begun and not _breaks_well(word, size, left, width - hang):
                out.append([(" " * hang, "")] if hang else [])
                left = width - hang
            while size > left:
                head = _behind_separator(set_cell_size(word, left).rstrip(" ") or word[:1])
                out[-1].append((head, role))
                word = word[len(head) :]
                size = cell_len(word)
                out.append([(" " * hang, "")] if hang else [])
                left = max(width - hang, 1)
            out[-1].append((word, role))
            left -= size
    return out


def _breaks_well(word: str, size: int, left: int, whole: int) -> bool:
    """Whether a word that is too long for any line (`whole` cells) has a separator to be broken behind in what is left."""
    if size <= whole or left < LEAST_PART:
        return False
    part = set_cell_size(word, left)
    return _behind_separator(part) != part or part[-1:] in SEPARATORS


def _behind_separator(text: str) -> str:
    """What stands up to the last separator of a path in its second half; the text itself where there is none."""
    at = max(text.rfind(c, len(text) // 2) for c in SEPARATORS)
    return text[: at + 1] if at > 0 else text


def _words(text: str) -> Iterable[str]:
    at = 0
    while at < len(text):
        end = text.find(" ", at)
        if end < 0:
            yield text[at:]
            return
        while end < len(text) and text[end] == " ":
            end += 1
        yield text[at:end]
        at = end
