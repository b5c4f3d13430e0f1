"""The report of the bundled case: complete, inert, equal in all its forms, the same bytes at each run."""

import re
import shutil
from html import unescape
from pathlib import Path

import pytest

from forensic_iso.attack import NAMES
from forensic_iso.case.store import open_reader, open_writer
from forensic_iso.correlate.run import steps as correlate_steps
from forensic_iso.report import fields
from forensic_iso.report.fields import WHOLE_HOST
from forensic_iso.report.findings import SAID_AS_FACTS
from forensic_iso.report.html import render
from forensic_iso.report.model import Report
from forensic_iso.report.present import Presenter, presenter
from forensic_iso.story import INDENT
from tests.report.reading import GOLDEN, IMAGE, listings, made


def test_the_summary_names_the_worst_image_its_host_and_what_was_not_seen(report: Report) -> None:
    worst = report.summary[1]

    assert worst.startswith("Critical: Shipping Documents 40771.iso on FIN-WS07")
    assert "acted on the machine" in worst
    assert report.unseen[-1].startswith("That nothing was found says nothing about times")


def test_the_heading_names_the_parsers_with_their_versions(report: Report) -> None:
    told = {f.name: f.value for f in report.identification}["Parsers"]
    kinds = {str(r[0]): r[1] for r in report.parsers.rows}

    assert told == ", ".join(f"{k} {kinds[k]}" for k in sorted(kinds))
    assert len(kinds) > 1


def test_what_was_not_in_the_evidence_is_not_counted_as_read(report: Report) -> None:
    (host,) = (h for h in report.hosts if h.name == "FIN-WS07")
    (logs,) = host.listings

    kinds = [r for r in report.coverage.rows if r[1] != WHOLE_HOST]
    absent = [str(r[1]) for r in kinds if not r[4]]

    assert [r[0] for r in logs.rows] == [r[1] for r in kinds if r[4]]
    assert f"Rows of {len(logs.rows)} logs and kinds of artifacts were read; of {len(absent)} there is none" in host.sentence  # fmt: skip
    assert all(name in host.sentence for name in absent)
    assert any(
        line.startswith(f"{len(absent)} logs and kinds of artifacts without a row")
        for line in report.limits
    )


def test_the_page_tells_the_story_line_by_line_with_its_labels(report: Report, page: str) -> None:
    (story,) = re.findall(r'<dl class="story">(.*?)</dl>', page, re.DOTALL)[:1]

    labels = [unescape(x) for x in re.findall(r"<dt>(.*?)</dt>", story)]

    told = [line[:INDENT].strip() for line in report.findings[0].story.splitlines()[1:]]
    assert (
        labels == [x for x in told if x not in SAID_AS_FACTS]
        and "because" in told
        and labels[:2] == ["verdict", "delivered"]
    )


def test_a_confidence_has_two_digits_everywhere() -> None:
    show = Presenter()

    assert [show.shown(v).text for v in (0.7, 0.95, 1.0, 59.5, 100.0)] == [
        "0.70",
        "0.95",
        "1",
        "59.5",
        "100",
    ]


def test_the_chain_of_the_worst_finding_is_whole(report: Report) -> None:
    worst = report.findings[0]

    assert worst.image_path == IMAGE
    assert [s.name for s in worst.chain if s.seen] == ["delivered", "mounted", "executed", "active"]


def test_the_chain_of_an_image_that_only_arrived_ends_there(
    bundled_case: Path, tmp_path: Path
) -> None:
    import duckdb

    case = tmp_path / "case"
    shutil.copytree(bundled_case, case)
    with duckdb.connect(str(case / "case.duckdb")) as con:
        con.execute("UPDATE finding SET verdict = 'delivered'")
        con.execute("DELETE FROM execution")
        con.execute("DELETE FROM mount_session")

    assert [s.seen for s in made(case).findings[0].chain] == [True, False, False, False]


def test_every_shown_query_gives_the_listing_again(report: Report, bundled_case: Path) -> None:
    with open_reader(bundled_case) as con:
        for one in listings(report):
            if one.query:
                rows = con.execute(one.query).fetchall()
                assert len(rows) == one.total, one.name
                assert all(len(r) == len(one.fields) for r in rows), one.name


def test_the_queries_of_the_findings_give_their_listings_again(
    report: Report, bundled_case: Path
) -> None:
    worst = report.findings[0]
    by_name = {x.name: x for x in worst.listings}

    with open_reader(bundled_case) as con:
        for name in ("deliveries", "sessions", "executions", "follow_on"):
            query = fields.STORY_QUERIES[name]
            found = con.execute(query, {"id": worst.finding_id}).fetchall()
            assert len(found) == by_name[name].total, name


def test_the_timeline_holds_every_cited_row(report: Report, bundled_case: Path) -> None:
    with open_reader(bundled_case) as con:
        cited = con.execute(
            "SELECT DISTINCT table_name, row_address FROM evidence_ref JOIN timeline USING (table_name, row_address, source_id)"
            " WHERE subject_id IN (SELECT finding_id FROM finding)"
        ).fetchall()
    shown = {(r[5], r[6]) for r in report.timeline.rows}

    assert cited
    assert {(t, a) for t, a in cited} <= shown
    assert [r[0] for r in report.timeline.rows] == sorted(str(r[0]) for r in report.timeline.rows)


def test_process_tree_leads_from_the_shell_to_what_followed(report: Report) -> None:
    def walk(nodes: tuple[object, ...], depth: int = 0) -> list[tuple[int, str, str]]:
        out = []
        for n in nodes:
            out.append((depth, n.path.rpartition("\\")[2], n.role))  # type: ignore[attr-defined]
            out += walk(n.children, depth + 1)  # type: ignore[attr-defined]
        return out

    flat = walk(report.findings[0].processes)
    names = [(name, role) for _, name, role in flat]

    assert ("explorer.exe", "ancestor") in names
    assert ("rundll32.exe", "run from the image") in names
    depth = {name: d for d, name, _ in flat}
    assert depth["explorer.exe"] < depth["rundll32.exe"] < depth["whoami.exe"]


def test_files_of_the_image_carry_hashes_and_say_what_was_run(
    bundled_case: Path, tmp_path: Path
) -> None:
    import duckdb

    case = tmp_path / "case"
    shutil.copytree(bundled_case, case)
    with duckdb.connect(str(case / "case.duckdb")) as con:
        con.execute("UPDATE source SET windows_path = ? WHERE path LIKE '%(1).iso'", [IMAGE])

    content = {x.name: x for x in made(case).findings[0].listings}["image_content"]

    run = {r[0]: r[6] for r in content.rows}
    assert run["viewer\\layout.dll"] is True
    assert run["Shipping Documents.lnk"] is False
    assert all(re.fullmatch("[0-9A-F]{64}", str(r[4])) for r in content.rows)


def test_no_gap_is_counted_where_no_record_was_read(report: Report) -> None:
    place = {f.name: i for i, f in enumerate(report.coverage.fields)}
    rows = {r[place["channel"]]: r for r in report.coverage.rows}

    whole, absent, there = rows["all evidence of this host"], rows["Amcache"], rows["System"]
    assert [whole[place[n]] for n in ("records", "gaps", "cleared")] == [None, None, None]
    assert [absent[place[n]] for n in ("records", "gaps", "cleared")] == [0, None, None]
    assert [there[place[n]] for n in ("gaps", "cleared")] == [0, 0]


def test_every_technique_that_a_finding_can_bear_has_a_name() -> None:
    texts = [s.read_text("utf-8") for s in correlate_steps()]
    borne = {t for text in texts for t in re.findall(r"'(T\d{4}(?:\.\d{3})?)'", text)}

    assert borne
    assert borne <= set(NAMES)


def test_an_empty_case_says_what_that_rests_on(bundled_case: Path, tmp_path: Path) -> None:
    import duckdb

    case = tmp_path / "case"
    shutil.copytree(bundled_case, case)
    with duckdb.connect(str(case / "case.duckdb")) as con:
        for table in (
            "finding",
            "coverage",
            "source",
            "timeline",
            "execution",
            "follow_on",
            "problem",
        ):
            con.execute(f"DELETE FROM {table}")

    empty = made(case)

    assert "the absence of a finding means nothing" in empty.limits[0]
    assert "No disk image was seen" in render(empty, presenter(empty))


@pytest.mark.parametrize("name", ["report.md", "report.json"])
def test_the_bundled_report_is_the_golden_one(report: Report, name: str) -> None:
    """Anew: python -m tests.report.golden, then look at the difference."""
    from tests.report.golden import forms

    assert forms(report)[name] == (GOLDEN / name).read_text(encoding="utf-8")


def test_hosts_that_only_an_export_of_many_tells_of_are_examined_too(
    bundled_case: Path, tmp_path: Path
) -> None:
    case = shutil.copytree(bundled_case, tmp_path / "case")
    with open_writer(case) as con:
        con.execute(
            "INSERT INTO coverage (host, channel, records, gaps, cleared) VALUES ('REM-1', 'DeviceEvents', 4, 0, 0)"
        )

    report = made(case)

    assert report.summary[0].startswith("2 hosts were examined")
    assert [h.name for h in report.hosts] == ["FIN-WS07", "REM-1"]
