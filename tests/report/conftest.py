"""Reports that several tests look at."""

from pathlib import Path

import pytest

from forensic_iso.report.html import render
from forensic_iso.report.model import Report
from forensic_iso.report.present import presenter
from tests.report.hostile import hostile_case
from tests.report.reading import made


@pytest.fixture(scope="session")
def report(bundled_case: Path) -> Report:
    return made(bundled_case)


@pytest.fixture(scope="session")
def page(report: Report) -> str:
    return render(report, presenter(report))


@pytest.fixture(scope="session")
def hostile(bundled_case: Path, tmp_path_factory: pytest.TempPathFactory) -> Report:
    return made(hostile_case(bundled_case, tmp_path_factory.mktemp("hostile") / "case"))
