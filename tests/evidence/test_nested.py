"""Containers in containers, and collections of several hosts in one: each is read, or told by what it is."""

import gzip
from pathlib import Path

from forensic_iso.case.ingest import ingest, logical_path
from forensic_iso.case.store import open_reader
from forensic_iso.evidence.discover import discover
from forensic_iso.evidence.reopen import found_at
from parsers.registry import PARSERS
from tests.builders import disk_files as build
from tests.builders.classic_story import classic_iso
from tests.builders.lnk import Shortcut, VolumeId, build_lnk
from tests.builders.mft import MftBuilder
from tests.builders.ntfs_volume import NtfsVolume
from tests.builders.vendor_story import vendor_install
from tests.evidence.image_maker import DAY, codes, image, put, read, small_system, tar
from tests.evidence.zip_maker import make_zip

SYSTEM_LOG = "C/Windows/System32/winevt/Logs/System.evtx"


def log_of(files: dict[str, bytes]) -> bytes:
    return next(data for path, data in files.items() if path.endswith("System.evtx"))


def collection(files: dict[str, bytes]) -> bytes:
    """A virtual disk as a collector fills it."""
    volume = NtfsVolume(MftBuilder(DAY))
    for path, data in files.items():
        volume.put(path.replace("/", "\\"), data, DAY)
    raw = volume.build(2048)
    return build.vhd_dynamic(raw.ljust(-(-len(raw) // build.BLOCK) * build.BLOCK, b"\0"))


def test_a_zip_in_a_zip_in_a_tar_or_on_a_volume_is_read(tmp_path: Path) -> None:
    log = log_of(classic_iso().files)
    inner = make_zip({"more.zip": make_zip({SYSTEM_LOG: log})})
    tarred = put(tmp_path, {"a.tar.gz": tar({"first": b"1", "h/c.zip": inner}, "w:gz")})
    disk = put(tmp_path, {"kape.vhd": collection({"C/Windows/a.txt": b"x", "c.zip": inner})})

    found = [r.found for given in (tarred, disk) for r in discover([given], PARSERS).recognised]

    assert [f.kinds for f in found] == [("tar", "zip", "zip"), ("image", "volume", "zip", "zip")]
    assert [read(f) for f in found] == [log, log]
    again = [found_at(f.given, logical_path(f)) for f in found]
    assert [read(f) for f in again if f is not None] == [log, log]


def test_an_image_on_the_volume_of_an_image_is_told(tmp_path: Path) -> None:
    inner = make_zip({f"i/{n}": d for n, d in image("E01", small_system().build(400)).items()})
    given = put(tmp_path, {"kape.vhd": collection({"C/Windows/a.txt": b"x", "c.zip": inner})})

    result = discover([given], PARSERS)

    assert set(codes(result)) == {"image_not_opened"}
    assert result.problems[0].path.endswith("kape.vhd!/volume!/c.zip!/i/disk.E01")
    assert "give it by itself" in result.problems[0].problem.message


def test_a_tar_in_several_gzip_streams_is_refused_with_the_command(tmp_path: Path) -> None:
    whole = tar({SYSTEM_LOG: log_of(classic_iso().files)}, "w")
    parts = gzip.compress(whole[:70_000]) + gzip.compress(whole[70_000:])
    given = put(tmp_path, {"a.tar.gz": parts})

    result = discover([given], PARSERS)

    assert codes(result) == ["unsupported_compression"]
    assert "gzip -dk" in result.problems[0].problem.message


def test_each_host_of_a_collected_disk_keeps_its_name(tmp_path: Path) -> None:
    link = build_lnk(Shortcut("C:\\a.txt", VolumeId(3, 1, "")))
    recent = "C/Users/x/AppData/Roaming/Microsoft/Windows/Recent/a.lnk"
    files = {
        f"2024-05-15_{label}/{SYSTEM_LOG}": log_of(case.files)
        for label, case in (("ONE", classic_iso()), ("TWO", vendor_install()))
    }
    files |= {f"2024-05-15_{label}/{recent}": link for label in ("ONE", "TWO", "WS-QUIET9")}
    disk = put(tmp_path, {"kape.vhd": collection(files)})
    packed = put(tmp_path, {"kape.zip": make_zip(files)})

    for given in (disk, packed):
        case = tmp_path / f"case-{given.name}"
        ingest(case, [given], workers=0)
        with open_reader(case) as con:
            rows = con.execute(
                "SELECT host FROM source WHERE kind = 'lnk' ORDER BY path"
            ).fetchall()
        assert rows == [("FIN-WS07",), ("CAD-03",), ("WS-QUIET9",)]
