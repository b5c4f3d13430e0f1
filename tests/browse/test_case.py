"""Opening a case, pages, scans, details, raw bytes, and the sealed console."""

import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

from forensic_iso.browse import (
    console,
    detail,
    facets,
    histogram,
    overview,
    processes,
    raw,
    rowset,
    scan,
    timeline,
)
from forensic_iso.browse.case import Case
from forensic_iso.browse.filters import Filter, parse
from forensic_iso.browse.stop import Stop
from forensic_iso.browse.view import Entry, View
from forensic_iso.case.store import open_writer
from forensic_iso.errors import CaseError


@pytest.fixture(scope="module")
def opened(bundled_case: Path) -> Iterator[Case]:
    case = Case(bundled_case)
    yield case
    case.close()


def rows_of(case: Case, typed: str) -> rowset.RowSet:
    made = [scan.fill(case, f, Stop()) for f in parse(typed)]
    out = made[0]
    for m in made[1:]:
        assert out is not None and m is not None
        out = out & m
    assert out is not None
    return out


def test_a_case_without_timeline_says_what_to_run(tmp_path: Path) -> None:
    case = tmp_path / "case"
    with open_writer(case) as con:
        con.execute("DROP TABLE timeline")

    with pytest.raises(CaseError, match="run forensic-iso correlate"):
        Case(case)


def test_a_damaged_case_is_refused_with_a_message(bundled_case: Path, tmp_path: Path) -> None:
    case = tmp_path / "case"
    case.mkdir()
    data = bytearray((bundled_case / "case.duckdb").read_bytes())
    data[:16384] = bytes(16384)
    (case / "case.duckdb").write_bytes(data)

    with pytest.raises(CaseError, match="opening the case"):
        Case(case)


def test_row_number_is_physical_order_and_order_of_time(opened: Case) -> None:
    rows = timeline.page(opened, 0, opened.total - 1)

    assert [r.rid for r in rows] == list(range(opened.total))
    assert all(a.time_ns <= b.time_ns for a, b in pairwise(rows))


@pytest.mark.parametrize(
    ("typed", "sql"),
    [
        ("source=VHDMP", "source = 'VHDMP'"),
        ("-source=VHDMP", "source <> 'VHDMP'"),
        ("severity>=high", "severity >= 4"),
        ("event=1 layout", "event_id = 1 AND contains(lower(summary), 'layout')"),
        ("-ISO", "NOT contains(lower(summary), 'iso')"),
        ("/rundll32.*Render/", "regexp_matches(summary, 'rundll32.*Render')"),
        (
            "time>=2024-05-14T08:16 time<2024-05-14T08:17",
            "time_utc >= '2024-05-14 08:16:00' AND time_utc < '2024-05-14 08:17:00'",
        ),
    ],
)
def test_a_filter_finds_what_sql_finds(opened: Case, typed: str, sql: str) -> None:
    wanted = [r[0] for r in opened.rows(f"SELECT rid FROM timeline WHERE {sql} ORDER BY rid")]

    found = rows_of(opened, typed)

    assert found.slice(0, len(found)) == wanted
    assert wanted


@pytest.mark.parametrize("total", [1, 122_880, 122_881, 2_000_000])
@pytest.mark.parametrize(("backwards", "start"), [(False, 0), (True, 0), (False, 500_000)])
def test_steps_cover_the_timeline_once(total: int, backwards: bool, start: int) -> None:
    ranges = list(scan.steps(total, backwards, start))

    assert sorted(ranges)[0][0] == 0
    assert max(b for _, b in ranges) == total
    assert sum(b - a for a, b in ranges) == total
    assert all(a % 8 == 0 for a, _ in ranges)


def test_a_stopped_scan_ends_without_a_result(opened: Case) -> None:
    stop = Stop()
    stop.set()

    assert scan.fill(opened, Filter("text", "~", "x"), stop) is None


def test_a_view_places_rows_in_both_orders(opened: Case) -> None:
    found = rows_of(opened, "source=VHDMP")
    view = View(opened.total, entries=[Entry(Filter("source", "=", "VHDMP"), found, 1, 1)])
    view.combine()
    first, last = found.select(0), found.select(len(found) - 1)

    assert view.rid_at(0) == first
    view.descending = True
    assert view.rid_at(0) == last
    assert view.position_of(first) == len(found) - 1
    assert view.step(found, last, forward=True) == found.before(last)


def test_facets_of_a_small_and_of_a_large_set_agree(
    opened: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = rows_of(opened, "-source=VHDMP")
    small = facets.facet(opened, "kind", found)

    monkeypatch.setattr(facets, "SMALL", 0)

    assert facets.facet(opened, "kind", found) == small
    assert sum(n for _, n in small) == len(found)


def test_histogram_counts_every_row_of_its_range_once(opened: Case) -> None:
    begin, end = timeline.bounds(opened) or (0, 0)

    scale = histogram.scale(opened, begin, end, 37)
    found = rows_of(opened, "source=Sysmon")

    assert sum(histogram.counts(scale, None)) == opened.total
    assert sum(histogram.counts(scale, found)) == len(found)
    assert scale.bar_of(0) == 0


def test_a_process_has_its_starts_ends_and_acts(opened: Case) -> None:
    key = str(opened.rows("SELECT process_key FROM execution WHERE pid = 9128")[0][0])

    rows = timeline.chosen(opened, processes.timeline_rows(opened, key))

    kinds = {r.kind for r in rows}
    assert {"process_create", "dns", "network", "file_create", "registry", "image_load"} <= kinds


def test_every_evidence_row_of_the_story_reads_its_bytes_again(opened: Case) -> None:
    finding = str(opened.rows("SELECT finding_id FROM finding ORDER BY score DESC")[0][0])
    rows = timeline.chosen(opened, timeline.of_finding(opened, finding))
    evidence = [r for r in rows if r.source_id is not None]
    assert len(evidence) > 10

    for r in evidence:
        got = raw.read(opened, str(r.source_id), r.table_name, str(r.row_address))
        assert got.data[:4] == (b"FILE" if r.source == "$MFT" else b"\x2a\x2a\0\0")
        if r.source != "$MFT":
            text = raw.xml(opened, str(r.source_id), str(r.row_address))
            assert f">{r.event_id}</EventID>" in text


def test_missing_evidence_is_told_not_raised(bundled_case: Path, tmp_path: Path) -> None:
    case = tmp_path / "case"
    case.mkdir()
    shutil.copy(bundled_case / "case.duckdb", case)
    with duckdb.connect(str(case / "case.duckdb")) as con:
        con.execute("UPDATE source SET given = '/gone/' || source_id")
    opened = Case(case)
    row = next(r for r in timeline.page(opened, 0, 400) if r.source_id)

    with pytest.raises(raw.RawError, match="put the evidence back"):
        raw.read(opened, str(row.source_id), row.table_name, str(row.row_address))
    opened.close()


def test_fields_carry_their_meaning_and_related_rows_are_found(opened: Case) -> None:
    row = timeline.chosen(opened, rows_of(opened, "source=Sysmon event=1 layout").slice(0, 1))[0]

    record = detail.fields(opened, row)[0]

    named = {f.name: f for f in record}
    assert "layout.dll" in named["command_line"].shown
    assert all(f.meaning for f in record)
    assert any("same process" in r.why for r in detail.related(opened, row))
    assert any("same logon" in r.why for r in detail.related(opened, row))


def test_of_many_related_rows_the_nearest_are_told(
    opened: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detail, "SAME_MOST", 2)
    rows = rows_of(opened, "source=Sysmon event=1 svchost.exe")
    row = timeline.chosen(opened, rows.slice(len(rows) // 2, len(rows) // 2 + 1))[0]

    same = next(r for r in detail.related(opened, row) if "file name: svchost.exe" in r.why)

    naming = [
        int(str(rid))
        for (rid,) in opened.rows(
            "SELECT rid FROM timeline WHERE summary ILIKE '%svchost.exe%' ORDER BY abs(rid - ?)",
            [row.rid],
        )
    ]
    assert same.cut and len(same.rids) == 4 and row.rid in same.rids
    assert same.rids == sorted(same.rids) and set(same.rids[1:3]) <= set(naming[:6])


def test_image_files_name_their_runs_with_the_basis(opened: Case) -> None:
    source = str(overview.images(opened)[0]["source_id"])

    runs = {str(f["name"]): f["runs"] for f in overview.image_files(opened, source)}

    told = [str(r) for name, r in runs.items() if "layout.dll" in name]
    assert told and "(" in told[0]


def test_a_result_that_is_cut_says_so(opened: Case) -> None:
    assert console.run(opened, "SELECT * FROM range(11)", most=10).cut
    assert not console.run(opened, "SELECT * FROM range(10)", most=10).cut
    assert console.run(opened, f"SELECT repeat('x', {console.CELL + 1})").cells_cut == 1


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_text('/etc/hostname')",
        "COPY finding TO '/tmp/never.csv'",
        "ATTACH '/tmp/never.db'",
        "INSERT INTO finding SELECT * FROM finding",
        "SET memory_limit = '8GB'",
        "INSTALL fts",
        "SELECT 1; SELECT 2",
        "",
    ],
)
def test_the_console_refuses_what_is_not_reading_the_case(opened: Case, query: str) -> None:
    with pytest.raises(console.QueryError):
        console.run(opened, query)
