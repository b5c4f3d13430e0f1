"""Changes of a zone's offset by the IANA database that Python finds on the machine."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

STEP = timedelta(days=5)
"""Changes closer together than this are taken for one: none are known."""
Change = tuple[datetime, int, bool]
"""From a moment on (UTC, naive): minutes from local time to UTC, and whether it is daylight saving time."""


def iana_changes(zone: str, first: int, last: int) -> list[Change]:
    """Changes from the begin of the year `first` to the end of `last`, both of them given as changes too.

    Empty where the machine has no such zone.
    """
    from zoneinfo import ZoneInfo

    try:
        info = ZoneInfo(zone)
    except (LookupError, ValueError, OSError):  # ZoneInfoNotFoundError is a LookupError
        return []
    begin, end = datetime(first, 1, 1, tzinfo=UTC), datetime(last + 1, 1, 1, tzinfo=UTC)
    found = [_change(begin, info)]
    at = begin
    while at < end:
        following = min(at + STEP, end)
        if _change(following, info)[1:] != found[-1][1:]:
            found.append(_first_change(at, following, info))
        at = following
    return [*found, (end.replace(tzinfo=None), 0, False)]


def _change(at: datetime, info: "ZoneInfo") -> Change:
    local = at.astimezone(info)
    offset, saving = local.utcoffset() or timedelta(), local.dst() or timedelta()
    return at.replace(tzinfo=None), -round(offset.total_seconds() / 60), bool(saving)


def _first_change(low: datetime, high: datetime, info: "ZoneInfo") -> Change:
    """The first second from which on what holds at `high` holds."""
    wanted = _change(high, info)[1:]
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // 2
        middle = middle.replace(microsecond=0)
        if middle <= low:
            break
        if _change(middle, info)[1:] == wanted:
            high = middle
        else:
            low = middle
    return _change(high, info)
