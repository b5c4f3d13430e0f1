"""Rows of zone_identifier: streams of that name, with the path and times of the file they mark."""

import json
from collections.abc import Iterator

import numpy as np
import polars as pl

from parsers.contract import Batch
from parsers.frames import schema_of
from parsers.mft.columns import Bools, Ints, Numbers
from parsers.mft.tables import ZONE_IDENTIFIER
from parsers.zone_identifier import ZoneIdentifier, parse_zone_identifier

NAME = "zone.identifier"
ROWS_AT_ONCE = 4096
_CACHED = 4096
_TEXTS = (
    "zone_raw",
    "host_url",
    "referrer_url",
    "host_ip_address",
    "last_writer_package_family_name",
    "app_zone_id",
    "text",
    "encoding",
    "md5",
    "sha256",
)


def is_zone(stream: pl.DataFrame) -> pl.Series:
    """Which rows of a stream frame are Zone.Identifier; NTFS names ignore case."""
    return stream["stream"].str.to_lowercase() == NAME


def best_names(owner: Numbers, namespace: Numbers, status: Numbers, wanted: Bools) -> Ints:
    """Row of the name to show for each slot (-1: none): not 8.3, then best status, then the first.

    `owner`, `namespace` and `status` are by name row, `wanted` by slot.
    """
    best = np.full(len(wanted), -1, np.int64)
    rows = np.flatnonzero(wanted[owner])
    rank = (namespace[rows] == 2) * 8 + status[rows]
    rows = rows[np.argsort(rank, kind="stable")][::-1]  # written last: the best wins
    best[owner[rows]] = rows
    return best


def zone_batches(rows: pl.DataFrame) -> Iterator[Batch]:
    """Read the contents and emit the rows in bounded batches.

    `rows` has content and all columns of the table that do not come from it.
    """
    known: dict[bytes, ZoneIdentifier] = {}
    for part in rows.iter_slices(ROWS_AT_ONCE):
        zones = [_read(content, known) for content in part["content"]]
        facts = zip(zones, part["size_bytes"].to_list(), part["origin"].to_list(), strict=True)
        texts = [_column(name, [getattr(z, name, None) for z in zones]) for name in _TEXTS]
        frame = part.drop("content").with_columns(
            _column("zone_id", [None if z is None else z.zone_id for z in zones]),
            *texts,
            _column("remarks", [_remarks(*fact) for fact in facts]),
            _column("other_keys", [_other_keys(z) for z in zones]),
        )
        yield Batch(ZONE_IDENTIFIER.name, frame)


def _read(content: bytes | None, known: dict[bytes, ZoneIdentifier]) -> ZoneIdentifier | None:
    """Parse a content; most streams of a volume are the same few."""
    if content is None:
        return None
    zone = known.get(content)
    if zone is None:
        zone = parse_zone_identifier(content)
        if len(known) < _CACHED:
            known[content] = zone
    return zone


def _remarks(zone: ZoneIdentifier | None, size: int | None, origin: str) -> str | None:
    if zone is None:
        amount = "unknown number of" if size is None else str(size)
        return f"content not in the $MFT, {amount} bytes"
    first = ("from record slack: removed, or an earlier file's",) if origin == "slack" else ()
    return "; ".join((*first, *zone.remarks)) or None


def _other_keys(zone: ZoneIdentifier | None) -> str | None:
    keys = dict(zone.other_keys) if zone is not None else {}
    return json.dumps(keys, ensure_ascii=False) if keys else None


def _column(name: str, values: list[str | None] | list[int | None]) -> pl.Series:
    return pl.Series(name, values, schema_of(ZONE_IDENTIFIER)[name])
