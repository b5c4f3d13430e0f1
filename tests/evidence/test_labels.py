"""What the name of a folder or archive tells: a host, a kind of artifact, a number."""

import pytest

from forensic_iso.evidence.labels import Says, host_of_label, says


@pytest.mark.parametrize(
    ("label", "host"),
    [
        ("WS-1139", "WS-1139"),
        ("ws-1139.corp.example", "WS-1139"),
        ("Collection-WS-2203-20240305T101500Z.zip", "WS-2203"),
        ("Collection-pc-1.corp.example-2021-08-30T05_20_02+00_00.zip", "PC-1"),
        ("Collection-DESKTOP-AB12.zip", "DESKTOP-AB12"),
        ("20240305T101500_WS-6815_kape", "WS-6815"),
        ("2024-03-05T101500_WS-6815_kape.vhdx", "WS-6815"),
        ("WS-1_20240305_101500.tar.gz", "WS-1"),
        ("WS-1-C.0123456789abcdef", "WS-1"),
        ("WIN10.E01", "WIN10"),
        ("FILE01", "FILE01"),
        ("SRV_01", "SRV_01"),
        ("10.0.0.5", "10.0.0.5"),
    ],
)
def test_a_host_is_told(label: str, host: str) -> None:
    assert says(label) is Says.HOST
    assert host_of_label(label) == host


@pytest.mark.parametrize(
    "label",
    ["C", "logs", "EventLogs", "Windows Event Logs", "mft", "kape", "logs_2024-05-01", "F.C7SPU2K4S5H40", "evidence.zip"],
)  # fmt: skip
def test_kinds_of_artifacts_and_tools_are_no_host(label: str) -> None:
    assert says(label) is Says.KIND


@pytest.mark.parametrize("label", ["20240305", "2024-03-05T101500Z", "001", "part2", "disk 1"])
def test_dates_and_numbers_are_no_host(label: str) -> None:
    assert says(label) is Says.NUMBER


@pytest.mark.parametrize("label", ["frodo", "LOG-SRV", "Пк"])
def test_a_word_may_be_one(label: str) -> None:
    assert says(label) is Says.WORD


@pytest.mark.parametrize("label", ["", ".", "___", ".zip", "-", "\ud800", "Collection-", "\x1b[1m"])
def test_what_odd_names_tell_is_never_empty(label: str) -> None:
    assert bool(host_of_label(label)) == bool(label)
