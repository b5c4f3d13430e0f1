"""Fixtures for all tests."""

from pathlib import Path

import pytest

from forensic_iso.case.ingest import ingest
from forensic_iso.case.store import open_writer
from forensic_iso.correlate.run import run

BUNDLED = Path(__file__).resolve().parents[1] / "testdata/classic-iso/evidence"


@pytest.fixture(scope="session")
def bundled_case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled case, read and correlated once, inside this process."""
    case = tmp_path_factory.mktemp("bundled") / "case"
    ingest(case, [BUNDLED], workers=0)
    with open_writer(case) as con:
        run(con)
    return case
