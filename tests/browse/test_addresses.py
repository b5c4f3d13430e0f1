"""From a row back to its bytes: only an address that is an offset is read at, and in what it counts."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from forensic_iso.browse import detail, raw, timeline
from forensic_iso.browse.addresses import address_of
from forensic_iso.browse.case import Case
from forensic_iso.browse.timeline import Row
from forensic_iso.case.ingest import ingest
from forensic_iso.case.schema import case_tables
from forensic_iso.case.store import open_writer
from forensic_iso.correlate.run import run
from tests.builders import browsers
from tests.builders.hive import dirty, hive, tree
from tests.builders.jumplist import MadeEntry, compound, destlist
from tests.builders.lnk import DRIVE_CDROM, Shortcut, VolumeId, build_lnk
from tests.builders.prefetch import MadePrefetch, build_prefetch, compress

NOON = datetime(2024, 3, 5, 12, 0, 2, tzinfo=UTC)
DISC = VolumeId(DRIVE_CDROM, 0x4367999F, "DISC")
LINKS = {
    number: build_lnk(Shortcut(f"E:\\{number}.txt", DISC, target_created_utc=NOON))
    for number in "ab"
}
JUMP_LIST = "f01b4d95cf55d32a.automaticDestinations-ms"


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    """A compressed prefetch file, a jump list and a browser's database."""
    place = tmp_path_factory.mktemp("mixed")
    files = place / "PC01/C/Windows/Prefetch", place / "PC01/C/Users/anna/AppData"
    for folder in files:
        folder.mkdir(parents=True)
    plain = build_prefetch(MadePrefetch(name="VIEWER.EXE", hash=0x19380ADE, runs=(NOON,)))
    (files[0] / "VIEWER.EXE-19380ADE.pf").write_bytes(compress(plain))
    stream = destlist([MadeEntry(10, "E:\\a.txt", NOON)])
    (files[1] / JUMP_LIST).write_bytes(compound({"DestList": stream, **LINKS}))
    history = browsers.database(browsers.CHROMIUM, [*browsers.download(), *browsers.visit()])
    config = place / "PC01/C/Windows/System32/config"
    config.mkdir(parents=True)
    hives = [
        hive(
            tree({"MountedDevices": {r"\DosDevices\E:": ("BINARY", bytes(12))}, **more}), size=8192
        )
        for more in ({}, {"New": {}})
    ]
    (config / "SYSTEM").write_bytes((made := dirty(*hives))[0])
    (config / "SYSTEM.LOG1").write_bytes(made[1])
    (files[1] / "History").write_bytes(history)
    ingest(place / "case", [place / "PC01"], workers=0)
    with open_writer(place / "case") as con:
        run(con)
    case = Case(place / "case")
    yield case
    case.close()


def row_of(case: Case, table: str) -> Row:
    rows = [r for r in timeline.page(case, 0, case.total) if r.table_name == table]
    assert rows, f"no row of {table}"
    return rows[0]


def test_the_case_tells_the_declared_address_of_every_table_of_the_timeline(
    bundled_case: Path,
) -> None:
    case = Case(bundled_case)

    told = {t.name: address_of(case, t.name) for t in case_tables() if t.moments}

    case.close()
    assert {n: a.column for n, a in told.items()} == {
        t.name: t.address for t in case_tables() if t.moments
    }
    assert all(a.meaning and a.table_comment for a in told.values())


def test_bytes_of_a_compressed_file_are_those_the_offset_counts_in(mixed: Case) -> None:
    row = row_of(mixed, "prefetch_run")

    got = raw.read(mixed, str(row.source_id), row.table_name, str(row.row_address))

    ticks = int((NOON - datetime(1601, 1, 1, tzinfo=UTC)).total_seconds()) * 10**7
    assert got.data[:8] == ticks.to_bytes(8, "little")
    assert "unpacks to" in got.what


def test_bytes_of_an_entry_are_read_in_its_stream(mixed: Case) -> None:
    row = row_of(mixed, "jumplist_entry")

    got = raw.read(mixed, str(row.source_id), row.table_name, str(row.row_address))

    assert "E:\\a.txt".encode("utf-16-le") in got.data
    assert "stream DestList" in got.what


def test_of_a_row_from_a_hives_log_it_is_told_that_the_file_holds_older_bytes(mixed: Case) -> None:
    row = row_of(mixed, "mounted_device")

    got = raw.read(mixed, str(row.source_id), row.table_name, str(row.row_address))

    assert got.remark is not None and "older bytes" in got.remark


def test_a_row_number_is_not_taken_for_an_offset(mixed: Case) -> None:
    row = row_of(mixed, "browser_download")

    with pytest.raises(raw.RawError, match=r"found row_id 1 \(Row number in that table"):
        raw.read(mixed, str(row.source_id), row.table_name, str(row.row_address))


def test_a_numbered_row_of_another_host_is_not_mixed_in(bundled_case: Path, tmp_path: Path) -> None:
    (tmp_path / "case").mkdir()
    shutil.copy(bundled_case / "case.duckdb", tmp_path / "case")
    with duckdb.connect(str(tmp_path / "case/case.duckdb")) as con:
        con.execute("INSERT INTO boot SELECT * REPLACE ('OTHER' AS host) FROM boot")
    case = Case(tmp_path / "case")

    records = detail.fields(case, row_of(case, "boot"))

    case.close()
    assert [next(f.shown for f in r if f.name == "host") for r in records] == ["FIN-WS07"]


def test_of_rows_at_one_address_the_one_that_bears_the_time_is_shown(
    bundled_case: Path, tmp_path: Path
) -> None:
    (tmp_path / "case").mkdir()
    shutil.copy(bundled_case / "case.duckdb", tmp_path / "case")
    with duckdb.connect(str(tmp_path / "case/case.duckdb")) as con:
        con.execute(
            "INSERT INTO zone_identifier SELECT * REPLACE"
            " (si_created_utc + INTERVAL 1 DAY AS si_created_utc,"
            " si_mft_changed_utc + INTERVAL 1 DAY AS si_mft_changed_utc) FROM zone_identifier"
        )
    case = Case(tmp_path / "case")

    records = detail.fields(case, row_of(case, "zone_identifier"))

    case.close()
    assert len(records) == 1
