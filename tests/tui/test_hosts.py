"""A case of several hosts: the process trees stand below the name of their host."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from forensic_iso.browse.timeline import Row
from tests.tui.driving import Driver, running
from tui.widgets.lines import Lines

Go = Callable[[object], None]


@pytest.fixture
def two_hosts(case: Path) -> Path:
    """The bundled case, and one process on a host whose name comes first."""
    with duckdb.connect(str(case / "case.duckdb")) as con:
        con.execute(
            "INSERT INTO process SELECT * REPLACE ('ABC-01' AS host, 'other' AS process_key,"
            " NULL AS parent_key) FROM process ORDER BY started_utc LIMIT 1"
        )
    return case


def lines(d: Driver) -> Lines:
    return d.app.screen.query_one("#lines", Lines)


def test_processes_stand_below_the_name_of_their_host(two_hosts: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(two_hosts, (80, 24), start="processes") as d:
            plain = [entry.plain for entry in lines(d).items]
            heads = [i for i, entry in enumerate(lines(d).items) if entry.is_heading]
            first = d.text
            await d.press("g")
            top = d.state
            await d.press("j")
            below = d.state
            await d.press("tab")
            at_host = lines(d).cursor

        assert [plain[i].split()[0] for i in heads] == ["ABC-01", "FIN-WS07"]
        assert "1 processes" in plain[heads[0]] and "run from an image" in plain[heads[1]]
        assert "(9044)" in first  # it opens at the first run from an image
        assert "host" in top and below.strip().startswith(f"1 of {len(plain) - 2}  ABC-01")
        assert at_host == heads[1]

    go(walk())


def test_a_host_of_the_trees_becomes_a_filter(two_hosts: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(two_hosts, (110, 30), start="processes") as d:
            await d.press("g", "tab", "enter")
            await d.until("host=FIN-WS07")

    go(walk())


def test_one_host_needs_no_heading(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, (80, 24), start="processes") as d:
            assert not any(entry.is_heading for entry in lines(d).items)
            assert " of " in d.state

    go(walk())


def test_a_former_name_stands_below_its_host_and_leads_to_the_row(case: Path, go: Go) -> None:
    with duckdb.connect(str(case / "case.duckdb")) as con:
        con.execute(
            "INSERT INTO host_alias SELECT 'FIN-WS07', 'WIN-OLD', time_utc, time_utc, 'why it is one',"
            " source_id, table_name, row_address FROM timeline WHERE table_name = 'vhdmp' LIMIT 1"
        )

    async def walk() -> None:
        async with running(case, (80, 24)) as d:
            await d.press("slash")
            await d.type("WIN-OLD")
            told = d.text
            await d.press("enter")
            await d.settle()
            at = d.row()

        assert "before: WIN-OLD until 2024-05-14" in told and "why it is one" in told
        assert isinstance(at, Row) and at.table_name == "vhdmp"

    go(walk())


def test_a_finding_tells_what_speaks_for_the_volume_of_its_session(case: Path, go: Go) -> None:
    async def walk() -> None:
        async with running(case, (80, 60), start="findings") as d:
            await d.press("enter", "slash")
            await d.type("volume E: (letter)")
            await d.settle()
            told = " ".join(d.text.split())

        assert "volume E: (letter) taken [0.70] used only while this image was open" in told

    go(walk())
