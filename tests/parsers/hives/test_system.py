import struct
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

from parsers.hives import software, system
from tests.builders.hive import WRITTEN, K, dirty, filetime_bytes, hive, tree
from tests.parsers.hives.helpers import run
from tests.shared import CASES, needs_shared

AT = datetime(2024, 1, 6, 5, 35, 16, 373771, tzinfo=UTC)
DVD = r"\??\SCSI#CdRom&Ven_Msft&Prod_Virtual_DVD-ROM#2&1f4adffe&0&000001#{53f5630d-b6bf-11d0-94f2-00a0c91efb8b}"
TIMES = r"Properties\{83da6326-97a6-4088-9453-a1923f573b29}"
Rows = dict[str, list[dict[str, Any]]]


def naive(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None)


def read(paths: dict[str, Any]) -> Rows:
    base = {
        "Select": {"Current": ("DWORD", 1)},
        r"ControlSet001\Control\ComputerName\ComputerName": {"ComputerName": ("SZ", "ws-1")},
    }
    rows, problems = run(system, hive(tree({**base, **paths})), "SYSTEM")
    assert problems == []
    return rows


def setting(rows: Rows, word: str) -> dict[str, Any]:
    (found,) = [r for r in rows["host_setting"] if r["setting"] == word]
    return found


def test_the_hive_is_known_by_its_own_name_and_by_the_one_inside():
    ours, other = hive(K("R")), hive(K("R"), name=r"emRoot\System32\Config\SOFTWARE")

    assert system.recognise("system", hive(K("R"), name=""))
    assert system.recognise("SYSTEM_backup", ours)
    assert not system.recognise("NTUSER.DAT", other)
    assert not system.recognise("SYSTEM", b"MZ" + bytes(600))
    assert software.recognise("x", other) and not software.recognise("x", ours)


def test_a_log_is_no_hive():
    before, after = hive(K("R"), size=8192), hive(K("R", {"a": ("DWORD", 1)}), size=8192)

    assert not system.recognise("SYSTEM", dirty(before, after)[1])


def test_every_row_bears_the_computer_name():
    rows = read({"MountedDevices": {r"\DosDevices\E:": ("BINARY", b"x" * 12)}})

    assert {r["host"] for table in rows.values() for r in table} == {"WS-1"}


def test_a_hive_without_a_name_leaves_the_host_open():
    rows, _ = run(system, hive(tree({"Select": {"Current": ("DWORD", 1)}})), "SYSTEM")

    assert "host" not in rows["host_setting"][0]


def test_mounted_devices_are_decoded_by_kind():
    guid = "618dd46c-4840-4a9a-aa4a-09fc1158e151"
    raw = bytes.fromhex("6cd48d6140489a4aaa4a09fc1158e151")
    values = {
        r"\DosDevices\e:": ("BINARY", DVD.encode("utf-16-le")),
        r"\??\Volume{8EB8A210-98a8-11ee-953a-3f2bbdbf8483}": ("BINARY", DVD.encode("utf-16-le")),
        r"\DosDevices\C:": ("BINARY", b"DMIO:ID:" + raw),
        r"\DosDevices\F:": ("BINARY", struct.pack("<IQ", 0xA1B2C3D4, 1048576)),
        "#{odd}": ("BINARY", b"\x01\x02"),
    }

    e, volume, c, f, odd = read({"MountedDevices": values})["mounted_device"]

    assert (e["letter"], e["identity"], e["device_path"]) == ("E:", "device", DVD)
    assert e["device_instance"] == r"SCSI\CdRom&Ven_Msft&Prod_Virtual_DVD-ROM\2&1f4adffe&0&000001"
    assert (e["is_virtual_dvd"], e["image_slot"]) == (True, 1)
    assert volume["volume_guid"] == "8eb8a210-98a8-11ee-953a-3f2bbdbf8483"
    assert volume["data_hex"] == e["data_hex"] and volume["letter"] is None
    assert (c["identity"], c["partition_guid"]) == ("gpt", guid)
    assert (f["disk_signature"], f["partition_offset"]) == ("A1B2C3D4", 1048576)
    assert odd["identity"] == "other"
    assert e["key_last_write_utc"] == naive(WRITTEN)


def test_scsi_devices_have_their_times_and_tell_images_from_guest_drives():
    dvd = r"ControlSet001\Enum\SCSI\CdRom&Ven_Msft&Prod_Virtual_DVD-ROM\2&1f4adffe&0&000002"
    guest = r"ControlSet001\Enum\SCSI\Disk&Ven_Msft&Prod_Virtual_Disk&Rev_1.0\000006"
    paths: dict[str, Any] = {
        dvd: {
            "FriendlyName": ("SZ", "Msft Virtual DVD-ROM"),
            "HardwareID": ("MULTI_SZ", ["SCSI\\CdRomMsft", "x"]),
            "ContainerID": ("SZ", "{00000000-0000-0000-ffff-ffffffffffff}"),
        },
        guest: {},
    }
    for i, number in enumerate(("0064", "0065", "0066", "0067")):
        stamp = filetime_bytes(AT + timedelta(hours=i))
        paths[rf"{dvd}\{TIMES}\{number}"] = {"": ("DEVPROP_FILETIME", stamp)}

    image, own = read(paths)["scsi_device"]

    assert image["install_utc"] == naive(AT)
    assert image["first_install_utc"] == naive(AT + timedelta(hours=1))
    assert image["last_arrival_utc"] == naive(AT + timedelta(hours=2))
    assert image["last_removal_utc"] == naive(AT + timedelta(hours=3))
    assert (image["device_class"], image["vendor"], image["product"]) == (
        "CdRom",
        "Msft",
        "Virtual_DVD-ROM",
    )
    assert (image["is_virtual_dvd"], image["image_slot"]) == (True, 2)
    assert image["hardware_id"] == "SCSI\\CdRomMsft"
    assert (own["is_virtual_disk"], own["image_slot"], own["revision"]) == (True, None, "1.0")
    assert own["last_arrival_utc"] is None


def test_usb_storage_stands_in_its_own_table_also_with_times_as_windows_7_keeps_them():
    usb = r"ControlSet001\Enum\USBSTOR\Disk&Ven_Kingston&Prod_DT&Rev_1\60A44C&0"
    rows = read(
        {
            usb: {},
            rf"{usb}\{TIMES}\00000064\00000000": {"Data": ("BINARY", filetime_bytes(AT))},
        }
    )

    (device,) = rows["usb_storage_device"]

    assert (device["vendor"], device["instance_id"]) == ("Kingston", "60A44C&0")
    assert device["install_utc"] == naive(AT)


def test_services_are_named_with_start_type_and_library():
    rows = read(
        {
            r"ControlSet001\Services\evil": {
                "ImagePath": ("EXPAND_SZ", r"E:\svc.exe"),
                "Start": ("DWORD", 2),
                "Type": ("DWORD", 0x10),
            },
            r"ControlSet001\Services\shared": {"Start": ("DWORD", 9), "Type": ("DWORD", 0x999)},
            r"ControlSet001\Services\shared\Parameters": {"ServiceDll": ("EXPAND_SZ", "x.dll")},
        }
    )

    evil, shared = rows["service"]

    assert (evil["name"], evil["image_path"], evil["start"], evil["type"]) == (
        "evil",
        r"E:\svc.exe",
        "auto",
        "own_process",
    )
    assert (shared["service_dll"], shared["start"], shared["type"]) == ("x.dll", "9", "0x999")


def test_settings_say_what_they_mean():
    rows = read(
        {
            r"ControlSet001\Services\Tcpip\Parameters": {
                "Hostname": ("SZ", "ws-1"),
                "Domain": ("SZ", "corp.example"),
            },
            r"ControlSet001\Control\TimeZoneInformation": {"ActiveTimeBias": ("DWORD", -60)},
            r"ControlSet001\Control\Windows": {"ShutdownTime": ("BINARY", filetime_bytes(AT))},
            r"ControlSet001\Control\FileSystem": {
                "NtfsDisableLastAccessUpdate": ("DWORD", 0x80000003)
            },
            r"ControlSet001\Services\USBSTOR": {"Start": ("DWORD", 4)},
        }
    )

    assert setting(rows, "fqdn")["value"] == "ws-1.corp.example"
    assert setting(rows, "active_time_bias_minutes")["value"] == "-60"
    assert setting(rows, "shutdown_time")["value_utc"] == naive(AT)
    assert setting(rows, "last_access_update")["meaning"] == "not updated, set by the system"
    assert setting(rows, "usbstor_start")["meaning"] == "disabled"


def test_the_control_set_in_use_is_told_from_the_other():
    name = r"Control\ComputerName\ComputerName"

    rows = read(
        {
            "Select": {"Current": ("DWORD", 2)},
            rf"ControlSet002\{name}": {"ComputerName": ("SZ", "new-name")},
        }
    )

    found = [
        (r["value"], r["current"]) for r in rows["host_setting"] if r["setting"] == "computer_name"
    ]
    assert found == [("new-name", True), ("ws-1", False)]
    assert {r["host"] for r in rows["host_setting"]} == {"NEW-NAME"}


def test_changes_in_the_log_are_rows_of_origin_log():
    base = {
        "Select": {"Current": ("DWORD", 1)},
        "ControlSet001": {},
        "Filler": {f"v{i}": ("SZ", "x" * 60) for i in range(20)},
    }
    letter = {r"\DosDevices\E:": ("BINARY", DVD.encode("utf-16-le"))}
    data, log = dirty(
        hive(tree(base), size=16384),
        hive(tree({**base, "MountedDevices": letter}), size=16384),
    )

    rows, problems = run(system, data, "SYSTEM", log)

    (device,) = rows["mounted_device"]
    assert (device["letter"], device["origin"]) == ("E:", "log")
    assert [p.code for p in problems] == ["hive_replayed"]


def test_what_is_no_hive_gives_one_problem():
    rows, problems = run(system, b"MZ" * 5000, "SYSTEM")

    assert not any(rows.values())
    assert [p.code for p in problems] == ["hive_unreadable"]


@needs_shared
def test_the_registry_case_is_read_whole():
    (evidence,) = (CASES / "18-registry-mount/evidence").glob("*.zip")
    with zipfile.ZipFile(evidence) as archive:
        data = archive.read("C/Windows/System32/config/SYSTEM")
        soft = archive.read("C/Windows/System32/config/SOFTWARE")

    rows, problems = run(system, data, "SYSTEM")
    soft_rows, soft_problems = run(software, soft, "SOFTWARE")

    assert problems == soft_problems == []
    assert {r["host"] for r in rows["mounted_device"]} == {"WS-4825"}
    assert setting(rows, "fqdn")["value"] == "WS-4825.labo.local"
    (dvd,) = [r for r in rows["scsi_device"] if r["is_virtual_dvd"]]
    assert dvd["last_arrival_utc"].isoformat() == "2024-01-06T05:35:16.373771"
    assert dvd["last_removal_utc"].isoformat() == "2024-01-06T06:03:47.373771"
    (e,) = [r for r in rows["mounted_device"] if r["letter"] == "E:"]
    guids = [
        r["volume_guid"]
        for r in rows["mounted_device"]
        if r["data_hex"] == e["data_hex"] and r["volume_guid"]
    ]
    assert guids == ["8eb8a210-98a8-11ee-953a-3f2bbdbf8483"]
    assert len(rows["bam_entry"]) == 12
    assert ("E:", "SHIPPINGDOCUME", "cdrom") in {
        (r["letter"], r["label"], r["drive_type"]) for r in soft_rows["volume_info"]
    }
