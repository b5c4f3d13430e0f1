"""Reads an image in memory, for the tests beside."""

from datetime import UTC, datetime
from typing import Any

from parsers import images
from parsers.contract import Problem
from tests.parsers.reading import artifact, read

MADE = datetime(2024, 5, 14, 8, 0, tzinfo=UTC)
Rows = dict[tuple[str | None, str], dict[str, Any]]


def parsed(data: bytes, name: str = "a.txt") -> tuple[Rows, list[dict[str, Any]], list[Problem]]:
    """Content by (image inside, path), volumes, problems."""
    rows, problems = read(images, artifact(name, data))
    content = {(r["container_path"], r["path"]): r for r in rows["image_content"]}
    return content, rows["image_volume"], problems
