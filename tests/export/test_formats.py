"""What single formats require of values: whole seconds, whole hives, one attribute a value, opened parents."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from forensic_iso.case.store import open_reader
from forensic_iso.export import misp, navigator, stix
from forensic_iso.export.run import run
from forensic_iso.export.stream import blocks
from forensic_iso.export.tables import pieces, present_tables
from forensic_iso.indicators import Found, indicators, weighs

HKU = "HKU\\S-1-5-21-1-2-3-1001\\Software\\Run\\Helper"


def found(kind: str, value: str, finding: str = "f1", **other: object) -> Found:
    given = {
        "severity": "critical",
        "host": "H",
        "time": datetime(2024, 5, 1, 12, 0, 0, 5),  # noqa: DTZ001
        "basis": "dns d1",
    }
    return Found(kind, value, finding_id=finding, **{**given, **other})  # type: ignore[arg-type]


def changed(bundled: Path, into: Path, *commands: str) -> Path:
    shutil.copytree(bundled, into)
    with duckdb.connect(str(into / "case.duckdb")) as con:
        for command in commands:
            con.execute(command)
    return into


def export(case: Path, form: str, out: Path) -> Path:
    run(case, form, out, False, False, lambda what, done, total: None)
    return out


def test_seconds_of_the_bodyfile_are_cut_and_never_lie_after_the_time(
    bundled_case: Path, tmp_path: Path
) -> None:
    case = changed(
        bundled_case,
        tmp_path / "case",
        "UPDATE mft_entry SET si_created_utc = TIMESTAMP_NS '2024-05-14 08:14:31.999999900'",
    )

    lines = (
        (export(case, "bodyfile", tmp_path / "out") / "FIN-WS07.bodyfile").read_text().splitlines()
    )

    want = int(datetime(2024, 5, 14, 8, 14, 31, tzinfo=UTC).timestamp())
    own = [x for x in lines[1:] if "($FILE_NAME)" not in x]
    assert {int(x.rsplit("|", 1)[1]) for x in own} == {want}


def test_each_file_table_has_a_bodyfile_of_its_own(bundled_case: Path, tmp_path: Path) -> None:
    case = changed(
        bundled_case,
        tmp_path / "case",
        "INSERT INTO mft_name BY NAME SELECT * REPLACE ('feedfeedfeedfeed' AS source_id) FROM mft_name",
    )

    out = export(case, "bodyfile", tmp_path / "out")

    names = {p.name for p in out.glob("*.bodyfile")}
    contents = json.loads((out / "manifest.json").read_text())["contents"]
    assert names == {"FIN-WS07.1.bodyfile", "FIN-WS07.2.bodyfile"}
    assert {c["source_id"] for c in contents} > {"feedfeedfeedfeed"}
    assert len({c["rows"] for c in contents}) == 1


def test_l2tcsv_says_which_times_of_a_file_a_row_holds(bundled_case: Path, tmp_path: Path) -> None:
    import csv

    case = changed(
        bundled_case,
        tmp_path / "case",
        "UPDATE timeline SET summary = 'C:\\modified.txt: created, accessed' WHERE rid = (SELECT min(rid) FROM timeline WHERE source = '$MFT')",
    )

    with (export(case, "l2tcsv", tmp_path / "out") / "l2t.csv").open(newline="") as f:
        rows = [r for r in csv.DictReader(f) if r["desc"] == "C:\\modified.txt: created, accessed"]

    assert [r["MACB"] for r in rows] == [".A.B"]


def test_stix_writes_hives_in_full_and_a_value_beside_its_key() -> None:
    key = "HKEY_USERS\\\\S-1-5-21-1-2-3-1001\\\\Software\\\\Run"

    assert stix.pattern(found("registry-key", HKU)) == (
        f"[windows-registry-key:key = '{key}\\\\Helper'] OR"
        f" [windows-registry-key:key = '{key}' AND windows-registry-key:values[*].name = 'Helper']"
    )


@pytest.mark.parametrize("kind", [*stix.PATTERNS, "file-path", "registry-key"])
def test_stix_patterns_are_taken_by_the_grammar(kind: str) -> None:
    grammar = pytest.importorskip("stix2patterns.v21.pattern", reason="needs stix2-patterns")
    value = {"sha256": "ab" * 32, "md5": "ab" * 16, "registry-key": HKU}.get(
        kind, "C:\\a'b\\c] OR ["
    )

    assert grammar.Pattern(stix.pattern(found(kind, value))).inspect()


def test_files_beside_the_one_that_ran_are_not_called_malicious() -> None:
    assert weighs(found("sha256", "aa", basis="the image itself"))
    assert not weighs(found("sha256", "aa", basis="in the image: readme.txt"))
    assert not weighs(found("domain", "a.example", severity="medium"))


def test_misp_holds_a_value_once_and_names_all_its_findings() -> None:
    same = (found("domain", "a.example", "f1"), found("domain", "A.example", "f2", host="K"))

    (attribute,) = misp.event([], same, "amber")["Event"]["Attribute"]  # type: ignore[index]

    assert attribute["comment"] == "dns d1, finding f1 on H; dns d1, finding f2 on K"
    assert attribute["first_seen"] == "2024-05-01T12:00:00.000005+00:00"
    assert attribute["to_ids"] is True


def test_an_attribute_of_another_event_has_another_id() -> None:
    one, two = (
        misp.event([], (found("domain", "a.example", f),), "amber")["Event"] for f in ("f1", "f2")
    )

    assert one["Attribute"][0]["uuid"] != two["Attribute"][0]["uuid"]  # type: ignore[index]


def test_navigator_opens_the_parents_of_sub_techniques() -> None:
    row = {"severity": "high", "image_path": "x.iso", "host": "H", "attack_ids": "T1059.003, T1105"}
    made = navigator.layer([row])
    by_id = {t["techniqueID"]: t for t in made["techniques"]}  # type: ignore[attr-defined, index]

    assert list(by_id) == ["T1059", "T1059.003", "T1105"]
    assert by_id["T1059"]["showSubtechniques"] is True and "score" not in by_id["T1059"]
    assert made["layout"]["expandedSubtechniques"] == "annotated"  # type: ignore[index]


def test_persistence_is_an_indicator_of_its_own_kind(bundled_case: Path, tmp_path: Path) -> None:
    values = ("\\Updater", "C:\\Users\\x\\Startup\\a.lnk", HKU)
    rows = ", ".join(f"('p{i}', '{v}')" for i, v in enumerate(values))
    case = changed(
        bundled_case,
        tmp_path / "case",
        f"INSERT INTO follow_on BY NAME SELECT f.* REPLACE (n.id AS follow_on_id, 'persistence' AS kind, n.v AS value)"
        f" FROM (FROM follow_on LIMIT 1) f, (VALUES {rows}) n(id, v)",
    )

    with open_reader(case) as con:
        kinds = {i.value: i.type for i in indicators(con)}

    assert [kinds[v] for v in values] == ["persistence-name", "file-path", "registry-key"]
    patterns = json.loads((export(case, "stix", tmp_path / "stix") / "bundle.json").read_text())
    assert not any("Updater" in str(o.get("pattern")) for o in patterns["objects"])
    event = json.loads((export(case, "misp", tmp_path / "misp") / "event.json").read_text())
    assert ("text", "\\Updater") in {(a["type"], a["value"]) for a in event["Event"]["Attribute"]}


@pytest.mark.parametrize("url", ["about:internet", "blob:null"])
def test_a_place_that_leads_nowhere_is_no_indicator(
    url: str, bundled_case: Path, tmp_path: Path
) -> None:
    case = changed(bundled_case, tmp_path / "case", f"UPDATE image_delivery SET host_url = '{url}'")

    with open_reader(case) as con:
        assert not [i for i in indicators(con) if i.type == "url"]


def test_rows_without_an_artifact_are_exported_too(bundled_case: Path, tmp_path: Path) -> None:
    case = changed(
        bundled_case,
        tmp_path / "case",
        "INSERT INTO sysmon_dns BY NAME SELECT * REPLACE (NULL AS source_id) FROM sysmon_dns",
    )

    with open_reader(case) as con:
        (table,) = [t for t in present_tables(con) if t.name == "sysmon_dns"]
        got = [
            r
            for p in pieces(con, table)
            for b in blocks(con, p.query, p.parameters)
            for r in b.rows()
        ]
        want = con.execute("SELECT count(*) FROM sysmon_dns").fetchone()

    assert want == (len(got),)
