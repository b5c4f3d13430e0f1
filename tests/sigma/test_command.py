"""`forensic-iso sigma run` from outside: exit codes, what is listed, what a case then holds."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

pytest.importorskip("sigma", reason="needs pySigma: pip install 'forensic-iso[sigma]'")

from forensic_iso.case.store import open_reader, open_writer
from forensic_iso.cli import main
from forensic_iso.export.run import run as export
from tests.shared import REAL, needs_shared

RULE = """title: x
level: high
logsource: {product: windows, category: process_creation}
detection:
  s: {Image|endswith: '\\x.exe'}
  condition: s
"""


@dataclass(frozen=True, slots=True)
class Done:
    """What a command ended with."""

    code: int
    out: str
    err: str


class Cli:
    """The command line, in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.monkeypatch = monkeypatch
        self.capsys = capsys

    def __call__(self, *args: object) -> Done:
        self.monkeypatch.setattr(sys, "argv", ["forensic-iso", *map(str, args)])
        with pytest.raises(SystemExit) as ended:
            main()
        told = self.capsys.readouterr()
        return Done(int(ended.value.code or 0), told.out, told.err)


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(monkeypatch, capsys)


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sigma") / "case"
    with open_writer(folder) as con:
        con.execute(
            "INSERT INTO sysmon_process_create (host, time_utc, channel, event_id, image, source_id, record_offset)"
            " VALUES ('H', '2024-01-01', 'Microsoft-Windows-Sysmon/Operational', 1, 'C:\\x.exe', 's', 512)"
        )
        con.execute("INSERT INTO boot (host, boot_number) VALUES ('H', 1)")
    return folder


def test_rules_that_run_end_in_0_and_their_hits_are_printed(
    cli: Cli, case: Path, tmp_path: Path
) -> None:
    (tmp_path / "r.yml").write_text(RULE)

    done = cli("sigma", "run", tmp_path, case, "--format", "json", "--set", "ok")

    assert done.code == 0, done.err
    (row,) = json.loads(done.out)
    assert (row["level"], row["title"], row["hits"], row["rule_file"]) == ("high", "x", 1, "r.yml")
    assert "1 rules read, 1 run" in done.err


def test_hits_are_listed_and_narrowed_to_a_finding(cli: Cli, case: Path, tmp_path: Path) -> None:
    (tmp_path / "r.yml").write_text(RULE)
    cli("sigma", "run", tmp_path, case, "--set", "listed")

    whole = cli("sigma", "hits", case, "--format", "json")
    none = cli("sigma", "hits", case, "--format", "json", "--finding", "f")

    assert ("listed", "512") in {(r["rule_set"], r["row_address"]) for r in json.loads(whole.out)}
    assert json.loads(none.out) == []


def test_rules_that_cannot_run_are_listed_and_end_in_3(
    cli: Cli, case: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.yml").write_text(RULE.replace("windows", "macos"))
    (tmp_path / "b.yml").write_text("title: [\n")

    done = cli("sigma", "run", tmp_path, case, "--set", "bad")

    assert done.code == 3
    assert "refused: a.yml: x: a case holds no logs of product macos" in done.err
    assert "malformed: b.yml: no title: no YAML" in done.err
    with open_reader(case) as con:
        rows = con.execute(
            "SELECT rule_file, state, hits FROM sigma_rule WHERE rule_set = 'bad' ORDER BY ALL"
        ).fetchall()
    assert rows == [("a.yml", "refused", 0), ("b.yml", "malformed", 0)]


def test_wrong_usage_ends_in_2_and_no_case_in_5(cli: Cli, case: Path, tmp_path: Path) -> None:
    (tmp_path / "r.yml").write_text(RULE)
    (tmp_path / "none").mkdir()

    assert cli("sigma", "run", tmp_path / "none", case).code == 2
    assert cli("sigma", "run", tmp_path / "r.yml", tmp_path / "nothing").code == 5
    assert not (tmp_path / "nothing").exists()


def test_a_case_with_hits_on_derived_rows_is_exported(cli: Cli, case: Path, tmp_path: Path) -> None:
    (tmp_path / "r.yml").write_text(
        "title: own\nlogsource: {product: forensic_iso, service: boot}\n"
        "detection:\n  s: {boot_number: 1}\n  condition: s\n"
    )
    assert cli("sigma", "run", tmp_path / "r.yml", case).code == 0

    export(case, "jsonl", tmp_path / "out", False, False, lambda what, done, total: None)

    lines = (tmp_path / "out/sigma_hit.jsonl").read_text().splitlines()
    assert "own" in {json.loads(line)["title"] for line in lines}


@needs_shared
def test_hits_in_real_logs_are_those_an_independent_reader_gives(cli: Cli, tmp_path: Path) -> None:
    evtx = pytest.importorskip("evtx", reason="needs the reader evtx")
    logs = REAL / "SigmaHQ_sigma"
    expected = []
    for path in sorted(logs.glob("*.evtx")):
        for record in evtx.PyEvtxParser(str(path)).records_json():
            event = json.loads(record["data"])["Event"]
            data = event.get("EventData") or {}
            if (
                event["System"]["EventID"] == 1
                and event["System"]["Channel"] == "Microsoft-Windows-Sysmon/Operational"
                and str(data["ParentImage"]).lower().endswith("\\cmd.exe")
                and "microsoft" not in str(data["Company"]).lower()
            ):
                expected.append((path.name, event["System"]["EventRecordID"]))
    assert expected
    (tmp_path / "r.yml").write_text(
        RULE.replace("Image|endswith: '\\x.exe'", "ParentImage|endswith: '\\CMD.EXE'").replace(
            "  condition: s", "  f: {Company|contains: MICROSOFT}\n  condition: s and not f"
        )
    )
    assert cli("ingest", logs, "--case", tmp_path / "case", "--workers", 0).code in (0, 3)

    done = cli("sigma", "run", tmp_path / "r.yml", tmp_path / "case")

    assert done.code == 0, done.err
    with open_reader(tmp_path / "case") as con:
        found = con.execute(
            "SELECT s.path, e.record_id FROM sigma_hit h JOIN source s USING (source_id) JOIN sysmon_process_create e"
            " ON e.source_id = h.source_id AND e.record_offset::VARCHAR = h.row_address"
        ).fetchall()
    assert sorted((Path(path).name, number) for path, number in found) == sorted(expected)
