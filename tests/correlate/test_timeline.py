"""The timeline holds each time once, in one total order."""

from pathlib import Path

import pytest

from forensic_iso.case.store import open_reader, open_writer
from forensic_iso.correlate.run import run


def test_rows_are_numbered_in_the_order_of_time_without_holes(bundled_case: Path) -> None:
    with open_reader(bundled_case) as con:
        rows = con.execute("SELECT rid, time_utc FROM timeline").fetchall()

    assert [r for r, _ in rows] == list(range(len(rows)))
    assert [t for _, t in rows] == sorted(t for _, t in rows)


def test_every_event_with_a_time_has_its_row_and_leads_back(bundled_case: Path) -> None:
    with open_reader(bundled_case) as con:
        lost = con.execute(
            "SELECT count(*) FROM event e ANTI JOIN timeline t ON t.source_id = e.source_id"
            " AND t.row_address = e.record_offset::VARCHAR WHERE e.time_utc IS NOT NULL"
        ).fetchone()
        marks = con.execute("SELECT count(*) FROM timeline WHERE kind = 'mark'").fetchone()

    assert lost == (0,)
    assert marks is not None
    assert marks[0] > 0


def test_rows_that_a_finding_rests_on_carry_its_severity(bundled_case: Path) -> None:
    with open_reader(bundled_case) as con:
        found = con.execute(
            "SELECT DISTINCT severity FROM timeline WHERE source = 'VHDMP' AND summary LIKE 'surfaced%Shipping%'"
        ).fetchall()

    assert found == [(5,)]


def test_a_second_run_gives_the_same_timeline(bundled_case: Path) -> None:
    query = "SELECT md5(string_agg(t::VARCHAR, '|' ORDER BY rid)) FROM timeline t"
    with open_writer(bundled_case) as con:
        before = con.execute(query).fetchone()
        run(con)
        after = con.execute(query).fetchone()

    assert before == after


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("browser_chromium", "Chromium history"),
        ("browser_firefox", "Firefox history"),
        ("browser_webcache", "WebCache"),
        ("since_forgotten", "Chromium history"),
    ],
)
def test_a_row_of_a_shared_table_bears_the_word_of_its_own_artifact(
    tmp_path: Path, kind: str, word: str
) -> None:
    with open_writer(tmp_path / "case") as con:
        con.execute(
            f"INSERT INTO source BY NAME SELECT 's' AS source_id, '{kind}' AS kind, 'done' AS state"
        )
        con.execute(
            "INSERT INTO browser_visit BY NAME SELECT 's' AS source_id, 1 AS row_id, 'http://a' AS url,"
            " 'database' AS origin, TIMESTAMP_NS '2024-05-14 08:00:00' AS visited_utc"
        )
        run(con)
        found = con.execute("SELECT DISTINCT source FROM timeline").fetchall()

    assert found == [(word,)]


def test_the_start_of_a_system_is_no_finding(bundled_case: Path) -> None:
    with open_reader(bundled_case) as con:
        found = con.execute(
            "SELECT DISTINCT source FROM timeline WHERE table_name = 'boot'"
        ).fetchall()

    assert found == [("Start of system",)]
