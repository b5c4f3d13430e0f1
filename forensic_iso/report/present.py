"""The last step before a reader's eyes: times, defanging, and visible escapes. Used by HTML, Markdown and PDF."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from ipaddress import ip_address
from urllib.parse import urlsplit

from forensic_iso import text
from forensic_iso.report.model import Kind, Report, Value

CELL = 600
"""Characters of one cell; JSON and the exports never cut."""
NOTHING = "–"

_URL = re.compile(r"\b(?:https?|ftps?)://[^\s\"'<>|]+", re.IGNORECASE)
_DOTTED = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+")
_COLONED = re.compile(r"[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]+")


@dataclass(frozen=True, slots=True)
class Shown:
    """A value ready for a page. `odd`: something in it was made visible or cut."""

    text: str
    odd: bool = False


@dataclass(frozen=True, slots=True)
class Presenter:
    """How values are shown: beside which zone, and which names and addresses are defanged everywhere."""

    zone: tzinfo | None = None
    names: frozenset[str] = field(default_factory=frozenset)

    def shown(self, raw: Value, limit: int | None = CELL) -> Shown:
        """Any evidence as one line of inert text."""
        if raw is None or raw == "":
            return Shown(NOTHING)
        if isinstance(raw, bool):
            return Shown("yes" if raw else "no")
        if isinstance(raw, float):
            # a confidence with both digits everywhere: 0.70 beside 0.95
            short = f"{raw:.2f}" if abs(raw) < 1 else f"{raw:.2f}".rstrip("0").rstrip(".")
            return Shown(short if raw % 1 else f"{raw:.0f}")
        if isinstance(raw, int):
            return Shown(str(raw))
        fanged = self.defang(raw)
        out = text.terminal(fanged, limit)
        return Shown(out, out != fanged)

    def cell(self, raw: Value, kind: Kind) -> Shown:
        """A value of a listing by the kind of its column."""
        if kind is Kind.TIME and isinstance(raw, str):
            return Shown(self.time(raw))
        if kind is Kind.INDICATOR and isinstance(raw, str):
            return self.shown(defang_value(raw))
        return self.shown(raw)

    def time(self, iso: str | None) -> str:
        """A time in UTC to the millisecond, with the chosen zone's beside it."""
        if not iso:
            return NOTHING
        try:
            moment = datetime.fromisoformat(iso)
        except ValueError:
            return text.terminal(iso, 40)
        shown = moment.strftime("%Y-%m-%d %H:%M:%S") + f".{moment.microsecond // 1000:03d} UTC"
        if self.zone is None or moment.tzinfo is None:
            return shown
        try:
            local = moment.astimezone(self.zone)
        except OverflowError:
            return shown
        return f"{shown} ({local.strftime('%Y-%m-%d %H:%M:%S %z')})"

    def defang(self, raw: str) -> str:
        """Addresses that a reader could follow by a click or by habit, made inert."""
        out = _URL.sub(lambda m: defang_url(m[0]), raw) if "://" in raw else raw
        if not self.names:
            return out
        out = _DOTTED.sub(lambda m: _brackets(m[0]) if m[0].lower() in self.names else m[0], out)
        return _COLONED.sub(
            lambda m: m[0].replace(":", "[:]") if m[0].lower() in self.names else m[0], out
        )


def _brackets(value: str) -> str:
    return value.replace(".", "[.]")


def defang_url(url: str) -> str:
    """Hxxp for http, [.] for the dots of the authority."""
    scheme, mark, rest = url.partition("://")
    authority, slash, tail = rest.partition("/")
    quiet = (
        scheme.lower().replace("tt", "xx", 1)
        if scheme[:1] in "hH"
        else scheme.lower().replace("f", "fx", 1)
    )
    return f"{quiet}{mark}{_brackets(authority)}{slash}{tail}"


def defang_value(value: str) -> str:
    """A URL, name or address that stands alone; other values are left."""
    if "://" in value:
        return _URL.sub(lambda m: defang_url(m[0]), value)
    try:
        ip_address(value)
    except ValueError:
        return (
            _brackets(value)
            if re.fullmatch(r"(?:[\w-]+\.)+[A-Za-z]{2,}", value) and "\\" not in value
            else value
        )
    return value.replace(".", "[.]").replace(":", "[:]")


def presenter(report: Report, zone: tzinfo | None = None) -> Presenter:
    """The presenter of a report: all names and addresses among its indicators are defanged wherever they stand."""
    return Presenter(zone, frozenset(_names((i.type, i.value) for i in report.indicators)))


def _names(values: Iterable[tuple[str, str]]) -> Iterable[str]:
    for kind, value in values:
        if kind in ("domain", "ipv4", "ipv6"):
            yield value.lower()
        elif kind == "url":
            try:
                host = urlsplit(value).hostname
            except ValueError:
                continue
            if host and "." in host:
                yield host.lower()
