"""An image that is given by itself is looked through, a Windows on it or not, and nothing says that it was not."""

import gzip
from pathlib import Path

import pytest

from forensic_iso.evidence.discover import discover
from forensic_iso.evidence.layers import forget_layers
from parsers.registry import PARSERS
from tests.builders.mft import MftBuilder
from tests.builders.ntfs_volume import NtfsVolume
from tests.evidence.image_maker import CLUSTERS, DAY, NAMES, image, put, with_gpt


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


def test_a_disk_among_other_files_without_windows_on_it_is_told_as_not_opened(
    tmp_path: Path,
) -> None:
    put(tmp_path, {**image("QCOW2", data_disk()), "other.txt": b"x"})
    forget_layers()

    result = discover([tmp_path], PARSERS)

    assert "image_not_opened" in [p.problem.code for p in result.problems]
