"""Real images, against independent readers where they are installed."""

import io
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.builders.udf import build_udf
from tests.parsers.images.helpers import parsed
from tests.parsers.images.test_udf import WHEN, files
from tests.shared import CASES, HOSTILE, REAL, needs_shared

JOLIET = "sheavner_lde-testdata/test.iso9660j"
SEVEN_ZIP = shutil.which("7zz") or shutil.which("7z")


@needs_shared
def test_joliet_image_agrees_with_pycdlib() -> None:
    pycdlib = pytest.importorskip("pycdlib")
    disc = pycdlib.PyCdlib()
    disc.open(str(REAL / JOLIET))
    expected: dict[str, int] = {}
    for folder, _, names in disc.walk(joliet_path="/"):
        for name in names:
            record = disc.get_record(joliet_path=f"{folder.rstrip('/')}/{name}")
            path = f"{folder.rstrip('/')}/{name}".lstrip("/").replace("/", "\\")
            expected[path.split(";")[0]] = record.get_data_length()
    disc.close()

    content, _, problems = parsed((REAL / JOLIET).read_bytes())

    shown = {p: r["size_bytes"] for (_, p), r in content.items() if r["shown"]}
    folders = {p for (_, p), r in content.items() if r["is_directory"]}
    assert problems == []
    assert {p: n for p, n in shown.items() if p not in folders} == expected


@needs_shared
def test_image_whose_namespaces_differ_gives_the_file_of_each() -> None:
    content, _, _ = parsed(
        (HOSTILE / "sleuthkit_sleuthkit_test_data/iso-dirtree1.iso").read_bytes()
    )

    assert {p: r["shown"] for (_, p), r in content.items()} == {
        "File2.txt": True,
        "FILE1.TXT": False,
    }


@needs_shared
def test_real_ntfs_volume_gives_files_that_the_native_reader_gives() -> None:
    pyfsntfs = pytest.importorskip("pyfsntfs")
    path = REAL / "ColinFinck_ntfs/testfs1"
    volume = pyfsntfs.volume()
    volume.open(str(path))
    expected: dict[str, int] = {}

    def walk(entry: Any, above: str) -> None:
        for sub in entry.sub_file_entries:
            if sub.file_reference & (1 << 48) - 1 < 24:
                continue
            name = f"{above}\\{sub.name}" if above else sub.name
            if sub.number_of_sub_file_entries or sub.has_directory_entries_index():
                walk(sub, name)
            else:
                expected[name] = sub.size

    walk(volume.get_root_directory(), "")

    content, volumes, _ = parsed(path.read_bytes())

    plain = {
        p: r["size_bytes"]
        for (_, p), r in content.items()
        if r["shown"] and not r["is_directory"] and ":" not in p
    }
    assert expected.items() <= plain.items()
    assert volumes[0]["filesystem"] == "NTFS"
    assert all(r["sha256"] for (_, p), r in content.items() if p in expected)


@needs_shared
def test_images_of_the_cases_give_every_file_with_digest_and_no_problem() -> None:
    found = sorted(p for p in CASES.rglob("*.iso"))
    assert found
    for path in found:
        content, volumes, problems = parsed(path.read_bytes(), path.name)

        assert problems == []
        assert sum(v["mounted"] for v in volumes) == 1
        assert all(r["sha256"] for r in content.values() if not r["is_directory"])


@pytest.mark.skipif(SEVEN_ZIP is None, reason="needs 7-Zip")
@pytest.mark.parametrize("shape", [{}, {"extended": False, "revision": 0x0102}])
def test_built_udf_agrees_with_7zip(tmp_path: Path, shape: dict[str, Any]) -> None:
    image = tmp_path / "u.udf"
    image.write_bytes(build_udf("V", files(), WHEN, **shape))

    out = subprocess.run(
        [str(SEVEN_ZIP), "l", "-slt", "-ba", str(image)], check=True, capture_output=True
    )
    names = {
        line[7:].replace("/", "\\")
        for line in io.StringIO(out.stdout.decode())
        if line.startswith("Path = ")
    }

    content, _, _ = parsed(image.read_bytes())
    assert {n.strip() for n in names} == {p for _, p in content}
