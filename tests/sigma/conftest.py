"""An empty case that each test may fill."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from forensic_iso.case.store import open_writer
from tests.sigma.cases import Case


@pytest.fixture(scope="module")
def empty_case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("empty") / "case"
    with open_writer(folder):
        return folder


@pytest.fixture
def case(tmp_path: Path, empty_case: Path) -> Iterator[Case]:
    shutil.copytree(empty_case, tmp_path / "case")
    with open_writer(tmp_path / "case") as con:
        yield Case(con, tmp_path)
