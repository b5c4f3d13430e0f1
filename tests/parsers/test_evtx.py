"""The EVTX parser on real logs: counts, windows, typed tables, the view, and the host's name."""

import csv
import io
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import polars as pl
import pytest

from parsers import evtx
from parsers.contract import Artifact, Batch, Part, Window
from parsers.evtx.compose import event_view_sql
from parsers.evtx.peek import peek_computer
from parsers.evtx.scalars import guid_text, sid_text
from parsers.evtx.schema import TABLES
from parsers.frames import schema_of
from tests.shared import REAL, needs_shared

SYSMON = "AndrewRathbun_DFIRArtifactMuseum/win10_aptsim/Microsoft-Windows-Sysmon%4Operational.evtx"
SYSTEM = "omerbenamram_evtx/system.evtx"


def _artifact(path: Path) -> Artifact:
    return Artifact(path.name, lambda: path.open("rb"), path.stat().st_size)


def _frames(artifact: Artifact) -> dict[str, pl.DataFrame]:
    out: dict[str, list[pl.DataFrame]] = {}
    for item in evtx.parse(artifact):
        if isinstance(item, Batch):
            out.setdefault(item.table, []).append(item.frame)
    return {name: pl.concat(frames, how="diagonal") for name, frames in out.items()}


def _events(frames: dict[str, pl.DataFrame]) -> Iterator[pl.DataFrame]:
    return (f for name, f in frames.items() if name != "evtx_chunk")


def _case(artifact: Artifact) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    for table in TABLES:
        columns = ", ".join(f'"{c.name}" {c.type}' for c in table.columns)
        con.execute(f'CREATE TABLE "{table.name}" ({columns}, source_id VARCHAR)')
    for name, frame in _frames(artifact).items():
        con.register("frame", frame)
        con.execute(f'INSERT INTO "{name}" BY NAME SELECT * FROM frame')
    con.execute(event_view_sql())
    return con


def test_log_is_recognised_by_mark_or_name() -> None:
    assert evtx.recognise("x.bin", b"ElfFile\0rest")
    assert evtx.recognise("Security.EVTX", bytes(16))
    assert not evtx.recognise("Security.evt", b"LfLe")


def test_guids_and_sids_are_written_as_windows_does() -> None:
    assert guid_text(bytes(range(16))) == "{03020100-0504-0706-0809-0A0B0C0D0E0F}"
    assert sid_text(bytes.fromhex("010100000000000512000000")) == "S-1-5-18"
    assert sid_text(b"\1\2\3") == "010203"


@needs_shared
def test_counts_reach_those_of_the_manifest() -> None:
    few: list[str] = []

    with (REAL / "MANIFEST.csv").open(newline="") as manifest:
        for row in csv.DictReader(manifest):
            if row["path"].endswith(".evtx"):
                frames = _frames(_artifact(REAL / row["path"]))
                n = sum(f.filter(pl.col("origin") != "slack").height for f in _events(frames))
                if n < int(row["records"] or 0):
                    few.append(f"{row['path']}: {n} of {row['records']}")

    assert not few


@needs_shared
@pytest.mark.parametrize("path", [SYSMON, SYSTEM])
def test_frames_keep_to_the_declared_columns_and_types(path: str) -> None:
    tables = {t.name: schema_of(t) for t in TABLES}

    for name, frame in _frames(_artifact(REAL / path)).items():
        for column, kind in frame.schema.items():
            assert tables[name][column] == kind, (name, column)


@needs_shared
def test_event_is_stored_once_and_the_view_holds_all() -> None:
    con = _case(_artifact(REAL / SYSMON))

    rows = con.execute("SELECT count(*), count(DISTINCT record_offset) FROM event").fetchone()
    bad = con.execute("SELECT count(*) FROM event WHERE data IS NOT NULL AND NOT json_valid(data)")

    assert rows == (1402, 1402)
    assert bad.fetchone() == (0,)


@needs_shared
def test_sysmon_event_fills_typed_columns() -> None:
    row = _frames(_artifact(REAL / SYSMON))["sysmon_process_create"].row(0, named=True)

    assert row["event_id"] == 1
    assert isinstance(row["process_id"], int)
    assert row["logon_id"] == 0x3E7
    assert row["image"].endswith(".exe")
    assert row["host"] == row["computer"].split(".")[0].upper()
    assert abs((row["utc_time"] - row["time_utc"]).total_seconds()) < 60


@needs_shared
def test_log_cleared_event_is_flattened_from_user_data() -> None:
    frame = _frames(_artifact(REAL / SYSTEM))["system_log_cleared"]

    assert "Microsoft-Windows-Sysmon/Operational" in frame["cleared_channel"].to_list()
    assert frame["subject_user_name"].null_count() == 0


@needs_shared
def test_unnamed_data_of_a_typed_table_goes_to_extra() -> None:
    frame = _frames(_artifact(REAL / SYSTEM))["system_eventlog_service"]

    booted = frame.filter(pl.col("event_id") == 6009)["extra"]

    assert booted.str.json_path_match("$['Data[1]']").str.contains(r"^\d+$").all()


@needs_shared
def test_window_cuts_rows_half_open() -> None:
    whole = _artifact(REAL / SYSMON)
    times = pl.concat([f["time_utc"] for f in _events(_frames(whole))]).sort()
    since, until = times[100], times[200]
    ns = times.dt.timestamp("ns")
    window = Window(ns[100], ns[200])

    cut = pl.concat([f["time_utc"] for f in _events(_frames(replace(whole, window=window)))])

    assert cut.len() == times.is_between(since, until, closed="left").sum()
    assert cut.min() == since


@needs_shared
def test_zip_member_reads_as_the_file_does() -> None:
    path = REAL / SYSMON
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as z:
        z.write(path, "a.evtx")
    archive = zipfile.ZipFile(packed)

    frames = _frames(Artifact("a.evtx", lambda: archive.open("a.evtx"), path.stat().st_size))  # type: ignore[arg-type]

    whole = _frames(_artifact(path))
    assert {n: f.height for n, f in frames.items()} == {n: f.height for n, f in whole.items()}
    assert frames["sysmon_process_create"].equals(whole["sysmon_process_create"])


@needs_shared
def test_peek_gives_the_computer_of_the_newest_record() -> None:
    path = REAL / SYSMON
    last = max(
        row
        for f in _events(_frames(_artifact(path)))
        for row in f.select("header_record_id", "computer").rows()
    )

    with path.open("rb") as stream:
        assert peek_computer(stream) == last[1]
    assert peek_computer(io.BytesIO(b"")) is None
    assert peek_computer(io.BytesIO(bytes(100_000))) is None


@needs_shared
def test_frames_own_their_memory() -> None:
    for frame in _events(_frames(_artifact(REAL / SYSMON))):
        packed = io.BytesIO()
        frame.write_ipc_stream(packed)

        assert len(packed.getvalue()) < 4 * frame.estimated_size() + 100_000


@needs_shared
@pytest.mark.parametrize("name", [SYSMON, SYSTEM])
def test_row_does_not_depend_on_the_records_beside_it(name: str) -> None:
    artifact = _artifact(REAL / name)
    chunks = range(4096, artifact.size, 65536)

    whole = _frames(artifact)
    alone: dict[str, list[pl.DataFrame]] = {}
    for start in chunks:
        for item in evtx.parse_part(artifact, Part(start, start + 65536)):
            if isinstance(item, Batch):
                alone.setdefault(item.table, []).append(item.frame)

    for table, frame in whole.items():
        if table == "evtx_chunk":
            continue
        parts = pl.concat(alone[table], how="diagonal").select(frame.columns)
        assert parts.sort("record_offset").equals(frame.sort("record_offset")), table
