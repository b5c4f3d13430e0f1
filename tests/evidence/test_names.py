"""Collectors' names become Windows' own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensic_iso.evidence.names import (
    is_suspicious,
    layout_start,
    on_windows_volume,
    original_name,
    windows_path,
)

LOGS = r"C:\Windows\System32\winevt\Logs"


@pytest.mark.parametrize(
    ("member", "name"),
    [
        (
            "Microsoft-Windows-Sysmon%4Operational.evtx",
            "Microsoft-Windows-Sysmon%4Operational.evtx",
        ),
        ("Microsoft-Windows-Partition%4Diagnostic.evtx",) * 2,
        (
            "Microsoft-Windows-Partition%254Diagnostic.evtx",
            "Microsoft-Windows-Partition%4Diagnostic.evtx",
        ),
        ("%5C%5C.%5CC%3A", r"\\.\C:"),
        ("C%3A", "C:"),
        ("%24MFT", "$MFT"),
        ("$UsnJrnl%3A$J", "$UsnJrnl:$J"),
        ("offer.iso%3AZone.Identifier", "offer.iso:Zone.Identifier"),
        ("Offer%20May.iso", "Offer%20May.iso"),
        ("C/Users/a/Offer%20May.iso", "Offer%20May.iso"),
        ("uploads/auto/C%3A/Users/a/Offer%2520May.iso", "Offer%20May.iso"),
        ("uploads/auto/C%3A/Users/a/Angebot f%C3%BCr Mai.iso", "Angebot für Mai.iso"),
        ("uploads/auto/C%3A/Users/a/broken%C3.iso", "broken%C3.iso"),
        ("uploads/auto/C%3A/a/Microsoft-Windows-Partition%4Diagnostic.evtx", None),
    ],
)
def test_escapes_are_undone_where_the_collector_made_them(member: str, name: str | None) -> None:
    assert original_name(member) == (name or member.rpartition("/")[2])


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("C/$MFT", r"C:\$MFT"),
        ("HOST/C/Windows/System32/winevt/Logs/System.evtx", LOGS + r"\System.evtx"),
        ("C%3A/Windows/System32/winevt/Logs/A%254Operational.evtx", LOGS + r"\A%4Operational.evtx"),
        ("uploads/auto/C%3A/Users/x/a b.iso", r"C:\Users\x\a b.iso"),
        ("uploads/ntfs/%5C%5C.%5CD%3A/$MFT", r"D:\$MFT"),
        (r"C\Windows\System32\winevt\Logs\System.evtx", LOGS + r"\System.evtx"),
        ("/C/Windows/System32/winevt/Logs/System.evtx", LOGS + r"\System.evtx"),
        ("c/windows/notepad.exe", r"C:\windows\notepad.exe"),
        ("C/VSS1/Windows/System32/winevt/Logs/System.evtx", LOGS + r"\System.evtx"),
        ("HOST/E/images/x.iso", r"E:\images\x.iso"),
        ("D_/Users/x/y.lnk", r"D:\Users\x\y.lnk"),
        ("C/Users/x/D/y.lnk", r"C:\Users\x\D\y.lnk"),
        ("HOST/$MFT", None),
        ("Security.evtx", None),
        ("Windows/System32/winevt/Logs/System.evtx", None),
        ("Users/x/D/y.lnk", None),
        ("[root]/Windows/System32/winevt/Logs/System.evtx", None),
        ("ntfs/%5C%5C%3F%5CGLOBALROOT%5CDevice%5CHarddiskVolumeShadowCopy1/Windows/x", None),
        ("C/Users/../x", None),
    ],
)
def test_windows_path_needs_a_drive_folder(path: str, expected: str | None) -> None:
    assert windows_path(path) == expected


def test_a_drive_folder_of_the_analyst_is_none_of_windows() -> None:
    assert windows_path("WS-1/Security.evtx", "/cases/C") is None
    assert windows_path("Windows/notepad.exe", "/cases/HOST/C") == r"C:\Windows\notepad.exe"


def test_layout_begins_at_the_drive_or_the_collectors_frame() -> None:
    assert layout_start("HOST/C/Windows/a") == 1
    assert layout_start("HOST/uploads/auto/C%3A/Windows/a") == 1
    assert layout_start("HOST/Windows/System32/a") == 1
    assert layout_start("Windows/HOST/Security.evtx") is None


def test_archives_of_the_volume_are_told_from_collections_beside_it() -> None:
    assert on_windows_volume("HOST/C/Users/a/Downloads/offer.zip")
    assert on_windows_volume("Users/a/Downloads/offer.zip")
    assert not on_windows_volume("Windows/HOST-1.zip")
    assert not on_windows_volume("collections/HOST-1.zip")


@pytest.mark.parametrize("name", ["/etc/x", "../x", "a/../../x", r"a\..\x", r"C:\x", "a\x1bb"])
def test_names_that_climb_or_act_are_suspicious(name: str) -> None:
    assert is_suspicious(name)


def test_ordinary_names_are_not_suspicious() -> None:
    assert not is_suspicious("uploads/ntfs/%5C%5C.%5CC%3A/$MFT")
    assert not is_suspicious("C/Users/a/..hidden..iso")


@given(st.text())
def test_any_text_is_taken_as_a_name(text: str) -> None:
    original_name(text)
    windows_path(text, text)
    layout_start(text)
