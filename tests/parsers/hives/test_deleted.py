import codecs
import struct
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers.hives import system, user, usrclass
from parsers.hives.user_tables import USER_ASSIST
from tests.builders.hive import WRITTEN, K, filetime_bytes, hive, tree
from tests.builders.hive_deleted import delete_key, delete_value
from tests.builders.shell_items import recent
from tests.parsers.hives.helpers import run
from tests.shared import REAL, needs_shared

LATER = WRITTEN + timedelta(hours=2)
DELETED = "deleted"
DVD = r"\??\SCSI#CdRom&Ven_Msft&Prod_Virtual_DVD-ROM#2&1f4adffe&0&000001#{53f5630d-b6bf-11d0-94f2-00a0c91efb8b}"
DEVICE = r"ControlSet001\Enum\SCSI\CdRom&Ven_Msft&Prod_Virtual_DVD-ROM\2&1f4adffe&0&000001"
TIMES = r"Properties\{83da6326-97a6-4088-9453-a1923f573b29}"
EXPLORER = r"Software\Microsoft\Windows\CurrentVersion\Explorer"
GUID = "{6b7b8c9d-0000-11ee-8c90-0050560000e1}"
COUNT = rf"{EXPLORER}\UserAssist\{{CEBFF5CD-ACE2-4F4F-9178-9926F41749EA}}\Count"
USED = struct.pack("<IIII", 0, 3, 1, 900).ljust(60, b"\0") + filetime_bytes(WRITTEN) + bytes(4)


def naive(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None)


def system_hive() -> bytes:
    paths: dict[str, dict[str, tuple[str, object]]] = {
        "Select": {"Current": ("DWORD", 1)},
        "MountedDevices": {
            r"\DosDevices\C:": ("BINARY", struct.pack("<IQ", 7, 1 << 20)),
            r"\DosDevices\E:": ("BINARY", DVD.encode("utf-16-le")),
            rf"\??\Volume{GUID}": ("BINARY", DVD.encode("utf-16-le")),
        },
        DEVICE: {"FriendlyName": ("SZ", "Msft Virtual DVD-ROM")},
        rf"{DEVICE}\{TIMES}\0066": {"": ("DEVPROP_FILETIME", filetime_bytes(WRITTEN))},
        r"ControlSet001\Enum\SCSI\Disk&Ven_X&Prod_Y\4&1": {"FriendlyName": ("SZ", "X Y")},
    }
    return hive(tree(paths), size=20_480)


def user_hive() -> bytes:
    paths: dict[str, dict[str, tuple[str, object]]] = {
        rf"{EXPLORER}\MountPoints2\{GUID}": {"_LabelFromReg": ("SZ", "INVOICE")},
        rf"{EXPLORER}\MountPoints2\C": {},
        COUNT: {
            codecs.encode(r"E:\setup.exe", "rot13"): ("BINARY", USED),
            codecs.encode(r"C:\b.exe", "rot13"): ("BINARY", USED),
        },
    }
    return hive(tree(paths), name=r"\??\C:\Users\u\ntuser.dat", size=20_480)


def system_with_deleted() -> bytes:
    """A hive with a device and a letter in free cells."""
    data = delete_key(system_hive(), DEVICE.rpartition("\\")[0], LATER)
    return delete_value(data, "MountedDevices", r"\DosDevices\E:", LATER)


def user_with_deleted() -> bytes:
    """A hive with a volume and programs in free cells."""
    data = delete_key(user_hive(), rf"{EXPLORER}\MountPoints2\{GUID}", LATER)
    return delete_key(data, COUNT.rpartition("\\")[0], LATER)


def recovered(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if row["origin"].startswith(DELETED)]


def test_a_deleted_device_comes_back_with_its_times() -> None:
    data = delete_key(system_hive(), DEVICE.rpartition("\\")[0], LATER)

    rows, problems = run(system, data, "SYSTEM")

    [row] = recovered(rows["scsi_device"])
    assert row["device_id"] == DEVICE.removeprefix("ControlSet001\\Enum\\")
    assert (row["origin"], row["image_slot"], row["current"]) == (DELETED, 1, True)
    assert row["last_arrival_utc"] == row["key_last_write_utc"] == naive(WRITTEN)
    assert data[row["offset"] + 4 : row["offset"] + 6] == b"nk"
    assert [r["friendly_name"] for r in rows["scsi_device"]] == ["X Y", "Msft Virtual DVD-ROM"]
    assert [p.code for p in problems] == ["hive_deleted_rows"]


def test_a_device_whose_property_alone_was_deleted_is_not_called_deleted() -> None:
    data = delete_key(system_hive(), rf"{DEVICE}\{TIMES}\0066", LATER)

    rows, _ = run(system, data, "SYSTEM")

    assert recovered(rows["scsi_device"]) == []
    assert len(rows["scsi_device"]) == 2


def test_the_value_of_a_letter_is_told_by_its_form_and_has_no_time() -> None:
    data = delete_value(system_hive(), "MountedDevices", r"\DosDevices\E:", LATER)

    rows, _ = run(system, data, "SYSTEM")

    [row] = recovered(rows["mounted_device"])
    assert (row["letter"], row["device_path"], row["image_slot"]) == ("E:", DVD, 1)
    assert (row["origin"], row["key_path"], row["key_last_write_utc"]) == (
        "deleted_loose",
        "MountedDevices",
        None,
    )
    assert data[row["offset"] + 4 : row["offset"] + 6] == b"vk"


BAM = r"ControlSet001\Services\bam\State\UserSettings"
RAN = r"\Device\HarddiskVolume7\tools\run.exe"


def bam_hive(name: str, data: bytes) -> bytes:
    paths: dict[str, dict[str, tuple[str, object]]] = {
        "Select": {"Current": ("DWORD", 1)},
        rf"{BAM}\S-1-5-21-1": {"Version": ("DWORD", 1), name: ("BINARY", data)},
    }
    return delete_value(hive(tree(paths)), rf"{BAM}\S-1-5-21-1", name, LATER)


def test_a_program_that_the_moderator_forgot_comes_back_without_its_user() -> None:
    data = bam_hive(RAN, filetime_bytes(WRITTEN) + bytes(12) + b"\2\0\0\0")

    rows, _ = run(system, data, "SYSTEM")

    [row] = rows["bam_entry"]
    assert (row["path"], row["user_sid"], row["last_run_utc"]) == (RAN, None, naive(WRITTEN))
    assert (row["origin"], row["current"], row["moderator"]) == ("deleted_loose", True, "bam")
    assert row["key_path"] == rf"{BAM}\(not known)"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        (RAN, filetime_bytes(WRITTEN) + bytes(8)),
        (RAN, bytes(24)),
        (RAN, filetime_bytes(WRITTEN) + b"\1" + bytes(15)),
        ("run.exe", filetime_bytes(WRITTEN) + bytes(16)),
    ],
)
def test_a_value_of_another_form_is_no_program_of_the_moderator(name: str, data: bytes) -> None:
    rows, _ = run(system, bam_hive(name, data), "SYSTEM")

    assert rows["bam_entry"] == []


def test_a_value_whose_data_was_overwritten_is_not_given() -> None:
    data = bytearray(delete_value(system_hive(), "MountedDevices", r"\DosDevices\E:", LATER))
    at = data.find(DVD.encode("utf-16-le"))
    data[at : at + 8] = b"\x01\x02\x03\x04\x05\x06\x07\x08"

    rows, _ = run(system, bytes(data), "SYSTEM")

    assert recovered(rows["mounted_device"]) == []


def test_a_copy_of_a_value_in_use_is_not_given() -> None:
    key = K("MountedDevices", {r"\DosDevices\F:": ("BINARY", struct.pack("<IQ", 9, 1 << 20))}, [])
    other = K("Copy", dict(key.values))
    data = delete_value(hive(K("ROOT", {}, [key, other])), "Copy", r"\DosDevices\F:", LATER)

    rows, _ = run(system, data, "SYSTEM")

    assert [r["origin"] for r in rows["mounted_device"]] == ["hive"]


def test_a_volume_that_a_user_saw_comes_back() -> None:
    data = delete_key(user_hive(), rf"{EXPLORER}\MountPoints2\{GUID}", LATER)

    rows, _ = run(user, data, "NTUSER.DAT")

    [row] = recovered(rows["mount_point"])
    assert (row["volume_guid"], row["label"]) == (GUID[1:-1], "INVOICE")
    assert row["key_last_write_utc"] == naive(WRITTEN)


@pytest.mark.parametrize(
    ("origin", "said"), [("hive", False), ("deleted", True), ("deleted_loose", True)]
)
def test_a_line_of_the_timeline_says_that_it_was_recovered(origin: str, said: bool) -> None:
    con = duckdb.connect()
    columns = ", ".join(f'"{c.name}" {c.type.value}' for c in USER_ASSIST.columns)
    con.execute(f"CREATE TABLE user_assist ({columns})")
    con.execute("INSERT INTO user_assist (path, origin) VALUES ('E:\\a.exe', ?)", [origin])

    lines = con.execute(f"SELECT {USER_ASSIST.moments[0].summary} FROM user_assist").fetchall()

    assert "E:\\a.exe" in lines[0][0]
    assert ("(recovered from a deleted cell)" in lines[0][0]) is said


def test_programs_of_a_deleted_list_come_back() -> None:
    data = delete_key(user_hive(), COUNT.rpartition("\\")[0], LATER)

    rows, _ = run(user, data, "NTUSER.DAT")

    got = recovered(rows["user_assist"])
    assert [(r["path"], r["run_count"], r["origin"]) for r in got] == [
        (r"E:\setup.exe", 3, DELETED),
        (r"C:\b.exe", 3, DELETED),
    ]
    assert {r["list"] for r in got} == {"programs"}


def test_a_started_program_is_told_by_its_form() -> None:
    name = codecs.encode(r"E:\setup.exe", "rot13")
    data = delete_value(user_hive(), COUNT, name, LATER)

    rows, _ = run(user, data, "NTUSER.DAT")

    [row] = recovered(rows["user_assist"])
    assert (row["path"], row["run_count"], row["list"]) == (r"E:\setup.exe", 3, "programs")
    assert (row["last_run_utc"], row["origin"]) == (naive(WRITTEN), "deleted_loose")
    assert row["key_last_write_utc"] is None


@pytest.mark.parametrize(
    ("at", "wound"), [(4, b"\xff\xff\xff\xff"), (60, b"\xff" * 8), (68, b"\1\0\0\0")]
)
def test_numbers_that_no_program_list_holds_are_not_given(at: int, wound: bytes) -> None:
    odd = bytearray(USED)
    odd[at : at + len(wound)] = wound
    name = codecs.encode(r"E:\odd.exe", "rot13")
    paths: dict[str, dict[str, tuple[str, object]]] = {
        COUNT: {name: ("BINARY", bytes(odd)), "other": ("DWORD", 1)}
    }

    rows, _ = run(user, delete_value(hive(tree(paths)), COUNT, name, LATER), "NTUSER.DAT")

    assert recovered(rows["user_assist"]) == []


def test_a_recent_file_is_told_by_its_form() -> None:
    docs = rf"{EXPLORER}\RecentDocs"
    shown = "invoice.iso\0".encode("utf-16-le")
    paths: dict[str, dict[str, tuple[str, object]]] = {
        docs: {
            "7": ("BINARY", recent("invoice.iso", "invoice.lnk")),
            "8": ("BINARY", shown + b"no item"),
            "0": ("BINARY", b"x"),
        }
    }
    data = hive(tree(paths))
    for name in ("7", "8"):
        data = delete_value(data, docs, name, LATER)

    rows, _ = run(user, data, "NTUSER.DAT")

    [row] = recovered(rows["recent_doc"])
    assert (row["name"], row["shortcut"], row["opened_utc"]) == ("invoice.iso", "invoice.lnk", None)


def test_a_deleted_key_below_a_younger_key_of_the_same_place_only() -> None:
    """Deleting writes the key above: one that was last written before is another key in its cell."""
    data = delete_key(user_hive(), rf"{EXPLORER}\MountPoints2\{GUID}", WRITTEN - timedelta(days=1))

    rows, _ = run(user, data, "NTUSER.DAT")

    assert recovered(rows["mount_point"]) == []


@pytest.mark.parametrize(
    ("at", "wound"),
    [
        (6, b"\xff\xff"),
        (8, bytes(8)),
        (8, b"\xff" * 7),
        (20, b"\x01\0\0\0"),
        (76, b"\xff\xff"),
        (81, b"\0"),
    ],
)
def test_a_cell_that_breaks_one_rule_is_not_given(at: int, wound: bytes) -> None:
    data = bytearray(delete_key(user_hive(), rf"{EXPLORER}\MountPoints2\{GUID}", LATER))
    cell = data.find(GUID.encode()) - 80
    data[cell + at : cell + at + len(wound)] = wound

    rows, _ = run(user, bytes(data), "NTUSER.DAT")

    assert recovered(rows["mount_point"]) == []


def test_cells_in_use_give_no_deleted_rows() -> None:
    for parser, data, name in (
        (system, system_hive(), "SYSTEM"),
        (user, user_hive(), "NTUSER.DAT"),
    ):
        rows, problems = run(parser, data, name)

        assert problems == []
        assert all(r["origin"] == "hive" for table in rows.values() for r in table)


def test_keys_that_name_each_other_as_parents_end() -> None:
    data = bytearray(delete_key(user_hive(), rf"{EXPLORER}\MountPoints2", LATER))
    cell = data.find(GUID.encode()) - 80
    struct.pack_into("<I", data, cell + 20, cell - 4096)

    rows, _ = run(user, bytes(data), "NTUSER.DAT")

    assert GUID[1:-1] not in [r["volume_guid"] for r in recovered(rows["mount_point"])]


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.integers(4096, 24_000), st.binary(min_size=1, max_size=12)), max_size=30)
)
def test_mutated_hives_with_free_cells_give_rows_and_problems_only(
    wounds: list[tuple[int, bytes]],
) -> None:
    data = bytearray(delete_key(user_hive(), rf"{EXPLORER}\MountPoints2", LATER))
    for at, wound in wounds:
        data[at : at + len(wound)] = wound

    rows, _ = run(user, bytes(data[:24_576]), "NTUSER.DAT")

    assert all(r["origin"] for table in rows.values() for r in table)


@needs_shared
@pytest.mark.parametrize(
    ("parser", "name"),
    [
        (user, "mkorman90_regipy/NTUSER.DAT"),
        (user, "mkorman90_regipy/transactions_NTUSER.DAT"),
        (usrclass, "msuhanov_yarp/NewDirtyHive1/NewDirtyHive"),
        (system, "msuhanov_yarp/BigDataHive"),
    ],
)
def test_real_hives_without_deleted_traces_of_mounts_give_none(parser: Any, name: str) -> None:
    rows, _ = run(parser, (REAL / name).read_bytes(), "x")

    assert [r for table in rows.values() for r in recovered(table)] == []


@needs_shared
def test_the_deleted_key_and_values_of_a_real_hive_are_found() -> None:
    """What the hive's maker says was deleted: key 456 with one value, and one value of a key in use."""
    import io

    from parsers.hives.deleted import lost, values_of
    from parsers.hives.regf import open_hive

    data = (REAL / "msuhanov_yarp/DeletedDataHive").read_bytes()
    found = lost(open_hive(io.BytesIO(data)).root._cells, 1 << 62)

    [key] = found.keys.values()
    assert key.name == "456"
    assert [(v.name, v.text()) for v in values_of(key, found)] == [("v", "123456")]
    assert {(v.name, v.text()) for v in found.values.values()} == {("v", "123456"), ("v2", "456")}
