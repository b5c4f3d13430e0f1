"""An image that is given by itself is looked through, a Windows on it or not, and nothing says that it was not."""

import gzip
from pathlib import Path

import pytest

from forensic_iso.evidence.discover import discover
from forensic_iso.evidence.opening import forget_layers, open_found
from parsers.contract import Artifact, Problem, Severity
from parsers.registry import PARSERS, by_kind
from tests.builders.mft import MftBuilder
from tests.builders.ntfs_volume import NtfsVolume
from tests.evidence.image_maker import CLUSTERS, DAY, NAMES, VOLUME_AT, image, put, with_gpt


def data_disk() -> bytes:
    volume = NtfsVolume(MftBuilder(DAY))
    volume.put("notes\\a.lnk", b"no link", DAY)
    return with_gpt(volume.build(CLUSTERS))


@pytest.mark.parametrize("form", ["E01", "QCOW2", "gz"])
def test_no_problem_says_that_a_disk_that_was_read_was_not(form: str, tmp_path: Path) -> None:
    files = (
        {"disk.raw.gz": gzip.compress(data_disk())} if form == "gz" else image(form, data_disk())
    )
    given = put(tmp_path, files)
    name = "disk.raw.gz" if form == "gz" else NAMES[form]
    forget_layers()

    result = discover([given], PARSERS)

    assert "mft" in [r.kind for r in result.recognised]
    assert [p.problem.code for p in result.problems if p.path.endswith(name)] == []
    [(found, remark)] = [(f, why) for f, why in result.unrecognised if f.name == name]
    assert remark.startswith("a disk image (")
    assert found in result.images


@pytest.mark.parametrize("form", ["E01", "Ex01"])
def test_an_acquired_disk_among_other_files_is_read_without_windows_on_it(
    form: str, tmp_path: Path
) -> None:
    put(tmp_path, image(form, data_disk()))
    put(tmp_path, {f"HOST/C/Users/a/{n}": d for n, d in image(form, data_disk()).items()})
    forget_layers()

    result = discover([tmp_path], PARSERS)

    assert {r.found.containers[0] for r in result.recognised} == {str(tmp_path / NAMES[form])}
    assert [p.path for p in result.problems if p.problem.code == "image_not_opened"] == [
        f"{tmp_path}/HOST/C/Users/a/{NAMES[form]}"
    ]
    parts = [f.member for f, why in result.unrecognised if "first part" in why]
    second = NAMES[form].replace("01", "02")
    assert parts == [f"{tmp_path}/HOST/C/Users/a/{second}", f"{tmp_path}/{second}"]


@pytest.mark.parametrize("form", ["QCOW2", "gz"])
def test_a_disk_among_other_files_without_windows_on_it_is_told_as_not_opened(
    form: str, tmp_path: Path
) -> None:
    files = (
        {"disk.raw.gz": gzip.compress(data_disk())} if form == "gz" else image(form, data_disk())
    )
    put(tmp_path, {**files, "other.txt": b"x"})
    forget_layers()

    result = discover([tmp_path], PARSERS)

    assert "image_not_opened" in [p.problem.code for p in result.problems]


@pytest.mark.parametrize(
    ("at", "mark", "name", "severity"),
    [
        (3, b"ReFS\0\0\0\0", "ReFS", Severity.WARNING),
        (1080, b"\x53\xef", "ext2, ext3 or ext4", Severity.INFO),
        (0, b"\x11" * 64, "no known file system although its type promises one", Severity.WARNING),
    ],
)
def test_a_partition_that_is_not_read_is_told_by_what_it_holds(
    at: int, mark: bytes, name: str, severity: Severity, tmp_path: Path
) -> None:
    disk = bytearray(with_gpt(bytes(1 << 20)))
    disk[VOLUME_AT + at : VOLUME_AT + at + len(mark)] = mark
    given = put(tmp_path, image("VHDX", bytes(disk)))
    forget_layers()

    result = discover([given], PARSERS)

    (problem,) = [p.problem for p in result.problems if p.path.endswith("!/partition 1")]
    assert problem.code == "no_file_system"
    assert problem.found.startswith(f"{name}, partition type ebd0a0a2-")
    assert problem.severity == severity
    (artifact,) = result.recognised
    parser = by_kind(artifact.kind)
    told = [
        item.found
        for item in parser.parse(
            Artifact("disk.vhdx", lambda: open_found(artifact.found), artifact.found.size)
        )
        if isinstance(item, Problem) and item.code == "image_volume_not_read"
    ]
    assert told == ([name] if severity == Severity.WARNING else [])
