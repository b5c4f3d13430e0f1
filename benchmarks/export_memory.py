"""Memory of the exports that stream, by the number of rows: flat if it does not grow from one size to the next.

    python -m benchmarks.export_memory [MILLIONS...]

The bundled case is read, then given process ends (and their rows of the timeline) up to each number of MILLIONS (10 50) in
turn. A text export of 50 million rows takes up to 60 GB of the temporary folder for as long as it is written.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import duckdb

from benchmarks.hand_over import BUNDLED, child
from forensic_iso.case.ingest import ingest
from forensic_iso.case.store import open_writer
from forensic_iso.correlate.run import run

FORMS = ("csv", "jsonl", "timesketch", "l2tcsv", "bodyfile", "parquet")
TABLE = "sysmon_process_terminate"
"""A narrow one: what is held does not depend on the length of rows, which blocks bound by bytes."""


def grow(case: Path, rows: int) -> None:
    """Have so many process ends in the case, and a row of the timeline for each."""
    with duckdb.connect(str(case / "case.duckdb"), config={"memory_limit": "3GB"}) as con:
        told = con.execute(f"SELECT count(*) FROM {TABLE}").fetchone()
        have = told[0] if told else 0
        con.execute(
            f"INSERT INTO {TABLE} SELECT base.* REPLACE (r * 700 AS record_offset, r AS record_id,"
            " make_timestamp_ns(1715673600000000000 + r * 8000000) AS time_utc)"
            f" FROM range({have}, {rows}) t(r), (FROM {TABLE} LIMIT 1) base"
        )
        con.execute(
            "INSERT INTO timeline SELECT (SELECT count(*) FROM timeline) + rowid, time_utc, host, 'Sysmon', event_id,"
            f" 'process_end', 0, image, source_id, '{TABLE}', record_offset::VARCHAR"
            f" FROM {TABLE} WHERE record_id >= {have}"
        )


def main(*millions: str) -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as tmp:
        case, out = Path(tmp) / "case", Path(tmp) / "out"
        ingest(case, [BUNDLED], workers=0)
        with open_writer(case) as con:
            run(con)
        for size in millions or ("10", "50"):
            grow(case, int(float(size) * 1_000_000))
            for form in FORMS:
                cpu, _, peak, _ = child(form, str(case), str(out))
                written = sum(p.stat().st_size for p in out.rglob("*") if p.is_file())
                shutil.rmtree(out)
                sys.stdout.write(
                    f"{size} million rows, {form}: {peak:.0f} MB, {cpu:.0f} s CPU, {written / 1e9:.1f} GB\n"
                )
                sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
