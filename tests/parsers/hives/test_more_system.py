from datetime import UTC, datetime
from typing import Any

from parsers.hives import system
from tests.builders.hive import filetime_bytes, hive, tree
from tests.parsers.hives.helpers import run

AT = datetime(2024, 1, 6, 5, 35, 16, 373771, tzinfo=UTC)
LATER = datetime(2024, 1, 6, 6, 0, tzinfo=UTC)
DISK = "{0f5a3c1e-1111-2222-3333-444455556666}"


def read(paths: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    rows, problems = run(
        system, hive(tree({"Select": {"Current": ("DWORD", 1)}, **paths})), "SYSTEM"
    )
    assert problems == []
    return rows


def test_a_volume_of_a_disk_has_its_arrival_and_removal() -> None:
    key = rf"ControlSet001\Enum\STORAGE\Volume\{DISK}#0000000000100000"
    times = rf"{key}\Properties\{{83da6326-97a6-4088-9453-a1923f573b29}}"

    rows = read(
        {
            key: {"ContainerID": ("SZ", "{00000000-0000-0000-ffff-ffffffffffff}")},
            rf"{times}\0066": {"": ("DEVPROP_FILETIME", filetime_bytes(AT))},
            rf"{times}\0067": {"": ("DEVPROP_FILETIME", filetime_bytes(LATER))},
        }
    )

    (row,) = rows["storage_volume"]
    assert (row["disk_guid"], row["partition_offset"]) == (DISK[1:-1], 1 << 20)
    assert (row["last_arrival_utc"], row["last_removal_utc"]) == (
        AT.replace(tzinfo=None),
        LATER.replace(tzinfo=None),
    )


def test_a_volume_of_usb_storage_names_its_device() -> None:
    name = "_??_USBSTOR#Disk&Ven_X&Prod_Y#123&0#{53f56307-b6bf-11d0-94f2-00a0c91efb8b}"

    (row,) = read({rf"ControlSet001\Enum\STORAGE\Volume\{name}": {}})["storage_volume"]

    assert (row["device_path"], row["disk_guid"], row["last_arrival_utc"]) == (name, None, None)


def test_rules_of_the_firewall_name_their_program() -> None:
    key = r"ControlSet001\Services\SharedAccess\Parameters\FirewallPolicy\FirewallRules"
    asked = r"TCP Query User{1A2B}E:\tool.exe"
    rule = (
        r"v2.30|Action=Block|Active=TRUE|Dir=In|Protocol=6|Profile=Public|Profile=Private|"
        r"App=E:\tool.exe|Name=tool|Desc=tool|Defer=User|"
    )

    rows = read(
        {
            key: {
                asked: ("SZ", rule),
                "core": ("SZ", "v2.30|Action=Allow|App=System|Name=x|"),
                "none": ("SZ", "v2.30|Action=Allow|Name=y|"),
            }
        }
    )

    (row,) = rows["firewall_rule"]
    assert (row["app"], row["action"], row["direction"]) == (r"E:\tool.exe", "Block", "In")
    assert (row["profile"], row["asked_user"], row["active"]) == ("Public\nPrivate", True, True)
    assert row["rule_id"] == asked
