"""Exports as chunks of rows, whatever their form: CSV, Parquet, and JSON by way of `jsonstream`.

A chunk's frame holds text columns named as exported (Parquet keeps its times), and the number of
each row in the file.
"""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import polars as pl

from parsers.contract import Artifact, Problem, Severity
from parsers.mde.encoding import open_text
from parsers.mde.jsonstream import Bad, objects

CHUNK_ROWS = 16_384
CHUNK_BYTES = 8 << 20
LINE_LIMIT = 16 << 20
"""Longest line of a CSV or JSONL file that is read; KQL's own limit of a value is 1 MB."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows: `frame` as exported, `numbers` (Int64) their places in the file, 1 the first."""

    frame: pl.DataFrame
    numbers: pl.Series


Read = Iterator[Chunk | Problem]


def bad_row(place: str, expected: str, found: str) -> Problem:
    """A row that could not be read and is left out."""
    return Problem(
        "mde_row_unreadable", place, expected, found, "The row is left out", Severity.ERROR
    )


class _Lines:
    """Lines of a stream as text, of bounded length; tells which were no UTF-8 or too long."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.number = 0
        self.read_bytes = 0
        self.problems: list[Problem] = []

    def __iter__(self) -> Iterator[str]:
        while raw := self._stream.readline(LINE_LIMIT):
            self.number += 1
            self.read_bytes += len(raw)
            if len(raw) == LINE_LIMIT and not raw.endswith(b"\n"):
                self._skip_rest()
                continue
            if self.number == 1:
                raw = raw.removeprefix(b"\xef\xbb\xbf")
            yield self._text(raw)

    def _skip_rest(self) -> None:
        while (raw := self._stream.readline(LINE_LIMIT)) and not raw.endswith(b"\n"):
            pass
        place = f"line {self.number}"
        self.problems.append(bad_row(place, f"at most {LINE_LIMIT} bytes", "a longer line"))

    def _text(self, raw: bytes) -> str:
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as e:
            found = f"byte 0x{raw[e.start]:02x} at {e.start} of the line"
            message = "Unreadable bytes are replaced by U+FFFD"
            self.problems.append(
                Problem("mde_text_not_utf8", f"line {self.number}", "UTF-8", found, message)
            )
            text = raw.decode("utf-8", errors="replace")
        return text.replace("\0", "\ufffd")

    def drain(self) -> list[Problem]:
        """Problems since the last call."""
        found, self.problems = self.problems, []
        return found


def read_csv(artifact: Artifact) -> Read:
    """Rows of a CSV file with a header; a row of another width is a problem."""
    csv.field_size_limit(LINE_LIMIT)
    with open_text(artifact) as text:
        lines = _Lines(text.stream)
        reader = csv.reader(iter(lines))
        try:
            header = next(reader, [])
        except csv.Error as e:
            yield bad_row("line 1", "a CSV header", str(e))
            return
        rows: list[list[str]] = []
        numbers: list[int] = []
        number, mark = 0, 0
        while True:
            try:
                row = next(reader, None)
            except csv.Error as e:
                number += 1
                yield bad_row(f"line {reader.line_num}", "a CSV row", str(e))
                continue
            yield from lines.drain()
            if row is None:
                break
            if not row:
                continue
            number += 1
            if len(row) != len(header):
                yield bad_row(f"line {lines.number}", f"{len(header)} fields", f"{len(row)} fields")
                continue
            rows.append(row)
            numbers.append(number)
            if len(rows) >= CHUNK_ROWS or lines.read_bytes - mark > CHUNK_BYTES:
                yield _csv_chunk(header, rows, numbers)
                rows, numbers, mark = [], [], lines.read_bytes
        if rows:
            yield _csv_chunk(header, rows, numbers)
        yield from text.problems()


def _csv_chunk(header: list[str], rows: list[list[str]], numbers: list[int]) -> Chunk:
    names = _unique(header)
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    frame = pl.DataFrame(columns, schema=dict.fromkeys(names, pl.String()))
    return Chunk(frame, pl.Series(numbers, dtype=pl.Int64))


def _unique(names: Sequence[str]) -> list[str]:
    """Names made distinct: a second `A` becomes `A#2`, so that no column is lost."""
    out: list[str] = []
    for name in names:
        n, candidate = 1, name
        while candidate in out:
            n += 1
            candidate = f"{name}#{n}"
        out.append(candidate)
    return out


def read_json(artifact: Artifact) -> Read:
    """Rows of a JSON array, JSONL, {"Results"}, {"tables"} or streaming API's {"records"}."""
    with open_text(artifact) as text:
        rows: list[dict[str, Any]] = []
        numbers: list[int] = []
        number, mark = 0, 0
        for item in objects(text.stream):
            if isinstance(item, Bad):
                number += item.is_row
                yield bad_row(item.place, item.expected, item.found)
                continue
            number += 1
            rows.append(_unwrap(item.row))
            numbers.append(number)
            if len(rows) >= CHUNK_ROWS or item.end - mark > CHUNK_BYTES:
                yield _json_chunk(rows, numbers)
                rows, numbers, mark = [], [], item.end
        if rows:
            yield _json_chunk(rows, numbers)
        yield from text.problems()


def _unwrap(row: dict[str, Any]) -> dict[str, Any]:
    """Rows of the streaming API: {"category": "AdvancedHunting-<table>", "properties": {}}."""
    inner, category = row.get("properties"), row.get("category")
    if isinstance(inner, dict) and isinstance(category, str):
        return {**inner, "Type": category.removeprefix("AdvancedHunting-")}
    return row


def _json_chunk(rows: list[dict[str, Any]], numbers: list[int]) -> Chunk:
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {name: [_cell(row.get(name)) for row in rows] for name in names}
    frame = pl.DataFrame(columns, schema=dict.fromkeys(names, pl.String()))
    return Chunk(frame, pl.Series(numbers, dtype=pl.Int64))


def _cell(value: object) -> str:
    """A JSON value as text: null is '' as in KQL, structures stay JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def read_parquet(artifact: Artifact) -> Read:
    """Rows of a Parquet file, a record batch at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with artifact.open() as stream:
        number = 0
        try:
            file = pq.ParquetFile(stream)
            for batch in file.iter_batches(batch_size=CHUNK_ROWS):
                frame = pl.DataFrame(pl.from_arrow(batch))
                numbers = pl.Series(range(number + 1, number + len(frame) + 1), dtype=pl.Int64)
                number += len(frame)
                yield Chunk(_texts(frame), numbers)
        except (pa.ArrowException, OSError, pl.exceptions.PolarsError) as e:
            yield bad_row(f"row {number + 1}", "a readable Parquet file", str(e)[:200])


def _texts(frame: pl.DataFrame) -> pl.DataFrame:
    """Every column as text but times; NULL is ''."""
    return frame.with_columns(
        _text_of(s) for s in frame.iter_columns() if not isinstance(s.dtype, pl.Datetime)
    )


def _text_of(s: pl.Series) -> pl.Series:
    if s.dtype.is_nested() or s.dtype == pl.Binary:
        return pl.Series(s.name, [_plain(v) for v in s.to_list()], dtype=pl.String)
    if s.dtype == pl.Boolean:
        s = s.cast(pl.String).str.to_lowercase()
    return s.cast(pl.String).fill_null("")


def _plain(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "" if value is None else json.dumps(value, ensure_ascii=False, default=str)
