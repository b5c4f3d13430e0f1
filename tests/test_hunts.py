"""Hunts as views: their headers, their rows' provenance, parameters, and the KQL hunt exact at one tick."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from click.testing import CliRunner, Result

from forensic_iso.case.schema import create_sql, evidence_tables
from forensic_iso.case.store import open_reader
from forensic_iso.cli import cli
from forensic_iso.correlate.schema import DERIVED_TABLES
from forensic_iso.errors import UsageError
from forensic_iso.hunts import (
    KEYS,
    Hunt,
    all_hunts,
    card,
    log_views,
    parse_hunt,
    prepare,
    views_sql,
)
from parsers import mde
from parsers.contract import Artifact, Batch
from tests.shared import CASES, needs_shared

PUBLISHED_COLUMNS = {"hunt_kql_inner", "hunt_kql_default", "hunt_nearest", "hunt_image_load"}
"""Their rows have the columns of the published query, and no others."""
DOCS = Path(__file__).resolve().parents[1] / "docs"

T0 = datetime(2024, 5, 15, 7, 21, 13, tzinfo=UTC)
MINUTE = 600_000_000  # ticks of 100 ns


def _ns(ticks: int) -> int:
    return int(T0.timestamp()) * 10**9 + ticks * 100


class Base:
    """A database with the evidence tables and views, and rows put in by hand."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self.con = con
        self._row = 0

    def put(self, table: str, ticks: int, **cells: Any) -> None:
        self._row += 1
        row = {
            "device_name": "pc1.x",
            "report_id": self._row,
            "source_id": "s1",
            "row_address": self._row,
            **cells,
        }
        marks = ", ".join("?" for _ in row)
        self.con.execute(
            f"INSERT INTO {table} (timestamp_utc, {', '.join(row)}) "
            f"VALUES (make_timestamp_ns(?), {marks})",
            [_ns(ticks), *row.values()],
        )

    def lnk(self, ticks: int, url: str | None = "E:\\a.lnk", **cells: Any) -> None:
        cells = {"action_type": "BrowserLaunchedToOpenUrl", **cells}
        self.put("mde_device_events", ticks, remote_url=url, **cells)

    def proc(self, ticks: int, path: str | None = "E:\\a.exe", **cells: Any) -> None:
        self.put("mde_device_process_events", ticks, folder_path=path, **cells)

    def count(self, view: str = "hunt_kql_inner") -> int:
        row = self.con.execute(f"SELECT count(*) FROM {view}").fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture(scope="module")
def empty_case() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database with all tables and views of a case, and no row."""
    con = duckdb.connect()
    con.execute(create_sql((*evidence_tables(), *DERIVED_TABLES)))
    con.execute(views_sql())
    yield con
    con.close()


@pytest.fixture
def base(empty_case: duckdb.DuckDBPyConnection) -> Iterator[Base]:
    empty_case.execute("BEGIN")
    yield Base(empty_case)
    empty_case.execute("ROLLBACK")


@pytest.mark.parametrize(
    ("ticks", "rows"), [(-1, 0), (0, 1), (1, 1), (MINUTE - 1, 1), (MINUTE, 1), (MINUTE + 1, 0)]
)
def test_both_ends_of_the_minute_count_to_the_tick(base: Base, ticks: int, rows: int) -> None:
    base.lnk(7)
    base.proc(7 + ticks)

    assert [base.count(v) for v in ("hunt_kql_inner", "hunt_kql_default", "hunt_nearest")] == [
        rows
    ] * 3


@pytest.mark.parametrize(("ticks", "rows"), [(0, 0), (1, 1)])
def test_the_reach_back_is_strict(base: Base, ticks: int, rows: int) -> None:
    thirty_days = 30 * 24 * 60 * MINUTE
    base.lnk(ticks)
    base.proc(ticks)
    base.proc(thirty_days, "C:\\newest.exe")

    assert base.count() == rows


def test_parameters_move_the_moment_and_the_reach(base: Base) -> None:
    base.lnk(0)
    base.proc(1)
    base.con.execute(
        "INSERT INTO hunt_parameter VALUES (?::TIMESTAMP_NS, 2)",
        [(T0 + timedelta(days=2)).replace(tzinfo=None)],
    )

    assert base.count() == 0
    base.con.execute("UPDATE hunt_parameter SET days = 3")
    assert base.count() == 1


def test_keys_are_case_sensitive_but_filters_are_not(base: Base) -> None:
    base.lnk(0, "E:\\A.LNK")
    base.proc(1, "e:\\a.exe")
    base.proc(2, "E:\\a.exe", device_name="PC1.x")
    base.lnk(3, "c:\\x.lnk")
    base.proc(4, "c:\\x.exe")
    assert (base.count(), base.count("hunt_nearest")) == (0, 2)

    base.proc(5, "E:\\a.exe")
    assert base.count() == 1


def test_the_action_is_compared_in_its_case(base: Base) -> None:
    base.lnk(0, action_type="browserlaunchedtoopenurl")
    base.proc(1)

    assert base.count() == 0


@pytest.mark.parametrize(
    "url", ["\\\\srv\\s\\x.lnk", "file:///E:/x.lnk", "\\Device\\x.lnk", "", None]
)
def test_a_link_without_a_drive_joins_nothing(base: Base, url: str | None) -> None:
    base.lnk(0, url)
    for path in ("\\\\srv\\s\\x.exe", "\\Device\\CdRom0\\x.exe", "", None):
        base.proc(1, path)

    assert base.count() == 0
    assert base.count("hunt_nearest") == 0


def test_inner_gives_every_pair_and_default_one_link_per_key(base: Base) -> None:
    base.lnk(0)
    base.lnk(10)
    base.proc(20)
    base.proc(MINUTE + 5)

    assert base.count() == 3
    assert base.count("hunt_kql_default") == 1


def test_innerunique_drops_links_before_the_minute_is_looked_at(base: Base) -> None:
    base.lnk(0)
    base.lnk(5 * MINUTE)
    base.proc(5 * MINUTE + 1)

    assert base.count() == 1
    assert base.count("hunt_kql_default") == 0


def test_nearest_gives_each_process_its_last_link(base: Base) -> None:
    base.lnk(0, "E:\\first.lnk")
    base.lnk(10, "E:\\second.lnk")
    base.proc(20)

    rows = base.con.execute('SELECT "RemoteUrl" FROM hunt_nearest').fetchall()
    assert rows == [("E:\\second.lnk",)]


def test_rows_exported_twice_in_two_files_count_once(base: Base) -> None:
    for source in ("s1", "s2"):
        base.lnk(0, report_id=1, source_id=source)
        base.proc(1, report_id=2, source_id=source)
    base.proc(1, report_id=2, source_id="s3", sha1="another")

    assert base.count() == 2
    assert base.count("hunt_nearest") == 2


def test_the_columns_are_those_of_the_published_query(base: Base) -> None:
    names = [d[0] for d in base.con.execute("SELECT * FROM hunt_kql_default").description or []]

    assert len(names) == 14
    assert names[:2] == ["LNKLaunchTimestamp", "StartedProcessTimestamp"]
    assert names[-1] == "Timestamp"


def test_the_sibling_finds_a_module_in_a_process_of_another_drive(base: Base) -> None:
    base.lnk(0)
    base.put(
        "mde_device_image_load_events",
        1,
        folder_path="E:\\x.dll",
        initiating_process_folder_path="c:\\windows\\system32\\rundll32.exe",
    )

    assert base.count("hunt_image_load") == 1


@pytest.mark.parametrize("hunt", all_hunts(), ids=lambda h: h.name)
def test_every_hunt_has_its_header(hunt: Hunt) -> None:
    assert all(getattr(hunt, key).strip() for key in KEYS)
    assert re.fullmatch(r"T[0-9]{4}(\.[0-9]{3})?(, T[0-9]{4}(\.[0-9]{3})?)*", hunt.attack)
    assert all(len(line) <= 130 for line in hunt.sql.splitlines())


@pytest.mark.parametrize("hunt", all_hunts(), ids=lambda h: h.name)
def test_every_hunt_runs_on_an_empty_case_and_leads_back_to_its_rows(
    hunt: Hunt, empty_case: duckdb.DuckDBPyConnection
) -> None:
    cursor = empty_case.execute(f"SELECT * FROM {hunt.name}")
    names = [d[0] for d in cursor.description or ()]

    assert cursor.fetchall() == []
    if hunt.name not in PUBLISHED_COLUMNS:
        assert names[-3:] == ["log", "source_id", "row_address"]


def test_every_row_of_the_bundled_case_leads_to_a_row_of_its_log(bundled_case: Path) -> None:
    address = {t.name: t.address for t in evidence_tables()}
    with open_reader(bundled_case) as con:
        found = 0
        for hunt in all_hunts():
            if hunt.name in PUBLISHED_COLUMNS:
                continue
            rows = con.execute(f"SELECT log, source_id, row_address FROM {hunt.name}").fetchall()
            found += len(rows)
            for log, source, row_address in rows:
                hit = con.execute(
                    f'SELECT count(*) FROM "{log}" WHERE source_id = ? AND "{address[log]}"::VARCHAR = ?',
                    [source, row_address],
                ).fetchone()
                assert hit is not None and hit[0] >= 1, (hunt.name, log, row_address)

    assert found > 0


def test_the_bundled_case_is_found_by_the_hunts_that_it_answers(bundled_case: Path) -> None:
    with open_reader(bundled_case) as con:
        hits = {h.name for h in all_hunts() if con.execute(f"FROM {h.name} LIMIT 1").fetchone()}

    assert {
        "hunt_image_in_user_folder",
        "hunt_image_mounted",
        "hunt_image_surfaced",
        "hunt_iso_handle",
        "hunt_module_after_link_all_logs",
        "hunt_shortcut_of_image",
    } <= hits


def test_views_that_hunts_read_say_what_a_row_is() -> None:
    assert all(v.comment and v.name.startswith("seen_") for v in log_views())


def test_parameters_of_a_connection_hide_those_of_the_case(bundled_case: Path) -> None:
    with open_reader(bundled_case) as con:
        before = con.execute("SELECT count(*) FROM hunt_image_surfaced").fetchone()
        prepare(con, as_of_ns=0, days=1)
        after = con.execute("SELECT count(*) FROM hunt_image_surfaced").fetchone()

    assert before is not None and before[0] > 0
    assert after == (0,)


def test_a_card_holds_the_whole_header() -> None:
    hunt = all_hunts()[0]
    broken = card(hunt, 40)

    assert max(map(len, broken.splitlines()[1:])) <= 40
    assert all(getattr(hunt, key) in card(hunt, None) for key in KEYS)


def test_the_reference_lists_every_hunt() -> None:
    page = (DOCS / "hunts.md").read_text(encoding="utf-8")

    assert all(f"### {h.name}\n" in page and h.misses in page for h in all_hunts())
    assert all(f"`{v.name}`" in page for v in log_views())


@pytest.mark.parametrize(
    ("name", "text"), [("hunt_x", "-- title: x\nSELECT 1"), ("x; DROP", "SELECT 1")]
)
def test_a_hunt_without_header_or_with_another_name_is_refused(name: str, text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_hunt(name, text)


def _command(*args: object) -> Result:
    return CliRunner().invoke(cli, ["hunts", *map(str, args)])


def test_hunts_without_a_case_tell_all_of_each() -> None:
    rows = json.loads(_command("--format", "json").stdout)

    assert [r["hunt"] for r in rows] == [h.name for h in all_hunts()]
    assert all(r[key] for r in rows for key in KEYS)
    assert all(h.misses in _command().stdout for h in all_hunts())


def test_the_command_counts_and_looks_back(bundled_case: Path) -> None:
    def surfaced(*options: str) -> int:
        rows = json.loads(_command(bundled_case, "--format", "json", *options).stdout)
        return next(int(r["rows"]) for r in rows if r["hunt"] == "hunt_image_surfaced")

    assert surfaced() == surfaced("--lookback", "3000d") == 1
    assert surfaced("--as-of", "2001-01-01T00:00:00Z") == 0


def test_the_command_prints_the_rows_of_one(bundled_case: Path) -> None:
    rows = json.loads(_command(bundled_case, "hunt_image_surfaced", "--format", "json").stdout)

    assert [r["log"] for r in rows] == ["vhdmp"]


@pytest.mark.parametrize(
    "args",
    [
        ["hunt_of_nobody"],
        ["--lookback", "soon"],
        ["--lookback", "0d"],
        ["--lookback", "99999d"],
        ["--lookback", "-3d"],
        ["--as-of", "yesterday"],
    ],
)
def test_the_command_refuses_what_it_cannot_read(bundled_case: Path, args: list[str]) -> None:
    assert isinstance(_command(bundled_case, *args).exception, UsageError)


@needs_shared
def test_the_shared_case_gives_the_stated_rows(base: Base) -> None:
    case = CASES / "12-mde-hunt"
    for path in sorted((case / "evidence/mde").iterdir()):
        _load(base, path)

    truth = json.loads((case / "truth.json").read_text())["kql"]
    names = list(truth["inner_rows"][0])
    picked = ", ".join(f'"{n}"' for n in names)
    rows = base.con.execute(f"SELECT {picked} FROM hunt_kql_inner").fetchall()
    found = [[v.isoformat() + "Z" if isinstance(v, datetime) else v for v in row] for row in rows]
    assert sorted(found) == sorted([r[n] for n in names] for r in truth["inner_rows"])
    assert truth["default_min_rows"] <= base.count("hunt_kql_default") <= len(found)


def _load(base: Base, path: Path) -> None:
    artifact = Artifact(path.name, lambda: path.open("rb"), path.stat().st_size)
    for item in mde.parse(artifact):
        if isinstance(item, Batch):
            frame = item.frame.with_columns(source_id=pl.lit(path.name))
            base.con.register("frame", frame.to_arrow())
            base.con.execute(f"INSERT INTO {item.table} BY NAME SELECT * FROM frame")
