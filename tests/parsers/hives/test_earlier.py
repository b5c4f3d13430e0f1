from dataclasses import replace

from parsers.contract import Batch, Problem
from parsers.hives import software, system
from tests.builders.hive import hive, tree
from tests.parsers.reading import artifact

SYSTEM = hive(
    tree(
        {
            "Select": {"Current": ("DWORD", 1)},
            r"ControlSet001\Control\ComputerName\ComputerName": {
                "ComputerName": ("SZ", "OLD-NAME")
            },
            r"ControlSet001\Control\TimeZoneInformation": {
                "Bias": ("DWORD", -60),
                "StandardStart": ("BINARY", bytes(16)),
                "DaylightStart": ("BINARY", bytes(16)),
            },
            r"ControlSet001\Enum\SCSI\CdRom&Ven_Msft&Prod_Virtual_DVD-ROM\2&1f4adffe&0&000001": {},
        }
    )
)


def test_settings_of_a_hive_of_an_earlier_state_do_not_hold_now_and_name_no_host() -> None:
    batches, problems = [], []
    for item in system.parse(replace(artifact("SYSTEM", SYSTEM), earlier="an earlier Windows")):
        (batches if isinstance(item, Batch) else problems).append(item)

    frames = {b.table: b.frame for b in batches if isinstance(b, Batch)}
    assert not frames["host_setting"]["current"].any()
    assert not frames["local_time_offset"]["current"].any()
    assert frames["scsi_device"]["current"].all()
    assert all("host" not in frame.columns for frame in frames.values())
    assert [(p.code, p.found) for p in problems if isinstance(p, Problem)] == [
        ("hive_earlier_state", "one of an earlier Windows")
    ]


def test_the_hive_in_use_holds_and_names_its_host() -> None:
    frames = {
        b.table: b.frame for b in system.parse(artifact("SYSTEM", SYSTEM)) if isinstance(b, Batch)
    }

    assert frames["host_setting"]["current"].all()
    assert set(frames["host_setting"]["host"]) == {"OLD-NAME"}


def test_an_old_build_is_not_the_present_one() -> None:
    path = r"Microsoft\Windows NT\CurrentVersion"
    data = hive(tree({path: {"CurrentBuildNumber": ("SZ", "19041")}}))
    given = replace(artifact("SOFTWARE", data), earlier="a backup of the registry")

    [frame] = [
        b.frame for b in software.parse(given) if isinstance(b, Batch) and b.table == "host_setting"
    ]

    assert frame.select("setting", "value", "current").rows() == [("build", "19041", False)]
