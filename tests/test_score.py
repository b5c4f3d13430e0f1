"""Where the answers stand on the cases with known truth: recall and precision per table."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from forensic_iso.case.ingest import ingest
from forensic_iso.case.store import open_writer
from forensic_iso.correlate.run import run
from tests.shared import CASES, SHARED, needs_shared

LEAST = 0.95


def scorer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("score", SHARED / "evidence/score.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["score"] = module
    spec.loader.exec_module(module)
    return module


def folders() -> list[Path]:
    return sorted(p.parent for p in CASES.glob("*/truth.json")) if CASES.is_dir() else []


@needs_shared
@pytest.mark.parametrize("folder", folders(), ids=lambda p: str(p.name))
def test_answers_equal_the_truth(folder: Path, tmp_path: Path) -> None:
    score = scorer()
    ingest(tmp_path / "c", [folder / "evidence"], workers=0)
    with open_writer(tmp_path / "c") as con:
        run(con)

    rows, notes = score.read_case(tmp_path / "c/case.duckdb")
    result = score.score(folder, rows)

    assert notes == []
    below = {t: s for t, s in result.items() if s["recall"] < LEAST or s["precision"] < LEAST}
    assert below == {}
