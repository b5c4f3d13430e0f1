"""What the choices of `report` do: where it writes, what it leaves out, zones, names, templates, notes."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from forensic_iso.case.annotations import Annotations, Kind, finding_subject
from forensic_iso.case.ingest import ingest
from forensic_iso.case.store import log, open_reader, open_writer
from forensic_iso.cli import cli
from forensic_iso.errors import UsageError
from forensic_iso.report import jsonform, markdown
from forensic_iso.report.html import render
from forensic_iso.report.model import Report
from forensic_iso.report.options import Options, zone
from forensic_iso.report.present import presenter
from forensic_iso.report.redact import Redactor
from tests.conftest import BUNDLED
from tests.report.reading import IMAGE, made


def test_same_case_gives_same_bytes(bundled_case: Path, tmp_path: Path) -> None:
    for name in "ab":
        done = CliRunner().invoke(
            cli,
            [
                "report",
                str(bundled_case),
                "--out",
                str(tmp_path / name),
                "--issued",
                "2024-07-01T00:00:00Z",
                "--per-host",
            ],
            standalone_mode=False,
        )
        assert done.return_value == 0

    files = [sorted(p for p in (tmp_path / n).rglob("*") if p.is_file()) for n in "ab"]
    assert [p.relative_to(tmp_path / "a") for p in files[0]] == [
        p.relative_to(tmp_path / "b") for p in files[1]
    ]
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(*files, strict=True))
    assert (tmp_path / "a/hosts/FIN-WS07.html").exists()


def test_a_folder_with_files_is_not_written_to(bundled_case: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")

    done = CliRunner().invoke(
        cli, ["report", str(bundled_case), "--out", str(tmp_path)], standalone_mode=False
    )

    assert "found files" in str(done.exception)
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


def test_one_finding_only(report: Report, bundled_case: Path) -> None:
    key = report.findings[-1].finding_id

    one = made(bundled_case, Options(finding=key))

    assert [f.finding_id for f in one.findings] == [key]
    assert one.overview.total == 1


def test_findings_outside_the_asked_times_are_left_out(bundled_case: Path) -> None:
    late = 1_800_000_000 * 1_000_000_000

    none = made(bundled_case, Options(from_ns=late))

    assert not none.findings
    assert not none.timeline.total
    assert none.summary[1] == "No disk image is reported in what was asked for."
    assert "left out, since only a part of the case was asked for" in none.summary[2]
    assert "2027-01-15" in {f.name: f.value for f in none.identification}["Times shown"]


def test_times_stand_beside_utc_in_the_chosen_zone(report: Report) -> None:
    show = presenter(report, zone("Europe/Berlin"))

    assert (
        show.time("2024-05-14T08:14:31.482000Z")
        == "2024-05-14 08:14:31.482 UTC (2024-05-14 10:14:31 +0200)"
    )


def test_redaction_leaves_no_name_and_keeps_them_apart(report: Report, bundled_case: Path) -> None:
    with open_reader(bundled_case) as con:
        hidden = Redactor(con).report(report)

    out = (
        render(hidden, presenter(hidden))
        + markdown.render(hidden, presenter(hidden))
        + jsonform.render(hidden)
    )

    for name in ("FIN-WS07", "h.brandt", "NORDLICHT", "S-1-5-21-"):
        assert name.lower() not in out.lower(), name
    assert "HOST-1" in out
    assert {f.image_path.rpartition("\\")[0] for f in hidden.findings} == {
        hidden.findings[0].image_path.rpartition("\\")[0]
    }


def test_notes_of_the_analysts_stand_apart_and_at_their_finding(
    bundled_case: Path, tmp_path: Path, report: Report
) -> None:
    case = tmp_path / "case"
    shutil.copytree(bundled_case, case)
    key = report.findings[0].finding_id
    notes = Annotations(case, author="A. Muster <b>")
    notes.add(finding_subject(key), Kind.COMMENT, "opened by mistake <script>", "the image")
    notes.add(finding_subject(key), Kind.TAG, "key-finding", "the image")

    noted = made(case)

    assert noted.notes.total == 2
    assert [n.name for n in noted.findings[0].notes] == ["A. Muster <b>"] * 2
    assert "opened by mistake &lt;script&gt;" in render(noted, presenter(noted))


def test_own_template_is_rendered_in_a_sandbox(bundled_case: Path, tmp_path: Path) -> None:
    good, bad = tmp_path / "mine.html.j2", tmp_path / "bad.html.j2"
    good.write_text("<p>{{ report.findings[0].image_path }} {{ shown('<b>\u202e').text }}</p>")
    bad.write_text("{{ report.__class__.__mro__[1].__subclasses__() }}")
    model = made(bundled_case)

    out = render(model, presenter(model), good)

    assert out == f"<p>{IMAGE} &lt;b&gt;&lt;U+202E&gt;</p>"
    with pytest.raises(Exception, match=r"unsafe|undefined|UsageError"):
        render(model, presenter(model), bad)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\n{{ ''.__class__.__mro__ }}", "line 2: access to attribute '__class__' of 'str'"),
        ("{{ shown.__globals__ }}", "line 1: access to attribute '__globals__'"),
        ("{{ cycler.__init__.__globals__ }}", "access to attribute '__init__'"),
        ("{% include '../secret.txt' %}", "no template '../secret.txt' beside it"),
        ("{% include '/etc/passwd' %}", "no template '/etc/passwd' beside it"),
        ("\n\n{{ 1 / 0 }}", "line 3: division by zero"),
        ("{% for i in range(999999999) %}{% endfor %}", "line 1: Range too big"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "recursion"),
        ("\n{% if %}", "line 2: Expected an expression"),
        ("{{ report.nothing }}", "no attribute 'nothing'"),
    ],
)
def test_a_mistake_in_an_own_template_is_told_with_its_line(
    report: Report, tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "own").mkdir()
    template = tmp_path / "own/mine.html.j2"
    template.write_text(text)

    with pytest.raises(UsageError) as told:
        render(report, presenter(report), template)

    assert "rendering the template" in str(told.value)
    assert said in str(told.value)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from", "2025-01-01", "--to", "2024-01-01"], "expected a time after --from 2025-01-01"),
        (["--from", "2025-01-01", "--to", "2025-01-01"], "expected a time after --from"),
        (["--host", "WS-2", "--finding", "FINDING"], "it is one of"),
    ],
)
def test_a_choice_that_can_hold_nothing_is_refused(
    bundled_case: Path, tmp_path: Path, arguments: list[str], said: str
) -> None:
    case = shutil.copytree(bundled_case, tmp_path / "case")
    with open_writer(case) as con:
        con.execute("UPDATE source SET host = 'WS-2' WHERE kind = 'lnk'")
        (finding,) = con.execute("SELECT finding_id FROM finding LIMIT 1").fetchone() or ("",)
    given = [str(finding) if a == "FINDING" else a for a in arguments]

    with pytest.raises(UsageError, match=said):
        CliRunner().invoke(
            cli,
            ["report", str(case), "--out", str(tmp_path / "out"), *given],
            standalone_mode=False,
            catch_exceptions=False,
        )


def test_a_report_of_one_finding_counts_it_and_has_its_host_only(
    bundled_case: Path, tmp_path: Path
) -> None:
    case = shutil.copytree(bundled_case, tmp_path / "case")
    with open_writer(case) as con:
        con.execute("UPDATE source SET host = 'WS-2' WHERE kind = 'lnk'")
        (finding,) = con.execute("SELECT min(finding_id) FROM finding").fetchone() or ("",)
    arguments = ["report", str(case), "--out", str(tmp_path / "out"), "--finding", str(finding)]

    CliRunner().invoke(cli, [*arguments, "--per-host"], standalone_mode=False)

    told = json.loads((tmp_path / "out/report.json").read_text())
    assert {f["name"]: f["value"] for f in told["figures"]}["Findings"] == "1 of 2"
    assert [p.name for p in (tmp_path / "out/hosts").glob("*.html")] == ["FIN-WS07.html"]


def test_what_is_left_out_is_no_further_one_where_nothing_is_told(bundled_case: Path) -> None:
    after = made(bundled_case, Options(from_ns=1_900_000_000_000_000_000))

    assert after.summary[-1].startswith("2 findings are left out")


def test_a_case_that_was_not_correlated_gives_no_report_that_nothing_was_seen(
    bundled_case: Path, tmp_path: Path
) -> None:
    case, out = tmp_path / "case", tmp_path / "out"
    ingest(case, [BUNDLED], workers=0)

    for command in (["report"], ["export", "--format", "stix"], ["export", "--format", "timesketch"]):  # fmt: skip
        with pytest.raises(UsageError, match="read and never correlated"):
            CliRunner().invoke(
                cli,
                [*command, str(case), "--out", str(out)],
                standalone_mode=False,
                catch_exceptions=False,
            )
    assert not out.exists()


@pytest.mark.parametrize(("read", "refused"), [("read_now=3, ", True), ("read_now=0, ", False)])
def test_evidence_read_after_the_correlation_is_told_before_a_report_is_written(
    bundled_case: Path, tmp_path: Path, read: str, refused: bool
) -> None:
    case = shutil.copytree(bundled_case, tmp_path / "case")
    for what, told in (("correlated", ""), ("ingest started", ""), ("ingest ended", f"Summary({read})")):  # fmt: skip
        log(case, what, summary=told)

    result = CliRunner().invoke(
        cli, ["report", str(case), "--out", str(tmp_path / "out")], standalone_mode=False
    )

    assert isinstance(result.exception, UsageError) == refused
    assert (tmp_path / "out").exists() != refused
