"""What the user asks of a report."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from forensic_iso.errors import UsageError

NOT_RECORDED = "not recorded"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Options:
    """Choices of one report. Times are ns since 1970 UTC, half-open; None means all.

    `hidden`: further words that `redact` takes for names.
    """

    host: str | None = None
    finding: str | None = None
    from_ns: int | None = None
    to_ns: int | None = None
    zone: tzinfo | None = None
    zone_name: str = "UTC"
    issued: str = NOT_RECORDED
    redact: bool = False
    hidden: tuple[str, ...] = ()
    case_name: str = NOT_RECORDED
    examiner: str = NOT_RECORDED
    organisation: str = NOT_RECORDED
    requester: str = NOT_RECORDED
    tlp: str = "AMBER"
    command: str = NOT_RECORDED


def zone(name: str) -> tzinfo:
    """The time zone of an IANA name.

    Raises:
        UsageError: there is none of that name.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as e:
        raise UsageError(
            f"reading --tz: expected a zone such as Europe/Berlin, found {name!r}"
        ) from e


def issue_time(given: str | None) -> str:
    """Date of issue: as given, else of SOURCE_DATE_EPOCH, else not recorded (so that two runs give the same bytes).

    Raises:
        UsageError: it is no time.
    """
    stamp = os.environ.get("SOURCE_DATE_EPOCH")
    try:
        if given is not None:
            moment = datetime.fromisoformat(given)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        elif stamp:
            moment = EPOCH + timedelta(seconds=int(stamp))
        else:
            return NOT_RECORDED
    except (ValueError, OverflowError) as e:
        raise UsageError(
            f"reading the date of issue: expected 2024-07-21T10:00:00Z, found {given or stamp!r}"
        ) from e
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
