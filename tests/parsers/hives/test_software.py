import io
from datetime import UTC, datetime
from typing import Any

import pytest

from parsers.hives import software
from parsers.hives.autorun import logon_script
from parsers.hives.regf import open_hive
from tests.builders.hive import K, filetime, hive, tree
from tests.parsers.hives.helpers import run

AT = datetime(2024, 1, 6, 5, 35, 16, 373771, tzinfo=UTC)
NT = r"Microsoft\Windows NT\CurrentVersion"
VERSION = r"Microsoft\Windows\CurrentVersion"


def read(paths: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    rows, problems = run(software, hive(tree(paths)), "SOFTWARE")
    assert problems == []
    return rows


def settings(rows: dict[str, list[dict[str, Any]]]) -> dict[str, tuple[str, str | None]]:
    return {r["setting"]: (r["value"], r["meaning"]) for r in rows["host_setting"]}


def halves(moment: datetime, high: str, low: str) -> dict[str, tuple[str, int]]:
    ticks = filetime(moment)
    return {high: ("DWORD", ticks >> 32), low: ("DWORD", ticks & 0xFFFFFFFF)}


def test_the_version_of_windows_is_told():
    rows = read(
        {
            NT: {
                "ProductName": ("SZ", "Windows 10 Pro"),
                "CurrentBuildNumber": ("SZ", "19045"),
                "UBR": ("DWORD", 3803),
                "InstallDate": ("DWORD", 1_678_251_681),
                "InstallTime": ("QWORD", filetime(AT)),
            }
        }
    )

    assert settings(rows)["build"] == ("19045", None)
    assert settings(rows)["ubr"] == ("3803", None)
    times = {r["setting"]: r["value_utc"] for r in rows["host_setting"] if r["value_utc"]}
    assert times == {
        "install_date": datetime.fromisoformat("2023-03-08T05:01:21"),
        "install_time": AT.replace(tzinfo=None),
    }


def test_policies_say_what_they_mean():
    restrictions = r"Policies\Microsoft\Windows\DeviceInstall\Restrictions"
    rows = read(
        {
            rf"{VERSION}\Policies\Attachments": {"SaveZoneInformation": ("DWORD", 1)},
            restrictions: {"DenyDeviceIDs": ("DWORD", 1)},
            rf"{restrictions}\DenyDeviceIDs": {"1": ("SZ", "SCSI\\CdRomMsft____Virtual_DVD-ROM_")},
            rf"{VERSION}\WINEVT\Channels\Microsoft-Windows-VHDMP-Operational": {
                "Enabled": ("DWORD", 0)
            },
        }
    )

    assert settings(rows)["save_zone_information"] == ("1", "downloads are not marked")
    assert settings(rows)["channel_vhdmp"] == ("0", "off")
    denied = [
        (r["value_name"], r["value"])
        for r in rows["host_setting"]
        if r["setting"] == "device_install_restriction"
    ]
    assert denied == [("DenyDeviceIDs", "1"), ("1", "SCSI\\CdRomMsft____Virtual_DVD-ROM_")]


@pytest.mark.parametrize(
    ("values", "mounts"),
    [
        ({}, True),
        ({"ProgrammaticAccessOnly": ("SZ", "")}, False),
        ({"LegacyDisable": ("SZ", "")}, False),
        ({"HasLUAShield": ("SZ", "")}, True),
    ],
)
def test_whether_a_double_click_mounts(values, mounts):
    verb = r"Classes\Windows.IsoFile\shell\mount"

    (row,) = read({verb: values, rf"{verb}\command": {"DelegateExecute": ("SZ", "{9ab3}")}})[
        "mount_verb"
    ]

    assert (row["prog_id"], row["verb"]) == ("Windows.IsoFile", "mount")
    assert row["mounts_on_double_click"] is mounts
    assert row["command"] == "{9ab3}"


def test_a_type_without_its_mount_verb_does_not_mount():
    (row,) = read({r"Classes\Windows.VhdFile": {"": ("SZ", "Hard Disk Image File")}})["mount_verb"]

    assert (row["prog_id"], row["verb"], row["mounts_on_double_click"]) == (
        "Windows.VhdFile",
        None,
        False,
    )


def test_the_program_that_opens_images_is_told():
    rows = read(
        {
            r"Classes\.iso": {"": ("SZ", "7-Zip.iso")},
            r"Classes\.iso\OpenWithProgids": {"Windows.IsoFile": ("SZ", "")},
        }
    )

    assert settings(rows)["opens_iso"] == ("7-Zip.iso", None)
    assert settings(rows)["may_open_iso"] == ("Windows.IsoFile", None)


def test_updates_have_their_time_and_state_and_parts_are_left_out():
    top = rf"{VERSION}\Component Based Servicing\Packages"
    values = {**halves(AT, "InstallTimeHigh", "InstallTimeLow"), "CurrentState": ("DWORD", 112)}
    name = "Package_for_RollupFix~31bf3856ad364e35~amd64~~19041.3803.1.7"

    (row,) = read({rf"{top}\{name}": values, rf"{top}\Microsoft-Windows-Part~x~~1": values})[
        "update_package"
    ]

    assert (row["name"], row["version"], row["state"]) == (
        "Package_for_RollupFix",
        "19041.3803.1.7",
        "installed",
    )
    assert row["installed_utc"] == AT.replace(tzinfo=None)


def test_volumes_are_remembered_in_three_places():
    name = "_??_USBSTOR#Disk&Ven_X#123#{53f56307-b6bf-11d0-94f2-00a0c91efb8b}MY_STICK_3265823641"
    rows = read(
        {
            r"Microsoft\Windows Search\VolumeInfoCache\e:": {
                "VolumeLabel": ("SZ", "SHIPPING"),
                "DriveType": ("DWORD", 5),
            },
            rf"{NT}\EMDMgmt\{name}": {"LastTestedTime": ("QWORD", filetime(AT))},
            r"Microsoft\Windows Portable Devices\Devices\SWD#X": {
                "FriendlyName": ("SZ", "MY_STICK")
            },
        }
    )

    (label,), (tested,), (device,) = (
        rows["volume_info"],
        rows["readyboost_volume"],
        rows["portable_device"],
    )
    assert (label["letter"], label["label"], label["drive_type"]) == ("E:", "SHIPPING", "cdrom")
    assert (tested["label"], tested["volume_serial"]) == ("MY_STICK", "C2A8-8399")
    assert tested["last_tested_utc"] == AT.replace(tzinfo=None)
    assert device["friendly_name"] == "MY_STICK"


def test_autoruns_of_every_kind_are_found():
    rows = read(
        {
            rf"{VERSION}\Run": {"A": ("SZ", r"E:\a.exe")},
            rf"Wow6432Node\{VERSION}\RunOnce": {"B": ("EXPAND_SZ", r"%x%\b.exe")},
            rf"{NT}\Winlogon": {"Shell": ("SZ", "explorer.exe"), "Other": ("SZ", "no")},
            rf"{NT}\Image File Execution Options\sethc.exe": {"Debugger": ("SZ", "cmd.exe")},
            rf"{NT}\Windows": {"AppInit_DLLs": ("SZ", "")},
            r"Microsoft\Active Setup\Installed Components\{1}": {"StubPath": ("SZ", "stub.exe")},
        }
    )

    assert [(r["kind"], r["name"], r["command"]) for r in rows["autorun"]] == [
        ("run", "A", r"E:\a.exe"),
        ("winlogon", "Shell", "explorer.exe"),
        ("ifeo_debugger", "sethc.exe", "cmd.exe"),
        ("active_setup", "{1}", "stub.exe"),
        ("run_once", "B", r"%x%\b.exe"),
    ]
    assert {r["scope"] for r in rows["autorun"]} == {"machine"}


def test_the_logon_script_of_a_user_is_an_autorun():
    data = hive(K("R", {"UserInitMprLogonScript": ("SZ", r"E:\x.cmd")}))

    ((_, row),) = logon_script(open_hive(io.BytesIO(data)).root)

    assert (row["kind"], row["scope"], row["command"]) == ("logon_script", "user", r"E:\x.cmd")


def test_defender_exclusions_name_what_is_not_scanned():
    rows = read(
        {
            r"Microsoft\Windows Defender\Exclusions\Paths": {"E:\\": ("DWORD", 0)},
            r"Policies\Microsoft\Windows Defender\Exclusions\Extensions": {"iso": ("SZ", "0")},
        }
    )

    assert [(r["kind"], r["entry"], r["source"]) for r in rows["defender_exclusion"]] == [
        ("Paths", "E:\\", "local"),
        ("Extensions", "iso", "policy"),
    ]


def test_profiles_join_sid_and_user():
    sid = "S-1-5-21-1-2-3-1001"
    values = {
        "ProfileImagePath": ("EXPAND_SZ", r"C:\Users\g.rossi"),
        **halves(AT, "LocalProfileLoadTimeHigh", "LocalProfileLoadTimeLow"),
    }

    (row,) = read({rf"{NT}\ProfileList\{sid}": values})["user_profile"]

    assert (row["user_sid"], row["user_name"]) == (sid, "g.rossi")
    assert (row["load_utc"], row["unload_utc"]) == (AT.replace(tzinfo=None), None)


def test_addresses_lead_back_to_the_cells():
    data = hive(tree({rf"{VERSION}\Run": {"A": ("SZ", "a.exe"), "B": ("SZ", "b.exe")}}))

    rows, _ = run(software, data, "SOFTWARE")

    for row, name in zip(rows["autorun"], (b"A", b"B"), strict=True):
        at = row["offset"]
        assert data[at + 4 : at + 6] == b"vk" and data[at + 24 : at + 25] == name
        assert row["key_path"] == rf"{VERSION}\Run"


def test_a_filetime_of_zero_is_no_time():
    rows = read({NT: {"InstallTime": ("QWORD", 0)}})

    assert rows["host_setting"][0]["value_utc"] is None
