"""Many collections: a case each, a page and a CSV over all, and a second run that reads nothing again."""

import csv
import io
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from forensic_iso.batch import collections
from forensic_iso.cli import cli
from forensic_iso.errors import UsageError
from tests.conftest import BUNDLED
from tests.report.test_report import ATTRIBUTES, ELEMENTS, Page


def batch(*arguments: object) -> Result:
    return CliRunner().invoke(
        cli, ["batch", *map(str, arguments), "--workers", "0"], standalone_mode=False
    )


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    place = tmp_path_factory.mktemp("batch")
    shutil.copytree(BUNDLED, place / "in/host-a")
    (place / "in/<b>empty\u202e.zip").write_bytes(b"no archive")
    result = batch(place / "in", "--out", place / "out", "--fail-on", "critical")
    return place, result


def test_level_of_the_worst_finding_decides_the_exit_code(done: tuple[Path, Result]) -> None:
    place, result = done

    assert result.return_value == 1, result.output
    assert (place / "out/cases/host-a/case.duckdb").is_file()


def test_all_findings_stand_in_one_file_with_their_collection(done: tuple[Path, Result]) -> None:
    rows = list(
        csv.DictReader(io.StringIO((done[0] / "out/findings.csv").read_text(encoding="utf-8")))
    )

    assert [(r["collection"], r["severity"]) for r in rows] == [
        ("host-a", "critical"),
        ("host-a", "low"),
    ]


def test_page_names_every_collection_and_is_inert(done: tuple[Path, Result]) -> None:
    text = (done[0] / "out/index.html").read_text(encoding="utf-8")
    page = Page(text)

    said = "".join(page.text)
    assert "host-a" in said
    assert "<b>empty<U+202E>.zip" in said
    assert page.elements <= ELEMENTS
    assert page.attributes <= ATTRIBUTES


def test_second_run_reads_nothing_again_and_writes_the_same(done: tuple[Path, Result]) -> None:
    place, _ = done
    out = place / "out"
    before = {n: (out / n).read_bytes() for n in ("index.html", "findings.csv")}
    log = (out / "cases/host-a/log.jsonl").read_text(encoding="utf-8")

    result = batch(place / "in", "--out", out)

    assert result.return_value == 3
    assert {n: (out / n).read_bytes() for n in before} == before
    assert (
        "correlated" not in (out / "cases/host-a/log.jsonl").read_text(encoding="utf-8")[len(log) :]
    )


def test_two_collections_of_one_name_are_refused(tmp_path: Path) -> None:
    for folder in "ab":
        (tmp_path / folder / "same").mkdir(parents=True)

    with pytest.raises(UsageError, match="two named same"):
        collections([tmp_path / "a", tmp_path / "b"])


def test_a_run_that_broke_off_before_the_answers_is_made_good(done: tuple[Path, Result]) -> None:
    from forensic_iso.case.store import log

    place, _ = done
    case = place / "out/cases/host-a"
    log(case, "ingest started")

    batch(place / "in", "--out", place / "out")

    words = [
        line.split('"what": "')[1].split('"')[0]
        for line in (case / "log.jsonl").read_text().splitlines()
    ]
    assert words[-1] == "correlated"
