"""Rows of a shadow copy: what the volume says too is kept once, what it does not say any more stays."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from forensic_iso.case import shadow_rows
from forensic_iso.case.ingest import ingest
from forensic_iso.case.store import open_reader
from forensic_iso.evidence.discover import ImageOptions
from forensic_iso.verify import verify
from tests.builders.mft import MftBuilder, Times
from tests.builders.volume_tree import system_volume, zone_identifier
from tests.shared import REAL, needs_shared

DAY = datetime(2024, 5, 14, tzinfo=UTC)


def volume(*images: str) -> MftBuilder:
    mft = system_volume(DAY, "ann")
    for name in images:
        mark = zone_identifier("https://a.example/", f"https://a.example/{name}")
        mft.add_file(
            f"Users\\ann\\Downloads\\{name}",
            Times.all(DAY),
            size=40_960,
            streams={"Zone.Identifier": mark},
        )
    return mft


def query(case: Path, sql: str) -> list[tuple[object, ...]]:
    with open_reader(case) as con:
        return con.execute(sql).fetchall()


def collected(folder: Path, states: dict[str, bytes]) -> Path:
    for place, table in states.items():
        path = folder / "HOST" / "C" / place / "$MFT"
        path.parent.mkdir(parents=True)
        path.write_bytes(table)
    return folder / "HOST"


def test_rows_equal_to_the_volumes_are_kept_once_and_the_rest_stays(tmp_path: Path) -> None:
    now, older, oldest = volume("b.iso"), volume("a.iso"), volume("a.iso")
    states = {"": now.build(), "vss2": older.build(), "vss1": oldest.build()}
    given = collected(tmp_path, states)
    ingest(tmp_path / "live", [given / "C" / "$MFT"], workers=0)
    (live,) = query(tmp_path / "live", "SELECT count(*) FROM mft_name")

    ingest(tmp_path / "case", [given], workers=0)

    names = query(
        tmp_path / "case",
        "SELECT s.path, count(*) FROM mft_name n JOIN source s USING (source_id) GROUP BY 1 ORDER BY 1",
    )
    assert names == [("HOST/C/$MFT", *live), ("HOST/C/vss2/$MFT", 1)]
    marks = query(tmp_path / "case", "SELECT host_url FROM zone_identifier ORDER BY 1")
    assert marks == [("https://a.example/a.iso",), ("https://a.example/b.iso",)]
    told = query(
        tmp_path / "case",
        "SELECT path, severity FROM problem WHERE code = 'unchanged_in_shadow_copy' ORDER BY 1",
    )
    assert told == [("HOST/C/vss1/$MFT", "info"), ("HOST/C/vss2/$MFT", "info")]


def test_a_record_that_changed_stays_whole(tmp_path: Path) -> None:
    given = collected(tmp_path, {"": volume("b.iso").build(), "vss1": volume("a.iso").build()})

    ingest(tmp_path / "case", [given], workers=0)

    tables = ("mft_entry", "mft_name", "mft_stream", "zone_identifier")
    older = "source_id = (SELECT source_id FROM source WHERE path LIKE '%vss1%')"
    places = [
        query(tmp_path / "case", f"SELECT DISTINCT record_offset FROM {t} WHERE {older}")
        for t in tables
    ]
    assert len(places[0]) == 1
    assert all(p == places[0] for p in places)


@needs_shared
def test_a_case_with_shadow_copies_is_verified(tmp_path: Path) -> None:
    given = REAL / "log2timeline_plaso/vsstest.qcow2"
    ingest(tmp_path / "case", [given], workers=0, images=ImageOptions(shadow_copies=True))

    report = verify(tmp_path / "case", every=True, workers=0)

    gone = query(tmp_path / "case", "SELECT count(*) FROM mft_name WHERE path = '\\syslog'")
    assert gone == [(1,)]
    assert [(o.gone, o.more) for o in report.outcomes if o.compared] == [(0, 0)] * 3


def test_rows_are_not_dropped_untold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = collected(tmp_path, {"": volume("b.iso").build(), "vss1": volume("a.iso").build()})
    older = "source_id = (SELECT source_id FROM source WHERE path LIKE '%vss1%')"

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as m:
        m.setattr(shadow_rows, "insert_problems", killed)
        with pytest.raises(KeyboardInterrupt):
            ingest(tmp_path / "case", [given], workers=0)
    ((before,),) = query(tmp_path / "case", f"SELECT count(*) FROM mft_name WHERE {older}")
    ingest(tmp_path / "case", [given], workers=0)
    ((after,),) = query(tmp_path / "case", f"SELECT count(*) FROM mft_name WHERE {older}")
    told = "SELECT count(*) FROM problem WHERE code = 'unchanged_in_shadow_copy'"

    assert before > after == 1
    assert query(tmp_path / "case", told) == [(1,)]
