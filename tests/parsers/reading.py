"""Runs a parser over bytes, for tests."""

import io
from types import ModuleType
from typing import Any

import polars as pl

from parsers.contract import Artifact, Batch, Problem, Window
from parsers.frames import schema_of


def artifact(
    name: str, data: bytes, beside: tuple[Artifact, ...] = (), window: Window | None = None
) -> Artifact:
    """An artifact in memory."""
    return Artifact(
        name, lambda: io.BytesIO(data), len(data), window=window or Window(), beside=beside
    )


def read(
    parser: ModuleType, given: Artifact
) -> tuple[dict[str, list[dict[str, Any]]], list[Problem]]:
    """Rows by table and problems; every frame must fit its table's declaration."""
    rows: dict[str, list[dict[str, Any]]] = {t.name: [] for t in parser.TABLES}
    problems = []
    schemas = {t.name: schema_of(t) for t in parser.TABLES}
    for item in parser.parse(given):
        if isinstance(item, Batch):
            schema = schemas[item.table]
            for name, kind in item.frame.schema.items():
                assert schema[name] == kind, name
            rows[item.table] += item.frame.rows(named=True)
        else:
            problems.append(item)
    return rows, problems


def frame(parser: ModuleType, given: Artifact) -> tuple[pl.DataFrame, list[Problem]]:
    """All rows of a parser with one table as a frame."""
    items = list(parser.parse(given))
    frames = [x.frame for x in items if isinstance(x, Batch)]
    empty = pl.DataFrame(schema=schema_of(parser.TABLES[0]))
    return pl.concat([empty, *frames], how="diagonal"), [x for x in items if isinstance(x, Problem)]
