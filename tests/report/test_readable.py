"""What a reader finds: a summary in plain words, tables that fit the page, the address of each claim, queries without noise."""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path

import duckdb
import pytest

from forensic_iso.case.store import open_reader
from forensic_iso.report import fields, plain
from forensic_iso.report.build import build
from forensic_iso.report.fields import WHOLE_HOST
from forensic_iso.report.findings import IN_FULL
from forensic_iso.report.html import render
from forensic_iso.report.html.page import base, package_style, short, unbroken
from forensic_iso.report.layout import SHAPES, shape, split
from forensic_iso.report.model import Listing, Report
from forensic_iso.report.options import Options
from forensic_iso.report.present import presenter
from forensic_iso.report.rows import asked
from forensic_iso.report.summary import NOTHING, unseen


def made(case: Path, options: Options | None = None) -> Report:
    with open_reader(case) as con:
        return build(con, options or Options())


@pytest.fixture(scope="module")
def report(bundled_case: Path) -> Report:
    return made(bundled_case)


@pytest.fixture(scope="module")
def page(report: Report) -> str:
    return render(report, presenter(report))


def listings(report: Report) -> Iterator[Listing]:
    for name in report.__dataclass_fields__:
        value = getattr(report, name)
        if isinstance(value, Listing):
            yield value
    for part in (*report.findings, *report.hosts):
        yield from part.listings


def changed(bundled: Path, into: Path, *commands: str) -> Report:
    """The report of a copy of the case after some changes."""
    shutil.copytree(bundled, into)
    with duckdb.connect(str(into / "case.duckdb")) as con:
        for command in commands:
            con.execute(command)
    return made(into)


def test_the_summary_tells_the_worst_image_from_arrival_to_acts(report: Report) -> None:
    worst = report.summary[1]

    steps = ["It arrived ", "from files.freight-desk.example.net on 2024-05-14", "marked by Windows as coming from the Internet",
             "It was mounted (opened as a drive) on", "Something was run from it, first on", "rundll32.exe", "acted on the machine: ",
             "it set itself to start again", "the image was deleted", "Confidence 0.70 of 1; weakest link: "]  # fmt: skip
    places = [worst.find(s) for s in steps]

    assert -1 not in places and places == sorted(places), worst


def test_the_summary_counts_what_is_reported_by_weight(report: Report) -> None:
    assert re.match(r"1 host was examined; \d disk images? (is|are) reported, on 1 host: 1 critical", report.summary[0])  # fmt: skip


def test_a_mounted_image_is_not_said_to_have_run_though_weak_traces_exist(
    bundled_case: Path, tmp_path: Path
) -> None:
    got = changed(
        bundled_case,
        tmp_path / "case",
        "UPDATE finding SET verdict = 'mounted', severity = 'medium' WHERE severity = 'critical'",
        "UPDATE execution SET confidence = 0.3",
    )

    assert "Whether anything was run from it is not certain" in got.summary[1]
    assert "acted on the machine" not in got.summary[1]
    executed = got.findings[0].chain[2]
    assert (executed.seen, executed.rows, executed.confidence) == (False, 3, 0.3)
    assert "not certain<br>3 weak rows, confidence up to 0.30" in render(got, presenter(got))


def test_an_image_that_nothing_brought_is_not_said_to_have_arrived(
    bundled_case: Path, tmp_path: Path
) -> None:
    got = changed(
        bundled_case,
        tmp_path / "case",
        "UPDATE image_delivery SET zone_id = NULL, host_url = NULL, referrer_url = NULL, trace = NULL",
    )

    assert "Its file was made on 2024-05-14" in got.summary[1]
    assert "arrived" not in got.summary[1]


def test_light_images_are_told_where_there_is_nothing_heavier(
    bundled_case: Path, tmp_path: Path
) -> None:
    got = changed(bundled_case, tmp_path / "case", "UPDATE finding SET severity = 'info'")

    assert got.summary[1] == "No image is of medium severity or more."
    assert got.summary[2].startswith("Info: Shipping Documents 40771.iso")
    assert not any("further" in s for s in got.summary)


def test_what_could_not_be_seen_is_said_in_plain_words(report: Report) -> None:
    said = report.unseen[0]

    assert said.startswith("FIN-WS07: Mounted images: Windows' log of virtual disks (VHDMP) was read from ")  # fmt: skip
    assert "Started programs: the log of Sysmon was read from" in said
    assert "Told:" not in said and "excluded" not in said
    assert report.unseen[-1] == NOTHING


def test_every_sentence_that_is_said_plainly_is_one_of_the_coverage() -> None:
    source = (resources.files("forensic_iso.correlate") / "sql/25_coverage.sql").read_text(encoding="utf-8")  # fmt: skip
    source = source.replace("''", "'")  # SQL doubles the quote

    for said, _ in plain.SENTENCES:
        assert said.strip() in source, said


def test_cleared_logs_lost_records_and_dark_hosts_reach_the_first_page(report: Report) -> None:
    names = [f.name for f in report.coverage.fields]
    rows = [list(r) for r in report.coverage.rows]
    logs = [r for r in rows if r[1] != WHOLE_HOST]
    logs[0][names.index("cleared")] = 1
    logs[1][names.index("gaps")] = 1234
    coverage = replace(report.coverage, rows=tuple(map(tuple, rows)))

    got = unseen(coverage, report.problems, report.manifest, ["FIN-WS07", "LAB-2"])

    assert f"{logs[0][1]} of FIN-WS07 was cleared once." in got
    assert f"{logs[1][1]} of FIN-WS07 lacks 1,234 records inside." in got
    assert any(s.startswith("LAB-2: named by the evidence, but no log of its own was read") for s in got)  # fmt: skip


def test_many_hosts_are_summed_up_and_only_those_with_findings_told(
    bundled_case: Path, tmp_path: Path
) -> None:
    got = changed(
        bundled_case,
        tmp_path / "case",
        "INSERT INTO coverage BY NAME SELECT c.* REPLACE ('A' || n AS host, 'No log of program starts: x' AS remark)"
        f" FROM coverage c, range(6) t(n) WHERE channel = '{WHOLE_HOST}'",
        "INSERT INTO source BY NAME SELECT s.* REPLACE (source_id || n AS source_id, 'A' || n AS host) FROM source s, range(6) t(n)",
    )

    assert got.unseen[0].startswith("Of 7 hosts, Windows' log of mounted images was read of 1, a log of started programs of 1.")  # fmt: skip
    assert got.unseen[1].startswith("FIN-WS07: Mounted images:")
    assert not any(s.startswith("A") and ": " in s for s in got.unseen[2:])


@pytest.mark.parametrize("hosts", [1, 40])
def test_hosts_keep_their_coverage_however_many_there_are(
    hosts: int, bundled_case: Path, tmp_path: Path
) -> None:
    got = changed(
        bundled_case,
        tmp_path / "case",
        f"INSERT INTO coverage BY NAME SELECT c.* REPLACE ('H' || n AS host) FROM coverage c, range({hosts}) t(n)",
        f"INSERT INTO source BY NAME SELECT s.* REPLACE (source_id || n AS source_id, 'H' || n AS host) FROM source s, range({hosts}) t(n)",
    )

    assert all(h.listings and h.listings[0].rows for h in got.hosts)
    assert all("Rows of" in h.sentence for h in got.hosts)


def test_each_claim_stands_beside_the_addresses_it_rests_on(
    report: Report, bundled_case: Path
) -> None:
    with open_reader(bundled_case) as con:
        for one in report.findings[0].listings:
            names = [f.name for f in one.fields]
            if "rows" not in names:
                continue
            for row in one.rows:
                want = {
                    f"{t} {a}"
                    for t, a in con.execute(
                        "SELECT DISTINCT table_name, row_address FROM evidence_ref WHERE subject_id = ?",
                        [row[-1]],
                    ).fetchall()
                }
                named = set(str(row[names.index("rows")]).split("; "))
                assert named and named <= want | {f"{len(want) - 8} more"}, one.name


def test_rows_of_evidence_name_record_id_and_item(report: Report, bundled_case: Path) -> None:
    evidence = {x.name: x for x in report.findings[0].listings}["evidence"]
    names = [f.name for f in evidence.fields]
    items = {r[0] for r in report.manifest.rows}

    with open_reader(bundled_case) as con:
        for row in evidence.rows:
            r = dict(zip(names, row, strict=True))
            assert r["source_id"] in items
            if str(r["table_name"]).startswith(("sysmon", "vhdmp", "security")):
                want = con.execute(
                    f'SELECT record_id FROM "{r["table_name"]}" WHERE source_id = ? AND record_offset::VARCHAR = ?',
                    [r["source_id"], r["row_address"]],
                ).fetchone()
                assert want == (r["record_id"],)


def test_items_and_findings_are_linked(page: str, report: Report) -> None:
    cited = {x.name: x for x in report.findings[0].listings}["evidence"].rows
    assert f'href="#item-{cited[0][-1]}"' in page
    assert f'<a href="#finding-{report.findings[0].finding_id}">' in page
    targets = set(re.findall(r'id="([^"]+)"', page))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= targets


def test_no_row_of_a_table_is_wider_than_a_page(report: Report) -> None:
    for one in listings(report):
        row, below = split(one)
        assert len(row) <= 7, one.name
        assert sorted((*row, *below)) == list(range(len(one.fields)))


def test_every_table_has_its_labels_for_small_screens(report: Report, page: str) -> None:
    style = package_style()

    for name in {shape(x) for x in listings(report)} | {"indicators"}:
        assert f".t-{name}>tbody>tr:not(.d)>td:nth-child(1)::before" in style, name
    assert set(re.findall(r'<table class="t-([\w]+)">', page)) <= {*SHAPES, "indicators"}


def test_printed_pages_carry_number_and_marking(bundled_case: Path) -> None:
    style = package_style()

    assert 'counter(page) " / " counter(pages)' in style
    for tlp in ("RED", "AMBER", "AMBER+STRICT", "GREEN", "CLEAR"):
        got = made(bundled_case, Options(tlp=tlp))
        body = re.search(r'<body class="(tlp-[a-z-]+)">', render(got, presenter(got)))
        assert body
        named = re.search(rf"\.{body[1]}{{page:(\w+)}}", style)
        assert named and f'@page {named[1]}{{@top-right{{content:"TLP:{tlp}"' in style


def test_long_labels_of_drawings_keep_their_ends() -> None:
    assert short("delivered") == "delivered"
    assert short("Shipping Documents 40771.iso") == "Shipping D…40771.iso"


def test_a_query_shows_only_what_was_asked() -> None:
    nothing = {"host": None, "finding": None, "from_utc": None, "to_utc": None}

    assert asked(fields.COVERAGE_SQL, nothing).endswith(
        "FROM coverage ORDER BY host, channel <> 'all evidence of this host', channel, first_utc"
    )
    assert "(host = 'O''X' OR host IS NULL)" in asked(fields.MANIFEST_SQL, {"host": "O'X"})
    assert "NULL IS NULL" not in asked(fields.TIMELINE_SQL, nothing)


@pytest.mark.parametrize("options", [Options(), Options(host="FIN-WS07"), Options(from_ns=0, to_ns=2**62)])  # fmt: skip
def test_queries_as_shown_give_their_listings_for_each_choice(
    options: Options, bundled_case: Path
) -> None:
    got = made(bundled_case, options)

    with open_reader(bundled_case) as con:
        for one in listings(got):
            if one.query:
                assert len(con.execute(one.query).fetchall()) == one.total, one.name


def test_json_of_the_report_holds_all_columns(report: Report) -> None:
    from forensic_iso.report.jsonform import render as as_json

    document = json.loads(as_json(report))

    assert [f["name"] for f in document["findings"][0]["listings"][0]["fields"]][-2:] == ["rows", "delivery_id"]  # fmt: skip


def test_the_worst_stands_first_though_its_score_is_lower(
    bundled_case: Path, tmp_path: Path
) -> None:
    got = changed(
        bundled_case,
        tmp_path / "case",
        "INSERT INTO finding BY NAME SELECT * REPLACE ('feed' AS finding_id, 'high' AS severity, 12.0 AS score, 'X:\\x.iso' AS image_path)"
        " FROM finding WHERE severity = 'critical'",
        "UPDATE finding SET severity = 'medium', score = 58 WHERE severity = 'critical'",
    )

    assert [f.severity for f in got.findings][:2] == ["high", "medium"]
    assert [r[0] for r in got.overview.rows][:2] == ["high", "medium"]
    assert got.summary[1].startswith("High: x.iso")


def test_what_a_choice_leaves_out_is_said(bundled_case: Path, tmp_path: Path) -> None:
    got = changed(
        bundled_case,
        tmp_path / "case",
        "INSERT INTO finding BY NAME SELECT * REPLACE ('feed' AS finding_id, 'X:\\x.iso' AS image_path) FROM finding LIMIT 1",
    )
    one = made(tmp_path / "case", Options(finding="feed"))

    assert not any("left out" in s for s in got.summary)
    assert re.match(r"\d further findings? (is|are) left out", one.summary[1])


VOID = frozenset("meta br line rect circle".split())


class Nesting(HTMLParser):
    """Every element that is opened is closed, in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID and (not self.open or self.open.pop() != tag):
            self.wrong.append(tag)


def test_elements_of_the_page_are_closed_in_order(page: str) -> None:
    found = Nesting(page)

    assert not found.wrong
    assert not found.open


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("x" * 33, True),
        ("a " + "y" * 40, True),
        ("x" * 32, False),
        ("many short words", False),
        (None, False),
    ],
)
def test_only_a_word_that_would_widen_its_column_may_break_inside(text: object, want: bool) -> None:
    assert unbroken(text) is want


@pytest.mark.parametrize(
    ("path", "want"),
    [
        ("a/b/$MFT", "$MFT"),
        ("C:\\x\\y.evtx", "y.evtx"),
        ("x.zip!/C/a b.lnk", "a b.lnk"),
        ("alone", "alone"),
        ("/", "/"),
    ],
)
def test_a_file_is_named_by_the_end_of_its_path(path: str, want: str) -> None:
    assert base(path) == want


def test_the_query_of_the_evidence_gives_what_any_claim_rests_on(
    report: Report, bundled_case: Path
) -> None:
    by_name = {x.name: x for x in report.findings[0].listings}
    query = fields.STORY_QUERIES["evidence"]

    with open_reader(bundled_case) as con:
        whole = con.execute(query, {"id": report.findings[0].finding_id}).fetchall()
        session = con.execute(query, {"id": by_name["sessions"].rows[0][-1]}).fetchall()

    assert len(whole) == by_name["evidence"].total
    assert {r[2] for r in session} >= {"vhdmp"}


def test_arrivals_of_one_image_are_counted(bundled_case: Path, tmp_path: Path) -> None:
    got = changed(
        bundled_case,
        tmp_path / "case",
        "DELETE FROM image_delivery WHERE time_utc > (SELECT min(time_utc) FROM image_delivery)",
        "INSERT INTO image_delivery BY NAME SELECT d.* REPLACE ('again' || n AS delivery_id, time_utc + INTERVAL 1 HOUR AS time_utc)"
        " FROM image_delivery d, range(2) t(n)",
        "INSERT INTO finding_part BY NAME SELECT p.* REPLACE ('again' || n AS part_id) FROM finding_part p, range(2) t(n)"
        " WHERE part_id IN (SELECT delivery_id FROM image_delivery)",
    )

    assert "It arrived 3 times, first from files.freight-desk.example.net on 2024-05-14" in got.summary[1]  # fmt: skip


def test_an_image_that_was_run_from_without_a_mount_is_not_said_to_be_unopened(
    bundled_case: Path, tmp_path: Path
) -> None:
    got = changed(bundled_case, tmp_path / "case", "DELETE FROM mount_session")

    assert "That it was mounted is not told by what was read." in got.summary[1]
    assert "No sign that it was opened" not in got.summary[1]


def test_of_many_findings_the_later_are_told_in_short_and_say_so(
    bundled_case: Path, tmp_path: Path
) -> None:
    new = "md5('f' || n)[:16] AS finding_id, replace(image_path, '.iso', n || '.iso') AS image_path"
    got = changed(
        bundled_case,
        tmp_path / "case",
        f"INSERT INTO finding BY NAME SELECT f.* REPLACE ({new}) FROM finding f, range(60) t(n) WHERE verdict = 'active'",
    )

    said = [[x.value for x in f.facts if x.name == "Told in short"] for f in got.findings]
    assert not any(said[:IN_FULL])
    assert got.findings[0].chart
    assert got.findings[0].processes
    for f, words in zip(got.findings[IN_FULL:], said[IN_FULL:], strict=True):
        assert not f.processes
        assert f"--finding {f.finding_id}" in words[0]
