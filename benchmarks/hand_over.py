"""Report and exports of a large synthetic case: CPU, size, and Parquet against DuckDB's own COPY of the same tables.

    python benchmarks/hand_over.py [MILLIONS] [FINDINGS]

The bundled case is read, then MILLIONS (10) of process starts with their rows of the timeline are added, and its two
findings are repeated until there are FINDINGS (100).
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

from forensic_iso.case.ingest import ingest
from forensic_iso.case.store import open_writer
from forensic_iso.correlate.run import run

BUNDLED = Path(__file__).resolve().parents[1] / "testdata/classic-iso/evidence"
CHILD = """
import json, resource, sys, time
from pathlib import Path
case, out = Path(sys.argv[2]), Path(sys.argv[3])
quiet = lambda what, done, total: None
t = time.perf_counter()
if sys.argv[1] == "report":
    from forensic_iso.case.store import open_reader
    from forensic_iso.report.options import Options
    from forensic_iso.report.write import write_all
    with open_reader(case) as con:
        write_all(con, case, out, Options())
elif sys.argv[1] == "copy":
    import duckdb
    out.mkdir()
    con = duckdb.connect(str(case / "case.duckdb"), read_only=True, config={"memory_limit": "1GB"})
    for (name,) in con.execute("SELECT table_name FROM duckdb_tables()").fetchall():
        con.execute(f"COPY \\"{name}\\" TO '{out}/{name}.parquet' (FORMAT parquet)")
else:
    from forensic_iso.export.run import run
    run(case, sys.argv[1], out, False, False, quiet)
wall = time.perf_counter() - t
me = resource.getrusage(resource.RUSAGE_SELF)
size = max((p.stat().st_size for p in out.rglob("*.html")), default=0)
status = Path("/proc/self/status").read_text()
peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
print(json.dumps([me.ru_utime + me.ru_stime, wall, peak, size]))
"""
REPEATED = {
    "finding": ("finding_id",),
    "finding_part": ("finding_id", "part_id"),
    "image_delivery": ("delivery_id",),
    "mount_session": ("session_id",),
    "execution": ("execution_id", "session_id"),
    "follow_on": ("follow_on_id", "execution_id"),
    "evidence_ref": ("subject_id",),
}


def grow(case: Path, rows: int, findings: int) -> None:
    """Add process starts, rows of the timeline and findings."""
    with duckdb.connect(str(case / "case.duckdb"), config={"memory_limit": "3GB"}) as con:
        con.execute(
            "CREATE TEMP TABLE base AS SELECT *, row_number() OVER () - 1 AS n FROM sysmon_process_create"
        )
        con.execute(
            f"INSERT INTO sysmon_process_create SELECT * EXCLUDE (n, r) REPLACE ((r * 1500)::BIGINT AS record_offset,"
            f" r AS record_id, make_timestamp_ns(1715673600000000000 + r * 8000000) AS time_utc,"
            f" command_line || ' ' || r AS command_line) FROM range({rows}) t(r) JOIN base"
            f" ON n = r % (SELECT count(*) FROM base) ORDER BY r"
        )
        for table, keys in REPEATED.items():
            new = ", ".join(f'md5("{k}" || i)[:16] AS "{k}"' for k in keys)
            image = ", replace(image_path, '.iso', ' ' || i || '.iso') AS image_path"
            has_image = con.execute(
                "SELECT count(*) FROM duckdb_columns() WHERE table_name = ? AND column_name = 'image_path'",
                [table],
            ).fetchone()
            extra = image if has_image and has_image[0] else ""
            con.execute(
                f"INSERT INTO {table} SELECT * EXCLUDE (i) REPLACE ({new}{extra}) FROM {table}, range(1, {findings // 2}) t(i)"
            )
        con.execute(
            "INSERT INTO timeline SELECT (SELECT count(*) FROM timeline) + rowid, time_utc, host, 'Sysmon', event_id,"
            " 'process_create', 0, left(command_line, 500), source_id, 'sysmon_process_create', record_offset::VARCHAR"
            " FROM sysmon_process_create"
        )


def child(*arguments: str) -> tuple[float, float, float, float]:
    """CPU s, wall s, peak MB, bytes of the page of one fresh process."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *arguments], capture_output=True, text=True, check=True
    )
    cpu, wall, peak, size = json.loads(done.stdout.splitlines()[-1])
    return cpu, wall, peak, size


def main(millions: str = "10", findings: str = "100") -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as tmp:
        case = Path(tmp) / "case"
        ingest(case, [BUNDLED], workers=0)
        with open_writer(case) as con:
            run(con)
        grow(case, int(float(millions) * 1_000_000), int(findings))
        walls = {}
        for what in ("report", "copy", "parquet", "timesketch"):
            cpu, wall, peak, size = child(what, str(case), str(Path(tmp) / what))
            walls[what] = wall
            page = f", page {size / 1e6:.2f} MB" if size else ""
            sys.stdout.write(f"{what}: {cpu:.1f} s CPU, {wall:.1f} s, {peak:.0f} MB{page}\n")
        sys.stdout.write(
            f"COPY / parquet: {walls['copy'] / walls['parquet']:.2f} (at least 0.50)\n"
        )


if __name__ == "__main__":
    main(*sys.argv[1:3])
