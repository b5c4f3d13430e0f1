"""Evidence into the case: once, whole, and the same after a kill."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from forensic_iso.case.ingest import ingest
from forensic_iso.case.store import open_reader, open_writer
from forensic_iso.errors import CaseError, NothingUsable
from parsers.contract import Window
from tests.builders.evtx import EvtxWriter
from tests.builders.hive import hive, tree
from tests.builders.lnk import DRIVE_CDROM, Shortcut, VolumeId, build_lnk
from tests.conftest import BUNDLED

Rows = list[tuple[object, ...]]
EVERYTHING = "SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM mft_entry), (SELECT count(*) FROM source)"


def query(case: Path, sql: str) -> Rows:
    with open_reader(case) as con:
        return con.execute(sql).fetchall()


def some_log() -> Path:
    return sorted(BUNDLED.rglob("*Sysmon*.evtx"))[0]


def test_second_run_on_the_same_evidence_adds_nothing(tmp_path: Path) -> None:
    first = ingest(tmp_path / "c", [BUNDLED], workers=0)
    before = query(tmp_path / "c", EVERYTHING)

    second = ingest(tmp_path / "c", [BUNDLED], workers=0)

    assert first.read_now == first.recognised > 0
    assert (second.read_now, second.known_before) == (0, first.recognised)
    assert query(tmp_path / "c", EVERYTHING) == before


def test_every_row_leads_back_to_a_source_and_an_offset(bundled_case: Path) -> None:
    lost = query(
        bundled_case,
        "SELECT count(*) FROM event e LEFT JOIN source s USING (source_id) WHERE s.sha256 IS NULL"
        " OR e.record_offset IS NULL OR e.record_offset >= s.bytes",
    )

    assert lost == [(0,)]


def test_mft_takes_its_host_from_the_logs_beside_it_not_from_the_folder(tmp_path: Path) -> None:
    shutil.copytree(next(BUNDLED.iterdir()), tmp_path / "ev/SOME-OTHER-NAME")

    ingest(tmp_path / "c", [tmp_path / "ev"], workers=0)

    hosts = query(tmp_path / "c", "SELECT DISTINCT host FROM source WHERE kind IN ('mft', 'evtx')")
    assert len(hosts) == 1
    assert hosts[0][0] != "SOME-OTHER-NAME"
    basis = query(tmp_path / "c", "SELECT host_basis FROM source WHERE kind = 'mft'")
    assert basis == [("named in the event logs beside it",)]


def test_zip_gives_the_same_rows_as_the_folder(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "collection.zip", "w", zipfile.ZIP_DEFLATED) as z:
        for p in sorted(BUNDLED.rglob("*")):
            if p.is_file():
                z.write(p, p.relative_to(BUNDLED).as_posix())

    ingest(tmp_path / "a", [BUNDLED], workers=0)
    ingest(tmp_path / "b", [tmp_path / "collection.zip"], workers=0)

    sql = "SELECT * EXCLUDE (source_id) FROM event ORDER BY host, channel, record_id, record_offset"
    assert query(tmp_path / "a", sql) == query(tmp_path / "b", sql)


def test_same_log_in_two_places_is_kept_once_with_both_places(tmp_path: Path) -> None:
    for name in ("live", "archive"):
        (tmp_path / "ev" / name).mkdir(parents=True)
        shutil.copy(
            some_log(), tmp_path / "ev" / name / "Microsoft-Windows-Sysmon%4Operational.evtx"
        )
    ingest(tmp_path / "one", [some_log()], workers=0)

    ingest(tmp_path / "two", [tmp_path / "ev"], workers=0)

    (one,) = query(tmp_path / "one", "SELECT count(*) FROM event")
    assert query(tmp_path / "two", "SELECT count(*) FROM event") == [one]
    assert query(tmp_path / "two", "SELECT count(*) FROM event_copy") == [one]


def test_same_shortcut_of_two_hosts_whose_folders_bear_one_name_is_kept_for_both(
    tmp_path: Path,
) -> None:
    link = build_lnk(Shortcut("E:\\Tool.exe", VolumeId(DRIVE_CDROM, 0x1234, "TOOL")))
    folders = [tmp_path / name / "C" for name in ("first", "second")]
    for folder in folders:
        writer = EvtxWriter("Security", f"{folder.parent.name}.example.test")
        writer.add("Other", 7, datetime(2026, 3, 1, tzinfo=UTC), [("Text", "x")])
        folder.mkdir(parents=True)
        (folder / "Security.evtx").write_bytes(writer.build())
        (folder / "Tool.lnk").write_bytes(link)

    ingest(tmp_path / "c", folders, workers=0)
    again = ingest(tmp_path / "c", folders, workers=0)

    sql = (
        "SELECT lnk.host, count(*) FROM lnk JOIN source USING (source_id) GROUP BY ALL ORDER BY ALL"
    )
    each = [("FIRST", 1), ("SECOND", 1)]
    assert query(tmp_path / "c", sql) == each
    assert again.read_now == 0


def test_same_log_given_twice_under_one_name_is_counted_once(tmp_path: Path) -> None:
    files = [tmp_path / name / "Security.evtx" for name in ("live", "archive")]
    for file in files:
        file.parent.mkdir()
        shutil.copy(some_log(), file)

    ingest(tmp_path / "c", files, workers=0)

    sql = "SELECT count(*), count(DISTINCT (source_id, record_offset)) FROM event"
    ((rows, places),) = query(tmp_path / "c", sql)
    assert rows == places
    assert query(tmp_path / "c", "SELECT count(*) FROM event_copy") == [(rows,)]


def test_two_unreadable_files_of_one_name_are_both_told(tmp_path: Path) -> None:
    archives = [tmp_path / name / "c.zip" for name in ("first", "second")]
    for archive in archives:
        archive.parent.mkdir()
        with zipfile.ZipFile(archive, "w") as z:
            z.write(some_log(), "Security.evtx")
        raw = bytearray(archive.read_bytes())
        raw[6] |= 1  # encrypted, says the member's head
        raw[raw.index(b"PK\1\2") + 8] |= 1
        archive.write_bytes(raw)

    with pytest.raises(NothingUsable):
        ingest(tmp_path / "c", archives, workers=0)

    found = query(tmp_path / "c", "SELECT path, code FROM problem WHERE severity = 'error'")
    assert len(found) == 2


def test_since_and_until_cut_events_half_open(tmp_path: Path) -> None:
    ingest(tmp_path / "all", [some_log()], workers=0)
    times = [
        r[0] for r in query(tmp_path / "all", "SELECT epoch_ns(time_utc) FROM event ORDER BY 1")
    ]
    since, until = times[len(times) // 4], times[len(times) // 2]

    ingest(tmp_path / "cut", [some_log()], Window(since, until), workers=0)

    kept = [
        r[0] for r in query(tmp_path / "cut", "SELECT epoch_ns(time_utc) FROM event ORDER BY 1")
    ]
    assert kept == [t for t in times if since <= t < until]


def test_another_window_on_the_same_case_is_refused(tmp_path: Path) -> None:
    ingest(tmp_path / "c", [some_log()], Window(0, None), workers=0)

    with pytest.raises(CaseError, match="--since"):
        ingest(tmp_path / "c", [some_log()], workers=0)


def test_unusable_evidence_is_named(tmp_path: Path) -> None:
    (tmp_path / "ev").mkdir()
    (tmp_path / "ev/notes.txt").write_text("nothing here")

    with pytest.raises(NothingUsable, match="ev"):
        ingest(tmp_path / "c", [tmp_path / "ev"], workers=0)


def test_folder_that_is_no_case_is_refused(tmp_path: Path) -> None:
    (tmp_path / "precious.docx").write_text("x")

    with pytest.raises(CaseError, match="other files"), open_writer(tmp_path):
        pass
    assert [p.name for p in tmp_path.iterdir()] == ["precious.docx"]


def test_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "case.duckdb").write_bytes(b"not a database" * 1000)

    with pytest.raises(CaseError):
        open_reader(tmp_path)


def test_second_writer_is_told_who_holds_the_case(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from forensic_iso.case.store import open_writer\n"
        "with open_writer(Path(sys.argv[1])): print('open', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "c")], stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(CaseError, match=str(holder.pid)), open_writer(tmp_path / "c"):
            pass
    finally:
        holder.kill()
        holder.wait()


def test_typed_sql_cannot_reach_other_files(bundled_case: Path, tmp_path: Path) -> None:
    with open_reader(bundled_case) as con:
        for sql in (
            f"COPY (SELECT 1) TO '{tmp_path}/out.csv'",
            "SELECT * FROM read_text('/etc/passwd')",
            "SET enable_external_access = true",
            "DELETE FROM event_other",
            f"ATTACH '{tmp_path}/x.duckdb'",
        ):
            with pytest.raises(duckdb.Error):
                con.execute(sql)
    assert list(tmp_path.iterdir()) == []


def test_comments_stand_on_every_column(bundled_case: Path) -> None:
    bare = query(
        bundled_case,
        "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal AND comment IS NULL"
        " AND table_name IN (SELECT table_name FROM duckdb_tables())"
        " AND table_name NOT IN (SELECT table_name FROM duckdb_tables() WHERE comment IS NULL)",
    )

    assert bare == []


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_killed_ingest_leaves_a_case_that_opens_and_resumes(tmp_path: Path, seed: int) -> None:
    case = tmp_path / "c"
    command = [sys.executable, "-m", "forensic_iso", "ingest", str(BUNDLED), "--case", str(case)]
    p = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    time.sleep(random.Random(seed).uniform(0.2, 2.5))
    os.killpg(p.pid, signal.SIGKILL)
    p.wait()

    if (case / "case.duckdb").exists():
        done = query(
            case, "SELECT count(*) FROM source WHERE state = 'done' AND rows = 0 AND kind = 'evtx'"
        )
        assert done == [(0,)]
    ingest(case, [BUNDLED], workers=0)
    ingest(tmp_path / "clean", [BUNDLED], workers=0)

    assert query(case, EVERYTHING) == query(tmp_path / "clean", EVERYTHING)


def test_worker_processes_give_the_same_rows_as_none(tmp_path: Path) -> None:
    ingest(tmp_path / "a", [BUNDLED], workers=0)
    ingest(tmp_path / "b", [BUNDLED], workers=2)

    for table in ("sysmon_process_create", "mft_name", "event_other"):
        sql = f"SELECT * FROM {table} ORDER BY ALL"
        assert query(tmp_path / "a", sql) == query(tmp_path / "b", sql)


def renamed_host(folder: Path, hive_says: str, borne: tuple[str, ...]) -> Path:
    """Logs that bear some names, most of them the first; a SYSTEM hive; a history of commands."""
    logs = folder / "C/Windows/System32/winevt/Logs"
    logs.mkdir(parents=True)
    (folder / "C/Windows/System32/config").mkdir()
    for number, name in enumerate(borne):
        log = EvtxWriter("Application", name)
        for event in range(9 - number):
            log.add("Any", 1, datetime(2024, 5, 1, 9 + number, event, tzinfo=UTC), [("a", event)])
        (logs / f"Log{number}.evtx").write_bytes(log.build())
    names = {
        "Select": {"Current": ("DWORD", 1)},
        r"ControlSet001\Control\ComputerName\ComputerName": {"ComputerName": ("SZ", hive_says)},
    }
    (folder / "C/Windows/System32/config/SYSTEM").write_bytes(hive(tree(names)))
    history = folder / "C/Users/ann/AppData/Roaming/Microsoft/Windows/PowerShell/PSReadLine"
    history.mkdir(parents=True)
    (history / "ConsoleHost_history.txt").write_text("cd E:\n")
    return folder


@pytest.mark.parametrize(
    ("hive_says", "borne", "host"),
    [
        ("NEWNAME", ("OLDNAME", "NEWNAME"), "NEWNAME"),
        ("WAITING", ("OLDNAME",), "OLDNAME"),
        ("OLDNAME", ("OLDNAME",), "OLDNAME"),
    ],
)
def test_files_of_a_renamed_host_belong_to_its_present_name(
    hive_says: str, borne: tuple[str, ...], host: str, tmp_path: Path
) -> None:
    evidence = renamed_host(tmp_path / "ev", hive_says, borne)

    ingest(tmp_path / "c", [evidence], workers=0)

    assert query(tmp_path / "c", "SELECT host FROM source WHERE kind = 'psreadline'") == [(host,)]
