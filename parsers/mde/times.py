"""Times of exports, exact to the digits given, as ns since 1970.

Forms: ISO 8601 (`2025-11-03T10:11:12.1234567Z`, blank for T, any offset), the portal's
`Nov 3, 2025 10:11:12 AM` and the locale's `11/3/2025, 10:11:12.123 AM` (day or month first;
12 or 24 hours).
"""

from dataclasses import dataclass

import polars as pl

_ZONE = r"\s*(?P<zone>Z|z|UTC|GMT|[+-]\d{2}:?\d{2})?\s*$"
_CLOCK = (
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"(?:\s*(?P<half>[AaPp])\.?[Mm]\.?)?"
)
_ISO = r"^\s*(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})[T ]\s*" + _CLOCK + _ZONE
_NAMED = (
    r"^\s*(?P<name>[A-Za-z]{3})[a-z]*\.? (?P<day>\d{1,2}), (?P<year>\d{4}),?\s+" + _CLOCK + _ZONE
)
_SLASHED = r"^\s*(?P<one>\d{1,2})[/.](?P<two>\d{1,2})[/.](?P<year>\d{4}),?\s+" + _CLOCK + _ZONE
_MONTHS = {
    m: i
    for i, m in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_DAY_NS = 86_400 * 10**9
_LEAST_DAY, _GREATEST_DAY = -106_751, 106_750
"""Days around 1970 whose every moment fits into 64 bits of ns (1677-09-22 .. 2262-04-10)."""

NO_TIME = r"^\s*(?:0001-01-01|1601-01-01|0?1/0?1/0001)"
"""DateTime.MinValue and FILETIME 0: what exporters write for "none"."""


@dataclass(frozen=True, slots=True)
class DayOrder:
    """What a whole column shows: slashed dates at all, a first or a second number over 12."""

    seen: bool = False
    first_over_12: bool = False
    second_over_12: bool = False

    def __or__(self, other: "DayOrder") -> "DayOrder":
        return DayOrder(
            self.seen or other.seen,
            self.first_over_12 or other.first_over_12,
            self.second_over_12 or other.second_over_12,
        )

    @property
    def day_first(self) -> bool:
        """Day before month only where the column proves it; en-US else."""
        return self.first_over_12 and not self.second_over_12

    @property
    def settled(self) -> bool:
        """Whether the column shows one order and only one."""
        return not self.seen or self.first_over_12 != self.second_over_12


def day_order(texts: pl.Series) -> DayOrder:
    """Look at every slashed date of the column (String)."""
    if not texts.str.contains(_SLASHED).any():
        return DayOrder()
    parts = texts.str.extract_groups(_SLASHED).struct.unnest()
    one, two = (parts[n].cast(pl.Int32, strict=False) for n in ("one", "two"))
    return DayOrder(True, bool((one > 12).any()), bool((two > 12).any()))


def _clock_ns(g: pl.DataFrame) -> pl.Series:
    """Hour to fraction of a day in ns minus the offset; NULL where a part is out of range."""
    hour, minute = pl.col("hour").cast(pl.Int64), pl.col("minute").cast(pl.Int64)
    second = pl.col("second").cast(pl.Int64).fill_null(0)
    fraction = pl.col("fraction").str.pad_end(9, "0").cast(pl.Int64).fill_null(0)
    half = pl.col("half").str.to_lowercase()
    full = (
        pl.when(half.is_null()).then(hour).otherwise(hour % 12 + 12 * (half == "p").cast(pl.Int64))
    )
    ok = (hour < 24) & (minute < 60) & (second < 60) & (half.is_null() | hour.is_between(1, 12))
    digits = pl.col("zone").str.extract(r"^[+-](\d{2}):?\d{2}$", 1).cast(pl.Int64)
    minutes = pl.col("zone").str.extract(r"(\d{2})$", 1).cast(pl.Int64)
    sign = pl.when(pl.col("zone").str.starts_with("-")).then(-1).otherwise(1)
    offset = (sign * (digits * 60 + minutes)).fill_null(0)
    ns = ((full * 60 + minute - offset) * 60 + second) * 10**9 + fraction
    return g.select(pl.when(ok).then(ns)).to_series()


def _moments(g: pl.DataFrame) -> pl.DataFrame:
    """Columns ns (NULL: no such moment) and zoned, of groups with a date's and a clock's parts."""
    text = pl.concat_str(
        pl.col("year"),
        pl.col("month").str.pad_start(2, "0"),
        pl.col("day").str.pad_start(2, "0"),
        separator="-",
    )
    day = g.select(
        text.str.to_date("%Y-%m-%d", strict=False).to_physical().cast(pl.Int64)
    ).to_series()
    day = day.set(~day.is_between(_LEAST_DAY, _GREATEST_DAY).fill_null(False), None)
    return pl.DataFrame({"ns": day * _DAY_NS + _clock_ns(g), "zoned": g["zone"].is_not_null()})


@dataclass(frozen=True, slots=True)
class Parsed:
    """`ns` (Int64, NULL: none or unreadable), `zoned` (Boolean), both as long as the text."""

    ns: pl.Series
    zoned: pl.Series


def parse_times(texts: pl.Series, order: DayOrder) -> Parsed:
    """Read a column of texts. A time without zone is taken as UTC and has `zoned` false."""
    ns = pl.Series("ns", [None] * len(texts), dtype=pl.Int64)
    zoned = pl.Series("zoned", [False] * len(texts), dtype=pl.Boolean)
    for pattern in (_ISO, _NAMED, _SLASHED):
        hit = texts.str.contains(pattern).fill_null(False)
        if not hit.any():
            continue
        g = texts.str.extract_groups(pattern).struct.unnest()
        if pattern is _NAMED:
            name = pl.col("name").str.to_lowercase().replace_strict(_MONTHS, default=None)
            g = g.with_columns(name.cast(pl.String).alias("month"))
        elif pattern is _SLASHED:
            day, month = ("one", "two") if order.day_first else ("two", "one")
            g = g.with_columns(pl.col(day).alias("day"), pl.col(month).alias("month"))
        m = _moments(g)
        ns, zoned = m["ns"].zip_with(hit, ns), m["zoned"].zip_with(hit, zoned)
    return Parsed(ns, zoned)
