import dataclasses
import struct
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers import lnk
from parsers.contract import Problem
from parsers.lnk import parse_lnk
from tests.builders import lnk_parts as parts
from tests.builders.lnk import DRIVE_CDROM, Shortcut, VolumeId, build_lnk
from tests.parsers.reading import artifact, read
from tests.shared import CASES, REAL, needs_shared

NOON = datetime(2024, 3, 5, 12, 0, 2, tzinfo=UTC)
NAIVE = NOON.replace(tzinfo=None)
DISC = VolumeId(DRIVE_CDROM, 0x4367999F, "SHIPPING")
MADE = Shortcut(
    "E:\\Rechnung.lnk.exe",
    DISC,
    arguments="/c start bin\\helper.dll",
    working_directory="E:\\",
    icon="C:\\Windows\\System32\\shell32.dll",
    icon_index=-3,
    name="open me",
    relative_path=".\\Rechnung.lnk.exe",
    target_created_utc=NOON,
    target_modified_utc=NOON,
    target_accessed_utc=NOON,
    target_size=4096,
    machine="ws-1",
)


def _row(data: bytes) -> tuple[dict[str, Any], list[Problem]]:
    assert lnk.recognise("x.lnk", data)
    rows, problems = read(lnk, artifact("x.lnk", data))
    [row] = rows["lnk"]
    return row, problems


def test_a_shortcut_to_a_disc_tells_volume_times_and_command_line() -> None:
    row, problems = _row(build_lnk(MADE))

    assert not problems
    assert (row["target_path"], row["target_basis"]) == (MADE.target, "link info")
    assert (row["drive_type"], row["volume_serial"]) == ("CD-ROM", "4367-999F")
    assert row["volume_label"] == "SHIPPING"
    assert (row["arguments"], row["working_directory"]) == (MADE.arguments, "E:\\")
    assert (row["description"], row["relative_path"]) == (MADE.name, MADE.relative_path)
    assert (row["icon_location"], row["icon_index"]) == (MADE.icon, -3)
    assert [row[f"target_{what}_utc"] for what in ("created", "modified", "accessed")] == [
        NAIVE
    ] * 3
    assert (row["machine_id"], row["target_size"]) == ("ws-1", 4096)
    assert (row["is_whole"], row["trailing_bytes"], row["offset"]) == (True, 0, 0)


def test_the_id_list_gives_path_and_file_reference_where_there_is_nothing_else() -> None:
    items = parts.item_list(
        parts.MY_COMPUTER,
        parts.drive_item("C:\\"),
        parts.file_item("Users and more", folder=True),
        parts.file_item("Übung.exe", created=NOON, reference=5 << 48 | 4711),
    )

    row, problems = _row(parts.plain(items=items))

    assert not problems
    assert row["target_path"] == row["id_list_path"] == "C:\\Users and more\\Übung.exe"
    assert row["target_basis"] == "ID list"
    assert (row["target_mft_entry"], row["target_mft_sequence"]) == (4711, 5)
    assert row["item_created_utc"] == row["item_modified_utc"] == NAIVE


@pytest.mark.parametrize("version", [7, 8, 9])
def test_long_names_are_found_in_every_form_of_the_extension(version: int) -> None:
    items = parts.item_list(
        parts.drive_item("E:\\"), parts.file_item("a long name", version=version)
    )

    assert _row(parts.plain(items=items))[0]["id_list_path"] == "E:\\a long name"


def test_a_share_is_told_with_its_letter() -> None:
    info = parts.share_info("\\\\srv\\data", "Z:", "in\\x.iso")

    row, _ = _row(parts.plain(info=info))

    assert (row["target_path"], row["target_basis"]) == (
        "\\\\srv\\data\\in\\x.iso",
        "network share",
    )
    assert (row["network_share"], row["network_device"]) == ("\\\\srv\\data", "Z:")
    assert row["drive_type"] is None


def test_a_path_in_8_bits_gives_way_to_the_id_list() -> None:
    info = parts.ansi_info(b"C:\\\xcf\xee.exe", 3, 1)
    items = parts.item_list(parts.drive_item("C:\\"), parts.file_item("По.exe"))

    alone, _ = _row(parts.plain(info=info))
    both, _ = _row(parts.plain(info=info, items=items))

    assert alone["target_basis"] == "link info, 8 bits read as cp1252"
    assert both["target_path"] == "C:\\По.exe"
    assert both["local_path"] == alone["target_path"]


def test_environment_tracker_and_properties_are_read() -> None:
    file = uuid.UUID("d8dffdbe-0abd-11ef-8000-001c234bc396")
    sid = "S-1-5-21-1-2-3-1001"
    group = uuid.UUID("46588ae2-4cbc-4338-bbfc-139326986dce").bytes_le
    blocks = parts.environment_block("%windir%\\x.exe")
    blocks += parts.tracker_block("ws-2", uuid.uuid5(file, "v").bytes_le, file.bytes_le)
    blocks += parts.property_block(group, 4, sid) + parts.END

    row, problems = _row(parts.plain(blocks=blocks))

    assert not problems
    assert (row["target_path"], row["target_basis"]) == ("%windir%\\x.exe", "environment block")
    assert (row["machine_id"], row["mac_address"]) == ("ws-2", "00:1c:23:4b:c3:96")
    assert row["droid_time_utc"].year == 2024
    assert row["owner_sid"] == sid
    assert row["file_droid"] == row["birth_file_droid"] == str(file)


def test_arguments_behind_the_dialogs_edge_are_visible() -> None:
    arguments = " " * 260 + "/c calc.exe"

    row, _ = _row(build_lnk(Shortcut("C:\\a.exe", DISC, arguments=arguments)))

    assert row["arguments"] == arguments
    assert (row["arguments_length"], row["arguments_beyond_dialog"]) == (271, "/c calc.exe")


def test_an_overlong_working_directory_is_cut_as_windows_does() -> None:
    folder = "C:\\".ljust(260)
    good = parts.plain(strings=(None, None, folder, "/c calc.exe", "icon"))
    at = good.index(struct.pack("<H", 260) + b"C\0")
    padded = good[:at] + struct.pack("<H", 1200) + good[at + 2 :]

    row, problems = _row(padded)

    assert (row["arguments"], row["icon_location"]) == ("/c calc.exe", "icon")
    assert [p.code for p in problems] == ["lnk_overlong"]
    assert row["is_whole"] is False


def test_a_long_description_that_fits_is_kept_whole() -> None:
    row, problems = _row(parts.plain(strings=("d" * 500, None, None, "x", None)))

    assert (len(row["description"]), row["arguments"], problems) == (500, "x", [])


def test_texts_of_8_bits_are_read() -> None:
    row, _ = _row(parts.plain(strings=(None, None, None, "caf\xe9", None), wide=False))

    assert row["arguments"] == "café"


def test_cargo_behind_the_end_is_counted() -> None:
    row, _ = _row(build_lnk(MADE) + b"MZ" * 50)

    assert row["trailing_bytes"] == 100


def test_a_time_out_of_range_is_told_and_left_empty() -> None:
    row, problems = _row(parts.plain(times=((1 << 64) - 1, 0, 0)))

    assert row["target_created_utc"] is None
    assert [p.code for p in problems] == ["lnk_time"]


def test_a_cut_shortcut_keeps_what_stands_before() -> None:
    data = build_lnk(MADE)

    row, problems = _row(data[:200])

    assert row["target_created_utc"] == NAIVE
    assert problems
    assert row["is_whole"] is False


def test_the_end_lets_the_next_one_follow() -> None:
    data = build_lnk(MADE)

    first = parse_lnk(data + data)

    assert first is not None
    assert first.end == len(data)
    assert parse_lnk(b"no shortcut at all") is None


@needs_shared
def test_real_shortcuts_agree_with_an_independent_reader() -> None:
    import pylnk

    count = 0
    for path in sorted(REAL.rglob("*")):
        data = path.read_bytes() if path.is_file() and path.stat().st_size < 100_000 else b""
        if not lnk.recognise(path.name, data[:34816]):
            continue
        count += 1
        row, problems = _row(data)
        other = pylnk.file()
        try:
            other.open(str(path))
        except OSError:
            assert path.name == "padded_cli_arguments.lnk"
            assert row["arguments_length"] == 1431
            continue
        serial = other.drive_serial_number if row["volume_serial"] is not None else None
        assert row["volume_serial"] == (serial and f"{serial >> 16:04X}-{serial & 0xFFFF:04X}")
        assert (row["arguments"] or "") == (other.command_line_arguments or "")
        local = ascii(other.local_path or "").replace("\\ud800", "\\ufffd")
        assert ascii(row["local_path"] or "") == local
        assert (row["working_directory"] or "") == (other.working_directory or "")
        assert row["environment_path"] == other.environment_variables_location
        assert (row["machine_id"] or "") == (other.machine_identifier or "")
        assert row["file_droid"] == other.droid_file_identifier
        assert row["volume_label"] == (other.volume_label or None)
        assert bool(problems) == (path.name == "extra_data.lnk"), path
    assert count == 70


@needs_shared
def test_shortcuts_of_a_case_name_the_image_volume() -> None:
    import zipfile

    source = next((CASES / "18-registry-mount").rglob("*.zip"))
    with zipfile.ZipFile(source) as pack:
        names = [n for n in pack.namelist() if n.endswith(".lnk")]
        rows = {n.rpartition("/")[2]: _row(pack.read(n)) for n in names}

    disc, problems = rows["DVD Drive (E) SHIPPINGDOCUME.lnk"]
    assert not problems
    assert (disc["drive_type"], disc["target_path"]) == ("CD-ROM", "E:\\")
    assert all(row["volume_serial"] for row, _ in rows.values())


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("C:\\Users\\a\\AppData\\Roaming\\Microsoft\\Windows\\Recent\\x.iso.lnk", True),
        ("C:\\Users\\a\\AppData\\Roaming\\Microsoft\\Office\\Recent\\x.lnk", True),
        ("C:\\Documents and Settings\\a\\Recent\\x.lnk", True),
        ("C:\\Users\\a\\Downloads\\Recent\\x.lnk", False),
        ("E:\\x.lnk", False),
        (None, None),
    ],
)
def test_a_shortcut_of_a_recent_folder_is_marked(path: str | None, expected: bool | None) -> None:
    given = dataclasses.replace(artifact("x.lnk", build_lnk(MADE)), windows_path=path)

    rows, _ = read(lnk, given)

    assert rows["lnk"][0]["is_recent"] is expected


SOURCES = [
    build_lnk(MADE),
    parts.plain(
        items=parts.item_list(parts.MY_COMPUTER, parts.drive_item("C:\\"), parts.file_item("x")),
        info=parts.share_info("\\\\s\\x", "Z:", "y"),
        blocks=parts.environment_block("%a%")
        + parts.property_block(bytes(range(16)), 4, "x")
        + parts.END,
    ),
]


@given(
    st.integers(0, 1), st.lists(st.tuples(st.integers(20, 2000), st.binary(max_size=6))), st.data()
)
@settings(max_examples=200, deadline=None)
def test_no_damage_raises(
    source: int, changes: list[tuple[int, bytes]], data: st.DataObject
) -> None:
    raw = bytearray(SOURCES[source])
    for at, value in changes:
        at = 20 + at % (len(raw) - 20)
        raw[at : at + len(value)] = value
    cut = data.draw(st.integers(0, len(raw)))

    rows, problems = read(lnk, artifact("x.lnk", bytes(raw[:cut])))

    assert rows["lnk"] or problems
