"""Whatever the bytes: rows that fit the declarations and problems with a place, never an exception."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers.hives import amcache, software, system
from tests.builders.hive import WRITTEN, filetime_bytes, hive, tree
from tests.parsers.hives.helpers import run

STAMP = filetime_bytes(WRITTEN)
NT = r"Microsoft\Windows NT\CurrentVersion"
TIMES = r"Properties\{83da6326-97a6-4088-9453-a1923f573b29}"
DVD = r"ControlSet001\Enum\SCSI\CdRom&Ven_Msft&Prod_Virtual_DVD-ROM\2&1f4adffe&0&000001"
RAW = "C:\\a.exe".encode("utf-16-le")
SHIM = struct.pack("<H", len(RAW)) + RAW + STAMP + struct.pack("<I", 0)
CACHE = (
    struct.pack("<I", 0x34).ljust(0x34, b"\0") + struct.pack("<4sII", b"10ts", 0, len(SHIM)) + SHIM
)
HIVES = {
    system: hive(
        tree(
            {
                "Select": {"Current": ("DWORD", 1)},
                r"ControlSet001\Control\ComputerName\ComputerName": {
                    "ComputerName": ("SZ", "WS-1")
                },
                r"ControlSet001\Control\Windows": {"ShutdownTime": ("BINARY", STAMP)},
                r"ControlSet001\Control\Session Manager\AppCompatCache": {
                    "AppCompatCache": ("BINARY", CACHE)
                },
                r"ControlSet001\Services\bam\State\UserSettings\S-1-5-18": {
                    "x.exe": ("BINARY", STAMP)
                },
                rf"{DVD}\{TIMES}\0066": {"": ("DEVPROP_FILETIME", STAMP)},
                "MountedDevices": {r"\DosDevices\F:": ("BINARY", struct.pack("<IQ", 1, 1 << 40))},
            }
        )
    ),
    software: hive(
        tree(
            {
                NT: {"InstallDate": ("DWORD", 1_678_251_681), "InstallTime": ("QWORD", 1 << 57)},
                rf"{NT}\EMDMgmt\X#LABEL_123456789": {"LastTestedTime": ("QWORD", 1 << 57)},
                r"Classes\Windows.IsoFile\shell\mount\command": {"": ("SZ", "x")},
                r"Microsoft\Windows\CurrentVersion\Run": {"A": ("SZ", "a.exe")},
                rf"{NT}\ProfileList\S-1": {"ProfileImagePath": ("SZ", r"C:\Users\a")},
            }
        )
    ),
    amcache: hive(
        tree(
            {
                r"Root\InventoryApplicationFile\a|1": {
                    "FileId": ("SZ", "0000" + "ab" * 20),
                    "LinkDate": ("SZ", "01/02/2020 03:04:05"),
                    "Size": ("QWORD", 1 << 40),
                },
                r"Root\File\{1}\2": {
                    "f": ("DWORD", 5),
                    "6": ("SZ", "0xffff"),
                    "17": ("QWORD", 1 << 57),
                },
                r"Root\InventoryDevicePnp\scsi/x": {"InstallDate": ("SZ", "01-06-2024")},
            }
        )
    ),
}


@pytest.mark.parametrize("parser", HIVES, ids=lambda p: p.KIND)
def test_nothing_is_wrong_before_mutation(parser):
    rows, problems = run(parser, HIVES[parser], "x")

    assert any(rows.values())
    assert problems == []


@settings(max_examples=120, deadline=None)
@given(
    st.sampled_from(list(HIVES)),
    st.lists(st.tuples(st.integers(4096, 7600), st.binary(min_size=1, max_size=6)), max_size=10),
)
def test_mutated_hives_give_rows_and_problems_only(parser, changes):
    data = bytearray(HIVES[parser])
    for at, content in changes:
        data[at : at + len(content)] = content

    rows, problems = run(parser, bytes(data[: len(HIVES[parser])]), "x")

    assert all(p.place.startswith(("offset", "log")) for p in problems)
    assert sum(map(len, rows.values())) < 1000
