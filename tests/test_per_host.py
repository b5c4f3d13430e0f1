"""A case of several hosts becomes one case per host, with the same findings and nothing lost."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from forensic_iso.case.annotations import Annotations, Kind
from forensic_iso.case.ingest import ingest
from forensic_iso.case.schema import case_tables
from forensic_iso.case.store import open_reader, open_writer
from forensic_iso.cli import cli
from forensic_iso.correlate.run import run as correlate
from forensic_iso.per_host import split
from tests.conftest import BUNDLED
from tests.report.reading import Page
from tests.shared import CASES, needs_shared


def findings(case: Path) -> list[tuple[object, ...]]:
    with open_reader(case) as con:
        return con.execute(
            "SELECT host, image_path, verdict, score, finding_id FROM finding ORDER BY ALL"
        ).fetchall()


def counts(case: Path) -> dict[str, int]:
    with open_reader(case) as con:
        return {
            t.name: con.execute(f'SELECT count(*) FROM "{t.name}"').fetchall()[0][0]
            for t in case_tables()
        }


def analysed(evidence: Path, case: Path) -> Path:
    ingest(case, [evidence], workers=0)
    with open_writer(case) as con:
        correlate(con)
    return case


def test_one_host_gives_the_same_case_again(bundled_case: Path, tmp_path: Path) -> None:
    done = list(split(bundled_case, tmp_path))

    assert len(done) == 1
    part = tmp_path / "cases" / done[0].folder
    assert findings(part) == findings(bundled_case)
    assert counts(part) == counts(bundled_case)


def test_rows_under_a_former_name_go_to_the_host_that_bears_another_now(
    bundled_case: Path, tmp_path: Path
) -> None:
    case = shutil.copytree(bundled_case, tmp_path / "whole")
    with open_writer(case) as con:
        con.execute("INSERT INTO host_alias (host, alias) SELECT any_value(host), 'OLD' FROM event")
        con.execute("UPDATE sysmon_process_create SET host = 'OLD' WHERE record_id % 2 = 0")

    done = list(split(case, tmp_path))

    assert len(done) == 1
    assert counts(tmp_path / "cases" / done[0].folder) == counts(case)


@needs_shared
def test_hosts_are_told_apart(tmp_path: Path) -> None:
    evidence = next(p for p in CASES.iterdir() if "several-hosts" in p.name) / "evidence"
    whole = analysed(evidence, tmp_path / "case")

    done = list(split(whole, tmp_path / "out"))
    again = list(split(whole, tmp_path / "out"))

    assert len(done) > 1
    assert again == done
    parts = [findings(tmp_path / "out/cases" / d.folder) for d in done]
    assert sorted(f for part in parts for f in part) == findings(whole)
    assert all(len({f[0] for f in part}) <= 1 for part in parts)
    rows = [counts(tmp_path / "out/cases" / d.folder) for d in done]
    for name in ("sysmon_process_create", "mft_entry", "execution", "timeline", "evidence_ref"):
        assert sum(r[name] for r in rows) == counts(whole)[name]


@pytest.mark.parametrize("name", ["cases", "index.html"])
def test_names_of_hosts_lead_to_no_other_place(name: str, tmp_path: Path) -> None:
    case = tmp_path / "case"
    shutil.copytree(BUNDLED, tmp_path / "ev")
    analysed(tmp_path / "ev", case)
    with open_writer(case) as con:
        con.execute("UPDATE source SET host = '../../' || ?", [name])

    done = list(split(case, tmp_path / "out"))

    assert all((tmp_path / "out/cases" / d.folder / "case.duckdb").is_file() for d in done)
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["cases"]


def test_analyze_sums_the_hosts_up(tmp_path: Path) -> None:
    arguments = ["analyze", str(BUNDLED), "--case", str(tmp_path / "c"), "--workers", "0"]

    result = CliRunner().invoke(cli, [*arguments, "--per-host"], standalone_mode=False)

    assert result.return_value == 0, result.output
    assert "1 hosts" not in result.stdout
    rows = (tmp_path / "c/hosts/findings.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 1 + len(findings(tmp_path / "c"))
    assert (tmp_path / "c/hosts/index.html").is_file()


def test_notes_of_a_host_outlast_that_its_case_is_made_anew(
    bundled_case: Path, tmp_path: Path
) -> None:
    (one,) = split(bundled_case, tmp_path)
    part = tmp_path / "cases" / one.folder
    Annotations(part, "A. Muster").add("finding x", Kind.COMMENT, "seen", "")

    list(split(bundled_case, tmp_path))

    assert [n.value for n in Annotations(part).all()] == ["seen"]


def test_page_tells_hosts_and_what_of_them_could_not_be_read(tmp_path: Path) -> None:
    shutil.copytree(BUNDLED, tmp_path / "ev")
    (tmp_path / "ev/System.evtx").write_bytes(b"ElfFile\0")
    arguments = ["analyze", str(tmp_path / "ev"), "--case", str(tmp_path / "c"), "--workers", "0"]

    CliRunner().invoke(cli, [*arguments, "--per-host"], standalone_mode=False)

    page = Page((tmp_path / "c/hosts/index.html").read_text(encoding="utf-8"))
    said = "".join(page.text)
    assert "all hosts" in said
    assert "collection" not in said.lower()
    assert "part could not be read" in said
