"""Fixtures for all tests."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from forensic_iso.case.ingest import ingest
from forensic_iso.case.store import open_writer
from forensic_iso.correlate.run import run

# The same examples at each run, so that a red test is a change's own; `make fuzz` draws new ones.
settings.register_profile("fixed", derandomize=True, database=None, deadline=None)
settings.register_profile("long", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))

SLOW = (
    *("case/test_host_of", "case/test_ingest", "case/test_shadow_rows", "case/test_split", "evidence/test_images"),
    *("export/test_export", "parsers/test_evtx_values", "parsers/test_fuzz", "test_batch", "test_cli", "test_fleet"),
    *("test_per_host", "test_score", "test_verify", "test_wheel", "tui/test_hostile", "correlate/test_hostile"),
)  # fmt: skip
"""Modules that take half of the time of all tests."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the slow modules."""
    here = Path(__file__).parent
    for item in items:
        if item.path.relative_to(here).with_suffix("").as_posix() in SLOW:
            item.add_marker(pytest.mark.slow)


BUNDLED = Path(__file__).resolve().parents[1] / "testdata/classic-iso/evidence"


@pytest.fixture(scope="session")
def bundled_case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled case, read and correlated once, inside this process."""
    case = tmp_path_factory.mktemp("bundled") / "case"
    ingest(case, [BUNDLED], workers=0)
    with open_writer(case) as con:
        run(con)
    return case
