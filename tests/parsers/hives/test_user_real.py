"""Users' hives of cases and of real hosts, against truth and independent readers."""

import io
import zipfile
from codecs import encode
from datetime import UTC, datetime

import pytest

from parsers.hives import user
from parsers.hives.regf import open_hive
from parsers.hives.user_lists import named_list
from parsers.shell_items import parse_id_list
from tests.parsers.hives.helpers import run
from tests.shared import CASES, REAL, needs_shared

AT = datetime(2024, 1, 6, 5, 35, 47, 657804, tzinfo=UTC)
NAIVE = AT.replace(tzinfo=None)
VERSION = r"Software\Microsoft\Windows\CurrentVersion"
EXP = rf"{VERSION}\Explorer"


def case(name: str, inner: str) -> bytes:
    (packed,) = (CASES / name / "evidence").glob("*.zip")
    with zipfile.ZipFile(packed) as archive:
        return archive.read(next(n for n in archive.namelist() if n.endswith(inner)))


@needs_shared
def test_the_registry_tells_mount_letter_and_run_of_the_case():
    data = case("18-registry-mount", "g.rossi/NTUSER.DAT")

    rows, problems = run(user, data, "NTUSER.DAT")

    assert problems == []
    opened = [(r["name"], r["opened_utc"]) for r in rows["recent_doc"] if r["extension"] == ".iso"]
    assert opened == [
        ("Shipping documents 1784.iso", datetime.fromisoformat("2024-01-06T05:35:16.373771"))
    ]
    drive = [r["name"] for r in rows["recent_doc"] if r["extension"] == "Folder"]
    assert drive == ["DVD Drive (E:) SHIPPINGDOCUME"]
    seen = [
        r["key_last_write_utc"]
        for r in rows["mount_point"]
        if r["volume_guid"] == "8eb8a210-98a8-11ee-953a-3f2bbdbf8483"
    ]
    assert seen == [datetime.fromisoformat("2024-01-06T05:35:18.373771")]
    runs = [
        (r["run_count"], r["last_run_utc"])
        for r in rows["user_assist"]
        if r["path"] == r"E:\OpenFile.exe"
    ]
    assert runs == [(1, NAIVE)]


@needs_shared
def test_a_hive_without_the_image_names_none():
    path = CASES / "17-prefetch-run/evidence/WS-5808/C/Users/c.moreau/NTUSER.DAT"

    rows, problems = run(user, path.read_bytes(), "NTUSER.DAT")

    assert problems == []
    assert len(rows["recent_doc"]) == 6
    assert not [r for r in rows["recent_doc"] if r["extension"] == ".iso"]


@needs_shared
def test_a_real_hive_with_logs_tells_a_program_that_ran_from_a_disc():
    folder = REAL / "mkorman90_regipy"
    data, *logs = (
        (folder / f"transactions_{n}").read_bytes()
        for n in ("NTUSER.DAT", "ntuser.dat.log1", "ntuser.dat.log2")
    )

    rows, problems = run(user, data, "NTUSER.DAT", *logs)

    assert [p.code for p in problems] == ["hive_replayed"]
    assert [(r["app_id"], r["last_accessed_utc"]) for r in rows["recent_app"]] == [
        (r"D:\setup64.exe", datetime.fromisoformat("2017-07-12T07:34:32.178000"))
    ]
    media = [(r["path"], r["media_id"]) for r in rows["program_trace"] if r["media_id"]]
    assert media == [("setup64.exe", "6F60F6C")]


@needs_shared
def test_user_assist_of_a_real_hive_equals_the_independent_reader():
    registry = pytest.importorskip("Registry.Registry")
    data = (REAL / "mkorman90_regipy/NTUSER.DAT").read_bytes()
    top = registry.Registry(io.BytesIO(data)).open(rf"{EXP}\UserAssist")
    theirs = {
        (encode(value.name(), "rot13"), value.value()[4:8])
        for key in top.subkeys()
        for value in key.subkey("Count").values()
        if len(value.value()) == 72
    }

    rows, problems = run(user, data, "NTUSER.DAT")

    assert problems == []
    ours = {
        (r["path"], r["run_count"].to_bytes(4, "little"))
        for r in rows["user_assist"]
        if r["run_count"] is not None
    }
    assert ours == theirs


@needs_shared
def test_shell_items_of_a_real_hive_equal_the_independent_reader():
    fwsi = pytest.importorskip("pyfwsi")
    hive_ = open_hive(io.BytesIO((REAL / "mkorman90_regipy/NTUSER.DAT").read_bytes()))
    top = hive_.find(rf"{EXP}\RecentDocs")
    assert top is not None
    lists = [
        named_list(value.data)[1]
        for key in (top, *top.subkeys())
        for value in key.values()
        if value.name != "MRUListEx"
    ]

    ours = [parse_id_list(data).last for data in lists]

    assert len(ours) == 22
    for data, item in zip(lists, ours, strict=True):
        theirs = fwsi.item_list()
        theirs.copy_from_byte_stream(data)
        entry = theirs.get_item(0)
        block = entry.get_extension_block(0)
        assert item is not None
        assert item.text == block.long_name
        assert (item.mft_reference or 0) == (block.file_reference or 0)
        assert item.size == entry.file_size
