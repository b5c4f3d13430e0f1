"""Verify finds every change of evidence and case; diff names what two cases differ in."""

import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from forensic_iso.case.ingest import ingest
from forensic_iso.case.store import open_writer
from forensic_iso.cli import cli
from forensic_iso.correlate.run import run as correlate
from forensic_iso.diff import diff
from forensic_iso.evidence.discover import ImageOptions
from forensic_iso.evidence.opening import forget_layers
from forensic_iso.verify import Result, verify
from tests.builders import bitlocker
from tests.builders.disk_files import E01_CHUNK, e01
from tests.conftest import BUNDLED
from tests.evidence.image_maker import small_system
from tests.shared import REAL, needs_shared


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Evidence and case side by side."""
    place = tmp_path_factory.mktemp("verify")
    shutil.copytree(BUNDLED, place / "evidence")
    ingest(place / "case", [place / "evidence"], workers=0)
    with open_writer(place / "case") as con:
        correlate(con)
    return place


@pytest.fixture
def copy(original: Path, tmp_path: Path) -> Path:
    """A copy that may be changed; its case is told where the evidence lies now."""
    shutil.copytree(original, tmp_path, dirs_exist_ok=True)
    return tmp_path


def sysmon(place: Path) -> Path:
    return next((place / "evidence").rglob("*Sysmon*.evtx"))


@pytest.mark.parametrize("every", [False, True])
def test_untouched_evidence_matches(original: Path, every: bool) -> None:
    result = verify(original / "case", every=every, workers=0)

    assert result.holds
    assert all(o.state == "same" for o in result.outcomes)
    assert sum(o.compared for o in result.outcomes) > 900


def test_worker_processes_give_the_same_answer(original: Path) -> None:
    inline = verify(original / "case", every=True, workers=0)

    assert verify(original / "case", every=True, workers=2) == inline


def flip(path: Path, offset: int) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("every", [False, True])
def test_one_flipped_bit_is_found_with_the_rows_it_changes(copy: Path, every: bool) -> None:
    flip(sysmon(copy), 4096 + 20_000)

    result = verify(copy / "case", every=every, evidence=[copy / "evidence"], workers=0)

    (changed,) = [o for o in result.outcomes if not o.holds]
    assert changed.state == "changed"
    assert "Sysmon" in changed.path
    assert changed.gone > 0
    assert changed.examples[0].startswith("sysmon_")


def test_a_change_that_no_row_shows_is_found_by_the_hash(copy: Path) -> None:
    with sysmon(copy).open("ab") as f:
        f.write(b"\0")

    result = verify(copy / "case", every=True, evidence=[copy / "evidence"], workers=0)

    (changed,) = [o for o in result.outcomes if not o.holds]
    assert changed.state == "changed"


def test_missing_evidence_is_named(copy: Path) -> None:
    sysmon(copy).unlink()

    result = verify(copy / "case", evidence=[copy / "evidence"], workers=0)

    (missing,) = [o for o in result.outcomes if not o.holds]
    assert missing.state == "missing"


def forge(statement: str) -> Callable[[Path], None]:
    def act(case: Path) -> None:
        with duckdb.connect(str(case / "case.duckdb")) as con:
            con.execute(statement)

    return act


@pytest.mark.parametrize(
    ("act", "gone", "more"),
    [
        (forge("UPDATE sysmon_process_create SET command_line = 'x' WHERE rowid = 7"), 1, 1),
        (forge("DELETE FROM mft_name WHERE rowid = 3"), 0, 1),
        (forge("INSERT INTO sysmon_dns SELECT * FROM sysmon_dns LIMIT 1"), 1, 0),
        (forge("UPDATE zone_identifier SET zone_id = 0"), 2, 2),
    ],
)
def test_a_forged_case_is_found(
    copy: Path, act: Callable[[Path], None], gone: int, more: int
) -> None:
    act(copy / "case")

    result = verify(copy / "case", every=True, evidence=[copy / "evidence"], workers=0)

    assert sum(o.gone for o in result.outcomes) == gone
    assert sum(o.more for o in result.outcomes) == more
    assert not result.holds


def test_a_forged_row_that_a_finding_cites_is_found_without_all(copy: Path) -> None:
    forge(
        "UPDATE sysmon_process_create SET command_line = 'x' WHERE record_offset::VARCHAR IN (SELECT row_address FROM"
        " evidence_ref WHERE table_name = 'sysmon_process_create')"
    )(copy / "case")

    assert not verify(copy / "case", evidence=[copy / "evidence"], workers=0).holds


def test_a_reference_that_leads_nowhere_is_counted(copy: Path) -> None:
    forge("UPDATE evidence_ref SET row_address = '1' WHERE table_name = 'vhdmp'")(copy / "case")

    result = verify(copy / "case", evidence=[copy / "evidence"], workers=0)

    assert result.dangling == 1


def test_rows_of_another_parser_version_are_not_compared(copy: Path) -> None:
    forge("UPDATE source SET parser_version = 99 WHERE kind = 'mft'")(copy / "case")

    result = verify(copy / "case", every=True, evidence=[copy / "evidence"], workers=0)

    (other,) = [o for o in result.outcomes if not o.holds]
    assert other.state == "other parser"
    assert "version 99" in other.detail


def test_copies_of_events_are_no_missing_rows(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    shutil.copytree(BUNDLED, evidence)
    log = next(evidence.rglob("Security.evtx"))
    shutil.copy(log, log.with_name("Archive-Security-1.evtx"))
    ingest(tmp_path / "case", [evidence], workers=0)

    result = verify(tmp_path / "case", every=True, workers=0)

    assert result.holds


def test_a_window_is_kept_when_reading_again(tmp_path: Path) -> None:
    from parsers.contract import Window

    ingest(tmp_path / "case", [BUNDLED], Window(1_715_673_600_000_000_000, None), workers=0)

    assert verify(tmp_path / "case", every=True, workers=0).holds


@pytest.mark.parametrize(("touch", "code"), [(False, 0), (True, 7)])
def test_exit_code_of_the_command(copy: Path, touch: bool, code: int) -> None:
    if touch:
        flip(sysmon(copy), 4096 + 20_000)

    done = CliRunner().invoke(
        cli,
        [
            "verify",
            str(copy / "case"),
            "--all",
            "--workers",
            "0",
            "--evidence",
            str(copy / "evidence"),
        ],
        standalone_mode=False,
    )

    assert done.return_value == code, done.output
    assert ("changed  " in done.stdout) == touch


def test_two_runs_over_the_same_evidence_do_not_differ(original: Path, bundled_case: Path) -> None:
    assert diff(original / "case", bundled_case).same


def test_diff_names_findings_tables_and_versions(copy: Path, original: Path) -> None:
    forge("UPDATE finding SET score = 1, verdict = 'mounted' WHERE verdict = 'active'")(
        copy / "case"
    )
    forge("UPDATE case_info SET value = '0.0.1' WHERE key = 'tool_version'")(copy / "case")
    forge("ALTER TABLE boot ADD COLUMN extra INTEGER")(copy / "case")
    forge("CREATE TABLE of_later (a INTEGER)")(copy / "case")

    found = diff(original / "case", copy / "case")

    (finding,) = found.findings
    assert (finding["verdict_a"], finding["verdict_b"], finding["change"]) == (
        "active",
        "mounted",
        "differs in verdict, score",
    )
    (version,) = found.versions
    assert (version["what"], version["b"]) == ("tool_version", "0.0.1")
    tables = {t.table: t for t in found.tables}
    assert set(tables) == {"finding", "boot", "of_later"}
    assert (tables["finding"].only_a, tables["finding"].only_b) == (1, 1)
    assert tables["boot"].columns == "only in one: extra"
    assert "only in b" in tables["of_later"].columns


def test_diff_names_artifacts_that_one_case_lacks_or_read_otherwise(
    original: Path, tmp_path: Path
) -> None:
    shutil.copytree(original / "evidence", tmp_path / "evidence")
    sysmon(tmp_path).unlink()
    moved = next((tmp_path / "evidence").rglob("Security.evtx"))
    moved.rename(moved.with_name("Security-copy.evtx"))
    (tmp_path / "evidence/later.txt").write_text("handed in later")
    ingest(tmp_path / "case", [tmp_path / "evidence"], workers=0)
    with open_writer(tmp_path / "case") as con:
        correlate(con)
        con.execute("UPDATE source SET rows = 7 WHERE path LIKE '%System.evtx'")

    found = diff(original / "case", tmp_path / "case")

    told = {str(r["path"]).rpartition("/")[2]: str(r["change"]) for r in found.evidence}
    assert told.pop("Security.evtx").endswith("/Security-copy.evtx")
    assert told.pop("System.evtx").startswith("rows ")
    assert told == {sysmon(original).name: "only in a", "later.txt": "only in b"}


def test_diff_tells_a_finding_that_differs_in_words_only_and_the_window_as_times(
    copy: Path, original: Path
) -> None:
    forge("UPDATE finding SET weakest_link = 'other' WHERE verdict = 'active'")(copy / "case")
    forge("UPDATE case_info SET value = '1715674800000000000' WHERE key = 'until'")(copy / "case")

    found = diff(original / "case", copy / "case")

    assert [f["change"] for f in found.findings] == ["differs in weakest_link"]
    assert [(v["what"], v["a"], v["b"]) for v in found.versions] == [
        ("until", "open", "2024-05-14 08:20:00 UTC")
    ]


@needs_shared
def test_rows_of_shadow_copies_are_read_again(tmp_path: Path) -> None:
    given = REAL / "log2timeline_plaso/vsstest.qcow2"
    ingest(tmp_path / "case", [given], workers=0, images=ImageOptions(shadow_copies=True))

    result = verify(tmp_path / "case", workers=0)

    assert result.holds
    assert sum("/vss" in o.path for o in result.outcomes) == 2


def test_an_encrypted_volume_is_read_again_with_its_key_only(tmp_path: Path) -> None:
    pytest.importorskip("cryptography")
    pytest.importorskip("pybde")
    given = tmp_path / "disk.dd"
    given.write_bytes(bitlocker.encrypt(small_system().build(400) + bytes(1 << 19)))
    keys = (bitlocker.RECOVERY,)
    ingest(tmp_path / "case", [given], workers=0, images=ImageOptions(unlock=keys))

    locked = verify(tmp_path / "case", workers=0)
    opened = verify(tmp_path / "case", workers=0, unlock=keys)

    assert {o.state for o in locked.outcomes} == {"missing"}
    assert opened.holds


def images_of(result: Result) -> list[tuple[str, str]]:
    return [(o.path, o.state) for o in result.outcomes if o.kind == "disk image"]


@pytest.mark.parametrize("every", [False, True])
def test_an_image_is_compared_with_the_hash_of_its_acquisition(tmp_path: Path, every: bool) -> None:
    given = tmp_path / "disk.E01"
    sound = e01(small_system().build(400), pack=False)[0]
    given.write_bytes(sound)
    ingest(tmp_path / "case", [given], workers=0)
    wanted = [("disk.E01", "same")] if every else []

    assert images_of(verify(tmp_path / "case", every=every, workers=0)) == wanted

    at = sound.index(b"sectors") + 76 + 30 * (E01_CHUNK + 4)  # no file lies there
    given.write_bytes(sound[:at] + bytes([sound[at] ^ 1]) + sound[at + 1 :])
    forget_layers()

    result = verify(tmp_path / "case", every=every, workers=0)
    assert images_of(result) == ([("disk.E01", "changed")] if every else [])
    assert result.holds is not every


def test_a_file_that_came_later_is_told_and_contradicts_nothing(copy: Path) -> None:
    added = sysmon(copy).with_name("Added.evtx")
    shutil.copy(sysmon(copy), added)

    result = verify(copy / "case", evidence=[copy / "evidence"], workers=0)

    assert [Path(p).name for p in result.unknown] == ["Added.evtx"]
    assert result.holds


def test_untouched_evidence_holds_nothing_that_the_case_does_not_know(original: Path) -> None:
    assert verify(original / "case", workers=0).unknown == ()


def test_a_finding_of_another_severity_is_told_though_its_score_is_the_same(copy: Path) -> None:
    shutil.copytree(copy / "case", copy / "other")
    with duckdb.connect(str(copy / "other/case.duckdb")) as con:
        con.execute("UPDATE finding SET severity = 'low' WHERE severity = 'critical'")

    (changed,) = diff(copy / "case", copy / "other").findings

    assert (changed["severity_a"], changed["severity_b"], changed["change"]) == ("critical", "low", "differs in severity")  # fmt: skip


@pytest.mark.parametrize(
    ("moved", "said"),
    [("elsewhere/evidence", "elsewhere/evidence"), ("elsewhere/evidence", "elsewhere"), ("disk 7", "disk 7")],
)  # fmt: skip
def test_evidence_that_was_moved_or_renamed_is_found(copy: Path, moved: str, said: str) -> None:
    (copy / moved).parent.mkdir(exist_ok=True)
    (copy / "evidence").rename(copy / moved)

    result = verify(copy / "case", every=True, evidence=[copy / said], workers=0)

    assert result.holds
    assert {o.state for o in result.outcomes} == {"same"}
    assert result.unknown == ()


def test_other_evidence_than_that_of_the_case_is_no_match(copy: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "System.evtx").write_bytes(b"ElfFile\0")

    result = verify(copy / "case", evidence=[other], workers=0)

    assert {o.state for o in result.outcomes} == {"missing"}
    assert "evidence" in result.hint


def test_evidence_that_is_gone_is_told_with_what_to_do(copy: Path, original: Path) -> None:
    with duckdb.connect(str(copy / "case/case.duckdb")) as con:
        con.execute("UPDATE source SET given = ?", [str(copy / "gone/evidence")])

    result = CliRunner().invoke(
        cli, ["verify", str(copy / "case"), "--workers", "0"], standalone_mode=False
    )

    assert result.return_value == 7
    assert (
        f"no file of the case was found at {copy}/gone/evidence; if it was moved" in result.stderr
    )


def test_new_rows_are_told_only_where_they_were_looked_for(copy: Path) -> None:
    content = bytearray(sysmon(copy).read_bytes())
    content[content.index("rundll32".encode("utf-16le"))] ^= 1
    sysmon(copy).write_bytes(content)
    arguments = [
        "verify",
        str(copy / "case"),
        "--evidence",
        str(copy / "evidence"),
        "--workers",
        "0",
    ]

    sample = CliRunner().invoke(cli, arguments, standalone_mode=False)
    whole = CliRunner().invoke(cli, [*arguments, "--all"], standalone_mode=False)

    assert sample.return_value == whole.return_value == 7
    assert "no longer as in the case (" in sample.stdout
    assert "no longer as in the case, " in whole.stdout
