"""A disk image as evidence gives what the folder of its files gives, whatever the format; a payload stays one."""

import gzip
import hashlib
from pathlib import Path

import pytest

from forensic_iso.case.ingest import ingest
from forensic_iso.case.store import open_reader, open_writer
from forensic_iso.correlate.run import run
from forensic_iso.evidence.discover import Discovery, discover
from forensic_iso.evidence.opening import forget_layers
from parsers.registry import PARSERS
from tests.builders import disk_files as build
from tests.builders.classic_story import classic_iso, the_image
from tests.builders.fat import FatFile, build_fat
from tests.builders.mft import MftBuilder
from tests.builders.ntfs_volume import NtfsVolume
from tests.conftest import BUNDLED
from tests.evidence.image_maker import (
    DAY,
    NAMES,
    codes,
    found_of,
    image,
    put,
    read,
    small_system,
    system_volume_bytes,
    tar,
    with_gpt,
)
from tests.evidence.zip_maker import make_zip

LOGS = r"C:\Windows\System32\winevt\Logs"


def digests(result: Discovery) -> dict[tuple[str | None, str], str]:
    """By Windows path and kind."""
    return {
        (r.found.windows_path, r.kind): hashlib.sha256(read(r.found)).hexdigest()
        for r in result.recognised
    }


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str | None, str], str]:
    folder = tmp_path_factory.mktemp("plain")
    put(folder, {f"HOST/C/{path}": data for path, data in classic_iso().files.items()})
    found = digests(discover([folder], PARSERS))
    return {key: digest for key, digest in found.items() if key[1] != "mft"}


@pytest.mark.parametrize("form", NAMES)
def test_each_format_gives_the_files_of_the_folder(
    form: str, tmp_path: Path, expected: dict[tuple[str | None, str], str]
) -> None:
    given = put(tmp_path, image(form, with_gpt(system_volume_bytes())))
    forget_layers()

    result = discover([given], PARSERS)
    found = digests(result)

    assert found.pop((r"C:\$MFT", "mft"))
    assert found == expected
    assert {r.found.containers for r in result.recognised} == {(str(given), "partition 1")}
    assert codes(result) == ["drive_letter_assumed"]


@pytest.mark.parametrize("form", [*NAMES, "zip", "tar.gz", "collection in a VHD"])
def test_each_container_gives_the_findings_of_the_folder(
    form: str, tmp_path: Path, bundled_case: Path
) -> None:
    files = {f"HOST/C/{path}": data for path, data in classic_iso().files.items()}
    packed = {
        "zip": lambda: {"all.zip": make_zip(files)},
        "tar.gz": lambda: {"all.tar.gz": tar(files, "w:gz")},
        "collection in a VHD": lambda: {"all.vhd": collection_vhdx(files)},
    }
    made = packed[form]() if form in packed else image(form, with_gpt(system_volume_bytes()))
    given = put(tmp_path, made)
    case = tmp_path / "case"

    ingest(case, [given], workers=0)
    with open_writer(case) as con:
        run(con)

    query = "SELECT * EXCLUDE (finding_id) FROM finding ORDER BY host, image_path"
    with open_reader(case) as mine, open_reader(bundled_case) as other:
        expected = other.execute(query).fetchall()
        assert expected
        assert mine.execute(query).fetchall() == expected
        hosts = mine.execute("SELECT DISTINCT host FROM source WHERE state = 'done'").fetchall()
    assert hosts == [("FIN-WS07",)]


def test_a_zipped_image_is_read_in_place(tmp_path: Path) -> None:
    files = image("E01", system_volume_bytes())
    given = put(tmp_path, {"case.zip": make_zip({f"host/{n}": d for n, d in files.items()})})

    result = discover([given], PARSERS)

    assert rf"{LOGS}\Security.evtx" in {r.found.windows_path for r in result.recognised}
    log = next(r.found for r in result.recognised if r.found.name == "Security.evtx")
    assert log.path.endswith(
        "case.zip!/host/disk.E01!/volume!/Windows/System32/winevt/Logs/Security.evtx"
    )
    assert read(log).startswith(b"ElfFile\0")
    parts = [f.name for f, why in result.unrecognised if "first part" in why]
    assert parts == ["disk.E02"]


# -- what is opened as evidence and what is not


def test_a_disc_given_by_itself_stays_an_artifact(tmp_path: Path) -> None:
    given = put(tmp_path, {"offer.iso": the_image()})

    result = discover([given], PARSERS)

    assert [r.found.name for r in result.recognised] == ["offer.iso"]
    assert result.recognised[0].found.containers == ()


def payload() -> bytes:
    files = [FatFile("Offer.pdf.lnk", b"L\0\0\0", DAY), FatFile("tool\\run.dll", b"MZ", DAY)]
    return build.vhd_fixed(build_fat("OFFER", 0x5EA1, files))


def test_a_small_vhd_of_a_user_is_no_evidence_of_a_system(tmp_path: Path) -> None:
    put(tmp_path, {"HOST/C/Users/a/Downloads/offer.vhd": payload()})

    result = discover([tmp_path], PARSERS)

    places = {f.path for f in [r.found for r in result.recognised]} | {
        f.path for f, _ in result.unrecognised
    }
    assert places == {f"{tmp_path}/HOST/C/Users/a/Downloads/offer.vhd"}


def test_an_image_given_by_itself_is_looked_into_and_stays_an_artifact(tmp_path: Path) -> None:
    given = put(tmp_path, {"stick.vhd": payload()})

    result = discover([given], PARSERS)

    found = [r.found for r in result.recognised] + [f for f, _ in result.unrecognised]
    assert {f.path.removeprefix(f"{tmp_path}/") for f in found} == {
        "stick.vhd",
        "stick.vhd!/volume!/Offer.pdf.lnk",
    }


def test_a_system_image_in_a_folder_is_evidence(tmp_path: Path) -> None:
    put(tmp_path, {"vm/disk.qcow2": build.qcow2(system_volume_bytes())})

    result = discover([tmp_path], PARSERS)

    assert r"C:\$MFT" in {r.found.windows_path for r in result.recognised}


def collection_vhdx(files: dict[str, bytes]) -> bytes:
    """As KAPE leaves it: a fresh volume with the collected files below the drive's letter."""
    volume = NtfsVolume(MftBuilder(DAY))
    for path, data in files.items():
        volume.put(path.replace("/", "\\"), data, DAY)
    raw = volume.build(1024)
    raw = raw.ljust(-(-len(raw) // build.BLOCK) * build.BLOCK, b"\0")
    return build.vhd_dynamic(raw)


def test_a_collection_inside_a_virtual_disk_is_read_like_a_folder(
    tmp_path: Path, expected: dict[tuple[str | None, str], str]
) -> None:
    case = classic_iso()
    put(tmp_path, {"2024-05-15_FIN-WS07.vhd": collection_vhdx({f"C/{p}": d for p, d in case.files.items()})})  # fmt: skip

    result = discover([tmp_path], PARSERS)
    found = digests(result)

    assert found.pop((r"C:\$MFT", "mft")) == hashlib.sha256(case.files["$MFT"]).hexdigest()
    assert found == expected


def test_an_archive_inside_a_collection_on_a_volume_is_walked(tmp_path: Path) -> None:
    log = next(d for p, d in classic_iso().files.items() if p.endswith("Security.evtx"))
    inner = make_zip({"C/Windows/System32/winevt/Logs/Security.evtx": log})
    put(tmp_path, {"kape.vhd": collection_vhdx({"C/Windows/a.txt": b"x", "more.zip": inner})})

    result = discover([tmp_path], PARSERS)

    (item,) = result.recognised
    assert item.found.kinds == ("image", "volume", "zip")
    assert read(item.found) == log


def test_a_damaged_image_is_told_and_not_taken_for_another_thing(tmp_path: Path) -> None:
    given = put(tmp_path, {"disk.E01": build.e01(system_volume_bytes())[0][:90]})

    result = discover([given], PARSERS)

    assert codes(result) == ["damaged_disk"]
    assert result.recognised == []


# -- tar


@pytest.mark.parametrize(("name", "mode"), [("all.tar", "w"), ("all.tar.gz", "w:gz")])
@pytest.mark.parametrize("inner", ["zip", "dd"])
def test_a_container_in_a_tar_is_read(name: str, mode: str, inner: str, tmp_path: Path) -> None:
    data = next(BUNDLED.rglob("System.evtx")).read_bytes()
    files = {
        "zip": {
            "first": b"1",
            "host/c.zip": make_zip({"C/Windows/System32/winevt/Logs/System.evtx": data}),
        },
        "dd": {"first": b"1", "host/disk.dd": small_system().build(400)},
    }[inner]
    given = put(tmp_path, {name: tar(files, mode)})

    result = discover([given], PARSERS)

    if inner == "zip":
        assert [read(r.found) for r in result.recognised] == [data]
    else:
        assert read(found_of(result)[r"C:\Users\a\Downloads\long.iso:Zone.Identifier"])


def test_a_raw_image_in_gzip_gives_the_files_of_the_folder(
    tmp_path: Path, expected: dict[tuple[str | None, str], str]
) -> None:
    disk = with_gpt(system_volume_bytes())
    given = put(tmp_path, {"disk.dd.gz": gzip.compress(disk, 1)})
    forget_layers()

    found = digests(discover([given], PARSERS))

    assert found.pop((r"C:\$MFT", "mft"))
    assert found == expected


def test_a_disk_whose_first_sectors_are_wiped_is_read_by_what_is_left(
    tmp_path: Path, expected: dict[tuple[str | None, str], str]
) -> None:
    disk = with_gpt(system_volume_bytes())
    given = put(tmp_path, {"disk.dd": b"\xa5" * (34 * 512) + disk[34 * 512 :]})
    forget_layers()

    result = discover([given], PARSERS)

    assert digests(result).keys() - {(r"C:\$MFT", "mft")} == expected.keys()
    assert "partition_table_checksum" in codes(result)


@pytest.mark.parametrize(
    ("name", "head", "command"),
    [
        ("d.dd.zst", b"\x28\xb5\x2f\xfd", "zstd -d"),
        ("d.dd.xz", b"\xfd7zXZ\0", "xz -dk"),
        ("d.dd.bz2", b"BZh9", "bzip2 -dk"),
        ("d.7z", b"7z\xbc\xaf\x27\x1c", "7z x"),
        ("d.rar", b"Rar!\x1a\x07\x01\0", "unrar x"),
        ("d.aff", b"AFF10\x0d\x0a\0", "affconvert"),
        ("d.aff4", b"PK\x03\x04", "export it"),
        ("d.dmg", b"\0", "dmg2img"),
        ("d.vdi", bytes(64) + b"\x7f\x10\xda\xbe", "qemu-img convert"),
        ("d.ad1", b"ADSEGMENTEDFILE\0", "FTK Imager"),
        ("d.wim", b"MSWIM\0\0\0", "wimapply"),
        ("d.gho", b"\xfe\xef", "restore it"),
        ("d.nrg", b"\0", "nrg2iso"),
        ("d.Lx01", b"LEF2\x0d\x0a\x81\0", "FTK Imager"),
    ],
)
def test_what_is_not_read_is_refused_with_what_makes_it_readable(
    name: str, head: bytes, command: str, tmp_path: Path
) -> None:
    given = put(tmp_path, {name: head.ljust(4096, b"\0")})

    result = discover([given], PARSERS)

    assert [p.problem.code for p in result.problems] == ["container_not_supported"]
    assert command in result.problems[0].problem.message


def test_how_much_of_an_image_is_read_is_reported_and_kept(tmp_path: Path) -> None:
    disk = with_gpt(system_volume_bytes())
    given = put(tmp_path, image("raw", disk))
    told: list[tuple[str, int, int]] = []
    forget_layers()

    result = discover([given], PARSERS, report=lambda *now: told.append(now))

    (remark,) = [why for found, why in result.unrecognised if found.name == "disk.dd"]
    assert {what for what, _, _ in told} == {f"looking through disk.dd ({len(disk) >> 20} MiB)"}
    assert 0 < told[0][1] <= told[-1][1] == int(remark.split("; ")[-1].split()[0].replace(",", ""))
    assert f"of {len(disk):,} bytes" in remark
    assert [f.name for f in result.images] == ["disk.dd"]


@pytest.mark.parametrize(
    ("name", "mode"), [("c.tar", "w"), ("c.tar.gz", "w:gz"), ("c.tgz", "w:gz")]
)
def test_tar_archives_are_read_in_place(
    name: str, mode: str, tmp_path: Path, expected: dict[tuple[str | None, str], str]
) -> None:
    files = {f"HOST/C/{p}": d for p, d in classic_iso().files.items()}
    given = put(tmp_path, {name: tar(files, mode)})
    forget_layers()

    result = discover([given], PARSERS)
    found = digests(result)

    assert found.pop((r"C:\$MFT", "mft"))
    assert found == expected
    assert codes(result) == ["special_file"]


def test_a_cut_tar_gives_what_precedes_the_cut(tmp_path: Path) -> None:
    files = {f"HOST/C/{p}": d for p, d in classic_iso().files.items()}
    whole = tar(files, "w:gz")
    given = put(tmp_path, {"c.tar.gz": whole[: len(whole) * 2 // 3]})
    forget_layers()

    result = discover([given], PARSERS)

    assert 0 < len(result.recognised) < len(files)
    assert "corrupt_archive" in codes(result) or "corrupt_member" in codes(result)
