"""Exports: what the readers of each format require, in a total order, with formulas kept from spreadsheets."""

import csv
import io
import json
import re
import shutil
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import duckdb
import polars as pl
import pytest
from click.testing import CliRunner

from forensic_iso.case.ingest import ingest
from forensic_iso.case.store import open_reader
from forensic_iso.cli import cli
from forensic_iso.errors import UsageError
from forensic_iso.export import navigator, stix
from forensic_iso.export.csvform import neutralised, write_frame
from forensic_iso.export.run import FORMATS, run
from forensic_iso.export.stream import Counter, blocks
from forensic_iso.export.tables import pieces, present_tables
from forensic_iso.indicators import indicators
from tests.conftest import BUNDLED
from tests.report.hostile import hostile_case

TRUTH = json.loads((BUNDLED.parent / "truth.json").read_text(encoding="utf-8"))
FORMULAS = (
    "=1+1", "+1+1", "-1+1", "@SUM(A1)", "=cmd|' /C calc'!A0", " =1+1", "\u00a0=1", "\t=1", "\r=1", "\n=1",
    "|calc", "%0A=1", "\uff1d1+1", "\uff0b1", "\uff0d1", "\uff201", "\u22121", "-", "\x00=1", "  -2+3",
    '=HYPERLINK("http://evil.example";"x")', "-enc SQBFAFgA", "\u202e=1", "\ufeff=1", "\u200b=1",
)  # fmt: skip
HARMLESS = ("C:\\a b\\c.exe", "/c dir", "5 - 3", "a=b", "", "ünïcode", "x\u4e2d")


@pytest.fixture(scope="module")
def exported(bundled_case: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("exported")
    for form in FORMATS:
        run(bundled_case, form, out / form, False, False, lambda what, done, total: None)
    return out


@pytest.fixture(scope="module")
def hostile(bundled_case: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hostile_case(bundled_case, tmp_path_factory.mktemp("hostile") / "case")


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def cells(values: tuple[str, ...], exact: bool) -> list[str]:
    sink, counter = io.BytesIO(), Counter()
    write_frame(
        sink, pl.DataFrame({"text": values, "number": [-1] * len(values)}), exact, counter, True
    )
    rows = list(csv.reader(io.StringIO(sink.getvalue().decode(), newline="")))
    assert all(r[1] == "-1" for r in rows[1:])
    return [r[0] for r in rows[1:]]


def test_no_cell_is_a_formula_to_a_spreadsheet() -> None:
    got = cells(FORMULAS, exact=False)

    for before, after in zip(FORMULAS, got, strict=True):
        if before == "-":
            assert after == "-"
            continue
        first = after.lstrip(" \u00a0\ufeff\u200b\t\r\n")[:1]
        assert first not in "=+-@|%\uff1d\uff0b\uff0d\uff20\u2212", before
        assert not re.search(r"[\x00-\x1f\u202e\u200b\ufeff]", after), before


def test_harmless_cells_are_left_alone() -> None:
    assert cells(HARMLESS, exact=False) == list(HARMLESS)


def test_exact_keeps_every_character() -> None:
    assert cells((*FORMULAS, *HARMLESS), exact=True) == [*FORMULAS, *HARMLESS]


def test_altered_cells_are_counted() -> None:
    counter = Counter()

    neutralised(pl.DataFrame({"a": ["=1", "x", None, "-"]}), counter)

    assert counter.neutralised == 1


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_every_row_of_every_table_is_there_once(
    form: str, exported: Path, bundled_case: Path
) -> None:
    with open_reader(bundled_case) as con:
        for table in present_tables(con):
            want = con.execute(f'SELECT count(*) FROM "{table.name}"').fetchone()
            assert want
            assert count(exported / form, table.name) == want[0], table.name


def count(folder: Path, table: str) -> int:
    if folder.name == "csv":
        path = folder / f"{table}.csv"
        return len(read_csv(path)) if path.exists() else 0
    if folder.name == "jsonl":
        path = folder / f"{table}.jsonl"
        return len(path.read_text(encoding="utf-8").splitlines()) if path.exists() else 0
    files = sorted((folder / table).rglob("*.parquet"))
    return sum(pl.read_parquet(f, hive_partitioning=False).height for f in files)


def test_parquet_gives_the_tables_back(exported: Path, bundled_case: Path) -> None:
    with duckdb.connect() as con:
        con.execute(f"ATTACH '{bundled_case / 'case.duckdb'}' AS kept (READ_ONLY)")
        for table in ("sysmon_process_create", "mft_stream", "finding"):
            back = f"SELECT * FROM read_parquet('{exported}/parquet/{table}/**/*.parquet', hive_partitioning = false)"
            for left, right in ((back, f"FROM kept.{table}"), (f"FROM kept.{table}", back)):
                assert con.execute(
                    f"SELECT count(*) FROM ({left} EXCEPT ALL {right})"
                ).fetchone() == (0,)
        types = dict(
            con.execute(f"SELECT column_name, column_type FROM (DESCRIBE {back})").fetchall()
        )
    assert types["first_utc"] == "TIMESTAMP_NS"


def test_parquet_schema_explains_every_column(exported: Path) -> None:
    schema = json.loads((exported / "parquet/schema.json").read_text(encoding="utf-8"))

    assert all(c["comment"] for t in schema.values() for c in t["columns"])
    assert schema["finding"]["address"] == "finding_id"


def test_rows_of_evidence_stand_in_the_order_of_their_artifact(exported: Path) -> None:
    rows = read_csv(exported / "csv/sysmon_process_create.csv")
    places = [(r["source_id"], int(r["record_offset"])) for r in rows]

    assert places == sorted(places)


@pytest.mark.parametrize("small", [1, 20, 10**9])
def test_pieces_hold_each_row_once_in_the_same_order(
    small: int, bundled_case: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forensic_iso.export.tables.SMALL", small)

    with open_reader(bundled_case) as con:
        (table,) = [t for t in present_tables(con) if t.name == "event_other"]
        found = pieces(con, table)
        rows = [r for p in found for b in blocks(con, p.query, p.parameters) for r in b.rows()]
        want = con.execute("SELECT * FROM event_other ORDER BY source_id, rowid").fetchall()

    assert [r[-1] for r in rows] == [w[-1] for w in want]
    assert len(rows) == sum(p.rows for p in found) == len(want)
    assert (len(found) > 1) == (small < 10**9)


@pytest.mark.parametrize(
    ("name", "small", "room"), [("evidence_ref", 3, 10**9), ("execution", 10**9, 1), ("rule", 7, 1)]
)
def test_derived_rows_are_sorted_in_ranges_that_hold_each_row_once(
    name: str, small: int, room: int, bundled_case: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit, value in (("SMALL", small), ("SORT_BYTES", room), ("LEAST", 1)):
        monkeypatch.setattr(f"forensic_iso.export.tables.{limit}", value)

    with open_reader(bundled_case) as con:
        (table,) = [t for t in present_tables(con) if t.name == name]
        found = pieces(con, table)
        rows = [r for p in found for b in blocks(con, p.query, p.parameters) for r in b.rows()]
        names = table.column_names()
        order = [table.address, *(n for n in names if n != table.address)]
        want = con.execute(
            f'SELECT "{table.address}" FROM "{name}" ORDER BY {", ".join(order)}'
        ).fetchall()

    at = names.index(table.address)
    assert [r[at] for r in rows] == [w[0] for w in want]
    assert sum(p.rows for p in found) == len(want)
    assert len(found) > 1


def test_rows_without_an_address_stand_last(
    bundled_case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forensic_iso.export.tables.SMALL", 1)
    case = tmp_path / "case"
    shutil.copytree(bundled_case, case)
    with duckdb.connect(str(case / "case.duckdb")) as con:
        con.execute("INSERT INTO execution (host, kind) VALUES ('H', 'x'), ('H', 'y')")

    with open_reader(case) as con:
        (table,) = [t for t in present_tables(con) if t.name == "execution"]
        found = pieces(con, table)
        rows = [r for p in found for b in blocks(con, p.query, p.parameters) for r in b.rows()]

    keys = [r[table.column_names().index(table.address)] for r in rows]
    assert keys[-2:] == [None, None]
    assert None not in keys[:-2]
    assert sum(p.rows for p in found) == len(rows)


def test_long_texts_make_small_blocks(bundled_case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forensic_iso.export.stream.BLOCK_BYTES", 1)
    monkeypatch.setattr("forensic_iso.export.stream.BATCH_ROWS", 100)

    with open_reader(bundled_case) as con:
        con.execute("SELECT 1")
        found = [b.height for b in blocks(con, "SELECT r FROM range(5000) t(r)")]

    assert sum(found) == 5000
    assert len(found) > 1


@pytest.mark.parametrize("workers", [1, 3])
def test_large_tables_are_cut_into_files_that_keep_the_order(
    workers: int, bundled_case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forensic_iso.export.parquet.FILE_ROWS", 100)
    out = tmp_path / "out"
    run(bundled_case, "parquet", out, False, False, lambda what, done, total: None, workers)

    files = sorted((out / "timeline").rglob("*.parquet"))
    rows = [pl.read_parquet(f, hive_partitioning=False) for f in files]
    with open_reader(bundled_case) as con:
        want = [r[0] for r in con.execute("SELECT rid FROM timeline ORDER BY rid").fetchall()]

    assert len(files) == -(-len(want) // 100) > 2
    assert [f.height for f in rows[:-1]] == [100] * (len(files) - 1)
    assert [n for f in rows for n in f["rid"].to_list()] == want
    told = json.loads((out / "manifest.json").read_text(encoding="utf-8"))["contents"]
    assert {f"timeline/{f.relative_to(out / 'timeline').as_posix()}" for f in files} <= {
        c["path"] for c in told
    }


def test_files_of_an_earlier_export_do_not_stay_among_the_new(
    bundled_case: Path, tmp_path: Path
) -> None:
    gone = tmp_path / "timeline/host=GONE/0000.parquet"
    gone.parent.mkdir(parents=True)
    gone.write_bytes(b"")
    other = tmp_path / "notes.txt"
    other.write_text("mine")

    run(bundled_case, "parquet", tmp_path, False, True, lambda what, done, total: None)

    assert not gone.exists()
    assert other.exists()


@pytest.mark.parametrize("form", FORMATS)
def test_two_runs_give_the_same_bytes(
    form: str, exported: Path, bundled_case: Path, tmp_path: Path
) -> None:
    run(bundled_case, form, tmp_path / form, False, False, lambda what, done, total: None)

    def content(folder: Path) -> Iterator[tuple[str, bytes]]:
        for p in sorted(folder.rglob("*")):
            if p.is_file():
                yield p.relative_to(folder).as_posix(), p.read_bytes()

    assert list(content(tmp_path / form)) == list(content(exported / form))


def test_manifest_says_which_csv_was_altered(
    exported: Path, bundled_case: Path, tmp_path: Path
) -> None:
    run(bundled_case, "csv", tmp_path / "exact", True, False, lambda what, done, total: None)

    safe = json.loads((exported / "csv/manifest.json").read_text())
    exact = json.loads((tmp_path / "exact/manifest.json").read_text())

    assert all(c["csv_neutralised"] for c in safe["contents"])
    assert not any(c["csv_neutralised"] or c["cells_altered"] for c in exact["contents"])
    assert all(re.fullmatch("[0-9a-f]{64}", f["sha256"]) for f in safe["files"])


def test_timesketch_has_its_required_columns_and_all_digits(exported: Path) -> None:
    rows = read_csv(exported / "timesketch/timesketch.csv")
    lines = [
        json.loads(x) for x in (exported / "timesketch/timesketch.jsonl").read_text().splitlines()
    ]

    assert len(rows) == len(lines) > 900
    for r in (*rows, *lines):
        assert r["message"] and r["timestamp_desc"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}\+00:00", r["datetime"])
        micro = datetime.fromisoformat(r["datetime"][:26] + "+00:00")
        assert int(r["timestamp"]) == round(micro.timestamp() * 1e6)
    assert [r["datetime"] for r in lines] == sorted(r["datetime"] for r in lines)


def test_l2tcsv_has_its_seventeen_columns(exported: Path) -> None:
    rows = read_csv(exported / "l2tcsv/l2t.csv")

    assert (
        list(rows[0])
        == (
            "date time timezone MACB source sourcetype type user host short desc version filename inode notes format extra"
        ).split()
    )
    for r in rows:
        datetime.strptime(r["date"] + r["time"], "%m/%d/%Y%H:%M:%S")  # noqa: DTZ007
        assert (r["version"], r["timezone"]) == ("2", "UTC")
        assert re.fullmatch("[M.][A.][C.][B.]", r["MACB"])
        assert all(r.values())


def test_bodyfile_lines_have_eleven_fields_and_a_time(exported: Path, bundled_case: Path) -> None:
    lines = (exported / "bodyfile/FIN-WS07.bodyfile").read_text(encoding="utf-8").splitlines()
    fields = [x.split("|") for x in lines if not x.startswith("#")]

    assert all(len(f) == 11 for f in fields)
    assert all(any(int(t) for t in f[7:]) for f in fields)
    assert len(fields) == 2 * 93
    image = [f for f in fields if f[1].endswith("Shipping Documents 40771 (1).iso")]
    assert int(image[0][6]) == 65536


def test_stix_bundle_is_valid_and_carries_only_what_findings_support(exported: Path) -> None:
    made = json.loads((exported / "stix/bundle.json").read_text())
    kinds = [o["type"] for o in made["objects"]]
    patterns = {o["pattern"] for o in made["objects"] if o["type"] == "indicator"}

    assert f"[url:value = '{TRUTH['deliveries'][0]['host_url']}']" in patterns
    assert "[domain-name:value = 'cdn.trackfreight.example.com']" in patterns
    assert not any("mail.example.org" in p for p in patterns)
    assert kinds.count("report") == 1
    refs = {r for o in made["objects"] for r in o.get("object_refs", [])}
    assert refs <= {o["id"] for o in made["objects"]}
    assert made["objects"][0] == stix.AMBER
    for o in made["objects"][1:]:
        assert o["object_marking_refs"] == [stix.AMBER["id"]]
        assert {"type", "spec_version", "id", "created", "modified"} <= set(o)
        assert re.fullmatch(
            rf"{o['type']}--[0-9a-f]{{8}}-[0-9a-f]{{4}}-5[0-9a-f]{{3}}-[89ab][0-9a-f]{{3}}-[0-9a-f]{{12}}",
            o["id"],
        )


def test_stix_library_takes_the_bundles(exported: Path, hostile: Path, tmp_path: Path) -> None:
    library = pytest.importorskip("stix2", reason="needs stix2")
    run(hostile, "stix", tmp_path / "hostile", False, False, lambda what, done, total: None)

    for path in (exported / "stix/bundle.json", tmp_path / "hostile/bundle.json"):
        bundle = library.parse(path.read_text(), allow_custom=False)
        assert len(bundle.objects) > 5


def test_stix_literals_cannot_leave_their_quotes() -> None:
    assert stix.literal("a'] OR [x = 'b\\") == "'a\\'] OR [x = \\'b\\\\'"


def test_misp_library_takes_the_event(exported: Path) -> None:
    library = pytest.importorskip("pymisp", reason="needs pymisp")
    event = library.MISPEvent()

    event.load_file(exported / "misp/event.json")

    values = {(a.type, a.value) for a in event.attributes}
    assert ("ip-dst", "203.0.113.77") in values
    assert ("url", TRUTH["deliveries"][0]["host_url"]) in values
    assert "tlp:amber" in {t.name for t in event.tags}


def test_misp_event_has_its_required_fields(exported: Path) -> None:
    event = json.loads((exported / "misp/event.json").read_text())["Event"]

    assert {"info", "date", "threat_level_id", "analysis", "distribution", "Attribute"} <= set(
        event
    )
    assert (event["distribution"], event["threat_level_id"]) == ("0", "1")
    assert all({"type", "category", "value", "to_ids"} <= set(a) for a in event["Attribute"])


def test_navigator_layer_keeps_to_format_4_5(exported: Path) -> None:
    layer = json.loads((exported / "navigator/layer.json").read_text())

    assert (layer["domain"], layer["versions"]["layer"]) == ("enterprise-attack", "4.5")
    assert tuple(map(int, layer["versions"]["navigator"].split("."))) >= (4, 9, 0)
    assert {t["techniqueID"] for t in layer["techniques"]} >= set(
        TRUTH["findings"][0].get("attack_ids", [])
    )
    scores = {t["techniqueID"]: t.get("score") for t in layer["techniques"]}
    found = [r["attack_ids"].split(", ") for r in read_csv(exported / "csv/finding.csv")]
    for technique in ("T1566.002", "T1553.005"):
        assert scores[technique] == sum(technique in ids for ids in found) > 0


def test_navigator_layer_of_no_findings_is_empty() -> None:
    assert navigator.layer([])["techniques"] == []


def test_findings_of_little_weight_give_no_indicators(bundled_case: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(bundled_case, tmp_path / "case")
    with duckdb.connect(str(tmp_path / "case/case.duckdb")) as con:
        con.execute("UPDATE finding SET severity = 'low'")

    with open_reader(tmp_path / "case") as con:
        assert indicators(con) == ()


@pytest.mark.parametrize("form", FORMATS)
def test_hostile_texts_go_through_every_format(form: str, hostile: Path, tmp_path: Path) -> None:
    out = tmp_path / form
    run(hostile, form, out, False, False, lambda what, done, total: None)

    for path in out.rglob("*"):
        if path.suffix == ".csv":
            for row in csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline="")):
                assert not [c for c in row if c[:1] in "=+@" and len(c) > 1], path.name
        elif path.suffix in (".json", ".jsonl"):
            text = path.read_text(encoding="utf-8")
            for one in text.splitlines() if path.suffix == ".jsonl" else [text]:
                json.loads(one)


def test_command_says_what_it_wrote(bundled_case: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(
        cli,
        ["export", str(bundled_case), "--format", "csv", "--out", str(tmp_path / "x")],
        standalone_mode=False,
    )

    assert done.return_value == 0
    assert "--exact keeps them" in done.stderr


def again(case: Path, form: str, out: Path) -> None:
    run(case, form, out, False, True, lambda what, done, total: None)


def test_a_second_export_to_a_folder_leaves_nothing_of_the_first(
    bundled_case: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    again(bundled_case, "csv", out)
    (out / "mine.txt").write_text("of the user")

    arguments = ["export", str(bundled_case), "--format", "stix", "--out", str(out), "--force"]
    result = CliRunner().invoke(cli, arguments, standalone_mode=False)

    told = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert sorted(p.name for p in out.iterdir()) == ["bundle.json", "manifest.json", "mine.txt"]
    assert [f["path"] for f in told["files"]] == ["bundle.json"]
    assert "mine.txt" in result.stderr


def test_nothing_is_written_to_the_evidence_nor_removed_from_it(tmp_path: Path) -> None:
    evidence = shutil.copytree(BUNDLED, tmp_path / "evidence")
    log = next(evidence.rglob("Security.evtx"))
    name, digest = log.relative_to(evidence).as_posix(), sha256(log.read_bytes()).hexdigest()
    planted = {"tool": "forensic-iso 0", "files": [{"path": name, "sha256": digest}]}
    (evidence / "manifest.json").write_text(json.dumps(planted))
    ingest(tmp_path / "case", [evidence], workers=0)

    for out in (evidence, evidence / "new"):
        with pytest.raises(UsageError, match="lies in the evidence"):
            again(tmp_path / "case", "csv", out)

    assert sha256(log.read_bytes()).hexdigest() == digest
    assert not (evidence / "new").exists()


def test_a_manifest_of_another_tool_lets_no_file_be_removed(
    bundled_case: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "out/kept.txt"
    kept.parent.mkdir()
    kept.write_text("evidence")
    files = [{"path": "kept.txt", "sha256": sha256(b"evidence").hexdigest()}]
    (kept.parent / "manifest.json").write_text(json.dumps({"files": files}))

    again(bundled_case, "stix", kept.parent)

    assert kept.read_text() == "evidence"


def test_a_changed_file_and_one_outside_the_folder_are_not_removed(
    bundled_case: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    again(bundled_case, "stix", out)
    (tmp_path / "outside.txt").write_text("x")
    told = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    told["files"].append({"path": "../outside.txt", "bytes": 1, "sha256": sha256(b"x").hexdigest()})
    (out / "manifest.json").write_text(json.dumps(told))
    (out / "bundle.json").write_text("changed by hand")

    again(bundled_case, "navigator", out)

    assert (tmp_path / "outside.txt").is_file()
    assert (out / "bundle.json").read_text() == "changed by hand"


def test_layer_names_the_version_whose_techniques_it_holds(
    bundled_case: Path, tmp_path: Path
) -> None:
    again(bundled_case, "navigator", tmp_path / "out")

    made = json.loads((tmp_path / "out/layer.json").read_text())

    assert int(made["versions"]["attack"]) >= 19, "T1685 is not in earlier ones"
