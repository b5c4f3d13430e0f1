"""Everything handed in is found once, sorted out, and what is not read is named."""

import os
from pathlib import Path

import pytest

from forensic_iso.errors import UsageError
from forensic_iso.evidence.discover import Discovery, Recogniser, discover
from forensic_iso.evidence.expected import EXPECTED_KINDS, NOT_EXPECTED
from parsers import registry
from tests.evidence.zip_maker import make_zip, write_zip
from tests.shared import CASES, needs_shared

LOGS = "Windows/System32/winevt/Logs"
EVTX = b"ElfFile\0" + bytes(100)
MFT = b"FILE0" + bytes(100)


class Evtx:
    KIND = "evtx"

    def recognise(self, name: str, head: bytes) -> bool:
        return head.startswith(b"ElfFile\0")


class Mft:
    KIND = "mft"

    def recognise(self, name: str, head: bytes) -> bool:
        return name == "$MFT" and head.startswith(b"FILE")


class Broken:
    KIND = "broken"

    def recognise(self, name: str, head: bytes) -> bool:
        raise IndexError(name)


PARSERS: list[Recogniser] = [Evtx(), Mft()]


def put(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def codes(result: Discovery) -> list[str]:
    return [p.problem.code for p in result.problems]


def test_folder_and_zip_give_the_same_windows_paths(tmp_path: Path) -> None:
    put(tmp_path / "A/C" / LOGS / "System.evtx", EVTX)
    put(tmp_path / "A/C/$MFT", MFT)
    velociraptor = {
        f"uploads/auto/C%3A/{LOGS}/System.evtx": EVTX,
        "uploads/ntfs/%5C%5C.%5CC%3A/$MFT": MFT,
    }
    write_zip(tmp_path / "B.zip", velociraptor)

    result = discover([tmp_path], PARSERS)

    paths = [(r.kind, r.found.windows_path) for r in result.recognised]
    log = "C:\\" + f"{LOGS}/System.evtx".replace("/", "\\")
    assert paths == [("mft", r"C:\$MFT"), ("evtx", log), ("evtx", log), ("mft", r"C:\$MFT")]
    assert result.problems == []


def test_evidence_given_twice_is_found_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "a/Security.evtx", EVTX)
    write_zip(tmp_path / "a/b.zip", {"System.evtx": EVTX})
    monkeypatch.chdir(tmp_path)
    given = [tmp_path, tmp_path / "a", Path("a/Security.evtx"), Path("a/../a/b.zip")]

    result = discover(given, PARSERS)

    assert [r.found.name for r in result.recognised] == ["Security.evtx", "System.evtx"]


def test_a_path_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere") as caught:
        discover([tmp_path / "nowhere"], PARSERS)

    assert caught.value.exit_code == 2


def test_links_given_by_the_user_are_followed(tmp_path: Path) -> None:
    put(tmp_path / "real/Security.evtx", EVTX)
    (tmp_path / "link").symlink_to(tmp_path / "real")

    result = discover([tmp_path / "link"], PARSERS)

    assert [r.found.path for r in result.recognised] == [str(tmp_path / "link/Security.evtx")]


def test_what_no_parser_knows_is_listed_with_a_reason(tmp_path: Path) -> None:
    put(tmp_path / "empty.json", b"")
    put(tmp_path / "notes.txt", b"hello")

    result = discover([tmp_path], PARSERS)

    reasons = {found.name: reason for found, reason in result.unrecognised}
    assert reasons == {"empty.json": "empty file", "notes.txt": "no parser knows it"}
    assert result.problems == []


def test_an_archive_of_the_user_is_no_collection(tmp_path: Path) -> None:
    forged = make_zip({"Security.evtx": EVTX})
    mail = put(tmp_path / "HOST/C/Users/a/Downloads/offer.zip", forged)

    result = discover([tmp_path], PARSERS)
    alone = discover([mail], PARSERS)
    both = discover([tmp_path, mail], PARSERS)

    assert result.recognised == []
    assert len(both.recognised) == len(alone.recognised) == 1
    assert codes(result) == ["archive_not_opened"]


def test_zips_in_zips_are_walked(tmp_path: Path) -> None:
    write_zip(tmp_path / "all.zip", {"h1.zip": make_zip({"C/$MFT": MFT}), "h2.zip": b"broken"})

    result = discover([tmp_path / "all.zip"], PARSERS)

    assert [r.found.windows_path for r in result.recognised] == [r"C:\$MFT"]
    assert codes(result) == ["corrupt_archive"]


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("a.7z", b"7z\xbc\xaf\x27\x1c"),
        ("a.rar", b"Rar!\x1a\x07\x01\0"),
        ("a.cab", b"MSCF\0\0\0\0"),
        ("a.xz", b"\xfd7zXZ\0"),
        ("a.dd", b"\xeb\x52\x90NTFS    "),
        (
            "b.dd",
            bytes(446) + b"\x80\0\0\0\x07\0\0\0\0\x08\0\0\0\0\x01\0" + bytes(48) + b"\x55\xaa",
        ),
    ],
)
def test_other_containers_are_named_with_what_to_do(tmp_path: Path, name: str, head: bytes) -> None:
    put(tmp_path / name, head)

    result = discover([tmp_path], PARSERS)

    assert codes(result) == ["container_not_supported"]
    assert "give" in result.problems[0].problem.message


@pytest.mark.parametrize(
    ("name", "head", "code", "advice"),
    [
        ("a.ad1", b"ADSEGMENTEDFILE\0", "container_not_supported", "FTK Imager"),
        ("a.vdi", bytes(64) + b"\x7f\x10\xda\xbe", "container_not_supported", "qemu-img convert"),
        ("a.dmg", b"anything", "container_not_supported", "dmg2img"),
        ("a.E01", b"EVF\x09\x0d\x0a\xff\0", "damaged_disk", "ewfrecover"),
        ("a.vhdx", b"vhdxfile", "damaged_disk", "again"),
        ("a.vmdk", b"KDMV", "extent_alone", "all extents"),
        ("a.tar", bytes(257) + b"ustar\0", "corrupt_archive", "transfer"),
    ],
)
def test_images_that_are_not_read_are_named_with_what_to_do(
    tmp_path: Path, name: str, head: bytes, code: str, advice: str
) -> None:
    put(tmp_path / name, head)

    result = discover([tmp_path], PARSERS)

    assert codes(result) == [code]
    assert advice in result.problems[0].problem.message


def test_a_parser_that_fails_does_not_hide_the_file(tmp_path: Path) -> None:
    put(tmp_path / "Security.evtx", EVTX)

    result = discover([tmp_path], [Broken(), *PARSERS])

    assert [r.kind for r in result.recognised] == ["evtx"]
    assert codes(result) == ["recognise_failed"]


def test_evidence_is_left_as_it_was(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "b.zip", {"System.evtx": EVTX})
    os.utime(archive, (1_000_000_000, 1_500_000_000))
    before = archive.read_bytes(), archive.stat().st_mtime_ns
    os.utime(archive, (1_000_000_000, 1_500_000_000))

    discover([tmp_path], PARSERS)

    assert archive.stat().st_atime == 1_000_000_000
    assert (archive.read_bytes(), archive.stat().st_mtime_ns) == before


def test_absence_is_told_per_collection(tmp_path: Path) -> None:
    put(tmp_path / "A/C" / LOGS / "Archive-Security-2024-01-01-00-00-00-000.evtx", EVTX)
    put(tmp_path / "A/C" / LOGS / "Microsoft-Windows-VHDMP-Operational.evtx", EVTX)
    put(tmp_path / "A/C/$MFT", MFT)

    lacking = discover([tmp_path], PARSERS).not_found

    assert [line.partition(f"{tmp_path}/A: ")[2].partition(" (")[0] for line in lacking] == [
        "Sysmon log", "System log", "Partition log", "PowerShell log", "Defender log", "Ntfs log", "Other artifacts",
    ]  # fmt: skip
    assert "Prefetch, PCA, SRUM" in lacking[-1]


def test_every_kind_of_parser_is_looked_for_or_named_as_not() -> None:
    looked_for = {kind for _, kinds in EXPECTED_KINDS for kind in kinds}

    assert looked_for.isdisjoint(NOT_EXPECTED)
    assert looked_for | set(NOT_EXPECTED) == {p.KIND for p in registry.PARSERS}


@needs_shared
def test_every_log_and_mft_of_the_cases_is_found() -> None:
    result = discover([CASES], PARSERS)

    assert codes(result) == []
    assert {f.name for f, _ in result.unrecognised if f.name.endswith(".evtx")} == set()
    assert all(r.found.name.count("%25") == 0 for r in result.recognised)


def test_a_name_that_promises_what_the_bytes_are_not_is_a_problem(tmp_path: Path) -> None:
    put(tmp_path / "C/Windows/System32/config/SYSTEM", b"wiped" * 20)
    put(tmp_path / "C/Windows/System32/config/SAM", b"regf" + bytes(100))
    put(tmp_path / "C/Windows/Prefetch/GO.EXE-0BD30981.pf", bytes(100))
    put(tmp_path / "notes.txt", b"hello")

    result = discover([tmp_path], PARSERS)

    assert codes(result) == ["not_as_named", "not_as_named"]
    reasons = {found.name: reason for found, reason in result.unrecognised}
    assert reasons == {
        "SYSTEM": "named as a registry hive, but does not begin as one",
        "SAM": "a registry hive of a kind that is not read",
        "GO.EXE-0BD30981.pf": "named as a prefetch file, but does not begin as one",
        "notes.txt": "no parser knows it",
    }
