"""The runner: order, rules, running again."""

from pathlib import Path
from typing import Any, cast

import duckdb
import pytest

from forensic_iso.case.schema import PROBLEM, SOURCE, create_sql, evidence_tables
from forensic_iso.correlate import run as module
from forensic_iso.correlate.run import load_rules, run
from forensic_iso.correlate.schema import DERIVED_TABLES
from forensic_iso.errors import UsageError

DEFAULT = Path(module.__file__).with_name("rules.toml")


def empty_case() -> duckdb.DuckDBPyConnection:
    """A case with all tables and no evidence."""
    con = duckdb.connect()
    con.execute(create_sql((SOURCE, PROBLEM, *evidence_tables())))
    return con


def rows_of(con: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[object, ...]]]:
    """All derived rows by table, in a fixed order."""
    return {
        t.name: sorted(con.execute(f'SELECT * FROM "{t.name}"').fetchall(), key=repr)
        for t in DERIVED_TABLES
    }


def test_empty_evidence_gives_empty_tables_with_their_columns() -> None:
    con = empty_case()

    results = run(con)

    assert [r.name for r in results][:4] == ["host_name", "words", "clock", "boot"]
    for table in DERIVED_TABLES:
        described = con.execute(f'DESCRIBE "{table.name}"').fetchall()
        assert [d[0] for d in described] == table.column_names()
    assert not rows_of(con)["finding"]


def test_running_again_gives_the_same_rows() -> None:
    con = empty_case()
    con.execute(
        "INSERT INTO vhdmp (host, channel, record_id, event_id, time_utc, vhd_file, source_id,"
        " record_offset) VALUES ('A', 'V', 1, 1, '2024-05-01 10:00:00', 'C:\\a.iso', 's', 5)"
    )
    run(con)
    first = rows_of(con)

    run(con)

    assert rows_of(con) == first
    assert len(first["mount_session"]) == 1


def test_failed_step_leaves_the_case_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    con = empty_case()
    run(con)
    con.execute("INSERT INTO finding (finding_id) VALUES ('kept')")
    con.execute("DROP TABLE vhdmp")

    with pytest.raises(duckdb.Error):
        run(con)

    assert con.execute("SELECT finding_id FROM finding").fetchall() == [("kept",)]


class FullDisk:
    """A connection whose commit finds no space: DuckDB has then ended the transaction by itself."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._con = con

    def execute(self, query: str, *given: Any) -> Any:
        if query == "COMMIT":
            self._con.execute("ROLLBACK")
            raise duckdb.TransactionException("Failed to commit: No space left on device")
        return self._con.execute(query, *given)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._con, name)


def test_a_full_disk_is_what_is_told_and_the_case_stays_as_it_was() -> None:
    con = empty_case()
    run(con)
    con.execute("INSERT INTO finding (finding_id) VALUES ('kept')")

    with pytest.raises(duckdb.TransactionException, match="No space left"):
        run(cast(duckdb.DuckDBPyConnection, FullDisk(con)))

    assert con.execute("SELECT finding_id FROM finding").fetchall() == [("kept",)]


def test_copy_of_the_rules_replaces_them(tmp_path: Path) -> None:
    copy = tmp_path / "mine.toml"
    text = DEFAULT.read_text(encoding="utf-8")
    copy.write_text(text.replace("same_act_s = 2 ", "same_act_s = 3 "), encoding="utf-8")
    con = empty_case()

    run(con, copy)

    value = con.execute("SELECT value FROM rule WHERE name = 'same_act_s'").fetchone()
    assert value == (3.0,)


@pytest.mark.parametrize(
    ("old", "new"), [("same_act_s", "same_akt_s"), ("[number]", "[numbers]"), ("= 2 ", "= = ")]
)
def test_rules_with_missing_or_wrong_names_are_refused(tmp_path: Path, old: str, new: str) -> None:
    broken = tmp_path / "broken.toml"
    text = DEFAULT.read_text(encoding="utf-8")
    broken.write_text(text.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(UsageError, match=r"broken\.toml"):
        load_rules(broken)


def test_every_rule_is_used() -> None:
    sql = "".join(f.read_text(encoding="utf-8") for f in module.steps())
    rules = load_rules()

    composed = ("s_", "cap_")
    unused = [
        n
        for n in (*rules.numbers, *rules.lists)
        if f"'{n}'" not in sql and not n.startswith(composed)
    ]

    assert not unused
