"""A copy of the bundled case for each test: notes are written beside it."""

import asyncio
import shutil
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest


@pytest.fixture
def case(bundled_case: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "case"
    copy.mkdir()
    shutil.copy(bundled_case / "case.duckdb", copy)
    return copy


@pytest.fixture
def go() -> Callable[[Coroutine[None, None, None]], None]:
    return asyncio.run
