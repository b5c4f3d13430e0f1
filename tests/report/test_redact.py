"""Redaction: no name survives in any form or file name, and what is no name stays."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from forensic_iso.case.store import open_reader
from forensic_iso.cli import cli
from forensic_iso.report.build import build
from forensic_iso.report.options import Options
from forensic_iso.report.redact import Redactor

SPELLINGS = {
    "account in a logon name": "run by NORDLICHT\\h.brandt at once",
    "account in a path": "C:\\Users\\h.brandt\\Downloads\\x.iso",
    "account in a file name": "scan_H.Brandt_2024.iso",
    "account in a cloud URL": "https://files.example/personal/h_brandt_nordlicht/doc.iso",
    "account in an escaped URL": "https://files.example/?u=h%2Ebrandt",
    "host in a collection's name": "Collection-FIN-WS07-20240305.zip!/C/$MFT",
    "host in a share": "\\\\FIN-WS07\\C$\\x.iso",
    "host in a file name": "kape_FIN_WS07.zip",
    "machine account": "FIN-WS07$",
    "mail address": "sent by h.brandt@nordlicht.example to kai@other.example",
    "SID": "HKU\\S-1-5-21-1111111111-2222222222-3333333333-1104\\Software",
    "SID of Entra ID": "S-1-12-1-1111111111-2222222222-3333333333-4444444444",
    "another profile": "D:\\Users\\Unheard Name\\a.iso and /Users/unheard2/x",
    "short profile": "C:\\Users\\UNHEA~1\\AppData",
    "server": "\\\\FILESRV09\\images\\x.iso",
    "server of a device path": "\\Device\\Mup\\FILESRV09\\images\\x.iso",
    "account of a known domain": "NORDLICHT\\unheard3 logged on",
}
GONE = re.compile(
    r"brandt|nordlicht|fin.ws07|unheard|unhea~|filesrv09|kai@|other\.example|S-1-5-21|S-1-12-1",
    re.IGNORECASE,
)
STAYS = (
    "C:\\Windows\\System32\\rundll32.exe docs\\a.dll,Start",
    "C:\\Users\\Public\\Downloads\\x.iso",
    "NT AUTHORITY\\SYSTEM and S-1-5-18",
    "\\\\?\\Volume{6b1e9f2c-0000-0000-0000-000000000000}\\tool.exe",
    "mounted by a user (+4); made itself permanent (+12)",
    "https://cdn.trackfreight.example.com/d/1",
    "203.0.113.77 port 443 tcp",
    '"C:\\\\Program Files\\\\a.exe" E:\\\\b.dll',
)


@pytest.fixture(scope="module")
def spoken(bundled_case: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case whose free texts hold names in all spellings."""
    case = tmp_path_factory.mktemp("spoken") / "case"
    shutil.copytree(bundled_case, case)
    text = "; ".join((*SPELLINGS.values(), *STAYS))
    with duckdb.connect(str(case / "case.duckdb")) as con:
        con.execute("UPDATE finding SET reasons = ?, weakest_link = ?", [text, text])
        con.execute("UPDATE execution SET command_line = ?, basis = ?", [text, text])
        con.execute("UPDATE source SET path = 'Collection-FIN-WS07/' || path, remark = ?", [text])
        con.execute("UPDATE problem SET message = ?", [text])
        con.execute("INSERT INTO host_alias (host, alias) VALUES ('FIN-WS07', 'FIN-WS07-OLD')")
    return case


@pytest.fixture(scope="module")
def files(spoken: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """All that `report --redact --per-host` writes, by its name."""
    out = tmp_path_factory.mktemp("out") / "FIN"
    command = ["report", str(spoken), "--out", str(out), "--redact", "--per-host"]
    assert CliRunner().invoke(cli, command, standalone_mode=False).return_value == 0
    return {
        p.relative_to(out).as_posix(): p.read_text(encoding="utf-8")
        for p in out.rglob("*")
        if p.is_file()
    }


def rewritten(case: Path, text: str) -> str:
    """What the report says for a text of the evidence."""
    with open_reader(case) as con:
        report = build(con, Options(case_name=text))
        return Redactor(con).report(report).identification[0].value


@pytest.mark.parametrize("name", SPELLINGS)
def test_a_name_is_hidden_in_every_spelling(name: str, bundled_case: Path) -> None:
    got = rewritten(bundled_case, SPELLINGS[name])

    assert not GONE.search(got), got
    assert re.search(r"(user|HOST|DOMAIN|SID|mail)-\d", got), got


@pytest.mark.parametrize("text", STAYS)
def test_what_is_no_name_stays(text: str, bundled_case: Path) -> None:
    assert rewritten(bundled_case, text) == text


def test_no_form_and_no_file_name_holds_a_name(files: dict[str, str]) -> None:
    assert {"report.html", "report.md", "report.json", "indicators.jsonl", "manifest.json"} < set(files)  # fmt: skip
    for name, text in files.items():
        assert not GONE.search(name), name
        assert not (got := GONE.search(text)), f"{name}: {text[got.start() - 60 : got.end() + 20]}"  # type: ignore[union-attr]


def test_one_name_has_one_pseudonym_in_all_files(files: dict[str, str]) -> None:
    host = next(n for n in files if n.startswith("hosts/") and n.endswith(".json"))

    def keys(text: str) -> set[str]:
        return set(re.findall(r"HK\w+\\\\(SID-\d+)", text))

    assert keys(files[host]) == keys(files["report.json"]) != set()
    assert host == "hosts/HOST-1.json"


def test_queries_of_a_redacted_report_hold_no_name(files: dict[str, str]) -> None:
    text = files["hosts/HOST-1.json"]

    assert "host = 'HOST-1'" in text


def test_words_of_the_report_survive_an_account_of_the_same_name(
    bundled_case: Path, tmp_path: Path
) -> None:
    case = tmp_path / "case"
    shutil.copytree(bundled_case, case)
    with duckdb.connect(str(case / "case.duckdb")) as con:
        con.execute("UPDATE process SET user_name = 'NORDLICHT\\mounted' WHERE pid % 2 = 0")
        con.execute("UPDATE finding SET reasons = 'mounted by a user; C:\\Users\\mounted\\x.iso'")

    with open_reader(case) as con:
        hidden = Redactor(con).report(build(con, Options()))

    facts = {f.name: f.value for f in hidden.findings[0].facts}
    assert re.fullmatch(
        r"mounted by a user; C:\\Users\\user-\d+\\x.iso", facts["Reasons for the score"]
    )
    assert [s.name for s in hidden.findings[0].chain] == ["delivered", "mounted", "executed", "active"]  # fmt: skip


def test_further_words_are_hidden_where_the_user_names_them(
    bundled_case: Path, tmp_path: Path
) -> None:
    command = ["report", str(bundled_case), "--out", str(tmp_path / "x"), "--redact-also", "Shipping"]  # fmt: skip

    done = CliRunner().invoke(cli, command, standalone_mode=False)

    text = (tmp_path / "x/report.json").read_text(encoding="utf-8")
    assert done.return_value == 0
    assert "shipping" not in text.lower() and "name-1 Documents" in text


def forms(case: Path) -> Iterator[str]:
    with open_reader(case) as con:
        for _ in range(2):
            yield str(Redactor(con).report(build(con, Options())))


def test_pseudonyms_are_the_same_at_each_run(spoken: Path) -> None:
    first, second = forms(spoken)

    assert first == second


def test_no_name_stays_from_a_former_report_in_the_folder(
    bundled_case: Path, tmp_path: Path
) -> None:
    out = str(tmp_path / "out")
    run = CliRunner().invoke
    run(cli, ["report", str(bundled_case), "--out", out, "--per-host"], standalone_mode=False)

    run(cli, ["report", str(bundled_case), "--out", out, "--redact", "--force"], standalone_mode=False)  # fmt: skip

    files = {p.relative_to(out).as_posix() for p in Path(out).rglob("*")}
    assert files == {"report.html", "report.md", "report.json", "indicators.jsonl", "manifest.json"}
