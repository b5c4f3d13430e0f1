"""Many hosts over an existing scheduler (extra `[fleet]`, Dask distributed): one task per collection, then one case.

A task reads and correlates its collection in a scratch folder of the worker and leaves its tables as Parquet below
`parts/` of the shared folder, under a name that appears whole or not at all. A worker that is lost costs the retry of
its collection only. The merge puts the parts into one case; nothing is correlated again, since each step of the
correlation keeps to one host. A host is to be in one collection.
"""

import shutil
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import duckdb

from forensic_iso.batch import collections
from forensic_iso.case import ingest, store
from forensic_iso.case.schema import case_tables
from forensic_iso.correlate import timeline
from forensic_iso.correlate.run import run as correlate
from forensic_iso.correlate.schema import TIMELINE
from forensic_iso.errors import NothingUsable, UsageError
from forensic_iso.evidence.discover import ImageOptions
from forensic_iso.export.run import run as export
from forensic_iso.folder import safe_name
from forensic_iso.text import one_line
from parsers.contract import Window

PARTS = "parts"
CASE = "case"
RETRIES = 2
"""A task that fails for a reason of its worker is tried again so often."""
QUIET = {
    "distributed.worker.profile.enabled": False,
    "distributed.worker.memory.monitor-interval": "1s",
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.tick.cycle": "10s",
    "distributed.admin.system-monitor.interval": "10s",
}
"""For a cluster of our own: its watching of itself, a hundred times a second, costs 0.07 s of CPU a second, so 0.014 s."""
ONCE = ("rule", "rule_list", "case_info")
"""Tables that say the same in each part."""


@dataclass(frozen=True, slots=True)
class Part:
    """What became of one collection. `error` is set where it gave nothing."""

    name: str
    rows: int
    error: str | None = None


def work(
    path: str, out: str, window: Window, rules: Path | None, images: ImageOptions | None = None
) -> Part:
    """The task of one collection; runs in a worker. What is there already is not made again."""
    name = Path(path).name
    target = Path(out) / PARTS / safe_name(name)
    if target.is_dir():
        return Part(name, 0)
    fresh = target.with_name(f".{uuid.uuid4().hex}")
    with tempfile.TemporaryDirectory(prefix="forensic-iso-") as scratch:
        case = Path(scratch) / "case"
        try:
            with store.open_writer(case) as con:
                summary = ingest.ingest_into(con, case, [Path(path)], window, 0, None, images)
                correlate(con, rules)
        except NothingUsable as e:
            return Part(name, 0, one_line(str(e)))
        export(case, "parquet", fresh, True, False, lambda what, done, total: None, threads=1)
    try:
        fresh.rename(target)
    except OSError:  # another attempt of the same task was faster
        shutil.rmtree(fresh, ignore_errors=True)
        if not target.is_dir():
            raise
    return Part(name, summary.rows)


def run(
    given: Sequence[Path],
    out: Path,
    scheduler: str | None = None,
    workers: int = 2,
    window: Window | None = None,
    rules: Path | None = None,
    images: ImageOptions | None = None,
) -> Iterator[Part]:
    """Read all collections; parts come as they end.

    Args:
        given: folders of collections, on storage that all workers see under the same path.
        out: the shared folder for the parts.
        scheduler: address of a Dask scheduler; None: a cluster of processes on this machine.
        workers: processes of that cluster.
        window: cuts rows when reading.
        rules: the user's rules.
        images: how disk images are read.

    Raises:
        UsageError: the extra is not installed, or there is no collection.
    """
    try:
        dask: Any = import_module("distributed")
    except ImportError as e:
        raise UsageError(
            "reading a fleet: the extra is not installed; pip install 'forensic-iso[fleet]'"
        ) from e
    paths = collections(given, out)
    (out / PARTS).mkdir(parents=True, exist_ok=True)
    _tidy(out)
    with ExitStack() as stack:
        stack.callback(_tidy, out)
        place: Any = scheduler
        if scheduler is None:
            with import_module("dask").config.set(QUIET):
                own = dask.LocalCluster(
                    n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None
                )
            place = stack.enter_context(own)
        with dask.Client(place) as client:
            futures = {
                client.submit(work, str(p.absolute()), str(out.absolute()), window or Window(), rules, images,
                              pure=False, retries=RETRIES): p.name
                for p in paths
            }  # fmt: skip
            for future in dask.as_completed(futures):
                failed = future.exception()
                yield (
                    Part(futures[future], 0, one_line(repr(failed))) if failed else future.result()
                )


def _tidy(out: Path) -> None:
    """Drop what lost workers left unfinished."""
    for leftover in (out / PARTS).glob(".*"):
        shutil.rmtree(leftover, ignore_errors=True)


def merge(out: Path) -> Path:
    """One case of all parts, made anew below `out`; returns its folder."""
    case, fresh = out / CASE, out / f".{CASE}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    parts = sorted(p for p in (out / PARTS).iterdir() if p.is_dir() and not p.name.startswith("."))
    with store.open_writer(fresh) as con:
        con.execute("BEGIN")
        for table in case_tables():
            if table is not TIMELINE:
                _take(con, table.name, parts)
        timeline.build(con)
        con.execute("COMMIT")
        con.execute("CHECKPOINT")
    shutil.rmtree(case, ignore_errors=True)
    fresh.rename(case)
    return case


def _take(con: duckdb.DuckDBPyConnection, table: str, parts: Sequence[Path]) -> None:
    files = [str(f) for p in parts for f in sorted((p / table).rglob("*.parquet"))]
    if not files:
        return
    con.execute(f'DELETE FROM "{table}"' if table in ONCE else "SELECT 1")
    con.execute(
        f'INSERT INTO "{table}" BY NAME SELECT * FROM read_parquet(?, hive_partitioning = false, union_by_name = true)',
        [files[:1] if table in ONCE else files],
    )
