"""ISO 9660 images: every file with its hashes, the serial as Windows shows it, and no crash on damage."""

import hashlib
import io
from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers import images
from parsers.contract import Artifact, Batch, Problem
from tests.builders.iso import IsoFile, build_iso, cdfs_serial
from tests.shared import REAL, needs_shared

MADE = datetime(2024, 5, 14, 8, 0, tzinfo=UTC)
IMAGE = build_iso(
    "SHIP_DOCS",
    [
        IsoFile("Open me.lnk", b"shortcut", MADE),
        IsoFile("viewer\\layout.dll", b"inert" * 1000, MADE, hidden=True),
    ],
    MADE,
    frozenset({"viewer"}),
)


def read(data: bytes, name: str = "a.iso") -> tuple[pl.DataFrame, list[Problem]]:
    items = list(images.parse(Artifact(name, lambda: io.BytesIO(data), len(data))))
    frames = [i.frame for i in items if isinstance(i, Batch) and i.table == "image_content"]
    return (pl.concat(frames) if frames else pl.DataFrame()), [
        i for i in items if isinstance(i, Problem)
    ]


def test_image_is_known_by_its_descriptor_whatever_its_name() -> None:
    assert images.recognise("notes.txt", IMAGE[:34816])
    assert not images.recognise("fake.iso", bytes(34816))


def test_files_come_with_path_flags_time_and_hashes() -> None:
    frame, problems = read(IMAGE)

    rows = {r["path"]: r for r in frame.to_dicts()}
    dll = rows["viewer\\layout.dll"]
    assert problems == []
    assert set(rows) == {"Open me.lnk", "viewer", "viewer\\layout.dll"}
    assert dll["sha256"] == hashlib.sha256(b"inert" * 1000).hexdigest().upper()
    assert dll["hidden"]
    assert rows["viewer"]["is_directory"]
    assert (dll["size_bytes"], dll["volume_label"], dll["name_form"]) == (
        5000,
        "SHIP_DOCS",
        "joliet",
    )
    assert dll["recorded_utc"] == MADE.replace(tzinfo=None)
    assert IMAGE[dll["extent_offset"] :].startswith(b"inert")


def test_serial_is_that_of_the_active_descriptor() -> None:
    frame, _ = read(IMAGE)

    built = cdfs_serial(IMAGE)
    shown = frame["volume_serial"][0].replace("-", "")
    assert shown == (built if isinstance(built, str) else f"{built:08X}").replace("-", "").upper()


@needs_shared
@pytest.mark.parametrize(
    ("path", "serial"),
    [
        ("log2timeline_plaso/iso9660.raw", "C2F8-3399"),
        ("sheavner_lde-testdata/test.iso9660j", "CEE6-4A53"),
    ],
)
def test_serials_of_real_images(path: str, serial: str) -> None:
    frame, _ = read((REAL / path).read_bytes())

    assert frame["volume_serial"].unique().to_list() == [serial]


def test_cut_image_lists_names_and_says_which_content_is_missing() -> None:
    frame, problems = read(IMAGE[:-4096])

    assert "viewer\\layout.dll" in frame["path"].to_list()
    assert any(p.code in ("image_file_cut", "iso_directory_cut") for p in problems)


def test_directory_loop_ends() -> None:
    frame, _ = read(IMAGE)
    folder = next(r for r in frame.to_dicts() if r["is_directory"])
    wound = bytearray(IMAGE)
    inner = next(r for r in frame.to_dicts() if r["path"] == "viewer\\layout.dll")
    at = inner["record_offset"]
    wound[at + 2 : at + 18] = IMAGE[folder["record_offset"] + 2 : folder["record_offset"] + 18]
    wound[at + 25] |= 2

    _, problems = read(bytes(wound))

    assert "iso_directory_loop" in {p.code for p in problems}


@given(st.lists(st.tuples(st.integers(32768, len(IMAGE) - 1), st.integers(0, 255)), max_size=30))
def test_mutated_image_raises_nothing(wounds: list[tuple[int, int]]) -> None:
    data = bytearray(IMAGE)
    for at, value in wounds:
        data[at] = value

    read(bytes(data))
