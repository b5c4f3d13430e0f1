"""Which findings the hits of rules support, and where that is told."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

pytest.importorskip("sigma", reason="needs pySigma: pip install 'forensic-iso[sigma]'")

from forensic_iso.case.store import open_reader, open_writer
from forensic_iso.cli import cli
from forensic_iso.correlate.run import run as correlate
from forensic_iso.report import jsonform, markdown
from forensic_iso.report.build import build
from forensic_iso.report.html import render
from forensic_iso.report.model import Report
from forensic_iso.report.options import Options
from forensic_iso.report.present import presenter
from forensic_iso.sigma.run import run
from forensic_iso.sigma.support import hits_of, rules_of
from forensic_iso.story import parts, stories
from tests.sigma.cases import ISO, PROCESS, SYSMON, Case, rule

EVIL = "evil <script>alert(1)</script>"
RULES = (
    f"""
title: "{EVIL}\\e[31m \\u202e=cmd|x"
id: 00000000-0000-0000-0000-000000000001
level: high
logsource: {{product: windows, category: process_creation}}
detection:
  s: {{Image|endswith: '\\rundll32.exe'}}
  condition: s
---
"""
    + rule("plain", PROCESS, "s: {Image|exists: true}")
    + "---\n"
    + rule("mac", "product: macos", "s: {a: b}")
)


def test_a_hit_tells_its_finding_and_the_strongest_ground(case: Case) -> None:
    def process(time: str, **fields: object) -> str:
        return case.add("sysmon_process_create", SYSMON, 1, time, image="x", **fields)

    cited = process("2024-01-01 10:01:00")
    started = process("2024-01-01 10:02:00", process_guid="{A}")
    child = process("2024-01-01 12:03:00", process_guid="{B}")
    inside = process("2024-01-01 10:04:00", process_guid="{C}")
    after = process("2024-01-01 12:05:00")
    act = case.add("sysmon_dns", SYSMON, 22, "2024-01-01 12:06:00", image="x", process_guid="{b}")
    place = {"host": "WS-1", "image_path": ISO}
    case.insert("finding", finding_id="f1", **place)
    case.insert(
        "mount_session", session_id="m1", opened_utc="2024-01-01 10:00", closed_utc="2024-01-01 11:00", **place
    )  # fmt: skip
    case.insert("execution", execution_id="e1", process_key="k1", session_id="m1", **place)
    case.insert("finding_part", finding_id="f1", part="session", part_id="m1", **place)
    case.insert("finding_part", finding_id="f1", part="execution", part_id="e1", **place)
    for key, parent, guid, offset in (("k1", None, "{A}", started), ("k2", "k1", "{B}", child)):
        case.insert(
            "process", host="WS-1", process_key=key, parent_key=parent, process_guid=guid,
            sysmon_source_id="s1", sysmon_offset=int(offset),
        )  # fmt: skip
    case.insert(
        "evidence_ref", subject_id="e1", step="executed", source_id="s1",
        table_name="sysmon_process_create", row_address=cited, role="process start",
    )  # fmt: skip

    case.run(
        rule("r", PROCESS, "s: {Image: x}")
        + "---\n"
        + rule("d", "product: windows, category: dns_query", "s: {Image: x}")
        + "---\n"
        + rule("m", "product: forensic_iso, service: mount_session", "s: {host: ws-1}")
        + "---\n"
        + rule("p", "product: forensic_iso, service: process", "s: {process_key: k2}")
    )

    assert {address: (f, basis) for address, f, basis in case.links()} == {
        cited: ("f1", "evidence of the finding (executed: process start)"),
        started: ("f1", "process run from the image"),
        child: ("f1", "descends from a process run from the image"),
        inside: (
            "f1",
            "inside the mount session of 2024-01-01 10:00:00 UTC; same host and time, no more",
        ),
        after: (None, None),
        act: ("f1", "act of a process that descends from one run from the image"),
        "m1": ("f1", "is the mount session itself"),
        "k2": ("f1", "descends from a process run from the image"),
    }


def two_findings(case: Case) -> str:
    """A process start that two findings cite; its address."""
    address = case.add("sysmon_process_create", SYSMON, 1, "2024-01-01 10:01:00", image="x")
    for name in ("f1", "f2"):
        case.insert("finding", finding_id=name, host="WS-1", image_path=f"{ISO}.{name}")
        case.insert(
            "evidence_ref", subject_id=name, step="executed", source_id="s1",
            table_name="sysmon_process_create", row_address=address, role="process start",
        )  # fmt: skip
    return address


def test_a_hit_supports_every_finding_that_shares_its_strongest_ground(case: Case) -> None:
    address = two_findings(case)
    case.insert("finding", finding_id="f3", host="WS-1", image_path=ISO)
    case.insert(
        "mount_session", session_id="m", host="WS-1", image_path=ISO, opened_utc="2024-01-01 10:00"
    )

    case.run(rule("r", PROCESS, "s: {Image: x}"))

    ground = "evidence of the finding (executed: process start)"
    assert case.links() == [(address, "f1", ground), (address, "f2", ground)]


def test_findings_made_anew_are_supported_without_a_new_run_of_the_rules(case: Case) -> None:
    two_findings(case)
    case.run(rule("r", PROCESS, "s: {Image: x}"))

    case.con.execute("DELETE FROM finding WHERE finding_id = 'f1'")
    case.con.execute("UPDATE evidence_ref SET subject_id = 'f9' WHERE subject_id = 'f2'")
    case.con.execute("UPDATE finding SET finding_id = 'f9' WHERE finding_id = 'f2'")

    assert {f for _, f, _ in case.links()} == {"f9"}
    assert set(rules_of(case.con)) == set(hits_of(case.con)) == {"f9"}


def test_a_rule_of_another_set_is_run_anew_and_not_doubled(case: Case) -> None:
    two_findings(case)
    text = rule("r", PROCESS, "s: {Image: x}")

    case.run(text, "first")
    case.run(text + "---\n" + rule("s", PROCESS, "s: {Image: y}"), "other")
    case.run(text, "second")

    query = "SELECT rule_set, title, rule_number FROM sigma_hit ORDER BY ALL"
    assert case.con.execute(query).fetchall() == [("other", "r", 1), ("second", "r", 1)]
    assert rules_of(case.con)["f1"] == [
        {"finding_id": "f1", "direct": True, "level": "medium", "title": "r", "rule_id": None, "hits": 1}
    ]  # fmt: skip


def test_rules_are_told_by_level_and_those_of_the_mounts_time_only_counted(case: Case) -> None:
    case.add("sysmon_process_create", SYSMON, 1, "2024-01-01 10:01:00", image="near")
    two_findings(case)
    case.insert(
        "mount_session",
        session_id="m",
        host="WS-1",
        image_path=f"{ISO}.f1",
        opened_utc="2024-01-01 10:00",
    )
    case.insert("finding_part", finding_id="f1", part="session", part_id="m", host="WS-1")
    case.run(
        "---\n".join(
            rule(title, PROCESS, f"s: {{Image|contains: {image}}}").replace("medium", level)
            for title, level, image in (
                ("b", "low", "x"), ("a", "low", "x"), ("z", "critical", "x"), ("n", "high", "near"),
            )
        )
    )  # fmt: skip

    story = next(s for s in stories(case.con) if s.finding["finding_id"] == "f1")

    (line,) = [p.text for p in parts(story) if p.label == "Sigma"]
    assert line == (
        "critical: z (1); low: a (1); low: b (1); 1 row lies only in the time of the mount, met by 1 rule"
    )


def test_a_case_without_hits_has_no_word_of_rules(case: Case) -> None:
    two_findings(case)

    assert all(p.label != "Sigma" for s in stories(case.con) for p in parts(s))
    assert rules_of(case.con) == hits_of(case.con) == {}
    assert build(case.con, Options()).sigma is None


@pytest.fixture(scope="module")
def met(bundled_case: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled case with hits of RULES."""
    folder = tmp_path_factory.mktemp("met")
    shutil.copytree(bundled_case, folder / "case")
    (folder / "r.yml").write_text(RULES, encoding="utf-8")
    with open_writer(folder / "case") as con:
        run(con, folder / "r.yml", "set")
    return folder / "case"


def finding_id(case: Path) -> str:
    with open_reader(case) as con:
        return str(max(rules_of(con).items(), key=lambda i: (len(i[1]), i[0]))[0])


def test_verdict_and_score_do_not_change_by_hits_and_hits_outlive_correlation(
    met: Path, bundled_case: Path, tmp_path: Path
) -> None:
    shutil.copytree(met, tmp_path / "case")
    with open_reader(met) as con:
        before = hits_of(con)

    with open_writer(tmp_path / "case") as con:
        correlate(con)
        after = hits_of(con)
        findings = con.execute("FROM finding ORDER BY ALL").fetchall()

    assert before and after == before
    with open_reader(bundled_case) as con:
        assert findings == con.execute("FROM finding ORDER BY ALL").fetchall()


def test_explain_lists_the_rows_that_met_rules_after_the_evidence(met: Path) -> None:
    told = CliRunner().invoke(cli, ["explain", str(met), finding_id(met), "--format", "json"])

    rows = json.loads(told.output)
    hits = [r for r in rows if r["step"] == "sigma"]
    assert hits and rows[-len(hits) :] == hits
    assert {r["role"].split(":")[0] for r in hits} == {"high", "medium"}
    assert all(r["path"] and r["source_id"] and r["row_address"].isdigit() for r in hits)


def test_explain_as_text_groups_by_step_and_file_and_is_safe(met: Path) -> None:
    told = CliRunner().invoke(cli, ["explain", str(met), finding_id(met)])

    steps = [s for s in told.output.splitlines() if s and not s.startswith(" ")][1:]
    assert steps[0] == "delivered" and steps[-1] == "rules met"
    assert len(steps) == len(set(steps))
    assert f"high: {EVIL}\\x1b[31m <U+202E>=cmd|x (" in told.output
    assert "\x1b" not in told.output and "\u202e" not in told.output


@pytest.fixture(scope="module")
def report(met: Path) -> Report:
    with open_reader(met) as con:
        return build(con, Options())


def test_the_report_counts_hits_by_rule_and_names_what_was_not_run(report: Report) -> None:
    assert report.sigma is not None

    high, plain = report.sigma.hits.rows

    assert high[0] == "high" and str(high[1]).startswith(EVIL) and plain[:2] == ("medium", "plain")
    assert isinstance(high[2], int) and isinstance(plain[2], int) and 0 < high[2] < plain[2]
    assert report.sigma.not_run.rows == (
        ("r.yml", "mac", "refused", "a case holds no logs of product macos"),
    )
    assert report.sigma.sentence.startswith("3 rules of the user read, 2 run over the case.")


def test_a_findings_listing_of_hits_agrees_with_the_counts(report: Report) -> None:
    assert report.sigma is not None

    of_findings = [x for f in report.findings for x in f.listings if x.name == "sigma"]

    supporting = {(r[2], r[4], r[5], r[6]) for x in of_findings for r in x.rows}
    assert of_findings and all(x.total == len(x.rows) for x in of_findings)
    for row in report.sigma.hits.rows:
        assert row[3] == sum(1 for s in supporting if s[0] == row[1])


def test_all_forms_tell_of_the_rules_and_their_titles_are_inert(report: Report) -> None:
    show = presenter(report)
    page, text, data = render(report, show), markdown.render(report, show), jsonform.render(report)

    assert 'id="sigma"' in page and "<script" not in page and "\u202e" not in page + text
    assert "## Sigma rules" in text and "\\<script\\>" in text
    assert json.loads(data)["sigma"]["hits"]["rows"][0][1].startswith(EVIL)


def test_a_report_of_one_finding_counts_its_own_hits_only(met: Path) -> None:
    key = finding_id(met)
    with open_reader(met) as con:
        one = build(con, Options(finding=key))
        own = sum(int(str(r["hits"])) for r in rules_of(con, key)[key] if r["direct"])

    assert one.sigma is not None
    assert sum(int(str(r[2])) for r in one.sigma.hits.rows) == own
