"""A fleet gives the findings that one machine gives, and a lost worker costs the retry of its host only."""

import os
import shutil
import signal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner

from forensic_iso.case.ingest import ingest
from forensic_iso.case.store import open_reader, open_writer
from forensic_iso.cli import cli
from forensic_iso.correlate.run import run as correlate
from forensic_iso.diff import diff
from forensic_iso.fleet import PARTS, QUIET, merge, run, work
from parsers.contract import Window
from tests.conftest import BUNDLED
from tests.shared import CASES, needs_shared

distributed: Any = pytest.importorskip("distributed", reason="needs the extra [fleet]")


@pytest.fixture
def collections(tmp_path: Path) -> Path:
    for number in range(3):
        shutil.copytree(BUNDLED, tmp_path / f"in/host-{number}")
    return tmp_path


def test_lost_worker_costs_only_a_retry(collections: Path) -> None:
    out = collections / "out"
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        with distributed.Client(cluster) as client:
            pids = client.run(os.getpid)
        parts = []
        for part in run([collections / "in"], out, cluster.scheduler_address):
            if not parts:
                os.kill(next(iter(pids.values())), signal.SIGKILL)
            parts.append(part)

    assert sorted(p.name for p in parts) == [f"host-{n}" for n in range(3)]
    assert not [p for p in parts if p.error]
    assert sorted(p.name for p in (out / PARTS).iterdir()) == [f"host-{n}" for n in range(3)]


def test_a_part_that_is_there_is_not_made_again(collections: Path) -> None:
    out = collections / "out"
    one = str(collections / "in/host-0")
    (out / PARTS).mkdir(parents=True)

    first = work(one, str(out), Window(), None)
    again = work(one, str(out), Window(), None)

    assert first.rows > 1000
    assert again.rows == 0
    assert again.error is None


def test_a_collection_of_nothing_is_named(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/notes.txt").write_text("nothing")
    (tmp_path / "out" / PARTS).mkdir(parents=True)

    part = work(str(tmp_path / "in/notes.txt"), str(tmp_path / "out"), Window(), None)

    assert "no parser knows it" in str(part.error)


def test_the_settings_of_dask_are_those_of_before(collections: Path) -> None:
    """A cluster of our own watches itself less; the user's other clusters in the same process do not."""
    import dask

    before = {k: dask.config.get(k) for k in QUIET}
    for number in (1, 2):
        shutil.rmtree(collections / f"in/host-{number}")
    parts = run([collections / "in"], collections / "out", workers=1)

    next(parts)

    assert {k: dask.config.get(k) for k in QUIET} == before
    assert not [p for p in parts if p.error]


@needs_shared
def test_same_findings_as_on_one_machine(tmp_path: Path) -> None:
    names = ("03-img-from-archive", "08-nothing-run")
    for name in names:
        shutil.copytree(CASES / name / "evidence", tmp_path / "in" / name)
    ingest(tmp_path / "one", [tmp_path / "in" / n for n in names], workers=0)
    with open_writer(tmp_path / "one") as con:
        correlate(con)

    done = CliRunner().invoke(
        cli, ["fleet", str(tmp_path / "in"), "--out", str(tmp_path / "out")], standalone_mode=False
    )

    assert done.return_value == 0, done.output
    found = diff(tmp_path / "one", tmp_path / "out/case")
    assert not found.findings
    assert not found.versions
    assert {t.table for t in found.tables} <= {"timeline"}
    with open_reader(tmp_path / "out/case") as con:
        rows = con.execute("SELECT rid FROM timeline").fetchall()
        assert [r[0] for r in rows] == list(range(len(rows)))
        assert (
            con.execute("SELECT count(*) FROM rule").fetchone()
            == con.execute("SELECT count(DISTINCT name) FROM rule").fetchone()
        )


def test_parts_can_be_read_without_this_tool(collections: Path) -> None:
    out = collections / "out"
    (out / PARTS).mkdir(parents=True)
    work(str(collections / "in/host-0"), str(out), Window(), None)

    with duckdb.connect() as con:
        rows = con.execute(
            f"SELECT DISTINCT host FROM read_parquet('{out}/parts/*/finding/*/*.parquet', hive_partitioning = true)"
        ).fetchall()

    assert rows == [("FIN-WS07",)]
    assert merge(out).is_dir()
