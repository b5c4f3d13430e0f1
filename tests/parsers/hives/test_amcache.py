from datetime import UTC, datetime
from typing import Any

import pytest

from parsers.hives import amcache
from tests.builders.hive import K, filetime, hive, tree
from tests.parsers.hives.helpers import run
from tests.shared import REAL, needs_shared

INNER = r"\AppCompat\Programs\Amcache.hve"
SHA1 = "af64ef62e509783a5022c2808d23aadce1351a94"
AT = datetime(2024, 1, 6, 5, 35, 16, 373771, tzinfo=UTC)


def read(paths: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    rows, problems = run(amcache, hive(tree(paths), name=INNER), "Amcache.hve")
    assert problems == []
    return rows


def test_it_is_known_by_either_name():
    assert amcache.recognise("Amcache.hve", hive(K("R"), name=""))
    assert amcache.recognise("1f.bin", hive(K("R"), name=INNER))
    assert not amcache.recognise("SYSTEM", hive(K("R")))


def test_files_have_hash_size_and_link_date():
    (row,) = read(
        {
            r"Root\InventoryApplicationFile\a.exe|cf35": {
                "LowerCaseLongPath": ("SZ", r"e:\a.exe"),
                "FileId": ("SZ", "0000" + SHA1),
                "LinkDate": ("SZ", "07/01/2083 21:27:39"),
                "Size": ("QWORD", 63_101_688),
                "Usn": ("QWORD", 248_411_464),
                "Name": ("SZ", "a.exe"),
                "Publisher": ("SZ", ""),
            }
        }
    )["amcache_file"]

    assert (row["path"], row["sha1"], row["size_bytes"]) == (
        r"e:\a.exe",
        SHA1.upper(),
        63_101_688,
    )
    assert row["link_date_utc"] == datetime.fromisoformat("2083-07-01T21:27:39")
    assert (row["usn"], row["publisher"]) == (248_411_464, None)


@pytest.mark.parametrize("identity", ["", "0000", SHA1, "0001" + SHA1])
def test_what_is_no_file_id_gives_no_hash(identity):
    assert amcache.sha1(identity) is None


def test_a_date_that_is_none_is_null_with_a_problem():
    root = tree({r"Root\InventoryApplicationFile\a": {"LinkDate": ("SZ", "13/45/2020 00:00:00")}})

    rows, problems = run(amcache, hive(root, name=INNER), "Amcache.hve")

    assert rows["amcache_file"][0]["link_date_utc"] is None
    assert [p.code for p in problems] == ["amcache_date"]


def test_files_of_the_older_format():
    guid = "8eb8a210-98a8-11ee-953a-3f2bbdbf8483"
    (row,) = read(
        {
            rf"Root\File\{guid}\3000012ab": {
                "15": ("SZ", r"E:\Tools\B.exe"),
                "101": ("SZ", "0000" + SHA1),
                "6": ("DWORD", 4096),
                "17": ("QWORD", filetime(AT)),
                "12": ("QWORD", filetime(AT)),
                "f": ("DWORD", 1_600_000_000),
                "0": ("SZ", "Product"),
            }
        }
    )["amcache_file"]

    assert (row["path"], row["name"], row["sha1"]) == (r"E:\Tools\B.exe", "B.exe", SHA1.upper())
    assert row["file_modified_utc"] == row["file_created_utc"] == AT.replace(tzinfo=None)
    assert row["link_date_utc"] == datetime.fromisoformat("2020-09-13T12:26:40")
    assert (row["volume_guid"], row["file_reference"]) == (guid, "3000012ab")


def test_programs_drivers_and_devices():
    rows = read(
        {
            r"Root\InventoryApplication\0000ab": {
                "Name": ("SZ", "7-Zip"),
                "InstallDate": ("SZ", "03/10/2022 16:34:55"),
            },
            r"Root\InventoryDriverBinary\c:/windows/evil.sys": {
                "DriverId": ("SZ", "0000" + SHA1),
                "DriverSigned": ("SZ", "0"),
                "DriverTimeStamp": ("DWORD", 1_600_000_000),
            },
            r"Root\InventoryDevicePnp\scsi/cdrom&ven_msft&prod_virtual_dvd-rom/2&1f4adffe&0&000001": {
                "InstallDate": ("SZ", "01-06-2024"),
                "Model": ("SZ", "Msft Virtual DVD-ROM"),
            },
        }
    )

    (program,), (driver,), (device,) = (
        rows["amcache_program"],
        rows["amcache_driver"],
        rows["amcache_device"],
    )
    assert (program["name"], program["install_date"]) == ("7-Zip", "2022-03-10 16:34:55")
    assert (driver["path"], driver["signed"]) == (r"c:\windows\evil.sys", False)
    assert driver["sha1"] == SHA1.upper()
    assert device["device_id"] == (r"scsi\cdrom&ven_msft&prod_virtual_dvd-rom\2&1f4adffe&0&000001")
    assert device["install_date"] == "2024-01-06"


@needs_shared
def test_a_real_hive_with_its_logs():
    path = REAL / "AndrewRathbun_DFIRArtifactMuseum/amcache_win10_aptsim/Amcache.hve"
    logs = [path.with_name(f"Amcache.hve.LOG{i}").read_bytes() for i in (1, 2)]

    rows, problems = run(amcache, path.read_bytes(), path.name, *logs)

    assert {t: len(r) for t, r in rows.items()} == {
        "amcache_file": 124,
        "amcache_program": 90,
        "amcache_driver": 0,
        "amcache_device": 189,
    }
    (newest,) = [r for r in rows["amcache_file"] if r["name"] == "gkape.exe"]
    assert (newest["origin"], newest["sha1"]) == ("log", SHA1.upper())
    assert {p.code for p in problems} == {"hive_log_doubt", "hive_replayed"}
