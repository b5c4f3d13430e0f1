"""Many collections: a case each, a page and a CSV over all, and a second run that reads nothing again."""

import csv
import io
import shutil
from importlib import resources
from pathlib import Path
from urllib.parse import unquote

import pytest
from click import Abort
from click.testing import CliRunner, Result

from forensic_iso import __version__
from forensic_iso.batch import collections
from forensic_iso.case.store import open_reader
from forensic_iso.cli import cli
from forensic_iso.errors import NothingUsable, UsageError
from tests.conftest import BUNDLED
from tests.report.reading import ATTRIBUTES, ELEMENTS, Page


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

    with open_reader(done[0] / "out/cases/host-a") as con:
        found = con.execute("SELECT finding_id FROM finding").fetchall()
    assert {r["collection"] for r in rows} == {"host-a"}
    assert rows[0]["severity"] == "critical"
    assert sorted(r["finding_id"] for r in rows) == sorted(f for (f,) in found)


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


def test_a_fault_at_one_collection_keeps_no_other_from_being_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from forensic_iso.case import ingest

    whole = ingest.ingest_into

    def faulty(con: object, case: Path, *rest: object) -> object:
        if case.name == "a":
            raise ZeroDivisionError("somewhere")
        return whole(con, case, *rest)  # type: ignore[arg-type]

    for name in ("a", "b"):
        shutil.copytree(BUNDLED, tmp_path / "in" / name)
    monkeypatch.setattr(ingest, "ingest_into", faulty)

    result = batch(tmp_path / "in", "--out", tmp_path / "out")

    text = "".join(Page((tmp_path / "out/index.html").read_text(encoding="utf-8")).text)
    assert result.return_value == 3
    assert "a fault of this tool: ZeroDivisionError: somewhere" in text
    assert (tmp_path / "out/findings.csv").read_text(encoding="utf-8").count("\nb,") >= 1
    assert "somewhere" in (tmp_path / "out/cases/a/log.jsonl").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "end", [KeyboardInterrupt(), RuntimeError("Query interrupted")], ids=["Ctrl-C", "in a query"]
)
def test_a_batch_that_breaks_off_sums_up_what_it_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: BaseException
) -> None:
    from forensic_iso.case import ingest

    def interrupted(con: object, case: Path, *rest: object) -> object:
        if case.name == "b":
            raise end
        raise NothingUsable("nothing")

    for name in ("a", "b"):
        (tmp_path / "in" / name).mkdir(parents=True)
    monkeypatch.setattr(ingest, "ingest_into", interrupted)

    with pytest.raises((KeyboardInterrupt, Abort)):
        CliRunner().invoke(
            cli,
            ["batch", str(tmp_path / "in"), "--out", str(tmp_path / "out")],
            standalone_mode=False,
            catch_exceptions=False,
        )

    page = Page((tmp_path / "out/index.html").read_text(encoding="utf-8"))
    assert "1 collection" in "".join(page.text)


def test_reports_of_the_cases_are_linked_from_the_page(tmp_path: Path) -> None:
    shutil.copytree(BUNDLED, tmp_path / "in/host a%")

    result = batch(tmp_path / "in", "--out", tmp_path / "out", "--reports")

    page = Page((tmp_path / "out/index.html").read_text(encoding="utf-8"))
    (link,) = page.links
    assert result.return_value == 0
    assert (tmp_path / "out" / unquote(link)).is_file()
    report = (tmp_path / "out" / unquote(link)).read_text(encoding="utf-8")
    assert "host a%" in "".join(Page(report).text)


def test_a_collection_whose_name_is_no_utf8_keeps_no_other_from_being_read(tmp_path: Path) -> None:
    shutil.copytree(BUNDLED, tmp_path / "in/z")
    (tmp_path / "in/a\udcff").mkdir()

    result = batch(tmp_path / "in", "--out", tmp_path / "out")

    said = "".join(Page((tmp_path / "out/index.html").read_text(encoding="utf-8")).text)
    assert result.return_value == 3
    assert "a<U+DCFF>" in said
    assert (tmp_path / "out/findings.csv").read_text(encoding="utf-8").count("\nz,") >= 1


def test_collections_of_long_names_alike_at_their_start_are_cases_of_their_own(
    tmp_path: Path,
) -> None:
    first, second = (tmp_path / "in" / ("ä" * 100 + end) for end in "ab")
    shutil.copytree(BUNDLED, first)
    second.mkdir()
    (second / "notes.txt").write_text("nothing of Windows")

    batch(tmp_path / "in", "--out", tmp_path / "out")

    lines = (tmp_path / "out/findings.csv").read_text(encoding="utf-8").splitlines()
    assert len(list((tmp_path / "out/cases").iterdir())) == 2
    assert lines[1:]
    assert all(line.startswith(first.name) for line in lines[1:])


def test_a_link_that_leads_nowhere_is_no_fault_of_the_tool(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/lost").symlink_to(tmp_path / "nowhere")

    result = batch(tmp_path / "in", "--out", tmp_path / "out")

    assert result.return_value == 3
    assert "lost: looking for evidence" in result.stderr
    assert "fault" not in result.stderr


def test_other_rules_give_other_answers_though_nothing_is_read(tmp_path: Path) -> None:
    shutil.copytree(BUNDLED, tmp_path / "in/a")
    shipped = resources.files("forensic_iso.correlate").joinpath("rules.toml").read_text("utf-8")
    rules = tmp_path / "mine.toml"
    rules.write_text(shipped.replace("severity_high = 60", "severity_high = 61"), encoding="utf-8")
    batch(tmp_path / "in", "--out", tmp_path / "out")
    query = "SELECT value FROM rule WHERE name = 'severity_high'"
    with open_reader(tmp_path / "out/cases/a") as con:
        before = con.execute(query).fetchall()

    batch(tmp_path / "in", "--out", tmp_path / "out", "--rules", rules)

    with open_reader(tmp_path / "out/cases/a") as con:
        assert con.execute(query).fetchall() != before


def test_rules_that_cannot_be_used_are_told_before_anything_is_read(tmp_path: Path) -> None:
    shutil.copytree(BUNDLED, tmp_path / "in/a")
    (tmp_path / "mine.toml").write_text("no rules")

    with pytest.raises(UsageError, match="reading the rules"):
        CliRunner().invoke(
            cli,
            ["batch", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--rules", str(tmp_path / "mine.toml")],
            standalone_mode=False,
            catch_exceptions=False,
        )  # fmt: skip

    assert not (tmp_path / "out").exists()


def test_an_answer_of_an_earlier_version_is_made_anew(done: tuple[Path, Result]) -> None:
    place, _ = done
    log = place / "out/cases/host-a/log.jsonl"
    words = log.read_text(encoding="utf-8")
    log.write_text(words.replace(f'"tool": "{__version__}"', '"tool": "0.0.1"'), encoding="utf-8")

    batch(place / "in", "--out", place / "out")

    assert '"what": "correlated"' in log.read_text(encoding="utf-8").splitlines()[-1]


def test_a_line_of_the_log_that_was_cut_is_no_fault(done: tuple[Path, Result]) -> None:
    place, _ = done
    log = place / "out/cases/host-a/log.jsonl"
    log.write_text(log.read_text(encoding="utf-8") + '{"time_utc": "20', encoding="utf-8")

    result = batch(place / "in", "--out", place / "out")

    assert "fault" not in result.stderr


def test_page_says_what_was_lost_and_which_hosts_are_in_several_collections(
    tmp_path: Path,
) -> None:
    for name in ("a", "b"):
        shutil.copytree(BUNDLED, tmp_path / "in" / name)
    (tmp_path / "in/c").mkdir()
    (tmp_path / "in/c/System.evtx").write_bytes(b"ElfFile\0")
    (tmp_path / "in/d.zip").write_bytes(b"no archive")

    result = batch(tmp_path / "in", "--out", tmp_path / "out")

    said = "".join(Page((tmp_path / "out/index.html").read_text(encoding="utf-8")).text)
    assert "4 collections (1 could not be read, 1 only in part: see Remark)" in said
    assert "is also in b: each case knows only its own part" in said
    assert "is also in a: each case knows only its own part" in said
    assert "c: no finding; part could not be read" in result.stderr


def test_folder_of_the_results_is_no_collection(tmp_path: Path) -> None:
    (tmp_path / "in/a").mkdir(parents=True)
    (tmp_path / "in/results").mkdir()

    assert collections([tmp_path / "in"], tmp_path / "in/results") == [tmp_path / "in/a"]
