"""The page of a finding tells which Sigma rules its rows met and leads to them."""

from collections.abc import Callable
from pathlib import Path

import duckdb

from forensic_iso.sigma.support import support_view_sql
from tests.tui.driving import running

ROW = (
    "SELECT e.source_id, e.row_address, e.table_name FROM finding f JOIN evidence_ref e ON e.subject_id = f.finding_id"
    " JOIN timeline t ON t.source_id = e.source_id AND t.row_address = e.row_address AND t.table_name = e.table_name"
    " WHERE e.table_name = 'sysmon_process_create' ORDER BY f.score DESC, f.finding_id, e.row_address LIMIT 1"
)


def put_hit(case: Path) -> tuple[str, str, str]:
    """A hit on a process start that the worst finding cites; its place."""
    with duckdb.connect(str(case / "case.duckdb")) as con:
        row = con.execute(ROW).fetchone()
        assert row is not None
        con.execute(
            "INSERT INTO sigma_hit (hit_id, title, level, host, table_name, source_id, row_address, rule_set)"
            " VALUES ('h', 'Bad [red]\x1b[31m thing', 'high', 'H', ?, ?, ?, 's')",
            [row[2], row[0], row[1]],
        )
        con.execute(support_view_sql())
    return str(row[0]), str(row[1]), str(row[2])


def test_a_rule_is_told_in_the_story_and_its_line_leads_to_the_row(
    case: Path, go: Callable[..., None]
) -> None:
    source, address, table = put_hit(case)

    async def look() -> None:
        async with running(case, (120, 50), "findings") as at:
            await at.press("enter")
            lines = at.app.screen.query_one("#lines")
            told = [i.plain for i in lines.items]
            assert any("Sigma" in t and "high: Bad [red]\\x1b[31m thing (1)" in t for t in told)
            (number,) = [
                n for n, t in enumerate(told) if f"{table} at {address}" in t and "Bad" in t
            ]

            lines.items[number].payload()
            await at.settle()

            row = at.row()
            assert (row.source_id, row.row_address) == (source, address)

    go(look())
