"""Runs a parser of hives over bytes, its transaction logs beside it."""

from types import ModuleType
from typing import Any

from parsers.contract import Batch, Problem
from parsers.frames import schema_of
from tests.parsers.reading import artifact


def run(
    parser: ModuleType, data: bytes, name: str, *logs: bytes
) -> tuple[dict[str, list[dict[str, Any]]], list[Problem]]:
    """Rows by table, and the problems; frames must fit the declarations, the host may stand beside."""
    beside = tuple(artifact(f"{name}.LOG{i}", log) for i, log in enumerate(logs, 1))
    schemas = {t.name: schema_of(t) for t in parser.TABLES}
    rows: dict[str, list[dict[str, Any]]] = {t.name: [] for t in parser.TABLES}
    problems: list[Problem] = []
    for item in parser.parse(artifact(name, data, beside)):
        if isinstance(item, Batch):
            given = {n: kind for n, kind in item.frame.schema.items() if n != "host"}
            assert given == schemas[item.table]
            rows[item.table] += item.frame.rows(named=True)
        else:
            problems.append(item)
    return rows, problems
