"""The first screens: one key to each part, and a case that is not finished says so."""

import shutil
from collections.abc import Callable
from pathlib import Path

from forensic_iso.case.store import open_writer
from tests.tui.driving import running

Go = Callable[[object], None]


def top(text: str) -> str:
    return text.splitlines()[1]


def test_one_key_leads_to_each_part(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, (80, 24)) as d:
            for key, title in (("E", "Evidence"), ("C", "Coverage"), ("H", "Hosts")):
                await d.press(key)
                assert top(d.text).startswith(title) or title == "Hosts"
                assert d.app.screen.list().current.plain.startswith(title)
            await d.press("P")
            assert "Problems" in d.text
            await d.press("U")
            assert "not read" in d.state

    go(walk())


def test_headings_open_what_they_count(case: Path, go: Go) -> None:
    with open_writer(case) as con:
        con.execute("INSERT INTO problem VALUES ('s', 'p', 'x', 'error', 'c', 'e', 'f', 'm')")

    async def walk() -> None:
        async with running(case, (80, 24)) as d:
            await d.press("P", "enter")
            problems = d.state
            await d.press("escape", "g", "enter")
            findings = d.state

        assert "problems: 1 line" in problems
        assert "2 findings, worst first" in findings

    go(walk())


def test_a_long_name_of_a_host_is_told_from_what_follows(case: Path, go: Go) -> None:
    with open_writer(case) as con:
        con.execute("UPDATE source SET host = 'COLLECTION_OF_MANY_MACHINES'")

    async def walk() -> None:
        async with running(case, (110, 30)) as d:
            assert "COLLECTION_OF_MANY_MACHINES 10 artifacts" in d.text

    go(walk())


def test_a_case_that_is_read_and_not_correlated_says_so(case: Path, go: Go) -> None:
    with open_writer(case) as con:
        for table in ("timeline", "finding", "mount_session"):
            con.execute(f"DELETE FROM {table}")
        con.execute("UPDATE source SET state = 'pending' WHERE kind = 'mft'")

    async def walk() -> None:
        async with running(case, (110, 30)) as d:
            first = d.text
            await d.press("2")
            findings = d.text
            await d.press("3")
            rows = d.state
            await d.press(
                "i", "z", "e", "w", "n", "d", "p", "P", "m", "Y", "T", "greater_than_sign"
            )
            await d.press("5")
            sessions = d.text

        for text in (first, findings, sessions):
            assert "not correlated" in text and "forensic-iso correlate" in text
            assert "no image was seen" not in text
        assert "1 artifacts are not read to the end" in first
        assert "no row in the timeline: 1 tells" in rows

    go(walk())


def test_findings_are_put_in_other_orders(case: Path, go: Go) -> None:
    with open_writer(case) as con:
        con.execute(
            "INSERT INTO finding BY NAME SELECT 'f' || n AS finding_id, 'H' || (9 - n) AS host,"
            " 'D:/' || n || '.iso' AS image_path, 'mounted' AS verdict, 'low' AS severity, n AS score,"
            " make_timestamp_ns(1600000000000000000 + n * 1000000000) AS first_utc FROM range(500) t(n)"
        )

    async def walk() -> None:
        async with running(case, (110, 30), start="findings") as d:
            count = d.state
            before = d.app.screen.list().current.plain
            await d.press("s")
            earliest, kept = d.state, d.app.screen.list().current.plain
            await d.press("g")
            first = d.app.screen.list().current.plain
            await d.press("s", "s", "s", "slash")
            await d.type("D:/417.iso")
            found = d.app.screen.list().current.plain

        assert "502 findings, worst first" in count and "earliest first" in earliest
        assert kept == before and "D:/0.iso" in first and "D:/417.iso" in found

    go(walk())


def test_a_case_without_findings_says_so(case: Path, go: Go, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(case, other)
    with open_writer(other) as con:
        con.execute("DELETE FROM finding")

    async def walk() -> None:
        async with running(other, (80, 24)) as d:
            assert "no image was seen delivered or mounted" in d.text
            await d.press("2")
            assert "0 findings" in d.state

    go(walk())
