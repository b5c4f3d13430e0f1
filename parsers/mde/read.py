"""From chunks of exported text to typed rows: table told, times exact, duplicates dropped."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator

import polars as pl

from parsers.contract import Artifact, Batch, Column, Problem, Severity, Sql
from parsers.mde.classify import field_key, tables_of_rows
from parsers.mde.encoding import text_of_head
from parsers.mde.rows import Chunk, Read, read_csv, read_json, read_parquet
from parsers.mde.schema import FIELDS, TABLE_OF_TYPE
from parsers.mde.times import NO_TIME, DayOrder, Parsed, day_order, parse_times

_PLACES = 100
"""Problems of one kind that are listed one by one; the rest is counted."""


def _chunks(artifact: Artifact) -> Read:
    """The reader for the form that the first bytes show."""
    with artifact.open() as stream:
        head = stream.read(4096)
    if head.startswith(b"PAR1"):
        return read_parquet(artifact)
    start = text_of_head(head).lstrip()[:1]
    return read_json(artifact) if start in ("[", "{") else read_csv(artifact)


def _keyed(frame: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, str], set[str]]:
    """The frame under compared names, those -> names as exported, and those that state [UTC].

    Timestamp is TimeGenerated where only that is there.
    """
    shown: dict[str, str] = {}
    utc: set[str] = set()
    for name in frame.columns:
        key = field_key(name)
        while key in shown:
            key += "#"
        shown[key] = name
        if "[utc]" in name.casefold():
            utc.add(key)
    frame = frame.rename({name: f"\0{i}" for i, name in enumerate(frame.columns)})
    frame = frame.rename(dict(zip(frame.columns, shown, strict=True)))
    if "timestamp" not in shown and "timegenerated" in shown:
        frame = frame.rename({"timegenerated": "timestamp"})
        shown["timestamp"] = shown.pop("timegenerated")
        utc |= {"timestamp"} if "timegenerated" in utc else set()
    return frame, shown, utc


class Reading:
    """One pass over one export, with what has to be remembered between its chunks."""

    def __init__(self, artifact: Artifact) -> None:
        self._artifact = artifact
        self._orders: dict[str, DayOrder] | None = None
        self._seen: set[bytes] = set()
        self._twice = 0
        self._counts: Counter[str] = Counter()
        self._problems: list[Problem] = []

    def run(self) -> Iterator[Batch | Problem]:
        """Batches in the file's order, then the sums of what was left out."""
        rows = 0
        for item in _chunks(self._artifact):
            if isinstance(item, Problem):
                if self._listed(item.code):
                    yield item
                continue
            rows += len(item.frame)
            yield from self._batches(item)
            yield from self._drain()
        self._sums(rows)
        yield from self._drain()

    def _drain(self) -> list[Problem]:
        found, self._problems = self._problems, []
        return found

    def _listed(self, code: str) -> bool:
        self._counts[code] += 1
        return self._counts[code] <= _PLACES

    def _problem(self, code: str, place: str, expected: str, found: str, message: str) -> None:
        if self._listed(code):
            self._problems.append(Problem(code, place, expected, found, message))

    def _once(self, code: str, place: str, expected: str, found: str, message: str) -> None:
        key = f"{code} {place}"
        self._counts[key] += 1
        if self._counts[key] == 1:
            self._problems.append(Problem(code, place, expected, found, message))

    def _sums(self, rows: int) -> None:
        for code, n in self._counts.items():
            if " " not in code and n > _PLACES:
                text = f"{n - _PLACES} more problems of this kind are counted, not listed"
                self._problems.append(Problem(code, "file", "", f"{n} in all", text))
        if self._twice:
            self._problems.append(
                Problem(
                    "mde_rows_exported_twice",
                    "file",
                    "each row once",
                    f"{self._twice} repeated rows",
                    "Equal in every field to an earlier row of the file; kept once",
                    Severity.INFO,
                )
            )
        if not rows:
            self._problems.append(
                Problem("mde_no_rows", "file", "rows", "none", "The export holds no readable row")
            )

    def _batches(self, chunk: Chunk) -> Iterator[Batch]:
        frame, shown, utc = _keyed(chunk.frame)
        frame = self._usable(frame.with_columns(chunk.numbers.alias("\0row")))
        tables = tables_of_rows(frame, self._artifact.name)
        self._unplaced(frame, tables)
        for table in sorted(set(tables) - {""}):
            part = self._distinct(frame.filter(tables == table), table)
            done = self._within_window(self._typed(part, table, shown, utc))
            if len(done):
                yield Batch(table, done)

    def _usable(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Without rows that have neither a time nor a device."""
        filled = pl.lit(value=False)
        for name in ("timestamp", "devicename"):
            if name in frame.columns:
                filled = filled | (pl.col(name).cast(pl.String).fill_null("") != "")
        for number in frame.filter(~filled)["\0row"]:
            self._problem(
                "mde_row_unreadable",
                f"row {number}",
                "a row with Timestamp and DeviceName",
                "neither",
                "The row is left out",
            )
        return frame.filter(filled)

    def _unplaced(self, frame: pl.DataFrame, tables: pl.Series) -> None:
        lost = frame.filter(tables == "")
        for row in lost.head(_PLACES + 1).iter_rows(named=True):
            found = f"Type {row.get('type', '')!r}, ActionType {row.get('actiontype', '')!r}"
            self._problem(
                "mde_table_unknown",
                f"row {row[chr(0) + 'row']}",
                "a row of one of the six Device*Events tables that are kept",
                found,
                "The row is left out",
            )
        self._counts["mde_table_unknown"] += max(0, len(lost) - _PLACES - 1)

    def _distinct(self, frame: pl.DataFrame, table: str) -> pl.DataFrame:
        """Without rows equal in every field to an earlier one of the file."""
        keep: list[bool] = []
        for row in frame.drop("\0row").iter_rows():
            text = json.dumps((table, row), ensure_ascii=False, default=str)
            digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
            keep.append(digest not in self._seen)
            self._seen.add(digest)
        self._twice += len(keep) - sum(keep)
        return frame.filter(pl.Series(keep, dtype=pl.Boolean))

    def _typed(
        self, frame: pl.DataFrame, table: str, shown: dict[str, str], utc: set[str]
    ) -> pl.DataFrame:
        """The table's columns from the exported ones."""
        fields = FIELDS[table]
        out: list[pl.Series] = []
        spare: dict[str, pl.Series] = {}
        for key in frame.columns:
            if key == "\0row" or (key == "type" and _names_table(frame[key], table)):
                continue
            column = fields.get(key)
            if column is None:
                spare[shown[key]] = frame[key].cast(pl.String)
                continue
            series, raw = self._column(frame[key], column, key in utc, frame["\0row"], shown[key])
            out.append(series.alias(column.name))
            if raw is not None:
                spare[shown[key]] = raw
        out.append(frame["\0row"].alias("row_address"))
        if "devicename" in frame.columns:
            out.append(_host(frame["devicename"]))
        out.append(_extra(spare, len(frame)))
        return pl.DataFrame(out)

    def _column(
        self, raw: pl.Series, column: Column, utc: bool, rows: pl.Series, shown: str
    ) -> tuple[pl.Series, pl.Series | None]:
        """The typed column and, if some of its texts do not fit the type, those texts (else '')."""
        if column.type is Sql.TEXT:
            return raw.cast(pl.String), None
        text = raw if raw.dtype == pl.String else None
        if column.type is Sql.TIME:
            value = self._time(raw, utc, shown)
        else:
            value = raw.cast(pl.String).str.strip_chars().cast(pl.Int64, strict=False)
        if text is None:
            return value, None
        odd = value.is_null() & (text.str.strip_chars() != "") & ~text.str.contains(NO_TIME)
        if not odd.any():
            return value, None
        for row, found in zip(rows.filter(odd), text.filter(odd), strict=True):
            expected = "a time" if column.type is Sql.TIME else "an integer"
            message = f"{shown} is NULL; its text is kept in extra"
            self._problem("mde_value_unreadable", f"row {row}", expected, repr(found[:80]), message)
        return value, pl.select(pl.when(odd).then(text).otherwise(pl.lit(""))).to_series()

    def _time(self, raw: pl.Series, utc: bool, shown: str) -> pl.Series:
        if isinstance(raw.dtype, pl.Datetime):
            if raw.dtype.time_zone is not None:
                raw = raw.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
            return raw.cast(pl.Datetime("ns"))
        order = self._order(raw, shown)
        parsed = parse_times(raw, order)
        self._doubts(parsed, utc, order, shown)
        return parsed.ns.cast(pl.Datetime("ns"))

    def _order(self, raw: pl.Series, shown: str) -> DayOrder:
        """Order of day and month in the file's column; a second pass if slashed dates occur."""
        if self._orders is None and day_order(raw).seen:
            self._orders = {}
            for chunk in _chunks(self._artifact):
                if isinstance(chunk, Problem):
                    continue
                for s in chunk.frame.iter_columns():
                    if s.dtype == pl.String and field_key(s.name).endswith(
                        ("timestamp", "timegenerated", "creationtime")
                    ):
                        known = self._orders.get(s.name, DayOrder())
                        self._orders[s.name] = known | day_order(s)
        own = (self._orders or {}).get(shown, DayOrder())
        if own.settled:
            return own
        # A column that leaves it open follows the file's others: one locale wrote them all.
        whole = own
        for other in (self._orders or {}).values():
            whole = whole | other
        return whole if whole.settled else own

    def _doubts(self, parsed: Parsed, utc: bool, order: DayOrder, shown: str) -> None:
        if not utc and (parsed.ns.is_not_null() & ~parsed.zoned).any():
            self._once(
                "mde_time_without_zone",
                f"column {shown}",
                "Z, an offset or [UTC] in the header",
                "none",
                "The browser's zone is not in the file; times are taken as UTC",
            )
        if not order.settled:
            self._once(
                "mde_day_month_open",
                f"column {shown}",
                "a column that shows whether day or month comes first",
                "both" if order.first_over_12 else "neither",
                "Month first is assumed",
            )

    def _within_window(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Rows inside the wanted window; rows without a time stay."""
        window = self._artifact.window
        if not window or "timestamp_utc" not in frame.columns:
            return frame
        ns = pl.col("timestamp_utc").to_physical()
        keep = pl.lit(value=True)
        if window.since_ns is not None:
            keep = keep & (ns >= window.since_ns).fill_null(True)
        if window.until_ns is not None:
            keep = keep & (ns < window.until_ns).fill_null(True)
        return frame.filter(keep)


def _names_table(types: pl.Series, table: str) -> bool:
    """Whether Sentinel's Type says no more than the table the rows are in."""
    return all(TABLE_OF_TYPE.get(str(t).casefold()) == table for t in types.unique())


def _host(device_name: pl.Series) -> pl.Series:
    """NetBIOS name: the first label in upper case; NULL for an empty name."""
    label = device_name.cast(pl.String).str.extract(r"^([^.]+)", 1).str.to_uppercase()
    return label.alias("host")


def _extra(spare: dict[str, pl.Series], count: int) -> pl.Series:
    """JSON of the filled fields without a column; NULL where none is filled."""
    filled = {n: s.to_list() for n, s in spare.items() if (s.fill_null("") != "").any()}
    texts: list[str | None] = []
    for i in range(count):
        row = {n: values[i] for n, values in filled.items() if values[i]}
        texts.append(json.dumps(row, ensure_ascii=False) if row else None)
    return pl.Series("extra", texts, dtype=pl.String)
