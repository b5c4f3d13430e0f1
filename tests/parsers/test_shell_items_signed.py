"""Shell items told by a signature, and the names of folders known by their GUID."""

import csv
import struct
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers.lnk.cut import dos_seconds
from parsers.shell_items import Item, parse_id_list
from tests.builders.hive import filetime_bytes
from tests.builders.lnk_parts import MY_COMPUTER, drive_item, file_item
from tests.builders.shell_items import id_list, network_item
from tests.shared import REAL, needs_shared

AT = datetime(2024, 1, 6, 5, 35, 16, 123456, tzinfo=UTC)
DELEGATE = uuid.UUID("5e591a74-df96-48d3-8d67-1733bcee28ba").bytes_le
CONTROL_PANEL = "26ee0668-a00a-44d7-9371-beb064c98683"
LIBRARIES = "031e4825-7b94-4dc3-b131-e946b44c8dd5"
DOCUMENTS = "7b0db17d-9cd2-4a93-9733-46cc89022e7c"
DOWNLOADS = "088e3905-0323-4b02-9826-5d99428e115f"
NAME_GROUP = uuid.UUID("b725f130-47ef-101a-a5f1-02608c9eebac").bytes_le
APP_GROUP = uuid.UUID("9f4c2855-9f79-4b39-a8d0-e1d42de1d5f3").bytes_le


def item(body: bytes) -> bytes:
    return struct.pack("<H", len(body) + 2) + body


def root(guid: str) -> bytes:
    return item(b"\x1f\x50" + uuid.UUID(guid).bytes_le)


def place(guid: str) -> bytes:
    return item(b"\x2e\x80" + uuid.UUID(guid).bytes_le)


def wide(text: str) -> bytes:
    return text.encode("utf-16-le") + b"\0\0"


def category(number: int) -> bytes:
    return item(struct.pack("<BBII", 1, 0, 0x39DE2184, number))


def panel(guid: str) -> bytes:
    return item(b"\x71\x80" + bytes(10) + uuid.UUID(guid).bytes_le)


def cpl(path: str) -> bytes:
    return item(struct.pack("<BBIIIIHH", 0, 0, 0xFFFFFF38, 0, 0x6A00, 0, 9, 9) + wide(path))


def old_cpl(path: str) -> bytes:
    return item(struct.pack("<BBIHH", 0, 0, 0xFFFFFFFF, 9, 9) + path.encode("cp1252") + b"\0")


def library(guid: str) -> bytes:
    known = uuid.UUID(guid).bytes_le
    return item(struct.pack("<BBHIHH", 0, 0, 26, 0x23FEBBEE, 0, 16) + known + b"\0\0")


def storage(group: bytes, *entries: tuple[int, str]) -> bytes:
    body = struct.pack("<IIBI", 13, 12, 0, 1)
    for number, text in entries:
        value = wide(text)
        body += struct.pack("<IIBII", 17 + len(value), number, 0, 0x1F, len(text) + 1) + value
    return struct.pack("<I4s", len(body) + 28, b"1SPS") + group + body + b"\0" * 4


def view(name: str) -> bytes:
    store = storage(NAME_GROUP, (4, "File folder"), (10, name))
    return item(struct.pack("<BBHIHH", 0, 0, 9, 0x10141981, len(store), 0) + store)


def app(model: str) -> bytes:
    return item(struct.pack("<BBH4s", 0, 0, 9, b"APPS") + storage(APP_GROUP, (5, model)))


def device(name: str) -> bytes:
    head = struct.pack("<BBHI", 0x2E, 0, 9, 0x08312006) + bytes(20)
    text = wide(name)
    return item(
        head + struct.pack("<IIH", len(name) + 1, 0, 0) + text + DELEGATE + bytes.fromhex("11" * 16)
    )


def mtp_volume(name: str) -> bytes:
    head = struct.pack("<BBHI", 0, 0, 9, 0x10312005) + bytes(28)
    return item(head + struct.pack("<IIII", len(name) + 1, 0, 0, 0) + wide(name))


def mtp_folder(name: str) -> bytes:
    head = struct.pack("<BBHI", 0, 0, 9, 0x07192006) + bytes(16) + filetime_bytes(AT) * 2
    return item(head + bytes(20) + struct.pack("<III", len(name) + 1, 0, 0) + wide(name))


def zip_entry(date: str, first: str, second: str = "") -> bytes:
    head = bytes([0x52, 0]) + bytes(32) + wide(date).ljust(48, b"\0")
    names = wide(first) + (wide(second) if second else b"")
    return item(head + struct.pack("<II", len(first), len(second)) + names)


def burn(inner: bytes) -> bytes:
    return item(struct.pack("<BB4sIII", 0, 0, b"AugM", 4, 1, 0x10000) + inner + b"\0\0")


def ftp(address: str) -> bytes:
    block = bytes(30)
    return item(struct.pack("<BBH", 0x61, 0x80, len(block) + 2) + block + b"\0\0" + wide(address))


def last(*items: bytes) -> tuple[str | None, Item]:
    shell = parse_id_list(id_list(*items))
    assert shell.complete
    assert shell.last is not None
    return shell.path, shell.last


@pytest.mark.parametrize(
    ("items", "path", "kind"),
    [
        ([root(CONTROL_PANEL), category(1)], r"Control Panel\Appearance and Personalization", None),
        ([root(CONTROL_PANEL), category(99)], r"Control Panel\[type 0x01]", "control_panel"),
        (
            [root(CONTROL_PANEL), panel("bb06c0e4-d293-4f75-8a90-cb05b6477eee")],
            r"Control Panel\System",
            "control_panel",
        ),
        (
            [root(CONTROL_PANEL), panel("11111111-2222-3333-4444-555555555555")],
            r"Control Panel\::{11111111-2222-3333-4444-555555555555}",
            "control_panel",
        ),
        ([root(CONTROL_PANEL), cpl(r"E:\a.cpl")], r"Control Panel\E:\a.cpl", "control_panel"),
        ([root(CONTROL_PANEL), old_cpl(r"E:\a.cpl")], r"Control Panel\E:\a.cpl", "control_panel"),
        ([root(LIBRARIES), library(DOCUMENTS)], r"Libraries\Documents", "view"),
        ([root(LIBRARIES), view("Studies")], r"Libraries\Studies", "view"),
        ([MY_COMPUTER, place(DOWNLOADS)], r"This PC\Downloads", "root"),
        ([MY_COMPUTER, place(DOWNLOADS), file_item("a.iso")], r"This PC\Downloads\a.iso", "file"),
        ([MY_COMPUTER, device("Phone")], r"This PC\Phone", "mtp"),
        (
            [MY_COMPUTER, device("Phone"), mtp_volume("Card"), mtp_folder("DCIM")],
            r"This PC\Phone\Card\DCIM",
            "mtp",
        ),
        (
            [drive_item("E:\\"), file_item("a.zip"), zip_entry("N/A", "in", "deep/er")],
            r"E:\a.zip\in\deep\er",
            "zip_entry",
        ),
        (
            [drive_item("E:\\"), file_item("a.zip"), zip_entry("01/06/2024  05:35:16", "in/")],
            r"E:\a.zip\in",
            "zip_entry",
        ),
        ([drive_item("E:\\"), burn(file_item("b.txt"))], r"E:\b.txt", "file"),
        ([root("4234d49b-0245-4df3-b780-3893943456e1"), app("a!b")], r"Applications\a!b", "app"),
        ([ftp("ftp://a.example/")], "ftp://a.example/", "uri"),
        (
            [root("f02c1a0d-be21-4350-88b0-7367fc96ef3c"), network_item(r"\\fs01\public")],
            r"\\fs01\public",
            "network",
        ),
    ],
)
def test_items_are_shown_as_explorer_does(items: list[bytes], path: str, kind: str | None) -> None:
    found, item_ = last(*items)

    assert found == path
    assert kind is None or item_.kind == kind


def test_a_folder_of_a_portable_device_has_its_times_in_whole_seconds() -> None:
    _, folder = last(mtp_folder("DCIM"))

    assert folder.modified == folder.created == int(AT.timestamp())


def test_an_item_inside_another_keeps_the_place_of_the_outer_one() -> None:
    outer = drive_item("E:\\")

    _, inside = last(outer, burn(file_item("b.txt")))

    assert inside.offset == len(outer)


@pytest.mark.parametrize("number", range(1, 40))
def test_items_cut_short_still_give_a_text(number: int) -> None:
    for whole in (
        cpl("x"),
        view("y"),
        device("z"),
        mtp_folder("m"),
        zip_entry("N/A", "n"),
        burn(b""),
    ):
        cut = item(whole[2 : 2 + number])

        assert parse_id_list(id_list(cut)).path is not None


SAMPLES = id_list(
    root(CONTROL_PANEL), category(3), panel(DOCUMENTS), cpl("x"), library(DOCUMENTS), view("Studies"),
    device("Phone"), mtp_volume("Card"), mtp_folder("DCIM"), zip_entry("N/A", "in", "er"),
    burn(file_item("b.txt")), app("a!b"), ftp("ftp://a"),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(SAMPLES)), st.binary(min_size=1, max_size=4)), max_size=8)
)
def test_any_change_gives_texts(changes: list[tuple[int, bytes]]) -> None:
    data = bytearray(SAMPLES)
    for at, content in changes:
        data[at : at + len(content)] = content

    shell = parse_id_list(bytes(data))

    assert all(item.text is not None for item in shell.items)
    assert len(shell.path or "") <= 32_767


def id_lists() -> Iterator[bytes]:
    """The ID lists of all real shortcuts."""
    with (REAL / "MANIFEST.csv").open(newline="", encoding="utf-8") as manifest:
        paths = [row["path"] for row in csv.DictReader(manifest) if row["kind"] == "lnk"]
    for path in paths:
        data = (REAL / path).read_bytes()
        if len(data) > 78 and data[20] & 1:
            yield data[78 : 78 + int.from_bytes(data[76:78], "little")]


@needs_shared
def test_file_entries_of_real_shortcuts_equal_the_independent_reader() -> None:
    fwsi = pytest.importorskip("pyfwsi")
    compared = 0

    for data in id_lists():
        theirs = fwsi.item_list()
        theirs.copy_from_byte_stream(data)
        ours = parse_id_list(data).items
        assert len(ours) == theirs.number_of_items
        for their, our in zip(theirs.items, ours, strict=True):
            if not isinstance(their, fwsi.file_entry):
                continue
            compared += 1
            blocks = [b for b in their.extension_blocks if isinstance(b, fwsi.file_entry_extension)]
            long = next((b.long_name for b in blocks), None) or their.name
            assert our.text == long.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
            assert (our.size, our.attributes) == (their.file_size, their.file_attribute_flags)
            assert our.modified == dos_seconds(their.get_modification_time_as_integer() or 0)
            for block in blocks:
                assert our.created == dos_seconds(block.get_creation_time_as_integer() or 0)
                assert our.accessed == dos_seconds(block.get_access_time_as_integer() or 0)
                assert (our.mft_reference or 0) == (block.file_reference or 0)

    assert compared > 100


@needs_shared
def test_no_item_of_a_real_shortcut_stays_without_a_name() -> None:
    paths = [parse_id_list(data).path or "" for data in id_lists()]

    assert len(paths) > 50
    assert [path for path in paths if "[type" in path] == []
