import struct
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.hives import system
from parsers.hives.zone_names import IANA_ZONES
from tests.builders.hive import hive, tree
from tests.parsers.hives.helpers import run

HOUR = timedelta(hours=1)
NONE = (0, 0, 0, 0)
NAMES = {
    "Europe/Berlin": "W. Europe", "America/New_York": "Eastern", "Australia/Sydney": "AUS Eastern",
    "Asia/Kolkata": "India", "Pacific/Auckland": "New Zealand",
}  # fmt: skip
ZONES = {
    # zone: bias, daylight bias, daylight start and standard start as (month, week, weekday, hour)
    "Europe/Berlin": (-60, -60, (3, 5, 0, 2), (10, 5, 0, 3)),
    "America/New_York": (300, -60, (3, 2, 0, 2), (11, 1, 0, 2)),
    "Australia/Sydney": (-600, -60, (10, 1, 0, 2), (4, 1, 0, 3)),
    "Asia/Kolkata": (-330, 0, NONE, NONE),
    "Pacific/Auckland": (-720, -60, (9, 5, 0, 2), (4, 1, 0, 3)),
}


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC).replace(tzinfo=None)  # type: ignore[misc]


def rule(month: int, week: int, weekday: int, hour: int) -> bytes:
    return struct.pack("<8H", 0, month, week, hour, 0, 0, 0, weekday)


def zone_hive(zone: str, disabled: bool = False, **more: tuple[str, object]) -> bytes:
    bias, daylight, to_daylight, to_standard = ZONES[zone]
    values: dict[str, tuple[str, object]] = {
        "Bias": ("DWORD", bias),
        "StandardBias": ("DWORD", 0),
        "DaylightBias": ("DWORD", daylight),
        "DaylightStart": ("BINARY", rule(*to_daylight)),
        "StandardStart": ("BINARY", rule(*to_standard)),
        "TimeZoneKeyName": ("SZ", f"{NAMES[zone]} Standard Time"),
        "DynamicDaylightTimeDisabled": ("DWORD", int(disabled)),
        **more,
    }
    path = r"ControlSet001\Control\TimeZoneInformation"
    return hive(tree({"Select": {"Current": ("DWORD", 1)}, path: values}))


def offsets(data: bytes) -> list[dict[str, Any]]:
    return run(system, data, "SYSTEM")[0]["local_time_offset"]


def in_utc(rows: list[dict[str, Any]], local: datetime) -> list[datetime]:
    return [
        local + timedelta(minutes=r["bias_minutes"])
        for r in rows
        if r["since_local"] <= local < r["until_local"]
    ]


@pytest.mark.parametrize("zone", ZONES)
@given(moment=st.datetimes(at(2009, 1, 1), at(2024, 12, 31)))
def test_local_times_become_the_utc_of_an_independent_zone_table(
    zone: str, moment: datetime
) -> None:
    local = moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)

    found = in_utc(_ROWS[zone], local)

    assert moment in found
    assert len(found) == 1 or zone != "Asia/Kolkata"


def test_the_hour_that_comes_twice_has_two_answers_and_the_one_left_out_none() -> None:
    rows = _ROWS["Europe/Berlin"]

    assert in_utc(rows, at(2023, 10, 29, 2, 30)) == [
        at(2023, 10, 29, 0, 30),
        at(2023, 10, 29, 1, 30),
    ]
    assert in_utc(rows, at(2023, 3, 26, 2, 30)) == []
    assert in_utc(rows, at(2023, 7, 1, 12)) == [at(2023, 7, 1, 10)]


@pytest.mark.parametrize(
    ("zone", "disabled", "bias", "since"),
    [("Asia/Kolkata", False, -330, 2000), ("Europe/Berlin", True, -60, 2023)],
)
def test_without_daylight_saving_the_whole_is_one_stretch(
    zone: str, disabled: bool, bias: int, since: int
) -> None:
    [row] = offsets(zone_hive(zone, disabled))

    assert (row["is_daylight"], row["bias_minutes"]) == (False, bias)
    assert row["since_utc"] == at(since, 1, 1)


def test_a_rule_that_is_none_is_told() -> None:
    broken = ("BINARY", struct.pack("<8H", 0, 3, 9, 2, 0, 0, 0, 0))

    name = ("SZ", "Nowhere Standard Time")
    data = zone_hive("Europe/Berlin", DaylightStart=broken, TimeZoneKeyName=name)

    rows, problems = run(system, data, "SYSTEM")

    assert rows["local_time_offset"] == []
    assert [(p.code, p.found) for p in problems] == [("time_zone_rule", "Nowhere Standard Time")]


def named_hive(name: str, active: int | None) -> bytes:
    """A zone without its rules."""
    values: dict[str, tuple[str, object]] = {
        "Bias": ("DWORD", -60), "StandardBias": ("DWORD", 0), "DaylightBias": ("DWORD", -60),
        "TimeZoneKeyName": ("SZ", name),
    }  # fmt: skip
    if active is not None:
        values["ActiveTimeBias"] = ("DWORD", active)
    path = r"ControlSet001\Control\TimeZoneInformation"
    return hive(tree({"Select": {"Current": ("DWORD", 1)}, path: values}))


@pytest.mark.parametrize("active", [-60, None])
def test_without_rules_the_zones_name_tells_them(active: int | None) -> None:
    rows = offsets(named_hive("W. Europe Standard Time", active))

    assert {r["basis"] for r in rows} == {"IANA zone Europe/Berlin by the zone's name"}
    assert in_utc(rows, at(2023, 7, 1, 12)) == [at(2023, 7, 1, 10)]
    assert in_utc(rows, at(2023, 12, 1, 12)) == [at(2023, 12, 1, 11)]
    changes = [(r["since_utc"], r["bias_minutes"], r["is_daylight"]) for r in rows]
    assert (at(2023, 3, 26, 1), -120, True) in changes
    assert (at(2023, 10, 29, 1), -60, False) in changes


@pytest.mark.parametrize(
    ("name", "active"), [("Nowhere Standard Time", -60), ("W. Europe Standard Time", 300)]
)
def test_a_name_that_is_unknown_or_does_not_fit_the_bias_gives_no_offsets(
    name: str, active: int
) -> None:
    rows, problems = run(system, named_hive(name, active), "SYSTEM")

    assert rows["local_time_offset"] == []
    assert [p.code for p in problems] == ["time_zone_rule"]


@pytest.mark.parametrize("zone", sorted(set(IANA_ZONES.values())))
def test_every_zone_that_a_name_leads_to_is_in_the_database(zone: str) -> None:
    assert ZoneInfo(zone).key == zone


def test_a_rule_that_the_name_does_not_bear_out_holds_for_the_years_around_only() -> None:
    name = ("SZ", "Tokyo Standard Time")

    rows = offsets(zone_hive("Europe/Berlin", TimeZoneKeyName=name))

    assert {r["basis"] for r in rows} == {"rule in the hive, for the years around its last write"}
    assert (rows[0]["since_utc"], rows[-1]["until_local"]) == (
        at(2023, 1, 1),
        at(2026, 1, 1) + HOUR,
    )
    assert in_utc(rows, at(2023, 7, 1, 12)) == [at(2023, 7, 1, 10)]


def test_biases_out_of_range_give_no_offsets() -> None:
    far = ("DWORD", -(2**31))

    rows, problems = run(system, zone_hive("Europe/Berlin", DaylightBias=far), "SYSTEM")

    assert rows["local_time_offset"] == []
    assert [p.code for p in problems] == ["time_zone_rule"]


def test_a_hive_without_a_zone_gives_no_rows() -> None:
    assert offsets(hive(tree({r"ControlSet001\Control\Windows": {}}))) == []


BIASES = st.integers(-(2**31), 2**31 - 1) | st.integers(-1600, 1600)


@given(st.binary(max_size=20), BIASES, BIASES)
def test_any_bytes_give_rows_and_problems_only(raw: bytes, bias: int, daylight: int) -> None:
    data = zone_hive(
        "Europe/Berlin",
        DaylightStart=("BINARY", raw),
        Bias=("DWORD", bias),
        DaylightBias=("DWORD", daylight),
    )

    rows, _ = run(system, data, "SYSTEM")

    assert all(r["since_local"] < r["until_local"] for r in rows["local_time_offset"])


_ROWS = {zone: offsets(zone_hive(zone)) for zone in ZONES}
