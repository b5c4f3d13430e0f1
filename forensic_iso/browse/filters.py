"""Filters of the timeline: typed words into conditions, saved and read back as plain values."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

FIELDS = ("host", "source", "event_id", "kind", "severity", "table_name", "source_id")
SEVERITIES = ("none", "info", "low", "medium", "high", "critical")
_WORD = re.compile(r'!?-?(?:[a-z_]+(?:>=|<=|!=|=|>|<))?(?:"[^"]*"|/(?:\\.|[^/])+/|\S+)|\S+')
_TEST = re.compile(r"([a-z_]+)(>=|<=|!=|=|>|<)(.*)", re.DOTALL)
SHORT = {
    "event": "event_id",
    "id": "event_id",
    "sev": "severity",
    "table": "table_name",
    "artifact": "source_id",
}
HELP = (
    "word  -word  /regex/  source=VHDMP  host!=WS1  event=1  severity>=high"
    "  time>=2024-05-14T08:00  any=WORD (all fields)  finding=ID  process=KEY"
)


class FilterError(Exception):
    """A typed filter that says nothing; the message tells what was expected and found."""


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition. `what`: a column, text, regex, any, time, rows, finding or process; `negative` turns it round."""

    what: str
    operator: str
    value: str
    negative: bool = False
    on: bool = True

    @property
    def label(self) -> str:
        """The filter as it would be typed."""
        value = f'"{self.value}"' if " " in self.value or not self.value else self.value
        sign = "-" if self.negative else ""
        if self.what == "text":
            return f"{sign}{value}"
        if self.what == "regex":
            return f"{sign}/{self.value}/"
        return f"{sign}{self.what}{self.operator}{value}"

    def turned(self, on: bool) -> "Filter":
        """The same, on or off."""
        return replace(self, on=on)


def parse(typed: str) -> list[Filter]:
    """Filters of a typed line; all of them must hold.

    Raises:
        FilterError: a word is no filter.
    """
    return [_one(word) for word in _WORD.findall(typed)]


def _one(word: str) -> Filter:
    negative = word[:1] in "-!" and len(word) > 1
    body = word[1:] if negative else word
    if match := _TEST.fullmatch(body):
        return _test(match[1], match[2], match[3].strip('"'), negative)
    if len(body) > 2 and body[0] == body[-1] == "/":
        _check_regex(body[1:-1])
        return Filter("regex", "~", body[1:-1], negative)
    return Filter("text", "~", body.strip('"'), negative)


def _check_regex(pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as e:
        raise FilterError(f"expected a regular expression, found /{pattern}/: {e}") from e


def _test(name: str, operator: str, value: str, negative: bool) -> Filter:
    name = SHORT.get(name, name)
    if operator == "!=":
        operator, negative = "=", not negative
    if name == "time":
        return Filter("time", operator, str(parse_time(value)), negative)
    if name in ("finding", "process", "rows", "any"):
        return Filter(name, "=", value, negative)
    if name not in FIELDS:
        raise FilterError(f"expected one of {', '.join(FIELDS)}, time, finding; found {name}")
    if name == "severity":
        value = str(_severity(value))
    elif name == "event_id" and not value.isdecimal():
        raise FilterError(f"expected a number as event id, found {value}")
    elif operator != "=" and name != "event_id":
        raise FilterError(f"expected = after {name}, found {operator}")
    return Filter(name, operator, value, negative)


def _severity(value: str) -> int:
    if value.isdecimal() and int(value) < len(SEVERITIES):
        return int(value)
    if value.lower() in SEVERITIES:
        return SEVERITIES.index(value.lower())
    raise FilterError(f"expected one of {', '.join(SEVERITIES)}, found {value}")


def parse_time(typed: str) -> int:
    """A typed time in UTC as ns since 1970: ISO 8601, or a part of it (2024-05, 2024-05-14 08).

    Raises:
        FilterError: no time.
    """
    text = typed.strip().replace("T", " ").rstrip("Z").strip()
    match = re.fullmatch(
        r"(\d{4})(?:-(\d\d?))?(?:-(\d\d?))?(?: (\d\d?))?(?::(\d\d?))?(?::(\d\d?))?(?:[.,](\d{1,9}))?",
        text,
    )
    try:
        if match is None:
            raise ValueError(typed)
        year, month, day, hour, minute, second = (int(g) if g else None for g in match.groups()[:6])
        moment = datetime(
            year or 1, month or 1, day or 1, hour or 0, minute or 0, second or 0, tzinfo=UTC
        )
    except ValueError as e:
        raise FilterError(
            f"expected a time in UTC such as 2024-05-14 08:16:25, found {typed}"
        ) from e
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 10**9 + int((match[7] or "0").ljust(9, "0"))


def parse_step(typed: str) -> int | None:
    """A typed step such as +5m, -2h, +1d, 30s in ns; None where it is none."""
    match = re.fullmatch(r"\s*([+-])\s*(\d{1,6})\s*([smhdw])\s*", typed)
    if not match:
        return None
    unit = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}[match[3]]
    return (1 if match[1] == "+" else -1) * int(match[2]) * unit * 10**9


def condition(f: Filter) -> tuple[str, list[object]]:
    """DuckDB condition over the columns of `timeline` for the positive form of a column or text filter."""
    if f.what == "text":
        if any(c in f.value for c in "%_\\"):
            return "contains(lower(summary), lower(?))", [f.value]
        return "summary ILIKE ?", [f"%{f.value}%"]
    if f.what == "regex":
        return "regexp_matches(summary, ?, 'i')", [f.value]
    if f.what in ("event_id", "severity"):
        if not f.value:
            return f"{f.what} IS NULL", []
        return f"{f.what} {f.operator} ?", [int(f.value)]
    if f.what in FIELDS:
        if not f.value:
            return f"coalesce({f.what}, '') = ''", []
        return f"{f.what} = ?", [f.value]
    raise FilterError(f"expected a filter of a column or of text, found {f.what}")


def format_ns(time_ns: int, digits: int = 7) -> str:
    """A time as YYYY-MM-DD HH:MM:SS.fffffff (UTC); digits 0: whole seconds."""
    seconds, rest = divmod(time_ns, 10**9)
    try:
        moment = datetime(1970, 1, 1) + timedelta(seconds=seconds)  # noqa: DTZ001 - only printed
    except OverflowError:
        return f"{time_ns} ns"
    shown = f"{moment:%Y-%m-%d %H:%M:%S}"
    return f"{shown}.{rest:09d}"[: 20 + digits] if digits else shown
