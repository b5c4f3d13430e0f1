r"""The host's time zone as stretches of constant offset: what turns a local time of its logs into UTC.

From `Control\TimeZoneInformation` of the control set in use: UTC = local + bias. Its two start values are rules, each
16 bytes: year (0: every year), month, week of the month (5: the last) or day, hour, minute, second, millisecond, day of
the week (0: Sunday). The rule is the one in force when the hive was written; other years may have had another: there the zone's
name counts, by the IANA database, if that says the same of the year of the hive's last write. So it does where the rules are absent
and the biases fit.
"""

import calendar
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from itertools import pairwise

from parsers.contract import Column, Sql, Table
from parsers.hives.control_sets import current_set
from parsers.hives.keys import Key
from parsers.hives.regf import Hive
from parsers.hives.rows import PROVENANCE, Row, provenance, text
from parsers.hives.values import REG_DWORD
from parsers.hives.zone_names import iana_zone
from parsers.hives.zones import iana_changes
from parsers.rows import naive_ns

LOCAL_TIME_OFFSET = Table(
    "local_time_offset",
    "Stretches of constant offset of a host's local time, by the zone in its registry: join where since_local <= local "
    "time < until_local; two rows: the hour came twice, none: it did not come",
    (
        Column("since_utc", Sql.TIME, "Begin of the stretch, UTC"),
        Column("since_local", Sql.TIME, "The same moment in the stretch's own LOCAL time"),
        Column("until_local", Sql.TIME, "End of the stretch in its own LOCAL time, not included"),
        Column("bias_minutes", Sql.I32, "UTC = local time + this many minutes"),
        Column("is_daylight", Sql.BOOL, "Daylight saving time"),
        Column(
            "basis",
            Sql.TEXT,
            "rule in the hive, no daylight saving time in the hive, or the IANA zone by the zone's name",
        ),
        Column("time_zone", Sql.TEXT, "TimeZoneKeyName, or StandardName before Windows Vista"),
        Column(
            "current",
            Sql.BOOL,
            "From the hive in use: false for one of an earlier state (Windows.old, RegBack, a shadow copy)",
        ),
        *PROVENANCE,
    ),
    address="offset",
)

FIRST_YEAR, MOST_YEARS = 2000, 60
MAX_BIAS = 26 * 60
_ZONE = r"Control\TimeZoneInformation"
_LAST_WEEK = 5


@dataclass(frozen=True, slots=True)
class _Rule:
    """When standard or daylight time begins each year, in the local time before it; days of the week count from Monday."""

    month: int
    week: int
    clock: timedelta
    weekday: int

    def of(self, year: int) -> datetime:
        """The moment in a year."""
        first = _day(year, self.month)
        day = 1 + (self.weekday - first.weekday()) % 7 + 7 * (self.week - 1)
        while day > calendar.monthrange(year, self.month)[1]:
            day -= 7
        return _day(year, self.month, day) + self.clock


class _NoRule(Enum):
    """A value that says that there is no daylight saving time."""

    NONE = "none"


NO_RULE = _NoRule.NONE


@dataclass(frozen=True, slots=True)
class _Change:
    """From a moment on, in UTC, this bias holds."""

    at: datetime
    bias: int
    is_daylight: bool


def _day(year: int, month: int = 1, day: int = 1) -> datetime:
    """Midnight without a zone: which one it is in, the caller knows."""
    return datetime(year, month, day)  # noqa: DTZ001


def local_time_offsets(hive: Hive) -> Iterator[Row]:
    """Rows of the zone in use, to the year after the hive's last write; from `FIRST_YEAR` on where its name is known."""
    control_set = current_set(hive)
    key = control_set.find(_ZONE) if control_set is not None else None
    bias = _signed(key, "Bias")
    if key is None or bias is None or abs(bias) > MAX_BIAS:
        return
    basis, changes = _told(key, bias, hive)
    # One change more than is given: each stretch ends where the next begins.
    for change, following in pairwise(changes):
        own = timedelta(minutes=change.bias)
        yield (
            LOCAL_TIME_OFFSET,
            {
                **provenance(key),
                "since_utc": naive_ns(change.at),
                "since_local": naive_ns(change.at - own),
                "until_local": naive_ns(following.at - own),
                "bias_minutes": change.bias,
                "is_daylight": change.is_daylight,
                "basis": basis,
                "current": True,
                "time_zone": text(key, "TimeZoneKeyName") or text(key, "StandardName"),
            },
        )


def _told(key: Key, bias: int, hive: Hive) -> tuple[str, list[_Change]]:
    """What the answer rests on, and the changes; none where the hive does not tell whether there is daylight saving."""
    usual = bias + (_signed(key, "StandardBias") or 0)
    summer = bias + (_signed(key, "DaylightBias") or 0)
    name = text(key, "TimeZoneKeyName") or ""
    year = _year(hive, key)
    if max(abs(usual), abs(summer)) > MAX_BIAS or year is None:
        return _unknown(key, name)
    zone = iana_zone(name)
    by_name = (
        [] if zone is None else [_Change(*c) for c in iana_changes(zone, FIRST_YEAR, year + 1)]
    )
    by_rule = _by_rule(key, usual, summer, year)
    if by_rule is not None:
        if by_name and _within(by_name, year) == _within(by_rule, year):
            return f"rule in the hive, other years by the IANA zone {zone}", by_name
        return "rule in the hive, for the years around its last write", by_rule
    active = _signed(key, "ActiveTimeBias")
    known = {change.bias for change in by_name[:-1] if change.at.year >= year - 1}
    # Biases of a zone without daylight saving time may name one all the same.
    if usual in known and (active is None or active in known):
        return f"IANA zone {zone} by the zone's name", by_name
    return _unknown(key, name)


def _unknown(key: Key, name: str) -> tuple[str, list[_Change]]:
    where = key.value("Bias")
    if where is not None:
        where.problem(
            "time_zone_rule", "rules of daylight saving time, or a zone's name that fits the biases",
            name or "no name", "local times of this host have no UTC time",
        )  # fmt: skip
    return "", []


def _year(hive: Hive, key: Key) -> int | None:
    """Year of the hive's last write, else the key's."""
    ns = hive.last_written_ns or key.last_written_ns
    year = 0 if ns is None else (_day(1970) + timedelta(microseconds=ns // 1000)).year
    return year if FIRST_YEAR <= year < FIRST_YEAR + MOST_YEARS else None


def _by_rule(key: Key, usual: int, summer: int, year: int) -> list[_Change] | None:
    """Changes of the years around one by the hive's rules; None: it has none that can be."""
    standard, daylight = _rule(key, "StandardStart"), _rule(key, "DaylightStart")
    off = bool(_signed(key, "DynamicDaylightTimeDisabled"))
    found: list[_Change] = []
    if isinstance(standard, _Rule) and isinstance(daylight, _Rule) and not off:
        for one in range(year - 1, year + 2):
            for rule, before, after in ((daylight, usual, summer), (standard, summer, usual)):
                at = rule.of(one) + timedelta(minutes=before)
                found.append(_Change(at, after, rule is daylight))
    elif not off and not (standard is NO_RULE and daylight is NO_RULE):
        return None
    found.sort(key=lambda change: change.at)
    # South of the equator a year begins in daylight time: in that which its first change ends.
    summer_first = bool(found) and not found[0].is_daylight
    first = _Change(_day(year - 1), summer if summer_first else usual, summer_first)
    return [first, *found, _Change(_day(year + 2), 0, False)]


def _within(changes: list[_Change], year: int) -> list[tuple[datetime, int]]:
    """Moments and biases of the changes of a year, and the bias that it begins with."""
    before = [change.bias for change in changes[:-1] if change.at <= _day(year)]
    inside = [(change.at, change.bias) for change in changes[:-1] if change.at.year == year]
    return [(_day(year), before[-1] if before else MAX_BIAS + 1), *inside]


def _signed(key: Key | None, name: str) -> int | None:
    value = key.value(name) if key is not None else None
    if value is None or value.type != REG_DWORD or len(value.data) != 4:
        return None
    return int.from_bytes(value.data, "little", signed=True)


def _rule(key: Key, name: str) -> _Rule | _NoRule | None:
    """The rule of a value; `NO_RULE`: it says that there is none (month 0); None: absent, or no rule that can be."""
    value = key.value(name)
    data = value.data if value is not None else b""
    if len(data) != 16:
        return None
    year, month, day, hour, minute, second, _, weekday = struct.unpack("<8H", data)
    if not month:
        return NO_RULE
    if month > 12:
        return None
    # A year makes it the date of one change only.
    if year or not 1 <= day <= _LAST_WEEK or hour > 23 or minute > 59 or second > 59 or weekday > 6:
        return None
    clock = timedelta(hours=hour, minutes=minute, seconds=second)
    return _Rule(month, day, clock, (weekday - 1) % 7)
