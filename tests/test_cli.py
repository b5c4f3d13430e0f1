"""The command line from outside: answers on stdout, words on stderr, exit codes as documented."""

import csv
import io
import json
import os
import re
import resource
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from forensic_iso.cli import cli, main
from tests.conftest import BUNDLED

TRUTH = json.loads((BUNDLED.parent / "truth.json").read_text(encoding="utf-8"))


def run(*args: object, **kw: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "forensic_iso", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, **kw)  # type: ignore[call-overload,no-any-return]


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    case = tmp_path_factory.mktemp("cli") / "case"
    done = run("analyze", BUNDLED, "--case", case)
    assert done.returncode in (0, 3), done.stderr
    return case


def test_findings_tell_the_story_of_the_bundled_case(case: Path) -> None:
    out = run("findings", case).stdout

    assert TRUTH["findings"][0]["image_path"] in out
    for word in ("delivered", "mounted", "executed", "weakest"):
        assert word in out
    assert TRUTH["deliveries"][0]["host_url"] in out


def test_second_analyze_says_that_nothing_is_new(case: Path) -> None:
    done = run("analyze", BUNDLED, "--case", case)

    assert "already in the case" in done.stderr
    assert "nothing new" in done.stderr


@pytest.mark.parametrize("form", ["json", "jsonl", "csv"])
def test_findings_in_machine_form(case: Path, form: str) -> None:
    out = run("findings", case, "--format", form).stdout

    if form == "json":
        rows = json.loads(out)
    elif form == "jsonl":
        rows = [json.loads(line) for line in out.splitlines()]
    else:
        rows = list(csv.DictReader(io.StringIO(out)))
    assert {r["image_path"] for r in rows} >= {f["image_path"] for f in TRUTH["findings"]}


def test_explain_leads_to_bytes(case: Path) -> None:
    finding = json.loads(run("findings", case, "--format", "json").stdout)[0]["finding_id"]

    rows = json.loads(run("explain", case, finding, "--format", "json").stdout)

    assert {"vhdmp", "sysmon_process_create"} <= {r["table_name"] for r in rows}
    assert all(r["path"] and str(r["row_address"]).isdigit() for r in rows)


def test_findings_of_a_case_that_was_never_correlated_are_not_called_none(tmp_path: Path) -> None:
    run("ingest", BUNDLED, "--case", tmp_path / "case", "--workers", "0")

    done = run("findings", tmp_path / "case")

    assert "never correlated" in done.stderr
    assert "no finding" not in done.stdout


def test_a_name_that_is_no_text_is_read(tmp_path: Path) -> None:
    given = os.fsencode(tmp_path) + b"/a\xff.evtx"
    Path(os.fsdecode(given)).write_bytes(next(BUNDLED.rglob("Security.evtx")).read_bytes())

    run("ingest", os.fsdecode(given), "--case", tmp_path / "case", "--workers", "0")

    rows = json.loads(
        run(
            "sql", tmp_path / "case", "SELECT path, given, state FROM source", "--format", "json"
        ).stdout
    )
    assert [(r["path"], r["state"]) for r in rows] == [("a\\udcff.evtx", "done")]
    assert rows[0]["given"].endswith("a\\udcff.evtx")


def test_every_command_has_an_example() -> None:
    for name, command in cli.commands.items():
        assert "Example: forensic-iso" in (command.help or ""), name


def test_sql_error_is_wrong_usage(case: Path) -> None:
    done = run("sql", case, "SELEC 1")

    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_sql_prints_json(case: Path) -> None:
    assert json.loads(run("sql", case, "SELECT 1 AS one", "--format", "json").stdout) == [
        {"one": 1}
    ]


def test_hunts_are_listed_with_what_they_miss(case: Path) -> None:
    rows = json.loads(run("hunts", case, "--format", "json").stdout)

    assert {"hunt_kql_inner", "hunt_kql_default", "hunt_nearest"} <= {r["hunt"] for r in rows}
    assert all(r["misses"] for r in rows)


@pytest.mark.parametrize("show", ["summary", "sources", "problems", "coverage", "tables"])
def test_info_lists(case: Path, show: str) -> None:
    done = run("info", case, "--show", show, "--format", "json")

    assert done.returncode == 0, done.stderr
    assert isinstance(json.loads(done.stdout), list)


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["findings", "no-such-case"], 5),
        (["analyze", "no-such-evidence", "--case", "c"], 2),
        (["analyze"], 2),
        (["frobnicate"], 2),
        (["ingest", ".", "--case", "c", "--since", "yesterday"], 2),
    ],
)
def test_exit_codes(tmp_path: Path, args: list[str], code: int) -> None:
    done = run(
        *args, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    )

    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_usable_is_exit_4(tmp_path: Path) -> None:
    (tmp_path / "ev").mkdir()
    (tmp_path / "ev/readme.txt").write_text("no artifact")

    done = run("analyze", tmp_path / "ev", "--case", tmp_path / "c")

    assert done.returncode == 4
    assert "expected" in done.stderr


def test_fail_on_high_exits_1(case: Path) -> None:
    assert run("findings", case, "--fail-on", "info").returncode == 1


def test_damaged_log_is_exit_3_and_the_rest_is_read(tmp_path: Path) -> None:
    ev = tmp_path / "ev"
    ev.mkdir()
    log = sorted(BUNDLED.rglob("*Sysmon*.evtx"))[0].read_bytes()
    wounded = bytearray(log)
    size = int.from_bytes(wounded[4096 + 516 : 4096 + 520], "little")
    at = 4096 + 512 + size
    wounded[at : at + 24] = bytes(24)
    (ev / "Microsoft-Windows-Sysmon%4Operational.evtx").write_bytes(wounded)

    done = run("ingest", ev, "--case", tmp_path / "c")

    assert done.returncode == 3, done.stderr
    rows = json.loads(run("info", tmp_path / "c", "--show", "problems", "--format", "json").stdout)
    assert any(re.search(r"\d", r["place"]) for r in rows)


def test_zip_of_hostile_names_is_read_and_reported(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as z:
        for p in sorted(BUNDLED.rglob("*.evtx"))[:2]:
            z.writestr(f"../../{p.name}", p.read_bytes())
        z.writestr("\x1b]52;c;QQ==\x07.txt", b"x")

    done = run("analyze", tmp_path / "x.zip", "--case", tmp_path / "c")

    assert done.returncode in (0, 3), done.stderr
    assert "\x1b]" not in done.stdout + done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["c", "x.zip"]


def test_help_is_light() -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    out = run("--help").stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)

    assert "analyze" in out
    code = "import sys, forensic_iso.cli; print(sorted(m for m in ('polars','duckdb','numpy','rich') if m in sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert loaded == "[]"
    assert after.ru_utime > before.ru_utime


def test_a_fault_of_our_own_is_no_level_of_findings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(**_: object) -> int:
        raise RuntimeError("bug")

    monkeypatch.setattr("forensic_iso.cli.cli.main", broken)

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 6
    assert "RuntimeError: bug" in capsys.readouterr().err
